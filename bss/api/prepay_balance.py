"""TMF654 Prepay Balance Management: top-ups and adjustments of an account's money, over bss/prepay and the engine.

An action is written down first and then sent to the engine, under its id. Where the engine is away the answer says `created`; a
worker sends it until the engine has decided it.
"""

from collections.abc import Sequence
from typing import Any, Final

from bss.access import Caller
from bss.api.filters import Filter
from bss.api.kinds import Amount, Instant, Money, OneOf, Text
from bss.api.limits import ID_LENGTH_MAX
from bss.api.live_balances import (
    ACCUMULATED_BALANCES,
    BUCKET_REF,
    BUCKETS,
    CUSTOMER_REF,
    MONETARY,
    PARTY_ACCOUNT_REF,
    PATH,
    PRODUCT_REF,
    USAGE_TYPES,
    bucket_of,
    bucket_reference,
    customer_reference,
    owners,
)
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
from bss.api.structures import reference_to
from bss.crm.queries import billing_account
from bss.engine_port import EnginePort
from bss.errors import Conflict, Invalid
from bss.inventory.queries import product as read_product
from bss.inventory.tables import PRODUCT
from bss.orchestration.balance_flow import send_action
from bss.orchestration.order_checks import named_by
from bss.prepay.operations import REASON_CHARACTERS_MAX, request_action
from bss.prepay.queries import action as read_action
from bss.prepay.records import ActionKind, ActionState
from bss.prepay.tables import ACTION_BUCKET, BALANCE_ACTION, MONEY_BUCKET
from bss.work import Transactions, Work

DEFAULT_CHANNEL: Final = "api"
_QUANTITY: Final = Amount(unit="units", value="amount")
CHANNEL_REF: Final = reference_to(
    "ChannelRef", not_served=(NotServed("@referredType", "it is the type of the member"),)
)
_STATUSES: Final = {
    "created": ActionState.PENDING,
    "failed": ActionState.REFUSED,
    "completed": ActionState.DONE,
}


def _created(kind: ActionKind, work: Work, values: Values) -> str:
    if values["usageType"] != MONETARY:
        raise Invalid("usageType", "allowances come with products", f"Write {MONETARY}")
    if len(values["product"]) != 1:
        raise Invalid("product", "an account is of one product", "Name one")
    with named_by("product[0].id"):
        has = read_product(work, values["product"][0]["id"])
    if has.engine_account_id is None or has.billing_account_id is None:
        raise Conflict("product", f"product {has.id} has no account to charge and a payer of it", "Name another")
    bucket_id = _bucket_id(values["bucket"]["id"], has.engine_account_id)
    if "partyAccount" in values and values["partyAccount"]["id"] != has.billing_account_id:
        raise Invalid("partyAccount.id", "another account pays for the product", f"Write {has.billing_account_id}")
    amount: Money = values["amount"]
    currency = billing_account(work, has.billing_account_id).currency
    if amount.currency != currency:
        raise Invalid("amount.units", f"the account is in {currency}", f"Write {currency}")
    channel = values.get("channel")
    return request_action(
        work,
        kind=kind,
        engine_account_id=has.engine_account_id,
        amount_micros=amount.micros,
        currency=currency,
        reason=values.get("reason", ""),
        channel=channel["id"] if channel else DEFAULT_CHANNEL,
        customer_id=has.customer_id,
        bucket_id=bucket_id,
    ).id


def _bucket_id(said: str, account_id: int) -> int | None:
    """The account's bucket that a client names; None for its money. Invalid: it is no bucket of the account."""
    if said == MONEY_BUCKET:
        return None
    named = bucket_of(said)
    if named is None or named[0] != account_id:
        remedy = f"Write {MONEY_BUCKET}, or the id of a bucket of it"
        raise Invalid("bucket.id", "the product's account has no such bucket", remedy)
    return named[1]


def _create_top_up(work: Work, values: Values) -> str:
    return _created(ActionKind.TOP_UP, work, values)


