"""Placing an order: what is asked for against catalogue, customer and inventory, then the order with the steps of each item."""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from bss.access import requires
from bss.catalog.orderable import characteristic_faults, characteristics_of
from bss.catalog.pricing import PricePreview, preview_price
from bss.catalog.queries import release_in_force
from bss.catalog.release import CatalogRelease
from bss.crm.queries import customer
from bss.crm.states import CustomerStatus
from bss.errors import Conflict, Invalid
from bss.inventory.queries import product
from bss.orchestration.dated_orders import check_action
from bss.orchestration.offering_checks import Turn, adding_faults
from bss.orchestration.order_checks import (
    check_chosen,
    check_start,
    check_taken_once,
    named_by,
    payer_of,
    with_reserved,
)
from bss.orchestration.plans import ACCOUNT, SIM, plan, resources_taken, sold
from bss.orders.operations import place
from bss.orders.records import ACTIONS, Action, NewItem, Order
from bss.work import Work


class AskedItem(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for: an offering to add, or an action on a product."""

    action: str
    offering_id: str = ""
    """of an add, and what a product migrates to"""
    product_id: str = ""
    """of other actions"""
    resources: dict[str, str] = {}
    """number (`msisdn`) and ICCID (`sim`) that were chosen; others are taken from the pools"""
    reservation: str = ""
    """what a number, a SIM or both are reserved for: those are taken"""
    characteristics: dict[str, str] = {}


class PreviewedItem(NamedTuple):
    """What an item would do, in steps, and cost. `price` is there of an add alone."""

    item: NewItem
    price: PricePreview | None


class _Asking(NamedTuple):
    """What the checks of items look at."""

    customer_id: str
    starts_ns: int


@requires("order:write")
def place_order(
    work: Work,
    *,
    customer_id: str,
    items: Sequence[AskedItem],
    billing_account_id: str | None = None,
    external_id: str = "",
    description: str = "",
    requested_start_ns: int | None = None,
    channel: str = "",
) -> Order:
    """Place an order. NotFound, Invalid, Conflict name the item and the field.

    billing_account_id   who pays; None: the customer's first active one in the currency of what is added, if there is one
    channel              where it comes from, for conditions of offerings; it is kept with the order
    """
    check_start(work, requested_start_ns)
    previewed, payer_id = _looked_at(work, customer_id, items, billing_account_id, requested_start_ns, channel)
    new = [each.item for each in previewed]
    check_taken_once(new)
    return place(
        work,
        customer_id=customer_id,
        items=new,
        billing_account_id=payer_id,
        external_id=external_id,
        description=description,
        requested_start_ns=requested_start_ns,
        channel=channel,
    )


@requires("order:write")
def preview_order(
    work: Work,
    *,
    customer_id: str,
    items: Sequence[AskedItem],
    billing_account_id: str | None = None,
    requested_start_ns: int | None = None,
    channel: str = "",
) -> list[PreviewedItem]:
    """A dry run: what the order would do and cost. It refuses what `place_order` refuses, and writes nothing."""
    check_start(work, requested_start_ns)
    previewed, _ = _looked_at(work, customer_id, items, billing_account_id, requested_start_ns, channel)
    check_taken_once([each.item for each in previewed])
    return previewed


def _looked_at(
    work: Work,
    customer_id: str,
    items: Sequence[AskedItem],
    billing_account_id: str | None,
    requested_start_ns: int | None,
    channel: str,
) -> tuple[list[PreviewedItem], str | None]:
    """What each item would do and cost, and the billing account that pays for it."""
    with named_by("customer_id"):
        buyer = customer(work, customer_id)
    if buyer.status == CustomerStatus.CLOSED:
        raise Conflict("customer_id", "the customer is closed", "Add a new customer for the party")
    asking = _Asking(customer_id, max(work.now_ns, requested_start_ns or 0))
    for index, item in enumerate(items):
        if item.action not in ACTIONS:
            field = f"items[{index}].action"
            raise Invalid(field, f"there is no action {item.action[:40]!r}", f"Write {', '.join(ACTIONS)}")
        if item.reservation and item.reservation in [other.reservation for other in items[:index]]:
            raise Invalid(
                f"items[{index}].reservation", "another item names it, too", "Reserve for each item by itself"
            )
    added = [item.offering_id for item in items if item.action == Action.ADD]
    release = release_in_force(work) if added else None
    if release is not None:
        faults = adding_faults(work, release, buyer, added, turn=Turn(asking.starts_ns), channel=channel)
        if faults:
            index = next(i for i, item in enumerate(items) if item.offering_id == faults[0].id)
            raise Conflict(f"items[{index}].offering_id", faults[0].problem, faults[0].remedy)
    currency = release.engine.currency if release is not None else None
    payer_id = payer_of(work, customer_id=customer_id, named=billing_account_id, currency=currency)
    return [_item(work, release, item, asking, f"items[{index}]") for index, item in enumerate(items)], payer_id


def _item(work: Work, release: CatalogRelease | None, item: AskedItem, asking: _Asking, field: str) -> PreviewedItem:
    if item.action != Action.ADD or release is None:
        return PreviewedItem(_changing(work, item, asking, field), None)
    what = sold(release, item.offering_id, field=f"{field}.offering_id")
    for fault in characteristic_faults(what.specification, what.offering, item.characteristics):
        raise Invalid(f"{field}.characteristics.{fault.field}", fault.problem, fault.remedy)
    taken = resources_taken(what)
    unknown = sorted(set(item.resources) - taken)
    if unknown:
        raise Invalid(f"{field}.resources.{unknown[0][:40]}", "the offering takes none", "Leave it out")
    kept, starts_ns = item.reservation, asking.starts_ns
    resources = with_reserved(work, item.resources, reservation=kept, taken=taken, starts_ns=starts_ns, field=field)
    check_chosen(work, resources, reservation=kept, starts_ns=starts_ns, field=f"{field}.resources")
    new = NewItem(
        action=Action.ADD,
        offering_id=what.offering.id,
        release=release.engine.number,
        product_id=item.product_id,
        resources=resources,
        reservation=item.reservation,
        characteristics=characteristics_of(what.specification, what.offering, item.characteristics),
        steps=plan(Action.ADD, taken),
    )
    return PreviewedItem(new, preview_price(release, what.offering, at_ns=asking.starts_ns))


def _changing(work: Work, item: AskedItem, asking: _Asking, field: str) -> NewItem:
    """An action on a product: what it takes is what the product has."""
    if not item.product_id:
        raise Invalid(f"{field}.product_id", f"{item.action} of nothing", "Name the product that it changes")
    with named_by(f"{field}.product_id"):
        has = product(work, item.product_id)
    if has.customer_id != asking.customer_id:
        raise Invalid(f"{field}.product_id", "it is another customer's", "Name a product of this customer")
    check_action(work, has, item.action, starts_ns=asking.starts_ns, field=f"{field}.product_id")
    taken = {ACCOUNT} if has.engine_account_id is not None else set()
    if has.imsi:
        taken.add(SIM)
    is_moved = item.action == Action.MIGRATE
    release = release_in_force(work) if is_moved else None
    if release is not None:
        sold(release, item.offering_id, field=f"{field}.offering_id")
    return NewItem(
        action=item.action,
        offering_id=item.offering_id if is_moved else has.offering_id,
        release=release.engine.number if release is not None else 0,
        product_id=has.id,
        steps=plan(item.action, frozenset(taken)),
    )
