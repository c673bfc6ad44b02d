"""TMF622 Product Ordering: orders of bss/orders, placed by bss/orchestration and done by its workers. An order goes on by
itself; a client may cancel it, by its state or by a task (`cancelProductOrder`), which is the same.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from bss.api.customer import BILLING_ACCOUNTS_AT, CUSTOMER_API
from bss.api.filters import Filter
from bss.api.kinds import Instant, OneOf, Text
from bss.api.limits import ID_LENGTH_MAX
from bss.api.order_items import ITEM, item_document, item_of
from bss.api.product_inventory import BILLING_ACCOUNT_REF
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
from bss.api.structures import href_of, reference_to, related_party
from bss.errors import BusinessError, Invalid
from bss.orchestration.order_placing import place_order
from bss.orders.operations import ITEMS_MAX, cancel
from bss.orders.queries import items_of_orders
from bss.orders.states import ENDED, ORDER_NEXT, OrderState
from bss.orders.tables import ORDER_ITEM, PRODUCT_ORDER
from bss.work import Work

_PATH: Final = "/tmf-api/productOrderingManagement/v4"
_CUSTOMER: Final = related_party("Customer", roles=("customer",))
_REFERRED: Final = NotServed("@referredType", "it is the type of the member")
CHANNEL: Final = reference_to(
    "RelatedChannel", not_served=(NotServed("role", "an order comes through one channel"), _REFERRED)
)
ORDER_REF: Final = reference_to("ProductOrderRef", not_served=(_REFERRED,))
STATES: Final = (
    "acknowledged",
    "rejected",
    "pending",
    "held",
    "inProgress",
    "cancelled",
    "completed",
    "failed",
    "partial",
    "assessingCancellation",
    "pendingCancellation",
)
_CANCELLING: Final = (OrderState.CANCELLED, OrderState.PENDING_CANCELLATION)
_TASK_STATES: Final = ("acknowledged", "terminatedWithError", "inProgress", "done")
_MEMBERS: Final = (
    ("billing_account_id", "billingAccount.id"),
    ("customer_id", "relatedParty[0].id"),
    ("requested_start_ns", "requestedStartDate"),
    ("items", "productOrderItem"),
    ("offering_id", "productOffering.id"),
    ("product_id", "product.id"),
    ("characteristics", "product.productCharacteristic"),
    ("resources", "product.realizingResource"),
    ("].reservation", "].product.realizingResource"),
)
"""What orders name in their errors, and the member of the body that it is."""


def _create(work: Work, values: Values) -> str:
    for member in ("state", "cancellationReason"):
        if member in values:
            raise Invalid(
                member, "is said as an order is cancelled", "Leave it out, and change the order once it is there"
            )
    if len(values["relatedParty"]) != 1:
        raise Invalid("relatedParty", "an order is of one customer", "Name the customer, and nobody else")
    items = [item_of(one, place) for place, one in enumerate(values["productOrderItem"])]
    account, channels = values.get("billingAccount"), values.get("channel") or ()
    try:
        order = place_order(
            work,
            customer_id=values["relatedParty"][0]["id"],
            items=items,
            billing_account_id=account["id"] if account else None,
            external_id=values.get("externalId", ""),
            description=values.get("description", ""),
            requested_start_ns=values.get("requestedStartDate"),
            channel=channels[0]["id"] if channels else "",
        )
    except BusinessError as error:
        raise type(error)(_member(error.field), error.reason, error.remedy) from None
    return order.id


def _member(field: str) -> str:
    for inside, outside in _MEMBERS:
        field = field.replace(inside, outside)
    return field


def _change(work: Work, order_id: str, if_revision: int | None, values: Values) -> None:
    if values.get("state") not in _CANCELLING:
        member = "state" if "state" in values else "cancellationReason"
        raise Invalid(
            member, "an order can only be cancelled", "Write cancelled as its state, with the reason or without"
        )
    cancel(work, order_id=order_id, reason=values.get("cancellationReason") or "", if_revision=if_revision)


def _fill(work: Work, rows: Sequence[Row], documents: Sequence[Document]) -> None:
    by_id = {document["id"]: document for document in documents}
    for row in rows:
        by_id[row["id"]] |= _of_row(row)
    for item, state in items_of_orders(work, rows):
        by_id[item.order_id].setdefault("productOrderItem", []).append(item_document(item, state))


def _of_row(row: Row) -> Document:
    """What an order says of itself beside plain columns: what is empty isn't there."""
    customer = {"id": row["customer_id"], "role": "customer", "@referredType": "Customer"}
    customer["href"] = href_of(f"{CUSTOMER_API.path}/customer", row["customer_id"])
    found: Document = {"relatedParty": [_CUSTOMER.write(customer)]}
    for member, column in _TEXTS.items():
        if row[column]:
            found[member] = row[column]
    if row["billing_account_id"]:
        account = row["billing_account_id"]
        found["billingAccount"] = BILLING_ACCOUNT_REF.write(
            {"id": account, "href": href_of(BILLING_ACCOUNTS_AT, account)}
        )
    if row["channel"]:
        found["channel"] = [CHANNEL.write({"id": row["channel"]})]
    if row["completed_ns"]:
        ended = "cancellationDate" if row["is_cancelling"] else "completionDate"
        found[ended] = Instant().write(row["completed_ns"])
    return found


_TEXTS: Final = {
    "externalId": "external_id",
    "description": "description",
    "cancellationReason": "cancellation_reason",
}


def _create_cancellation(work: Work, values: Values) -> str:
    order_id: str = values["productOrder"]["id"]
    try:
        return cancel(work, order_id=order_id, reason=values.get("cancellationReason", "")).id
    except BusinessError as error:
        raise type(error)(error.field.replace("order_id", "productOrder.id"), error.reason, error.remedy) from None


