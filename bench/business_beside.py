"""What a business side that waits costs the engine: its rate at the highest load, in turns with web and worker stopped.

Both are of one run and alternate each few seconds, so that what else changes on the machine changes both alike.
"""

import os
import re
import signal
import statistics
import time
import urllib.request
from collections.abc import Callable, Sequence
from typing import Any, Final

from bench.generator_process import BenchError

TURN_S: Final = 2.0
TURNS_MIN: Final = 4
CUT_SHARE: Final = 0.2
_COUNT: Final = re.compile(r"^farebox_requests_total\{[^}]*\} (\S+)$", re.MULTILINE)
_PROBE_S: Final = 2.0


class Turns:
    """Stops and continues processes by turns while a load runs; the engine's rate in each turn.

    pids          processes of the business side
    metrics_port  where the engine tells how many requests it has decided
    """

    def __init__(self, pids: Sequence[int], metrics_port: int) -> None:
        self._pids = pids
        self._url = f"http://127.0.0.1:{metrics_port}/metrics"
        self._is_running = True
        self._began: tuple[float, float] | None = None
        self.running_per_s: list[float] = []
        self.stopped_per_s: list[float] = []

    def look(self) -> None:
        """Called about once a second: ends a turn that is over. OSError where the engine doesn't answer."""
        now_s = time.monotonic()
        if self._began is None:
            self._begin()
            return
        began_s, count = self._began
        if now_s - began_s < TURN_S:
            return
        decided = self._decided()
        rate = (decided - count) / (time.monotonic() - began_s)
        (self.running_per_s if self._is_running else self.stopped_per_s).append(rate)
        # By pairs in opposite order: running, stopped, stopped, running. A rate that falls steadily falls for both.
        turns = len(self.running_per_s) + len(self.stopped_per_s)
        self._set_running(turns % 4 in (0, 3))
        self._begin()

    def end(self) -> None:
        """Everything runs again."""
        self._set_running(True)

    def _begin(self) -> None:
        self._began = time.monotonic(), self._decided()

    def _decided(self) -> float:
        with urllib.request.urlopen(self._url, timeout=_PROBE_S) as page:
            return sum(float(value) for value in _COUNT.findall(page.read().decode()))

    def _set_running(self, is_running: bool) -> None:
        if is_running != self._is_running:
            for pid in self._pids:
                os.kill(pid, signal.SIGCONT if is_running else signal.SIGSTOP)
            self._is_running = is_running

    def cost(self) -> dict[str, Any]:
        """What the business side takes of the engine's rate, in percent, and how sure that is. BenchError: too few turns."""
        pairs = list(zip(self.running_per_s, self.stopped_per_s, strict=False))
        if len(pairs) < TURNS_MIN:
            raise BenchError(
                f"{len(pairs)} turns of {TURN_S:.0f} s with and without the business side: give more seconds"
            )
        loss, error = _middle_mean([100 * (1 - running / stopped) for running, stopped in pairs])
        return {
            "turns": len(pairs),
            "running_per_s": round(statistics.mean(self.running_per_s)),
            "stopped_per_s": round(statistics.mean(self.stopped_per_s)),
            "engine_rate_lost_percent": round(loss, 2),
            "standard_error_percent": round(error, 2),
        }


def _middle_mean(values: Sequence[float]) -> tuple[float, float]:
    """Mean without the fifth that is least and the fifth that is most, and its standard error (of the values with those put in
    where the rest ends): a rewrite of the store's file, or a neighbour on the host, makes some turns far slower than others.
    """
    ordered, count = sorted(values), len(values)
    cut = int(count * CUT_SHARE)
    middle = ordered[cut : count - cut]
    inward = [middle[0]] * cut + middle + [middle[-1]] * cut
    return statistics.mean(middle), statistics.stdev(inward) / ((1 - 2 * cut / count) * count**0.5)


def in_turns(pids: Sequence[int], metrics_port: int, run: Callable[[Callable[[], None]], None]) -> dict[str, Any]:
    """`run` loads the engine and calls what it is given about once a second; see Turns.cost."""
    turns = Turns(pids, metrics_port)
    try:
        run(turns.look)
    finally:
        turns.end()
    return turns.cost()
