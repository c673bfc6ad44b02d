"""The supervisor on children of a test's own: restarts that slow down, states, stopping in order and by force."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from balances.store import StoreError
from runtime import launch, supervisor
from runtime.launch import farebox_process
from runtime.parent import VARIABLE
from runtime.supervisor import (
    LOOK_S,
    RESTART_S,
    Child,
    ChildState,
    ProcessChild,
    StoreChild,
    Supervisor,
)
from tests.runtime.running_up import is_alive, wait_until

BOUND_S = 20.0
PYTHON = sys.executable
Seen = list[tuple[str, str, str]]


class FakeChild:
    """A child that lives until it is told to die."""

    def __init__(self, name: str, seen: Seen, *, refusals: int = 0, stops: bool = True) -> None:
        self.name = name
        self.restarts_in_turn = name != "store"
        self.is_to_die = False
        self.starts = 0
        self.alive = False
        self.serves = True
        self.pid = 0
        self._seen = seen
        self._refusals = refusals
        self._stops = stops

    async def start(self) -> None:
        self.starts += 1
        if self._refusals:
            self._refusals -= 1
            raise StoreError("no room")
        self.alive = True
        self.pid += 1

    def is_running(self) -> bool:
        return self.alive

    def ready_ports(self) -> tuple[int, ...] | None:
        return (1000 + self.pid,) if self.alive and self.serves else None

    def last_words(self) -> str:
        return "it said so"

    def stop(self, timeout_s: float) -> bool:
        self.alive = False
        self._seen.append((self.name, "stop", ""))
        return self._stops


async def until(is_true: Callable[[], object]) -> None:
    async with asyncio.timeout(BOUND_S):
        while not is_true():
            await asyncio.sleep(LOOK_S / 5)


def run(children: list[FakeChild], seen: Seen, script: Callable[[Supervisor], object]) -> None:
    """Run the supervisor while the script runs, then stop it."""

    async def main() -> None:
        def on_change(child: Child, state: ChildState, words: str) -> None:
            seen.append((child.name, state.value, words))

        supervised = Supervisor(children, on_change)
        task = asyncio.create_task(supervised.run())
        try:
            await script(supervised)  # type: ignore[misc]
        finally:
            supervised.stop()
            await asyncio.wait_for(task, BOUND_S)

    asyncio.run(main())


def test_a_restart_takes_one_after_another_and_leaves_the_store() -> None:
    """Each serves again before the next is stopped; that it ended so is no death."""
    seen: Seen = []
    children = [FakeChild(name, seen) for name in ("gy", "engine", "store")]

    async def script(supervised: Supervisor) -> None:
        await until(lambda: len(supervised.ports()) == 3)
        seen.clear()
        supervised.restart()
        supervised.restart()  # while one is under way it is the same
        await until(lambda: [child.starts for child in children] == [2, 2, 1] and len(supervised.ports()) == 3)
        words = [entry for name in ("gy", "engine") for entry in _restarted(name)]
        assert seen == words

    run(children, seen, script)


def _restarted(name: str) -> Seen:
    return [(name, "stop", ""), (name, "ended", "starts anew"), (name, "starting", ""), (name, "ready", "")]


def test_children_are_started_in_order_told_ready_and_stopped_in_order() -> None:
    seen: Seen = []
    children = [FakeChild(name, seen) for name in ("engine", "archiver", "store")]

    async def script(supervised: Supervisor) -> None:
        await until(lambda: len(supervised.ports()) == 3)
        assert supervised.pids() == {"engine": 1, "archiver": 1, "store": 1}
        assert supervised.ports()["engine"] == (1001,)

    run(children, seen, script)
    assert [entry[:2] for entry in seen[:3]] == [(name, "starting") for name in ("engine", "archiver", "store")]
    stops = [entry for entry in seen if entry[1] in ("stop", "stopped")]
    expected = [(name, word, "") for name in ("engine", "archiver", "store") for word in ("stop", "stopped")]
    assert stops == expected


def test_dead_child_is_started_again_ever_more_slowly_and_says_why() -> None:
    seen: Seen = []
    child = FakeChild("engine", seen)

    async def script(supervised: Supervisor) -> None:
        for times in range(1, 4):
            await until(lambda times=times: child.starts == times and supervised.ports())
            child.alive = False
            await until(lambda: not supervised.ports())
        await until(lambda: child.starts == 4 and child.alive)

    run([child], seen, script)
    ends = [words for _, state, words in seen if state == "ended"]
    assert ends == [f"it said so; starts again in {delay:g} s" for delay in RESTART_S[:3]]


def test_child_that_was_to_die_is_started_again_at_once_each_time() -> None:
    seen: Seen = []
    child = FakeChild("engine", seen)
    child.is_to_die = True

    async def script(supervised: Supervisor) -> None:
        for times in range(1, 4):
            await until(lambda times=times: child.starts == times and supervised.ports())
            child.alive = False
            await until(lambda: not supervised.ports())
        await until(lambda: child.starts == 4 and child.alive)

    run([child], seen, script)
    ends = [words for _, state, words in seen if state == "ended"]
    assert ends == [f"it said so; starts again in {RESTART_S[0]:g} s"] * 3


def test_child_that_lived_long_starts_from_the_shortest_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "STEADY_S", 0.0)
    seen: Seen = []
    child = FakeChild("engine", seen)

    async def script(supervised: Supervisor) -> None:
        for times in range(1, 4):
            await until(lambda times=times: child.starts == times and supervised.ports())
            child.alive = False
            await until(lambda: not supervised.ports())

    run([child], seen, script)
    assert {words for _, state, words in seen if state == "ended"} == {
        f"it said so; starts again in {RESTART_S[0]:g} s"
    }


def test_child_that_cannot_start_now_is_tried_again() -> None:
    seen: Seen = []
    child = FakeChild("store", seen, refusals=2)

    async def script(supervised: Supervisor) -> None:
        await until(lambda: supervised.ports())

    run([child], seen, script)
    assert child.starts == 3
    assert [state for _, state, _ in seen if state == "ended"] == ["ended", "ended"]


def test_child_that_lives_and_does_not_serve_is_starting() -> None:
    seen: Seen = []
    child = FakeChild("engine", seen)
    child.serves = False

    async def script(supervised: Supervisor) -> None:
        await until(lambda: child.alive)
        await asyncio.sleep(3 * LOOK_S)
        assert supervised.ports() == {}
        assert supervised.pids() == {"engine": 1}

    run([child], seen, script)
    assert ("engine", "ready", "") not in seen


def test_child_that_needed_force_is_told() -> None:
    seen: Seen = []
    child = FakeChild("engine", seen, stops=False)

    async def script(supervised: Supervisor) -> None:
        await until(lambda: supervised.ports())

    run([child], seen, script)
    assert "was killed" in seen[-1][2]


# --- real processes --------------------------------------------------------------------------------------------------


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Makes `farebox ...` children run a text instead."""

    def use(text: str) -> None:
        path = tmp_path / "program.py"
        path.write_text(text)
        wrapper = tmp_path / "python"
        wrapper.write_text(f'#!/bin/sh\nshift 2\nexec {PYTHON} {path} "$@"\n')
        wrapper.chmod(0o755)
        monkeypatch.setattr(launch.sys, "executable", str(wrapper))

    return use


