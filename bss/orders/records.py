"""Orders as others read them: frozen records of the rows in tables.py."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Self

import msgspec

from bss.converting import convert, meet


class Action:
    """TMF622 OrderItemActionType, with the two actions on a product that it has no word for."""

    ADD: Final = "add"
    SUSPEND: Final = "suspend"
    RESUME: Final = "resume"
    TERMINATE: Final = "delete"
    MIGRATE: Final = "migrate"
    """a product gets another offering; migrations of the catalogue alone order it"""


ACTIONS: Final = (Action.ADD, Action.SUSPEND, Action.RESUME, Action.TERMINATE, Action.MIGRATE)


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step that an item takes; the ones of an item are done in their order."""

    kind: str
    compensation: str = ""
    """the kind of step that undoes it; empty: nothing is to undo"""
    is_point_of_no_return: bool = False
    """once it is done the order can't be cancelled"""
    is_for_people: bool = False


class NewItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item of an order that is to be placed, with its plan."""

    action: str
    offering_id: str
    product_id: str = ""
    """the product that it changes; of an add empty"""
    release: int = 0
    """number of the catalogue release that it is ordered from"""
    resources: dict[str, str] = {}
    """names (number, ICCID) of those that were chosen, by kind; others are taken from the pools"""
    reservation: str = ""
    """what those are reserved for, where they are"""
    characteristics: dict[str, str] = {}
    steps: tuple[PlannedStep, ...] = ()


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The record of a row of its table."""
        return convert({name: row[name] for name in cls.__struct_fields__}, cls)


class Order(_Row, frozen=True):
    """A product order (TMF622 ProductOrder)."""

    id: str
    revision: int
    created_ns: int
    updated_ns: int
    state: str
    is_cancelling: bool
    external_id: str
    description: str
    customer_id: str
    billing_account_id: str | None
    requested_start_ns: int | None
    completed_ns: int | None
    cancellation_reason: str
    channel: str | None = None


class OrderItem(_Row, frozen=True):
    """An item of an order (TMF622 ProductOrderItem)."""

    id: str
    order_id: str
    number: int
    action: str
    offering_id: str
    release: int
    product_id: str | None
    resources: dict[str, str]
    reservation: str
    characteristics: dict[str, str]


class OrderStep(_Row, frozen=True):
    """A step of an order."""

    id: str
    revision: int
    order_id: str
    item_id: str
    place: int
    kind: str
    after: tuple[int, ...]
    state: str
    attempts: int
    error_code: str
    error: str
    compensation: str
    is_point_of_no_return: bool
    is_for_people: bool
    note: str
    outcome: dict[str, str]
    started_ns: int | None
    ended_ns: int | None


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """An order with everything in it, at one moment."""

    order: Order
    items: tuple[OrderItem, ...]
    steps: tuple[OrderStep, ...]
    """by place; each names the places that it comes after, so they are the order's graph"""


class OrderedAdd(NamedTuple):
    """An offering that an order is to add."""

    offering_id: str
    order_id: str
    waits_until_ns: int | None
    """the date that the order waits for; None: it has begun"""


class Fallout(msgspec.Struct, frozen=True, kw_only=True):
    """A step that holds its order until a person decides."""

    order: Order
    step: OrderStep


class OrderBatch(_Row, frozen=True):
    """Orders that move the products of an offering, as a release of the catalogue says."""

    id: str
    revision: int
    created_ns: int
    updated_ns: int
    release: int
    source: str
    target: str
    state: str
    total_count: int
    placed_count: int
    left_count: int
    reason: str
    ended_ns: int | None


class BatchProgress(msgspec.Struct, frozen=True, kw_only=True):
    """A batch, and how many of its orders are in which state."""

    batch: OrderBatch
    orders: dict[str, int]


meet(Order, OrderItem, OrderStep, OrderBatch)
