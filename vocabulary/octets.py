"""Copying octets between arrays, the one loop that every request runs through several times."""

from numba import uint64

from vocabulary.kernel import inlined_kernel


@inlined_kernel
def copy_octets(source, start, target, at, length):
    """target[at:at + length] = source[start:start + length]; the place behind them. Nothing where length is 0 or below.

    Places are turned to unsigned before they index: Numba then leaves out its test for negative places, and LLVM makes a
    block copy of the loop (a message of 700 octets in 20 ns instead of 350). The caller has checked the bounds.
    """
    first, place = uint64(start), uint64(at)
    for index in range(uint64(max(length, 0))):
        target[place + index] = source[first + index]
    return at + length
