"""`farebox up`: keeps the store, the engine, the archiver and the record writer running, and stops all of it cleanly.

The supervisor holds no state of the business: each child finds its place again by itself, so a child that died is simply
started again, ever more slowly while it keeps dying. Children are listed in the order in which data flows, the store
last, and are stopped in that order.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Final, Protocol

from balances.edge.embedded import EmbeddedStore
from balances.store import StoreError
from runtime import kill_points
from runtime.launch import Launch, StartedProcess, launch_alone

LOOK_S: Final = 0.05
RESTART_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
STEADY_S: Final = 30.0
"""A child that lived this long starts from the shortest delay again."""
STOP_S: Final = 20.0
RESTART_SIGNAL: Final = signal.SIGUSR1
"""Not SIGHUP: that a terminal sends as it closes, and then everything is to end."""
LOG_OCTETS_MAX: Final = 16 * 1024 * 1024
"""A log that is longer when its process starts is put aside as `<name>.log.1`."""
LOG_TAIL_OCTETS: Final = 8192
STORE_ROOM_OCTETS_MIN: Final = 32 * 1024 * 1024
"""With less free disk the embedded store isn't started: it would read all of its file and end with the first write."""


class ChildState(Enum):
    """What a child does now."""

    STARTING = "starting"
    READY = "ready"
    ENDED = "ended"
    STOPPED = "stopped"


class Child(Protocol):
    """Something to keep running."""

    name: str
    restarts_in_turn: bool
    """Is it started anew by a rolling restart?"""
    is_to_die: bool
    """Did its last start have a kill point? Then its death says nothing of how it does."""

    async def start(self) -> None:
        """Start it, also again after a death. StoreError or OSError: it can't start now; it is tried again later."""

    def is_running(self) -> bool:
        """False once it has ended."""

    def ready_ports(self) -> tuple[int, ...] | None:
        """Ports that it listens on, once it serves; None before."""

    @property
    def pid(self) -> int:
        """Its process; 0 where there is none."""

    def last_words(self) -> str:
        """Why it ended, as far as it is known."""

    def stop(self, timeout_s: float) -> bool:
        """End it, by force after `timeout_s`; False where force was needed. Blocks."""


class ProcessChild:
    """A child process of this program, `farebox <role> <arguments ...>`, that writes `<ports ...> <pid>` to its ready file."""

    restarts_in_turn = True

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        ready_file: Path,
        log: Path,
        launch: Launch = launch_alone,
    ) -> None:
        self.name = name
        self.log = log
        self._launch = launch
        self._failed = ""
        self._arguments = [*arguments, "--ready-file", str(ready_file)]
        self._environment = dict(environment)
        self._ready_file = ready_file
        self._process: StartedProcess | None = None
        self._log_began = 0
        self.is_to_die = False

    async def start(self) -> None:
        """See Child. A kill point is armed for one start alone: else the child would die of it for ever."""
        self._ready_file.unlink(missing_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_OCTETS_MAX:
            self.log.replace(self.log.with_suffix(".log.1"))
        self._log_began = self.log.stat().st_size if self.log.exists() else 0
        self._process, self._failed = None, ""
        try:
            self._process = await self._launch(self._arguments, self._environment, self.log)
        except OSError as error:
            self._failed = str(error)
            raise
        plan = self._environment.pop(kill_points.VARIABLE, "")
        self.is_to_die = kill_points.is_armed(plan, self._arguments[0])
        left = kill_points.after_start(plan, self._arguments[0])
        if left:
            self._environment[kill_points.VARIABLE] = left

    def is_running(self) -> bool:
        """See Child."""
        return self._process is not None and self._process.poll() is None

    def ready_ports(self) -> tuple[int, ...] | None:
        """See Child; what an earlier process left is not believed."""
        try:
            *ports, pid = (int(word) for word in self._ready_file.read_text().split())
        except (OSError, ValueError):
            return None
        return tuple(ports) if pid == self.pid else None

    @property
    def pid(self) -> int:
        """See Child."""
        return self._process.pid if self._process is not None else 0

    def last_words(self) -> str:
        """See Child: its exit and the last line of its log."""
        if self._failed:
            return self._failed
        status = self._process.returncode if self._process is not None else None
        how = f"signal {-status}" if status is not None and status < 0 else f"exit code {status}"
        line = self._last_line()
        return f"{how}: {line} (more in {self.log})" if line else how

    def _last_line(self) -> str:
        try:
            with self.log.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(self._log_began, size - LOG_TAIL_OCTETS))
                lines = file.read().decode(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1].strip() if lines else ""

    def stop(self, timeout_s: float) -> bool:
        """See Child."""
        self._ready_file.unlink(missing_ok=True)
        if self._process is None or self._process.poll() is not None:
            return True
        self._process.terminate()
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            return False
        return True


