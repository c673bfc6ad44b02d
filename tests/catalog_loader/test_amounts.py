"""Amounts are exact, or refused with a remedy."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_loader.amounts import WORDS, AmountInvalid, money_text, parse_money, parse_part, parse_units, units_text
from vocabulary.limits import MICROS_MAX, UNITS_MAX
from vocabulary.units import Unit


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("0", 0),
        ("0.02 EUR", 20_000),
        ("0.02", 20_000),
        ("12.5EUR", 12_500_000),
        ("0.000001", 1),
        ("0.1", 100_000),  # 0.1 * 1e6 by float would be right, 0.29 * 1e6 would be 289999.99...
        ("0.29 EUR", 290_000),
        ("1.1000000000", 1_100_000),
        ("9007199254740993.000001 EUR", 9_007_199_254_740_993_000_001),
    ],
)
def test_money_is_exact(text: str, micros: int) -> None:
    assert parse_money(text, "EUR") == micros


@given(st.integers(0, MICROS_MAX))
def test_money_comes_back(micros: int) -> None:
    text = money_text(micros, "EUR")
    assert parse_money(text, "EUR") == micros
    assert Decimal(text.removesuffix(" EUR")) == Decimal(micros) / 10**6


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("-1", "below zero"),
        ("1,5", "comma"),
        ("0.0000001", "finer than 6 decimals"),
        ("1 USD", "not in the release's currency EUR"),
        ("1 eur", "no sum"),
        ("1e3", "no sum"),
        ("½", "no sum"),
        ("٣", "no sum"),  # a digit, but not one of ours
        ("inf", "no sum"),
        ("1" * 50, "no sum"),
        ("", "no sum"),
    ],
)
def test_money_is_refused(text: str, problem: str) -> None:
    with pytest.raises(AmountInvalid, match=problem) as refused:
        parse_money(text, "EUR")
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("text", "unit", "count"),
    [
        ("10 GiB", Unit.OCTETS, 10 * 2**30),
        ("1.5GiB", Unit.OCTETS, 3 * 2**29),
        ("1 MB", Unit.OCTETS, 10**6),
        ("1 octet", Unit.OCTETS, 1),
        ("30 d", Unit.SECONDS, 30 * 86400),
        ("0.5 h", Unit.SECONDS, 1800),
        ("2 minutes", Unit.SECONDS, 120),
        ("5 events", Unit.EVENTS, 5),
        ("0.1 kB", Unit.OCTETS, 100),
    ],
)
def test_units_are_exact(text: str, unit: Unit, count: int) -> None:
    assert parse_units(text) == (unit, count)


@pytest.mark.parametrize(
    ("text", "problem", "remedy"),
    [
        ("10", "has no unit", "10 MiB"),
        ("10 Gib", "unit Gib", "GiB"),
        ("10 mins", "unit mins", "min"),
        ("1.3 octets", "no whole number", "even"),
        ("ten MiB", "no amount", "10 MiB"),
        ("1 d", "counts seconds, not octets", "10 MiB"),
        ("-1 MiB", "no amount", "10 MiB"),
    ],
)
def test_units_are_refused(text: str, problem: str, remedy: str) -> None:
    with pytest.raises(AmountInvalid, match=problem) as refused:
        parse_units(text, Unit.OCTETS)
    assert remedy in refused.value.remedy


@given(st.sampled_from([Unit.OCTETS, Unit.SECONDS, Unit.EVENTS]), st.integers(0, UNITS_MAX))
def test_units_come_back(unit: Unit, count: int) -> None:
    assert parse_units(units_text(unit, count)) == (unit, count)


def test_every_word_counts_whole_units() -> None:
    for word, (unit, factor) in WORDS.items():
        assert parse_units(f"1 {word}") == (unit, factor)
        assert factor >= 1


@pytest.mark.parametrize(
    ("text", "part"), [("20 %", (0, 20)), ("1%", (0, 1)), ("99 %", (0, 99)), ("2 MiB", (2 * 2**20, 0)), ("5 s", (5, 0))]
)
def test_a_part_is_an_amount_or_a_share(text: str, part: tuple[int, int]) -> None:
    assert parse_part(text) == part


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("0 %", "no part of a grant"),
        ("100 %", "no part of a grant"),
        ("12.5 %", "no share"),
        ("-1 %", "no share"),
        ("1000 %", "no share"),
        ("5 s", "counts seconds, not octets"),
        ("20", "has no unit"),
    ],
)
def test_a_part_is_refused(text: str, problem: str) -> None:
    with pytest.raises(AmountInvalid, match=problem) as refused:
        parse_part(text, Unit.OCTETS)
    assert refused.value.remedy
