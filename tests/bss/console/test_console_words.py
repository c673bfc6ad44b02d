"""Values as people read and type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bss.console.words import amount, instant, instant_of, micros_of, money, person, words_of
from vocabulary.instants import FOREVER_NS
from vocabulary.units import Unit


@given(st.integers(-(10**17), 10**17))
def test_money_that_is_shown_reads_as_the_same_micros(micros: int) -> None:
    shown = money(micros, "EUR").removesuffix(" EUR").replace(",", "")
    assert micros_of(shown) == micros


@pytest.mark.parametrize("text", ["", "-", ".", "1e3", "1.2345678", "12 EUR", "1,000.50", "--1", "٣", "1" * 13])
def test_what_is_no_sum_of_money(text: str) -> None:
    assert micros_of(text) is None


def test_amounts_have_their_units() -> None:
    assert amount(3 << 30, Unit.OCTETS, "EUR") == "3.00 GiB"
    assert amount(90, Unit.SECONDS, "EUR") == "1:30 min"
    assert amount(7, Unit.EVENTS, "EUR") == "7 events"
    assert amount(-1_500_000, Unit.MONEY, "EUR") == "-1.50 EUR"
    assert (instant(None), instant(FOREVER_NS)) == ("-", "without end")


def test_instants_are_read_as_they_are_written() -> None:
    assert instant_of(" 2026-03-01T12:00:00Z ") == instant_of("2026-03-01T13:00:00+01:00")
    for wrong in ("", "soon", "2026-03-01T12:00:00", "2026-13-01T12:00:00Z", "1", "\0"):
        assert instant_of(wrong) is None


def test_columns_are_told_by_how_they_are_called() -> None:
    assert words_of("due_ns", 1_772_366_400 * 10**9) == "2026-03-01 12:00:00 UTC"
    assert words_of("credit_limit_micros", 80_000_000) == "80.00"
    told = [words_of("any", value) for value in (None, True, False, 7, "x", {})]
    assert told == ["-", "yes", "no", "7", "x", "{}"]
    assert [person(subject) for subject in ("user:ann", "cli:root", None, "")] == ["ann", "cli:root", "-", "-"]
