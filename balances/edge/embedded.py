"""The embedded store: a Valkey of Farebox's own in a folder, started, adopted, watched and stopped.

The server holds the folder's lock: a descriptor that it inherits and that nobody else keeps, so the lock lives exactly as
long as the server does, whatever becomes of the process that started it. A store that still runs (its supervisor was
killed) is adopted through its socket; a second one never starts on the folder. The server has a process group of its own:
^C on the terminal reaches the supervisor, which stops it last.

The file may end in a torn write when the server or the machine died. It is cut off at start in both modes: under
`always` no answer left before its write was on disk, so the torn one is nobody's; under `everysec` it is part of what
that mode may lose. Damage before the end is never cut off by itself.
"""

import contextlib
import fcntl
import os
import subprocess
import time
from enum import Enum
from pathlib import Path
from typing import Final

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError
from redis.retry import Retry

from balances.edge.adopted_server import AdoptedServer, find_listening_server
from balances.edge.append_only_files import FOLDER_NAME, MANIFEST_NAME, AppendOnlyFiles
from balances.edge.embedded_socket import SOCKET_NAME, embedded_url, socket_path
from balances.edge.server_binary import find_server_binary, server_environment
from balances.edge.server_log import LOG_NAME, cuts, log_size, put_aside, remedy_for, words_of_the_end
from balances.store import StoreError, StoreUnreachable

LOCK_NAME: Final = "lock"
FSYNC_MODES: Final = ("always", "everysec")
REWRITE_MIN_MIB_MAX: Final = 1 << 20
LOCKED_S: Final = 10.0
"""How long a locked folder may stay without a server that answers: one starts, or ends (its rewriting child outlives a
killed server by up to a second)."""
SILENT_S: Final = 30.0
"""How long a server may live and not answer at all; one that says that it is loading may take as long as it needs."""
KILLED_S: Final = 10.0
_REPLY_S: Final = 5.0
_POLL_S: Final = 0.01
_CLIENTS_MAX: Final = 1024

_SETTINGS_FIXED: Final = (
    ("port", "0"),
    ("unixsocket", SOCKET_NAME),  # relative to the server's folder: no path is too long for it
    ("unixsocketperm", "700"),
    ("daemonize", "no"),
    ("dir", "."),
    ("logfile", LOG_NAME),
    ("databases", "1"),
    ("maxclients", str(_CLIENTS_MAX)),
)
_SETTINGS: Final = (
    ("appendonly", "yes"),
    ("maxmemory", "0"),
    ("maxmemory-policy", "noeviction"),
    ("save", ""),  # the append-only file is the one truth; snapshots beside it would only cost forks
    ("no-appendfsync-on-rewrite", "no"),
    ("auto-aof-rewrite-percentage", "100"),
    ("aof-use-rdb-preamble", "yes"),
    ("rdbcompression", "no"),  # records are packed: it took a third of a rewrite, and its file was no smaller
    ("aof-load-truncated", "yes"),
    ("aof-rewrite-incremental-fsync", "yes"),
    ("aof-disable-auto-gc", "yes"),  # AppendOnlyFiles has what rewrites leave
    ("hz", "10"),
    ("dynamic-hz", "yes"),
    ("activedefrag", "no"),
    ("timeout", "0"),  # an owner's connection may be silent
)
"""Beside appendfsync and auto-aof-rewrite-min-size, what a running server can be given too."""


class _Life(Enum):
    READY = "answers"
    LOADING = "is loading its append-only file"
    SILENT = "does not answer"


def _settings(fsync: str, rewrite_min_mib: int) -> dict[str, str]:
    return dict(_SETTINGS) | {"appendfsync": fsync, "auto-aof-rewrite-min-size": str(rewrite_min_mib << 20)}


