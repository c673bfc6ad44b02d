"""What is forgotten by age: a table. The relay removes such rows hourly (bss/edge/relay.py), of all tenants, a few at a time so
that nobody waits long for a lock.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from bss.automation.tables import RUN, RUN_STEP
from bss.deliveries import DELIVERY, WAITING
from bss.outbox import OUTBOX
from vocabulary.instants import NS_PER_S

NS_PER_DAY: Final = 86_400 * NS_PER_S
FORGOTTEN_AT_ONCE: Final = 2000
"""Rows of each kind, with what belongs to them, a transaction."""

Columns = tuple[sa.Column[Any], ...]


class KeptRow(NamedTuple):
    """Rows that are forgotten some days after an instant of theirs.

    setting  how many days, in [bss] of the configuration
    days     by default
    since    the instant; rows that have none stay
    key      the columns that name a row
    parts    columns of other tables that name it: their rows go with it
    stays    old rows that stay all the same
    """

    setting: str
    days: int
    since: sa.Column[int]
    key: Columns
    parts: tuple[Columns, ...]
    stays: sa.ColumnElement[bool] = sa.false()


KEPT: Final = (
    KeptRow(
        "events_kept_days",
        30,
        OUTBOX.c.relayed_ns,
        (OUTBOX.c.sequence,),
        ((DELIVERY.c.event_sequence,),),
        OUTBOX.c.sequence.in_(sa.select(DELIVERY.c.event_sequence).where(DELIVERY.c.state == WAITING)),
    ),
    KeptRow(
        "runs_kept_days",
        90,
        RUN.c.ended_ns,
        (RUN.c.tenant, RUN.c.id),
        ((RUN_STEP.c.tenant, RUN_STEP.c.run_id),),
    ),
)
KEPT_DAYS: Final[Mapping[str, int]] = {kept.setting: kept.days for kept in KEPT}


def forget_old(connection: sa.Connection, *, now_ns: int, days: Mapping[str, int] = KEPT_DAYS) -> bool:
    """Remove what is older than it is kept, FORGOTTEN_AT_ONCE rows of each kind; may there be more?

    days  by the setting's name
    """
    counts = [_forget(connection, kept, now_ns - days[kept.setting] * NS_PER_DAY) for kept in KEPT]
    return FORGOTTEN_AT_ONCE in counts


def _forget(connection: sa.Connection, kept: KeptRow, before_ns: int) -> int:
    is_old = sa.and_(kept.since < before_ns, sa.not_(kept.stays))
    old = sa.select(*kept.key).where(is_old).order_by(kept.since).limit(FORGOTTEN_AT_ONCE)
    names = [tuple(row) for row in connection.execute(old)]
    for columns in (*kept.parts, kept.key) if names else ():
        connection.execute(sa.delete(columns[0].table).where(_names(columns, names)))
    return len(names)


def _names(columns: Columns, names: list[tuple[Any, ...]]) -> sa.ColumnElement[bool]:
    if len(columns) == 1:
        return columns[0].in_([name for (name,) in names])
    return sa.tuple_(*columns).in_(names)
