"""Start a generator as a process of its own and follow its stages."""

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from bench.workload import LoadPlan

SLACK_S: Final = 600.0
"""Beyond its planned time a generator may take this long: compiling, draining, folding its log."""
TICK_S: Final = 1.0
BOOKS: Final = "books.npz"
"""File with the books of a run, in its folder."""


class BenchError(Exception):
    """A run failed; the message says which process and why."""


def child_environment() -> dict[str, str]:
    """The environment of a process that must find the same packages as this one."""
    root = str(Path(__file__).resolve().parent.parent)
    paths = [root, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


def stop(process: subprocess.Popen[Any]) -> None:
    """End a process that we started, and wait for it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


class Lines:
    """Lines of a pipe, waited for with a time limit: a process that hangs must not hang its observer."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._rest = b""

    def next(self, timeout_s: float) -> bytes | None:
        """The next whole line, b"" at the end of the pipe, None where none came in time."""
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self._descriptor], (), (), max(deadline - time.monotonic(), 0))
            if not ready:
                return None
            octets = os.read(self._descriptor, 1 << 16)
            if not octets:
                return b""
            self._rest += octets
        line, _, self._rest = self._rest.partition(b"\n")
        return line


def run_generator(
    plan: LoadPlan,
    folder: Path,
    *,
    on_event: Callable[[str], None] = lambda event: None,
    on_tick: Callable[[], None] = lambda: None,
    is_enough: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Run the generator of a plan to its end; its figures. Books are in `folder/books.npz`.

    on_event   called with `measuring` and `measured` as they happen
    on_tick    called about once a second meanwhile
    is_enough  asked behind each tick: True ends the measured time before its end
    BenchError where it can't start, or doesn't end in time.
    """
    (figures,) = run_generators([plan], [folder], on_event=on_event, on_tick=on_tick, is_enough=is_enough)
    return figures


def _start(plan: LoadPlan, folder: Path) -> "subprocess.Popen[bytes]":
    plan_file = folder / "plan.json"
    plan_file.write_text(plan.to_json())
    command = [sys.executable, "-m", plan.GENERATOR, "--plan", str(plan_file), "--books", str(folder / BOOKS)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=child_environment())


def _end(process: "subprocess.Popen[bytes]") -> None:
    stop(process)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


class _Together:
    """Generators that begin together, each followed by a thread of its own."""

    def __init__(self, count: int, on_event: Callable[[str], None]) -> None:
        self._connected = threading.Barrier(count)
        self._lock = threading.Lock()
        self._left = {"measuring": count, "measured": 1}
        """how many have to say it until it is true of all: they measure once the last does, and no more once the first ends"""
        self._on_event = on_event

    def see(self, process: "subprocess.Popen[bytes]", event: str) -> None:
        """An event of one. BenchError where another failed before it began."""
        if event == "connected":
            try:
                self._connected.wait(SLACK_S)
            except threading.BrokenBarrierError:
                raise BenchError("another generator did not begin") from None
            assert process.stdin is not None
            process.stdin.write(b"begin\n")
            process.stdin.flush()
        if event in self._left:
            with self._lock:
                self._left[event] -= 1
                if self._left[event] == 0:
                    self._on_event(event)

    def give_up(self) -> None:
        """One failed: none that waits for it begins."""
        self._connected.abort()


def run_generators(
    plans: Sequence[LoadPlan],
    folders: Sequence[Path],
    *,
    on_event: Callable[[str], None] = lambda event: None,
    on_tick: Callable[[], None] = lambda: None,
    is_enough: Callable[[], bool] = lambda: False,
) -> list[dict[str, Any]]:
    """Run several generators at once, as `run_generator` runs one; their figures, in order, books in folders of their own.

    They begin together once all are connected. `on_event` is called with `measuring` once the last of them measures, and
    with `measured` once the first has measured; what is called may come from any thread, one at a time.
    """
    together = _Together(len(plans), on_event)
    processes = [_start(replace(plan, waits=True), folder) for plan, folder in zip(plans, folders, strict=True)]

    def follow(place: int) -> dict[str, Any]:
        process, tick = processes[place], on_tick if place == 0 else lambda: None
        try:
            return _follow(process, plans[place], partial(together.see, process), tick, is_enough)
        except BaseException:
            together.give_up()
            for other in processes:
                other.terminate()
            raise

    try:
        with ThreadPoolExecutor(len(plans)) as threads:
            followed = [threads.submit(follow, place) for place in range(len(plans))]
            faults = [fault for one in followed if (fault := one.exception()) is not None]
            if faults:
                raise next((fault for fault in faults if "another generator" not in str(fault)), faults[0])
            return [one.result() for one in followed]
    finally:
        for process in processes:
            _end(process)


def _follow(
    process: "subprocess.Popen[bytes]",
    plan: LoadPlan,
    on_event: Callable[[str], None],
    on_tick: Callable[[], None],
    is_enough: Callable[[], bool],
) -> dict[str, Any]:
    assert process.stdout is not None
    lines = Lines(process.stdout.fileno())
    deadline = time.monotonic() + plan.warm_up_s + plan.measured_s + SLACK_S
    seen = ""
    while time.monotonic() < deadline:
        line = lines.next(TICK_S)
        if line is None:
            on_tick()
            if seen == "measuring" and is_enough():
                process.send_signal(signal.SIGUSR1)
            continue
        if not line:
            raise BenchError(f"the generator ended with {process.wait()} and no result; its errors are above")
        event: dict[str, Any] = json.loads(line)
        name = event.pop("event")
        if name == "failed":
            raise BenchError(f"the generator failed: {event['reason']}")
        if name == "result":
            return event
        seen = name
        on_event(name)
    raise BenchError(f"the generator did not end within {SLACK_S:.0f} s of its planned time")