class StoreChild:
    """The embedded store, started by this process or adopted from one that was killed."""

    restarts_in_turn = False
    is_to_die = False

    def __init__(self, make: Callable[[], EmbeddedStore]) -> None:
        self.name = "store"
        self._make = make
        self.store = make()
        self._failed = ""
        self._has_started = False
        self.is_closed = False
        """It ended when it was asked to."""

    async def start(self) -> None:
        """See Child. In a thread: a store reads its append-only file before it answers.

        One that ended is not tried on a full disk: the supervisor asks again every few seconds, so it starts once there
        is room. The first start may be an adoption, which needs none.
        """
        self.store = self._make()
        self._failed = ""
        try:
            if self._has_started:
                _check_room(self.store.folder)
            await asyncio.to_thread(self.store.start)
            self._has_started = True
        except (StoreError, OSError) as error:
            self._failed = str(error)
            raise

    def is_running(self) -> bool:
        """See Child."""
        return self.store.is_running()

    def ready_ports(self) -> tuple[int, ...] | None:
        """See Child; it listens on a socket of the data directory alone."""
        return () if self.store.is_running() else None

    @property
    def pid(self) -> int:
        """See Child."""
        return self.store.pid or 0

    def last_words(self) -> str:
        """See Child."""
        return self._failed or "it was killed, or ended by itself (its log is beside its files)"

    def stop(self, timeout_s: float) -> bool:
        """See Child. Who ends when asked has written its file to disk; who is killed, or had died, may not have."""
        was_running, began_s = self.store.is_running(), time.monotonic()
        self.store.stop(timeout_s)
        is_in_time = time.monotonic() - began_s < timeout_s
        self.is_closed = was_running and is_in_time
        return is_in_time


