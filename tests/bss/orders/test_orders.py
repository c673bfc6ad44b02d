"""Placing, doing, falling out and cancelling of orders, without a workflow: what each call leaves."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from bss.access import Caller
from bss.edge.database import Database
from bss.errors import Conflict, Invalid, NotFound
from bss.orders import execution, fallout, operations, queries
from bss.orders.execution import Task
from bss.orders.records import Action, NewItem, Order, OrderView, PlannedStep
from bss.orders.states import ORDER_NEXT, STEP_NEXT, OrderState, StepState
from bss.orders.tables import PRODUCT_ORDER
from bss.outbox import OUTBOX
from bss.steps import Failed
from bss.work import Work
from tests.bss.conftest import NOW_NS, TestClock

PLAN = (
    PlannedStep(kind="reserve", compensation="release"),
    PlannedStep(kind="open", compensation="close"),
    PlannedStep(kind="charge", is_point_of_no_return=True),
    PlannedStep(kind="activate"),
)


class Desk:
    """Calls of a caller who may do everything."""

    def __init__(self, database: Database, caller: Caller) -> None:
        self.database, self.caller = database, caller

    def do(self, operation: Callable[..., Any], **arguments: Any) -> Any:
        return self.database.write(self.caller, lambda work: operation(work, **arguments))

    def place(self, *, steps: tuple[PlannedStep, ...] = PLAN, **options: Any) -> Order:
        item = NewItem(action=Action.ADD, offering_id="mobile", steps=steps)
        order: Order = self.do(operations.place, customer_id="c1", items=[item], **options)
        return order

    def view(self, order_id: str) -> OrderView:
        view: OrderView = self.do(queries.show, order_id=order_id)
        return view

    def states(self, order_id: str) -> list[str]:
        view = self.view(order_id)
        return [view.order.state, *(step.state for step in view.steps)]

    def kinds(self) -> list[str]:
        rows = self.database.read(self.caller, lambda work: work.rows(sa.select(OUTBOX).order_by(OUTBOX.c.sequence)))
        return [row["kind"] for row in rows]

    def finish(self, task: Task | None, **outcome: str) -> Task | None:
        assert task is not None
        following: Task | None = self.do(execution.finish, task=task, outcome=outcome)
        return following

    def fail(self, task: Task | None) -> Task | None:
        assert task is not None
        following: Task | None = self.do(execution.fail, task=task, failed=Failed("no_engine", "nobody decides now"))
        return following


@pytest.fixture
def desk(database: Database, anyone: Caller) -> Desk:
    return Desk(database, anyone)


def test_an_order_is_done_step_by_step(desk: Desk) -> None:
    order = desk.place()
    assert desk.states(order.id) == ["acknowledged", *["waiting"] * 4]
    task = desk.do(execution.begin, order_id=order.id)
    assert (task.kind, task.is_undo, task.step.attempts) == ("reserve", False, 1)
    assert desk.states(order.id) == ["inProgress", "running", "waiting", "waiting", "waiting"]
    task = desk.finish(task, msisdn="48600", sim="1")
    assert task is not None
    assert (task.kind, task.outcomes) == ("open", {"msisdn": "48600", "sim": "1"})
    task = desk.finish(desk.finish(task))
    assert desk.finish(task) is None
    assert desk.states(order.id) == ["completed", *["done"] * 4]
    assert desk.view(order.id).order.completed_ns == NOW_NS
    assert desk.kinds() == [
        "ProductOrderCreateEvent",
        "order.ready",
        "ProductOrderStateChangeEvent",
        "ProductOrderStateChangeEvent",
    ]


def test_steps_are_a_graph(desk: Desk) -> None:
    item = NewItem(action=Action.ADD, offering_id="mobile", steps=PLAN[:2])
    order = desk.do(operations.place, customer_id="c1", items=[item, item])
    assert [step.after for step in desk.view(order.id).steps] == [(), (0,), (), (2,)]


def test_an_order_that_falls_out_is_tried_again(desk: Desk) -> None:
    order = desk.place()
    task = desk.finish(desk.do(execution.begin, order_id=order.id))
    assert desk.fail(task) is None
    assert desk.states(order.id) == ["held", "done", "failed", "waiting", "waiting"]
    [held] = desk.do(queries.fallout)
    assert (held.step.kind, held.step.error_code, held.step.error) == ("open", "no_engine", "nobody decides now")
    assert desk.do(execution.begin, order_id=order.id) is None  # a second event finds nothing to do
    desk.do(fallout.retry, order_id=order.id)
    task = desk.do(execution.begin, order_id=order.id)
    assert (task.kind, task.step.attempts, task.step.error) == ("open", 2, "")
    assert desk.kinds().count("order.ready") == 2
    with pytest.raises(Conflict, match="no step holds it"):
        desk.do(fallout.retry, order_id=order.id)


def test_an_order_goes_on_without_a_step(desk: Desk) -> None:
    order = desk.place()
    desk.fail(desk.do(execution.begin, order_id=order.id))
    with pytest.raises(Invalid, match="Say why"):
        desk.do(fallout.skip, order_id=order.id, note=" ")
    desk.do(fallout.skip, order_id=order.id, note="has a number already")
    assert desk.do(execution.begin, order_id=order.id).kind == "open"
    assert desk.states(order.id)[:3] == ["inProgress", "skipped", "running"]
    assert desk.view(order.id).steps[0].note == "has a number already"


def test_a_person_does_a_step(desk: Desk) -> None:
    order = desk.place()
    desk.fail(desk.do(execution.begin, order_id=order.id))
    desk.do(fallout.take_in_hand, order_id=order.id, note="Ann asks the pool's owner")
    assert desk.states(order.id)[:2] == ["held", "manual"]
    desk.do(fallout.finish_by_hand, order_id=order.id, note="given", outcome={"msisdn": "48601"})
    task = desk.do(execution.begin, order_id=order.id)
    assert (task.kind, task.outcomes) == ("open", {"msisdn": "48601"})


def test_a_step_for_people_holds_the_order(desk: Desk) -> None:
    order = desk.place(steps=(PlannedStep(kind="check papers", is_for_people=True), *PLAN))
    assert desk.do(execution.begin, order_id=order.id) is None
    assert desk.states(order.id)[:3] == ["held", "manual", "waiting"]
    desk.do(fallout.finish_by_hand, order_id=order.id, note="seen")
    assert desk.do(execution.begin, order_id=order.id).kind == "reserve"


def test_a_cancelled_order_is_undone_backwards(desk: Desk) -> None:
    order = desk.place()
    task = desk.finish(desk.do(execution.begin, order_id=order.id))
    desk.do(operations.cancel, order_id=order.id, reason="changed my mind")
    task = desk.finish(task)  # the step that ran is finished, then undone
    assert task is not None
    assert (task.kind, task.is_undo, task.key) == ("close", True, f"{task.step.id}/undo")
    task = desk.finish(task)
    assert task is not None
    assert task.kind == "release"
    assert desk.finish(task) is None
    assert desk.states(order.id) == ["cancelled", *["undone"] * 4]
    assert desk.kinds().count("order.ready") == 1


def test_an_order_that_fell_out_is_cancelled(desk: Desk) -> None:
    order = desk.place()
    desk.fail(desk.finish(desk.do(execution.begin, order_id=order.id)))
    desk.do(operations.cancel, order_id=order.id)
    task = desk.do(execution.begin, order_id=order.id)
    assert task.kind == "close"  # whether it was opened isn't known
    desk.fail(task)
    assert desk.states(order.id)[:3] == ["held", "done", "undo_failed"]
    desk.do(fallout.retry, order_id=order.id)
    task = desk.do(execution.begin, order_id=order.id)
    assert (task.kind, task.is_undo) == ("close", True)
    desk.fail(task)
    desk.do(operations.cancel, order_id=order.id)  # once more
    assert desk.finish(desk.finish(desk.do(execution.begin, order_id=order.id))) is None
    assert desk.states(order.id)[0] == "cancelled"


def test_a_cancelled_order_whose_step_fails_is_undone(desk: Desk) -> None:
    order = desk.place()
    task = desk.finish(desk.do(execution.begin, order_id=order.id))
    desk.do(operations.cancel, order_id=order.id)
    following = desk.fail(task)
    assert following is not None
    assert following.kind == "close"


def test_past_the_point_of_no_return_nothing_is_cancelled(desk: Desk) -> None:
    order = desk.place()
    task = desk.finish(desk.finish(desk.do(execution.begin, order_id=order.id)))
    assert task is not None
    assert task.kind == "charge"
    for _ in ("running", "done"):
        with pytest.raises(Conflict, match="point of no return, charge"):
            desk.do(operations.cancel, order_id=order.id)
        task = desk.finish(task) or task
    with pytest.raises(Conflict):
        desk.do(operations.cancel, order_id=order.id)


def two_items(desk: Desk, steps: tuple[PlannedStep, ...] = PLAN) -> Order:
    items = [NewItem(action=Action.ADD, offering_id="mobile", steps=steps)] * 2
    order: Order = desk.do(operations.place, customer_id="c1", items=items)
    return order


def test_what_is_past_its_point_of_no_return_stays_as_the_rest_is_undone(desk: Desk) -> None:
    order = two_items(desk)
    task = desk.do(execution.begin, order_id=order.id)
    for _ in range(5):
        task = desk.finish(task)
    desk.fail(task)
    assert desk.states(order.id) == ["held", *["done"] * 5, "failed", "waiting", "waiting"]
    desk.do(operations.cancel, order_id=order.id)
    task = desk.do(execution.begin, order_id=order.id)
    assert (task.kind, task.is_undo) == ("close", True)
    desk.fail(task)
    assert item_states(desk, order.id) == ["completed", "held"]
    desk.do(fallout.retry, order_id=order.id)
    task = desk.finish(desk.do(execution.begin, order_id=order.id))
    assert desk.finish(task) is None
    assert desk.states(order.id) == ["partial", *["done"] * 4, *["undone"] * 4]
    assert item_states(desk, order.id) == ["completed", "cancelled"]
    assert desk.view(order.id).order.completed_ns == NOW_NS
    with pytest.raises(Conflict, match="an order that is partial can't cancel"):
        desk.do(operations.cancel, order_id=order.id)


def item_states(desk: Desk, order_id: str) -> list[str]:
    def read(work: Work) -> list[str]:
        return [state for _, state in queries.items_of_orders(work, [work.get(PRODUCT_ORDER, order_id)])]

    return desk.database.read(desk.caller, read)


def test_an_item_that_is_half_done_keeps_its_order_from_being_cancelled(desk: Desk) -> None:
    order = two_items(desk)
    task = desk.do(execution.begin, order_id=order.id)
    for _ in range(3):
        task = desk.finish(task)
    desk.fail(task)
    assert desk.states(order.id) == ["held", "done", "done", "done", "failed", *["waiting"] * 4]
    with pytest.raises(Conflict, match="point of no return, charge"):
        desk.do(operations.cancel, order_id=order.id)


def test_items_without_a_point_of_no_return_are_undone_together(desk: Desk) -> None:
    order = two_items(desk, PLAN[:1])
    desk.fail(desk.finish(desk.do(execution.begin, order_id=order.id)))
    desk.do(operations.cancel, order_id=order.id)
    assert desk.finish(desk.finish(desk.do(execution.begin, order_id=order.id))) is None
    assert desk.states(order.id) == ["cancelled", "undone", "undone"]


def test_an_order_waits_for_its_date(desk: Desk, clock: TestClock) -> None:
    order = desk.place(requested_start_ns=NOW_NS + 86_400_000_000_000)
    assert desk.states(order.id)[0] == "pending"
    assert desk.do(execution.begin, order_id=order.id) is None
    assert "order.ready" not in desk.kinds()
    clock.advance(days=1)
    desk.do(operations.start_due, order_id=order.id)
    desk.do(operations.start_due, order_id=order.id)
    assert desk.kinds().count("order.ready") == 1
    assert desk.do(execution.begin, order_id=order.id).kind == "reserve"


def test_an_order_that_waits_is_cancelled_at_once(desk: Desk) -> None:
    order = desk.place(requested_start_ns=NOW_NS + 1)
    assert desk.do(operations.cancel, order_id=order.id).state == "cancelled"
    assert desk.states(order.id) == ["cancelled", *["undone"] * 4]


def test_a_product_has_one_order_at_a_time(desk: Desk) -> None:
    item = NewItem(action=Action.SUSPEND, offering_id="mobile", product_id="p1", steps=PLAN[:1])
    first = desk.do(operations.place, customer_id="c1", items=[item])
    with pytest.raises(Conflict, match=f"order {first.id} is changing product p1"):
        desk.do(operations.place, customer_id="c1", items=[item])
    desk.finish(desk.do(execution.begin, order_id=first.id))
    desk.do(operations.place, customer_id="c1", items=[item])


@pytest.mark.parametrize(
    ("item", "field"),
    [
        (NewItem(action="modify", offering_id="mobile", steps=PLAN), r"items\[0\].action"),
        (NewItem(action=Action.ADD, offering_id="mobile", product_id="p", steps=PLAN), r"items\[0\].product_id"),
        (NewItem(action=Action.RESUME, offering_id="mobile", steps=PLAN), r"items\[0\].product_id"),
        (NewItem(action=Action.ADD, offering_id="mobile"), r"items\[0\]"),
    ],
)
def test_what_can_not_be_ordered(desk: Desk, item: NewItem, field: str) -> None:
    with pytest.raises(Invalid, match=field):
        desk.do(operations.place, customer_id="c1", items=[item])


def test_an_order_has_items(desk: Desk) -> None:
    with pytest.raises(Invalid, match="items"):
        desk.do(operations.place, customer_id="c1", items=[])


def test_another_tenant_sees_no_order(desk: Desk, caller_of: Callable[..., Caller]) -> None:
    order = desk.place()
    other = Desk(desk.database, caller_of(tenant="other"))
    with pytest.raises(NotFound):
        other.view(order.id)
    with pytest.raises(NotFound):
        other.do(operations.cancel, order_id=order.id)
    assert other.do(queries.list_orders) == []
    assert [each.id for each in desk.do(queries.list_orders, state="acknowledged", customer_id="c1")] == [order.id]


def test_each_state_is_reached_and_left() -> None:
    for table, words, first, last in (
        (ORDER_NEXT, OrderState, {"acknowledged", "pending"}, {"completed", "cancelled", "partial"}),
        (STEP_NEXT, StepState, {"waiting"}, {"undone"}),
    ):
        known = {value for name, value in vars(words).items() if name.isupper()}
        assert set(table.values()) | first == known
        assert {state for state, _ in table} == known - last


def test_work_that_is_undone_leaves_no_event(desk: Desk) -> None:
    def try_it(work: Work) -> int:
        try:
            with work.all_or_nothing():
                operations.place(
                    work, customer_id="c1", items=[NewItem(action=Action.ADD, offering_id="mobile", steps=PLAN)]
                )
                raise Conflict("number", "it is taken", "Choose another")
        except Conflict:
            return work.event_count

    assert desk.database.write(desk.caller, try_it) == 0
    assert desk.kinds() == []
