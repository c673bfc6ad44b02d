"""`farebox up` of a test's own: a child process on free ports; its lines are read, its state comes from up.json."""

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from runtime.data_folder import DataFolder, UpState, read_up_state
from runtime.settings import BssSettings, Settings
from runtime.up import UP_LINE
from runtime.up_roles import planned_children
from tests.reference.forks import start_module
from tests.runtime.gy_client import gy_client
from tests.runtime.typed_words import typed

ROLES = tuple(child.name for child in planned_children(Settings(bss=BssSettings(web=0, workers=0))))
"""Processes beside the store, as they are with --engine-only."""
START_S = 110.0
"""Kernels that nobody compiled yet take most of it."""
STOP_S = 40.0
LOOK_S = 0.02
IMSI = "001010000000001"
"""Whose account `open_account` is asked for, and whose sessions are charged."""
MIB = 1 << 20
KEPT = ("FAREBOX_CACHE", "FAREBOX_SPECS", "FAREBOX_SPECS_REQUIRED")
"""What is no setting; threads of a test may look at it while a command runs within the process."""


def command(*arguments: str) -> list[str]:
    """`farebox <arguments>` of this checkout."""
    return [sys.executable, "-m", "runtime.cli.main", *arguments]


def environment(**more: str) -> dict[str, str]:
    """Without settings of whoever runs the tests, on ports that nobody else has, and the engine alone unless told otherwise."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FAREBOX_") or name in KEPT}
    own = {
        "FAREBOX_BSS_WEB": "0",
        "FAREBOX_BSS_WORKERS": "0",
        "FAREBOX_RECORDS_FILE_AGE_S": "1",
        "FAREBOX_RECORDS_ONLY_IDLE": "false",  # tests keep all processors busy
        "FAREBOX_TELEMETRY_PORT": "0",
    }
    return {**kept, **own, **more}


def farebox(*arguments: str, timeout_s: float = 60.0, **more: str) -> "subprocess.CompletedProcess[str]":
    """Run a command to its end."""
    return subprocess.run(
        command(*arguments), env=environment(**more), capture_output=True, text=True, timeout=timeout_s, check=False
    )


class Invoked(NamedTuple):
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


def invoke(*arguments: str, **more: str) -> Invoked:
    """Run a command within this process, with `more` in its environment: what is imported once need not be again."""
    own = {**dict.fromkeys(os.environ.keys() - environment().keys()), **more}
    result = typed(*arguments, env=own)
    return Invoked(result.exit_code, result.stdout, result.stderr)


def is_alive(pid: int) -> bool:
    """Is it a process that isn't a zombie? One whose other threads still end has its sockets yet."""
    try:
        is_zombie = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
        return not is_zombie or len(os.listdir(f"/proc/{pid}/task")) > 1
    except OSError:
        return False


def wait_until(what: str, is_true: Callable[[], Any], timeout_s: float = 30.0) -> Any:
    """What `is_true` gives once that is true; AssertionError names what didn't come about."""
    ends = time.monotonic() + timeout_s
    while not (found := is_true()):
        assert time.monotonic() < ends, f"within {timeout_s:g} s: {what}"
        time.sleep(LOOK_S)  # tidy: another process's files and sockets are looked at
    return found


