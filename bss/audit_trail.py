"""Reading the audit trail: what was changed of one row, by whom, and what was before and after, in words that people read."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from bss.access import requires
from bss.audit import AUDIT, open_sealed
from bss.errors import Invalid
from bss.record import Record
from bss.work import Work

ENTRIES_MAX: Final = 500


class AuditEntry(Record, frozen=True):
    """One change of one row. `before` is null where it was made, `after` where it was removed; else both hold what differs."""

    id: str
    at_ns: int
    subject: str
    operation: str
    resource: str
    resource_id: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None


@requires("audit:read")
def audit_trail(
    work: Work, *, resource: str, resource_id: str, before_id: str = "", limit: int = 100
) -> list[AuditEntry]:
    """Changes of a row, the latest first; `before_id` goes on behind the last entry of the page before.

    resource  the table's name, such as customer
    Personal values are opened; those of an erased person can't be. Invalid.
    """
    return _entries(work, {resource: [resource_id]}, before_id, limit)


@requires("audit:read")
def audit_trail_of(
    work: Work, *, rows: Mapping[str, Sequence[str]], before_id: str = "", limit: int = 100
) -> list[AuditEntry]:
    """The same of several rows, merged: ids by the table's name. Invalid."""
    return _entries(work, rows, before_id, limit)


def _entries(work: Work, rows_by_table: Mapping[str, Sequence[str]], before_id: str, limit: int) -> list[AuditEntry]:
    if not 0 < limit <= ENTRIES_MAX:
        raise Invalid("limit", f"{limit} entries can't be asked for", f"Choose 1..{ENTRIES_MAX}")
    named = [
        sa.and_(AUDIT.c.resource == table, AUDIT.c.resource_id.in_(ids)) for table, ids in rows_by_table.items() if ids
    ]
    statement = sa.select(AUDIT).where(sa.or_(sa.false(), *named))
    if before_id:
        statement = statement.where(AUDIT.c.id < before_id)
    rows = work.rows(statement.order_by(AUDIT.c.id.desc()).limit(limit))
    people = {row["person_id"] for row in rows if row["person_id"] is not None}
    keys = {person: work.person_key(person) for person in people}
    return [
        AuditEntry.from_row(
            row | {side: open_sealed(row[side], key=keys.get(row["person_id"])) for side in ("before", "after")}
        )
        for row in rows
    ]
