"""The rows of one partition in memory: which is due next, and what the store doesn't know yet."""

import heapq
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from runtime.notices.notice import Notice, SessionName, Stage
from vocabulary.limits import NOTICES_GIVEN_UP_KEPT_MAX


class NoticeBook:
    """Rows by session. Every change is remembered until `take_changes`, to be written.

    Those that were given up are never due, and of them the newest NOTICES_GIVEN_UP_KEPT_MAX are kept.
    """

    def __init__(self, rows: Iterable[Notice] = ()) -> None:
        self._rows = {row.session: row for row in rows}
        self._changed: set[SessionName] = set()
        given_up = [row for row in self._rows.values() if row.stage is Stage.GIVEN_UP]
        self._given_up = dict.fromkeys(row.session for row in sorted(given_up, key=lambda row: row.next_try_ns))
        self._order = [(row.next_try_ns, row.session) for row in self._rows.values() if row.stage is not Stage.GIVEN_UP]
        heapq.heapify(self._order)
        self._highs: NDArray[np.uint64] | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, session: object) -> bool:
        return session in self._rows

    @property
    def given_up_count(self) -> int:
        """Rows that nobody is told of any more."""
        return len(self._given_up)

    def highs(self) -> NDArray[np.uint64]:
        """First halves of the sessions that have a row, sorted."""
        if self._highs is None:
            self._highs = np.sort(np.fromiter((session.high for session in self._rows), np.uint64, len(self._rows)))
        return self._highs

    def get(self, session: SessionName) -> Notice | None:
        """The session's row."""
        return self._rows.get(session)

    def put(self, row: Notice) -> None:
        """Enter a row, or what became of it."""
        known = self._rows.get(row.session)
        if known is None:
            self._highs = None
        if known != row:
            self._rows[row.session] = row
            self._changed.add(row.session)
            self._given_up.pop(row.session, None)
            if row.stage is Stage.GIVEN_UP:
                self._give_up(row.session)
            else:
                heapq.heappush(self._order, (row.next_try_ns, row.session))

    def _give_up(self, session: SessionName) -> None:
        """A row is kept to be looked at; where there are too many, without the oldest."""
        self._given_up[session] = None
        if len(self._given_up) > NOTICES_GIVEN_UP_KEPT_MAX:
            self.drop(next(iter(self._given_up)))

    def drop(self, session: SessionName) -> bool:
        """The row is done with. Was there one?"""
        if self._rows.pop(session, None) is None:
            return False
        self._highs = None
        self._given_up.pop(session, None)
        self._changed.add(session)
        return True

    def settle(self, session: SessionName, row: Notice | None) -> None:
        """Enter what became of the session's row; None: it is done with."""
        if row is None:
            self.drop(session)
        else:
            self.put(row)

    def postpone(self, session: SessionName, until_ns: int) -> None:
        """Look at the row again later; for this process alone, nothing of it changes."""
        heapq.heappush(self._order, (until_ns, session))

    def take_due(self, now_ns: int, count: int) -> list[Notice]:
        """At most `count` rows whose time has come; each is given once until it changes or is postponed."""
        found: list[Notice] = []
        seen: set[SessionName] = set()
        while self._order and self._order[0][0] <= now_ns and len(found) < count:
            _, session = heapq.heappop(self._order)
            row = self._rows.get(session)
            if row is None or row.stage is Stage.GIVEN_UP:
                continue
            if row.next_try_ns <= now_ns and session not in seen:
                seen.add(session)
                found.append(row)
        return found

    def take_changes(self) -> dict[SessionName, Notice | None]:
        """Rows that changed since the last call; None: the row is gone."""
        changes = {session: self._rows.get(session) for session in self._changed}
        self._changed.clear()
        return changes

    def put_back(self, changes: Iterable[SessionName]) -> None:
        """These could not be written: they still have changed."""
        self._changed.update(changes)
