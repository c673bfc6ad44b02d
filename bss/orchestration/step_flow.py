"""Drives what is done step by step: orders, rules' runs. Each commit does a step, says in its row that it is done, and begins
the next one. It waits for nobody: where a step fails it ends, and what is decided then starts the next workflow.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from bss.orchestration.run import RESOURCE_ID, Ids, Run
from bss.steps import Answer, Failed, Made, Overtaken
from bss.work import Work


class Task(Protocol):
    """A step that is to be done now."""

    @property
    def kind(self) -> str:
        """What is to be done."""


T = TypeVar("T", bound=Task)


class Execution(Protocol[T]):
    """What a domain's rows say of its steps: bss/orders/execution.py, bss/automation/execution.py."""

    def begin(self, work: Work, resource_id: str, /) -> T | None:
        """The next step, begun or still running; None where a workflow has nothing to do."""

    def finish(self, work: Work, task: T, outcome: Mapping[str, str], /) -> T | None:
        """The step is done; the next one, begun. Overtaken."""

    def fail(self, work: Work, task: T, failed: Failed, /) -> T | None:
        """The step could not be done; what is to be done now, all the same. Overtaken."""


@dataclass(frozen=True, slots=True)
class Inside(Generic[T]):
    """A step that writes rows of ours; what it returns are ids that it made. A BusinessError makes it fail."""

    do: Callable[[Work, T], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Outside(Generic[T]):
    """A step that asks others, under the task's key. Nothing of ours is locked meanwhile."""

    request: Callable[[Work, T], Any]
    """reads what is to be asked; the same at each try, or the key would stand for two things"""
    send: Callable[[Any], Answer]
    note: Callable[[Work, T, Made], Failed | None] = lambda work, task, made: None
    """writes what was made, in the transaction that says that the step is done; or why it has failed by it"""


class StepFlow(Generic[T]):
    """The workflow, for a table of steps."""

    def __init__(
        self,
        execution: Execution[T],
        steps: Mapping[str, Inside[T] | Outside[T]],
        *,
        point: Callable[[T], str],
        reached: Callable[[str], None],
        acting: Callable[[Work, T], AbstractContextManager[None]] = lambda work, task: nullcontext(),
    ) -> None:
        """
        steps    by kind
        point    a task's kill points are this and `.before`, `.asked` or `.after` (runtime/kill_points.py); `reached` is told
        acting   in whose name a step reads and writes
        """
        self._execution = execution
        self._steps = steps
        self._point = point
        self._reached = reached
        self._acting = acting

    def __call__(self, run: Run, ids: Ids) -> None:
        """Drive `ids[RESOURCE_ID]` as far as it goes. Its rows say where it is, whoever drove it so far."""
        try:
            task = run.commit(lambda work: self._execution.begin(work, ids[RESOURCE_ID]))
            while task is not None:
                task = self._do_or_fail(run, task)
        except Overtaken:
            return  # whoever has moved it on drives it now

    def _do_or_fail(self, run: Run, task: T) -> T | None:
        """The step of this task; the next one. A mistake of ours makes it fail, too, so that people see it."""
        try:
            return self._do(run, task)
        except Overtaken:
            raise
        except Exception as error:
            failed = Failed.by(error)
            return run.commit(lambda work: self._execution.fail(work, task, failed))

    def _do(self, run: Run, task: T) -> T | None:
        step, point = self._steps[task.kind], self._point(task)
        self._reached(f"{point}.before")
        if isinstance(step, Inside):
            following = run.commit(lambda work: self._do_inside(work, step, task))
        else:
            answer = step.send(run.read(lambda work: self._read(work, step, task)))
            self._reached(f"{point}.asked")
            following = run.commit(lambda work: self._note(work, step, task, answer))
        self._reached(f"{point}.after")
        return following

    def _do_inside(self, work: Work, step: Inside[T], task: T) -> T | None:
        with self._acting(work, task):
            made = step.do(work, task)
        return self._execution.finish(work, task, made)

    def _read(self, work: Work, step: Outside[T], task: T) -> Any:
        with self._acting(work, task):
            return step.request(work, task)

    def _note(self, work: Work, step: Outside[T], task: T, answer: Answer) -> T | None:
        if isinstance(answer, Failed):
            return self._execution.fail(work, task, answer)
        with self._acting(work, task):
            failed = step.note(work, task, answer)
        if failed is not None:
            return self._execution.fail(work, task, failed)
        return self._execution.finish(work, task, answer.ids)
