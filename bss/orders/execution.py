"""Doing an order step by step: what its workflow calls. Each call notes what a step came to and says what is next, in the
transaction of what the step wrote; so rows, step and order always agree.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from bss.access import requires
from bss.due import schedule
from bss.orders.operations import RETRY_DUE, kept_items, move_order, steps_of
from bss.orders.records import Order, OrderItem, OrderStep
from bss.orders.states import FALLEN, PASSED, OrderState, StepState, next_step_state
from bss.orders.tables import ORDER_ITEM, ORDER_STEP, PRODUCT_ORDER
from bss.steps import ERROR_CHARACTERS_MAX, Failed, in_hand, retry_at_ns
from bss.work import Row, Work

PRODUCT_ID: Final = "product_id"


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A step that is to be done now, or undone."""

    order: Order
    item: OrderItem
    step: OrderStep
    is_undo: bool
    outcomes: dict[str, str]
    """ids that the item's steps have made so far"""

    @property
    def kind(self) -> str:
        """What is to be done."""
        return self.step.compensation if self.is_undo else self.step.kind

    @property
    def key(self) -> str:
        """What makes it safe to ask others for it again: the same at each try of the step, another one for undoing it."""
        return f"{self.step.id}{'/undo' if self.is_undo else ''}"


@requires("order:execute")
def begin(work: Work, order_id: str) -> Task | None:
    """The order's next step, begun. None where a workflow has nothing to do: it waits for people or its date, or has ended."""
    order = work.get(PRODUCT_ORDER, order_id, field="order_id")
    if order["state"] == OrderState.ACKNOWLEDGED:
        order = move_order(work, order, "start")
    if order["state"] not in (OrderState.IN_PROGRESS, OrderState.PENDING_CANCELLATION):
        return None
    return _go_on(work, order, steps_of(work, order_id))


@requires("order:execute")
def finish(work: Work, task: Task, outcome: Mapping[str, str]) -> Task | None:
    """The step is done, or undone; the order's next one, begun. None where there is none. Overtaken.

    outcome   ids that the step made; they are added to what it has. PRODUCT_ID is the item's product from then on
    """
    steps = steps_of(work, task.order.id)
    step = in_hand(steps, task.step.id, revision=task.step.revision)
    known = {**step["outcome"], **outcome}
    step.update(_change_step(work, step, "finish", outcome=known, ended_ns=work.now_ns))
    if PRODUCT_ID in outcome:
        work.change(ORDER_ITEM, task.item.id, product_id=outcome[PRODUCT_ID])
    return _go_on(work, work.get(PRODUCT_ORDER, task.order.id), steps)


@requires("order:execute")
def fail(work: Work, task: Task, failed: Failed) -> Task | None:
    """The step could not be done: its order falls out, and is tried again where the reason may pass. Overtaken.

    One that is being cancelled goes on undoing, unless that failed.
    """
    steps = steps_of(work, task.order.id)
    step = in_hand(steps, task.step.id, revision=task.step.revision)
    again_ns = retry_at_ns(failed, attempts=task.step.attempts, now_ns=work.now_ns)
    if again_ns is not None:
        schedule(work, RETRY_DUE, resource_id=task.order.id, at_ns=again_ns)
    said = {"error_code": failed.code, "error": failed.reason[:ERROR_CHARACTERS_MAX], "ended_ns": work.now_ns}
    step.update(_change_step(work, step, "fail", **said))
    order = work.get(PRODUCT_ORDER, task.order.id)
    if order["is_cancelling"] and step["state"] == StepState.FAILED:
        return _go_on(work, order, steps)
    move_order(work, order, "fall out")
    return None


@requires("order:execute")
def follow_offering(work: Work, *, item_id: str, offering_id: str, release: int) -> OrderItem:
    """A migration of the catalogue has replaced what the item was to add: it adds this one, as `release` has it."""
    return OrderItem.from_row(work.change(ORDER_ITEM, item_id, offering_id=offering_id, release=release))


def _go_on(work: Work, order: Row, steps: list[Row]) -> Task | None:
    if any(step["state"] in FALLEN for step in steps) and not order["is_cancelling"]:
        return None
    return _undo_next(work, order, steps) if order["is_cancelling"] else _do_next(work, order, steps)


def _do_next(work: Work, order: Row, steps: list[Row]) -> Task | None:
    state_of = {step["place"]: step["state"] for step in steps}
    for step in steps:
        if step["state"] == StepState.RUNNING:
            return _task(work, order, step, steps, is_undo=False)
        if step["state"] != StepState.WAITING or not all(state_of[place] in PASSED for place in step["after"]):
            continue
        if step["is_for_people"]:
            _change_step(work, step, "hand over", attempts=step["attempts"] + 1, started_ns=work.now_ns)
            move_order(work, order, "fall out")
            return None
        begun = _change_step(
            work, step, "begin", attempts=step["attempts"] + 1, started_ns=work.now_ns, error_code="", error=""
        )
        return _task(work, order, begun, steps, is_undo=False)
    move_order(work, order, "complete", completed_ns=work.now_ns)
    return None


def _undo_next(work: Work, order: Row, steps: list[Row]) -> Task | None:
    """Backwards. What was never begun, or leaves nothing, is undone by saying so; items past their point of no return stay."""
    kept = kept_items(steps)
    for step in reversed(steps):
        if step["state"] == StepState.UNDONE or step["item_id"] in kept:
            continue
        if step["state"] == StepState.UNDOING:
            return _task(work, order, step, steps, is_undo=True)
        undoing = _change_step(work, step, "undo")
        if undoing["state"] == StepState.UNDONE:
            continue
        if not step["compensation"]:
            _change_step(work, undoing, "finish", ended_ns=work.now_ns)
            continue
        return _task(work, order, undoing, steps, is_undo=True)
    move_order(work, order, "complete in part" if kept else "complete", completed_ns=work.now_ns)
    return None


def _change_step(work: Work, step: Row, happens: str, **values: Any) -> Row:
    return work.change(
        ORDER_STEP,
        step,
        state=next_step_state(step["state"], happens),
        **values,
    )


def _task(work: Work, order: Row, step: Row, steps: list[Row], *, is_undo: bool) -> Task:
    made: dict[str, str] = {}
    for each in steps:
        if each["item_id"] == step["item_id"]:
            made.update(each["outcome"])
    return Task(
        order=Order.from_row(order),
        item=OrderItem.from_row(work.get(ORDER_ITEM, step["item_id"])),
        step=OrderStep.from_row(step),
        is_undo=is_undo,
        outcomes=made,
    )
