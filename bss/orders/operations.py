"""Placing, starting and cancelling orders. What is planned is passed in: orders know no catalogue and no engine."""

from collections.abc import Iterable, Sequence
from typing import Final

import sqlalchemy as sa

from bss.access import requires
from bss.due import schedule, unschedule
from bss.errors import Conflict, Invalid
from bss.orders.records import ACTIONS, Action, NewItem, Order
from bss.orders.states import ENDED, PASSED, UNDER_WAY, OrderState, StepState, next_order_state, next_step_state
from bss.orders.tables import ORDER_ITEM, ORDER_STEP, PRODUCT_ORDER
from bss.steps import OUTCOME_UNKNOWN
from bss.tenant_rows import Prepared
from bss.work import Row, Work

ITEMS_MAX: Final = 50
STEPS_MAX: Final = 500
REASON_CHARACTERS_MAX: Final = 500
"""Of why an order was cancelled."""
WORKFLOW: Final = "workflow"
"""Resource of events that start workflows: nobody outside is told of them."""
READY: Final = "order.ready"
"""Kind of the event that starts an order's workflow."""
START_DUE: Final = "order.start"
"""Kind of the due row by which an order begins at its date."""
RETRY_DUE: Final = "order.retry"
"""Kind of the due row by which an order that fell out for a passing reason is tried again."""
_CHANGED: Final = "ProductOrderStateChangeEvent"
_STEPS: Final = Prepared(
    sa.select(ORDER_STEP).where(ORDER_STEP.c.order_id == sa.bindparam("order_id")).order_by(ORDER_STEP.c.place)
)


@requires("order:write")
def place(
    work: Work,
    *,
    customer_id: str,
    items: Sequence[NewItem],
    billing_account_id: str | None = None,
    external_id: str = "",
    description: str = "",
    requested_start_ns: int | None = None,
    channel: str = "",
) -> Order:
    """A new order, with the steps of each item. It begins now, or once `requested_start_ns` is due (`start_due`).

    Invalid, Conflict where a product has another order that has begun.
    """
    _check_items(items)
    is_future = requested_start_ns is not None and requested_start_ns > work.now_ns
    order = work.insert(
        PRODUCT_ORDER,
        state=OrderState.PENDING if is_future else OrderState.ACKNOWLEDGED,
        is_cancelling=False,
        external_id=external_id,
        description=description,
        customer_id=customer_id,
        billing_account_id=billing_account_id,
        requested_start_ns=requested_start_ns,
        cancellation_reason="",
        channel=channel or None,
    )
    place_index = 0
    for number, item in enumerate(items, 1):
        if item.action != Action.ADD:
            check_none_begun(work, product_id=item.product_id, field=f"items[{number - 1}].product_id")
        row = work.insert(
            ORDER_ITEM,
            order_id=order["id"],
            number=number,
            action=item.action,
            offering_id=item.offering_id,
            release=item.release,
            product_id=item.product_id or None,
            resources=item.resources,
            reservation=item.reservation,
            characteristics=item.characteristics,
        )
        place_index = _insert_steps(work, order["id"], row["id"], item, place_index)
    work.event("ProductOrderCreateEvent", resource="productOrder", resource_id=order["id"])
    if requested_start_ns is not None and is_future:
        schedule(work, START_DUE, resource_id=order["id"], at_ns=requested_start_ns)
    else:
        work.event(READY, resource=WORKFLOW, resource_id=order["id"])
    return Order.from_row(order)


@requires("order:write")
def start_due(work: Work, *, order_id: str) -> Order:
    """An order whose start date has come begins; one that has begun or is cancelled stays as it is."""
    order = work.get(PRODUCT_ORDER, order_id, field="order_id")
    if order["state"] != OrderState.PENDING:
        return Order.from_row(order)
    order = move_order(work, order, "fall due")
    work.event(READY, resource=WORKFLOW, resource_id=order_id)
    return Order.from_row(order)


@requires("order:write")
def cancel(work: Work, *, order_id: str, reason: str = "", if_revision: int | None = None) -> Order:
    """Undo what was done of the order, and do no more of it. Conflict past the point of no return, and once it has ended.

    Items that are done and past theirs are kept where others aren't: the order ends as partial then.
    A step that runs is finished first. Where a workflow drives the order already, that one undoes it.
    """
    order = work.get(PRODUCT_ORDER, order_id, field="order_id")
    if order["is_cancelling"] and order["state"] not in (OrderState.HELD, *ENDED):
        return Order.from_row(order)
    _check_may_be_cancelled(work, order_id)
    was = order["state"]
    order = move_order(work, order, "cancel", if_revision=if_revision, is_cancelling=True, cancellation_reason=reason)
    for kind in (START_DUE, RETRY_DUE):
        unschedule(work, kind, resource_id=order_id)
    if was == OrderState.PENDING:
        order = work.change(PRODUCT_ORDER, order_id, completed_ns=work.now_ns)
        for step in steps_of(work, order_id):
            work.change(ORDER_STEP, step["id"], state=next_step_state(step["state"], "undo"))
    if was == OrderState.HELD:
        work.event(READY, resource=WORKFLOW, resource_id=order_id)
    return Order.from_row(order)


