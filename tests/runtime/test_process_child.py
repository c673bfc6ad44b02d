"""A child that is a process: its ready file, log, kill point and group; it ends with its parent, by force where it must."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime import launch, supervisor
from runtime.launch import farebox_process
from runtime.parent import VARIABLE
from runtime.supervisor import ProcessChild
from tests.runtime.running_up import is_alive, wait_until

BOUND_S = 20.0
PYTHON = sys.executable


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