def process_child(tmp_path: Path, **environment: str) -> ProcessChild:
    own = {"PATH": os.environ["PATH"], **environment}
    return ProcessChild("engine", ["engine"], own, ready_file=tmp_path / "ready", log=tmp_path / "engine.log")


SERVING = """
import os, pathlib, signal, sys
pathlib.Path(sys.argv[sys.argv.index("--ready-file") + 1]).write_text(f"3868 9464 {os.getpid()}")
print("kill at", os.environ.get("FAREBOX_KILL_AT"), file=sys.stderr, flush=True)
signal.pause()
"""


def test_process_child_is_ready_with_its_own_file_alone(tmp_path: Path, program: Callable[[str], None]) -> None:
    program(SERVING)
    (tmp_path / "ready").write_text("1 2 3")
    child = process_child(tmp_path)
    assert child.ready_ports() is None
    assert not child.is_running()
    asyncio.run(child.start())
    assert wait_until("ready", child.ready_ports) == (3868, 9464)
    os.kill(child.pid, signal.SIGKILL)
    wait_until("ended", lambda: not child.is_running())
    assert child.last_words().startswith("signal 9: kill at None")
    assert child.stop(1.0)
    assert not (tmp_path / "ready").exists()


def test_kill_point_is_armed_for_the_first_start_alone(tmp_path: Path, program: Callable[[str], None]) -> None:
    program(SERVING)
    child = process_child(tmp_path, FAREBOX_KILL_AT="engine.loaded")
    for expected in ("kill at engine.loaded", "kill at None"):
        asyncio.run(child.start())
        assert child.is_to_die == (expected != "kill at None")
        wait_until("ready", child.ready_ports)
        assert (tmp_path / "engine.log").read_text().splitlines()[-1] == expected
        assert child.stop(10.0)


