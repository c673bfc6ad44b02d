"""Days and times as people write them, and what each minute of a week costs by them."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_loader.compile import compile_release, stack
from catalog_loader.release import Band
from catalog_loader.week import band_text, changes_of_week, parse_days, parse_time
from catalog_loader.zones import FIRST, LAST, offsets_of
from charging.rating.time_bands import micros_at
from tests.catalog_loader.sample_release import data_price, small_release
from vocabulary.instants import NS_PER_S

BASE = 20_000
WEEK = [(day, minute) for day in range(7) for minute in range(1440)]
days = st.sets(st.integers(0, 6), min_size=1).map(sorted).map(tuple)
minutes = st.integers(0, 1439) | st.sampled_from((0, 60, 119, 120, 121, 180, 1439))
bands = st.builds(
    lambda days, from_min, length, micros: Band(
        days=days, from_min=from_min, to_min=(from_min + length - 1) % 1440 + 1, price_micros=micros
    ),
    days,
    minutes,
    st.integers(1, 1439),
    st.sampled_from((0, 1, 2, BASE)),
)


def costs(own: tuple[Band, ...], day: int, minute: int) -> int:
    """What a block costs at a minute of a day, read plainly; of two bands the second counts."""
    found = BASE
    for band in own:
        is_over_midnight = band.to_min <= band.from_min
        today = day in band.days and minute >= band.from_min and (is_over_midnight or minute < band.to_min)
        yesterday = (day - 1) % 7 in band.days and is_over_midnight and minute < band.to_min
        if today or yesterday:
            found = band.price_micros
    return found


@settings(max_examples=30, deadline=None)
@given(st.lists(bands, min_size=1, max_size=4).map(tuple))
def test_changes_of_a_week_say_what_each_minute_costs(own: tuple[Band, ...]) -> None:
    changes = changes_of_week(data_price(price_micros=BASE, by_time=own))
    expected = [costs(own, day, minute) for day, minute in WEEK]
    found = []
    for minute in range(len(WEEK)):
        begun = [micros for at, micros in changes if at <= minute]
        found.append((begun or [micros for _, micros in changes] or [expected[0]])[-1])
    assert found == expected
    micros = [each for _, each in changes]
    assert all(one != other for one, other in zip(micros, micros[1:] + micros[:1], strict=True)), "each is a change"


@settings(max_examples=30, deadline=None)
@given(
    st.lists(bands, min_size=1, max_size=3).map(tuple),
    st.sampled_from(("Europe/Berlin", "America/New_York", "Pacific/Auckland")),
    st.lists(st.integers(1_767_225_600, 1_830_297_600), min_size=5, max_size=20),
)
def test_compiled_and_stacked_bands_go_by_the_clock_of_their_zone(
    own: tuple[Band, ...], zone: str, seconds: list[int]
) -> None:
    """A release with bands behind another with bands of another zone."""
    other = data_price(price_micros=BASE, by_time=(Band(days=(0,), from_min=0, to_min=60, price_micros=7),))
    releases = (
        small_release(prices=(other,)),
        small_release(number=2, time_zone=zone, prices=(data_price(price_micros=BASE, by_time=own),)),
    )
    tables = stack([compile_release(release, 1) for release in reversed(releases)])
    for second in seconds:
        local = datetime.fromtimestamp(second, UTC).astimezone(ZoneInfo(zone))
        expected = costs(own, local.weekday(), local.hour * 60 + local.minute)
        assert micros_at(tables, tables.prices[1], second * NS_PER_S) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mon", (0,)),
        ("mon-fri", (0, 1, 2, 3, 4)),
        ("fri-mon", (4, 5, 6, 0)),
        ("sun-sun", (6,)),
        ("mon-sun", (0, 1, 2, 3, 4, 5, 6)),
    ],
)
def test_days(text: str, expected: tuple[int, ...]) -> None:
    assert parse_days(text) == expected


@pytest.mark.parametrize("text", ["", "-", "mon-", "-fri", "Mon", "monday", "mon-fri-sun", "mon,tue", "mon - fri"])
def test_what_is_no_days(text: str) -> None:
    assert parse_days(text) == ()


@pytest.mark.parametrize(("text", "expected"), [("00:00", 0), ("08:30", 510), ("23:59", 1439), ("24:00", 1440)])
def test_times_of_day(text: str, expected: int) -> None:
    assert parse_time(text) == expected


@pytest.mark.parametrize("text", ["", "8:00", "24:01", "25:00", "08:60", "08:00:00", "0800", "noon"])
def test_what_is_no_time_of_day(text: str) -> None:
    assert parse_time(text) is None


def test_a_band_in_words() -> None:
    band = Band(days=(0, 1, 2, 4, 6), from_min=1320, to_min=360, price_micros=1)
    assert band_text(band) == "mon-wed,fri,sun 22:00-06:00"


@pytest.mark.parametrize(
    "name", ["UTC", "Europe/Berlin", "Africa/Casablanca", "Australia/Lord_Howe", "America/St_Johns"]
)
def test_offsets_are_those_of_the_zone(name: str) -> None:
    """At noon and midnight of each day, and on both sides of each row."""
    offsets, zone = offsets_of(name), ZoneInfo(name)
    moments = [FIRST + timedelta(hours=12 * half) for half in range((LAST - FIRST).days * 2)]
    moments += [
        datetime.fromtimestamp(offset.from_ns // NS_PER_S + side, UTC) for offset in offsets[1:] for side in (-1, 0)
    ]
    row, place = offsets[0], 0
    for moment in sorted(moments):
        while place + 1 < len(offsets) and offsets[place + 1].from_ns <= int(moment.timestamp()) * NS_PER_S:
            place += 1
            row = offsets[place]
        expected = moment.astimezone(zone).utcoffset()
        assert expected is not None
        assert row.offset_s == expected.total_seconds(), moment
