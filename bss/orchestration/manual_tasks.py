"""What people decide of a step that fell out, as far as it takes more than the order's rows (bss/orders/fallout.py): what a
step makes for those behind it can't be left out, and what a person made in its place is looked at and noted as the step's is.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from balances.commands import AccountStatus
from bss.access import ROLES, Caller, requires
from bss.engine_port import EnginePort, NoEngine
from bss.errors import Conflict, Invalid
from bss.inventory.queries import product, products_of_accounts
from bss.inventory.records import Product
from bss.orchestration.outside_steps import ACCOUNT_ID, identities_of, link_to_product
from bss.orders import fallout
from bss.orders.queries import show
from bss.orders.records import Order, OrderStep
from bss.orders.states import StepState
from bss.work import Transactions, Work
from vocabulary.ids import IDENTITY_WORDS
from vocabulary.instants import FOREVER_NS

_ACCOUNT_NUMBER: Final = re.compile(r"[1-9][0-9]{0,17}")
_FIELD: Final = f"made.{ACCOUNT_ID}"
_OPEN: Final = (
    "Open one with the product's number and IMSI and without an offer (farebox subscriber add --offer -),"
    " or have the step tried again"
)


class MakingStep(NamedTuple):
    """A kind of step without whose outcome those behind it can't be done: it is never skipped.

    makes   in words
    told    what a person tells who did it by hand; empty: nobody can, it writes rows of ours
    remedy  what can be decided instead of skipping it
    """

    makes: str
    told: str
    remedy: str


_OURS: Final = "Mend what its error says and have it tried again, or cancel the order"
MAKING_STEPS: Final[Mapping[str, MakingStep]] = {
    "assign_resources": MakingStep("the product, with its number and SIM", "", _OURS),
    "begin_move": MakingStep("what the account's offer is to be changed from", "", _OURS),
    "open_account": MakingStep(
        "the account that is charged", ACCOUNT_ID, "Have it tried again, do it by hand, or cancel the order"
    ),
}
"""Kinds that are absent make nothing that others need: they can be skipped, and who did one by hand has nothing to tell."""


@requires("order:repair")
def skip(work: Work, *, order_id: str, note: str) -> Order:
    """See fallout.skip. Conflict where steps behind it need what it makes."""
    step = _held(work, order_id).step
    making = MAKING_STEPS.get(step.kind)
    if making is not None and step.state != StepState.UNDO_FAILED:
        raise Conflict("step", f"{step.kind} makes {making.makes}: no step behind it can do without", making.remedy)
    return fallout.skip(work, order_id=order_id, note=note)


@requires("order:repair")
def take_in_hand(work: Work, *, order_id: str, note: str) -> Order:
    """See fallout.take_in_hand. Conflict where nobody can do the step by hand."""
    _check_by_hand(_held(work, order_id).step)
    return fallout.take_in_hand(work, order_id=order_id, note=note)


def finish_by_hand(
    database: Transactions,
    engine: EnginePort,
    caller: Caller,
    *,
    order_id: str,
    note: str,
    made: Mapping[str, str] | None = None,
) -> Order:
    """A person did the manual task that holds the order. What they made is the product's from now on, and the order goes on.

    made   account_id where an account was opened; without it, the one that has the product's number and SIM

    Invalid, Conflict name what is wrong with it; nothing is written then.
    """
    held = database.read(caller, lambda work: _held(work, order_id))
    _check_by_hand(held.step)
    making = MAKING_STEPS.get(held.step.kind)
    unknown = sorted(set(made or {}) - ({making.told} if making else set()))
    if unknown:
        known = f"Write {making.told}, or leave it out" if making else "Leave it out"
        raise Invalid(f"made.{unknown[0][:40]}", f"{held.step.kind} makes no such thing", known)
    if making is None:
        return database.write(caller, lambda work: _finish(work, held, note, None))
    if held.product is None:  # an earlier release let the step be skipped that makes it
        raise Conflict("order_id", "the order has no product that the account could be of", "Cancel it, and order anew")
    account = _Account(held.product, _account(engine, caller.tenant, held.product, (made or {}).get(ACCOUNT_ID, "")))
    return database.write(caller, lambda work: _finish(work, held, note, account))


class _Held(NamedTuple):
    """The step that holds an order, and the product that it is about; None where it isn't made yet."""

    order: Order
    step: OrderStep
    product: Product | None


