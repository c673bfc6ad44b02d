"""What people do with an order that fell out: try the step again, go on without it, take it in hand, say that it is done. To
undo the order is `operations.cancel`. bss/orchestration/manual_tasks.py looks at what is decided of which kind of step.
"""

from typing import Any

from bss.access import requires
from bss.due import unschedule
from bss.errors import Conflict, Invalid
from bss.orders.operations import READY, RETRY_DUE, WORKFLOW, move_order, steps_of
from bss.orders.records import Order, OrderStep
from bss.orders.states import FALLEN, OrderState, next_step_state
from bss.orders.tables import ORDER_STEP, PRODUCT_ORDER
from bss.work import Row, Work


@requires("order:repair")
def retry(work: Work, *, order_id: str, note: str = "") -> Order:
    """Have the step that holds the order done again, or undone again. Conflict where none holds it."""
    return _decide(work, order_id, "retry", note, error_code="", error="")


@requires("order:repair")
def skip(work: Work, *, order_id: str, note: str) -> Order:
    """Go on without the step that holds the order. `note` says why; it is kept."""
    _check_note(note)
    return _decide(work, order_id, "skip", note)


@requires("order:repair")
def take_in_hand(work: Work, *, order_id: str, note: str) -> Order:
    """The step that holds the order is a manual task from now on: a person does it, and says so with `finish_by_hand`."""
    _check_note(note)
    step = _fallen_step(work, order_id)
    _change(work, step, "hand over", note=note)
    unschedule(work, RETRY_DUE, resource_id=order_id)
    return Order.from_row(work.get(PRODUCT_ORDER, order_id))


@requires("order:repair")
def finish_by_hand(work: Work, *, order_id: str, note: str, outcome: dict[str, str] | None = None) -> Order:
    """A person did the manual task that holds the order: it goes on.

    outcome   ids that the step would have made; what they mean is looked at before (bss/orchestration/manual_tasks.py)
    """
    _check_note(note)
    step = _fallen_step(work, order_id)
    return _decide(work, order_id, "finish", note, outcome={**step["outcome"], **(outcome or {})})


@requires("order:repair")
def fallen_step(work: Work, *, order_id: str) -> OrderStep:
    """The step that holds the order. NotFound; Conflict where none does."""
    return OrderStep.from_row(_fallen_step(work, order_id))


def _decide(work: Work, order_id: str, happens: str, note: str, **values: Any) -> Order:
    step = _fallen_step(work, order_id)
    _change(work, step, happens, note=note or step["note"], **values)
    unschedule(work, RETRY_DUE, resource_id=order_id)
    order = work.get(PRODUCT_ORDER, order_id)
    order = move_order(work, order, "cancel" if order["is_cancelling"] else "go on")
    work.event(READY, resource=WORKFLOW, resource_id=order_id)
    return Order.from_row(order)


def _fallen_step(work: Work, order_id: str) -> Row:
    order = work.get(PRODUCT_ORDER, order_id, field="order_id")
    found = [step for step in steps_of(work, order_id) if step["state"] in FALLEN]
    if order["state"] != OrderState.HELD or not found:
        raise Conflict("order_id", f"order {order_id} is {order['state']}, no step holds it", "Look at it again")
    return found[0]


def _change(work: Work, step: Row, happens: str, **values: Any) -> None:
    work.change(ORDER_STEP, step["id"], state=next_step_state(step["state"], happens), **values)


def _check_note(note: str) -> None:
    if not note.strip():
        raise Invalid("note", "it is empty", "Say why, for those who look at the order later")
