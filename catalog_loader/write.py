"""A release as the mapping of a release file: what a person would write to get it. Reading it gives the same release."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import UNSET

from catalog_loader.amounts import money_text, units_text
from catalog_loader.release import Allowance, Offer, Price, Release, Service, canonical
from catalog_loader.schema import CONTEXT_WORDS, SPECIAL_WORDS, UNITS
from catalog_loader.week import DAYS, time_text
from charging.tariff_tables import ANY
from vocabulary.instants import to_rfc3339
from vocabulary.units import Unit

LISTS: Final = ("allowances", "prices", "offers")
"""Keys of a release file that hold entries; each entry has an id."""

_SPECIAL_NUMBERS: Final = {number: word for word, number in SPECIAL_WORDS.items()}

Entry = dict[str, Any]


def file_of(release: Release) -> dict[str, Any]:
    """The file's mapping, in texts, whole numbers, lists and mappings: JSON, which is YAML."""
    ordered = canonical(release)
    return {
        "release": header_of(ordered),
        "allowances": [_allowance(each) for each in ordered.allowances],
        "prices": [_price(each, ordered.currency) for each in ordered.prices],
        "offers": [_offer(each, ordered.currency) for each in ordered.offers],
    }


def header_of(release: Release) -> Entry:
    """The mapping of its key `release`."""
    retires = {"offers": list(release.retired_offers), "allowances": list(release.retired_allowances)}
    return _without_empty(
        {
            "number": release.number,
            "name": release.name,
            "description": release.description,
            "tenant": release.tenant,
            "currency": release.currency,
            "time_zone": release.time_zone,
            "effective": to_rfc3339(release.effective_ns),
            "retires": _without_empty(retires),
        }
    )


def _allowance(allowance: Allowance) -> Entry:
    unit = UNITS[allowance.unit]
    entry = _named(allowance) | {
        "unit": allowance.unit,
        "amount": units_text(unit, allowance.amount),
        "priority": allowance.priority,
        "granted_by": allowance.granted_by,
    }
    if allowance.valid_for_s is not None:
        entry["valid_for"] = units_text(Unit.SECONDS, allowance.valid_for_s)
    return entry


def _offer(offer: Offer, currency: str) -> Entry:
    grants: Entry = {}
    if offer.money_micros:
        grants["money"] = money_text(offer.money_micros, currency)
    if offer.allowances:
        grants["allowances"] = list(offer.allowances)
    entry = _without_empty(_named(offer) | {"grants": grants}) | {"prices": list(offer.prices)}
    if offer.credit_limit_micros:
        entry["credit_limit"] = money_text(offer.credit_limit_micros, currency)
    if offer.renewal is not UNSET:
        entry["period"] = units_text(Unit.SECONDS, offer.renewal.period_s)
        entry["fee"] = money_text(offer.renewal.fee_micros, currency)
    return entry


def _price(price: Price, currency: str) -> Entry:
    """Keys that its control leaves nothing to do are left out, as the reader wants it."""
    unit = UNITS[price.unit]
    entry = _named(price) | {"service": _service(price.services), "control": price.control, "unit": price.unit}
    if price.control not in ("charged", "free"):
        return entry
    grant = {
        "default": units_text(unit, price.grant_units),
        "min": units_text(unit, price.grant_units_min),
        "max": units_text(unit, price.grant_units_max),
    }
    terms = price.terms
    if terms.threshold_percent:
        grant["threshold"] = f"{terms.threshold_percent} %"
    elif terms.threshold_units:
        grant["threshold"] = units_text(unit, terms.threshold_units)
    entry |= {"grant": grant, "validity": units_text(Unit.SECONDS, price.validity_s)}
    if terms.holding_s:
        entry["holding_time"] = units_text(Unit.SECONDS, terms.holding_s)
    return entry | _charge(price, currency) if price.control == "charged" else entry


def _charge(price: Price, currency: str) -> Entry:
    entry: Entry = {
        "block": units_text(UNITS[price.unit], price.block_units),
        "rounding": price.rounding,
        "rounding_over": price.rounding_over,
        "final_action": price.final_action,
        "settled_by": price.settled_by,
    }
    if price.price_micros is not None:
        entry["price"] = money_text(price.price_micros, currency)
    optional = {
        "allowances": list(price.allowances),
        "redirect_to": price.terms.redirect_to,
        "filter_id": price.terms.filter_id,
        "filter_rule": price.terms.filter_rule,
        "bands": [
            {
                "days": [DAYS[day] for day in band.days],
                "from": time_text(band.from_min),
                "to": time_text(band.to_min),
                "price": money_text(band.price_micros, currency),
            }
            for band in price.bands
        ],
    }
    return entry | _without_empty(optional)


def _service(services: Sequence[Service]) -> Entry:
    """A file names services as contexts times rating groups times service identifiers; so do releases that came from files."""
    entry: Entry = {
        "context": [CONTEXT_WORDS.get(context, context) for context in sorted({each.context for each in services})],
        "rating_group": [_number(each) for each in sorted({each.rating_group for each in services})],
    }
    identifiers = sorted({each.service_identifier for each in services})
    if identifiers != [ANY]:
        entry["service_identifier"] = [_number(each) for each in identifiers]
    return entry


def _number(number: int) -> int | str:
    return _SPECIAL_NUMBERS.get(number, number)


def _named(thing: Allowance | Offer | Price) -> Entry:
    entry = {"id": thing.id, "name": thing.name, "description": thing.description}
    return _without_empty(entry)


def _without_empty(entry: Mapping[str, Any]) -> Entry:
    return {key: value for key, value in entry.items() if value not in ("", [], {})}
