"""What is done with customers and billing accounts: what a party buys as, who pays, and for which accounts of the engine."""

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from bss.access import requires
from bss.crm.checks import CURRENCY, MICROS_MAX, check_columns, check_given, check_one_of, check_period
from bss.crm.operations import present_party
from bss.crm.records import AccountLink, BillingAccount, Customer
from bss.crm.states import BILLING_ACCOUNT_NEXT, CUSTOMER_NEXT, BillingAccountState, CustomerStatus, check_next
from bss.crm.tables import ACCOUNT_LINK, BILLING_ACCOUNT, CUSTOMER
from bss.errors import Conflict, Invalid
from bss.work import Work

BILLING_ACCOUNT_FIELDS: Final = frozenset(
    {
        "account_type",
        "bill_cycle_day",
        "bill_format",
        "credit_limit_micros",
        "currency",
        "description",
        "name",
        "payment_status",
    }
)
CUSTOMER_FIELDS: Final = frozenset({"characteristics", "from_ns", "name", "segment", "status_reason", "to_ns"})
BILL_CYCLE_DAY_MAX: Final = 28
CHARACTERISTICS_MAX: Final = 50


@requires("customer:write")
def add_customer(
    work: Work, /, *, party_id: str, name: str, status: CustomerStatus = CustomerStatus.ACTIVE, **values: Any
) -> Customer:
    """A party begins to buy. `values`: further of CUSTOMER_FIELDS. NotFound, Invalid."""
    check_given("name", name)
    check_columns(CUSTOMER, {**values, "name": name}, CUSTOMER_FIELDS)
    check_one_of("status", status, list(CUSTOMER_NEXT))
    _check_characteristics(values.get("characteristics"))
    present_party(work, party_id)
    columns = {"from_ns": work.now_ns, "characteristics": {}, **values}
    check_period(columns["from_ns"], values.get("to_ns"))
    row = work.insert(CUSTOMER, party_id=party_id, name=name, status=status, **columns)
    work.event("CustomerCreateEvent", resource="customer", resource_id=row["id"])
    return Customer.from_row(row)


@requires("customer:write")
def change_customer(work: Work, customer_id: str, /, *, if_revision: int | None = None, **values: Any) -> Customer:
    """A customer with other values, of CUSTOMER_FIELDS. NotFound, Stale, Invalid."""
    check_columns(CUSTOMER, values, CUSTOMER_FIELDS)
    if "name" in values:
        check_given("name", values["name"])
    _check_characteristics(values.get("characteristics"))
    before = work.get(CUSTOMER, customer_id)
    merged = {**before, **values}
    check_period(merged["from_ns"], merged["to_ns"])
    row = work.change(CUSTOMER, customer_id, if_revision=if_revision, **values)
    work.event("CustomerAttributeValueChangeEvent", resource="customer", resource_id=customer_id)
    return Customer.from_row(row)


@requires("customer:write")
def set_customer_status(
    work: Work, customer_id: str, *, status: CustomerStatus, reason: str | None = None, if_revision: int | None = None
) -> Customer:
    """A customer in another status; the same again changes nothing. A closed one stays so. NotFound, Stale, Conflict."""
    before = Customer.from_row(work.get(CUSTOMER, customer_id))
    if before.status == status:
        return before
    check_one_of("status", status, list(CUSTOMER_NEXT))
    check_next(CUSTOMER_NEXT, before.status, status, field="status", what="a customer")
    check_columns(CUSTOMER, {"status_reason": reason}, CUSTOMER_FIELDS)
    values: dict[str, Any] = {"to_ns": max(work.now_ns, before.from_ns + 1)} if status == CustomerStatus.CLOSED else {}
    row = work.change(CUSTOMER, customer_id, if_revision=if_revision, status=status, status_reason=reason, **values)
    work.event("CustomerStateChangeEvent", resource="customer", resource_id=customer_id)
    return Customer.from_row(row)


@requires("customer:write")
def add_billing_account(
    work: Work, /, *, customer_id: str, name: str, currency: str, account_type: str = "prepaid", **values: Any
) -> BillingAccount:
    """Who gets the bills of a customer. `values`: further of BILLING_ACCOUNT_FIELDS. NotFound, Invalid; Conflict: closed."""
    given = {
        "payment_status": "inGoodStanding",
        "credit_limit_micros": 0,
        **values,
        "name": name,
        "currency": currency,
        "account_type": account_type,
    }
    _check_billing_account(given)
    customer = work.get(CUSTOMER, customer_id, field="customer_id")
    if customer["status"] == CustomerStatus.CLOSED:
        raise Conflict("customer_id", "the customer is closed", "Add a new customer for the party")
    row = work.insert(BILLING_ACCOUNT, customer_id=customer_id, state=BillingAccountState.ACTIVE, **given)
    work.event("BillingAccountCreateEvent", resource="billingAccount", resource_id=row["id"], customer_id=customer_id)
    return BillingAccount.from_row(row)


@requires("customer:write")
def change_billing_account(
    work: Work, account_id: str, /, *, if_revision: int | None = None, **values: Any
) -> BillingAccount:
    """A billing account with other values, of BILLING_ACCOUNT_FIELDS; its currency stays. NotFound, Stale, Conflict."""
    before = work.get(BILLING_ACCOUNT, account_id)
    _check_billing_account(values)
    if values.get("currency", before["currency"]) != before["currency"]:
        raise Conflict(
            "currency", f"the account is in {before['currency']}", "Add another account for another currency"
        )
    row = work.change(BILLING_ACCOUNT, account_id, if_revision=if_revision, **values)
    work.event(
        "BillingAccountAttributeValueChangeEvent",
        resource="billingAccount",
        resource_id=account_id,
        customer_id=row["customer_id"],
    )
    return BillingAccount.from_row(row)


