"""Money is int64 micros of a currency. Rounding modes and the division that uses them stand here once.

Kernels: the package is plain numpy otherwise, but a second, interpreted copy of the rounding would be a second truth.
"""

from enum import IntEnum

from vocabulary.kernel import kernel


class Rounding(IntEnum):
    """How a part of a block is charged."""

    UP = 0
    DOWN = 1
    HALF_EVEN = 2


ROUNDING_UP = int(Rounding.UP)
ROUNDING_DOWN = int(Rounding.DOWN)


@kernel
def divide_rounded(amount, divisor, rounding):
    """amount / divisor to an integer by `rounding`.

    amount    int64, any sign; |amount| <= 2**62
    divisor   int64, 1..2**62
    Half-even compares the remainder with its complement, so that nothing is doubled and nothing overflows.
    """
    quotient = amount // divisor
    remainder = amount - quotient * divisor
    if remainder == 0 or rounding == ROUNDING_DOWN:
        return quotient
    if rounding == ROUNDING_UP:
        return quotient + 1
    other_side = divisor - remainder
    if remainder > other_side or (remainder == other_side and quotient % 2 != 0):
        return quotient + 1
    return quotient
