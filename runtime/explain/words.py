"""A session's steps in words: which release, offer and price decided, which buckets paid, why a grant has its size, why it was
refused. A function of steps and catalogue: `farebox session show` prints it, a console may lay it out otherwise.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from balances.commands import Change
from balances.journal import FIRST_DEBIT, MovementKind
from balances.record import AccountStatus
from catalog_loader.amounts import units_text
from catalog_loader.price_words import Catalogue, PriceOfRelease, charge_at, final_words
from catalog_loader.schema import UNITS
from charging.batch import KIND_COMMAND, KIND_EXPIRE
from charging.tariff_tables import FinalAction
from charging.usage_record import GrantBasis
from runtime.denial_words import denial_words
from runtime.explain.steps import Moved, ServiceStep, Step
from runtime.subscriber_view import amount_text
from vocabulary.currencies import currency_text
from vocabulary.instants import FOREVER_NS, to_rfc3339
from vocabulary.outcome_words import OUTCOME_WORDS, OutcomeWords
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

_TYPES: Final = {1: "INITIAL", 2: "UPDATE", 3: "TERMINATION", 4: "EVENT"}
_COMMANDS: Final = {1: "open", 2: "change", 3: "reauth", 4: "abort", 5: "end session"}
"""By `requests.command`; others are numbers here."""
ENDED: Final = {
    1: "the session ended with it",
    2: "the session ended: nothing was heard of it within its time",
    3: "the session ended: its client began it anew",
    4: "the session ended: Farebox ended it, its client had lost it or didn't heed what it was told",
}
"""By `requests.ended_session`."""


@dataclass(frozen=True, slots=True)
class MovedWords:
    """An amount that entered or left a bucket."""

    kind: str
    """such as "charged", "topped up" """
    direction: str
    """in or out"""
    amount: str
    bucket: str
    bucket_id: int


@dataclass(frozen=True, slots=True)
class ServiceWords:
    """What was decided for one service of a request; empty texts are: nothing to say."""

    service: str
    outcome: str
    release: str
    offer: str
    price: str
    block_price: str
    band: str
    """the time of the week that makes it so"""
    settled_by: str
    """balance or bill"""
    used: str
    uncharged: str
    """of it, paid by nothing"""
    paid: tuple[MovedWords, ...]
    requested: str
    granted: str
    why_granted: tuple[str, ...]
    """why so much: sentences without their full stop"""
    final: str
    """what follows when it is used up, where it is the last"""
    refused: str
    """why, where it was"""
    remedy: str


@dataclass(frozen=True, slots=True)
class StepWords:
    """One request, account command or ending."""

    at: str
    position: str
    """id of the journal entry, and row of its requests"""
    what: str
    """such as "UPDATE 3" or "top-up voucher-7" """
    outcome: str
    asked: tuple[str, ...]
    """what an account command was to change besides amounts, and why: sentences without their full stop"""
    refused: str
    remedy: str
    ended: str
    moved: tuple[MovedWords, ...]
    services: tuple[ServiceWords, ...]


def explain(step: Step, catalogue: Catalogue) -> StepWords:
    """A step in words."""
    is_refused = step.outcome != Outcome.GRANTED
    said = _said(step, step.outcome)
    return StepWords(
        at=to_rfc3339(step.at_ns),
        position=f"{step.entry_id}/{step.row}",
        what=_what(step),
        outcome=step.outcome.name.lower(),
        asked=() if step.change is None else tuple(_asked(step, step.change, catalogue)),
        refused=said.meaning if is_refused else "",
        remedy=said.remedy if is_refused else "",
        ended=ENDED.get(step.ended_session, ""),
        moved=_all_moved(step, step.moved, catalogue),
        services=tuple(_service(step, service, catalogue) for service in step.services),
    )


def _said(step: Step, outcome: Outcome) -> OutcomeWords:
    """What an outcome means in this step, and what helps."""
    if outcome != Outcome.END_USER_SERVICE_DENIED:
        return OUTCOME_WORDS[outcome]
    # A command is refused so by an account that is closed, and by no other (docs/charging.md §9).
    return denial_words(AccountStatus.CLOSED if step.kind == KIND_COMMAND else step.denied_status)


def _what(step: Step) -> str:
    if step.kind == KIND_COMMAND:
        return f"{_COMMANDS.get(step.command, f'account command {step.command}')} {step.command_id}".strip()
    if step.kind == KIND_EXPIRE:
        return "without a request"
    return f"{_TYPES.get(step.request_type, 'request')} {step.number}"


def _asked(step: Step, change: Change, catalogue: Catalogue) -> Iterator[str]:
    """Amounts are told as they moved."""
    names, tenant = catalogue.names, step.tenant
    if change.status != AccountStatus.NONE:
        yield f"Status: {change.status.name.lower()}"
    if change.applies is not None:
        applied = change.applies
        until = "" if applied.to_ns == FOREVER_NS else f" until {to_rfc3339(applied.to_ns)}"
        yield f"Product: {names.offer(tenant, applied.offer)}, from {to_rfc3339(applied.from_ns)}{until}"
    if change.ends is not None:
        yield f"Product ended: {names.offer(tenant, change.ends.offer)}, at {to_rfc3339(change.ends.at_ns)}"
    if change.credit_limit_micros is not None:
        yield f"Credit limit: {amount_text(Unit.MONEY, change.credit_limit_micros, currency_text(step.currency))}"
    if change.reason:
        yield f"Reason: {change.reason}"


def _all_moved(step: Step, moved: tuple[Moved, ...], catalogue: Catalogue) -> tuple[MovedWords, ...]:
    currency = currency_text(step.currency)
    return tuple(
        MovedWords(
            kind=MovementKind(each.kind).name.lower().replace("_", " ") if each.kind in set(MovementKind) else "moved",
            direction="in" if each.kind < FIRST_DEBIT else "out",
            amount=amount_text(each.unit, each.amount, currency),
            bucket="bill" if each.unit == Unit.BILL else catalogue.names.allowance(step.tenant, each.allowance),
            bucket_id=each.bucket_id,
        )
        for each in moved
    )


def _service(step: Step, service: ServiceStep, catalogue: Catalogue) -> ServiceWords:
    names, tenant = catalogue.names, step.tenant
    known = catalogue.price(tenant, service.release, service.price)
    block, band = ("", "") if known is None else _charge(known, service, step)
    refused, remedy = _refusal(step, service, known, block)
    return ServiceWords(
        service=_name_of(service),
        outcome=service.outcome.name.lower(),
        release=names.release(tenant, service.release) if service.release else "",
        offer=names.offer(tenant, service.offer) if service.offer else "",
        price=names.price(tenant, service.price) if service.price else "",
        block_price=block,
        band=band,
        settled_by="" if not service.price else "bill" if service.settled_by == Unit.BILL else "balance",
        used=_amount(service.unit, service.used_units),
        uncharged=_amount(service.unit, service.uncharged_units),
        paid=_all_moved(step, service.paid, catalogue),
        requested=_amount(_unit_of_grants(service, known), service.requested_units),
        granted=_amount(_unit_of_grants(service, known), service.granted_units),
        why_granted=tuple(_why_granted(service, known)),
        final=_final(service, known),
        refused=refused,
        remedy=remedy,
    )


def _name_of(service: ServiceStep) -> str:
    """ "rating group 10, service 7" """
    group = "no rating group" if service.rating_group is None else f"rating group {service.rating_group}"
    return group if service.service_identifier is None else f"{group}, service {service.service_identifier}"


def _amount(unit: Unit, units: int) -> str:
    """The units in words; of a service without a price, whose unit nobody knows, the number."""
    if units == 0:
        return ""
    return str(units) if unit == Unit.MONEY else units_text(unit, units)


def _unit_of_grants(service: ServiceStep, known: PriceOfRelease | None) -> Unit:
    """The price's: what was reported may be in another, where its client named none of the price's."""
    return service.unit if known is None else UNITS[known.price.unit]


def _charge(known: PriceOfRelease, service: ServiceStep, step: Step) -> tuple[str, str]:
    """(price of a block, band): at the end of what was used, else at the decision; both, where usage saw a change."""
    if not service.used_units:
        return charge_at(known, step.at_ns)
    first = charge_at(known, service.from_ns)
    last = charge_at(known, max(service.to_ns - 1, service.from_ns))
    if first == last:
        return last
    return f"{first.block}, then {last.block}", f"{first.band or 'other times'}, then {last.band or 'other times'}"


def _why_granted(service: ServiceStep, known: PriceOfRelease | None) -> Iterator[str]:
    """Why the grant has its size; nothing where none was to be had."""
    basis = service.basis
    if GrantBasis.REQUESTED in basis:
        yield f"the client asked for {_amount(_unit_of_grants(service, known), service.requested_units)}"
    if known is not None:
        price, unit = known.price, UNITS[known.price.unit]
        if GrantBasis.PRICE_SIZE in basis:
            yield f"the client named no amount, the price gives {units_text(unit, price.grant_units)}"
        if GrantBasis.RAISED_TO_MIN in basis:
            yield f"the price gives {units_text(unit, price.grant_units_min)} at least"
        if GrantBasis.CUT_TO_MAX in basis:
            yield f"the price gives {units_text(unit, price.grant_units_max)} at most"
    if service.granted_units == 0:
        return
    if GrantBasis.FUNDS in basis:
        yield f"allowances and {_payer(service)} for no more"
    if GrantBasis.TARIFF_CHANGE in basis:
        yield "it is to be used before the price changes, as all of it couldn't be paid then"
    if GrantBasis.LAST in basis:
        yield "it is the last: nothing is left to grant after it"


def _payer(service: ServiceStep) -> str:
    """Who pays behind the allowances, with the verb."""
    return "the bill's credit limit are good" if service.settled_by == Unit.BILL else "money pay"


def _final(service: ServiceStep, known: PriceOfRelease | None) -> str:
    if service.final_action == 0:
        return ""
    if known is None:
        return FinalAction(service.final_action).name.lower()
    when = "when it is used up" if service.granted_units else "credit is used up, and at once"
    return f"{when}, {final_words(known.price)}"


def _refusal(step: Step, service: ServiceStep, known: PriceOfRelease | None, block: str) -> tuple[str, str]:
    """(why it was refused, what helps); empty where it wasn't."""
    if service.outcome == Outcome.GRANTED:
        return "", ""
    said, name = _said(step, service.outcome), _name_of(service)
    if service.outcome in (Outcome.RATING_FAILED, Outcome.AUTHORIZATION_REJECTED):
        return f"{said.meaning} ({name})", said.remedy
    if known is None:
        return said
    price = known.price
    if service.outcome == Outcome.END_USER_SERVICE_DENIED and price.control == "denied":
        return f"the price {price.id} denies this service", "Sell an offer that has it, or change the price"
    if service.outcome != Outcome.CREDIT_LIMIT_REACHED:
        return said
    allowances, told = ", ".join(price.allowances), "the client is told by itself"
    if price.price_micros is None:
        return (
            f"the allowances of the price are used up ({allowances}), and it takes no money",
            f"Top up {allowances}; {told}",
        )
    pays, top_up = "money doesn't pay", "Top up money"
    if service.settled_by == Unit.BILL:
        pays, top_up = "the credit limit of the bill leaves no room", "Have what is owed settled, or raise the limit"
    if not allowances:
        return f"{pays} for one block more ({block})", f"{top_up}; {told}"
    used_up = f"no allowance of the price is left ({allowances}), and {pays} for one block more ({block})"
    return used_up, f"{top_up}, or top up one of the allowances; {told}"


def sentences(service: ServiceWords) -> Iterator[str]:
    """What was decided for a service, a sentence a line, for screens that have no columns for it."""
    if service.price:
        price = f"Price: {service.price} of {service.offer}, release {service.release}"
        block = f": {service.block_price}" if service.block_price else ""
        band = f" ({service.band})" if service.band else ""
        yield price + block + band + (", on the bill" if service.settled_by == "bill" else "")
    if service.used:
        paid = " and ".join(f"{each.amount} of {each.bucket} (bucket {each.bucket_id})" for each in service.paid)
        free = f", {service.uncharged} of it paid by nothing" if service.uncharged else ""
        yield f"Used: {service.used}, paid by {paid or 'nothing'}{free}"
    if service.granted:
        yield f"Granted: {service.granted}" + (": " + "; ".join(service.why_granted) if service.why_granted else "")
    if service.final:
        yield f"Then: {service.final}"
    if service.refused:
        yield f"Refused ({service.outcome}): " + "; ".join((*service.why_granted, service.refused))
        yield f"What helps: {service.remedy}"
