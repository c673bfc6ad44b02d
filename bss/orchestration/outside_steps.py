"""Steps of orders that ask others: the engine, and the network. Each reads what is to be asked first, then asks under the
task's key, so that a try that nobody heard of any more is repeated and not doubled.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from balances.commands import AccountStatus, Change, Terms
from bss.crm.customer_operations import link_account
from bss.engine_port import (
    IDENTITY_NOT_HELD,
    Done,
    Identity,
    MoveIdentities,
    NoEngine,
    OpenAccount,
    Refused,
)
from bss.inventory.product_operations import change_product
from bss.inventory.records import Product
from bss.network_port import (
    ALREADY_PROVISIONED,
    UNKNOWN_SUBSCRIBER,
    Deprovision,
    NetworkRequest,
    Provision,
    Resume,
    Suspend,
)
from bss.orchestration.inventory_steps import STARTS_NS, InventorySteps, product_id_of, product_of
from bss.orchestration.ports import Ports, ask_network, engine_answer
from bss.orchestration.product_terms import PeriodTerms, period_terms
from bss.orders.execution import Task
from bss.orders.records import Order
from bss.steps import OUTCOME_UNKNOWN, Answer, Failed, Made
from bss.work import Work
from vocabulary.ids import IdentityKind
from vocabulary.outcomes import Outcome

ACCOUNT_ID: Final = "account_id"
"""Outcome of `open_account`."""
ALREADY_CLOSED: Final = frozenset({Outcome.END_USER_SERVICE_DENIED.name.lower()})
"""What a closed account answers to a change; no other command here is refused with it."""


@dataclass(frozen=True, slots=True)
class Account:
    """What the engine is asked about: an account of a tenant, and its identities.

    account_id   0: it is not known whether there is one
    terms        of the period that the account is opened for
    """

    key: str
    tenant: str
    account_id: int
    identities: tuple[Identity, ...]
    terms: PeriodTerms | None = None
    opening_key: str = ""
    """of the opening that may have been done, where its outcome isn't known"""


class EngineSteps:
    """Steps that send account commands; methods are named as the steps are."""

    def __init__(self, ports: Ports, inventory: InventorySteps) -> None:
        self._engine = ports.engine
        self._inventory = inventory

    def read(self, work: Work, task: Task) -> Account:
        """The account of the item's product."""
        has = product_of(work, task)
        opening = task.step.id if task.is_undo and task.step.kind == "open_account" else ""
        account_id = has.engine_account_id or 0
        return Account(task.key, work.caller.tenant, account_id, identities_of(has), opening_key=opening)

    def read_terms(self, work: Work, task: Task) -> Account:
        """The same, with the terms of the product's first period."""
        terms = period_terms(self._inventory.sold(work, task), int(task.outcomes[STARTS_NS]), is_first=True)
        return replace(self.read(work, task), terms=terms, opening_key=task.step.id if task.is_undo else "")

    def open_account(self, asked: Account) -> Answer:
        """An account with the product's identities, without money."""
        tenant = self._engine.tenant_number(asked.tenant)
        if isinstance(tenant, NoEngine):
            return engine_answer(tenant)
        return engine_answer(self._engine.send(_opening(asked, asked.key, tenant)))

    def note_account(self, work: Work, task: Task, made: Made) -> None:
        """The product knows its account, and the account who pays for it."""
        link_to_product(work, task.order, product_id_of(task), int(made.ids[ACCOUNT_ID]))

    def apply_product(self, asked: Account) -> Answer:
        """The product's first period, its fee and what it gives."""
        assert asked.terms is not None
        terms = asked.terms
        return self._change(asked, lambda tenant: terms.change(asked.key, tenant, asked.account_id))

    def bar_account(self, asked: Account) -> Answer:
        """No credit until it is unbarred."""
        return self._set_status(asked, AccountStatus.BARRED)

    def unbar_account(self, asked: Account) -> Answer:
        """Credit again."""
        return self._set_status(asked, AccountStatus.ACTIVE)

    def close_account(self, asked: Account) -> Answer:
        """The account ends, and its identities are nobody's. Where an opening's outcome isn't known, it is found out first."""
        tenant = self._engine.tenant_number(asked.tenant)
        if isinstance(tenant, NoEngine):
            return engine_answer(tenant)
        if asked.account_id == 0 and asked.opening_key:
            opened = self._engine.send(_opening(asked, asked.opening_key, tenant))
            if isinstance(opened, Refused):
                return Made()  # there is nothing to close
            if not isinstance(opened, Done):
                return engine_answer(opened)
            asked = replace(asked, account_id=opened.account_id)
        closed = engine_answer(
            self._engine.send(Change(f"{asked.key}/c", tenant, asked.account_id, status=AccountStatus.CLOSED)),
            fine=ALREADY_CLOSED,
        )
        if isinstance(closed, Failed) or not asked.identities:
            return closed
        freed = MoveIdentities(f"{asked.key}/i", tenant, asked.account_id, remove=asked.identities)
        return engine_answer(self._engine.send(freed), fine=frozenset({IDENTITY_NOT_HELD}))

    def _set_status(self, asked: Account, status: AccountStatus) -> Answer:
        return self._change(asked, lambda tenant: Change(asked.key, tenant, asked.account_id, status=status))

    def _change(self, asked: Account, command: Callable[[int], Change]) -> Answer:
        tenant = self._engine.tenant_number(asked.tenant)
        if isinstance(tenant, NoEngine):
            return engine_answer(tenant)
        return engine_answer(self._engine.send(command(tenant)))


