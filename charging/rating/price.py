"""Units to micros: price per block of units, rounded, with what is left over carried to the session's next report."""

from charging.tariff_tables import RoundingScope
from vocabulary.kernel import kernel
from vocabulary.limits import MICROS_MAX, UNITS_MAX
from vocabulary.money import ROUNDING_UP, divide_rounded

_SESSION = int(RoundingScope.SESSION)


@kernel
def starting_carry(price, carry):
    """The carry that counts for a report: the session's, or 0 where each report is rounded alone.

    A release may give the price another block while a session is open; units that were carried are kept within one block.
    """
    if price.rounding_scope != _SESSION:
        return 0
    return min(max(carry, -price.block_units), price.block_units)


@kernel
def cost_of(price, units, carry):
    """(micros, carry after) of `units` used after `carry`; micros -1 where the charge would pass MICROS_MAX.

    units   int64 0..UNITS_MAX
    carry   int64 -block..block: units not charged yet; below zero: paid ahead
    """
    total = carry + units
    blocks = max(divide_rounded(total, price.block_units, price.rounding), 0)
    after = total - blocks * price.block_units
    if price.rounding_scope != _SESSION:
        after = 0
    if price.price_micros > 0 and blocks > MICROS_MAX // price.price_micros:
        return -1, carry
    return blocks * price.price_micros, after


@kernel
def affordable_units(price, free_micros, carry):
    """Units that `free_micros` pays after `carry`, in whole blocks. The price is above zero.

    Blocks beyond UNITS_MAX are not counted, so that the product stays within 64 bits.
    """
    blocks = min(max(free_micros, 0) // price.price_micros, UNITS_MAX // price.block_units + 2)
    return max(blocks * price.block_units - carry, 0)


@kernel
def micros_to_reserve(price, units, carry):
    """Micros that cover `units` after `carry` however the use is cut into reports: started blocks in full."""
    blocks = max(divide_rounded(carry + units, price.block_units, ROUNDING_UP), 0)
    if price.price_micros > 0 and blocks > MICROS_MAX // price.price_micros:
        return MICROS_MAX
    return blocks * price.price_micros


@kernel
def carry_after_reserve(price, units, carry):
    """The carry, zero or below, that whole blocks for `units` leave."""
    total = carry + units
    return total - max(divide_rounded(total, price.block_units, ROUNDING_UP), 0) * price.block_units
