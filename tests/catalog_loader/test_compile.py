"""Compiled tables say what a plain reading of the release says, in the order in which kernels search them."""

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from catalog_loader.compile import compile_release, stack
from catalog_loader.release import Allowance, Band, Offer, Price, Release, Service, Terms, price_of
from catalog_loader.schema import CONTROLS, FINAL_ACTIONS, ROUNDING_SCOPES, ROUNDINGS, SETTLED_BY, UNITS
from catalog_loader.week import changes_of_week
from catalog_loader.zones import offsets_of
from charging.final_units import FinalUnit, RedirectAddressType, number_of_final_unit, read_final_units
from charging.rating.tariff_lookup import find_offer, price_in_offer, release_in_force
from charging.tariff_tables import ABSENT, ANY, TariffTables
from tests.catalog_loader.sample_release import POSTPAID, SAMPLE_2, checked_sample, data_price, small_release
from vocabulary.ids import number_of_name
from vocabulary.limits import TENANTS_MAX

SAMPLE_RELEASE = checked_sample().release
SAMPLE_RELEASE_2 = checked_sample(SAMPLE_2).release

GROUPS = (ABSENT, 0, 10, 11, 2**32 - 1)
IDENTIFIERS = (ABSENT, 0, 5, 2**32 - 1)
CONTEXTS = (32251, 32260, 32274, 1)


def read_plainly(release: Release, offer_id: str, context: int, group: int, identifier: int) -> Price | None:
    """The price that docs/charging.md §4 says, straight from the release."""
    offer = next(offer for offer in release.offers if offer.id == offer_id)
    prices = {price.id: price for price in release.prices}
    by_service = {service: prices[name] for name in offer.prices for service in prices[name].services}
    for service in (Service(context, group, identifier), Service(context, group, ANY), Service(context, ANY, ANY)):
        if service in by_service and service.service_identifier != ABSENT:
            return by_service[service]
    return None


def look_up(tables: TariffTables, tenant: int, release: int, offer_id: str, service: Sequence[int]) -> Any:
    """The row of `prices` that the kernels find; None where they find none."""
    offer_row = find_offer(tables, tenant, release, number_of_name(offer_id))
    assert offer_row >= 0
    row = price_in_offer(tables, offer_row, *service)
    return tables.prices[row] if row >= 0 else None


def texts_of(price: Price) -> FinalUnit:
    """What follows the last grant; sample addresses are URLs."""
    terms = price.terms
    kind = RedirectAddressType.URL if terms.redirect_to else 0
    return FinalUnit(terms.redirect_to, kind, terms.filter_id, terms.filter_rule)


def assert_row_says(row: Any, price: Price, tables: TariffTables, time_zone: str = "UTC") -> None:
    """Every column of a price row, by the words of the release."""
    first, count = int(row["allowance_first"]), int(row["allowance_count"])
    assert tables.allowances[first : first + count].tolist() == [number_of_name(name) for name in price.allowances]
    week = changes_of_week(price)
    first, count = int(row["band_first"]), int(row["band_count"])
    assert tables.bands[first : first + count].tolist() == [(60 * minute, micros) for minute, micros in week]
    first, count = int(row["offset_first"]), int(row["offset_count"])
    assert [tuple(offset) for offset in tables.offsets[first : first + count].tolist()] == (
        list(offsets_of(time_zone)) if week else []
    )
    places = {"service_context", "rating_group", "service_identifier"} | {
        name for name in row.dtype.names if "_first" in name
    }
    found = {name: int(row[name]) for name in row.dtype.names if name not in places and name != "offset_count"}
    assert found == {
        "band_count": len(week),
        "block_units": price.block_units,
        "price_micros": 0 if price.price_micros is None else price.price_micros,
        "grant_units": price.grant_units,
        "grant_units_min": price.grant_units_min,
        "grant_units_max": price.grant_units_max,
        "final_unit": number_of_final_unit(texts_of(price)) if texts_of(price) != FinalUnit() else 0,
        "threshold_units": price.terms.threshold_units,
        "threshold_percent": price.terms.threshold_percent,
        "holding_s": price.terms.holding_s,
        "validity_s": price.validity_s,
        "price": number_of_name(price.id),
        "allowance_count": len(price.allowances),
        "unit": UNITS[price.unit],
        "control": CONTROLS[price.control],
        "rounding": ROUNDINGS[price.rounding],
        "rounding_scope": ROUNDING_SCOPES[price.rounding_over],
        "has_price": price.price_micros is not None,
        "final_action": FINAL_ACTIONS[price.final_action],
        "settled_by": SETTLED_BY[price.settled_by],
    }