def test_last_words_are_of_this_life(tmp_path: Path, program: Callable[[str], None]) -> None:
    program("import sys; print('first', file=sys.stderr); sys.exit(2)")
    child = process_child(tmp_path)
    asyncio.run(child.start())
    wait_until("ended", lambda: not child.is_running())
    assert child.last_words() == f"exit code 2: first (more in {tmp_path / 'engine.log'})"
    program("import sys; sys.exit(3)")
    asyncio.run(child.start())
    wait_until("ended", lambda: not child.is_running())
    assert child.last_words() == "exit code 3"


def test_long_log_is_put_aside(tmp_path: Path, program: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LOG_OCTETS_MAX", 10)
    (tmp_path / "engine.log").write_text("a line that is long enough\n")
    program("import sys; print('new', file=sys.stderr)")
    child = process_child(tmp_path)
    asyncio.run(child.start())
    wait_until("ended", lambda: not child.is_running())
    assert (tmp_path / "engine.log").read_text() == "new\n"
    assert "long enough" in (tmp_path / "engine.log.1").read_text()


def test_process_that_does_not_end_is_killed(tmp_path: Path, program: Callable[[str], None]) -> None:
    program("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)" + SERVING)
    child = process_child(tmp_path)
    asyncio.run(child.start())
    wait_until("ready", child.ready_ports)
    assert not child.stop(0.2)
    assert not child.is_running()


def test_children_have_a_group_of_their_own_so_that_the_terminal_does_not_stop_them(
    tmp_path: Path, program: Callable[[str], None]
) -> None:
    program(SERVING)
    process = farebox_process(["engine", "--ready-file", str(tmp_path / "ready")], dict(os.environ))
    try:
        wait_until("started", (tmp_path / "ready").exists)
        assert os.getpgid(process.pid) == process.pid
        assert process.pid != os.getpgid(0)
    finally:
        process.kill()
        process.wait()


PARENT = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], env={**os.environ, "FAREBOX_PARENT": str(os.getpid())})
print(child.pid, flush=True)
child.wait()
"""
CHILD = """
import os, signal, sys
from runtime.parent import VARIABLE, end_with_parent
end_with_parent(int(os.environ[VARIABLE]))
print("watching", flush=True)
signal.pause()
"""


def test_children_end_with_a_parent_that_is_killed() -> None:
    assert VARIABLE in PARENT
    root = str(Path(__file__).parents[2])
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, CHILD], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": root}
    )
    assert parent.stdout is not None
    lines = {parent.stdout.readline().strip(), parent.stdout.readline().strip()}
    assert "watching" in lines
    (pid,) = (int(line) for line in lines - {"watching"})
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_until("the child ends", lambda: not is_alive(pid))


def test_child_whose_parent_has_ended_already_ends_at_once() -> None:
    root = str(Path(__file__).parents[2])
    code = "from runtime.parent import end_with_parent\nend_with_parent(1)\nprint('still here')"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == -signal.SIGTERM
    assert ended.stdout == b""


class FullDiskStore:
    """An embedded store that can be started, and ends when it is told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pid = 0
        self.starts = 0

    def start(self) -> None:
        self.starts += 1
        self.pid = 1

    def is_running(self) -> bool:
        return self.pid != 0

    def stop(self, timeout_s: float) -> None:
        self.pid = 0


def test_store_that_ended_waits_for_room_and_then_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first start needs none: a store that runs may be adopted. Afterwards a full disk is asked, not the server."""
    free_octets = [0]
    asked: list[Path] = []

    def disk_usage(folder: Path) -> SimpleNamespace:
        asked.append(folder)
        return SimpleNamespace(free=free_octets[0])

    monkeypatch.setattr(supervisor.shutil, "disk_usage", disk_usage)
    store = FullDiskStore(tmp_path / "data" / "store")
    make: Any = lambda: store  # noqa: E731
    child = StoreChild(make)
    asyncio.run(child.start())
    assert (child.is_running(), asked) == (True, [])
    store.stop(0)
    for _ in range(3):
        with pytest.raises(StoreError, match=r"0 MiB are free\): make room, the store starts by itself with 32 MiB"):
            asyncio.run(child.start())
    assert (child.is_running(), store.starts) == (False, 1)
    assert "make room" in child.last_words()
    assert asked == [tmp_path] * 3, "the nearest folder that is there"
    free_octets[0] = supervisor.STORE_ROOM_OCTETS_MIN
    asyncio.run(child.start())
    assert (child.is_running(), store.starts) == (True, 2)
