"""The clock of a process: wall time that never steps back, and the time since start. Everything else is passed instants."""

import time
from typing import Protocol


class Clock(Protocol):
    """What a process reads the time from; tests pass their own."""

    def now_ns(self) -> int:
        """Instant in ns since the Unix epoch; never below an earlier one of this process."""


class SystemClock:
    """Wall time of the machine; where it is set back, it stands still until it has caught up."""

    def __init__(self) -> None:
        self._last_ns = 0

    def now_ns(self) -> int:
        """See Clock."""
        self._last_ns = max(self._last_ns, time.time_ns())
        return self._last_ns
