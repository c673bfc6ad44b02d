"""Reads of orders."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from bss.access import requires
from bss.orders.operations import kept_items, steps_of
from bss.orders.records import Action, Fallout, Order, OrderedAdd, OrderItem, OrderStep, OrderView
from bss.orders.states import FALLEN, UNDER_WAY, OrderState, state_of_item
from bss.orders.tables import ORDER_ITEM, ORDER_STEP, PRODUCT_ORDER
from bss.tenant_rows import Prepared, prepared_by
from bss.work import Work

PAGE_MAX: Final = 1000
_ITEMS: Final = prepared_by(ORDER_ITEM.c.id)
_OF_ORDER: Final = sa.and_(ORDER_ITEM.c.tenant == PRODUCT_ORDER.c.tenant, ORDER_ITEM.c.order_id == PRODUCT_ORDER.c.id)
_ADDS: Final = Prepared(
    sa.select(ORDER_ITEM.c.offering_id, PRODUCT_ORDER.c.id, PRODUCT_ORDER.c.state, PRODUCT_ORDER.c.requested_start_ns)
    .select_from(sa.join(PRODUCT_ORDER, ORDER_ITEM, _OF_ORDER))
    .where(
        PRODUCT_ORDER.c.customer_id == sa.bindparam("customer_id"),
        PRODUCT_ORDER.c.state.in_(sa.bindparam("states", expanding=True)),
        PRODUCT_ORDER.c.is_cancelling.is_(False),
        ORDER_ITEM.c.action == Action.ADD,
        ORDER_ITEM.c.product_id.is_(None),
    )
    .order_by(PRODUCT_ORDER.c.id, ORDER_ITEM.c.number)
)


@requires("order:read")
def show(work: Work, *, order_id: str) -> OrderView:
    """The order with its items and steps. NotFound."""
    order = work.get(PRODUCT_ORDER, order_id, field="order_id")
    items = work.rows(sa.select(ORDER_ITEM).where(ORDER_ITEM.c.order_id == order_id).order_by(ORDER_ITEM.c.number))
    return OrderView(
        order=Order.from_row(order),
        items=tuple(OrderItem.from_row(row) for row in items),
        steps=tuple(OrderStep.from_row(row) for row in steps_of(work, order_id)),
    )


@requires("inventory:read")
def item_numbers(work: Work, item_ids: Sequence[str]) -> dict[str, int]:
    """What their orders call these items, by id: products are shown with it."""
    if not item_ids:
        return {}
    return {row["id"]: row["number"] for row in work.rows(_ITEMS, values=list(item_ids))}


@requires("order:read")
def items_of_orders(work: Work, orders: Sequence[Mapping[str, Any]]) -> Sequence[tuple[OrderItem, str]]:
    """Items of some orders' rows by order and number, each with its state (`state_of_item`)."""
    order_of = {order["id"]: order for order in orders}
    items = work.rows(
        sa.select(ORDER_ITEM)
        .where(ORDER_ITEM.c.order_id.in_(list(order_of)))
        .order_by(ORDER_ITEM.c.order_id, ORDER_ITEM.c.number)
    )
    differing = [order["id"] for order in orders if order["state"] in (OrderState.HELD, OrderState.PARTIAL)]
    columns = (ORDER_STEP.c.item_id, ORDER_STEP.c.state, ORDER_STEP.c.is_point_of_no_return)
    found = work.rows(sa.select(*columns).where(ORDER_STEP.c.order_id.in_(differing)))
    steps: dict[str, list[str]] = {}
    for step in found:
        steps.setdefault(step["item_id"], []).append(step["state"])
    kept = kept_items(found)
    return [
        (
            OrderItem.from_row(row),
            state_of_item(
                order_of[row["order_id"]]["state"],
                is_cancelling=order_of[row["order_id"]]["is_cancelling"],
                steps=steps.get(row["id"], []),
                is_kept=row["id"] in kept,
            ),
        )
        for row in items
    ]


@requires("order:read")
def list_orders(
    work: Work, *, state: str | None = None, customer_id: str | None = None, limit: int = 100, offset: int = 0
) -> Sequence[Order]:
    """Orders, the newest first; of a state or a customer where named. At most PAGE_MAX of them."""
    statement = sa.select(PRODUCT_ORDER).order_by(PRODUCT_ORDER.c.id.desc())
    if state is not None:
        statement = statement.where(PRODUCT_ORDER.c.state == state)
    if customer_id is not None:
        statement = statement.where(PRODUCT_ORDER.c.customer_id == customer_id)
    rows = work.rows(statement.limit(min(limit, PAGE_MAX)).offset(offset))
    return [Order.from_row(row) for row in rows]