def _check_room(folder: Path) -> None:
    """StoreError where the disk of a folder, which may not be there yet, has too little room for a store."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free_octets = shutil.disk_usage(there).free
    if free_octets < STORE_ROOM_OCTETS_MIN:
        raise StoreError(
            f"the disk of {folder} is full ({free_octets >> 20} MiB are free): make room, the store starts by itself"
            f" with {STORE_ROOM_OCTETS_MIN >> 20} MiB"
        )


@dataclass(slots=True)
class _Life:
    """A child and how it is doing."""

    child: Child
    state: ChildState = ChildState.ENDED
    started: float = 0.0
    deaths: int = 0
    restart_at: float = 0.0
    ports: tuple[int, ...] = ()
    starting: "asyncio.Task[None] | None" = field(default=None)
    is_stopping: bool = False
    """a rolling restart has it in hand"""


OnChange = Callable[[Child, ChildState, str], None]
"""(child, its new state, why it ended and when it starts again)"""


class Supervisor:
    """Keeps children running until `stop`.

    on_stop   called before children are stopped: what starts of them are under way is to end soon
    """

    def __init__(
        self, children: Sequence[Child], on_change: OnChange, on_stop: Callable[[], None] = lambda: None
    ) -> None:
        self._on_stop = on_stop
        self._lives = [_Life(child) for child in children]
        self._on_change = on_change
        self._stop = asyncio.Event()
        self._restarting: asyncio.Task[None] | None = None

    def pids(self) -> dict[str, int]:
        """Process ids of the children that run, by name."""
        return {life.child.name: life.child.pid for life in self._lives if life.child.is_running()}

    def ports(self) -> dict[str, tuple[int, ...]]:
        """Ports of the children that serve, by name."""
        return {life.child.name: life.ports for life in self._lives if life.state is ChildState.READY}

    def stop(self) -> None:
        """Have `run` end the children and return."""
        self._stop.set()

    def restart(self) -> None:
        """Have each process stopped, started, and serving again before it is the next one's turn."""
        if self._restarting is None or self._restarting.done():
            self._restarting = asyncio.get_running_loop().create_task(self._restart_in_turn())

    async def _restart_in_turn(self) -> None:
        for life in [life for life in self._lives if life.child.restarts_in_turn]:
            while life.state is not ChildState.READY:
                await asyncio.sleep(LOOK_S)
            life.is_stopping = True
            is_in_time = await asyncio.to_thread(life.child.stop, STOP_S)
            life.state, life.restart_at, life.is_stopping = ChildState.ENDED, 0.0, False
            forced = "" if is_in_time else f"didn't stop within {STOP_S:g} s and was killed; "
            self._on_change(life.child, life.state, f"{forced}starts anew")
            while life.state is not ChildState.READY:
                await asyncio.sleep(LOOK_S)

    async def run(self) -> None:
        """Start those that don't run, and keep all running until `stop`, SIGINT or SIGTERM; then end them in order.

        RESTART_SIGNAL is `restart`.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(RESTART_SIGNAL, self.restart)
        try:
            while not self._stop.is_set():
                for life in self._lives:
                    self._look_after(life, loop.time())
                try:
                    await asyncio.wait_for(self._stop.wait(), LOOK_S)
                except TimeoutError:
                    continue
        finally:
            await self._stop_all()

    def _look_after(self, life: _Life, now: float) -> None:
        """One child: started where it doesn't run and its time has come, its state told where that changed."""
        if life.is_stopping:
            return
        if life.starting is not None:
            if not life.starting.done():
                return
            error, life.starting = life.starting.exception(), None
            if error is not None:
                if not isinstance(error, StoreError | OSError):
                    raise error
                self._plan_restart(life, now)
            return
        if life.child.is_running():
            self._look_if_ready(life)
        elif life.state is not ChildState.ENDED:
            self._plan_restart(life, now)
        elif now >= life.restart_at:
            life.state, life.started = ChildState.STARTING, now
            self._on_change(life.child, life.state, "")
            life.starting = asyncio.ensure_future(life.child.start())

    def _look_if_ready(self, life: _Life) -> None:
        if life.state is ChildState.READY:
            return
        ports = life.child.ready_ports()
        if ports is not None:
            life.state, life.ports = ChildState.READY, ports
            self._on_change(life.child, life.state, "")

    def _plan_restart(self, life: _Life, now: float) -> None:
        life.deaths = 1 if life.child.is_to_die or now - life.started > STEADY_S else life.deaths + 1
        delay_s = RESTART_S[min(life.deaths, len(RESTART_S)) - 1]
        life.state, life.restart_at = ChildState.ENDED, now + delay_s
        self._on_change(life.child, life.state, f"{life.child.last_words()}; starts again in {delay_s:g} s")

    async def _stop_all(self) -> None:
        """In the order in which data flows; one that doesn't end in time is killed."""
        self._on_stop()
        if self._restarting is not None and not self._restarting.done():
            self._restarting.cancel()
            await asyncio.wait([self._restarting])
        for life in self._lives:
            if life.starting is not None:
                await asyncio.wait([life.starting])
            if await asyncio.to_thread(life.child.stop, STOP_S):
                self._on_change(life.child, ChildState.STOPPED, "")
            else:
                self._on_change(life.child, ChildState.STOPPED, f"didn't stop within {STOP_S:g} s and was killed")
