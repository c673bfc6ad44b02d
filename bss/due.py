"""What is due at an instant: one row says what, when and about which row. It is written in the transaction of what it is about;
the worker compares due rows with the one clock, leases those whose instant has come and does what they name
(bss/edge/due_rows.py). There are no cron threads: moving the clock is enough to make a month pass.
"""

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa

from bss.errors import Stale
from bss.record import Record
from bss.tables import identifier, instant, tenant_table, unique
from bss.tenant_rows import Prepared
from bss.work import Work

DUE: Final = tenant_table(
    "due",
    sa.Column("kind", sa.String(80), nullable=False),
    identifier("resource_id", nullable=False),
    instant("at_ns", nullable=False),
    sa.Column("ids", sa.JSON, nullable=False),
    instant("not_before_ns", nullable=False),
    sa.Column("holder", sa.String(64)),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("error", sa.String(500)),
    unique("kind", "resource_id"),
    is_audited=False,
)
"""At most one row a kind and resource. `not_before_ns`: when it may be taken: its instant, the end of a lease, or of a pause
after a failure. `ids`: what else it concerns; no personal data.
"""
sa.Index("ix_due_next", DUE.c.not_before_ns)
sa.Index("ix_due_resource", DUE.c.tenant, DUE.c.resource_id)

ERROR_CHARACTERS_MAX: Final = 500
PAUSE_NS: Final = 5_000_000_000
PAUSE_NS_MAX: Final = 3_600_000_000_000
_SCHEDULED: Final = Prepared(
    sa.select(DUE).where(DUE.c.kind == sa.bindparam("kind"), DUE.c.resource_id == sa.bindparam("resource_id"))
)


class Due(Record, frozen=True):
    """Something that is due, or will be."""

    tenant: str
    id: str
    revision: int
    kind: str
    resource_id: str
    at_ns: int
    ids: dict[str, str]
    attempts: int
    error: str | None


def schedule(work: Work, kind: str, *, resource_id: str, at_ns: int, **ids: str) -> str:
    """Have `kind` done to a resource at an instant; one that was scheduled for it already is moved there. The row's id."""
    found = work.row(_SCHEDULED, kind=kind, resource_id=resource_id)
    values: dict[str, Any] = {
        "at_ns": at_ns,
        "not_before_ns": at_ns,
        "ids": ids,
        "holder": None,
        "attempts": 0,
        "error": None,
    }
    if found is not None:
        return str(work.change(DUE, found, **values)["id"])
    return str(work.insert(DUE, kind=kind, resource_id=resource_id, **values)["id"])


def unschedule(work: Work, kind: str, *, resource_id: str) -> None:
    """It is not to be done any more; nothing where it wasn't scheduled."""
    found = work.row(_SCHEDULED, kind=kind, resource_id=resource_id)
    if found is not None:
        work.remove(DUE, found)


def due_of(work: Work, resource_id: str) -> list[Due]:
    """What is scheduled for a resource, by its instant."""
    rows = work.rows(sa.select(DUE).where(DUE.c.resource_id == resource_id).order_by(DUE.c.at_ns))
    return [Due.from_row(row) for row in rows]


def finish(work: Work, due: Due) -> None:
    """It is done: the row goes, in the transaction of what was done. Stale where another worker has taken it meanwhile, or it
    was moved or taken back: then nothing may be done.
    """
    row = work.find(DUE, due.id)
    if row is None or row["revision"] != due.revision:
        raise Stale("due", f"{due.kind} of {due.resource_id} is another's by now, or was moved", "Leave it")
    work.remove(DUE, row)


def lease_due(
    connection: sa.Connection, *, now_ns: int, lease_ns: int, holder: str, kinds: Sequence[str], count_max: int
) -> list[Due]:
    """Take what is due, of all tenants, the longest due first; nobody else gets it before the lease has ended.

    kinds   what the caller can do; rows of other kinds stay
    """
    taken = connection.execute(
        sa.select(DUE)
        .where(DUE.c.not_before_ns <= now_ns, DUE.c.kind.in_(kinds))
        .order_by(DUE.c.not_before_ns)
        .limit(count_max)
        .with_for_update(skip_locked=True)
    ).all()
    for row in taken:
        connection.execute(
            sa.update(DUE)
            .where(DUE.c.tenant == row.tenant, DUE.c.id == row.id)
            .values(not_before_ns=now_ns + lease_ns, holder=holder, revision=row.revision + 1)
        )
    return [Due.from_row(row._asdict() | {"revision": row.revision + 1}) for row in taken]


def put_off(connection: sa.Connection, due: Due, *, now_ns: int, error: str) -> None:
    """It failed: it is due again after a pause that doubles each time. Nothing where the lease is another's by now."""
    pause_ns = min(PAUSE_NS << min(due.attempts, 20), PAUSE_NS_MAX)
    connection.execute(
        sa.update(DUE)
        .where(DUE.c.tenant == due.tenant, DUE.c.id == due.id, DUE.c.revision == due.revision)
        .values(
            not_before_ns=now_ns + pause_ns,
            holder=None,
            attempts=due.attempts + 1,
            error=error[:ERROR_CHARACTERS_MAX],
            revision=due.revision + 1,
        )
    )


def next_instant_ns(connection: sa.Connection) -> int | None:
    """When the next row may be taken; none where nothing is scheduled."""
    found = connection.execute(sa.select(sa.func.min(DUE.c.not_before_ns))).scalar_one()
    return None if found is None else int(found)