def _fill_cancellations(work: Work, rows: Sequence[Row], documents: Sequence[Document]) -> None:
    by_id = {document["id"]: document for document in documents}
    for row in rows:
        found = by_id[row["id"]]
        found["productOrder"] = ORDER_REF.write({"id": row["id"], "href": href_of(f"{_PATH}/productOrder", row["id"])})
        found["state"] = "done" if row["state"] in ENDED else "inProgress"
        if row["cancellation_reason"]:
            found["cancellationReason"] = row["cancellation_reason"]


def _next_states() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for (state, _), after in ORDER_NEXT.items():
        found[state] = tuple(dict.fromkeys((*found.get(state, ()), after)))
    return found | dict.fromkeys(ENDED, ())


_NO_TASKS: Final = "there are no appointments, quotes and qualifications before an order"
PRODUCT_ORDERS: Final = Resource(
    name="productOrder",
    type_name="ProductOrder",
    meaning="Products that a customer gets, changes or gives back",
    fields=(
        *identity("ProductOrder"),
        Field("externalId", Text(200), column="", writable=Writable.ONCE, meaning="the client's own number of it"),
        Field("description", Text(2000), column="", writable=Writable.ONCE),
        Field(
            "state",
            OneOf(STATES),
            is_filter=True,
            meaning="a client may write cancelled, before the point of no return; all others come by themselves",
        ),
        Field("cancellationReason", Text(500), column="", meaning="said with the state cancelled"),
        Field("cancellationDate", Instant(), column="", writable=Writable.NEVER, meaning="when all was undone"),
        Field("completionDate", Instant(), column="", writable=Writable.NEVER),
        Field("orderDate", Instant(), column="created_ns", writable=Writable.NEVER),
        Field(
            "requestedStartDate",
            Instant(),
            column="requested_start_ns",
            writable=Writable.ONCE,
            meaning="the order is pending until then; now unless said",
        ),
        Field("billingAccount", BILLING_ACCOUNT_REF, writable=Writable.ONCE, meaning="who pays; of the customer"),
        Field(
            "channel",
            Many(CHANNEL, 1),
            writable=Writable.ONCE,
            meaning="where it comes from; conditions of offerings may ask for it",
        ),
        Field(
            "relatedParty",
            Many(_CUSTOMER, 1),
            required=True,
            writable=Writable.ONCE,
            meaning="the customer; of its members id and @referredType are said",
        ),
        Field("productOrderItem", Many(ITEM, ITEMS_MAX), required=True, writable=Writable.ONCE),
    ),
    required_by_us=frozenset({"relatedParty"}),
    not_served=(
        NotServed("agreement", "agreements are not kept"),
        NotServed("category", "orders have no kinds beside their items' actions"),
        NotServed("expectedCompletionDate", "an order is done at once, or waits for a person"),
        NotServed("note", "notes of a person are on the steps: farebox order show"),
        NotServed("notificationContact", "whoever listens registers at /hub"),
        NotServed("orderTotalPrice", "what was agreed is in the product (TMF637)"),
        NotServed("payment", "payments come with billing"),
        NotServed("priority", "orders are done as they come"),
        NotServed("productOfferingQualification", _NO_TASKS),
        NotServed("quote", _NO_TASKS),
        NotServed("requestedCompletionDate", "say requestedStartDate: an order is done at once then"),
        *OF_SUBTYPES,
    ),
    filters=(
        Filter("externalId", Text(200), PRODUCT_ORDER.c.external_id),
        Filter("relatedParty.id", Text(ID_LENGTH_MAX), PRODUCT_ORDER.c.customer_id),
        # not by an item's id, which is its number: every order has an item 1
        Filter("productOrderItem.product.id", Text(ID_LENGTH_MAX), ORDER_ITEM.c.product_id, ORDER_ITEM.c.order_id),
    ),
    domain=Domain(TableRows(PRODUCT_ORDER), "order:read", "order:write", fill=_fill, create=_create, change=_change),
    next_states=_next_states(),
    events=tuple(EventRow(name, name) for name in ("ProductOrderCreateEvent", "ProductOrderStateChangeEvent")),
    methods_not_served={"DELETE": "an order is cancelled, and stays to be read"},
)
CANCELLATIONS: Final = Resource(
    name="cancelProductOrder",
    type_name="CancelProductOrder",
    meaning="That an order is to be undone; its id is the order's",
    fields=(
        *identity("CancelProductOrder"),
        Field("productOrder", ORDER_REF, required=True, writable=Writable.ONCE),
        Field("cancellationReason", Text(500), column="", writable=Writable.ONCE),
        Field("effectiveCancellationDate", Instant(), column="completed_ns", writable=Writable.NEVER),
        Field(
            "state",
            OneOf(_TASK_STATES),
            column="",
            writable=Writable.NEVER,
            meaning="done: nothing is left of it but items that were past the point of no return",
        ),
    ),
    not_served=(
        NotServed("requestedCancellationDate", "an order is cancelled at once"),
        *OF_SUBTYPES,
    ),
    filters=(Filter("productOrder.id", Text(ID_LENGTH_MAX), PRODUCT_ORDER.c.id),),
    domain=Domain(
        TableRows(PRODUCT_ORDER, {"is_cancelling": True}),
        "order:read",
        "order:write",
        fill=_fill_cancellations,
        create=_create_cancellation,
    ),
)
PRODUCT_ORDERING_API: Final = Api(
    "TMF622", "productOrderingManagement", "Product Ordering", "4.0.0", (PRODUCT_ORDERS, CANCELLATIONS)
)
