"""What the inventory's queries and operations give."""

from typing import Any, NamedTuple

from bss.inventory.states import ProductStatus, ResourceState
from bss.record import Record


class Product(Record, frozen=True):
    """What a customer has of an offering. Instants in ns; `end_ns` is null while no end is known."""

    id: str
    revision: int
    created_ns: int
    updated_ns: int
    name: str
    description: str | None
    offering_id: str
    offering_name: str | None
    specification_id: str | None
    status: ProductStatus
    status_since_ns: int
    customer_id: str
    billing_account_id: str | None
    engine_account_id: int | None
    parent_id: str | None
    is_bundle: bool
    is_customer_visible: bool
    number: str | None
    iccid: str | None
    imsi: str | None
    order_id: str | None
    order_item_id: str | None
    ordered_ns: int | None
    start_ns: int | None
    end_ns: int | None
    prices: list[dict[str, Any]]


class Characteristic(Record, frozen=True):
    """A named value of a product, as text; `value_type` says what it means."""

    product_id: str
    name: str
    value_type: str
    value: str


class Service(Record, frozen=True):
    """What realises a product; `category` is CFS or RFS."""

    id: str
    revision: int
    product_id: str
    name: str
    specification_id: str | None
    category: str
    state: str
    start_ns: int | None
    end_ns: int | None


class Msisdn(Record, frozen=True):
    """A number, who has it or for what it is reserved, and until when by itself."""

    id: str
    revision: int
    updated_ns: int
    number: str
    pool: str
    category: str
    state: ResourceState
    state_since_ns: int
    state_until_ns: int | None
    reserved_for: str | None
    product_id: str | None


class Sim(Record, frozen=True):
    """A SIM card or profile."""

    id: str
    revision: int
    updated_ns: int
    iccid: str
    imsi: str
    kind: str
    pool: str
    state: ResourceState
    state_since_ns: int
    state_until_ns: int | None
    reserved_for: str | None
    product_id: str | None


class ResourceCount(NamedTuple):
    """How many numbers or SIMs of a pool are in a state."""

    kind: str
    pool: str
    state: str
    row_count: int
