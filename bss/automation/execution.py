"""Doing a run step by step: what its workflow calls. Each call notes what a step came to and says what is next, in the
transaction of what the step wrote.
"""

from collections.abc import Mapping
from typing import Any, Final

from bss.access import requires
from bss.automation.operations import CONDITION, REPLAY_DUE, steps_of
from bss.automation.records import Run, RunState, RunStep, RunStepState, RunTask
from bss.automation.tables import RUN, RUN_STEP
from bss.due import schedule
from bss.steps import ERROR_CHARACTERS_MAX, Failed, in_hand, retry_at_ns
from bss.work import Row, Work

MADE_ID: Final = "made_id"
"""Among what a step makes: the id of what the run's action came to, by which later events are known as caused by it."""


@requires("automation:execute")
def begin(work: Work, run_id: str) -> RunTask | None:
    """The run's next step, begun. None where there is nothing to do: it has ended, or failed."""
    run = work.get(RUN, run_id, field="run_id")
    return _go_on(work, run, steps_of(work, run_id)) if run["state"] == RunState.RUNNING else None


@requires("automation:execute")
def finish(work: Work, task: RunTask, outcome: Mapping[str, str]) -> RunTask | None:
    """The step is done; the run's next one, begun. None where that was the last. Overtaken."""
    steps = steps_of(work, task.run.id)
    step = in_hand(steps, task.step.id, revision=task.step.revision)
    known = {**step["outcome"], **outcome}
    step.update(work.change(RUN_STEP, step, state=RunStepState.DONE, outcome=known, ended_ns=work.now_ns))
    run = work.get(RUN, task.run.id)
    if MADE_ID in outcome:
        run = work.change(RUN, run, made_id=outcome[MADE_ID])
    return _go_on(work, run, steps)


@requires("automation:execute")
def fail(work: Work, task: RunTask, failed: Failed) -> None:
    """The step could not be done: the run has failed, until it is replayed from there: by itself where the reason may pass, or
    by a person. Overtaken.
    """
    steps = steps_of(work, task.run.id)
    step = in_hand(steps, task.step.id, revision=task.step.revision)
    again_ns = retry_at_ns(failed, attempts=task.step.attempts, now_ns=work.now_ns)
    if again_ns is not None:
        schedule(work, REPLAY_DUE, resource_id=task.run.id, at_ns=again_ns)
    said: dict[str, Any] = {
        "error_code": failed.code,
        "error": failed.reason[:ERROR_CHARACTERS_MAX],
        "ended_ns": work.now_ns,
    }
    work.change(RUN_STEP, step, state=RunStepState.FAILED, **said)
    for before in steps:
        if before["kind"] in failed.redoes and before["place"] < step["place"]:
            work.change(RUN_STEP, before, state=RunStepState.WAITING, outcome={})
    work.change(RUN, task.run.id, state=RunState.FAILED, ended_ns=work.now_ns)


def _go_on(work: Work, run: Row, steps: list[Row]) -> RunTask | None:
    made: dict[str, str] = {}
    for step in steps:
        if step["kind"] != CONDITION:
            made.update(step["outcome"])
    for step in steps:
        if step["state"] == RunStepState.WAITING:
            step = work.change(
                RUN_STEP,
                step,
                state=RunStepState.RUNNING,
                attempts=step["attempts"] + 1,
                input={**run["texts"], **made},
                started_ns=work.now_ns,
                ended_ns=None,
                error_code="",
                error="",
            )
        if step["state"] == RunStepState.RUNNING:
            return RunTask(run=Run.from_row(run), step=RunStep.from_row(step), outcomes=made)
        if step["state"] == RunStepState.FAILED:
            return None
    work.change(RUN, run, state=RunState.DONE, ended_ns=work.now_ns)
    return None
