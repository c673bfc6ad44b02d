"""What lies where in the data directory, and what a running `farebox up` says of itself there."""

import fcntl
import json
import os
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

UP_FILE: Final = "up.json"


class DataFolderTaken(Exception):
    """Another `farebox up` uses the data directory; the message names it and the remedy."""


@dataclass(frozen=True, slots=True)
class DataFolder:
    """A data directory: every path below it has its name here."""

    path: Path

    @property
    def store(self) -> Path:
        """The embedded store's files."""
        return self.path / "store"

    @property
    def segments(self) -> Path:
        """Segment files of the journal, written by the archiver."""
        return self.path / "segments"

    @property
    def records(self) -> Path:
        """Charging records and their manifest."""
        return self.path / "records"

    @property
    def notices(self) -> Path:
        """The notifier's lock."""
        return self.path / "notices"

    @property
    def run(self) -> Path:
        """A file `<name>.ready` a child process, `<ports ...> <pid>`, once it serves; the engine's socket for front ends."""
        return self.path / "run"

    @property
    def logs(self) -> Path:
        """A file `<name>.log` a child process."""
        return self.path / "logs"

    @property
    def clock(self) -> Path:
        """How far a test clock is ahead (runtime/moved_clock.py); it isn't there where the machine's clock is all."""
        return self.path / "clock"

    @property
    def first_login(self) -> Path:
        """Login and one-time password of the first administrator, for this user alone, until `farebox up` has said them."""
        return self.path / "first-login"

    @property
    def own_store(self) -> Path:
        """Which store the directory belongs to (runtime/own_store.py)."""
        return self.path / "store.json"

    @property
    def up_file(self) -> Path:
        """What runs: UpState as JSON, while `farebox up` runs."""
        return self.path / UP_FILE


@dataclass(frozen=True, slots=True)
class UpState:
    """What a running `farebox up` consists of, for tools: `<data_dir>/up.json`."""

    pid: int
    store_url: str
    pids: Mapping[str, int] = field(default_factory=dict)
    """by name: store, engine, archiver, records, gy-1 ...; of those that run as processes of this machine"""
    ports: Mapping[str, int] = field(default_factory=dict)
    """`gy`, and `<name>_metrics` of those that have metrics"""
    states: Mapping[str, str] = field(default_factory=dict)
    """by name: starting, ready or ended"""
    is_store_adopted: bool = False


def write_first_login(folder: DataFolder, login: str, password: str) -> None:
    """Keep what the first administrator logs in with for who tells it."""
    folder.first_login.unlink(missing_ok=True)
    descriptor = os.open(folder.first_login, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{login} {password}\n")


def take_first_login(folder: DataFolder) -> tuple[str, str] | None:
    """(login, one-time password) that nobody was told yet, once; None where there is none."""
    try:
        login, password = folder.first_login.read_text().split()
        folder.first_login.unlink()
    except (OSError, ValueError):
        return None
    return login, password


def write_up_state(folder: DataFolder, state: UpState) -> None:
    """Put the state in place of the earlier one, whole at any instant."""
    partial = folder.up_file.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # a store's URL may hold its password
    with os.fdopen(descriptor, "w") as file:
        file.write(json.dumps(asdict(state), indent=1) + "\n")
    partial.replace(folder.up_file)


def read_up_state(folder: DataFolder) -> UpState | None:
    """What runs in the directory; None where no `farebox up` does (a file left by a killed one is not believed)."""
    try:
        state = UpState(**json.loads(folder.up_file.read_text()))
        os.kill(state.pid, 0)
    except PermissionError:
        return state
    except (OSError, ValueError, TypeError):
        return None
    return state


def lock_data_folder(folder: DataFolder) -> int:
    """A descriptor that holds the directory for this `farebox up` until it is closed, by death as well."""
    if folder.path.exists() and not folder.path.is_dir():
        raise DataFolderTaken(f"data directory {folder.path} is a file: give a folder with --data-dir")
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder.path / "up.lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise DataFolderTaken(
            f"data directory {folder.path} can't be written ({error.strerror}): give another with --data-dir"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        other = read_up_state(folder)
        who = f"process {other.pid}" if other else "another farebox up"
        raise DataFolderTaken(
            f"data directory {folder.path} is used by {who}: stop that, or give another with --data-dir"
        ) from error
    os.truncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def lock_notices(folder: DataFolder) -> int:
    """A descriptor that keeps a second notifier out of the directory until it is closed, by death as well. DataFolderTaken.

    So a notifier that was here before is dead, and its place in the store is taken at once.
    """
    folder.notices.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder.notices / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise DataFolderTaken(f"another notifier works in {folder.notices}: stop that") from error
    return descriptor


def notifier_node(descriptor: int) -> str:
    """What the notifier that holds this lock is called in the store: its machine, and which file the lock is."""
    machine = "".join(sign if sign.isalnum() or sign in "-._" else "-" for sign in socket.gethostname())
    return f"{machine or 'localhost'}:{os.fstat(descriptor).st_ino:x}"


def refuse_beside_up(folder: DataFolder, store_url: str, parent_pid: int) -> None:
    """DataFolderTaken where a running `farebox up` works with this directory and store, unless it is this one's parent.

    A second engine would take the partitions from the one that it runs.
    """
    try:
        descriptor = os.open(folder.path / "up.lock", os.O_RDONLY)
    except OSError:
        return  # no `farebox up` was ever here
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 20, 0).decode()
        state = read_up_state(folder)
        if holder == str(parent_pid) or (state is not None and state.store_url != store_url):
            return
        raise DataFolderTaken(
            f"data directory {folder.path} is used by farebox up, process {holder}, which runs an engine, an archiver and a"
            " record writer of its own: stop that, or give another store and directory with --store and --data-dir"
        ) from error
    finally:
        os.close(descriptor)
