"""Items of product orders (TMF622): what a client asks for as bss/orchestration takes it, and items as they are answered.

`modify` of TM Forum's is suspending or resuming, by the status that the product is to have. An order of a catalogue's migration
reads as a modify with the offering that the product gets.
"""

from collections.abc import Mapping
from typing import Any, Final

from bss.api.catalog_resources import PATH as CATALOG_PATH
from bss.api.kinds import OneOf, Text, Whole
from bss.api.limits import ID_LENGTH_MAX
from bss.api.product_inventory import OFFERING_REF
from bss.api.resource import (
    OF_SUBTYPES_WITHIN,
    Document,
    Field,
    Many,
    NotServed,
    Structure,
    Values,
    Writable,
)
from bss.api.structures import CHARACTERISTIC, HREF, characteristic_documents, characteristics_of, href_of
from bss.errors import Invalid
from bss.inventory.states import ProductStatus
from bss.orchestration.order_placing import AskedItem
from bss.orders.records import Action, OrderItem

_PRODUCTS_AT: Final = "/tmf-api/productInventory/v4/product"
_OF_THE_PRODUCT: Final = "the product has it (TMF637)"
_OF_THE_ORDER: Final = "the order has it"
ADD: Final = "add"
MODIFY: Final = "modify"
DELETE: Final = "delete"
RESERVATION: Final = "reservation"
"""Name of a resource that stands for those which are reserved for its id."""
_MODIFIED: Final[Mapping[str, str]] = {
    ProductStatus.SUSPENDED: Action.SUSPEND,
    ProductStatus.ACTIVE: Action.RESUME,
}
"""What a modify is, by the status that it asks for."""
_STATUS_OF: Final = {action: status for status, action in _MODIFIED.items()}

CHOSEN: Final = Structure(
    "ResourceRef",
    (
        Field(
            "id",
            Text(64, length_min=1),
            required=True,
            meaning="the number, the SIM's ICCID, or what a reservation of them is for",
        ),
        Field("name", OneOf(("msisdn", "sim", RESERVATION)), required=True),
    ),
    (
        NotServed("href", "numbers and SIMs are managed by farebox inventory"),
        NotServed("value", "the id is it"),
        NotServed("@referredType", "the name says it"),
        *OF_SUBTYPES_WITHIN,
    ),
)
PRODUCT: Final = Structure(
    "ProductRefOrValue",
    (
        Field("id", Text(ID_LENGTH_MAX, length_min=1), meaning="of an add it is there once it is made"),
        HREF,
        Field(
            "status",
            OneOf(tuple(map(str, ProductStatus))),
            meaning="of a modify: suspended, or active to resume it",
        ),
        Field("productCharacteristic", Many(CHARACTERISTIC, 100), meaning="what was chosen; texts in answers"),
        Field(
            "realizingResource",
            Many(CHOSEN, 3),
            meaning="that were chosen or reserved; others are taken from the pools",
        ),
    ),
    (
        *(
            NotServed(name, _OF_THE_PRODUCT)
            for name in (
                "description",
                "isBundle",
                "isCustomerVisible",
                "name",
                "orderDate",
                "productOrderItem",
                "productPrice",
                "productSerialNumber",
                "productSpecification",
                "realizingService",
                "startDate",
                "terminationDate",
            )
        ),
        NotServed("billingAccount", _OF_THE_ORDER),
        NotServed("relatedParty", _OF_THE_ORDER),
        NotServed("productOffering", "the item has it"),
        NotServed("agreement", "agreements are not kept"),
        NotServed("place", "products are nowhere in particular"),
        NotServed("product", "each product is an item of its own"),
        NotServed("productRelationship", "relations are the catalogue's"),
        NotServed("productTerm", "commitments come with billing"),
        NotServed("@referredType", "it is the type of the member"),
        *OF_SUBTYPES_WITHIN,
    ),
)
_NONE_BEFORE: Final = "there are no appointments, quotes and qualifications before an order"
ITEM: Final = Structure(
    "ProductOrderItem",
    (
        Field("id", Text(8, length_min=1), required=True, meaning="items are numbered: 1, 2, ..."),
        Field("quantity", Whole(1, 1), meaning="an item is one product"),
        Field("action", OneOf((ADD, MODIFY, DELETE, "noChange")), required=True),
        Field("productOffering", OFFERING_REF, meaning="of an add"),
        Field("product", PRODUCT, meaning="that a modify or delete is about; of an add what was chosen"),
        Field(
            "state",
            OneOf(
                (
                    "acknowledged",
                    "rejected",
                    "pending",
                    "held",
                    "inProgress",
                    "cancelled",
                    "completed",
                    "failed",
                    "assessingCancellation",
                    "pendingCancellation",
                )
            ),
            writable=Writable.NEVER,
            meaning="the order's; of a held one it says which item waits for a person",
        ),
    ),
    (
        NotServed("appointment", _NONE_BEFORE),
        NotServed("billingAccount", _OF_THE_ORDER),
        NotServed("itemPrice", _OF_THE_PRODUCT),
        NotServed("itemTerm", "commitments come with billing"),
        NotServed("itemTotalPrice", _OF_THE_PRODUCT),
        NotServed("payment", "payments come with billing"),
        NotServed("productOfferingQualificationItem", _NONE_BEFORE),
        NotServed("productOrderItem", "items have no items in them"),
        NotServed("productOrderItemRelationship", "relations are the catalogue's"),
        NotServed("qualification", _NONE_BEFORE),
        NotServed("quoteItem", _NONE_BEFORE),
        *OF_SUBTYPES_WITHIN,
    ),
)


