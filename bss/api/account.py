"""TMF666 Account Management: billing accounts of bss/crm."""

from collections.abc import Sequence
from typing import Any, Final

from bss.api.customer import BILLING_ACCOUNTS_AT, CUSTOMER_API
from bss.api.filters import Filter
from bss.api.kinds import Amount, Instant, Money, OneOf, Text
from bss.api.limits import ID_LENGTH_MAX
from bss.api.quantities import Number
from bss.api.resource import (
    OF_SUBTYPES,
    Api,
    Document,
    Domain,
    EventRow,
    Field,
    Many,
    NotServed,
    Resource,
    Values,
    Writable,
    identity,
)
from bss.api.rows import Row, TableRows
from bss.api.structures import href_of, related_party
from bss.crm.customer_operations import (
    add_billing_account,
    remove_billing_account,
    set_billing_account_state,
)
from bss.crm.queries import customers_by_id
from bss.crm.states import BILLING_ACCOUNT_NEXT, BillingAccountState
from bss.crm.tables import BILLING_ACCOUNT
from bss.errors import Conflict, Invalid
from bss.orchestration.customer_closing import close_billing_account
from bss.orchestration.order_checks import named_by
from bss.orchestration.payer_changes import change_payer
from bss.work import Work

_CUSTOMER: Final = related_party("Customer", roles=("customer",))
_COLUMNS: Final = {
    "accountType": "account_type",
    "description": "description",
    "name": "name",
    "paymentStatus": "payment_status",
}
_LIMIT: Final = (
    "what was agreed; its unit is the account's currency, which stays. Each account of the engine has a limit of its own, which"
    " counts: of an account that pays for any, this stays"
)
_MEMBERS: Final = {"currency": "creditLimit.unit", "credit_limit_micros": "creditLimit.value"}
"""Members of the body that operations name otherwise."""


def _columns(values: Values) -> dict[str, Any]:
    found = {column: values[name] for name, column in _COLUMNS.items() if name in values}
    for member in ("accountType", "paymentStatus", "state"):
        if member in values and values[member] is None:
            raise Invalid(member, "an account always has one", "Write another value instead of null")
    if "creditLimit" in values:
        limit: Money = values["creditLimit"]
        found |= {"credit_limit_micros": limit.micros, "currency": limit.currency}
    return found


def _create(work: Work, values: Values) -> str:
    if len(values["relatedParty"]) != 1:
        raise Invalid("relatedParty", "an account is of one customer", "Name the customer, and nobody else")
    (customer,) = values["relatedParty"]
    with named_by("relatedParty[0].id"):
        account = add_billing_account(work, customer_id=customer["id"], **_columns(values))
    state = values.get("state", BillingAccountState.ACTIVE)
    set_billing_account_state(work, account.id, state=BillingAccountState(state))
    return account.id


def _change(work: Work, account_id: str, if_revision: int | None, values: Values) -> None:
    columns = _columns(values)
    if "state" in values:
        state = BillingAccountState(values["state"])
        if state == BillingAccountState.CLOSED:
            close_billing_account(work, account_id, if_revision=if_revision)
        else:
            set_billing_account_state(work, account_id, state=state, if_revision=if_revision)
        if_revision = None  # the next change is of the revision that this one made
    if not columns:
        return
    try:
        change_payer(work, account_id, if_revision=if_revision, **columns)
    except Conflict as error:
        raise Conflict(_MEMBERS.get(error.field, error.field), error.reason, error.remedy) from None


def _remove(work: Work, account_id: str, if_revision: int | None) -> None:
    remove_billing_account(work, account_id, if_revision=if_revision)


def _fill(work: Work, rows: Sequence[Row], documents: Sequence[Document]) -> None:
    by_id = {document["id"]: document for document in documents}
    names = {one.id: one.name for one in customers_by_id(work, [row["customer_id"] for row in rows])}
    for row in rows:
        customer_id = row["customer_id"]
        customer = {"id": customer_id, "name": names[customer_id], "role": "customer", "@referredType": "Customer"}
        customer["href"] = href_of(f"{CUSTOMER_API.path}/customer", customer_id)
        document = by_id[row["id"]]
        document["relatedParty"] = [_CUSTOMER.write(customer)]
        document["creditLimit"] = Amount().write(Money(row["credit_limit_micros"], row["currency"]))


BILLING_ACCOUNTS: Final = Resource(
    name="billingAccount",
    type_name="BillingAccount",
    meaning="Who gets the bills of a customer, and in which currency",
    fields=(
        *identity("BillingAccount"),
        Field("name", Text(200, length_min=1), required=True, is_filter=True),
        Field("description", Text(2000)),
        Field("accountType", Text(32, length_min=1), meaning="prepaid unless said"),
        Field("state", OneOf(tuple(map(str, BILLING_ACCOUNT_NEXT))), is_filter=True, meaning="active unless said"),
        Field("paymentStatus", Text(32, length_min=1), meaning="inGoodStanding unless said"),
        Field("creditLimit", Amount(0), required=True, meaning=_LIMIT),
        Field(
            "relatedParty",
            Many(_CUSTOMER, 1),
            required=True,
            writable=Writable.ONCE,
            meaning="the customer; of its members id and @referredType are said",
        ),
        Field("lastModified", Instant(), column="updated_ns", writable=Writable.NEVER),
    ),
    required_by_us=frozenset({"creditLimit"}),
    not_served=(
        NotServed("accountBalance", "balances are the engine's (TMF654); what is owed comes with billing"),
        NotServed("accountRelationship", "accounts have no relationships"),
        NotServed("billStructure", "the day of the cycle and the form of bills come with billing"),
        NotServed("contact", "who is what to the account is a role of a party, given in care"),
        NotServed("defaultPaymentMethod", "payment methods come with payments"),
        NotServed("financialAccount", "the ledger comes with billing"),
        NotServed("paymentPlan", "payment plans come with payments"),
        NotServed("taxExemption", "taxes come with billing"),
        *OF_SUBTYPES,
    ),
    filters=(
        Filter("creditLimit.value", Number(), BILLING_ACCOUNT.c.credit_limit_micros),
        Filter("creditLimit.unit", Text(3), BILLING_ACCOUNT.c.currency),
        Filter("relatedParty.id", Text(ID_LENGTH_MAX), BILLING_ACCOUNT.c.customer_id),
    ),
    domain=Domain(
        TableRows(BILLING_ACCOUNT),
        "customer:read",
        "customer:write",
        fill=_fill,
        create=_create,
        change=_change,
        remove=_remove,
    ),
    next_states={str(state): tuple(map(str, following)) for state, following in BILLING_ACCOUNT_NEXT.items()},
    events=tuple(
        EventRow(name, name) for name in ("BillingAccountAttributeValueChangeEvent", "BillingAccountStateChangeEvent")
    ),
)
_LATER: Final = "it comes with billing"
ACCOUNT_API: Final = Api(
    "TMF666",
    "accountManagement",
    "Account Management",
    "4.0.0",
    (BILLING_ACCOUNTS,),
    (
        NotServed("partyAccount", "an account is a billing account"),
        NotServed("settlementAccount", "there is no settlement with partners"),
        *(
            NotServed(name, _LATER)
            for name in ("financialAccount", "billingCycleSpecification", "billFormat", "billPresentationMedia")
        ),
    ),
)
assert f"{ACCOUNT_API.path}/{BILLING_ACCOUNTS.name}" == BILLING_ACCOUNTS_AT
