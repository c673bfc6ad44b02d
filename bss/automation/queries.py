"""Reads of rules and of their runs."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from bss.access import requires
from bss.automation.records import RuleCounts, RuleSet, Run, RunStep, RunView
from bss.automation.tables import RULE_SET, RUN, RUN_STEP
from bss.work import Row, Work

PAGE_MAX: Final = 1000


@requires("automation:read")
def rules_in_force(work: Work) -> RuleSet | None:
    """The rules that events are held against; none where none were put in force."""
    row = newest_set(work)
    return None if row is None else RuleSet.from_row(row)


@requires("automation:read")
def list_runs(
    work: Work, *, state: str | None = None, rule: str | None = None, limit: int = 100, offset: int = 0
) -> Sequence[Run]:
    """Runs, the newest first; of a state or a rule where named. At most PAGE_MAX of them."""
    statement = sa.select(RUN).order_by(RUN.c.id.desc())
    if state is not None:
        statement = statement.where(RUN.c.state == state)
    if rule is not None:
        statement = statement.where(RUN.c.rule == rule)
    return [Run.from_row(row) for row in work.rows(statement.limit(min(limit, PAGE_MAX)).offset(offset))]


@requires("automation:read")
def show_run(work: Work, *, run_id: str) -> RunView:
    """A run with its steps. NotFound."""
    run = work.get(RUN, run_id, field="run_id")
    steps = work.rows(sa.select(RUN_STEP).where(RUN_STEP.c.run_id == run_id).order_by(RUN_STEP.c.place))
    return RunView(run=Run.from_row(run), steps=tuple(RunStep.from_row(row) for row in steps))


@requires("automation:read")
def run_counts(work: Work) -> list[RuleCounts]:
    """By rule, those that were ever in force and ran."""
    counted = sa.select(RUN.c.rule, RUN.c.state, sa.func.count().label("count")).group_by(RUN.c.rule, RUN.c.state)
    found: dict[str, dict[str, int]] = {}
    for row in work.rows(counted.order_by(RUN.c.rule)):
        found.setdefault(row["rule"], {})[row["state"]] = row["count"]
    return [RuleCounts(rule=rule, **counts) for rule, counts in found.items()]


def newest_set(work: Work) -> Row | None:
    """The row of the rules in force."""
    rows = work.rows(sa.select(RULE_SET).order_by(RULE_SET.c.number.desc()).limit(1))
    return rows[0] if rows else None