def move_order(work: Work, order: Row, happens: str, *, if_revision: int | None = None, **values: object) -> Row:
    """The order in its next state, and the event that tells of it. Conflict where that can't be."""
    state = next_order_state(order["state"], happens)
    order = work.change(PRODUCT_ORDER, order, if_revision=if_revision, state=state, **values)
    work.event(_CHANGED, resource="productOrder", resource_id=order["id"], state=state)
    return order


def steps_of(work: Work, order_id: str) -> list[Row]:
    """The rows of an order's steps, by place."""
    return list(work.rows(_STEPS, order_id=order_id))


def kept_items(steps: Iterable[Row]) -> frozenset[str]:
    """Ids of the items that are past their point of no return, of an order's steps: to cancel it leaves them."""
    return frozenset(
        step["item_id"]
        for step in steps
        if step["is_point_of_no_return"] and step["state"] in (StepState.DONE, StepState.RUNNING)
    )


def _check_items(items: Sequence[NewItem]) -> None:
    if not 1 <= len(items) <= ITEMS_MAX:
        raise Invalid("items", f"{len(items)} of them", f"An order has 1 to {ITEMS_MAX}")
    if sum(len(item.steps) for item in items) > STEPS_MAX:
        raise Invalid("items", "they take too many steps together", "Order them in several orders")
    named = [item.product_id for item in items if item.product_id]
    for place, item in enumerate(items):
        field = f"items[{place}]"
        if item.action not in ACTIONS:
            raise Invalid(f"{field}.action", f"there is no action {item.action!r}", f"Write {', '.join(ACTIONS)}")
        if (item.action == Action.ADD) == bool(item.product_id):
            remedy = "Leave it out" if item.product_id else "Name the product that it changes"
            raise Invalid(f"{field}.product_id", f"{item.product_id!r} with the action {item.action}", remedy)
        if not item.steps:
            raise Invalid(field, "nothing is to be done for it", "Name an offering whose specification needs something")
        if named.count(item.product_id) > 1:
            raise Conflict(f"{field}.product_id", "two items change one product", "Change it in an order each")


@requires("order:write")
def check_none_begun(work: Work, *, product_id: str, field: str) -> None:
    """Conflict where an order that has begun, or is about to, changes a product. Those that wait for their dates don't yet."""
    other = work.rows(
        sa.select(PRODUCT_ORDER.c.id)
        .select_from(
            sa.join(
                PRODUCT_ORDER,
                ORDER_ITEM,
                (ORDER_ITEM.c.tenant == PRODUCT_ORDER.c.tenant) & (ORDER_ITEM.c.order_id == PRODUCT_ORDER.c.id),
            )
        )
        .where(
            ORDER_ITEM.c.product_id == product_id,
            PRODUCT_ORDER.c.state.in_(sorted(UNDER_WAY - {OrderState.PENDING})),
        )
        .limit(1)
    )
    if other:
        raise Conflict(
            field,
            f"order {other[0]['id']} is changing product {product_id}",
            f"Wait for it to end, or cancel it (farebox order cancel {other[0]['id']}, or its state over TMF622)",
        )


def _insert_steps(work: Work, order_id: str, item_id: str, item: NewItem, place: int) -> int:
    """Each step comes after the one before it of its item; the place behind the last."""
    first = place
    for step in item.steps:
        work.insert(
            ORDER_STEP,
            order_id=order_id,
            item_id=item_id,
            place=place,
            kind=step.kind,
            after=[place - 1] if place > first else [],
            state=StepState.WAITING,
            attempts=0,
            error_code="",
            error="",
            compensation=step.compensation,
            is_point_of_no_return=step.is_point_of_no_return,
            is_for_people=step.is_for_people,
            note="",
            outcome={},
        )
        place += 1
    return place


def _check_may_be_cancelled(work: Work, order_id: str) -> None:
    """Conflict where an item past its point of no return isn't done, or all of them are past it."""
    steps = steps_of(work, order_id)
    undone_by_others = {step["item_id"] for step in steps if step["compensation"]}
    for step in steps:
        is_unknown = step["is_point_of_no_return"] and step["error_code"] in OUTCOME_UNKNOWN
        if is_unknown and step["item_id"] not in undone_by_others:
            problem = f"whether {step['kind']} was done isn't known, and it can't be undone"
            raise Conflict("state", problem, "Have it tried again once what it asks answers: then it is known")
    kept = kept_items(steps)
    half_done = {step["item_id"] for step in steps if step["item_id"] in kept and step["state"] not in PASSED}
    if not half_done and kept != {step["item_id"] for step in steps}:
        return
    last = next(step for step in steps if step["is_point_of_no_return"] and step["item_id"] in (half_done or kept))
    raise Conflict(
        "state",
        f"the order is past its point of no return, {last['kind']}",
        "Have it finished, and order the end of the product",
    )
