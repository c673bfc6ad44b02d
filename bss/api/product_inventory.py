"""TMF637 Product Inventory Management: products of bss/inventory, to read. They come and go by orders (TMF622)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bss.api.catalog_resources import PATH as CATALOG_PATH
from bss.api.customer import BILLING_ACCOUNTS_AT, CUSTOMER_API
from bss.api.filters import Filter
from bss.api.kinds import Amount, Flag, Instant, Money, OneOf, Text
from bss.api.limits import ID_LENGTH_MAX
from bss.api.resource import (
    OF_SUBTYPES,
    OF_SUBTYPES_WITHIN,
    Api,
    Document,
    Domain,
    EventRow,
    Field,
    Many,
    NotServed,
    Resource,
    Structure,
    identity,
)
from bss.api.rows import Row, TableRows
from bss.api.structures import CHARACTERISTIC, href_of, reference_to, related_party
from bss.inventory.queries import characteristics_of, resources_of, services_of
from bss.inventory.records import Characteristic, Msisdn, Sim
from bss.inventory.states import PRODUCT_CHANGES, ProductStatus
from bss.inventory.tables import PRODUCT
from bss.orders.queries import item_numbers
from bss.work import Work

_REFERRED: Final = NotServed("@referredType", "it is the type of the member")
_CUSTOMER: Final = related_party("Customer")
_ORDERS_AT: Final = "/tmf-api/productOrderingManagement/v4/productOrder"
OFFERING_REF: Final = reference_to("ProductOfferingRef", not_served=(_REFERRED,))
SPECIFICATION_REF: Final = reference_to(
    "ProductSpecificationRef",
    not_served=(
        NotServed("version", "the specification has it"),
        NotServed("targetProductSchema", "products have no schema of their own"),
        _REFERRED,
    ),
)
BILLING_ACCOUNT_REF: Final = reference_to("BillingAccountRef", not_served=(_REFERRED,))
SERVICE_REF: Final = reference_to("ServiceRef", not_served=(_REFERRED,))
RESOURCE_REF: Final = reference_to(
    "ResourceRef", more=(Field("value", Text(20), meaning="the number, or the SIM's ICCID"),), not_served=(_REFERRED,)
)
ORDER_ITEM: Final = Structure(
    "RelatedProductOrderItem",
    (
        Field("productOrderId", Text(ID_LENGTH_MAX), required=True),
        Field("orderItemId", Text(ID_LENGTH_MAX), required=True),
        Field("productOrderHref", Text(1024)),
    ),
    (
        NotServed("orderItemAction", "the order has it"),
        NotServed("role", "it is the order that the product came of"),
        _REFERRED,
        *OF_SUBTYPES_WITHIN,
    ),
)
PRICE: Final = Structure(
    "Price",
    (Field("taxIncludedAmount", Amount(), meaning="what is taken for it"),),
    (
        NotServed("dutyFreeAmount", "taxes come with billing"),
        NotServed("percentage", "discounts come with billing"),
        NotServed("taxRate", "taxes come with billing"),
        *OF_SUBTYPES_WITHIN,
    ),
)
PRODUCT_PRICE: Final = Structure(
    "ProductPrice",
    (
        Field("name", Text()),
        Field("priceType", Text(32), required=True),
        Field("recurringChargePeriod", Text(64)),
        Field("price", PRICE, required=True),
    ),
    (
        NotServed("billingAccount", "the product has it"),
        NotServed("description", "the offering's price has it (TMF620)"),
        NotServed("productOfferingPrice", "a price is kept as agreed, whatever became of the offering's"),
        NotServed("productPriceAlteration", "discounts come with billing"),
        NotServed("unitOfMeasure", "usage is priced by the engine's tariff"),
        *OF_SUBTYPES_WITHIN,
    ),
)


def _fill(work: Work, rows: Sequence[Row], documents: Sequence[Document]) -> None:
    by_id = {document["id"]: document for document in documents}
    numbers = item_numbers(work, [row["order_item_id"] for row in rows if row["order_item_id"]])
    for row in rows:
        by_id[row["id"]] |= _of_row(row, numbers)
    for one in characteristics_of(work, list(by_id)):
        value = CHARACTERISTIC.write({"name": one.name, "value": _value_of(one)})
        by_id[one.product_id].setdefault("productCharacteristic", []).append(value)
    for service in services_of(work, list(by_id)):
        reference = SERVICE_REF.write({"id": service.id, "name": service.name})
        by_id[service.product_id].setdefault("realizingService", []).append(reference)
    for resource in resources_of(work, list(by_id)):
        assert resource.product_id is not None, "they were asked for by product"
        by_id[resource.product_id].setdefault("realizingResource", []).append(_resource_document(resource))


def _of_row(row: Row, item_numbers: Mapping[str, int]) -> Document:
    """What a product refers to, and its prices as they were agreed."""
    customer = {"id": row["customer_id"], "role": "customer", "@referredType": "Customer"}
    customer["href"] = href_of(f"{CUSTOMER_API.path}/customer", row["customer_id"])
    found = {
        "productOffering": _reference(
            OFFERING_REF, f"{CATALOG_PATH}/productOffering", row["offering_id"], row["offering_name"]
        ),
        "relatedParty": [_CUSTOMER.write(customer)],
    }
    if row["specification_id"]:
        at = f"{CATALOG_PATH}/productSpecification"
        found["productSpecification"] = _reference(SPECIFICATION_REF, at, row["specification_id"], None)
    if row["billing_account_id"]:
        found["billingAccount"] = _reference(BILLING_ACCOUNT_REF, BILLING_ACCOUNTS_AT, row["billing_account_id"], None)
    if row["order_id"] and row["order_item_id"] in item_numbers:
        item = {"productOrderId": row["order_id"], "orderItemId": str(item_numbers[row["order_item_id"]])}
        found["productOrderItem"] = [
            ORDER_ITEM.write(item | {"productOrderHref": href_of(_ORDERS_AT, row["order_id"])})
        ]
    if row["prices"]:
        found["productPrice"] = [_price_document(one) for one in row["prices"]]
    return found


def _reference(kind: Structure, path: str, resource_id: str, name: str | None) -> Document:
    return kind.write({"id": resource_id, "href": href_of(path, resource_id), "name": name})


def _price_document(one: Mapping[str, Any]) -> Document:
    return PRODUCT_PRICE.write(
        {
            "name": one.get("name"),
            "priceType": one["price_type"],
            "recurringChargePeriod": one.get("period"),
            "price": {"taxIncludedAmount": Money(one["micros"], one["currency"])},
        }
    )


def _resource_document(one: Msisdn | Sim) -> Document:
    if isinstance(one, Msisdn):
        return RESOURCE_REF.write({"id": one.id, "name": "msisdn", "value": one.number})
    return RESOURCE_REF.write({"id": one.id, "name": "sim", "value": one.iccid})


def _value_of(one: Characteristic) -> str | int | bool:
    if one.value_type == "boolean":
        return one.value == "true"
    return int(one.value) if one.value_type == "integer" else one.value


_BY_ORDERS: Final = "products come, change and go by orders (TMF622)"
PRODUCTS: Final = Resource(
    name="product",
    type_name="Product",
    meaning="What a customer has of an offering",
    fields=(
        *identity("Product"),
        Field("name", Text(200), is_filter=True),
        Field("description", Text(2000)),
        Field("status", OneOf(tuple(map(str, ProductStatus))), is_filter=True),
        Field("isBundle", Flag()),
        Field("isCustomerVisible", Flag()),
        Field(
            "productSerialNumber",
            Text(15),
            column="number",
            is_filter=True,
            meaning="the number, also once it has ended",
        ),
        Field("orderDate", Instant(), column="ordered_ns"),
        Field("startDate", Instant(), column="start_ns", is_filter=True),
        Field("terminationDate", Instant(), column="end_ns"),
        Field("productOffering", OFFERING_REF),
        Field("productSpecification", SPECIFICATION_REF),
        Field("billingAccount", BILLING_ACCOUNT_REF),
        Field("relatedParty", Many(_CUSTOMER), meaning="the customer"),
        Field("productCharacteristic", Many(CHARACTERISTIC, 100)),
        Field("productPrice", Many(PRODUCT_PRICE), meaning="as agreed when it was ordered"),
        Field("productOrderItem", Many(ORDER_ITEM, 1), meaning="that it came of"),
        Field("realizingService", Many(SERVICE_REF)),
        Field("realizingResource", Many(RESOURCE_REF), meaning="numbers and SIMs that it has now"),
    ),
    not_served=(
        NotServed("agreement", "agreements are not kept"),
        NotServed("place", "products are nowhere in particular"),
        NotServed("product", "parts of a bundle are products of their own"),
        NotServed("productRelationship", "parts of a bundle are products of their own"),
        NotServed("productTerm", "commitments come with billing"),
        *OF_SUBTYPES,
    ),
    filters=(
        Filter("relatedParty.id", Text(ID_LENGTH_MAX), PRODUCT.c.customer_id),
        Filter("productOffering.id", Text(ID_LENGTH_MAX), PRODUCT.c.offering_id),
        Filter("billingAccount.id", Text(ID_LENGTH_MAX), PRODUCT.c.billing_account_id),
    ),
    domain=Domain(TableRows(PRODUCT), "inventory:read", "inventory:write", fill=_fill),
    next_states={
        str(state): tuple(str(after) for before, after in sorted(PRODUCT_CHANGES) if before == state)
        for state in ProductStatus
    },
    events=tuple(
        EventRow(name, name)
        for name in (
            "ProductCreateEvent",
            "ProductAttributeValueChangeEvent",
            "ProductStateChangeEvent",
        )
    ),
    methods_not_served={"POST": _BY_ORDERS, "PATCH": _BY_ORDERS, "DELETE": _BY_ORDERS},
)
PRODUCT_INVENTORY_API: Final = Api("TMF637", "productInventory", "Product Inventory Management", "4.0.0", (PRODUCTS,))
