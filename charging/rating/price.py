"""Units to micros: price per block of units, rounded, with what is left over carried to the session's next report."""

import numpy as np

from charging.tariff_tables import RoundingScope
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.limits import MICROS_MAX, UNITS_MAX
from vocabulary.money import ROUNDING_UP, divide_rounded

_SESSION = int(RoundingScope.SESSION)


@inlined_kernel
def starting_carry(price, carry):
    """The carry that counts for a report: the session's, or 0 where each report is rounded alone.

    A release may give the price another block while a session is open; units that were carried are kept within one block.
    """
    if price.rounding_scope != _SESSION:
        return 0
    return min(max(carry, -price.block_units), price.block_units)


@inlined_kernel
def cost_of(price, micros, units, carry):
    """(cost, carry after) of `units` used after `carry` at `micros` a block; cost -1 where it would pass MICROS_MAX.

    units   int64 0..UNITS_MAX
    carry   int64 -block..block: units not charged yet; below zero: paid ahead
    """
    total = carry + units
    blocks = max(divide_rounded(total, price.block_units, price.rounding), 0)
    if micros > 0 and blocks > MICROS_MAX // micros:
        return np.int64(-1), np.int64(carry)
    return np.int64(blocks * micros), np.int64(total - blocks * price.block_units)


@inlined_kernel
def cost_of_report(price, rates, units, before, carry):
    """(cost, carry after) of a report: `before` of its `units` at the rate before the tariff change; cost -1 as in cost_of.

    rates   charging.rating.time_bands.UsageRates
    A part of a block that is left where the price changes was paid, or is owed, as any part is that a report leaves.
    """
    cost, after = np.int64(0), np.int64(carry)
    if before > 0:
        cost, after = cost_of(price, rates.before_micros, before, carry)
    if cost >= 0 and before < units:
        more, after = cost_of(price, rates.micros, units - before, after)
        cost = cost + more if 0 <= more <= MICROS_MAX - cost else np.int64(-1)
    if cost < 0:
        return cost, np.int64(carry)
    return cost, after if price.rounding_scope == _SESSION else np.int64(0)


@inlined_kernel
def affordable_units(price, micros, free_micros, carry):
    """Units that `free_micros` pays after `carry` at `micros` a block, in whole blocks. `micros` is above zero.

    Blocks beyond UNITS_MAX are not counted, so that the product stays within 64 bits.
    """
    blocks = min(max(free_micros, 0) // micros, UNITS_MAX // price.block_units + 2)
    return max(blocks * price.block_units - carry, 0)


@inlined_kernel
def micros_to_reserve(price, micros, units, carry):
    """Micros that cover `units` after `carry` at `micros` a block, however the use is cut into reports: whole blocks."""
    blocks = max(divide_rounded(carry + units, price.block_units, ROUNDING_UP), 0)
    if micros > 0 and blocks > MICROS_MAX // micros:
        return MICROS_MAX
    return blocks * micros


@kernel
def carry_after_reserve(price, units, carry):
    """The carry, zero or below, that whole blocks for `units` leave."""
    total = carry + units
    return total - max(divide_rounded(total, price.block_units, ROUNDING_UP), 0) * price.block_units
