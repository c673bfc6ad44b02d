"""The workflow of a rule's run: its action, step after step. It waits for nobody: where a step fails the run has failed, and
is replayed from there, by itself where the reason may pass, or by a person.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bss.automation.actions import rule_caller
from bss.automation.execution import Overtaken, begin, check_in_hand, fail, finish
from bss.automation.operations import REPLAY_DUE, replay
from bss.automation.records import RunTask
from bss.due import Due, schedule
from bss.due import finish as finish_due
from bss.errors import BusinessError, Conflict
from bss.orchestration.answers import Answer, Failed, Made
from bss.orchestration.run import RESOURCE_ID, Ids, Run
from bss.work import Work
from vocabulary.instants import NS_PER_S

AUTOMATION: Final = "automation"
"""The workflow's name."""
REPLAYS_S: Final = (5, 30, 120, 600, 3600)
"""Pauses before each such try; then people decide."""


@dataclass(frozen=True, slots=True)
class Inside:
    """A step that writes rows of ours, as the rule's own caller; what it returns are ids that it made."""

    do: Callable[[Work, RunTask], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Outside:
    """A step that asks others, under a key that is the same at each try."""

    request: Callable[[Work, RunTask], Any]
    send: Callable[[Any], Answer]
    note: Callable[[Work, RunTask, Made], Failed | None]
    """writes what it came to, in the transaction that says that the step is done; or why the run has failed by it"""
    redoes: tuple[str, ...] = ()
    """steps before it that a replay does anew, where this one was refused under its key"""


Step = Inside | Outside
Steps = Mapping[str, Step]
"""What each kind of step does (bss/automation/actions.py names them)."""


class AutomationFlow:
    """The workflow, for a table of steps. `reached` is told before and after each (runtime/kill_points.py)."""

    def __init__(self, steps: Steps, reached: Callable[[str], None] = lambda name: None) -> None:
        self._steps = steps
        self._reached = reached

    def __call__(self, run: Run, ids: Ids) -> None:
        """Do the run `ids[RESOURCE_ID]` as far as it goes. Its rows say where it is, whoever drove it so far."""
        try:
            task = run.commit(lambda work: begin(work, run_id=ids[RESOURCE_ID]))
            while task is not None:
                task = self._do_or_fail(run, task)
        except Overtaken:
            return  # whoever has moved it on drives it now

    def _do_or_fail(self, run: Run, task: RunTask) -> RunTask | None:
        """The step of this task; the next one. A mistake of ours makes the run fail, too, so that people see it."""
        try:
            return self._do(run, task)
        except Overtaken:
            raise
        except Exception as error:
            failed = Failed(type(error).__name__, str(error))
            run.commit(lambda work: _fail(work, task, failed))
            return None

    def _do(self, run: Run, task: RunTask) -> RunTask | None:
        step = self._steps[task.step.kind]
        self._reached("automation.step.before")
        if isinstance(step, Inside):
            following = run.commit(lambda work: _do_inside(work, step, task))
        else:
            answer = _ask(run, step, task)
            self._reached("automation.step.asked")
            following = run.commit(lambda work: _note(work, step, task, answer))
        self._reached("automation.step.after")
        return following


def replay_due(work: Work, due: Due) -> None:
    """What the due row asks for: a run that failed for a passing reason is replayed."""
    finish_due(work, due)
    try:
        with work.all_or_nothing():
            replay(work, run_id=due.resource_id)
    except Conflict:
        return  # a person was quicker


def _as_rule(work: Work, task: RunTask) -> Any:
    return work.acting_as(rule_caller(work.caller.tenant, task.run.rule, task.run.action))


def _ask(run: Run, step: Outside, task: RunTask) -> Answer:
    def request(work: Work) -> Any:
        with _as_rule(work, task):
            return step.request(work, task)

    try:
        return step.send(run.read(request))
    except BusinessError as error:
        return Failed(type(error).__name__, str(error))


def _do_inside(work: Work, step: Inside, task: RunTask) -> RunTask | None:
    check_in_hand(work, task)
    with _as_rule(work, task):
        made = step.do(work, task)
    return finish(work, step_id=task.step.id, outcome=dict(made))


def _note(work: Work, step: Outside, task: RunTask, answer: Answer) -> RunTask | None:
    if isinstance(answer, Failed):
        _fail(work, task, answer)
        return None
    check_in_hand(work, task)
    with _as_rule(work, task):
        refused = step.note(work, task, answer)
    if refused is not None:
        return fail(work, step_id=task.step.id, code=refused.code, error=refused.reason, redoes=step.redoes)
    return finish(work, step_id=task.step.id, outcome=answer.ids)


def _fail(work: Work, task: RunTask, failed: Failed) -> None:
    check_in_hand(work, task)
    if failed.is_transient and task.step.attempts <= len(REPLAYS_S):
        at_ns = work.now_ns + REPLAYS_S[task.step.attempts - 1] * NS_PER_S
        schedule(work, REPLAY_DUE, resource_id=task.run.id, at_ns=at_ns)
    fail(work, step_id=task.step.id, code=failed.code, error=failed.reason)
