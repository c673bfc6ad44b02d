"""Balances of TMF654, which nobody keeps but the engine: buckets of accounts, and what those of one unit have together. They
are read of it at each request. What is owed on a bill is no prepaid balance, and isn't among them.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import sqlalchemy as sa

from balances.commands import AccountStatus
from balances.queries import AccountView, BucketView
from bss.api.customer import BILLING_ACCOUNTS_AT, CUSTOMER_API
from bss.api.filters import Filter
from bss.api.kinds import MICROS_PER_UNIT, OneOf, Text
from bss.api.limits import ID_LENGTH_MAX
from bss.api.quantities import QUANTITY, Number, quantity
from bss.api.resource import (
    OF_SUBTYPES,
    OF_SUBTYPES_WITHIN,
    Document,
    Domain,
    Field,
    Many,
    NotServed,
    Resource,
    identity,
)
from bss.api.rows import EngineRows, Row
from bss.api.structures import PERIOD, href_of, period_document, reference_to, related_party
from bss.inventory.queries import products_of_accounts
from bss.inventory.tables import PRODUCT
from bss.work import Work
from catalog_loader.amounts import money_text, units_text
from vocabulary.currencies import currency_text
from vocabulary.instants import FOREVER_NS
from vocabulary.units import MONEY_UNITS, UNIT_NAMES, Unit

PATH: Final = "/tmf-api/prepayBalanceManagement/v4"
BUCKETS_AT: Final = f"{PATH}/bucket"
MONETARY: Final = "monetary"
USAGE_TYPES: Final = (MONETARY, "voice", "data", "sms", "other")
_PRODUCTS_AT: Final = "/tmf-api/productInventory/v4/product"
_USAGE_OF: Final = {Unit.MONEY: MONETARY, Unit.OCTETS: "data", Unit.SECONDS: "voice", Unit.EVENTS: "other"}
"""By unit; what isn't here is no prepaid balance."""
_ACCOUNT_MAX: Final = 2**63 - 1
_AMOUNT_MICROS_MAX: Final = 2**63 * MICROS_PER_UNIT
"""Of any unit: octets and seconds are whole numbers of 64 bits."""
BUCKET_MAX: Final = 2**31 - 1
_ID: Final = re.compile(r"([1-9][0-9]{0,18})-([a-z0-9]{1,10})", re.ASCII)
_PERIOD: Final = replace(PERIOD, not_served=OF_SUBTYPES_WITHIN)
_REFERRED: Final = NotServed("@referredType", "it is the type of the member")
CUSTOMER_REF: Final = related_party("Customer")
BUCKET_REF: Final = reference_to("BucketRef", not_served=(_REFERRED,))
PRODUCT_REF: Final = reference_to("ProductRef", not_served=(_REFERRED,))
PARTY_ACCOUNT_REF: Final = reference_to(
    "PartyAccountRef",
    not_served=(
        NotServed("description", "the account itself has it"),
        NotServed("status", "the account itself has it"),
        _REFERRED,
    ),
)


def account_of(row_id: str) -> int | None:
    """Number of the account that a row's id names; None where it names none."""
    match = _ID.fullmatch(row_id)
    return int(match[1]) if match is not None and int(match[1]) <= _ACCOUNT_MAX else None


def bucket_of(row_id: str) -> tuple[int, int] | None:
    """(account, bucket within it) that an id names; None where it is no bucket's."""
    match = _ID.fullmatch(row_id)
    if match is None or not match[2].isdigit() or not 0 < int(match[2]) <= BUCKET_MAX or account_of(row_id) is None:
        return None
    return int(match[1]), int(match[2])


def owners(work: Work, accounts: Sequence[int]) -> Mapping[int, Document]:
    """Members that say whose accounts of the engine are: product, partyAccount and relatedParty."""
    found: dict[int, Document] = {}
    for product in products_of_accounts(work, accounts):
        assert product.engine_account_id is not None, "it was asked for by that"
        own = found.setdefault(product.engine_account_id, {"product": []})
        at = href_of(_PRODUCTS_AT, product.id)
        own["product"].append(PRODUCT_REF.write({"id": product.id, "href": at, "name": product.name}))
        own["relatedParty"] = [customer_reference(product.customer_id)]
        if product.billing_account_id:
            payer = {"id": product.billing_account_id}
            payer["href"] = href_of(BILLING_ACCOUNTS_AT, product.billing_account_id)
            own["partyAccount"] = PARTY_ACCOUNT_REF.write(payer)
    return found


