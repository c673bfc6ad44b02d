"""Orders that wait for their dates, beside other orders of the same product.

A dated order keeps no other from being placed that doesn't contradict it: all of a product are looked at in the order of their
dates, each from the status that those before it leave. As it falls due it is judged anew, by the status that there is then, and
what it adds by what is sold then and what the customer has.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from bss.catalog.queries import release_in_force, successor_of
from bss.crm.queries import customer
from bss.due import Due, finish
from bss.errors import Conflict
from bss.inventory.queries import product
from bss.inventory.records import Product
from bss.inventory.states import ProductStatus
from bss.orchestration.offering_checks import Turn, adding_faults
from bss.orders.operations import REASON_CHARACTERS_MAX, cancel, check_none_begun, start_due
from bss.orders.queries import dated_orders, show
from bss.orders.records import Action, Order, OrderView
from bss.orders.states import OrderState
from bss.work import Work
from vocabulary.instants import to_rfc3339

CHANGES_FROM: Final = {
    Action.SUSPEND: frozenset({ProductStatus.ACTIVE}),
    Action.RESUME: frozenset({ProductStatus.SUSPENDED}),
    Action.TERMINATE: frozenset({ProductStatus.ACTIVE, ProductStatus.SUSPENDED}),
    Action.MIGRATE: frozenset({ProductStatus.ACTIVE, ProductStatus.SUSPENDED}),
}
"""Statuses of a product in which an action on it may be ordered."""
_BECOMES: Final = {
    Action.SUSPEND: ProductStatus.SUSPENDED,
    Action.RESUME: ProductStatus.ACTIVE,
    Action.TERMINATE: ProductStatus.TERMINATED,
}
"""What an action makes of the status; the others leave it."""


class _Turn(NamedTuple):
    """An action on a product at its date. `order_id` is empty of the one that is asked for."""

    starts_ns: int
    order_id: str
    action: str


class _Fault(NamedTuple):
    """A turn that finds the product in a status which doesn't admit it, made by the turn `after`: None where it is so now."""

    turn: _Turn
    status: str
    after: _Turn | None


def check_action(work: Work, has: Product, action: str, *, starts_ns: int, field: str) -> None:
    """Conflict where a product can't take an action when that is to begin, or where an order of a later date then couldn't."""
    check_none_begun(work, product_id=has.id, field=field)
    waiting = [_Turn(*each) for each in dated_orders(work, product_id=has.id)]
    asked = _Turn(starts_ns, "", action)
    hopeless = {fault.turn for fault in _faults(has.status, waiting)}
    for fault in _faults(has.status, [*waiting, asked]):
        if fault.turn not in hopeless:
            raise _refusal(has, asked, fault, field)


def _faults(status: str, turns: Sequence[_Turn]) -> list[_Fault]:
    """By date; of one date the one that was ordered first is first."""
    found, last = [], None
    for turn in sorted(turns, key=lambda each: each.starts_ns):
        if status not in CHANGES_FROM[turn.action]:
            found.append(_Fault(turn, status, last))
        elif turn.action in _BECOMES:
            status, last = _BECOMES[turn.action], turn
    return found


def _refusal(has: Product, asked: _Turn, fault: _Fault, field: str) -> Conflict:
    if fault.turn is not asked:
        waits = f"order {fault.turn.order_id}, {fault.turn.action} at {to_rfc3339(fault.turn.starts_ns)}"
        problem = f"after {asked.action}, product {has.id} would be {fault.status}, and {waits}, couldn't be done"
        return Conflict(field, problem, _cancel_first(fault.turn))
    needs = f"{asked.action} needs one that is {_possible(asked.action)}"
    if fault.after is None:
        return Conflict(field, f"product {has.id} is {fault.status}", needs)
    since = f"from {to_rfc3339(fault.after.starts_ns)} on, by order {fault.after.order_id}"
    return Conflict(field, f"product {has.id} is {fault.status} {since}", f"{_cancel_first(fault.after)}: {needs}")


def _cancel_first(turn: _Turn) -> str:
    return f"Cancel that order first (farebox order cancel {turn.order_id}, or its state over TMF622)"


def _possible(action: str) -> str:
    return " or ".join(sorted(CHANGES_FROM[action]))


def start_dated(work: Work, due: Due) -> None:
    """An order whose date has come begins; it is cancelled with the reason where a product can't take its action any more, or
    where what it adds isn't sold to the customer any more.

    Conflict while another order changes one of its products, or one of an earlier date is to: it is put off.
    """
    finish(work, due)
    view = show(work, order_id=due.resource_id)
    if view.order.state != OrderState.PENDING:
        return
    changed = [(item.action, item.product_id) for item in view.items if item.action != Action.ADD]
    for _, product_id in changed:
        check_none_begun(work, product_id=product_id or "", field="product_id")
        _check_none_is_late(work, view.order, product_id or "")
    why_not = _contradicted(work, changed) or _not_added(work, view)
    if why_not:
        cancel(work, order_id=view.order.id, reason=f"as it fell due {why_not}"[:REASON_CHARACTERS_MAX])
    else:
        start_due(work, order_id=view.order.id)


def _check_none_is_late(work: Work, order: Order, product_id: str) -> None:
    """What fell due earlier may have been put off longer: it goes first all the same."""
    own = (order.requested_start_ns or 0, order.id)
    late = [(starts_ns, order_id) for starts_ns, order_id, _ in dated_orders(work, product_id=product_id)]
    first = min(late, default=own)
    if first < own:
        problem = f"order {first[1]} of it, {to_rfc3339(first[0])}, waits"
        raise Conflict("product_id", problem, "It goes first, or is cancelled")


def _contradicted(work: Work, changed: Sequence[tuple[str, str | None]]) -> str:
    for action, product_id in changed:
        has = product(work, product_id or "")
        if has.status not in CHANGES_FROM[action]:
            return f"product {has.id} was {has.status}: {action} needs one that is {_possible(action)}"
    return ""


def _not_added(work: Work, view: OrderView) -> str:
    """Why what an order adds may not be added any more. Where a migration replaced an offering, the product is of the target,
    so that one is judged.
    """
    order = view.order
    added = [
        successor_of(work, offering_id=item.offering_id, release=item.release)[0]
        for item in view.items
        if item.action == Action.ADD
    ]
    if not added:
        return ""
    buyer = customer(work, order.customer_id)
    turn = Turn(order.requested_start_ns or work.now_ns, order.id)
    faults = adding_faults(work, release_in_force(work), buyer, added, turn=turn, channel=order.channel or "")
    return f"{faults[0].id} could not be added: {faults[0].problem}" if faults else ""