class EmbeddedStore:
    """The store of a folder. Its methods block, for as long as their docstrings say; none is for an event loop's thread."""

    def __init__(self, folder: Path, *, fsync: str, rewrite_min_mib: int) -> None:
        """Nothing starts yet. StoreError names a value that doesn't fit.

        fsync             `always`: nothing that was answered is ever lost; `everysec`: the last second or two may be
        rewrite_min_mib   size in MiB below which the append-only file is never rewritten
        """
        if fsync not in FSYNC_MODES:
            raise StoreError(f"store.fsync is {fsync!r}: {' or '.join(FSYNC_MODES)} fits")
        if not 1 <= rewrite_min_mib <= REWRITE_MIN_MIB_MAX:
            raise StoreError(f"store.rewrite_min_mib is {rewrite_min_mib}: 1 to {REWRITE_MIN_MIB_MAX} fits")
        self.folder = folder.resolve()
        self.notices: tuple[str, ...] = ()
        """What the last start found that an operator should read: a torn end cut off, settings changed at adoption."""
        self._settings = _settings(fsync, rewrite_min_mib)
        self._process: subprocess.Popen[bytes] | None = None
        self._adopted: AdoptedServer | None = None
        self._files: AppendOnlyFiles | None = None

    # --- what is true now
    @property
    def url(self) -> str:
        """Address for RedisStore."""
        return embedded_url(self.folder)

    @property
    def pid(self) -> int:
        """Process id of the server; 0 where none was started or adopted."""
        if self._process is not None:
            return self._process.pid
        return 0 if self._adopted is None else self._adopted.pid

    @property
    def is_adopted(self) -> bool:
        """Was the server there already?"""
        return self._adopted is not None

    @property
    def is_new(self) -> bool:
        """Would a server that starts here hold nothing? Without its manifest it reads no file."""
        return not (self.folder / FOLDER_NAME / MANIFEST_NAME).exists()

    def is_running(self) -> bool:
        """Does the server that was started or adopted still live? Asks the system, not the server."""
        if self._process is not None:
            return self._process.poll() is None
        return self._adopted is not None and not self._adopted.ends_within(0)

    # --- starting
    def start(self) -> None:
        """Start the folder's server, or adopt the one that runs; returns when it answers. Does nothing while it runs.

        StoreError: no server for this platform, a folder that is locked without one, or the server's own words for why
        it ended, with a remedy. Takes as long as the server needs to load its file.
        """
        if self.is_running():
            return
        self._forget()
        self._make_folder()
        ends = time.monotonic() + LOCKED_S
        while True:
            lock = self._take_lock()
            if lock is not None:
                self._launch(lock)
                break
            if self._adopt():
                break
            if time.monotonic() > ends:
                raise StoreError(self._locked_because())
            time.sleep(_POLL_S)
        self._files = AppendOnlyFiles(self.folder, self.pid, self._collect)
        self._files.start()

    def _collect(self) -> None:
        with contextlib.suppress(RedisError, OSError), self._client() as client:  # else at the next look
            for is_disabled in ("no", "yes"):
                client.config_set("aof-disable-auto-gc", is_disabled)

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            put_aside(self.folder)
        except OSError as error:
            raise StoreError(f"the store's folder {self.folder} can't be made: {error}") from error

    def _take_lock(self) -> int | None:
        """A descriptor that holds the folder's lock; None where a server has it."""
        try:
            descriptor = os.open(self.folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"the store's folder {self.folder} can't be locked: {error}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError as error:
            os.close(descriptor)
            raise StoreError(
                f"{self.folder / LOCK_NAME} can't be locked ({error}): put the store on a local file system"
            ) from error
        return descriptor

    def _locked_because(self) -> str:
        holder = (self.folder / LOCK_NAME).read_text(errors="replace").strip() or "an unknown process"
        return (
            f"the store's folder {self.folder} is locked by {holder}, but no server answers there: it hangs, or was given"
            f" another socket. End that process, or give another folder (--data-dir)"
        )

    def _launch(self, lock: int) -> None:
        """Start a server that takes the lock with it."""
        binary = find_server_binary()
        start = log_size(self.folder)
        arguments = [
            word for name, value in (*_SETTINGS_FIXED, *self._settings.items()) for word in (f"--{name}", value)
        ]
        try:
            with (self.folder / LOG_NAME).open("ab") as log:
                self._process = subprocess.Popen(
                    [binary, *arguments],
                    cwd=self.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=server_environment(),
                    pass_fds=(lock,),
                    # ^C isn't for it, but the session is ours: schedulers weigh sessions (autogroups), and beside one of its
                    # own the store would wait for the slices of processes that yield to everybody else
                    process_group=0,
                )
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"process {self._process.pid}\n".encode(), 0)
        except OSError as error:
            if self._process is None:
                raise StoreError(f"{binary} can't be started in {self.folder}: {error}") from error
            # A full disk must not keep the store from saying so itself; the lock holds without its text.
        finally:
            os.close(lock)
        self._await_answer(self._process, binary, start)
        self.notices = cuts(self.folder, start)

    def _await_answer(self, process: "subprocess.Popen[bytes]", binary: Path, log_start: int) -> None:
        heard = time.monotonic()
        with self._client() as client:
            while (life := _ask(client)) is not _Life.READY:
                status = process.poll()
                if status is not None:
                    words = words_of_the_end(self.folder, log_start) or f"nothing; it ended with status {status}"
                    raise StoreError(
                        f"the embedded store in {self.folder} ended while it started. It said: {words}."
                        f" Remedy: {remedy_for(words, self.folder, binary)}"
                    )
                if life is _Life.LOADING:
                    heard = time.monotonic()
                elif time.monotonic() > heard + SILENT_S:
                    process.kill()
                    process.wait(KILLED_S)
                    raise StoreError(
                        f"the embedded store in {self.folder} did not answer for {SILENT_S:.0f} s and was ended: see"
                        f" {self.folder / LOG_NAME}"
                    )
                time.sleep(_POLL_S)

    # --- adopting
    def _adopt(self) -> bool:
        """Take over the server that listens on the folder's socket. False where none does, or it ends meanwhile."""
        self._adopted = find_listening_server(socket_path(self.folder))
        if self._adopted is None:
            return False
        try:
            with self._client() as client:
                if self._await_adopted(client):
                    self.notices = self._tune(client)
                    return True
        except (RedisError, OSError) as error:
            if self.is_running():
                self._forget()
                raise StoreUnreachable(f"the store that runs in {self.folder} can't be adopted: {error}") from error
        except StoreError:
            self._forget()
            raise
        self._forget()
        return False

    def _await_adopted(self, client: Redis) -> bool:
        """Until the server answers; False where it ended, or is silent."""
        heard = time.monotonic()
        while (life := _ask(client)) is not _Life.READY:
            if not self.is_running() or time.monotonic() > heard + _REPLY_S:
                return False
            if life is _Life.LOADING:
                heard = time.monotonic()
            time.sleep(_POLL_S)
        return True

    def _tune(self, client: Redis) -> tuple[str, ...]:
        """Give the adopted server the settings that it has otherwise; what was changed."""
        stored = client.config_get(*self._settings)
        changed = []
        for name, wanted in self._settings.items():
            value = stored.get(name)
            if value == wanted or value is None:
                continue
            try:
                client.config_set(name, wanted)
            except RedisError as error:
                raise StoreError(
                    f"the store that runs in {self.folder} has {name} {value!r} and refuses {wanted!r} ({error}): stop it"
                    f" (process {self.pid}) and start again"
                ) from error
            changed.append(f"{name} was {value!r} and is {wanted!r} now")
        return tuple(changed)

    # --- stopping
    def stop(self, timeout_s: float) -> None:
        """End the server, started or adopted: asked first, killed after `timeout_s`. Does nothing where none runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(KILLED_S)
        elif self._adopted is not None and self.is_running():
            self._end_adopted(self._adopted, timeout_s)
        self._forget()

    def _end_adopted(self, server: AdoptedServer, timeout_s: float) -> None:
        ends = time.monotonic() + timeout_s
        with contextlib.suppress(RedisError, OSError), self._client(reply_s=min(timeout_s, _REPLY_S)) as client:
            client.shutdown()
        if not server.ends_within(max(ends - time.monotonic(), _POLL_S)):
            server.kill()
            if not server.ends_within(KILLED_S):
                raise StoreUnreachable(f"the store in {self.folder} (process {server.pid}) can't be ended: kill it")

    def _forget(self) -> None:
        if self._files is not None:
            self._files.stop()
            self._files = None
        if self._adopted is not None:
            self._adopted.close()
        self._process = self._adopted = None
        self.notices = ()

    def _client(self, *, reply_s: float = _REPLY_S) -> Redis:
        return Redis(
            unix_socket_path=str(socket_path(self.folder)),
            socket_timeout=reply_s,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )


def _ask(client: Redis) -> _Life:
    try:
        client.ping()
    except BusyLoadingError:
        return _Life.LOADING
    except (RedisError, OSError):
        return _Life.SILENT
    return _Life.READY