def identities_of(has: Product) -> tuple[Identity, ...]:
    """What the engine knows a product's subscriber by."""
    values = ((IdentityKind.E164, has.number), (IdentityKind.IMSI, has.imsi))
    return tuple(Identity(kind, value) for kind, value in values if value)


def link_to_product(work: Work, order: Order, product_id: str, account_id: int) -> None:
    """The product knows its account, and the account who pays for it."""
    change_product(work, product_id, engine_account_id=account_id)
    if order.billing_account_id is not None:
        link_account(work, engine_account_id=account_id, billing_account_id=order.billing_account_id)


def _opening(asked: Account, key: str, tenant: int) -> OpenAccount:
    assert asked.terms is not None
    terms = Terms(
        currency=asked.terms.currency, offer=0, credit_limit_micros=asked.terms.credit_limit_micros, credits=()
    )
    return OpenAccount(key, tenant, asked.identities, terms)


@dataclass(frozen=True, slots=True)
class NetworkAsk:
    """A request to the network; `first` is one whose outcome isn't known and is found out before."""

    request: NetworkRequest
    first: NetworkRequest | None = None


class NetworkSteps:
    """Steps that ask the network's subscriber store; methods are named as the steps are."""

    def __init__(self, ports: Ports) -> None:
        self._network = ports.network

    def provision(self, work: Work, task: Task) -> NetworkAsk:
        """The SIM may use the network under its number."""
        has = product_of(work, task)
        return NetworkAsk(Provision(task.key, has.imsi or "", has.number or ""))

    def deprovision(self, work: Work, task: Task) -> NetworkAsk:
        """The network forgets it."""
        has = product_of(work, task)
        is_open = task.is_undo and task.step.error_code in OUTCOME_UNKNOWN
        first = Provision(task.step.id, has.imsi or "", has.number or "") if is_open else None
        return NetworkAsk(Deprovision(task.key, has.imsi or ""), first)

    def suspend(self, work: Work, task: Task) -> NetworkAsk:
        """No use until it is resumed."""
        return NetworkAsk(Suspend(task.key, product_of(work, task).imsi or ""))

    def resume(self, work: Work, task: Task) -> NetworkAsk:
        """Use again."""
        return NetworkAsk(Resume(task.key, product_of(work, task).imsi or ""))

    def send(self, asked: NetworkAsk) -> Answer:
        """Ask; what is as wanted already is fine."""
        if asked.first is not None:
            settled = ask_network(self._network, asked.first)
            if isinstance(settled, Failed) and settled.is_transient:
                return settled
        fine = frozenset({UNKNOWN_SUBSCRIBER}) if isinstance(asked.request, Deprovision) else frozenset[str]()
        answer = ask_network(self._network, asked.request, fine=fine)
        if isinstance(answer, Failed) and answer.code == ALREADY_PROVISIONED:
            return self._as_provisioned(asked.request, answer)
        return answer

    def _as_provisioned(self, request: NetworkRequest, answer: Failed) -> Answer:
        """Fine where the SIM has this number: the same was done under another key, by a person or an undone step."""
        found = self._network.read_subscriber(request.imsi)
        if isinstance(request, Provision) and getattr(found, "msisdn", "") == request.msisdn:
            return Made()
        return answer