def customer_reference(customer_id: str) -> Document:
    """The customer as a RelatedParty."""
    href = href_of(f"{CUSTOMER_API.path}/customer", customer_id)
    return CUSTOMER_REF.write({"id": customer_id, "href": href, "role": "customer", "@referredType": "Customer"})


# --- rows ------------------------------------------------------------------------------------------------------------


def _prepaid(view: AccountView) -> list[BucketView]:
    """Buckets that are shown; those of a closed account are over."""
    if view.status == AccountStatus.CLOSED:
        return []
    return [one for one in view.buckets if one.unit in _USAGE_OF]


def _bucket_rows(view: AccountView, now_ns: int) -> Iterator[Row]:
    currency = currency_text(view.currency)
    for one in _prepaid(view):
        is_money = one.unit in MONEY_UNITS
        yield {
            "id": f"{view.account_id}-{one.bucket_id}",
            "revision": view.revision,
            "engine_account_id": view.account_id,
            "name": one.name or None,
            "usage_type": _USAGE_OF[one.unit],
            "status": _status_of(view, one, now_ns),
            "remaining_text": money_text(one.remaining, currency) if is_money else units_text(one.unit, one.remaining),
            "unit": one.unit,
            "currency": currency,
            "remaining": one.remaining,
            "reserved": one.reserved,
            "from_ns": one.from_ns,
            "to_ns": one.to_ns,
        }


def _status_of(view: AccountView, bucket: BucketView, now_ns: int) -> str:
    if bucket.to_ns <= now_ns:
        return "expired"
    return "active" if view.status == AccountStatus.ACTIVE else "suspended"


def _total_rows(view: AccountView, now_ns: int) -> Iterator[Row]:
    """Of each unit that the account has: what its valid buckets have together."""
    valid = [one for one in _prepaid(view) if one.from_ns <= now_ns < one.to_ns]
    for unit in sorted({one.unit for one in valid}):
        own = [one for one in valid if one.unit == unit]
        name = UNIT_NAMES[unit] if unit != Unit.MONEY else "money"
        remaining, currency = sum(one.remaining for one in own), currency_text(view.currency)
        is_money = unit in MONEY_UNITS
        yield {
            "id": f"{view.account_id}-{name}",
            "revision": view.revision,
            "engine_account_id": view.account_id,
            "name": name,
            "unit": unit,
            "currency": currency,
            "remaining": remaining,
            "amount_micros": remaining if is_money else remaining * MICROS_PER_UNIT,
            "units": currency if is_money else UNIT_NAMES[unit],
            "bucket_ids": tuple(f"{view.account_id}-{one.bucket_id}" for one in own),
            "bucket_names": tuple(one.name for one in own),
        }


def _fill_buckets(work: Work, rows: Sequence[Row], documents: Sequence[Document]) -> None:
    _fill_owners(work, rows, documents)
    for row, found in zip(rows, documents, strict=True):
        found["remainingValue"] = quantity(row["unit"], row["remaining"], row["currency"])
        found["reservedValue"] = quantity(row["unit"], row["reserved"], row["currency"])
        from_ns = row["from_ns"] if row["from_ns"] > 0 else None
        found["validFor"] = period_document(from_ns, row["to_ns"] if row["to_ns"] < FOREVER_NS else None)


def _fill_totals(work: Work, rows: Sequence[Row], documents: Sequence[Document]) -> None:
    _fill_owners(work, rows, documents)
    for row, found in zip(rows, documents, strict=True):
        found["totalBalance"] = quantity(row["unit"], row["remaining"], row["currency"])
        found["bucket"] = list(map(bucket_reference, row["bucket_ids"], row["bucket_names"]))


def _fill_owners(work: Work, rows: Sequence[Row], documents: Sequence[Document]) -> None:
    found = owners(work, sorted({row["engine_account_id"] for row in rows}))
    for row, document in zip(rows, documents, strict=True):
        document |= found.get(row["engine_account_id"], {})


