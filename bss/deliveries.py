"""What the relay keeps of webhooks: a row for each event and hub, in SQL of the transaction that it is called in.

An event is spread to the hubs that want it, once. A delivery is then leased, sent and settled; a lease that lapses, because
who had it died, is taken by somebody else, and the message goes out again under the same id. In a lane, which is a hub and
a resource, one waits until the one before is delivered or dead: so a resource's states arrive in order.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx
import sqlalchemy as sa

from bss.errors import Invalid
from bss.hubs import FROM_THE_FIRST, kinds_of
from bss.outbox import HUB, OUTBOX
from bss.tables import identifier, instant, plain_table
from vocabulary.instants import NS_PER_S

WAITING: Final = "waiting"
DELIVERED: Final = "delivered"
DEAD: Final = "dead"
DEAD_AFTER_NS: Final = 24 * 3600 * NS_PER_S
LEASE_NS: Final = 30 * NS_PER_S
"""Longer than any message takes; what a dead relay had in hand waits as long."""
RETRY_S_MIN: Final = 5
RETRY_S_MAX: Final = 3600
SAID_CHARACTERS_MAX: Final = 500

DELIVERY: Final = plain_table(
    "delivery",
    sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    identifier("hub_id", nullable=False),
    sa.Column("event_sequence", sa.BigInteger, nullable=False),
    sa.Column("lane", sa.String(130), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    instant("since_ns", nullable=False),
    instant("next_ns", nullable=False),
    instant("leased_until_ns", nullable=False),
    sa.Column("leased_by", sa.String(64), nullable=False),
    sa.Column("said", sa.String(SAID_CHARACTERS_MAX), nullable=False),
    sa.UniqueConstraint("tenant", "hub_id", "event_sequence"),
    sa.Index(None, "tenant", "hub_id", "lane", "state", "event_sequence"),
    sa.Index(None, "state", "next_ns"),
)
"""`state` is one of the above; `said` is what the last attempt came to, for people."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event of the outbox."""

    sequence: int
    tenant: str
    id: str
    kind: str
    resource: str
    resource_id: str
    ids: dict[str, str]
    occurred_ns: int


@dataclass(frozen=True, slots=True)
class Leased:
    """A delivery that is this relay's to send now."""

    sequence: int
    event: Event
    callback: str
    secrets: tuple[str, ...]
    attempts: int
    """before this one"""
    since_ns: int

    @property
    def target(self) -> str:
        """Whose slots it takes."""
        return target_of(self.callback)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The target took it."""

    said: str


@dataclass(frozen=True, slots=True)
class Failed:
    """It did not, or isn't known to have; it is tried again."""

    said: str
    retry_after_s: int = 0
    """what the target asks for"""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """It never will."""

    said: str


Outcome = Delivered | Failed | GivenUp


def target_of(callback: str) -> str:
    """Scheme and authority of a callback: who a slot is taken of; what is no URL is a target of its own."""
    try:
        url = httpx.URL(callback)
    except httpx.InvalidURL:
        return callback
    return f"{url.scheme}://{url.netloc.decode()}"


# --- spreading -------------------------------------------------------------------------------------------------------


def unspread_events(connection: sa.Connection, limit: int) -> list[Event]:
    """The oldest events that no relay has spread."""
    statement = sa.select(OUTBOX).where(OUTBOX.c.relayed_ns.is_(None)).order_by(OUTBOX.c.sequence).limit(limit)
    return [_event(row) for row in connection.execute(statement)]


def spread(connection: sa.Connection, events: Sequence[Event], *, now_ns: int, api_of: Callable[[str], str]) -> None:
    """A delivery for each hub that wants each of these events, and they are spread; another relay's are left out.

    api_of   the API whose hubs are told of a resource
    """
    sequences = [event.sequence for event in events]
    unspread = sa.select(OUTBOX.c.sequence).where(OUTBOX.c.sequence.in_(sequences), OUTBOX.c.relayed_ns.is_(None))
    left = set(connection.execute(unspread).scalars())
    own = [event for event in events if event.sequence in left]
    tenants = {event.tenant for event in own}
    hubs = connection.execute(sa.select(HUB).where(HUB.c.tenant.in_(tenants))).all() if own else []
    rows = [_row(hub, event, now_ns) for event in own for hub in hubs if wants(hub, event, api_of)]
    if rows:
        connection.execute(sa.insert(DELIVERY), rows)
    if own:
        connection.execute(sa.update(OUTBOX).where(OUTBOX.c.sequence.in_(left)).values(relayed_ns=now_ns))


def wants(hub: Any, event: Event, api_of: Callable[[str], str]) -> bool:
    """Is the hub to be told of the event?"""
    if hub.tenant != event.tenant or hub.api != api_of(event.resource):
        return False
    try:
        kinds = kinds_of(hub.query)
    except Invalid:  # written by an earlier release, which took more: rather too much than nothing
        return True
    return kinds is None or event.kind in kinds


def replay(connection: sa.Connection, *, now_ns: int, api_of: Callable[[str], str]) -> int:
    """Have what hubs asked to hear again wait anew, under the same ids; how many hubs had asked."""
    hubs = connection.execute(sa.select(HUB).where(HUB.c.replay_after.is_not(None))).all()
    for hub in hubs:
        first = sa.select(OUTBOX.c.sequence).where(OUTBOX.c.tenant == hub.tenant, OUTBOX.c.id == hub.replay_after)
        after = -1 if hub.replay_after == FROM_THE_FIRST else connection.execute(first).scalar_one_or_none()
        if after is not None:
            _replay_behind(connection, hub, after, now_ns, api_of)
        own = (HUB.c.tenant == hub.tenant, HUB.c.id == hub.id)
        connection.execute(sa.update(HUB).where(*own).values(replay_after=None))
    return len(hubs)


