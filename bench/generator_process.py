"""Start a generator as a process of its own and follow its stages."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from bench.workload import LoadPlan

SLACK_S: Final = 600.0
"""Beyond its planned time a generator may take this long: compiling, draining, folding its log."""
TICK_S: Final = 1.0


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

    on_event   called with `connecting`, `measuring`, `measured` as they happen
    on_tick    called about once a second meanwhile
    is_enough  asked behind each tick: True ends the measured time before its end
    BenchError where it can't start, or doesn't end in time.
    """
    plan_file = folder / "plan.json"
    plan_file.write_text(plan.to_json())
    command = [sys.executable, "-m", plan.GENERATOR, "--plan", str(plan_file), "--books", str(folder / "books.npz")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=child_environment())
    try:
        return _follow(process, plan, on_event, on_tick, is_enough)
    finally:
        stop(process)
        if process.stdout:
            process.stdout.close()


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
