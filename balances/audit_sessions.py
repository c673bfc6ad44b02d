"""Which sessions a journal leaves open, and whether any request of one was decided twice.

An open session's last two answers are in its record and a charged event's is kept for five minutes, so those requests
can't be decided again: their repeats leave no row. That is what is checked, no more: older numbers may come again. Of a
peer that never counts (`is_uncounted`) bodies, which a journal doesn't have, would be needed to tell a request decided twice.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from balances.audit_report import FaultKind
from balances.invariants import IS_ANSWERED, ROW_EXPIRE, ROW_USAGE, Disagreement
from vocabulary.instants import NS_PER_S
from vocabulary.limits import ANSWERED_EVENT_KEPT_S

INITIAL: Final = 1
UPDATE: Final = 2
TERMINATION: Final = 3
EVENT: Final = 4
"""CC-Request-Type, RFC 8506 §8.3"""
EVENTS_REMEMBERED_MAX: Final = 1 << 20
"""Charged events that are compared with later ones; beyond it the oldest are forgotten before their time."""

_SKEW_S: Final = 10
_EVENT_KEPT_NS: Final = (ANSWERED_EVENT_KEPT_S - _SKEW_S) * NS_PER_S
"""Engines' and the store's clocks may differ: near the end of its life an answer may rightly be gone."""
_NUMBER_BITS: Final = 32
_NUMBER_MASK: Final = (1 << _NUMBER_BITS) - 1
_UNTOLD: Final = -1
"""No request, or one that its number doesn't tell from others."""

SessionKey = tuple[int, int, int]
"""(account's place in the audit's books, high, low)"""


class _EventKey(NamedTuple):
    high: int
    low: int
    number: int


class SessionBook:
    """Open sessions of one partition."""

    def __init__(self) -> None:
        self._open: dict[SessionKey, tuple[int, int]] = {}
        """last and previous answered request, as type << 32 | number, or _UNTOLD"""
        self._counts: dict[int, int] = {}
        self._events: dict[_EventKey, int] = {}
        self._event_order: deque[tuple[_EventKey, int]] = deque()

    def __len__(self) -> int:
        return len(self._open)

    def count_of(self, account: int) -> int:
        """Open sessions of an account."""
        return self._counts.get(account, 0)

    def is_open(self, key: SessionKey) -> bool:
        """Is the session open?"""
        return key in self._open

    def sessions_of(self, account: int) -> list[tuple[int, int]]:
        """(high, low) of the account's open sessions; looks through all, for reports of faults."""
        return sorted(key[1:] for key in self._open if key[0] == account)

    def take(
        self,
        requests: Mapping[str, NDArray[Any]],
        accounts: NDArray[np.int64],
        granting_rows: NDArray[np.int32],
        now_ns: int,
    ) -> Iterator[Disagreement]:
        """Go through the rows of an entry.

        accounts        (rows,) place of each row's account in the books
        granting_rows   rows that granted something; a row may come several times
        """
        kinds, types, outcomes = requests["kind"], requests["request_type"], requests["outcome"]
        charged_rows = set(granting_rows.tolist()) if (types == EVENT).any() else set()
        wanted = np.flatnonzero(((kinds == ROW_USAGE) & IS_ANSWERED[outcomes]) | (requests["ended_session"] > 0))
        names = (
            "kind",
            "request_type",
            "request_number",
            "session_high",
            "session_low",
            "ended_session",
            "is_uncounted",
        )
        columns = (requests[name][wanted].tolist() for name in names)
        rows = zip(wanted.tolist(), accounts[wanted].tolist(), *columns, strict=True)
        for row, account, kind, request_type, number, high, low, ended, is_uncounted in rows:
            key = (account, high, low)
            if request_type == UPDATE and not ended:  # nearly all rows: the others may cost a call more
                known = self._open.get(key)
                asked = UPDATE << _NUMBER_BITS | number
                if known is not None and asked not in known and not is_uncounted:
                    self._open[key] = (asked, known[0])
                    continue
            if kind == ROW_EXPIRE:
                yield from self._end(key, row)
            elif request_type == EVENT:
                if row in charged_rows and not is_uncounted:
                    yield from self._take_event(_EventKey(high, low, number), row, now_ns)
            else:
                asked = _UNTOLD if is_uncounted else request_type << _NUMBER_BITS | number
                yield from self._take_request(key, row, asked, request_type, ended)

    def _take_request(
        self, key: SessionKey, row: int, asked: int, request_type: int, ended: int
    ) -> Iterator[Disagreement]:
        known = self._open.get(key)
        if request_type == INITIAL:
            if known is not None:
                yield Disagreement(FaultKind.SESSION, f"state of {_name(key)} at its INITIAL", "not open", "open", row)
            elif not ended:
                self._counts[key[0]] = self._counts.get(key[0], 0) + 1
            if not ended:
                self._open[key] = (asked, _UNTOLD)
            elif known is not None:
                yield from self._end(key, row)
            return
        if known is None:
            request = "an uncounted request" if asked == _UNTOLD else f"request {asked & _NUMBER_MASK}"
            what = f"state of {_name(key)} at {request}"
            yield Disagreement(FaultKind.SESSION, what, "open", "not open", row)
            return
        if asked != _UNTOLD and asked in known:
            what = f"decisions of request {asked & _NUMBER_MASK} (type {request_type}) of {_name(key)}"
            yield Disagreement(FaultKind.DUPLICATE, what, 1, 2, row)
        self._open[key] = (asked, known[0])
        if request_type == TERMINATION or ended:
            yield from self._end(key, row)

    def _end(self, key: SessionKey, row: int) -> Iterator[Disagreement]:
        if self._open.pop(key, None) is None:
            yield Disagreement(FaultKind.SESSION, f"state of {_name(key)} at its end", "open", "not open", row)
        else:
            self._counts[key[0]] -= 1

    def _take_event(self, key: _EventKey, row: int, now_ns: int) -> Iterator[Disagreement]:
        while self._event_order and (
            self._event_order[0][1] <= now_ns - _EVENT_KEPT_NS or len(self._event_order) >= EVENTS_REMEMBERED_MAX
        ):
            old, decided_ns = self._event_order.popleft()
            if self._events.get(old) == decided_ns:
                del self._events[old]
        if now_ns - self._events.get(key, now_ns - _EVENT_KEPT_NS) < _EVENT_KEPT_NS:
            what = f"decisions of event {key.number} of session {key.high:016x}{key.low:016x}"
            yield Disagreement(FaultKind.DUPLICATE, what, 1, 2, row)
        self._events[key] = now_ns
        self._event_order.append((key, now_ns))


def _name(key: SessionKey) -> str:
    return f"session {key[1]:016x}{key[2]:016x}"
