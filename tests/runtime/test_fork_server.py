"""Children that are forks: what they are given, how their end is known, and a fork server that ends before they do."""

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.fork_client import IS_USED, ForkedChild, ForkServer
from tests.runtime.running_up import environment, is_alive, wait_until

pytestmark = [pytest.mark.skipif(not IS_USED, reason="children are forks on Linux alone"), pytest.mark.timeout(240)]
WAITS = ("archiver", "--store", "redis://127.0.0.1:1", "--metrics-port", "-1")
"""A process that waits for its store until it is told to end."""


class Asked:
    """A fork server on a loop of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.forks = ForkServer(environment(), folder / "fork-server.log")
        self.runner = asyncio.Runner()
        self.started = 0

    def child(self, *arguments: str, log: str = "child.log", **more: str) -> ForkedChild:
        return self.runner.run(self.forks.start(arguments, environment(**more), self.folder / log))

    def waits(self) -> ForkedChild:
        """A child that says in its log what it waits for."""
        self.started += 1
        child = self.child(*WAITS, "--data-dir", str(self.folder), log=f"{self.started}.log")
        log = self.folder / f"{self.started}.log"
        wait_until("it waits for its store", lambda: log.exists() and "127.0.0.1:1" in log.read_text())
        return child

    def status(self, child: ForkedChild) -> int:
        """Once it is known; the loop reads it meanwhile."""
        return self.runner.run(asyncio.to_thread(child.wait, 60.0))

    def server_pid(self, child: ForkedChild) -> int:
        return int(Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[1])

    def close(self) -> None:
        self.runner.run(self.forks.close())
        self.runner.close()


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    made = Asked(tmp_path_factory.mktemp("forks"))
    yield made
    made.close()


def test_a_child_has_its_own_arguments_environment_and_log(asked: Asked) -> None:
    first = asked.child("archiver", log="first.log", FAREBOX_RECORDS_SEGMENT_MIB_MAX="0")
    second = asked.child("archiver", log="second.log", FAREBOX_TELEMETRY_LOG_LEVEL="loud")
    assert [asked.status(child) for child in (first, second)] == [2, 2]
    assert "segment_mib_max" in (asked.folder / "first.log").read_text()
    said = (asked.folder / "second.log").read_text()
    assert "log_level" in said
    assert "segment_mib_max" not in said


def test_a_child_is_a_process_of_a_name_and_a_group(asked: Asked) -> None:
    child = asked.waits()
    comm = Path(f"/proc/{child.pid}/comm")
    assert comm.read_text().strip() == "farebox archive", "Linux keeps so much of it"
    assert os.getpgid(child.pid) == child.pid
    assert child.poll() is None
    child.terminate()
    assert asked.status(child) == 0


def test_how_each_child_ended_is_known(asked: Asked) -> None:
    killed, other = asked.waits(), asked.waits()
    os.kill(killed.pid, signal.SIGKILL)
    assert asked.status(killed) == -signal.SIGKILL
    assert (is_alive(other.pid), other.poll()) == (True, None)
    other.kill()
    assert asked.status(other) == -signal.SIGKILL
    other.terminate()  # it is gone, and nobody else is meant


def test_children_end_with_their_fork_server_and_the_next_has_a_new_one(asked: Asked) -> None:
    child = asked.waits()
    server = asked.server_pid(child)
    os.kill(server, signal.SIGKILL)
    assert asked.status(child) == -signal.SIGTERM
    wait_until("it ends", lambda: not is_alive(child.pid))
    again = asked.waits()
    assert asked.server_pid(again) != server
    again.kill()
    assert asked.status(again) == -signal.SIGKILL


def test_loading_can_be_given_up(tmp_path: Path) -> None:
    asked = Asked(tmp_path)

    async def give_up() -> None:
        starting = asyncio.ensure_future(asked.forks.start(WAITS, environment(), tmp_path / "child.log"))
        while asked.forks._reading is None:
            await asyncio.sleep(0)
        asked.forks.give_up_loading()
        await starting

    with pytest.raises(OSError, match=r"the process that starts others ended.*fork-server\.log"):
        asked.runner.run(give_up())
    asked.close()
