"""The price of an offering before it is ordered, and what an order of it would do: a pure look at a release."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from bss.catalog.periods import add_period, period_words
from bss.catalog.records import Offering, OfferingPrice, PriceType
from bss.catalog.release import CatalogRelease
from catalog_loader.amounts import money_text, units_text
from catalog_loader.describe import describe_price
from catalog_loader.release import Offer
from catalog_loader.schema import UNITS
from vocabulary.instants import NS_PER_S, to_rfc3339


class Charge(NamedTuple):
    """A sum that is taken, once or each period."""

    price_id: str
    name: str
    price_type: str
    """one_time, recurring or deposit"""
    amount_micros: int
    period_length: int | None
    period_type: str | None


class Usage(NamedTuple):
    """What a use costs, in the words of the engine's price."""

    price_id: str
    name: str
    services: str
    charge: str


class Given(NamedTuple):
    """What an account gets at activation."""

    what: str
    amount: str
    expires_ns: int | None


class PricePreview(NamedTuple):
    """What an offering costs and gives when it is activated at an instant."""

    offering_id: str
    name: str
    currency: str
    charges: tuple[Charge, ...]
    one_time_micros: int
    """fees that are taken once"""
    recurring_micros: int
    """of the first period of each recurring charge"""
    deposit_micros: int
    """given back in the end"""
    due_now_micros: int
    """all of it together"""
    activated_ns: int
    period_to_ns: int | None
    """end of the shortest first period; None where nothing recurs"""
    given: tuple[Given, ...]
    usage: tuple[Usage, ...]
    credit_limit_micros: int
    """how much may be owed on the bill; 0: the account has none, and pays in advance"""


_TYPES: Final = (PriceType.ONE_TIME, PriceType.RECURRING, PriceType.DEPOSIT)


def preview_price(release: CatalogRelease, offering: Offering, *, at_ns: int) -> PricePreview:
    """The price of one product of the offering that is activated at `at_ns`; prices that aren't valid then are left out."""
    prices = [each for each in release.prices_of(offering) if each.is_valid_at(at_ns)]
    charges = tuple(_charge(each) for each in prices if each.price_type in _TYPES)
    sums = {kind: sum(each.amount_micros for each in charges if each.price_type == kind) for kind in _TYPES}
    ends = [
        add_period(at_ns, each.period_length, each.period_type, release.engine.time_zone)
        for each in charges
        if each.period_length is not None and each.period_type is not None
    ]
    offer = next((each for each in release.engine.offers if each.id == offering.offer), None)
    return PricePreview(
        offering_id=offering.id,
        name=offering.name,
        currency=release.engine.currency,
        charges=charges,
        one_time_micros=sums[PriceType.ONE_TIME],
        recurring_micros=sums[PriceType.RECURRING],
        deposit_micros=sums[PriceType.DEPOSIT],
        due_now_micros=sum(sums.values()),
        activated_ns=at_ns,
        period_to_ns=min(ends, default=None),
        given=() if offer is None else _given(release, offer, at_ns),
        usage=() if offer is None else _usage(release, offer),
        credit_limit_micros=0 if offer is None else offer.credit_limit_micros,
    )


def dry_run_lines(
    release: CatalogRelease, offering: Offering, *, at_ns: int, characteristics: Mapping[str, str]
) -> list[str]:
    """What an order would do, a step a line, for people: product, services with their resources, charging, sums."""
    preview = preview_price(release, offering, at_ns=at_ns)
    chosen = ", ".join(f"{name} {value}" for name, value in sorted(characteristics.items()))
    lines = [f"product: {offering.name} ({offering.id})" + (f", {chosen}" if chosen else "")]
    specification = release.specification(offering.product_specification_id)
    for need in specification.services if specification is not None else ():
        takes = f", takes {', '.join(need.resources)}" if need.resources else ""
        lines.append(f"service: {need.name or need.id}{takes}")
    if offering.offer is not None:
        lines.append(f"charging: the account gets offer {offering.offer}")
    if preview.credit_limit_micros:
        lines.append(f"bill: up to {money_text(preview.credit_limit_micros, preview.currency)} may be owed")
    for given in preview.given:
        until = f" until {to_rfc3339(given.expires_ns)}" if given.expires_ns is not None else ""
        lines.append(f"gives: {given.what} {given.amount}{until}")
    for charge in preview.charges:
        amount = money_text(charge.amount_micros, preview.currency)
        each = period_words(charge.period_length, charge.period_type)
        lines.append(f"{charge.price_type.replace('_', ' ')}: {charge.name} {amount} {each}".rstrip())
    lines.append(f"due now: {money_text(preview.due_now_micros, preview.currency)}")
    return lines


def _charge(price: OfferingPrice) -> Charge:
    return Charge(
        price.id,
        price.name,
        price.price_type,
        int(price.amount_micros or 0),
        price.recurring_charge_period_length,
        price.recurring_charge_period_type,
    )


def _given(release: CatalogRelease, offer: Offer, at_ns: int) -> tuple[Given, ...]:
    given = []
    if offer.money_micros:
        given.append(Given("money", money_text(offer.money_micros, release.engine.currency), None))
    allowances = {each.id: each for each in release.engine.allowances}
    for name in offer.allowances:
        each = allowances[name]
        expires_ns = None if each.valid_for_s is None else at_ns + each.valid_for_s * NS_PER_S
        given.append(Given(each.name, units_text(UNITS[each.unit], each.amount), expires_ns))
    return tuple(given)


def _usage(release: CatalogRelease, offer: Offer) -> tuple[Usage, ...]:
    rows = []
    for price in release.engine.prices:
        if price.id in offer.prices:
            row = describe_price(price, release.engine.currency)
            rows.append(Usage(price.id, price.name, row.services, row.charge))
    return tuple(rows)
