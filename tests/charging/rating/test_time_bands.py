"""Prices by the time of the week: the kernels against the clock on the wall (tests/reference/bands.py)."""

from datetime import datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from charging.batch import HAS_USED, HAS_USED_BEFORE, HAS_USED_OCTETS, MSCC_DTYPE
from charging.rating.time_bands import (
    change_after,
    change_before,
    micros_at,
    rates_of_usage,
    span_at,
    until_change,
    window_of_grant,
)
from charging.tariff_tables import TariffTables
from tests.reference.bands import Band, ns_of
from tests.reference.tariffs import Catalogue, Price, Release, tariff_tables
from vocabulary.instants import FOREVER_NS, NS_PER_S
from vocabulary.units import Unit

ZONES = ("Europe/Berlin", "UTC", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca")
DAY_S = 86400


def instant(text: str) -> int:
    """Of a date and time with an offset."""
    return ns_of(datetime.fromisoformat(text))


CLOCKS_CHANGED = (
    instant("2026-03-29T03:00:00+02:00"),  # Berlin, forward; a Sunday
    instant("2026-10-25T02:00:00+01:00"),  # back
    instant("2026-11-01T01:00:00-05:00"),  # New York, back
    instant("2026-04-05T01:30:00+10:30"),  # Lord Howe, back by half an hour
)


@st.composite
def some_bands(draw: st.DrawFn) -> tuple[Band, ...]:
    """Two to six bands, often in the hours in which clocks are changed; neighbours differ, as the tables say."""
    starts = draw(
        st.lists(
            st.tuples(
                st.sampled_from((0, 1, 5, 6, 6)), st.sampled_from((0, 1, 2, 2, 3, 20)), st.sampled_from((0, 30, 59))
            ),
            min_size=2,
            max_size=6,
            unique=True,
        )
    )
    bands: list[Band] = []
    for start in sorted(starts):
        last = bands[-1].micros if bands else -1
        bands.append(Band(*start, draw(st.sampled_from([micros for micros in (0, 1, 2, 7) if micros != last]))))
    if bands[0].micros == bands[-1].micros:
        bands[-1] = Band(bands[-1].day, bands[-1].hour, bands[-1].minute, 9)
    return tuple(bands)


instants = st.one_of(
    st.integers(1_700_000_000, 2_000_000_000).map(lambda second: second * NS_PER_S),
    st.builds(
        lambda changed, seconds, fraction: changed + seconds * NS_PER_S + fraction,
        st.sampled_from(CLOCKS_CHANGED),
        st.integers(-7200, 7200),
        st.sampled_from((0, 1, -1)),
    ),
    st.sampled_from(CLOCKS_CHANGED),
)


def tables_of(price: Price) -> tuple[TariffTables, Any]:
    """The tables with this price, and its row."""
    tables = tariff_tables(Catalogue((Release(1, offers={1: (price,)}),)))
    return tables, tables.prices[0]


NIGHTS = (Band(0, 8, 0, 5), Band(0, 20, 0, 2), Band(1, 8, 0, 5), Band(1, 20, 0, 2))


@settings(max_examples=100, deadline=None)
@given(some_bands(), st.sampled_from(ZONES), instants, st.sampled_from((3600, DAY_S, 7 * DAY_S)))
@example(NIGHTS, "Europe/Berlin", CLOCKS_CHANGED[0], DAY_S)
def test_price_and_changes_are_those_of_the_wall(bands: tuple[Band, ...], zone: str, at_ns: int, within_s: int) -> None:
    """The price now, the next change and the last one, by the clock on the wall, also where that is changed."""
    price = Price(bands=bands, zone=zone)
    tables, row = tables_of(price)
    assert micros_at(tables, row, at_ns) == price.micros_at(at_ns)
    micros, begins_ns, ends_ns = span_at(tables, row, at_ns)
    assert begins_ns <= at_ns < ends_ns
    assert micros == price.micros_at(begins_ns) == price.micros_at(ends_ns - 1)
    until_ns, since_ns = at_ns + within_s * NS_PER_S, at_ns - within_s * NS_PER_S
    ahead = price.changes(at_ns, until_ns)
    expected = (ahead[0], price.micros_at(ahead[0])) if ahead else (FOREVER_NS, micros)
    assert change_after(tables, row, at_ns, until_ns) == expected
    behind = price.changes(since_ns, at_ns + 1)
    expected = (behind[-1], price.micros_at(behind[-1] - 1)) if behind else (since_ns, micros)
    assert change_before(tables, row, at_ns, since_ns) == expected


@settings(max_examples=100, deadline=None)
@given(
    some_bands(),
    st.sampled_from(ZONES),
    instants,
    st.sampled_from((1, 60, 3600, DAY_S, 7 * DAY_S)),
    st.sampled_from((Unit.OCTETS, Unit.SECONDS, Unit.EVENTS)),
    st.booleans(),
)
def test_a_grant_is_never_used_at_a_dearer_price(
    bands: tuple[Band, ...], zone: str, at_ns: int, validity_s: int, unit: Unit, ends_at_change: bool
) -> None:
    """At no instant of its validity does a block cost more than what is reserved, and it sees one change at most."""
    price = Price(bands=bands, zone=zone, validity_s=validity_s, unit=unit)
    tables, row = tables_of(price)
    window = window_of_grant(tables, row, ends_at_change, at_ns)
    assert 1 <= window.validity_s <= validity_s
    ends_ns = at_ns + window.validity_s * NS_PER_S
    changes = price.changes(at_ns, at_ns + validity_s * NS_PER_S)
    used = price.changes(at_ns, ends_ns) if window.validity_s > 1 else []
    assert window.now_micros == price.micros_at(at_ns)
    assert window.micros == max(price.micros_at(moment) for moment in (at_ns, *used)) or window.validity_s == 1
    assert len(used) <= (0 if ends_at_change else 1)
    if not changes or ends_at_change or unit == Unit.SECONDS:
        assert window.tariff_change_s == 0
    else:
        assert window.tariff_change_s * NS_PER_S == changes[0]
    cut = until_change(window)
    assert cut.micros == cut.now_micros == window.now_micros
    assert cut.validity_s == 1 or not price.changes(at_ns, at_ns + cut.validity_s * NS_PER_S)


def mscc_of(octets: int, before: int | None) -> Any:
    """A report."""
    rows = np.zeros(1, MSCC_DTYPE)
    rows["used_octets"], rows["presence"] = octets, HAS_USED | HAS_USED_OCTETS
    if before is not None:
        rows["before_octets"], rows["presence"] = before, HAS_USED | HAS_USED_OCTETS | HAS_USED_BEFORE
    return rows[0]


MONDAY_8 = instant("2026-06-01T08:00:00+02:00")


@pytest.mark.parametrize(
    ("unit", "used", "before", "from_s", "to_s", "expected"),
    [
        (Unit.OCTETS, 100, 40, -600, 600, (40, 2, 5)),  # split by the client
        (Unit.OCTETS, 100, None, -600, 600, (0, 2, 5)),  # not split: by its end
        (Unit.OCTETS, 100, 999, -600, 600, (100, 2, 5)),  # more before than there was
        (Unit.OCTETS, 100, 40, -600, -60, (0, 2, 2)),  # "before" a change that is still to come
        (Unit.OCTETS, 100, 40, 0, 600, (0, 5, 5)),  # of a change that was reported already
        (Unit.OCTETS, 100, None, -600, 0, (0, 2, 2)),  # reported at the very change
        (Unit.OCTETS, 100, None, 0, 0, (0, 5, 5)),
        (Unit.SECONDS, 100, None, -600, 60, (40, 2, 5)),  # a call: the last 60 s are behind the change
        (Unit.SECONDS, 30, None, -600, 60, (0, 2, 5)),
        (Unit.EVENTS, 3, None, -600, 60, (0, 2, 5)),
    ],
)
def test_a_report_is_split_at_the_last_change(
    unit: Unit, used: int, before: int | None, from_s: int, to_s: int, expected: tuple[int, int, int]
) -> None:
    """Two micros until eight on Monday, five from then on."""
    tables, row = tables_of(Price(bands=NIGHTS, zone="Europe/Berlin", unit=unit))
    from_ns, to_ns = MONDAY_8 + from_s * NS_PER_S, MONDAY_8 + to_s * NS_PER_S
    assert tuple(rates_of_usage(tables, row, mscc_of(used, before), used, from_ns, to_ns)) == expected


def test_a_price_without_bands_is_what_it_is() -> None:
    """No change, whatever the client says."""
    tables, row = tables_of(Price(price_micros=3, validity_s=60))
    assert tuple(rates_of_usage(tables, row, mscc_of(100, 40), 100, 0, MONDAY_8)) == (0, 3, 3)
    assert tuple(window_of_grant(tables, row, False, MONDAY_8)) == (3, 60, 0, 3, 60)
