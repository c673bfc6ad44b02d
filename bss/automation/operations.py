"""Putting rules in force, beginning runs of them, and replaying those that failed."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from bss.access import Forbidden, requires
from bss.automation.actions import ACTION_OF
from bss.automation.evaluate import Firing
from bss.automation.queries import newest_set
from bss.automation.records import RuleSet, Run, RunState, RunStepState
from bss.automation.rules_file import Rule, read_rules
from bss.automation.tables import RULE_SET, RUN, RUN_STEP
from bss.due import unschedule
from bss.errors import BusinessError, Conflict
from bss.work import Row, Work
from catalog_loader.faults import Fault
from vocabulary.instants import NS_PER_S

WORKFLOW: Final = "workflow"
"""Resource of events that start workflows: nobody outside is told of them."""
RUN_READY: Final = "automation.ready"
"""Kind of the event that starts a run's workflow."""
REPLAY_DUE: Final = "automation.replay"
"""Kind of the due row by which a run that failed for a passing reason is replayed."""
CONDITION: Final = "condition"
"""Kind of a run's first step, which is done when the run begins."""
RUN_RESOURCE: Final = "automationRun"
"""Resource of events that are about runs."""
DEPTH_MAX: Final = 5
"""So many runs may follow from each other; the next one is stopped."""
RUNS_OF_A_RESOURCE_MAX: Final = 20
"""So often a rule runs about one resource within WINDOW_NS; further runs are stopped."""
WINDOW_NS: Final = 3600 * NS_PER_S


class RulesFaulty(BusinessError):
    """The file can't be put in force: all of its faults."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("rules", f"{len(faults)} faults", "Mend them")
        self.faults = tuple(faults)

    def lines(self) -> tuple[str, ...]:
        """A fault a line."""
        return tuple(map(str, self.faults))


@requires("automation:write")
def publish_rules(work: Work, *, text: str, file: str = "rules.yaml") -> RuleSet:
    """Put a file of rules in force, instead of the one before. The same text again changes nothing.

    RulesFaulty. Forbidden where the caller lacks what an action does: a rule isn't a way around a role.
    """
    read = read_rules(file, text.encode())
    if read.faults:
        raise RulesFaulty(read.faults)
    for rule in read.rules:
        for permission in sorted(ACTION_OF[rule.action].permissions):
            if not work.caller.may(permission):
                raise Forbidden(permission, f"{work.caller.subject}, who writes {rule.action} in rule {rule.name},")
    digest = hashlib.sha256(text.encode()).hexdigest()
    before = newest_set(work)
    if before is not None and before["hash"] == digest:
        return RuleSet.from_row(before)
    number = 1 if before is None else before["number"] + 1
    row = work.insert(RULE_SET, number=number, hash=digest, text=text, subject=work.caller.subject)
    return RuleSet.from_row(row)


@requires("automation:execute")
def begin_runs(
    work: Work,
    *,
    event_id: str,
    event_kind: str,
    resource: str,
    resource_id: str,
    rule_set: int,
    firings: Sequence[tuple[Rule, Firing]],
    related_ids: Sequence[str],
) -> list[Run]:
    """A run for each rule that the event fires, and what starts its workflow; those that have begun already are left out.

    related_ids   of what the event is about, by which it is seen whether a run has caused it
    """
    known = {row["rule"] for row in work.rows(sa.select(RUN.c.rule).where(RUN.c.event_id == event_id))}
    depth = _depth(work, related_ids)
    begun = []
    for rule, firing in firings:
        if rule.name in known:
            continue
        reason = _why_stopped(work, rule.name, resource_id, depth)
        row = work.insert(
            RUN,
            rule=rule.name,
            rule_set=rule_set,
            action=firing.action,
            texts=firing.texts,
            event_id=event_id,
            event_kind=event_kind,
            resource=resource,
            resource_id=resource_id,
            state=RunState.STOPPED if reason else RunState.RUNNING,
            depth=depth,
            reason=reason,
            made_id=None,
            ended_ns=work.now_ns if reason else None,
        )
        _insert_steps(work, row, rule)
        if not reason:
            work.event(RUN_READY, resource=WORKFLOW, resource_id=row["id"])
        begun.append(Run.from_row(row))
    return begun


@requires("automation:write")
def replay(work: Work, *, run_id: str) -> Run:
    """Go on with a run at the step that failed; what was done before stays done. Conflict where none failed."""
    run = work.get(RUN, run_id, field="run_id")
    if run["state"] != RunState.FAILED:
        raise Conflict("run_id", f"run {run_id} is {run['state']}", "Only a run that failed is replayed")
    for step in steps_of(work, run_id):
        if step["state"] == RunStepState.FAILED:
            work.change(RUN_STEP, step["id"], state=RunStepState.WAITING)
    unschedule(work, REPLAY_DUE, resource_id=run_id)
    row = work.change(RUN, run_id, state=RunState.RUNNING, ended_ns=None)
    work.event(RUN_READY, resource=WORKFLOW, resource_id=run_id)
    return Run.from_row(row)


def steps_of(work: Work, run_id: str) -> list[Row]:
    """The rows of a run's steps, by place."""
    return list(work.rows(sa.select(RUN_STEP).where(RUN_STEP.c.run_id == run_id).order_by(RUN_STEP.c.place)))


def _insert_steps(work: Work, run: Row, rule: Rule) -> None:
    condition: Mapping[str, Any] = {
        "state": RunStepState.DONE,
        "attempts": 1,
        "input": {"on": run["event_kind"], "when": rule.condition.text},
        "outcome": {"holds": "yes"},
        "started_ns": work.now_ns,
        "ended_ns": work.now_ns,
    }
    waiting: Mapping[str, Any] = {
        "state": RunStepState.WAITING,
        "attempts": 0,
        "input": {},
        "outcome": {},
        "started_ns": None,
        "ended_ns": None,
    }
    kinds = ((CONDITION, condition), *((kind, waiting) for kind in ACTION_OF[run["action"]].steps))
    for place, (kind, values) in enumerate(kinds):
        work.insert(RUN_STEP, run_id=run["id"], place=place, kind=kind, error_code="", error="", **values)


def _depth(work: Work, related_ids: Sequence[str]) -> int:
    """How many runs led to an event that is about these ids: one more than the deepest run that made one of them."""
    ids = sorted({each for each in related_ids if each})
    caused = sa.or_(RUN.c.made_id.in_(ids), RUN.c.id.in_(ids))
    deepest = work.row(sa.select(sa.func.max(RUN.c.depth).label("depth")).where(caused)) if ids else None
    return 0 if deepest is None or deepest["depth"] is None else int(deepest["depth"]) + 1


def _why_stopped(work: Work, rule: str, resource_id: str, depth: int) -> str:
    if depth > DEPTH_MAX:
        return f"{depth} runs led to this event, one after the other: does a rule cause its own event?"
    since = sa.select(RUN.c.id).where(
        RUN.c.rule == rule, RUN.c.resource_id == resource_id, RUN.c.created_ns > work.now_ns - WINDOW_NS
    )
    if work.count(since) >= RUNS_OF_A_RESOURCE_MAX:
        return f"it ran {RUNS_OF_A_RESOURCE_MAX} times about {resource_id} within an hour: does it cause its own event?"
    return ""
