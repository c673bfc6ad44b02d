"""Values as people read and type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bss.console.words import amount, instant, micros_of, money
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
