"""A catalogue as plain objects, the search for a price in it, and what a number of units costs in exact fractions."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor

import numpy as np

from catalog_loader.zones import offsets_of
from charging.tariff_tables import (
    ABSENT,
    ANY,
    BAND_DTYPE,
    NO_FINAL_UNITS,
    OFFER_DTYPE,
    OFFSET_DTYPE,
    PRICE_DTYPE,
    RELEASE_DTYPE,
    Control,
    FinalAction,
    RoundingScope,
    TariffTables,
)
from tests.reference.account import Account
from tests.reference.bands import Band, band_micros, changes_between
from vocabulary.money import Rounding
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit


@dataclass(frozen=True, slots=True)
class Price:
    """What one service costs within an offer."""

    rating_group: int = ANY
    service_identifier: int = ANY
    service_context: int = 32251
    unit: Unit = Unit.OCTETS
    block_units: int = 1
    price_micros: int = 1
    has_price: bool = True
    allowances: tuple[int, ...] = ()
    grant_units: int = 100
    grant_units_min: int = 1
    grant_units_max: int = 2**40
    validity_s: int = 3600
    threshold_units: int = 0
    threshold_percent: int = 0
    holding_s: int = 0
    number: int = 1
    control: Control = Control.CHARGED
    rounding: Rounding = Rounding.UP
    scope: RoundingScope = RoundingScope.SESSION
    final_action: FinalAction = FinalAction.TERMINATE
    final_unit: int = 0
    settled_by: Unit = Unit.MONEY
    """MONEY or BILL"""
    bands: tuple[Band, ...] = ()
    """in the order of the week; where there are some, price_micros means nothing"""
    zone: str = "UTC"

    def micros_at(self, at_ns: int) -> int:
        """Of a block."""
        return band_micros(self.bands, self.zone, at_ns) if self.bands else self.price_micros

    def changes(self, since_ns: int, until_ns: int) -> list[int]:
        """Instants strictly between the two at which a block's price changes."""
        return changes_between(self.bands, self.zone, since_ns, until_ns) if self.bands else []

    @property
    def goes_on(self) -> bool:
        """Is a user without credit redirected or restricted, instead of being refused?"""
        return self.final_action in (FinalAction.REDIRECT, FinalAction.RESTRICT)

    def threshold(self, granted: int) -> int:
        """What is left of a grant when more is to be asked for; 0 where that is nothing, or not a part of the grant."""
        units = self.threshold_units
        if self.threshold_percent:
            units = min(floor(Fraction(granted * self.threshold_percent, 100)), 2**32 - 1)
        return units if units < granted else 0

    def blocks(self, units: int) -> int:
        """Blocks that so many units are charged as; below zero where more was paid ahead."""
        exact = Fraction(units, self.block_units)
        if self.rounding == Rounding.UP:
            return ceil(exact)
        if self.rounding == Rounding.DOWN:
            return floor(exact)
        return round(exact)  # Python rounds a Fraction half to even


