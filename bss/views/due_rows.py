"""What is due, for people: how much of what, what failed, what comes next."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import sqlalchemy as sa

from bss.access import requires
from bss.due import DUE, Due
from bss.work import Work

ROWS_MAX: Final = 1000


class DueCount(NamedTuple):
    """How many rows of a kind there are, how many of them failed at least once, and when the next one's turn is."""

    kind: str
    row_count: int
    failed_count: int
    next_ns: int


@requires("automation:read")
def due_counts(work: Work) -> Sequence[DueCount]:
    """By kind."""
    counted = sa.select(
        DUE.c.kind,
        sa.func.count().label("row_count"),
        sa.func.count(DUE.c.error).label("failed_count"),
        sa.func.min(DUE.c.at_ns).label("next_ns"),
    ).group_by(DUE.c.kind)
    return [DueCount(**row) for row in work.rows(counted.order_by(DUE.c.kind))]


@requires("automation:read")
def due_rows(work: Work, *, failed_only: bool = False, limit: int = 100) -> Sequence[Due]:
    """By their instant, the next first."""
    statement = sa.select(DUE).order_by(DUE.c.at_ns, DUE.c.id).limit(min(limit, ROWS_MAX))
    if failed_only:
        statement = statement.where(DUE.c.error.is_not(None))
    return [Due.from_row(row) for row in work.rows(statement)]