def assert_tables_say(tables: TariffTables, tenant: int, release: Release, services: Sequence[Sequence[int]]) -> None:
    for offer in release.offers:
        for service in services:
            row = look_up(tables, tenant, release.number, offer.id, service)
            price = read_plainly(release, offer.id, *service)
            assert (row is None) == (price is None), (offer.id, service)
            if price is not None:
                assert_row_says(row, price, tables, release.time_zone)


def assert_sorted(tables: TariffTables) -> None:
    """The order that charging.tariff_tables demands, and spans that are whole."""
    releases = [(int(row["tenant"]), int(row["effective_ns"])) for row in tables.releases]
    assert releases == sorted(releases)
    offers = [(int(row["tenant"]), int(row["release"]), int(row["offer"])) for row in tables.offers]
    assert offers == sorted(set(offers))
    at = 0
    for offer in tables.offers:
        assert int(offer["price_first"]) == at
        rows = tables.prices[at : at + int(offer["price_count"])]
        keys = [(int(r["service_context"]), int(r["rating_group"]), int(r["service_identifier"])) for r in rows]
        assert keys == sorted(set(keys))
        at += len(rows)
    assert at == len(tables.prices)
    ends = tables.prices["allowance_first"] + tables.prices["allowance_count"]
    assert ends.max(initial=0) == len(tables.allowances)


SERVICES = [(context, group, identifier) for context in CONTEXTS for group in GROUPS for identifier in IDENTIFIERS]
SAMPLE_SERVICES = SERVICES + [(c, g, s) for c in CONTEXTS for g in (20, 30, 50, 100, 112, 200, 300) for s in (-1, 1000)]


@pytest.mark.parametrize("release", [SAMPLE_RELEASE, SAMPLE_RELEASE_2, checked_sample(POSTPAID).release])
def test_samples_compile_to_what_they_say(release: Release) -> None:
    tables = compile_release(release, 3)
    assert_sorted(tables)
    assert_tables_say(tables, 3, release, SAMPLE_SERVICES)


NIGHTS = (Band(days=(0, 1, 2, 3, 4, 5, 6), from_min=1320, to_min=360, price_micros=3),)
WEEKENDS = (
    Band(days=(5, 6), from_min=0, to_min=1440, price_micros=1),
    Band(days=(0, 4), from_min=600, to_min=660, price_micros=0),
)


