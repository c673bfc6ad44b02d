"""What is changed of a billing account, where what it pays for stands against it.

A credit limit counts in the engine, an account's own (docs/decisions/0036). One that was changed here alone would look as if it
counted, so it is refused with the way where there is one.
"""

from typing import Any, Final

from bss.crm.customer_operations import change_billing_account
from bss.crm.queries import billing_account
from bss.crm.records import BillingAccount
from bss.errors import Conflict
from bss.inventory.queries import accounts_of_payer
from bss.work import Work

ACCOUNTS_NAMED_MAX: Final = 5
_THERE: Final = (
    "farebox subscriber credit-limit NUMBER --to AMOUNT, or Credit limit on the customer's page of the console"
)


def change_payer(work: Work, account_id: str, *, if_revision: int | None = None, **values: Any) -> BillingAccount:
    """A billing account with other values. NotFound, Stale, Conflict: another credit limit of one that pays for accounts."""
    limit_micros = values.get("credit_limit_micros")
    if limit_micros is not None and limit_micros != billing_account(work, account_id).credit_limit_micros:
        _check_pays_for_none(work, account_id)
    return change_billing_account(work, account_id, if_revision=if_revision, **values)


def _check_pays_for_none(work: Work, account_id: str) -> None:
    paid = accounts_of_payer(work, account_id)
    if not paid:
        return
    named = ", ".join(map(str, paid[:ACCOUNTS_NAMED_MAX]))
    more = f" and {len(paid) - ACCOUNTS_NAMED_MAX} more" if len(paid) > ACCOUNTS_NAMED_MAX else ""
    problem = f"it pays for charged accounts that have a credit limit each: {named}{more}"
    raise Conflict("credit_limit_micros", problem, f"Set it there: {_THERE}")
