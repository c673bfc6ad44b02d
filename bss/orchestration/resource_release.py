"""Freeing a number or a SIM by hand: what an order under way is for stays its own."""

from bss.access import requires
from bss.errors import Conflict
from bss.inventory import operations
from bss.inventory.kinds import KINDS, Kind, Resource
from bss.inventory.queries import resource
from bss.inventory.states import ResourceState
from bss.orders.queries import orders_of_reservation
from bss.work import Work


@requires("inventory:write")
def release(work: Work, kind: Kind, *, name: str) -> Resource:
    """See operations.release. Conflict where it is reserved, and an order that hasn't ended names the reservation."""
    has = resource(work, kind, name)
    if has.state == ResourceState.RESERVED:
        order_id = orders_of_reservation(work, reservation=has.reserved_for or "").get((kind, name))
        if order_id is not None:
            problem = f"{KINDS[kind].words} {name} is what order {order_id} is for"
            raise Conflict("name", problem, cancel_first(order_id))
    return operations.release(work, kind, name=name)


def cancel_first(order_id: str) -> str:
    """What gives back what an order has."""
    return f"Cancel that order first (farebox order cancel {order_id}, or its state over TMF622)"
