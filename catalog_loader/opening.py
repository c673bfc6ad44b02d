"""What an account gets when it is opened with an offer, and what a top-up of an allowance is: amounts with periods."""

from dataclasses import dataclass

from catalog_loader.faults import CatalogError, suggestion
from catalog_loader.release import Allowance, Release
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
    grants: tuple[Grant, ...]
    credit_limit_micros: int
    """how much may be owed on the bill; 0: the account has none"""


def opening(release: Release, offer_id: str, opened_ns: int) -> Opening:
    """What the offer gives at `opened_ns`. UnknownName where the release has no such offer."""
    by_id = {offer.id: offer for offer in release.offers}
    if offer_id not in by_id:
        raise UnknownName(_unknown("offer", offer_id, list(by_id)))
    offer = by_id[offer_id]
    grants = []
    if offer.money_micros:
        grants.append(Grant(Unit.MONEY, offer.money_micros, 0, 0, 0, FOREVER_NS))
    grants.extend(allowance_grant(release, name, opened_ns) for name in offer.allowances)
    currency = CURRENCY_NUMBERS[release.currency]
    return Opening(currency, number_of_name(offer_id), tuple(grants), offer.credit_limit_micros)


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
