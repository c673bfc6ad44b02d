"""The supervisor on children of a test's own: restarts that slow down, states, stopping in order and by force."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from balances.store import StoreError
from runtime import supervisor
from runtime.supervisor import (
    LOOK_S,
    RESTART_S,
    Child,
    ChildState,
    StoreChild,
    Supervisor,
)

BOUND_S = 20.0
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
