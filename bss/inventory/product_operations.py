"""What is done with products: made, changed, moved from status to status (bss/inventory/states.py), with their services."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from bss.access import requires
from bss.errors import Conflict, Invalid
from bss.inventory.records import Characteristic, Product, Service
from bss.inventory.states import (
    PRODUCT_ENDED,
    SERVICE_STATES,
    ProductStatus,
    check_product_change,
)
from bss.inventory.tables import PRODUCT, PRODUCT_CHARACTERISTIC, SERVICE
from bss.tenant_rows import Prepared
from bss.work import Work

CHARACTERISTICS_MAX: Final = 100
NAME_CHARACTERS_MAX: Final = 100
VALUE_CHARACTERS_MAX: Final = 1000
_NAMES: Final = Prepared(
    sa.select(PRODUCT_CHARACTERISTIC.c.id, PRODUCT_CHARACTERISTIC.c.name).where(
        PRODUCT_CHARACTERISTIC.c.product_id == sa.bindparam("product_id")
    )
)
PRICE_FIELDS: Final = ("name", "price_type", "micros", "currency", "period")
CHANGEABLE: Final = frozenset(
    {
        "billing_account_id",
        "description",
        "end_ns",
        "engine_account_id",
        "is_customer_visible",
        "name",
        "offering_id",
        "offering_name",
        "order_id",
        "order_item_id",
        "ordered_ns",
        "prices",
        "specification_id",
        "start_ns",
    }
)
"""What `change_product` may write; status, number and SIM have operations of their own."""

Values = Mapping[str, str | int | bool]


@requires("inventory:write")
def create_product(
    work: Work,
    /,
    *,
    customer_id: str,
    name: str,
    offering_id: str,
    status: ProductStatus = ProductStatus.CREATED,
    parent_id: str | None = None,
    is_bundle: bool = False,
    characteristics: Values | None = None,
    **values: Any,
) -> Product:
    """A product of a customer. `values`: further columns of CHANGEABLE. Invalid, also where what it refers to isn't there."""
    _check_name(name)
    _check_values(values)
    if status in PRODUCT_ENDED:
        raise Invalid("status", f"a product can't begin as {status}", "Begin with created, pendingActive or active")
    if parent_id is not None:
        work.get(PRODUCT, parent_id, field="parent_id")
    columns = {"is_customer_visible": True, "prices": [], **values}
    if status == ProductStatus.ACTIVE:
        columns.setdefault("start_ns", work.now_ns)
    try:
        row = work.insert(
            PRODUCT,
            customer_id=customer_id,
            name=name,
            offering_id=offering_id,
            status=status,
            status_since_ns=work.now_ns,
            parent_id=parent_id,
            is_bundle=is_bundle,
            **columns,
        )
    except IntegrityError as error:
        raise _unknown_reference(customer_id, values.get("billing_account_id")) from error
    for characteristic, value in (characteristics or {}).items():
        _put_characteristic(work, row["id"], characteristic, value)
    work.event("ProductCreateEvent", resource="product", resource_id=row["id"], customer_id=customer_id)
    return Product.from_row(row)


@requires("inventory:write")
def change_product(work: Work, product_id: str, /, *, if_revision: int | None = None, **values: Any) -> Product:
    """A product with other values, of CHANGEABLE. NotFound, Stale, Invalid."""
    _check_values(values)
    try:
        row = work.change(PRODUCT, product_id, if_revision=if_revision, **values)
    except IntegrityError as error:
        raise _unknown_reference("", values.get("billing_account_id")) from error
    work.event(
        "ProductAttributeValueChangeEvent", resource="product", resource_id=product_id, customer_id=row["customer_id"]
    )
    return Product.from_row(row)


@requires("inventory:write")
def set_product_status(
    work: Work, product_id: str, *, status: ProductStatus, if_revision: int | None = None
) -> Product:
    """A product in another status; the same again changes nothing. Conflict where it can't become that.

    `start_ns` is written when it first becomes active, `end_ns` when it ends.
    """
    found = work.get(PRODUCT, product_id)
    before = Product.from_row(found)
    if before.status == status:
        return before
    check_product_change(ProductStatus(before.status), status)
    values: dict[str, Any] = {}
    if status == ProductStatus.ACTIVE and before.start_ns is None:
        values["start_ns"] = work.now_ns
    if status in PRODUCT_ENDED:
        values["end_ns"] = work.now_ns
    row = work.change(PRODUCT, found, if_revision=if_revision, status=status, status_since_ns=work.now_ns, **values)
    work.event(
        "ProductStateChangeEvent",
        resource="product",
        resource_id=product_id,
        customer_id=row["customer_id"],
        status=row["status"],
    )
    return Product.from_row(row)