def item_of(said: Values, place: int) -> AskedItem:
    """An item as it is to be placed. Invalid names the member; what the catalogue and the customer say is placing's.

    place   where it is in the list, from 0
    """
    at = f"productOrderItem[{place}]"
    if said["id"] != str(place + 1):
        raise Invalid(f"{at}.id", f"it is {said['id']!r}", f"Number the items: this one is {place + 1}")
    offering, product = said.get("productOffering"), said.get("product") or {}
    if said["action"] == ADD:
        return _added(offering, product, at)
    if said["action"] == "noChange":
        raise Invalid(f"{at}.action", "nothing is asked for", "Leave the item out")
    for member in ("productCharacteristic", "realizingResource"):
        if product.get(member):
            raise Invalid(f"{at}.product.{member}", "it is chosen as a product is added", "Leave it out")
    if offering is not None:
        raise Invalid(f"{at}.productOffering", f"{said['action']} is about a product", "Leave it out")
    return AskedItem(action=_action(said["action"], product.get("status"), at), product_id=product.get("id", ""))


def _added(offering: Values | None, product: Values, at: str) -> AskedItem:
    if offering is None:
        raise Invalid(f"{at}.productOffering", "it is missing", "Name what is to be added")
    for member in ("id", "status"):
        if product.get(member):
            raise Invalid(f"{at}.product.{member}", "the product is made by the order", "Leave it out")
    chosen = product.get("realizingResource") or ()
    resources = {one["name"]: one["id"] for one in chosen}
    if len(resources) < len(chosen):
        raise Invalid(f"{at}.product.realizingResource", "two of one kind", "A product has one number and one SIM")
    reservation = resources.pop(RESERVATION, "")
    characteristics = characteristics_of(product.get("productCharacteristic"))
    return AskedItem(
        action=Action.ADD,
        offering_id=offering["id"],
        resources=resources,
        reservation=reservation,
        characteristics={name: _text_of(value) for name, value in characteristics.items()},
    )


def _text_of(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _action(action: str, status: str | None, at: str) -> str:
    if action == DELETE:
        return Action.TERMINATE
    if status is None or status not in _MODIFIED:
        possible = " or ".join(_MODIFIED)
        raise Invalid(f"{at}.product.status", f"it is {status or 'missing'}", f"Write {possible}")
    return _MODIFIED[status]


def item_document(item: OrderItem, state: str) -> Document:
    """An item in an answer."""
    product: Document = {}
    if item.product_id:
        product = {"id": item.product_id, "href": href_of(_PRODUCTS_AT, item.product_id)}
    if item.action in _STATUS_OF:
        product["status"] = str(_STATUS_OF[item.action])
    if item.characteristics:
        product["productCharacteristic"] = characteristic_documents(item.characteristics)
    chosen = item.resources | ({RESERVATION: item.reservation} if item.reservation else {})
    if chosen:
        product["realizingResource"] = [{"id": name, "name": kind} for kind, name in chosen.items()]
    found: Document = {
        "id": str(item.number),
        "quantity": 1,
        "action": MODIFY if item.action in _STATUS_OF or item.action == Action.MIGRATE else item.action,
        "state": state,
    }
    if item.action in (Action.ADD, Action.MIGRATE):
        at = f"{CATALOG_PATH}/productOffering"
        found["productOffering"] = {"id": item.offering_id, "href": href_of(at, item.offering_id)}
    return found | ({"product": product} if product else {})