@requires("customer:write")
def set_billing_account_state(
    work: Work, account_id: str, *, state: BillingAccountState, if_revision: int | None = None
) -> BillingAccount:
    """A billing account in another state; the same again changes nothing. NotFound, Stale, Conflict."""
    before = BillingAccount.from_row(work.get(BILLING_ACCOUNT, account_id))
    if before.state == state:
        return before
    check_one_of("state", state, list(BILLING_ACCOUNT_NEXT))
    check_next(BILLING_ACCOUNT_NEXT, before.state, state, field="state", what="a billing account")
    row = work.change(BILLING_ACCOUNT, account_id, if_revision=if_revision, state=state)
    work.event(
        "BillingAccountStateChangeEvent",
        resource="billingAccount",
        resource_id=account_id,
        customer_id=row["customer_id"],
    )
    return BillingAccount.from_row(row)


@requires("customer:write")
def link_account(
    work: Work, *, billing_account_id: str, engine_account_id: int, from_ns: int | None = None
) -> AccountLink:
    """From an instant (now) on a billing account pays for an account of the engine; who paid before does until then.

    Asked again, it is done once. NotFound; Conflict where the account is closed, or somebody pays from later on.
    """
    account = work.get(BILLING_ACCOUNT, billing_account_id, field="billing_account_id")
    if account["state"] == BillingAccountState.CLOSED:
        raise Conflict("billing_account_id", "the billing account is closed", "Name an open one")
    since_ns = work.now_ns if from_ns is None else from_ns
    table = ACCOUNT_LINK
    last = work.row(sa.select(table).where(table.c.engine_account_id == engine_account_id, table.c.to_ns.is_(None)))
    if last is not None:
        if last["billing_account_id"] == billing_account_id:
            return AccountLink.from_row(last)
        if last["from_ns"] >= since_ns:
            raise Conflict("from_ns", "another billing account pays from that instant on", "Choose a later one")
        work.change(table, last["id"], to_ns=since_ns)
    row = work.insert(
        table, billing_account_id=billing_account_id, engine_account_id=engine_account_id, from_ns=since_ns
    )
    return AccountLink.from_row(row)


@requires("customer:write")
def unlink_account(work: Work, *, engine_account_id: int, to_ns: int | None = None) -> None:
    """From an instant (now) on nobody pays for an account of the engine; nothing where nobody does. Conflict."""
    table = ACCOUNT_LINK
    last = work.row(sa.select(table).where(table.c.engine_account_id == engine_account_id, table.c.to_ns.is_(None)))
    if last is None:
        return
    until_ns = max(work.now_ns, last["from_ns"] + 1) if to_ns is None else to_ns
    check_period(last["from_ns"], until_ns)
    work.change(table, last["id"], to_ns=until_ns)


@requires("customer:write")
def remove_customer(work: Work, customer_id: str, *, if_revision: int | None = None) -> None:
    """A customer that never had anything goes. Conflict where something refers to it: close it instead."""
    try:
        work.remove(CUSTOMER, customer_id, if_revision=if_revision)
    except IntegrityError as error:
        raise Conflict("id", "the customer has accounts, products, tickets or roles", "Close it instead") from error
    work.event("CustomerDeleteEvent", resource="customer", resource_id=customer_id)


@requires("customer:write")
def remove_billing_account(work: Work, account_id: str, *, if_revision: int | None = None) -> None:
    """A billing account that nothing was ever paid from goes. Conflict where something refers to it: close it instead."""
    row = work.get(BILLING_ACCOUNT, account_id)
    try:
        work.remove(BILLING_ACCOUNT, account_id, if_revision=if_revision)
    except IntegrityError as error:
        raise Conflict("id", "products or accounts of the engine are paid from it", "Close it instead") from error
    work.event(
        "BillingAccountDeleteEvent",
        resource="billingAccount",
        resource_id=account_id,
        customer_id=row["customer_id"],
    )


def _check_billing_account(values: dict[str, Any]) -> None:
    check_columns(BILLING_ACCOUNT, values, BILLING_ACCOUNT_FIELDS)
    if "name" in values:
        check_given("name", values["name"])
    if "currency" in values and not CURRENCY.fullmatch(values["currency"]):
        raise Invalid("currency", f"{values['currency']!r} is no currency", "Write three capital letters, such as EUR")
    if not 0 <= values.get("credit_limit_micros", 0) <= MICROS_MAX:
        raise Invalid("credit_limit_micros", "it is out of range", f"Choose 0..{MICROS_MAX}")
    day = values.get("bill_cycle_day")
    if day is not None and not 1 <= day <= BILL_CYCLE_DAY_MAX:
        raise Invalid("bill_cycle_day", f"{day} isn't in every month", f"Choose 1..{BILL_CYCLE_DAY_MAX}")


def _check_characteristics(values: Any) -> None:
    if values is None:
        return
    is_right = isinstance(values, dict) and all(
        isinstance(name, str) and isinstance(value, str | int | bool) and len(str(value)) <= 1000
        for name, value in values.items()
    )
    if not is_right or len(values) > CHARACTERISTICS_MAX:
        raise Invalid(
            "characteristics",
            "they are no names with values",
            f"Write at most {CHARACTERISTICS_MAX}, each text, a whole number or a boolean",
        )
