"""TMF629 Customer: customers of bss/crm."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bss.api.filters import Filter
from bss.api.kinds import OneOf, Text
from bss.api.party import INDIVIDUALS, ORGANIZATIONS, PARTY_API
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
from bss.api.structures import (
    CHARACTERISTIC,
    PERIOD,
    characteristic_documents,
    characteristics_of,
    href_of,
    period_columns,
    period_document,
    reference_to,
    related_party,
)
from bss.crm.customer_operations import (
    CHARACTERISTICS_MAX,
    add_customer,
    change_customer,
    remove_customer,
    set_customer_status,
)
from bss.crm.page_queries import parties_by_id, roles_in_force
from bss.crm.queries import billing_accounts_of, party
from bss.crm.records import Individual, Party
from bss.crm.states import CUSTOMER_NEXT, CustomerStatus
from bss.crm.tables import CUSTOMER
from bss.errors import Invalid
from bss.orchestration.customer_closing import close_customer
from bss.orchestration.order_checks import named_by
from bss.work import Work

PARTY_TYPES: Final = ("Individual", "Organization")
BILLING_ACCOUNTS_AT: Final = "/tmf-api/accountManagement/v4/billingAccount"
ENGAGED_PARTY: Final = related_party(*PARTY_TYPES)
ACCOUNT: Final = reference_to(
    "AccountRef",
    more=(Field("@referredType", OneOf(("BillingAccount",))),),
    not_served=(NotServed("description", "the account itself has it"),),
)


def type_of_party(one: Party) -> str:
    """TM Forum's name of what a party is."""
    return PARTY_TYPES[0] if isinstance(one, Individual) else PARTY_TYPES[1]


def party_reference(one: Party, role: str | None) -> Document:
    """A RelatedParty in an answer."""
    resource = INDIVIDUALS if isinstance(one, Individual) else ORGANIZATIONS
    return ENGAGED_PARTY.write(
        {
            "id": one.id,
            "href": href_of(f"{PARTY_API.path}/{resource.name}", one.id),
            "name": one.full_name,
            "role": role,
            "@referredType": type_of_party(one),
        }
    )


def _columns(values: Values) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "name" in values:
        found["name"] = values["name"]
    if "characteristic" in values:
        found["characteristics"] = characteristics_of(values["characteristic"])
    if "validFor" in values:
        period = period_columns(values["validFor"])
        found["to_ns"] = period["to_ns"]
        if period["from_ns"] is not None:  # where a client doesn't say since when, what was known stays
            found["from_ns"] = period["from_ns"]
    return found


def _create(work: Work, values: Values) -> str:
    engaged = values["engagedParty"]
    with named_by("engagedParty.id"):
        found = party(work, engaged["id"])
    if engaged["@referredType"] != type_of_party(found):
        raise Invalid("engagedParty.@referredType", f"the party is an {type_of_party(found)}", "Write that")
    status = values.get("status", CustomerStatus.ACTIVE)
    reason = {"status_reason": values["statusReason"]} if "statusReason" in values else {}
    return add_customer(work, party_id=found.id, status=CustomerStatus(status), **_columns(values), **reason).id


def _change(work: Work, customer_id: str, if_revision: int | None, values: Values) -> None:
    columns = _columns(values)
    if "status" in values:
        if values["status"] is None:
            raise Invalid("status", "a customer always has one", "Write another status instead of null")
        status = CustomerStatus(values["status"])
        reason = values.get("statusReason")
        if status == CustomerStatus.CLOSED:
            close_customer(work, customer_id, reason=reason, if_revision=if_revision)
        else:
            set_customer_status(work, customer_id, status=status, reason=reason, if_revision=if_revision)
        if_revision = None  # the next change is of the revision that this one made
    elif "statusReason" in values:
        columns["status_reason"] = values["statusReason"]
    if columns:
        change_customer(work, customer_id, if_revision=if_revision, **columns)


def _remove(work: Work, customer_id: str, if_revision: int | None) -> None:
    remove_customer(work, customer_id, if_revision=if_revision)


def _fill(work: Work, rows: Sequence[Row], documents: Sequence[Document]) -> None:
    by_id = {document["id"]: document for document in documents}
    roles = roles_in_force(work, list(by_id))
    parties = parties_by_id(work, [row["party_id"] for row in rows] + [role.party_id for role in roles])
    for row in rows:
        document = by_id[row["id"]]
        document["engagedParty"] = party_reference(parties[row["party_id"]], None)
        document["validFor"] = period_document(row["from_ns"], row["to_ns"])
        if row["characteristics"]:
            document["characteristic"] = characteristic_documents(row["characteristics"])
    for role in roles:
        related = party_reference(parties[role.party_id], role.role)
        by_id[_customer_of(role.customer_id)].setdefault("relatedParty", []).append(related)
    for account in billing_accounts_of(work, list(by_id)):
        by_id[account.customer_id].setdefault("account", []).append(_account_reference(account.id, account.name))


def _customer_of(customer_id: str | None) -> str:
    assert customer_id is not None, "roles were asked for by customer"
    return customer_id


def _account_reference(account_id: str, name: str) -> Document:
    said: Mapping[str, str] = {
        "id": account_id,
        "href": href_of(BILLING_ACCOUNTS_AT, account_id),
        "name": name,
        "@referredType": "BillingAccount",
    }
    return ACCOUNT.write(said)


CUSTOMERS: Final = Resource(
    name="customer",
    type_name="Customer",
    meaning="A party that buys",
    fields=(
        *identity("Customer"),
        Field("name", Text(200, length_min=1), required=True, is_filter=True),
        Field(
            "engagedParty",
            ENGAGED_PARTY,
            required=True,
            writable=Writable.ONCE,
            meaning="who buys; of its members id and @referredType are said",
        ),
        Field(
            "status",
            OneOf(tuple(CUSTOMER_NEXT)),
            is_filter=True,
            meaning="active unless another is said; closed, with its accounts, once no product and no order is open",
        ),
        Field("statusReason", Text(400), meaning="why it has this status"),
        Field("validFor", PERIOD, meaning="since when the party buys, and until when it did"),
        Field("characteristic", Many(CHARACTERISTIC, CHARACTERISTICS_MAX)),
        Field("account", Many(ACCOUNT), writable=Writable.NEVER, meaning="billing accounts (TMF666)"),
        Field("relatedParty", Many(ENGAGED_PARTY), writable=Writable.NEVER, meaning="who is what to the customer now"),
    ),
    not_served=(
        NotServed("agreement", "agreements are not kept; what was ordered is in orders and products"),
        NotServed("contactMedium", "the party is reached by what TMF632 says of it"),
        NotServed("creditProfile", "a billing account has a credit limit (TMF666)"),
        NotServed("paymentMethod", "payment methods come with payments"),
        *OF_SUBTYPES,
    ),
    filters=(Filter("engagedParty.id", Text(64), CUSTOMER.c.party_id),),
    domain=Domain(
        TableRows(CUSTOMER),
        "customer:read",
        "customer:write",
        fill=_fill,
        create=_create,
        change=_change,
        remove=_remove,
    ),
    next_states={str(state): tuple(map(str, following)) for state, following in CUSTOMER_NEXT.items()},
    events=tuple(
        EventRow(name, name)
        for name in (
            "CustomerCreateEvent",
            "CustomerAttributeValueChangeEvent",
            "CustomerStateChangeEvent",
            "CustomerDeleteEvent",
        )
    ),
)
CUSTOMER_API: Final = Api("TMF629", "customerManagement", "Customer Management", "4.0.0", (CUSTOMERS,))