def _create_adjustment(work: Work, values: Values) -> str:
    return _created(ActionKind.ADJUST, work, values)


def _send(database: Transactions, engine: EnginePort, caller: Caller, action_id: str) -> None:
    """Have the engine decide it now; one that is decided already, as at a repeat of the request, is left."""
    action = database.read(caller, lambda work: read_action(work, action_id))
    if action.state == ActionState.PENDING:
        send_action(database, engine, caller, action)


def _fill(work: Work, rows: Sequence[Row], documents: Sequence[Document]) -> None:
    owner_of = owners(work, sorted({row["engine_account_id"] for row in rows}))
    for row, found in zip(rows, documents, strict=True):
        found |= owner_of.get(row["engine_account_id"], {})
        found["amount"] = _QUANTITY.write(Money(row["amount_micros"], row["currency"]))
        found["usageType"] = MONETARY
        found["bucket"] = _bucket_reference(row)
        found["channel"] = CHANNEL_REF.write({"id": row["channel"]})
        if row["state"] != ActionState.PENDING:
            found["confirmationDate"] = Instant().write(row["updated_ns"])
        if row["reason"]:
            found["reason"] = row["reason"]
        if row["customer_id"]:
            found["relatedParty"] = [customer_reference(row["customer_id"])]


def _bucket_reference(row: Row) -> Document:
    if row["bucket_id"] is None:
        return BUCKET_REF.write({"id": MONEY_BUCKET})
    return bucket_reference(f"{row['engine_account_id']}-{row['bucket_id']}", MONEY_BUCKET)


def _fields(type_name: str, party_account: Field) -> tuple[Field, ...]:
    """What top-ups and adjustments have both."""
    once = Writable.ONCE
    return (
        *identity(type_name),
        Field("amount", _QUANTITY, required=True, writable=once, meaning="its units are the account's currency"),
        Field(
            "usageType",
            OneOf(USAGE_TYPES),
            column="",
            required=True,
            writable=once,
            meaning=f"{MONETARY}: allowances come with products",
        ),
        Field(
            "bucket",
            BUCKET_REF,
            required=True,
            writable=once,
            meaning=f"{MONEY_BUCKET}, or an id of a bucket of it",
        ),
        Field("product", Many(PRODUCT_REF, 1), required=True, writable=once, meaning="whose account it is"),
        party_account,
        Field("channel", CHANNEL_REF, writable=once, meaning=f"where it comes from; {DEFAULT_CHANNEL} unless said"),
        Field("relatedParty", Many(CUSTOMER_REF, 1), writable=Writable.NEVER, meaning="the customer"),
        Field(
            "status",
            OneOf(("created", "failed", "cancelled", "completed"), inside=_STATUSES),
            column="state",
            required=True,
            writable=Writable.NEVER,
            is_filter=True,
            meaning="created: the engine hasn't decided it yet, and is asked until it has",
        ),
        Field(
            "description",
            Text(400),
            column="outcome",
            writable=Writable.NEVER,
            meaning="why it failed",
        ),
        Field("requestedDate", Instant(), column="created_ns", writable=Writable.NEVER),
        Field("confirmationDate", Instant(), column="", writable=Writable.NEVER, meaning="when the engine decided it"),
    )


_ONCE: Final = "it is done once: order a plan that renews instead"
_NOT_SERVED: Final = (
    NotServed("logicalResource", "the product says whose it is"),
    NotServed("requestor", "the client is kept with it (audit trail)"),
    NotServed("validFor", "money ends with its account"),
    *OF_SUBTYPES,
)
_STAYS: Final = "what was done to money stays: adjust it by another one"


