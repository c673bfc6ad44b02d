"""A customer goes: with nothing left to charge for, it and its billing accounts are closed."""

from bss.crm.customer_operations import set_billing_account_state, set_customer_status
from bss.crm.queries import billing_accounts_of
from bss.crm.records import Customer
from bss.crm.states import BillingAccountState, CustomerStatus
from bss.errors import Conflict
from bss.inventory.queries import open_product_count
from bss.work import Work


def close_customer(
    work: Work, customer_id: str, *, reason: str | None = None, if_revision: int | None = None
) -> Customer:
    """The customer, closed with its billing accounts; it can't be opened again. NotFound, Stale; Conflict: it has products."""
    count = open_product_count(work, customer_id)
    if count:
        has = f"the customer has {count} product{'' if count == 1 else 's'} that {'has' if count == 1 else 'have'} not ended"
        raise Conflict("status", has, "Terminate them first, by an order")
    closed = set_customer_status(
        work, customer_id, status=CustomerStatus.CLOSED, reason=reason, if_revision=if_revision
    )
    for account in billing_accounts_of(work, [customer_id]):
        set_billing_account_state(work, account.id, state=BillingAccountState.CLOSED)
    return closed
