"""Steps of orders that move a product to another offering, as a migration of the catalogue says. What the customer paid for
stays theirs until its end: the running period keeps its end and its allowances, no fee is taken, usage has the target's prices
from now on, and the target's fee and allowances begin with the next period. The product isn't renewed while it is moved.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from balances.commands import Change, ProductEnd, ProductPeriod
from bss.catalog.queries import release_with_offering
from bss.due import due_of, schedule, unschedule
from bss.engine_port import NoEngine
from bss.errors import Conflict
from bss.inventory.product_operations import change_product
from bss.inventory.records import Product
from bss.inventory.renewals import RENEWAL_DUE
from bss.orchestration.inventory_steps import STARTS_NS, agreed_prices, product_id_of, product_of
from bss.orchestration.plans import Sold, sold
from bss.orchestration.ports import Ports, engine_answer
from bss.orchestration.product_terms import whole_second
from bss.orders.execution import Task
from bss.steps import Answer, Failed, Made
from bss.work import Work
from vocabulary.ids import number_of_name
from vocabulary.instants import FOREVER_NS, NS_PER_S

ENDS_NS: Final = "ends_ns"
OLD_OFFER: Final = "old_offer"
"""Outcomes of `begin_move`: when the running period ends, and the engine's offer that the account has; the same at each try."""


@dataclass(frozen=True, slots=True)
class Move:
    """What the engine is asked for."""

    key: str
    step_id: str
    """key of the move itself, where it is undone"""
    tenant: str
    account_id: int
    old_offer: str
    new_offer: str
    from_ns: int
    to_ns: int


class MoveSteps:
    """See the module; methods are named as the steps are."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def begin_move(self, work: Work, task: Task) -> Mapping[str, str]:
        """What the account has now; the product isn't renewed until it is moved."""
        has = product_of(work, task)
        before = release_with_offering(work, offering_id=has.offering_id, before=task.item.release)
        old = sold(before, has.offering_id).offering
        ends_ns = _period_end_ns(work, has)
        unschedule(work, RENEWAL_DUE, resource_id=has.id)
        return {
            STARTS_NS: str(whole_second(work.now_ns)),
            ENDS_NS: str(ends_ns),
            OLD_OFFER: old.offer or "",
        }

    def undo_move(self, work: Work, task: Task) -> Mapping[str, str]:
        """It stays as it is, and is renewed as before."""
        _schedule_renewal(work, task)
        return {}

    def read(self, work: Work, task: Task) -> Move:
        """What is to be asked of the engine."""
        return Move(
            key=task.key,
            step_id=task.step.id,
            tenant=work.caller.tenant,
            account_id=product_of(work, task).engine_account_id or 0,
            old_offer=task.outcomes[OLD_OFFER],
            new_offer=self._target(work, task).offering.offer or "",
            from_ns=int(task.outcomes[STARTS_NS]),
            to_ns=int(task.outcomes[ENDS_NS]),
        )

    def move_account(self, asked: Move) -> Answer:
        """One offer begins and the other ends, in one command. An account that has the offer already stays as it is."""
        return self._exchange(asked, asked.key, asked.old_offer, asked.new_offer, asked.from_ns)

    def return_account(self, asked: Move) -> Answer:
        """The account has its old offer again, a second after the other one began. Whether that was done is found out first."""
        moved = self._exchange(asked, asked.step_id, asked.old_offer, asked.new_offer, asked.from_ns)
        if isinstance(moved, Failed):
            return moved if moved.is_transient else Made()  # what was refused left nothing
        return self._exchange(asked, asked.key, asked.new_offer, asked.old_offer, asked.from_ns + NS_PER_S)

    def _exchange(self, asked: Move, key: str, ends: str, begins: str, at_ns: int) -> Answer:
        if ends == begins:
            return Made()
        tenant = self._ports.engine.tenant_number(asked.tenant)
        if isinstance(tenant, NoEngine):
            return engine_answer(tenant)
        change = Change(
            key,
            tenant,
            asked.account_id,
            applies=ProductPeriod(number_of_name(begins), at_ns, max(asked.to_ns, at_ns + NS_PER_S)),
            ends=ProductEnd(number_of_name(ends), at_ns),
            reason="the catalogue moves the product",
        )
        return engine_answer(self._ports.engine.send(change))

    def move_product(self, work: Work, task: Task) -> Mapping[str, str]:
        """The product is of the other offering from now on; its next period is the target's."""
        what = self._target(work, task)
        change_product(
            work,
            product_id_of(task),
            offering_id=what.offering.id,
            offering_name=what.offering.name,
            name=what.offering.name,
            specification_id=what.specification.id,
            prices=agreed_prices(what),
        )
        _schedule_renewal(work, task)
        return {}

    def _target(self, work: Work, task: Task) -> Sold:
        return sold(self._ports.release(work, task.item.release), task.item.offering_id)


def _period_end_ns(work: Work, has: Product) -> int:
    """When the product's period ends; FOREVER_NS where it isn't renewed. Conflict while a renewal is under way."""
    due = next((due for due in due_of(work, has.id) if due.kind == RENEWAL_DUE), None)
    if due is not None:
        return whole_second(due.at_ns)
    if has.engine_account_id is not None and any(price["period"] for price in has.prices):
        raise Conflict("product_id", f"product {has.id} is being renewed", "Try again")
    return FOREVER_NS


def _schedule_renewal(work: Work, task: Task) -> None:
    """As it was before the move began; nothing where it didn't begin."""
    ends_ns = int(task.outcomes.get(ENDS_NS, FOREVER_NS))
    if ends_ns < FOREVER_NS:
        schedule(work, RENEWAL_DUE, resource_id=product_id_of(task), at_ns=ends_ns)
