"""Steps of orders that write the inventory: products, their services, numbers and SIMs."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from bss.catalog.queries import successor_of
from bss.due import schedule, unschedule
from bss.inventory.kinds import Kind, name_of
from bss.inventory.operations import POOL_DEFAULT, assign, quarantine, retire, unassign
from bss.inventory.product_operations import (
    add_service,
    create_product,
    set_product_status,
    set_service_state,
)
from bss.inventory.queries import product, resources_of, services_of
from bss.inventory.records import Msisdn, Product
from bss.inventory.renewals import RENEWAL_DUE
from bss.inventory.states import ProductStatus
from bss.orchestration.plans import Sold, resources_taken, sold
from bss.orchestration.ports import Ports
from bss.orchestration.product_terms import period_terms, whole_second
from bss.orders.execution import PRODUCT_ID, Task, follow_offering
from bss.work import Work
from vocabulary.instants import FOREVER_NS

STARTS_NS: Final = "starts_ns"
"""Outcome of `assign_resources`: when the product's first period begins, the same at each try."""
ORDERED_OFFERING: Final = "ordered_offering"
"""Outcome of `assign_resources`: what was ordered, where a migration of the catalogue replaced it."""
CFS: Final = "CFS"

Made = Mapping[str, str]


class InventorySteps:
    """See the module; methods are named as the steps are."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def assign_resources(self, work: Work, task: Task) -> Made:
        """A product that is about to become active, with its number and SIM. Where a migration of the catalogue has replaced
        its offering since it was ordered, it is of the one that others' products got: no batch finds what isn't made yet.
        """
        offering_id, release = successor_of(work, offering_id=task.item.offering_id, release=task.item.release)
        followed = {}
        if release != task.item.release:
            item = follow_offering(work, item_id=task.item.id, offering_id=offering_id, release=release)
            followed = {ORDERED_OFFERING: task.item.offering_id} if offering_id != task.item.offering_id else {}
            task = msgspec.structs.replace(task, item=item)
        item, what = task.item, self.sold(work, task)
        made = create_product(
            work,
            customer_id=task.order.customer_id,
            name=what.offering.name,
            offering_id=what.offering.id,
            status=ProductStatus.PENDING_ACTIVE,
            characteristics=item.characteristics,
            offering_name=what.offering.name,
            specification_id=what.specification.id,
            billing_account_id=task.order.billing_account_id,
            order_id=task.order.id,
            order_item_id=item.id,
            ordered_ns=task.order.created_ns,
            prices=agreed_prices(what),
        )
        for service in what.specification.services:
            add_service(work, product_id=made.id, name=service.name or service.id, category=CFS, state="reserved")
        taken = resources_taken(what)
        kinds: tuple[Kind, ...] = ("msisdn", "sim")
        for kind in kinds:
            if kind in taken:
                self._give(work, kind, made, task)
        return {PRODUCT_ID: made.id, STARTS_NS: str(whole_second(work.now_ns)), **followed}

    def free_resources(self, work: Work, task: Task) -> Made:
        """The product came to nothing: number and SIM are free again. One that was active already ends as aborted."""
        if task.item.product_id is None:
            return {}
        for resource in resources_of(work, [task.item.product_id]):
            kind: Kind = "msisdn" if isinstance(resource, Msisdn) else "sim"
            unassign(work, kind, name=name_of(resource), product_id=task.item.product_id)
        _set_services(work, task.item.product_id, "terminated")
        was_active = product_of(work, task).status == ProductStatus.ACTIVE
        status = ProductStatus.ABORTED if was_active else ProductStatus.CANCELLED
        set_product_status(work, task.item.product_id, status=status)
        return {}

    def activate_product(self, work: Work, task: Task) -> Made:
        """The product is the customer's from now on; its next period is scheduled."""
        product_id = product_id_of(task)
        set_product_status(work, product_id, status=ProductStatus.ACTIVE)
        _set_services(work, product_id, "active")
        what = self.sold(work, task)
        if what.offering.offer is not None:
            ends_ns = period_terms(what, int(task.outcomes[STARTS_NS]), is_first=True).to_ns
            if ends_ns < FOREVER_NS:
                schedule(work, RENEWAL_DUE, resource_id=product_id, at_ns=ends_ns)
        return {}

    def suspend_product(self, work: Work, task: Task) -> Made:
        """It stays the customer's, and can't be used. A renewal that is due meanwhile waits (renewal_flow.py)."""
        set_product_status(work, product_id_of(task), status=ProductStatus.SUSPENDED)
        _set_services(work, product_id_of(task), "inactive")
        return {}

    def resume_product(self, work: Work, task: Task) -> Made:
        """It can be used again."""
        set_product_status(work, product_id_of(task), status=ProductStatus.ACTIVE)
        _set_services(work, product_id_of(task), "active")
        return {}

    def retire_product(self, work: Work, task: Task) -> Made:
        """It has ended: its number rests before somebody else gets it, its SIM is used up."""
        product_id = product_id_of(task)
        for resource in resources_of(work, [product_id]):
            if isinstance(resource, Msisdn):
                quarantine(work, "msisdn", name=resource.number)
            else:
                retire(work, "sim", name=resource.iccid)
        _set_services(work, product_id, "terminated")
        unschedule(work, RENEWAL_DUE, resource_id=product_id)
        set_product_status(work, product_id, status=ProductStatus.TERMINATED)
        return {}

    def sold(self, work: Work, task: Task) -> Sold:
        """What the item is about, as it was sold."""
        return sold(self._ports.release(work, task.item.release), task.item.offering_id)

    def _give(self, work: Work, kind: Kind, made: Product, task: Task) -> None:
        item = task.item
        assign(
            work,
            kind,
            product_id=made.id,
            name=item.resources.get(kind, ""),
            reserved_for=item.reservation,
            pool=item.characteristics.get(f"{kind}_pool", POOL_DEFAULT),
        )


def product_id_of(task: Task) -> str:
    """The product that the item makes or changes."""
    assert task.item.product_id is not None, "the item's first step makes its product"
    return task.item.product_id


def product_of(work: Work, task: Task) -> Product:
    """The same, as it is now."""
    return product(work, product_id_of(task))


def _set_services(work: Work, product_id: str, state: str) -> None:
    for service in services_of(work, [product_id]):
        if service.state != "terminated":
            set_service_state(work, service.id, state=state)


def agreed_prices(what: Sold) -> list[dict[str, Any]]:
    """What the offering costs, as a product keeps it."""
    return [
        {
            "name": price.name,
            "price_type": price.price_type,
            "micros": int(price.amount_micros),
            "currency": what.release.engine.currency,
            "period": f"{price.recurring_charge_period_length} {price.recurring_charge_period_type}"
            if price.recurring_charge_period_type
            else "",
        }
        for price in what.release.prices_of(what.offering)
        if price.amount_micros is not None
    ]
