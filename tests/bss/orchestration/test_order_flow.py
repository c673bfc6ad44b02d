"""The workflow of an order over steps of the test: what it calls, in which order, and where it ends."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from bss.access import Caller
from bss.edge.database import Database
from bss.errors import Conflict
from bss.orchestration.order_steps import order_flow
from bss.orchestration.run import RESOURCE_ID
from bss.orchestration.step_flow import Inside, Outside
from bss.orders import fallout, operations, queries
from bss.orders.execution import Task
from bss.orders.records import Action, NewItem, OrderView, PlannedStep
from bss.steps import Answer, Failed, Made
from bss.work import Work
from tests.bss.orchestration.plain_run import PlainRun
from tests.bss.sample_tables import PERSON

PLAN = (
    PlannedStep(kind="reserve", compensation="release"),
    PlannedStep(kind="open", compensation="close"),
    PlannedStep(kind="activate"),
)


class World:
    """Steps that note what was asked of them; `answers` of the outside by kind, `trouble` of the inside."""

    def __init__(self, database: Database, caller: Caller) -> None:
        self.database, self.caller = database, caller
        self.asked: list[tuple[str, str]] = []
        self.reached: list[str] = []
        self.answers: dict[str, Answer] = {}
        self.trouble: dict[str, Exception] = {}
        self.steps: dict[str, Inside[Task] | Outside[Task]] = {
            **{kind: Inside(self.inside) for kind in ("reserve", "release", "activate")},
            **{kind: Outside(lambda work, task: task, self.ask, self.note) for kind in ("open", "close")},
        }
        self.flow = order_flow(self.steps, self.reached.append)

    def inside(self, work: Work, task: Task) -> dict[str, str]:
        work.insert(PERSON, name=task.kind, city="Kraków")
        if task.kind in self.trouble:
            raise self.trouble[task.kind]
        return {task.kind: "1"}

    def ask(self, task: Task) -> Answer:
        self.asked.append((task.kind, task.key))
        return self.answers.get(task.kind, Made({"account_id": "7"}))

    def note(self, work: Work, task: Task, made: Made) -> None:
        self.inside(work, task)

    def rows(self) -> list[str]:
        return [
            row["name"]
            for row in self.database.read(self.caller, lambda work: work.rows(sa.select(PERSON).order_by(PERSON.c.id)))
        ]

    def do(self, operation: Callable[..., Any], **arguments: Any) -> Any:
        return self.database.write(self.caller, lambda work: operation(work, **arguments))

    def place(self) -> str:
        item = NewItem(action=Action.ADD, offering_id="mobile", steps=PLAN)
        return str(self.do(operations.place, customer_id="c1", items=[item]).id)

    def run(self, order_id: str) -> list[str]:
        """Kinds of the steps that were begun."""
        before = len(self.reached)
        self.flow(PlainRun(self.database), {RESOURCE_ID: order_id})
        return [name.split(".")[1] for name in self.reached[before:] if name.endswith(".before")]

    def view(self, order_id: str) -> OrderView:
        view: OrderView = self.do(queries.show, order_id=order_id)
        return view


@pytest.fixture
def world(database: Database, anyone: Caller) -> World:
    return World(database, anyone)


def test_an_order_runs_to_its_end(world: World) -> None:
    order_id = world.place()
    assert world.run(order_id) == ["reserve", "open", "activate"]
    view = world.view(order_id)
    assert view.order.state == "completed"
    assert [step.outcome for step in view.steps] == [{"reserve": "1"}, {"account_id": "7"}, {"activate": "1"}]
    assert world.asked == [("open", view.steps[1].id)]
    assert world.rows() == ["reserve", "open", "activate"]
    assert world.reached == [
        "order.reserve.before",
        "order.reserve.after",
        "order.open.before",
        "order.open.asked",
        "order.open.after",
        "order.activate.before",
        "order.activate.after",
    ]


def test_what_is_refused_falls_out_and_is_asked_again_under_its_key(world: World) -> None:
    order_id = world.place()
    world.answers["open"] = Failed("identity_taken", "48600 belongs to account 3")
    world.run(order_id)
    view = world.view(order_id)
    assert (view.order.state, view.steps[1].error) == ("held", "48600 belongs to account 3")
    del world.answers["open"]
    world.do(fallout.retry, order_id=order_id)
    assert world.run(order_id) == ["open", "activate"]
    assert world.view(order_id).order.state == "completed"
    assert world.asked == [("open", view.steps[1].id)] * 2


@pytest.mark.parametrize("kind", ["reserve", "open"])
def test_what_a_failed_step_wrote_is_gone(world: World, kind: str) -> None:
    order_id = world.place()
    world.trouble[kind] = Conflict("number", "no number is free", "Add some to the pool")
    world.run(order_id)
    failed = next(step for step in world.view(order_id).steps if step.state == "failed")
    assert (failed.kind, failed.error_code) == (kind, "Conflict")
    assert failed.error == "number: no number is free. Add some to the pool"
    assert kind not in world.rows()


def test_a_cancelled_order_is_compensated(world: World) -> None:
    order_id = world.place()
    world.answers["open"] = Failed("unknown", "no reply in 10 s")
    world.run(order_id)
    world.do(operations.cancel, order_id=order_id)
    assert world.run(order_id) == ["close", "release"]
    view = world.view(order_id)
    assert view.order.state == "cancelled"
    assert {step.state for step in view.steps} == {"undone"}
    assert world.asked[-1] == ("close", f"{view.steps[1].id}/undo")


def test_a_mistake_of_ours_is_seen_in_the_fallout_queue(world: World) -> None:
    world.trouble["reserve"] = ZeroDivisionError("by zero")
    order_id = world.place()
    world.run(order_id)
    step = world.view(order_id).steps[0]
    assert (step.state, step.error_code, step.error) == ("failed", "ZeroDivisionError", "by zero")


@pytest.mark.parametrize("kind", ["reserve", "open"])
def test_a_worker_that_was_overtaken_writes_nothing(world: World, kind: str) -> None:
    """It was slow and taken for dead: while it is about to do a step, or asks, another one drives the order to its end."""
    order_id = world.place()
    other = World(world.database, world.caller)
    is_over = []

    def overtake(name: str) -> None:
        if name == f"order.{kind}.{'asked' if kind == 'open' else 'before'}" and not is_over:
            is_over.append(name)
            other.run(order_id)

    world.flow = order_flow(world.steps, overtake)
    world.flow(PlainRun(world.database), {RESOURCE_ID: order_id})
    assert is_over
    view = world.view(order_id)
    assert view.order.state == "completed"
    assert [step.attempts for step in view.steps] == [1, 1, 1]
    assert world.rows() == ["reserve", "open", "activate"]
