"""Units to micros against exact fractions: costs, carries, and what a reservation must hold."""

from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from charging.rating.price import (
    affordable_units,
    carry_after_reserve,
    cost_of,
    cost_of_report,
    micros_to_reserve,
    starting_carry,
)
from charging.rating.time_bands import UsageRates
from charging.tariff_tables import PRICE_DTYPE, RoundingScope
from vocabulary.limits import BLOCK_UNITS_MAX, MICROS_MAX, PRICE_MICROS_MAX, UNITS_MAX
from vocabulary.money import Rounding

blocks = st.one_of(st.integers(1, 100), st.sampled_from((1000, 1 << 20, BLOCK_UNITS_MAX)))
prices_micros = st.one_of(st.integers(0, 100), st.sampled_from((20_000, PRICE_MICROS_MAX)))
units = st.one_of(st.integers(0, 500), st.integers(0, UNITS_MAX))
quick = settings(max_examples=100)


def price_row(
    block_units: int,
    price_micros: int,
    rounding: Rounding = Rounding.UP,
    scope: RoundingScope = RoundingScope.SESSION,
) -> Any:
    """A row of PRICE_DTYPE."""
    rows = np.zeros(1, PRICE_DTYPE)
    rows["block_units"], rows["price_micros"], rows["has_price"] = block_units, price_micros, 1
    rows["rounding"], rows["rounding_scope"] = rounding, scope
    return rows[0]


def rounded(exact: Fraction, rounding: Rounding) -> int:
    """The integer that a rounding mode makes of it."""
    if rounding == Rounding.HALF_EVEN:
        return round(exact)
    return ceil(exact) if rounding == Rounding.UP else floor(exact)


@quick
@given(blocks, prices_micros, units, st.integers(-100, 100), st.sampled_from(Rounding), st.sampled_from(RoundingScope))
def test_cost_is_the_rounded_blocks(
    block_units: int, price_micros: int, used: int, carry: int, rounding: Rounding, scope: RoundingScope
) -> None:
    """The charge is whole blocks of carry and use, and what is not charged is carried on; too much is refused."""
    carry = max(min(carry, block_units), -block_units)
    micros, after = cost_of(price_row(block_units, price_micros, rounding, scope), price_micros, used, carry)
    count = max(rounded(Fraction(carry + used, block_units), rounding), 0)
    if count * price_micros > MICROS_MAX:
        assert (micros, after) == (-1, carry)
    else:
        assert micros == count * price_micros
        assert after == carry + used - count * block_units


@quick
@given(blocks, st.integers(0, 100), st.lists(st.integers(0, 500), max_size=12), st.sampled_from(Rounding))
def test_reports_of_a_session_cost_what_their_sum_costs_within_a_block(
    block_units: int, price_micros: int, reports: list[int], rounding: Rounding
) -> None:
    """However the use is cut: up charges the started blocks of the sum, down the full ones, half-even within a block."""
    price = price_row(block_units, price_micros, rounding)
    carry = total = 0
    for used in reports:
        micros, carry = cost_of(price, price_micros, used, carry)
        total += micros
    exact = Fraction(sum(reports), block_units)
    if rounding == Rounding.UP:
        assert total == ceil(exact) * price_micros
    elif rounding == Rounding.DOWN:
        assert total == floor(exact) * price_micros
    else:
        assert abs(Fraction(total) - exact * price_micros) <= price_micros


@quick
@given(
    blocks,
    st.one_of(st.integers(1, 100), st.just(PRICE_MICROS_MAX)),
    st.integers(-1000, MICROS_MAX),
    st.integers(-100, 100),
    st.sampled_from(Rounding),
    st.sampled_from(RoundingScope),
)
def test_what_is_affordable_can_be_paid_however_it_is_reported(
    block_units: int, price_micros: int, free: int, carry: int, rounding: Rounding, scope: RoundingScope
) -> None:
    """The reservation for it fits into the money, covers its cost, and one unit more would not fit."""
    price = price_row(block_units, price_micros, rounding, scope)
    carry = starting_carry(price, carry)
    bought = affordable_units(price, price_micros, free, carry)
    if bought > UNITS_MAX:
        return
    held = micros_to_reserve(price, price_micros, bought, carry)
    if bought > 0:
        assert 0 <= held <= max(free, 0)
        assert cost_of(price, price_micros, bought, carry)[0] <= held
    if bought + 1 <= UNITS_MAX - block_units:
        assert ceil(Fraction(carry + bought + 1, block_units)) * price_micros > max(free, 0)


@quick
@given(
    blocks,
    st.tuples(st.integers(0, 100), st.integers(0, 100)),
    st.lists(st.integers(0, 500), min_size=3, max_size=3).map(sorted),
    st.integers(-100, 100),
    st.sampled_from(Rounding),
    st.sampled_from(RoundingScope),
)
def test_a_report_over_a_tariff_change_costs_no_more_than_was_reserved(
    block_units: int,
    micros: tuple[int, int],
    amounts: list[int],
    carry: int,
    rounding: Rounding,
    scope: RoundingScope,
) -> None:
    """However much of a grant is used, and however much of that before the change: the dearer price pays for it."""
    before, used, granted = amounts
    price = price_row(block_units, 0, rounding, scope)
    carry = starting_carry(price, carry)
    cost, after = cost_of_report(price, UsageRates(before, *micros), used, before, carry)
    assert 0 <= cost <= micros_to_reserve(price, max(micros), granted, carry)
    if scope == RoundingScope.REPORT:
        assert after == 0
    if micros[0] == micros[1]:
        whole, _ = cost_of_report(price, UsageRates(0, *micros), used, 0, carry)
        assert cost == whole or rounding == Rounding.HALF_EVEN, "the change of nothing costs nothing"
    elif before in (0, used):
        expected, _ = cost_of(price, micros[before == 0], used, carry)
        assert cost == expected or used == 0


@quick
@given(blocks, units, st.integers(-100, 100))
def test_a_reservation_leaves_a_carry_that_is_paid_ahead(block_units: int, wanted: int, carry: int) -> None:
    """After whole blocks were held for it, the rest of the last block is free: zero or below, by less than a block."""
    price = price_row(block_units, 1)
    carry = starting_carry(price, carry)
    after = carry_after_reserve(price, wanted, carry)
    assert after == carry + wanted - max(ceil(Fraction(carry + wanted, block_units)), 0) * block_units
    assert -block_units <= after <= 0


def test_the_carry_of_another_release_is_kept_within_a_block() -> None:
    """A price with a smaller block charges at most one block of what was carried; REPORT scope forgets it."""
    assert starting_carry(price_row(10, 1), 5000) == 10
    assert starting_carry(price_row(10, 1), -5000) == -10
    assert starting_carry(price_row(10, 1, scope=RoundingScope.REPORT), 7) == 0
