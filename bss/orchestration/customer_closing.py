"""A customer leaves: what they have must be over, then their billing accounts are closed with them."""

from bss.crm.customer_operations import set_billing_account_state, set_customer_status
from bss.crm.queries import billing_accounts_of
from bss.crm.records import Customer
from bss.crm.states import BillingAccountState, CustomerStatus
from bss.errors import Conflict
from bss.inventory.queries import products_of_customer
from bss.work import Work


def close_customer(work: Work, customer_id: str, *, reason: str = "") -> Customer:
    """The customer, closed for good, and every billing account. NotFound; Conflict where a product isn't over."""
    count = len(products_of_customer(work, customer_id, with_ended=False))
    if count:
        raise Conflict("id", f"customer {customer_id} has {count} products", "Terminate them first")
    for account in billing_accounts_of(work, [customer_id]):
        set_billing_account_state(work, account.id, state=BillingAccountState.CLOSED)
    return set_customer_status(work, customer_id, status=CustomerStatus.CLOSED, reason=reason or None)
