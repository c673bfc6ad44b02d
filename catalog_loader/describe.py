"""A release as rows of text, for `farebox catalog show`: what people check before they publish."""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import UNSET

from catalog_loader.amounts import money_text, units_text
from catalog_loader.release import Allowance, Offer, Price, Release, release_text, text_hash
from catalog_loader.rules import service_text
from catalog_loader.schema import UNITS
from catalog_loader.week import band_text
from vocabulary.instants import to_rfc3339

_SERVICES_SHOWN = 4


class DescribedOffer(NamedTuple):
    """An offer, and what it gives at opening."""

    offer: str
    name: str
    money: str
    allowances: str
    credit_limit: str
    """of its bill; - where it has none"""
    renewal: str
    """such as "9.99 EUR each 30 d" """
    price_count: str


class DescribedAllowance(NamedTuple):
    """An allowance."""

    allowance: str
    name: str
    amount: str
    valid_for: str
    priority: str
    granted_by: str


class DescribedPrice(NamedTuple):
    """A price, and the offers that have it."""

    price: str
    services: str
    charge: str
    """such as "0.02 EUR per 1 MiB, up over the session; 0.05 EUR mon-fri 08:00-20:00", "free", "allowances alone" """
    settled_by: str
    """balance, bill, or - where there is no price"""
    allowances: str
    grant: str
    """default (min to max), validity, and the terms of grants that it says"""
    final_action: str
    offers: str


class Description(NamedTuple):
    """Everything in a release; the field names of the rows are the column titles."""

    header: tuple[tuple[str, str], ...]
    offers: tuple[DescribedOffer, ...]
    allowances: tuple[DescribedAllowance, ...]
    prices: tuple[DescribedPrice, ...]


def describe(release: Release) -> Description:
    """The release in rows, by id."""
    offers_of: dict[str, list[str]] = {price.id: [] for price in release.prices}
    for offer in release.offers:
        for name in offer.prices:
            offers_of[name].append(offer.id)
    return Description(
        header=_header(release),
        offers=tuple(
            DescribedOffer(
                offer.id,
                offer.name,
                money_text(offer.money_micros, release.currency) if offer.money_micros else "-",
                ", ".join(offer.allowances) or "-",
                money_text(offer.credit_limit_micros, release.currency) if offer.credit_limit_micros else "-",
                renewal_text(offer, release.currency),
                str(len(offer.prices)),
            )
            for offer in sorted(release.offers, key=lambda offer: offer.id)
        ),
        allowances=tuple(
            _allowance(allowance) for allowance in sorted(release.allowances, key=lambda allowance: allowance.id)
        ),
        prices=tuple(
            describe_price(price, release.currency, sorted(offers_of[price.id]))
            for price in sorted(release.prices, key=lambda price: (min(price.services), price.id))
        ),
    )


def renewal_text(offer: Offer, currency: str) -> str:
    """What a renewal of the offer costs and lasts; "-" where it has no end."""
    if offer.renewal is UNSET:
        return "-"
    fee = money_text(offer.renewal.fee_micros, currency) if offer.renewal.fee_micros else "free of charge"
    return f"{fee} each {units_text(UNITS['seconds'], offer.renewal.period_s)}"


def _header(release: Release) -> tuple[tuple[str, str], ...]:
    retired = ", ".join((*release.retired_offers, *release.retired_allowances))
    rows = [
        ("release", str(release.number)),
        ("name", release.name),
        ("tenant", release.tenant),
        ("currency", release.currency),
        ("time zone", release.time_zone),
        ("effective", to_rfc3339(release.effective_ns)),
        ("hash", text_hash(release_text(release))),
    ]
    if retired:
        rows.append(("retires", retired))
    if release.description:
        rows.insert(2, ("description", release.description))
    return tuple(rows)


def _allowance(allowance: Allowance) -> DescribedAllowance:
    unit = UNITS[allowance.unit]
    valid_for = "-" if allowance.valid_for_s is None else units_text(UNITS["seconds"], allowance.valid_for_s)
    return DescribedAllowance(
        allowance.id,
        allowance.name,
        units_text(unit, allowance.amount),
        valid_for,
        str(allowance.priority),
        allowance.granted_by,
    )


def describe_price(price: Price, currency: str, offers: Sequence[str] = ()) -> DescribedPrice:
    """The price as a row; service contexts that have no word are shown as numbers."""
    unit = UNITS[price.unit]
    services = [service_text(service) for service in sorted(price.services)]
    if len(services) > _SERVICES_SHOWN:
        services[_SERVICES_SHOWN:] = [f"and {len(services) - _SERVICES_SHOWN} more"]
    if price.control != "charged":
        charge = price.control.replace("_", " ")
    elif price.price_micros is None:
        charge = "allowances alone"
    else:
        charge = f"{money_text(price.price_micros, currency)} per {units_text(unit, price.block_units)}"
        charge += f", {price.rounding.replace('_', ' ')} over the {price.rounding_over}"
        charge += "".join(
            f"; {money_text(band.price_micros, currency)} {band_text(band)}" for band in sorted(price.bands)
        )
    low, usual, high = (
        units_text(unit, units) for units in (price.grant_units_min, price.grant_units, price.grant_units_max)
    )
    grant = f"{usual} ({low} to {high}), {units_text(UNITS['seconds'], price.validity_s)}"
    terms = price.terms
    if terms.threshold_units or terms.threshold_percent:
        part = f"{terms.threshold_percent} %" if terms.threshold_percent else units_text(unit, terms.threshold_units)
        grant += f", asked again at {part}"
    if terms.holding_s:
        grant += f", held unused {units_text(UNITS['seconds'], terms.holding_s)}"
    return DescribedPrice(
        price.id,
        "; ".join(services),
        charge,
        price.settled_by if price.price_micros is not None else "-",
        ", ".join(price.allowances) or "-",
        grant if price.control in ("charged", "free") else "-",
        _final_action(price) if price.control == "charged" else "-",
        ", ".join(offers) or "-",
    )


def _final_action(price: Price) -> str:
    """ "redirect to https://top-up.example.net, filter walled-garden" """
    terms = price.terms
    to = f" to {terms.redirect_to}" if terms.redirect_to else ""
    filters = ", ".join(f"filter {text}" for text in (terms.filter_id, terms.filter_rule) if text)
    return price.final_action + to + (f", {filters}" if filters else "")
