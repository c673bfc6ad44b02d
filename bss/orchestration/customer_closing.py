"""A customer goes: with nothing left to charge for and nothing ordered, it and its billing accounts are closed."""

from typing import Final

from bss.crm.customer_operations import set_billing_account_state, set_customer_status
from bss.crm.queries import billing_accounts_of
from bss.crm.records import Customer
from bss.crm.states import BillingAccountState, CustomerStatus
from bss.errors import Conflict
from bss.inventory.queries import open_product_count
from bss.orders.queries import orders_under_way
from bss.work import Work

ORDERS_NAMED_MAX: Final = 5


def close_customer(
    work: Work, customer_id: str, *, reason: str | None = None, if_revision: int | None = None
) -> Customer:
    """The customer, closed with its billing accounts; it can't be opened again.

    NotFound, Stale; Conflict: it has products, or orders that are under way.
    """
    count = open_product_count(work, customer_id)
    if count:
        has = f"the customer has {count} product{'' if count == 1 else 's'} that {'has' if count == 1 else 'have'} not ended"
        raise Conflict("status", has, "Terminate them first, by an order")
    check_no_order_under_way(work, customer_id, field="status")
    closed = set_customer_status(
        work, customer_id, status=CustomerStatus.CLOSED, reason=reason, if_revision=if_revision
    )
    for account in billing_accounts_of(work, [customer_id]):
        set_billing_account_state(work, account.id, state=BillingAccountState.CLOSED)
    return closed


def check_no_order_under_way(work: Work, customer_id: str, *, field: str) -> None:
    """Conflict where an order of the customer hasn't ended: it names the first ORDERS_NAMED_MAX, with their states."""
    found = orders_under_way(work, customer_id=customer_id)
    if not found:
        return
    named = [f"{order.id} ({order.state})" for order in found[:ORDERS_NAMED_MAX]]
    more = f" and {len(found) - len(named)} more" if len(found) > len(named) else ""
    has = f"the customer has {'an order' if len(found) == 1 else 'orders'} under way: {', '.join(named)}{more}"
    raise Conflict(field, has, f"Cancel {'it' if len(found) == 1 else 'them'}, or wait for the end")
