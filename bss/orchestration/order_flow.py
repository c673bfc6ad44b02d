"""The workflow of an order: step after step forwards, or backwards once it is cancelled. It waits for nobody: where a step
falls out it ends, and what a person decides then starts the next one (bss/orders/fallout.py).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bss.due import schedule
from bss.errors import BusinessError
from bss.orchestration.answers import Answer, Failed, Made
from bss.orchestration.run import RESOURCE_ID, Ids, Run
from bss.orders.execution import Overtaken, Task, begin, check_in_hand, fail, finish
from bss.orders.operations import RETRY_DUE
from bss.work import Work
from vocabulary.instants import NS_PER_S

ORDER: Final = "order"
"""The workflow's name."""
RETRIES_S: Final = (5, 30, 120, 600, 3600)
"""Pauses before each such try; then people decide."""


@dataclass(frozen=True, slots=True)
class Inside:
    """A step that writes rows of ours; what it returns are ids that it made. A BusinessError makes the order fall out."""

    do: Callable[[Work, Task], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Outside:
    """A step that asks others, under the task's key. Nothing of ours is locked meanwhile."""

    request: Callable[[Work, Task], Any]
    """reads what is to be asked; the same at each try, or the key would stand for two things"""
    send: Callable[[Any], Answer]
    note: Callable[[Work, Task, Made], None] = lambda work, task, made: None
    """writes what was made, in the transaction that says that the step is done"""


Step = Inside | Outside
Steps = Mapping[str, Step]
"""What each kind of step, and of compensation, does."""


class OrderFlow:
    """The workflow, for a table of steps. `reached` is told before and after each (runtime/kill_points.py)."""

    def __init__(self, steps: Steps, reached: Callable[[str], None] = lambda name: None) -> None:
        self._steps = steps
        self._reached = reached

    def __call__(self, run: Run, ids: Ids) -> None:
        """Drive the order `ids[RESOURCE_ID]` as far as it goes. Its rows say where it is, whoever drove it so far."""
        try:
            task = run.commit(lambda work: begin(work, order_id=ids[RESOURCE_ID]))
            while task is not None:
                task = self._do_or_fail(run, task)
        except Overtaken:
            return  # whoever has moved the order on drives it now

    def _do_or_fail(self, run: Run, task: Task) -> Task | None:
        """The step of this task; the next one. A mistake of ours makes the order fall out, too, so that people see it."""
        try:
            return self._do(run, task)
        except Overtaken:
            raise
        except Exception as error:
            failed = Failed(type(error).__name__, str(error))
            return run.commit(lambda work: _fail(work, task, failed))

    def _do(self, run: Run, task: Task) -> Task | None:
        step = self._steps[task.kind]
        self._reached(f"order.{task.kind}.before")
        if isinstance(step, Inside):
            following = run.commit(lambda work: _do_inside(work, step, task))
        else:
            answer = _ask(run, step, task)
            self._reached(f"order.{task.kind}.asked")
            following = run.commit(lambda work: _note(work, step, task, answer))
        self._reached(f"order.{task.kind}.after")
        return following


def _ask(run: Run, step: Outside, task: Task) -> Answer:
    try:
        return step.send(run.read(lambda work: step.request(work, task)))
    except BusinessError as error:
        return Failed(type(error).__name__, str(error))


def _do_inside(work: Work, step: Inside, task: Task) -> Task | None:
    check_in_hand(work, task)
    return finish(work, step_id=task.step.id, outcome=dict(step.do(work, task)))


def _note(work: Work, step: Outside, task: Task, answer: Answer) -> Task | None:
    if isinstance(answer, Failed):
        return _fail(work, task, answer)
    check_in_hand(work, task)
    step.note(work, task, answer)
    return finish(work, step_id=task.step.id, outcome=answer.ids)


def _fail(work: Work, task: Task, failed: Failed) -> Task | None:
    check_in_hand(work, task)
    if failed.is_transient and task.step.attempts <= len(RETRIES_S):
        at_ns = work.now_ns + RETRIES_S[task.step.attempts - 1] * NS_PER_S
        schedule(work, RETRY_DUE, resource_id=task.order.id, at_ns=at_ns)
    return fail(work, step_id=task.step.id, code=failed.code, error=failed.reason)