@requires("inventory:write")
def set_characteristics(work: Work, product_id: str, *, characteristics: Values) -> None:
    """Write these characteristics of a product; others stay, the product's revision is raised. NotFound, Invalid."""
    product = work.change(PRODUCT, product_id)
    for name, value in characteristics.items():
        _put_characteristic(work, product_id, name, value)
    work.event(
        "ProductAttributeValueChangeEvent",
        resource="product",
        resource_id=product_id,
        customer_id=product["customer_id"],
    )


@requires("inventory:write")
def add_service(
    work: Work,
    *,
    product_id: str,
    name: str,
    category: str,
    specification_id: str | None = None,
    state: str = "reserved",
) -> Service:
    """A service that realises a product. `category`: CFS (customer-facing) or RFS (resource-facing). NotFound, Invalid."""
    _check_name(name)
    _check_service_state(state)
    product = work.get(PRODUCT, product_id, field="product_id")
    if category not in ("CFS", "RFS"):
        raise Invalid("category", f"{category[:40]!r} is no category", "Write CFS or RFS")
    work.change(PRODUCT, product)
    row = work.insert(
        SERVICE, product_id=product_id, name=name, category=category, specification_id=specification_id, state=state
    )
    return Service.from_row(row)


@requires("inventory:write")
def set_service_state(work: Work, service_id: str, *, state: str) -> Service:
    """A service in another state; a terminated one stays so. NotFound, Invalid, Conflict."""
    _check_service_state(state)
    found = work.get(SERVICE, service_id)
    before = Service.from_row(found)
    if before.state == state:
        return before
    if before.state == "terminated":
        raise Conflict("state", "the service is terminated", "Add another one")
    values: dict[str, Any] = {}
    if state == "active" and before.start_ns is None:
        values["start_ns"] = work.now_ns
    if state == "terminated":
        values["end_ns"] = work.now_ns
    return Service.from_row(work.change(SERVICE, found, state=state, **values))


def _put_characteristic(work: Work, product_id: str, name: str, value: str | int | bool) -> Characteristic:
    value_type, text = _typed(value)
    if not 0 < len(name) <= NAME_CHARACTERS_MAX or len(text) > VALUE_CHARACTERS_MAX:
        raise Invalid(
            f"characteristics.{name[:40]}",
            "it is too long, or has no name",
            f"A name has 1..{NAME_CHARACTERS_MAX} characters, a value at most {VALUE_CHARACTERS_MAX}",
        )
    table = PRODUCT_CHARACTERISTIC
    known = {row["name"]: row["id"] for row in work.rows(_NAMES, product_id=product_id)}
    if name in known:
        return Characteristic.from_row(work.change(table, known[name], value_type=value_type, value=text))
    if len(known) >= CHARACTERISTICS_MAX:
        raise Invalid("characteristics", f"a product has at most {CHARACTERISTICS_MAX}", "Leave some out")
    return Characteristic.from_row(
        work.insert(table, product_id=product_id, name=name, value_type=value_type, value=text)
    )


def _typed(value: str | int | bool) -> tuple[str, str]:
    """(type, text) of a characteristic's value. Invalid for floats and others: they would not come back as they went in."""
    if isinstance(value, bool):
        return "boolean", "true" if value else "false"
    if isinstance(value, int):
        return "integer", str(value)
    if isinstance(value, str):
        return "string", value
    raise Invalid("characteristics", f"a {type(value).__name__} is no value", "Write text, a whole number or a boolean")


def _check_values(values: Mapping[str, Any]) -> None:
    unknown = sorted(set(values) - CHANGEABLE)
    if unknown:
        raise Invalid(unknown[0], "it can't be written here", f"What can be: {', '.join(sorted(CHANGEABLE))}")
    if "name" in values:
        _check_name(values["name"])
    if "prices" in values:
        _check_prices(values["prices"])


def _check_prices(prices: Sequence[Mapping[str, Any]]) -> None:
    for place, price in enumerate(prices):
        if set(price) != set(PRICE_FIELDS) or isinstance(price["micros"], bool) or not isinstance(price["micros"], int):
            raise Invalid(
                f"prices[{place}]", "it isn't a price", f"Write {', '.join(PRICE_FIELDS)}, micros as a whole number"
            )


def _check_name(name: str) -> None:
    if not 0 < len(name) <= 200:
        raise Invalid("name", f"it has {len(name)} characters", "Write 1..200")


def _check_service_state(state: str) -> None:
    if state not in SERVICE_STATES:
        raise Invalid("state", f"{state[:40]!r} is no state of a service", f"Write one of {', '.join(SERVICE_STATES)}")


def _unknown_reference(customer_id: str, billing_account_id: str | None) -> Invalid:
    named = " or ".join(
        f"{word} {value!r}"
        for word, value in (("customer", customer_id), ("billing account", billing_account_id))
        if value
    )
    return Invalid(
        "customer_id" if customer_id else "billing_account_id", f"there is no {named}", "Name one that exists"
    )
