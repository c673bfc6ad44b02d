"""What an order names of the customer's and the operator's: who pays for it, which number and SIM were chosen."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

from bss.crm.queries import billing_account, billing_accounts_of
from bss.crm.states import BillingAccountState
from bss.errors import Conflict, Invalid, NotFound
from bss.inventory.kinds import KINDS, Kind
from bss.inventory.queries import reserved_for, resource
from bss.inventory.states import ResourceState
from bss.orchestration.resource_release import cancel_first
from bss.orders.queries import orders_of_reservation
from bss.orders.records import NewItem
from bss.work import Work
from vocabulary.instants import NS_PER_S, to_rfc3339

PAST_NS_MAX: Final = 86_400 * NS_PER_S
"""How far behind us the start of an order may be, which begins at once then."""
_KINDS: Final[tuple[Kind, ...]] = ("msisdn", "sim")


def payer_of(work: Work, *, customer_id: str, named: str | None, currency: str | None) -> str | None:
    """The billing account that pays for an order: the one that was named, else the customer's first that can pay.

    currency   that the order is paid in; None: it adds nothing, and nobody is looked for

    Without any that can pay it is None: nobody gets a bill. NotFound, Invalid, Conflict where the named one can't pay.
    """
    if named is None:
        found = billing_accounts_of(work, [customer_id]) if currency is not None else []
        can_pay = (each.id for each in found if each.state == BillingAccountState.ACTIVE and each.currency == currency)
        return next(can_pay, None)
    with named_by("billing_account_id"):
        payer = billing_account(work, named)
    if payer.customer_id != customer_id:
        raise Invalid("billing_account_id", "it is another customer's", "Name one of this customer")
    if currency is None:
        return payer.id
    if payer.state == BillingAccountState.CLOSED:
        raise Conflict("billing_account_id", "the billing account is closed", "Name an open one")
    if payer.currency != currency:
        # The engine holds the account's money in the release's currency: a sum in another one would be taken for it.
        problem = f"the billing account is in {payer.currency}, the catalogue in {currency}"
        raise Conflict("billing_account_id", problem, f"Name one in {currency}")
    return payer.id


def check_chosen(work: Work, chosen: Mapping[str, str], *, reservation: str, starts_ns: int, field: str) -> None:
    """A number and a SIM that were chosen are there, and can be had by who starts now. What is taken until a later start
    may be free then. Invalid, NotFound, Conflict name the resource below `field`.
    """
    for kind in _KINDS:
        if kind not in chosen:
            continue
        with named_by(f"{field}.{kind}"):
            has = resource(work, kind, chosen[kind])
        is_kept = has.state == ResourceState.RESERVED and bool(reservation) and has.reserved_for == reservation
        is_later = starts_ns > work.now_ns and has.state != ResourceState.RETIRED
        if not (has.state == ResourceState.FREE or is_kept or is_later):
            raise Conflict(f"{field}.{kind}", f"{chosen[kind]} is {has.state}", "Choose another one, or none")


def with_reserved(
    work: Work, chosen: Mapping[str, str], *, reservation: str, taken: Collection[str], starts_ns: int, field: str
) -> dict[str, str]:
    """What was chosen, and what a reservation keeps of the other kinds that the offering takes: the order is for these alone.

    reservation   what they are reserved for; empty: none was named

    Invalid where it keeps nothing for the order, or another number or SIM than was chosen; Conflict where it ends before, or
    another order has what it keeps. Of two that are placed at once one sees the other: their transactions are serializable.
    """
    found = dict(chosen)
    if not reservation:
        return found
    kept = {kind: reserved_for(work, kind, reservation) for kind in _KINDS if kind in taken}
    if not any(kept.values()):
        problem = f"nothing that the offering takes is reserved for {reservation[:64]!r}"
        raise Invalid(f"{field}.reservation", problem, "Reserve it (farebox inventory reserve), or leave this out")
    had = orders_of_reservation(work, reservation=reservation)
    for kind, resources in kept.items():
        until_ns = {str(getattr(each, KINDS[kind].key)): each.state_until_ns for each in resources}
        if not until_ns:
            continue
        name = found.setdefault(
            kind, next((each for each in until_ns if (kind, each) not in had), next(iter(until_ns)))
        )
        if name not in until_ns:
            problem = f"{name} isn't what is reserved for {reservation[:64]!r}"
            raise Invalid(f"{field}.resources.{kind}", problem, f"Write {next(iter(until_ns))}, or leave it out")
        if (kind, name) in had:
            order_id = had[kind, name]
            problem = f"{name} is what order {order_id} is for, which names this reservation"
            raise Conflict(f"{field}.reservation", problem, cancel_first(order_id))
        ends_ns = until_ns[name]
        if ends_ns is not None and ends_ns <= starts_ns:
            problem = f"{name} is reserved until {to_rfc3339(ends_ns)}, and the order begins later"
            raise Conflict(f"{field}.reservation", problem, "Reserve it for longer (farebox inventory reserve)")
    return found


def check_start(work: Work, requested_start_ns: int | None) -> None:
    """Invalid where an order is to begin long ago. Clocks that are behind, and what was on its way for long, are forgiven."""
    if requested_start_ns is not None and requested_start_ns < work.now_ns - PAST_NS_MAX:
        problem = f"{to_rfc3339(requested_start_ns)} is past, it is {to_rfc3339(work.now_ns)}"
        raise Invalid(
            "requested_start_ns", problem, "Write an instant that is to come, or leave it out: it begins now then"
        )


def check_taken_once(items: Sequence[NewItem]) -> None:
    """Conflict where two items are for one number or SIM, chosen or reserved: who gets it second couldn't be made."""
    first: dict[tuple[str, str], int] = {}
    for place, item in enumerate(items):
        for kind, name in item.resources.items():
            other = first.setdefault((kind, name), place)
            if other != place:
                problem = f"{name} is item {other + 1}'s already"
                raise Conflict(f"items[{place}].resources.{kind}", problem, "Choose another one for each item, or none")


@contextmanager
def named_by(field: str) -> Iterator[None]:
    """What isn't there is named by the field that asked for it."""
    try:
        yield
    except NotFound as error:
        raise NotFound(field, error.reason, error.remedy) from None