def _filters(kind: ActionKind) -> tuple[Filter, ...]:
    """Of the actions of a kind; those for the product and the payer are as the answers have them, out of the inventory."""
    actions, account = BALANCE_ACTION.c, PRODUCT.c.engine_account_id
    return (
        Filter("amount.amount", Number(), actions.amount_micros),
        Filter("amount.units", Text(3), actions.currency),
        # all are of money: that finds each of the kind, and the other words name no kind
        Filter("usageType", OneOf(USAGE_TYPES, inside={MONETARY: str(kind)}), actions.kind),
        Filter("bucket.id", Text(ID_LENGTH_MAX), ACTION_BUCKET),
        Filter("product.id", Text(ID_LENGTH_MAX), PRODUCT.c.id, account, named=actions.engine_account_id),
        Filter(
            "partyAccount.id",
            Text(ID_LENGTH_MAX),
            PRODUCT.c.billing_account_id,
            account,
            named=actions.engine_account_id,
        ),
        Filter("relatedParty.id", Text(ID_LENGTH_MAX), actions.customer_id),
        Filter("reason", Text(REASON_CHARACTERS_MAX), actions.reason),
    )


def _domain(kind: ActionKind, create: Any) -> Domain:
    return Domain(
        TableRows(BALANCE_ACTION, {"kind": str(kind)}),
        "balance:read",
        "balance:write",
        fill=_fill,
        create=create,
        send=_send,
    )


TOP_UPS: Final = Resource(
    name="topupBalance",
    type_name="TopupBalance",
    meaning="Money that was paid in to an account",
    fields=(
        *_fields(
            "TopupBalance",
            Field(
                "partyAccount",
                PARTY_ACCOUNT_REF,
                required=True,
                writable=Writable.ONCE,
                meaning="the billing account that pays for the product",
            ),
        ),
        Field("reason", Text(REASON_CHARACTERS_MAX), column="", writable=Writable.ONCE),
    ),
    required_by_us=frozenset({"product"}),
    not_served=(
        NotServed("balanceTopup", _ONCE),
        NotServed("isAutoTopup", _ONCE),
        NotServed("numberOfPeriods", _ONCE),
        NotServed("recurringPeriod", _ONCE),
        NotServed("paymentMethod", "payment methods come with payments"),
        NotServed("voucher", "vouchers are not kept"),
        *_NOT_SERVED,
    ),
    filters=_filters(ActionKind.TOP_UP),
    domain=_domain(ActionKind.TOP_UP, _create_top_up),
    events=tuple(EventRow(name, name) for name in ("TopupBalanceCreateEvent", "TopupBalanceFailureEvent")),
    methods_not_served={"PATCH": _STAYS, "DELETE": _STAYS},
)
ADJUSTMENTS: Final = Resource(
    name="adjustBalance",
    type_name="AdjustBalance",
    meaning="A correction of an account's money, in either direction",
    fields=(
        *_fields(
            "AdjustBalance",
            Field(
                "partyAccount",
                PARTY_ACCOUNT_REF,
                writable=Writable.NEVER,
                meaning="the billing account that pays for the product",
            ),
        ),
        Field(
            "reason",
            Text(REASON_CHARACTERS_MAX, length_min=1),
            column="",
            required=True,
            writable=Writable.ONCE,
            meaning="why; it is kept in the journal",
        ),
    ),
    required_by_us=frozenset({"product", "reason"}),
    not_served=(NotServed("adjustType", "an adjustment is done once"), *_NOT_SERVED),
    filters=_filters(ActionKind.ADJUST),
    domain=_domain(ActionKind.ADJUST, _create_adjustment),
    events=tuple(EventRow(name, name) for name in ("AdjustBalanceCreateEvent", "AdjustBalanceFailureEvent")),
    methods_not_served={"PATCH": _STAYS, "DELETE": _STAYS},
)
PREPAY_BALANCE_API: Final = Api(
    "TMF654",
    "prepayBalanceManagement",
    "Prepay Balance Management",
    "4.0.0",
    (BUCKETS, ACCUMULATED_BALANCES, TOP_UPS, ADJUSTMENTS),
    (
        NotServed("balanceActionHistory", "topupBalance and adjustBalance have their own lists"),
        NotServed("transferBalance", "money isn't passed between accounts"),
        NotServed("reserveBalance", "money is reserved by charging alone"),
    ),
)
assert PREPAY_BALANCE_API.path == PATH
