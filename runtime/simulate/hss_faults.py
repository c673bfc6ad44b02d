"""What a simulated HSS can do wrong on demand: a table of faults, and which of them the next requests meet."""

import threading
from typing import Final, NamedTuple


class FaultRow(NamedTuple):
    """A fault: its name, and what whoever asks gets to see."""

    name: str
    happens: str


FAULTS: Final = (
    FaultRow("timeout_after", "does what is asked, and doesn't answer"),
    FaultRow("timeout_before", "neither does it nor answers"),
    FaultRow("late", "doesn't answer, and does it after the request that comes next"),
    FaultRow("twice", "does it once and answers twice on the connection"),
    FaultRow("refuses", "answers 409 refused, and does nothing"),
    FaultRow("busy", "answers 503, and does nothing"),
    FaultRow("broken", "does it, and answers 200 with what is no JSON"),
    FaultRow("slow", "does it, and answers after `seconds`"),
)
NAMES: Final = frozenset(row.name for row in FAULTS)
OPERATIONS: Final = ("provision", "sim", "suspend", "resume", "deprovision")
TIMES_MAX: Final = 1_000_000


class FaultInvalid(ValueError):
    """A fault that can't be; the message says what to write."""


class Planned(NamedTuple):
    """A fault that requests of an operation meet."""

    fault: str
    seconds: float


class FaultPlan:
    """Faults to come, by operation; used up one by each request. Used by many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._planned: dict[str, list[Planned]] = {}

    def add(self, operation: str, fault: str, *, times: int = 1, seconds: float = 0.5) -> None:
        """The next `times` requests of the operation meet the fault. FaultInvalid."""
        if operation not in OPERATIONS:
            raise FaultInvalid(f"operation {operation!r}: write one of {', '.join(OPERATIONS)}")
        if fault not in NAMES:
            raise FaultInvalid(f"fault {fault!r}: write one of {', '.join(sorted(NAMES))}")
        if not isinstance(times, int) or not 1 <= times <= TIMES_MAX or not 0 <= seconds <= 3600:
            raise FaultInvalid(f"times is {times} and seconds is {seconds}: 1 to {TIMES_MAX}, and 0 to 3600")
        with self._lock:
            self._planned.setdefault(operation, []).extend([Planned(fault, seconds)] * times)

    def next(self, operation: str) -> Planned | None:
        """What this request meets; None: nothing."""
        with self._lock:
            planned = self._planned.get(operation)
            return planned.pop(0) if planned else None

    def clear(self) -> None:
        """No faults any more."""
        with self._lock:
            self._planned.clear()


def parse_fault(text: str) -> tuple[str, str, int]:
    """(operation, fault, times) of a text such as provision=timeout_after:3. FaultInvalid."""
    operation, equals, rest = text.partition("=")
    fault, _, times = rest.partition(":")
    if not equals or (times and not times.isdecimal()):
        raise FaultInvalid(f"{text!r}: write <operation>=<fault>:<times>, such as provision=timeout_after:1")
    return operation, fault, int(times or 1)