def bucket_reference(bucket_id: str, name: str) -> Document:
    """A BucketRef in an answer."""
    return BUCKET_REF.write({"id": bucket_id, "href": href_of(BUCKETS_AT, bucket_id), "name": name or None})


# --- tables ----------------------------------------------------------------------------------------------------------

_ACCOUNT: Final = PRODUCT.c.engine_account_id
_FILTERS: Final = tuple(
    Filter(path, Text(ID_LENGTH_MAX), column, owner=_ACCOUNT)
    for path, column in (
        ("product.id", PRODUCT.c.id),
        ("relatedParty.id", PRODUCT.c.customer_id),
        ("partyAccount.id", PRODUCT.c.billing_account_id),
    )
)
_WHOSE: Final = (
    Field("product", Many(PRODUCT_REF), meaning="whose account it is of"),
    Field("partyAccount", PARTY_ACCOUNT_REF, meaning="the billing account that pays for the product"),
    Field("relatedParty", Many(CUSTOMER_REF), meaning="the customer"),
)
_NUMBERS: Final = NotServed("logicalResource", "the product has its number and SIM (TMF637)")
_BY_OTHERS: Final = "buckets come with products, by orders (TMF622), and money by topupBalance"
_READ_ONLY: Final = {"POST": _BY_OTHERS, "PATCH": _BY_OTHERS, "DELETE": _BY_OTHERS}


def _domain(columns: frozenset[str], of_account: Any, fill: Any, *by_ids: str) -> Domain:
    rows = EngineRows(_ACCOUNT, columns, account_of, of_account, frozenset({"id", *by_ids}))
    return Domain(rows, "balance:read", "balance:write", fill=fill)


BUCKETS: Final = Resource(
    name="bucket",
    type_name="Bucket",
    meaning="Money or an allowance of an account, as the engine has it at this moment",
    fields=(
        *identity("Bucket"),
        Field("name", Text(), is_filter=True, meaning="money, or the allowance's id in the catalogue"),
        Field("usageType", OneOf(USAGE_TYPES), is_filter=True, meaning="messages and other events are `other`"),
        Field(
            "status",
            OneOf(("active", "suspended", "expired")),
            is_filter=True,
            meaning="suspended while the account is barred",
        ),
        Field("remainingValue", QUANTITY, meaning="what isn't used, nor reserved by a session"),
        Field("remainingValueName", Text(64), column="remaining_text"),
        Field("reservedValue", QUANTITY, meaning="what open sessions hold"),
        Field("validFor", _PERIOD),
        *_WHOSE,
    ),
    not_served=(
        NotServed("confirmationDate", "a bucket is no request; orders and top-ups have their dates"),
        NotServed("requestedDate", "a bucket is no request; orders and top-ups have their dates"),
        NotServed("description", "its name says what it is"),
        NotServed("isShared", "each bucket is of one account"),
        _NUMBERS,
        *OF_SUBTYPES,
    ),
    filters=_FILTERS,
    domain=_domain(frozenset({"id", "name", "usage_type", "status", "remaining_text"}), _bucket_rows, _fill_buckets),
    methods_not_served=_READ_ONLY,
)
ACCUMULATED_BALANCES: Final = Resource(
    name="accumulatedBalance",
    type_name="AccumulatedBalance",
    meaning="What the valid buckets of one unit have together, of an account",
    fields=(
        *identity("AccumulatedBalance"),
        Field("name", Text(), required=True, is_filter=True, meaning="money, octets, seconds or events"),
        Field("totalBalance", QUANTITY, required=True, meaning="what isn't used, nor reserved by a session"),
        Field("bucket", Many(BUCKET_REF), required=True),
        *_WHOSE,
    ),
    not_served=(NotServed("description", "its name says what it is"), _NUMBERS, *OF_SUBTYPES),
    filters=(
        Filter("totalBalance.amount", Number(_AMOUNT_MICROS_MAX), sa.column("amount_micros")),
        Filter("totalBalance.units", Text(16), sa.column("units")),
        Filter("bucket.id", Text(ID_LENGTH_MAX), sa.column("bucket_ids")),
        *_FILTERS,
    ),
    domain=_domain(frozenset({"id", "name"}), _total_rows, _fill_totals, "bucket.id"),
    methods_not_served=_READ_ONLY,
)