@dataclass(frozen=True, slots=True)
class Release:
    """A catalogue release of a tenant: prices by offer number."""

    number: int
    effective_ns: int = 0
    tenant: int = 1
    offers: dict[int, tuple[Price, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """The price that decides, with the why-ids; or the outcome where there is none."""

    price: Price | None
    release: int = 0
    offer: int = 0
    refusal: Outcome = Outcome.UNDECIDED


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All releases of all tenants."""

    releases: tuple[Release, ...] = ()

    def release_for(self, tenant: int, pinned: int, now_ns: int) -> Release | None:
        """The pinned release, or where that is 0 the one in force."""
        own = [release for release in self.releases if release.tenant == tenant]
        if pinned:
            return next((release for release in own if release.number == pinned), None)
        begun = [release for release in own if release.effective_ns <= now_ns]
        return max(begun, key=lambda release: release.effective_ns, default=None)

    def price_for(
        self,
        account: Account,
        service_context: int,
        rating_group: int | None,
        identifier: int | None,
        now_ns: int,
        release_ns: int,
    ) -> Found:
        """The price of a service by docs/charging.md §4, the release in force being that of `release_ns`."""
        asked: list[tuple[Release, int]] = []
        for product in sorted(account.products, key=lambda product: product.priority):
            if not product.is_valid(now_ns):
                continue
            release = self.release_for(account.tenant, product.release, release_ns)
            if release is None:
                continue
            asked.append((release, product.offer))
            price = best_price(release.offers.get(product.offer, ()), service_context, rating_group, identifier)
            if price is not None:
                return Found(price, release.number, product.offer)
        group = ABSENT if rating_group is None else rating_group
        for release, _ in asked:
            for prices in release.offers.values():
                if any(price.service_context == service_context and price.rating_group == group for price in prices):
                    return Found(None, refusal=Outcome.AUTHORIZATION_REJECTED)
        return Found(None, refusal=Outcome.RATING_FAILED)


def best_price(
    prices: Iterable[Price], service_context: int, rating_group: int | None, identifier: int | None
) -> Price | None:
    """The first that exists of (group, identifier), (group, ANY), (ANY, ANY)."""
    group = ABSENT if rating_group is None else rating_group
    for wanted in ((group, identifier), (group, ANY), (ANY, ANY)):
        for price in prices:
            if price.service_context == service_context and (price.rating_group, price.service_identifier) == wanted:
                return price
    return None


def tariff_tables(catalogue: Catalogue) -> TariffTables:
    """The same catalogue as the arrays that the kernels search, sorted as charging.tariff_tables says."""
    releases = sorted(catalogue.releases, key=lambda release: (release.tenant, release.effective_ns))
    offers: list[tuple[int, ...]] = []
    rows: list[tuple[int, ...]] = []
    allowances: list[int] = []
    bands: list[tuple[int, int]] = []
    zones = sorted(
        {price.zone for r in catalogue.releases for own in r.offers.values() for price in own if price.bands}
    )
    offsets = [offset for zone in zones for offset in offsets_of(zone)]
    for release in sorted(catalogue.releases, key=lambda release: (release.tenant, release.number)):
        for offer, prices in sorted(release.offers.items()):
            offers.append((release.tenant, release.number, offer, len(rows), len(prices)))
            for price in sorted(prices, key=lambda p: (p.service_context, p.rating_group, p.service_identifier)):
                offset_first = sum(len(offsets_of(zone)) for zone in zones if zone < price.zone)
                rows.append(_price_row(price, len(allowances), len(bands), offset_first))
                allowances.extend(price.allowances)
                bands.extend(
                    (band.day * 86400 + band.hour * 3600 + band.minute * 60, band.micros) for band in price.bands
                )
    return TariffTables(
        np.array([(r.tenant, r.number, r.effective_ns) for r in releases], RELEASE_DTYPE),
        np.array(offers, OFFER_DTYPE),
        np.array(rows, PRICE_DTYPE),
        np.array(allowances, np.int32),
        NO_FINAL_UNITS,
        np.array(bands, BAND_DTYPE),
        np.array(offsets, OFFSET_DTYPE),
    )


def _price_row(price: Price, allowance_first: int, band_first: int, offset_first: int) -> tuple[int, ...]:
    """The row in the order of PRICE_DTYPE."""
    row = {
        "service_context": price.service_context,
        "rating_group": price.rating_group,
        "service_identifier": price.service_identifier,
        "block_units": price.block_units,
        "price_micros": price.price_micros,
        "grant_units": price.grant_units,
        "grant_units_min": price.grant_units_min,
        "grant_units_max": price.grant_units_max,
        "final_unit": price.final_unit,
        "threshold_units": price.threshold_units,
        "threshold_percent": price.threshold_percent,
        "holding_s": price.holding_s,
        "validity_s": price.validity_s,
        "price": price.number,
        "allowance_first": allowance_first,
        "allowance_count": len(price.allowances),
        "band_first": band_first,
        "band_count": len(price.bands),
        "offset_first": offset_first,
        "offset_count": len(offsets_of(price.zone)) if price.bands else 0,
        "unit": price.unit,
        "control": price.control,
        "rounding": price.rounding,
        "rounding_scope": price.scope,
        "has_price": int(price.has_price),
        "final_action": price.final_action,
        "settled_by": price.settled_by,
    }
    assert PRICE_DTYPE.names is not None
    return tuple(int(row[name]) for name in PRICE_DTYPE.names)