class _Account(NamedTuple):
    """An account that a person opened for a product."""

    product: Product
    account_id: int


def _held(work: Work, order_id: str) -> _Held:
    step = fallout.fallen_step(work, order_id=order_id)
    view = show(work, order_id=order_id)
    item = next(each for each in view.items if each.id == step.item_id)
    return _Held(view.order, step, product(work, item.product_id) if item.product_id else None)


def _check_by_hand(step: OrderStep) -> None:
    making = MAKING_STEPS.get(step.kind)
    if making is not None and not making.told:
        raise Conflict("step", f"{step.kind} makes {making.makes}: that can't be done by hand", making.remedy)


def _finish(work: Work, held: _Held, note: str, account: _Account | None) -> Order:
    if fallout.fallen_step(work, order_id=held.order.id).id != held.step.id:
        raise Conflict("order_id", "another step holds the order by now", "Look at it again")
    outcome = {}
    if account is not None:
        _check_is_free(work, account)
        # it is noted as the step does it: who repairs orders needn't be one who changes customers
        with work.acting_as(Caller(work.caller.tenant, work.caller.subject, ROLES["workflow"])):
            link_to_product(work, held.order, account.product.id, account.account_id)
        outcome = {ACCOUNT_ID: str(account.account_id)}
    return fallout.finish_by_hand(work, order_id=held.order.id, note=note, outcome=outcome)


def _check_is_free(work: Work, account: _Account) -> None:
    of_it = products_of_accounts(work, [account.account_id])
    others = [each.id for each in of_it if each.id != account.product.id]
    if others:
        problem = f"account {account.account_id} is product {others[0]}'s"
        raise Conflict(_FIELD, problem, "Name the one that was opened for this")


def _account(engine: EnginePort, tenant_name: str, has: Product, told: str) -> int:
    """The account that was opened for a product: the engine has it, and it has the product's number and SIM."""
    if told and _ACCOUNT_NUMBER.fullmatch(told) is None:
        raise Invalid(
            _FIELD, f"{told[:40]!r} is no account's number", "Write the one that the engine gave it, such as 7"
        )
    identities = identities_of(has)
    tenant = engine.tenant_number(tenant_name)
    if isinstance(tenant, NoEngine):
        raise _engine_away()
    holders = engine.find_accounts(tenant, identities) if identities else ()
    if isinstance(holders, NoEngine):
        raise _engine_away()
    account_id = int(told) if told else next((holder for holder in holders if holder is not None), None)
    if account_id is None:
        raise Invalid(_FIELD, "it isn't said, and no account has the product's number and SIM", _OPEN)
    for identity, holder in zip(identities, holders, strict=True):
        if holder != account_id:
            whose = "nobody's" if holder is None else f"account {holder}'s"
            named = f"{IDENTITY_WORDS[identity.kind]} {identity.value}"
            raise Conflict(_FIELD, f"{named}, which the product has, is {whose}, not account {account_id}'s", _OPEN)
    found = engine.read_account(tenant, account_id)
    if isinstance(found, NoEngine):
        raise _engine_away()
    if found is None or found.status != AccountStatus.ACTIVE:
        what = "none of the engine" if found is None else found.status.name.lower()
        raise Conflict(_FIELD, f"account {account_id} is {what}", _OPEN)
    if found.products or found.expires_ns != FOREVER_NS:
        own = "an offer" if found.products else "an end"
        raise Conflict(_FIELD, f"account {account_id} has {own} of its own: the order brings what it gets", _OPEN)
    return account_id


def _engine_away() -> Conflict:
    return Conflict(_FIELD, "no engine answers, so the account can't be looked at", "Say it once the engine runs")