@st.composite
def releases(draw: st.DrawFn, number: int = 1) -> Release:
    """Releases of up to three offers whose prices don't overlap; allowances and words at random."""
    allowances = tuple(Allowance(id=name, unit="octets", amount=1) for name in ("a", "b", "c"))
    prices: list[Price] = []
    offers = []
    for offer_index in range(draw(st.integers(1, 3))):
        keys = draw(
            st.lists(
                st.tuples(
                    st.sampled_from(CONTEXTS),
                    st.sampled_from((*GROUPS, ANY)),
                    st.sampled_from((*IDENTIFIERS[1:], ANY)),
                ),
                min_size=1,
                max_size=6,
                unique=True,
            )
        )
        own = []
        for price_index, key in enumerate(keys):
            price = price_of(f"p{offer_index}{price_index}", (Service(*key),), "octets", price_micros=None)
            changes = {
                "price_micros": draw(st.none() | st.integers(0, 10**12)),
                "block_units": draw(st.integers(1, 2**40)),
                "allowances": tuple(draw(st.lists(st.sampled_from("abc"), max_size=3, unique=True))),
                "rounding": draw(st.sampled_from(sorted(ROUNDINGS))),
                "rounding_over": draw(st.sampled_from(sorted(ROUNDING_SCOPES))),
                "control": draw(st.sampled_from(sorted(CONTROLS))),
                "settled_by": draw(st.sampled_from(sorted(SETTLED_BY))),
                "by_time": draw(st.sampled_from((UNSET, UNSET, NIGHTS, WEEKENDS))),
            }
            own.append(msgspec.structs.replace(price, **changes))
        prices.extend(own)
        offers.append(Offer(id=f"offer-{offer_index}", prices=tuple(price.id for price in own)))
    return Release(
        number=number,
        name="drawn",
        currency="EUR",
        time_zone=draw(st.sampled_from(("UTC", "Europe/Berlin", "America/New_York"))),
        effective_ns=draw(st.integers(0, 5)) * 10 + number,
        offers=tuple(offers),
        prices=tuple(prices),
        allowances=allowances,
    )


@settings(max_examples=60)
@given(releases())
def test_any_release_compiles_to_what_it_says(release: Release) -> None:
    tables = compile_release(release, 1)
    assert_sorted(tables)
    assert_tables_say(tables, 1, release, SERVICES)


@settings(max_examples=40)
@given(st.tuples(releases(1), releases(2), releases(3)), st.permutations([0, 1, 2, 3]))
def test_stacked_tables_say_what_each_says(drawn: tuple[Release, ...], order: list[int]) -> None:
    pairs = [(1, drawn[0]), (1, drawn[1]), (2, drawn[2]), (2, drawn[0])]
    tables = [compile_release(release, tenant) for tenant, release in pairs]
    stacked = stack([tables[index] for index in order])
    assert_sorted(stacked)
    for tenant, release in pairs:
        assert_tables_say(stacked, tenant, release, SERVICES[::7])
    for column, other in zip(stacked, stack(tables), strict=True):
        assert np.array_equal(column, other), "the order of the tables means nothing"
    for tenant in (1, 2, 3):
        for now_ns in (0, 1, 12, 23, 60):
            in_force = [release for owner, release in pairs if owner == tenant and release.effective_ns <= now_ns]
            expected = max(in_force, key=lambda release: release.effective_ns).number if in_force else 0
            assert release_in_force(stacked, tenant, now_ns) == expected


def test_nothing_stacked_rates_nothing() -> None:
    tables = stack([])
    assert [len(column) for column in tables] == [0] * len(tables)
    assert release_in_force(tables, 1, 10**18) == 0


def test_a_release_is_stacked_once() -> None:
    table = compile_release(small_release(), 1)
    with pytest.raises(ValueError, match="is in two of the tables"):
        stack([table, table])
    assert len(stack([table, compile_release(small_release(), 2)]).releases) == 2


@pytest.mark.parametrize("tenant", [0, -1, TENANTS_MAX + 1])
def test_a_tenant_has_a_number(tenant: int) -> None:
    with pytest.raises(ValueError, match=f"tenant is {tenant}"):
        compile_release(small_release(), tenant)


def test_texts_of_final_units_are_stacked_once() -> None:
    tables = []
    for number, address in enumerate(("https://a.example", "https://b.example", "https://a.example"), 1):
        price = data_price(final_action="redirect", said=Terms(redirect_to=address))
        release = small_release(number=number, prices=(price,))
        tables.append(compile_release(release, 1))
        assert_row_says(tables[-1].prices[0], price, tables[-1])
    units = read_final_units(stack(tables).final_units)
    assert sorted(unit.redirect_to for unit in units.values()) == ["https://a.example", "https://b.example"]
    assert {int(number) for table in tables for number in table.prices["final_unit"]} == set(units)