class RunningUp:
    """The process, its lines, and what it says of itself."""

    def __init__(self, data_dir: Path, *arguments: str, cut_after: str = "", **more: str) -> None:
        self.folder = DataFolder(data_dir)
        self.lines: list[str] = []
        self._cut_after = cut_after
        self._new: queue.Queue[str | None] = queue.Queue()
        pipe = Path(tempfile.mkdtemp(prefix="farebox-up-")) / "lines"
        os.mkfifo(pipe)
        self._reader = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._reader.start()
        arguments = ("up", "--data-dir", str(data_dir), "--port", "0", "--metrics-port", "0", *arguments)
        self.process = start_module("runtime.cli.main", *arguments, environment=environment(**more), log=pipe)

    def _read(self, pipe: Path) -> None:
        with pipe.open() as lines:  # once the process has opened it, too
            shutil.rmtree(pipe.parent)
            for line in lines:
                self._new.put(line.rstrip())
                if self._cut_after and self._cut_after in line:
                    break
        self._new.put(None)

    def wait_for_line(self, part: str, timeout_s: float = START_S) -> str:
        """The next line with this part; AssertionError with all lines where the process ends before, or time is up."""
        ends = time.monotonic() + timeout_s
        while True:
            try:
                line = self._new.get(timeout=max(ends - time.monotonic(), 0.001))
            except queue.Empty:
                raise AssertionError(f"no line with {part!r} within {timeout_s:g} s:\n{self.text()}") from None
            assert line is not None, f"it ended ({self.process.wait()}) before a line with {part!r}:\n{self.text()}"
            self.lines.append(line)
            if part in line:
                return line

    def text(self) -> str:
        """All that it printed so far."""
        while not self._new.empty():
            line = self._new.get_nowait()
            if line is not None:
                self.lines.append(line)
        logs = [path.read_text()[-2000:] for path in sorted(self.folder.logs.glob("*.log"))]
        return "\n".join([*self.lines, *logs])

    @property
    def state(self) -> UpState:
        """up.json; it must be there."""
        found = read_up_state(self.folder)
        assert found is not None, self.text()
        return found

    def wait_ready(self, *roles: str, but_not: Mapping[str, int] | None = None, timeout_s: float = 60.0) -> UpState:
        """Once these roles are ready again, each with another process than `but_not` says."""
        old = but_not or {}

        def is_ready() -> UpState | None:
            state = read_up_state(self.folder)
            if state is None:
                return None
            fits = all(
                state.states.get(role) == "ready" and state.pids.get(role) not in (None, old.get(role))
                for role in roles
            )
            return state if fits else None

        found: UpState = wait_until(f"{roles} ready: {self.folder.up_file}", is_ready, timeout_s)
        return found

    def interrupt(self) -> int:
        """^C, and its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(STOP_S)

    def end(self) -> None:
        """Whatever state it is in: nothing of it stays."""
        state = read_up_state(self.folder)
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for pid in state.pids.values() if state is not None else ():
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        self._reader.join(5)


@contextmanager
def running_up(data_dir: Path, *arguments: str, **more: str) -> Iterator[RunningUp]:
    """A `farebox up` that serves; it ends with the context."""
    up = RunningUp(data_dir, *arguments, **more)
    try:
        up.wait_for_line(UP_LINE)
        yield up
    finally:
        up.end()


def open_account(up: RunningUp, imsi: str) -> int:
    """Publish the sample catalogue where it isn't, and open an account with 10 EUR and 1 GiB; its number."""
    from tests.catalog_loader.sample_release import SAMPLE

    store = up.state.store_url
    published = invoke("catalog", "publish", str(SAMPLE), "--store", store)
    assert published.returncode == 0, published.stdout + published.stderr
    added = invoke("subscriber", "add", "--imsi", imsi, "--offer", "prepaid-start", "--store", store)
    assert added.returncode == 0, added.stdout + added.stderr
    shown = invoke("subscriber", "show", imsi, "--json", "--store", store)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    return int(json.loads(shown.stdout)["account_id"])


def charge_session(up: RunningUp, name: str) -> None:
    """One session of 1 MiB from beginning to end; each request until it is answered, as a packet core repeats them."""
    session = f"pgw1.example.net;{name}"
    for number, (kind, used, asked) in enumerate(((1, None, MIB), (2, MIB, MIB), (3, 0, None))):

        def ask(number: int = number, kind: int = kind, used: int | None = used, asked: int | None = asked) -> bool:
            try:
                with gy_client(up.state.ports["gy"]) as client:
                    answer = client.ask(kind, number, session, IMSI, used=used, asked=asked)
            except (OSError, KeyError, AssertionError):
                return False
            assert answer.result in (2001, 3004), f"{session} {number}: {answer}"
            return answer.result == 2001

        wait_until(f"CCR {number} of {session} is answered", ask, 60)
