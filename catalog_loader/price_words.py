"""A price in words, as it is at an instant: what a block costs then, and the time of the week that makes it so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from catalog_loader.amounts import money_text, units_text
from catalog_loader.names import CatalogueNames
from catalog_loader.release import Band, Price, Release
from catalog_loader.schema import UNITS
from catalog_loader.week import DAY_MIN, band_text, minutes_of
from vocabulary.ids import number_of_name
from vocabulary.instants import NS_PER_S


class PriceOfRelease(NamedTuple):
    """A price, and the release that has it."""

    price: Price
    release: Release


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Names and prices of all published releases."""

    names: CatalogueNames = field(default_factory=CatalogueNames)
    prices: Mapping[tuple[int, int, int], PriceOfRelease] = field(default_factory=dict)
    """by (tenant number, release, number of the price's name)"""

    def price(self, tenant: int, release: int, number: int) -> PriceOfRelease | None:
        """A price of a release; None where it is not published here."""
        return self.prices.get((tenant, release, number))


def catalogue_of(releases: Iterable[tuple[int, Release]], names: CatalogueNames) -> Catalogue:
    """The catalogue of (tenant number, release)."""
    prices = {
        (tenant, release.number, number_of_name(price.id)): PriceOfRelease(price, release)
        for tenant, release in releases
        for price in release.prices
    }
    return Catalogue(names, prices)


def band_at(price: Price, time_zone: str, at_ns: int) -> Band | None:
    """The band of the week that holds at an instant, by the clock on the wall; None where the usual price does."""
    if not price.bands:
        return None
    local = datetime.fromtimestamp(at_ns // NS_PER_S, UTC).astimezone(ZoneInfo(time_zone))
    minute = local.weekday() * DAY_MIN + local.hour * 60 + local.minute
    return next((band for band in price.bands if minute in minutes_of(band)), None)


class ChargeWords(NamedTuple):
    """What a price costs."""

    block: str
    """such as "0.02 EUR per 1 MiB", "free", "allowances alone" """
    band: str
    """such as "mon-fri 08:00-20:00"; empty where the price is the usual one"""


def charge_at(known: PriceOfRelease, at_ns: int) -> ChargeWords:
    """What the price costs at an instant."""
    price, unit = known.price, UNITS[known.price.unit]
    if price.control != "charged":
        return ChargeWords(price.control.replace("_", " "), "")
    if price.price_micros is None:
        return ChargeWords("allowances alone", "")
    band = band_at(price, known.release.time_zone, at_ns)
    micros = price.price_micros if band is None else band.price_micros
    block = f"{money_text(micros, known.release.currency)} per {units_text(unit, price.block_units)}"
    return ChargeWords(block, "" if band is None else band_text(band))


def final_words(price: Price) -> str:
    """What the client does when the last grant is used up."""
    terms = price.terms
    if price.final_action == "redirect":
        return f"the user is redirected to {terms.redirect_to}"
    filters = " and ".join(f"filter {text}" for text in (terms.filter_id, terms.filter_rule) if text)
    if price.final_action == "restrict":
        return f"the user is restricted by {filters}"
    return "the client ends the service"
