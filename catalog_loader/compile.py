"""A checked release to TariffTables, and tables of several releases stacked into one set.

Everything that a kernel needs is a number here: ids are their number_of_name, words their enum, and a price of several
services is a row for each. The order is the contract of charging.tariff_tables.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from catalog_loader.redirects import final_unit
from catalog_loader.release import Price, Release, Service
from catalog_loader.schema import CONTROLS, FINAL_ACTIONS, ROUNDING_SCOPES, ROUNDINGS, SETTLED_BY, UNITS
from catalog_loader.week import changes_of_week
from catalog_loader.zones import offsets_of
from charging.final_units import NO_FINAL_UNIT, FinalUnit, number_of_final_unit, pack_final_units, read_final_units
from charging.tariff_tables import (
    BAND_DTYPE,
    OFFER_DTYPE,
    OFFSET_DTYPE,
    PRICE_DTYPE,
    RELEASE_DTYPE,
    TariffTables,
    empty_tables,
)
from vocabulary.ids import number_of_name
from vocabulary.limits import TENANTS_MAX


class BandRows(NamedTuple):
    """Where the bands of a price lie, and how many offsets its zone has."""

    first: int
    row_count: int
    offset_count: int


def compile_release(release: Release, tenant: int) -> TariffTables:
    """Tables of one release that has no faults (catalog_loader.check).

    tenant   int, 1..TENANTS_MAX: the store's number of the release's tenant
    """
    if not 1 <= tenant <= TENANTS_MAX:
        raise ValueError(f"tenant is {tenant}: numbers of tenants are 1 to {TENANTS_MAX}")
    by_id = {price.id: price for price in release.prices}
    offers: list[tuple[int, ...]] = []
    rows: list[tuple[int, ...]] = []
    allowances: list[int] = []
    bands: list[tuple[int, int]] = []
    placed: dict[str, BandRows] = {}
    offsets = offsets_of(release.time_zone) if any(price.bands for price in release.prices) else ()
    for price_id, price in sorted(by_id.items()):
        changes = changes_of_week(price)
        placed[price_id] = BandRows(len(bands), len(changes), len(offsets) if changes else 0)
        bands.extend((60 * minute, micros) for minute, micros in changes)
    for number, offer in sorted((number_of_name(offer.id), offer) for offer in release.offers):
        keyed = sorted((service, name) for name in offer.prices for service in by_id[name].services)
        offers.append((tenant, release.number, number, len(rows), len(keyed)))
        allowance_first: dict[str, int] = {}
        for service, name in keyed:
            if name not in allowance_first:
                allowance_first[name] = len(allowances)
                allowances.extend(number_of_name(allowance) for allowance in by_id[name].allowances)
            rows.append(_price_row(by_id[name], service, allowance_first[name], placed[name]))
    return TariffTables(
        np.array([(tenant, release.number, release.effective_ns)], RELEASE_DTYPE),
        np.array(offers, OFFER_DTYPE),
        np.array(rows, PRICE_DTYPE),
        np.array(allowances, np.int32),
        pack_final_units(_final_unit(price) for price in by_id.values() if _has_final_texts(price)),
        np.array(bands, BAND_DTYPE),
        np.array(list(offsets), OFFSET_DTYPE),
    )


def _has_final_texts(price: Price) -> bool:
    return bool(price.terms.redirect_to or price.terms.filter_id or price.terms.filter_rule)


def _final_unit(price: Price) -> FinalUnit:
    return final_unit(price.terms.redirect_to, price.terms.filter_id, price.terms.filter_rule)


def _price_row(price: Price, service: Service, allowance_first: int, bands: BandRows) -> tuple[int, ...]:
    """One row of `prices`, in the order of PRICE_DTYPE."""
    row = {
        "service_context": service.context,
        "rating_group": service.rating_group,
        "service_identifier": service.service_identifier,
        "block_units": price.block_units,
        "price_micros": price.price_micros or 0,
        "grant_units": price.grant_units,
        "grant_units_min": price.grant_units_min,
        "grant_units_max": price.grant_units_max,
        "threshold_units": price.terms.threshold_units,
        "holding_s": price.terms.holding_s,
        "final_unit": number_of_final_unit(_final_unit(price)) if _has_final_texts(price) else NO_FINAL_UNIT,
        "validity_s": price.validity_s,
        "price": number_of_name(price.id),
        "allowance_first": allowance_first,
        "allowance_count": len(price.allowances),
        "band_first": bands.first,
        "band_count": bands.row_count,
        "offset_first": 0,
        "offset_count": bands.offset_count,
        "unit": UNITS[price.unit],
        "control": CONTROLS[price.control],
        "rounding": ROUNDINGS[price.rounding],
        "rounding_scope": ROUNDING_SCOPES[price.rounding_over],
        "has_price": price.price_micros is not None,
        "final_action": FINAL_ACTIONS[price.final_action],
        "settled_by": SETTLED_BY[price.settled_by],
        "threshold_percent": price.terms.threshold_percent,
    }
    assert PRICE_DTYPE.names is not None
    return tuple(int(row[name]) for name in PRICE_DTYPE.names)


def stack(tables: Sequence[TariffTables]) -> TariffTables:
    """One set of tables with the releases of all; the same whatever their order. ValueError where two hold one release,
    or texts of final units that have one number.

    Rows of prices and allowances follow their offers, so that a tenant's release lies together; bands and offsets follow the
    releases.
    """
    if not tables:
        return empty_tables()
    tables = sorted(tables, key=lambda table: [(int(row["tenant"]), int(row["release"])) for row in table.releases])
    bands_before = np.cumsum([0, *(len(table.bands) for table in tables)])
    offsets_before = np.cumsum([0, *(len(table.offsets) for table in tables)])
    releases = np.concatenate([table.releases for table in tables])
    pairs = {(int(row["tenant"]), int(row["release"])) for row in releases}
    if len(pairs) != len(releases):
        raise ValueError("a (tenant, release) is in two of the tables: stack each once")
    releases = releases[np.lexsort((releases["release"], releases["effective_ns"], releases["tenant"]))]
    offers = np.concatenate([table.offers for table in tables])
    owners = np.concatenate([np.full(len(table.offers), index) for index, table in enumerate(tables)])
    order = np.lexsort((offers["offer"], offers["release"], offers["tenant"]))
    prices: list[np.ndarray] = []
    allowances: list[np.ndarray] = []
    price_next, allowance_next = 0, 0
    stacked = offers[order]
    for row, owner in zip(stacked, owners[order], strict=True):
        source = tables[owner]
        own = source.prices[row["price_first"] : row["price_first"] + row["price_count"]].copy()
        own["band_first"] += bands_before[owner]
        own["offset_first"] += offsets_before[owner]
        row["price_first"] = price_next
        price_next += len(own)
        if len(own):
            first = own["allowance_first"].min()
            end = (own["allowance_first"] + own["allowance_count"]).max()
            own["allowance_first"] += allowance_next - first
            allowances.append(source.allowances[first:end])
            allowance_next += end - first
        prices.append(own)
    return TariffTables(
        releases,
        stacked,
        np.concatenate([np.zeros(0, PRICE_DTYPE), *prices]),
        np.concatenate([np.zeros(0, np.int32), *allowances]),
        pack_final_units(unit for table in tables for unit in read_final_units(table.final_units).values()),
        np.concatenate([table.bands for table in tables]),
        np.concatenate([table.offsets for table in tables]),
    )