def _replay_behind(connection: sa.Connection, hub: Any, after: int, now_ns: int, api_of: Callable[[str], str]) -> None:
    own = (DELIVERY.c.tenant == hub.tenant, DELIVERY.c.hub_id == hub.id, DELIVERY.c.event_sequence > after)
    anew = {"state": WAITING, "attempts": 0, "since_ns": now_ns, "next_ns": now_ns, "said": "asked for again"}
    connection.execute(sa.update(DELIVERY).where(*own, DELIVERY.c.state != WAITING).values(anew))
    known = set(connection.execute(sa.select(DELIVERY.c.event_sequence).where(*own)).scalars())
    statement = sa.select(OUTBOX).where(
        OUTBOX.c.tenant == hub.tenant, OUTBOX.c.sequence > after, OUTBOX.c.relayed_ns.is_not(None)
    )
    missed = [event for event in map(_event, connection.execute(statement)) if event.sequence not in known]
    rows = [_row(hub, event, now_ns) for event in missed if wants(hub, event, api_of)]
    if rows:
        connection.execute(sa.insert(DELIVERY), rows)


# --- leasing and settling --------------------------------------------------------------------------------------------


def lease(connection: sa.Connection, *, node: str, now_ns: int, room: Callable[[str], int], limit: int) -> list[Leased]:
    """Take what is due, the head of each lane, at most `room(target)` of each target and `limit` in all."""
    table = DELIVERY
    is_due = sa.and_(table.c.state == WAITING, table.c.next_ns <= now_ns, table.c.leased_until_ns <= now_ns)
    hubs = connection.execute(sa.select(table.c.tenant, table.c.hub_id).where(is_due).distinct()).all()
    found: list[Leased] = []
    taken: dict[str, int] = {}
    for tenant, hub_id in hubs:
        hub = connection.execute(sa.select(HUB).where(HUB.c.tenant == tenant, HUB.c.id == hub_id)).one_or_none()
        if hub is None:
            own = (table.c.tenant == tenant, table.c.hub_id == hub_id, table.c.state == WAITING)
            gone = {"state": DEAD, "said": "its hub was unregistered"}
            connection.execute(sa.update(table).where(*own).values(gone))
            continue
        target = target_of(hub.callback)
        free = min(room(target) - taken.get(target, 0), limit - len(found))
        if free > 0:
            heads = _heads(connection, hub, is_due, free)
            taken[target] = taken.get(target, 0) + len(heads)
            found += heads
    held = {"leased_until_ns": now_ns + LEASE_NS, "leased_by": node}
    if found:
        sequences = [leased.sequence for leased in found]
        connection.execute(sa.update(table).where(table.c.sequence.in_(sequences)).values(held))
    return found


def _heads(connection: sa.Connection, hub: Any, is_due: sa.ColumnElement[bool], limit: int) -> list[Leased]:
    """The oldest waiting delivery of each lane of a hub, where it is due."""
    table, earlier = DELIVERY, DELIVERY.alias()
    is_behind = sa.exists().where(
        earlier.c.tenant == table.c.tenant,
        earlier.c.hub_id == table.c.hub_id,
        earlier.c.lane == table.c.lane,
        earlier.c.state == WAITING,
        earlier.c.event_sequence < table.c.event_sequence,
    )
    statement = (
        sa.select(OUTBOX, table.c.sequence.label("delivery"), table.c.attempts, table.c.since_ns)
        .join(table, OUTBOX.c.sequence == table.c.event_sequence)
        .where(table.c.tenant == hub.tenant, table.c.hub_id == hub.id, is_due, ~is_behind)
        .order_by(table.c.event_sequence)
        .limit(limit)
    )
    return [
        Leased(row.delivery, _event(row), hub.callback, tuple(hub.secrets), row.attempts, row.since_ns)
        for row in connection.execute(statement)
    ]


def settle(connection: sa.Connection, leased: Leased, outcome: Outcome, *, node: str, now_ns: int) -> str:
    """Write what a message came to, where the lease is still ours; the state that follows."""
    values: dict[str, Any] = {
        "attempts": leased.attempts + 1,
        "leased_until_ns": 0,
        "said": outcome.said[:SAID_CHARACTERS_MAX],
        "state": WAITING,
    }
    if isinstance(outcome, Delivered):
        values["state"] = DELIVERED
    elif isinstance(outcome, GivenUp) or now_ns - leased.since_ns >= DEAD_AFTER_NS:
        values["state"] = DEAD
    else:
        values["next_ns"] = now_ns + retry_s(leased.attempts + 1, outcome.retry_after_s) * NS_PER_S
    own = (DELIVERY.c.sequence == leased.sequence, DELIVERY.c.leased_by == node, DELIVERY.c.state == WAITING)
    connection.execute(sa.update(DELIVERY).where(*own).values(values))
    return str(values["state"])


def retry_s(attempts: int, asked_s: int = 0) -> int:
    """How long after so many attempts the next one comes: doubled each time, and not before the target asks for it."""
    return min(max(RETRY_S_MIN << min(attempts - 1, 20), asked_s), RETRY_S_MAX)


def _event(row: Any) -> Event:
    return Event(
        row.sequence, row.tenant, row.id, row.kind, row.resource, row.resource_id, dict(row.ids), row.occurred_ns
    )


def _row(hub: Any, event: Event, now_ns: int) -> dict[str, Any]:
    return {
        "tenant": hub.tenant,
        "hub_id": hub.id,
        "event_sequence": event.sequence,
        "lane": f"{event.resource}:{event.resource_id}",
        "state": WAITING,
        "attempts": 0,
        "since_ns": now_ns,
        "next_ns": now_ns,
        "leased_until_ns": 0,
        "leased_by": "",
        "said": "",
    }
