"""Doing a run step by step: what its workflow calls. Each call notes what a step came to and says what is next, in the
transaction of what the step wrote.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

from bss.access import requires
from bss.automation.operations import CONDITION, steps_of
from bss.automation.records import Run, RunState, RunStep, RunStepState, RunTask
from bss.automation.tables import RUN, RUN_STEP
from bss.work import Row, Work

ERROR_CHARACTERS_MAX: Final = 1000
MADE_ID: Final = "made_id"
"""Among what a step makes: the id of what the run's action came to, by which later events are known as caused by it."""


class Overtaken(Exception):
    """The step isn't as it was handed out: another worker, which took the run over, has moved it on."""


@requires("automation:execute")
def check_in_hand(work: Work, task: RunTask) -> None:
    """Before anything is written for a task: nobody else has done its step or let it fail. Overtaken."""
    if work.get(RUN_STEP, task.step.id, field="step_id")["revision"] != task.step.revision:
        raise Overtaken(f"step {task.step.id} of run {task.run.id}")


@requires("automation:execute")
def begin(work: Work, *, run_id: str) -> RunTask | None:
    """The run's next step, begun. None where there is nothing to do: it has ended, or failed."""
    run = work.get(RUN, run_id, field="run_id")
    return _go_on(work, run) if run["state"] == RunState.RUNNING else None


@requires("automation:execute")
def finish(work: Work, *, step_id: str, outcome: Mapping[str, str]) -> RunTask | None:
    """The step is done; the run's next one, begun. None where that was the last."""
    step = work.get(RUN_STEP, step_id, field="step_id")
    run = work.get(RUN, step["run_id"])
    if step["state"] == RunStepState.RUNNING:
        known = {**step["outcome"], **outcome}
        work.change(RUN_STEP, step, state=RunStepState.DONE, outcome=known, ended_ns=work.now_ns)
        if MADE_ID in outcome:
            run = work.change(RUN, run, made_id=outcome[MADE_ID])
    return _go_on(work, run)


@requires("automation:execute")
def fail(work: Work, *, step_id: str, code: str, error: str, redoes: Collection[str] = ()) -> None:
    """The step could not be done: the run has failed, until it is replayed from there.

    redoes   kinds of steps before it that a replay does anew, too
    """
    step = work.get(RUN_STEP, step_id, field="step_id")
    if step["state"] != RunStepState.RUNNING:
        return
    said: dict[str, Any] = {"error_code": code, "error": error[:ERROR_CHARACTERS_MAX], "ended_ns": work.now_ns}
    work.change(RUN_STEP, step, state=RunStepState.FAILED, **said)
    for before in steps_of(work, step["run_id"]):
        if before["kind"] in redoes and before["place"] < step["place"]:
            work.change(RUN_STEP, before, state=RunStepState.WAITING, outcome={})
    work.change(RUN, step["run_id"], state=RunState.FAILED, ended_ns=work.now_ns)


def _go_on(work: Work, run: Row) -> RunTask | None:
    steps = steps_of(work, run["id"])
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
