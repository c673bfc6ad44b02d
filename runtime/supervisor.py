"""`farebox up`: starts the store, the engine, the archiver and the record writer, restarts what dies, stops all of it cleanly.

The supervisor holds no state: each child finds its place again by itself, so a child that died is simply started again,
ever more slowly while it keeps dying. Children are stopped in the order in which data flows, the store last.
"""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

RESTART_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
STEADY_S: Final = 30.0
"""A child that lived this long starts from the shortest delay again."""
STOP_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """A process to keep running."""

    name: str
    start: Callable[[], "subprocess.Popen[bytes]"]
    """Starts it; called again after each death."""


@dataclass(slots=True)
class _Child:
    spec: ChildSpec
    process: "subprocess.Popen[bytes]"
    started: float
    deaths: int = 0
    restart_at: float = field(default=0.0)


def farebox_process(
    arguments: Sequence[str], environment: dict[str, str], *, cpu: int = -1
) -> "subprocess.Popen[bytes]":
    """A child of this program; its standard streams are ours."""
    command = [sys.executable, "-m", "runtime.cli.main", *arguments]
    if cpu >= 0:
        command = ["taskset", "-c", str(cpu), *command]
    return subprocess.Popen(command, env=environment)


class Supervisor:
    """Keeps children running until `stop`."""

    def __init__(self, specs: Sequence[ChildSpec]) -> None:
        self._specs = specs
        self._children: list[_Child] = []
        self._stop = asyncio.Event()
        self._log = structlog.get_logger(process="supervisor")

    def pids(self) -> dict[str, int]:
        """Process ids by child name."""
        return {child.spec.name: child.process.pid for child in self._children}

    def stop(self) -> None:
        """End the children, then `run`."""
        self._stop.set()

    async def run(self, started: Callable[[dict[str, int]], None]) -> None:
        """Start the children in order, call `started`, and keep them running until `stop` or SIGINT or SIGTERM."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.stop)
        try:
            for spec in self._specs:
                self._children.append(_Child(spec, spec.start(), loop.time()))
            started(self.pids())
            while not self._stop.is_set():
                self._restart_dead(loop.time())
                try:
                    await asyncio.wait_for(self._stop.wait(), 0.1)
                except TimeoutError:
                    continue
        finally:
            await self._stop_children()

    def _restart_dead(self, now: float) -> None:
        for child in self._children:
            if child.restart_at:
                if now >= child.restart_at:
                    child.process, child.started, child.restart_at = child.spec.start(), now, 0.0
                continue
            status = child.process.poll()
            if status is None:
                continue
            child.deaths = 1 if now - child.started > STEADY_S else child.deaths + 1
            delay_s = RESTART_S[min(child.deaths, len(RESTART_S)) - 1]
            child.restart_at = now + delay_s
            self._log.warning("process ended, starting it again", child=child.spec.name, status=status, in_s=delay_s)

    async def _stop_children(self) -> None:
        for child in self._children:
            if child.process.poll() is not None:
                continue
            child.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(asyncio.to_thread(child.process.wait), STOP_S)
            except TimeoutError:
                self._log.error("process doesn't end, killing it", child=child.spec.name)
                child.process.kill()
                await asyncio.to_thread(child.process.wait)