@requires("customer:read")
def items_of_customer(work: Work, *, customer_id: str) -> Sequence[OrderItem]:
    """Items of all orders of a customer, as they were ordered."""
    table = sa.join(PRODUCT_ORDER, ORDER_ITEM, _OF_ORDER)
    statement = sa.select(ORDER_ITEM).select_from(table).where(PRODUCT_ORDER.c.customer_id == customer_id)
    rows = work.rows(statement.order_by(PRODUCT_ORDER.c.id, ORDER_ITEM.c.number))
    return [OrderItem.from_row(row) for row in rows]


@requires("customer:read")
def orders_under_way(work: Work, *, customer_id: str, limit: int = PAGE_MAX) -> Sequence[Order]:
    """A customer's orders that haven't ended, also those that wait for their date, the oldest first."""
    table = PRODUCT_ORDER
    statement = sa.select(table).where(table.c.customer_id == customer_id, table.c.state.in_(sorted(UNDER_WAY)))
    return [Order.from_row(row) for row in work.rows(statement.order_by(table.c.id).limit(min(limit, PAGE_MAX)))]


@requires("inventory:read")
def dated_orders(work: Work, *, product_id: str) -> Sequence[tuple[int, str, str]]:
    """(date, order, action) of orders that change a product and wait for their dates, as they were placed."""
    waiting = (
        sa.select(PRODUCT_ORDER.c.requested_start_ns, PRODUCT_ORDER.c.id, ORDER_ITEM.c.action)
        .select_from(sa.join(PRODUCT_ORDER, ORDER_ITEM, _OF_ORDER))
        .where(ORDER_ITEM.c.product_id == product_id, PRODUCT_ORDER.c.state == OrderState.PENDING)
        .order_by(PRODUCT_ORDER.c.id)
    )
    return [(row["requested_start_ns"], row["id"], row["action"]) for row in work.rows(waiting)]


@requires("inventory:read")
def orders_of_reservation(work: Work, *, reservation: str) -> dict[tuple[str, str], str]:
    """(kind, name) of what orders that haven't ended have of a reservation, with the order's id."""
    naming = (
        sa.select(ORDER_ITEM.c.order_id, ORDER_ITEM.c.resources)
        .select_from(sa.join(PRODUCT_ORDER, ORDER_ITEM, _OF_ORDER))
        .where(ORDER_ITEM.c.reservation == reservation, PRODUCT_ORDER.c.state.in_(sorted(UNDER_WAY)))
        .order_by(ORDER_ITEM.c.id)
    )
    found: dict[tuple[str, str], str] = {}
    for row in work.rows(naming):
        for kind, name in row["resources"].items():
            found.setdefault((kind, name), row["order_id"])
    return found


@requires("inventory:read")
def adds_under_way(work: Work, *, customer_id: str) -> Sequence[OrderedAdd]:
    """What a customer's orders are to add and haven't yet, as it was ordered; without those that are being undone."""
    return [
        OrderedAdd(
            offering_id=row["offering_id"],
            order_id=row["id"],
            waits_until_ns=row["requested_start_ns"] if row["state"] == OrderState.PENDING else None,
        )
        for row in work.rows(_ADDS, customer_id=customer_id, states=sorted(UNDER_WAY))
    ]


@requires("inventory:read")
def ordered_counts_by_offering(work: Work) -> dict[str, int]:
    """How many products orders under way are to make of each offering, and haven't yet."""
    counted = (
        sa.select(ORDER_ITEM.c.offering_id, sa.func.count().label("row_count"))
        .select_from(sa.join(PRODUCT_ORDER, ORDER_ITEM, _OF_ORDER))
        .where(
            PRODUCT_ORDER.c.state.in_(sorted(UNDER_WAY)),
            ORDER_ITEM.c.action == Action.ADD,
            ORDER_ITEM.c.product_id.is_(None),
        )
        .group_by(ORDER_ITEM.c.offering_id)
    )
    return {row["offering_id"]: row["row_count"] for row in work.rows(counted)}


@requires("order:read")
def fallout(work: Work, *, limit: int = 100) -> Sequence[Fallout]:
    """The fallout queue, what fell out first first: orders that a step holds until a person decides."""
    steps = work.rows(
        sa.select(ORDER_STEP)
        .where(ORDER_STEP.c.state.in_(sorted(FALLEN)))
        .order_by(ORDER_STEP.c.updated_ns, ORDER_STEP.c.id)
        .limit(min(limit, PAGE_MAX))
    )
    found = [(work.get(PRODUCT_ORDER, step["order_id"]), step) for step in steps]
    return [
        Fallout(order=Order.from_row(order), step=OrderStep.from_row(step))
        for order, step in found
        if order["state"] == OrderState.HELD
    ]
