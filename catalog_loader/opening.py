"""What an account gets when it is opened with an offer, in each further period of it, and with a top-up of an allowance."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from msgspec import UNSET

from catalog_loader.faults import CatalogError, suggestion
from catalog_loader.release import Allowance, Offer, Release
from catalog_loader.schema import UNITS
from vocabulary.currencies import CURRENCY_NUMBERS
from vocabulary.ids import number_of_name
from vocabulary.instants import FOREVER_NS, NS_PER_S
from vocabulary.units import Unit


class UnknownName(CatalogError):
    """The release has no such offer or allowance; the message suggests one."""


@dataclass(frozen=True, slots=True)
class Grant:
    """An amount for one bucket; [from_ns, to_ns)."""

    unit: Unit
    amount: int
    """micros of money, or units"""
    allowance: int
    """number_of_name of the allowance, 0 for money"""
    priority: int
    from_ns: int
    to_ns: int


@dataclass(frozen=True, slots=True)
class Opening:
    """What `subscriber add` and `import` put into the command that opens an account."""

    currency: int
    """ISO 4217 number"""
    offer: int
    """number_of_name of the offer"""
    to_ns: int
    """end of the product's first period"""
    grants: tuple[Grant, ...]
    credit_limit_micros: int
    """how much may be owed on the bill; 0: the account has none"""


@dataclass(frozen=True, slots=True)
class OfferPeriod:
    """What activation or renewal of a product puts into its command: the period, what it costs and brings."""

    offer: int
    """number_of_name of the offer"""
    from_ns: int
    to_ns: int
    fee_micros: int
    grants: tuple[Grant, ...]
    """the offer's allowances, which end with the period at the latest; money comes with an opening alone"""


def opening(release: Release, offer_id: str, opened_ns: int) -> Opening:
    """What the offer gives at `opened_ns`. UnknownName where the release has no such offer.

    The first period of an offer that is renewed comes with the opening, without its fee.
    """
    offer = _offer(release, offer_id)
    to_ns = _end_of_period(offer, opened_ns)
    grants = []
    if offer.money_micros:
        grants.append(Grant(Unit.MONEY, offer.money_micros, 0, 0, 0, FOREVER_NS))
    grants.extend(_allowances_until(release, offer, opened_ns, to_ns))
    return Opening(
        CURRENCY_NUMBERS[release.currency], number_of_name(offer_id), to_ns, tuple(grants), offer.credit_limit_micros
    )


def offer_period(release: Release, offer_id: str, from_ns: int, to_ns: int | None = None) -> OfferPeriod:
    """The offer's period from an instant on. UnknownName where the release has no such offer.

    to_ns   None: as the offer says, without end where it doesn't
    """
    offer = _offer(release, offer_id)
    if to_ns is None:
        to_ns = _end_of_period(offer, from_ns)
    fee = 0 if offer.renewal is UNSET else offer.renewal.fee_micros
    grants = tuple(_allowances_until(release, offer, from_ns, to_ns))
    return OfferPeriod(number_of_name(offer_id), from_ns, to_ns, fee, grants)


def _offer(release: Release, offer_id: str) -> Offer:
    by_id = {offer.id: offer for offer in release.offers}
    if offer_id not in by_id:
        raise UnknownName(_unknown("offer", offer_id, list(by_id)))
    return by_id[offer_id]


def _end_of_period(offer: Offer, from_ns: int) -> int:
    if offer.renewal is UNSET:
        return FOREVER_NS
    return min(from_ns + offer.renewal.period_s * NS_PER_S, FOREVER_NS)


def _allowances_until(release: Release, offer: Offer, from_ns: int, to_ns: int) -> Iterator[Grant]:
    for name in offer.allowances:
        grant = allowance_grant(release, name, from_ns)
        yield replace(grant, to_ns=min(grant.to_ns, to_ns))


def allowance_grant(release: Release, allowance_id: str, from_ns: int) -> Grant:
    """The allowance as the release gives it, from an instant on. UnknownName where the release has none."""
    by_id: dict[str, Allowance] = {allowance.id: allowance for allowance in release.allowances}
    if allowance_id not in by_id:
        raise UnknownName(_unknown("allowance", allowance_id, list(by_id)))
    allowance = by_id[allowance_id]
    to_ns = FOREVER_NS
    if allowance.valid_for_s is not None:
        to_ns = min(from_ns + allowance.valid_for_s * NS_PER_S, FOREVER_NS)
    return Grant(
        UNITS[allowance.unit], allowance.amount, number_of_name(allowance_id), allowance.priority, from_ns, to_ns
    )


def _unknown(kind: str, name: str, known: list[str]) -> str:
    listed = ", ".join(sorted(known)[:10]) or "none"
    return f"the release has no {kind} {name}. {suggestion(name, known, otherwise=f'It has {listed}')}"
