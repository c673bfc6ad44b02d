"""Octets of arrays: block copies, and little-endian words of as many octets as they need.

Places are turned to unsigned before they index: Numba then leaves out its test for negative places, and LLVM makes a
block copy, one load or one store of the loop (a message of 700 octets in 20 ns instead of 350). Callers check bounds.
"""

from numba import int64, uint8, uint64

from vocabulary.kernel import inlined_kernel


@inlined_kernel
def copy_octets(source, start, target, at, length):
    """target[at:at + length] = source[start:start + length]; the place behind them. Nothing where length is 0 or below."""
    first, place = uint64(start), uint64(at)
    for index in range(uint64(max(length, 0))):
        target[place + index] = source[first + index]
    return at + length


@inlined_kernel
def put_word(out, at, word):
    """The eight octets of a word at out[at:]."""
    place, value = uint64(at), uint64(word)
    for index in range(uint64(8)):
        out[place + index] = uint8(value >> (uint64(8) * index))


@inlined_kernel
def get_word(source, at):
    """uint64 of the eight octets at source[at:]."""
    place = uint64(at)
    value = uint64(0)
    for index in range(uint64(8)):
        value |= uint64(source[place + index]) << (uint64(8) * index)
    return value


@inlined_kernel
def octets_needed(word):
    """How many octets an unsigned word takes without its leading zero octets, 0..8."""
    rest = uint64(word)
    octets = int64(0)
    if rest >> uint64(32):
        octets += 4
        rest >>= uint64(32)
    if rest >> uint64(16):
        octets += 2
        rest >>= uint64(16)
    if rest >> uint64(8):
        octets += 1
        rest >>= uint64(8)
    if rest:
        octets += 1
    return octets
