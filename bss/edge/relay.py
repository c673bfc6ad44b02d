"""Passes events of the outbox on, in their order: workflows that an event starts are started, what others are to be told is
written down for them. Then it is marked. What a death leaves unmarked is passed on again, so whoever gets events
knows them by their id.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import sqlalchemy as sa

from bss.edge.database import Database
from bss.outbox import OUTBOX

EVENTS_AT_ONCE: Final = 50


class Event(NamedTuple):
    """An event as the outbox has it."""

    sequence: int
    tenant: str
    id: str
    kind: str
    resource: str
    resource_id: str
    ids: Mapping[str, str]
    occurred_ns: int


class Relay:
    """What passes events on; one works at a time (bss/leases.py).

    start    begins what an event starts, under the event's id; safe to repeat
    spread   write rows for others in the transaction that marks the event
    reached  is told of kill points
    """

    def __init__(
        self,
        database: Database,
        start: Callable[[Event], None],
        spread: Sequence[Callable[[sa.Connection, Event], None]] = (),
        reached: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._database = database
        self._start = start
        self._spread = spread
        self._reached = reached

    def pass_on(self) -> int:
        """Pass on what waits, EVENTS_AT_ONCE at most; how many. Again at once where it was as many as that."""
        events = self._waiting()
        if not events:
            return 0
        self._reached("relay.read")
        for event in events:
            self._start(event)
        self._reached("relay.started")
        self._database.across_tenants(lambda connection: self._mark(connection, events))
        self._reached("relay.marked")
        return len(events)

    def _waiting(self) -> list[Event]:
        columns = [OUTBOX.c[name] for name in Event._fields]
        statement = (
            sa.select(*columns).where(OUTBOX.c.relayed_ns.is_(None)).order_by(OUTBOX.c.sequence).limit(EVENTS_AT_ONCE)
        )
        with self._database.engine.connect().execution_options(**self._database.reading()) as connection:
            return [Event(*row) for row in connection.execute(statement)]

    def _mark(self, connection: sa.Connection, events: list[Event]) -> None:
        for event in events:
            for spread in self._spread:
                spread(connection, event)
        connection.execute(
            sa.update(OUTBOX)
            .where(OUTBOX.c.sequence.in_([event.sequence for event in events]), OUTBOX.c.relayed_ns.is_(None))
            .values(relayed_ns=self._database.now_ns())
        )
