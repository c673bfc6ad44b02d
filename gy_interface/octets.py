"""Big-endian numbers in octet arrays, and the hash of an AVP: the smallest kernels of the codec.

Places are turned to unsigned before they index: Numba then leaves out its test for negative places, and LLVM makes one
load with byte swap of the four or eight (0.3 ns instead of 3). Nothing here checks a place: the callers have.
"""

import numpy as np
from numba import int64, uint8, uint64

from vocabulary.kernel import inlined_kernel

_PRIME_1 = np.uint64(0x9E3779B185EBCA87)
_PRIME_2 = np.uint64(0xC2B2AE3D27D4EB4F)
_PRIME_3 = np.uint64(0x165667B19E3779F9)
_STRIPE_OCTETS = 32


@inlined_kernel
def load32(octets, at):
    """int64 0..2**32-1 at octets[at:at + 4]."""
    first = uint64(at)
    return (
        (int64(octets[first]) << 24)
        | (int64(octets[first + uint64(1)]) << 16)
        | (int64(octets[first + uint64(2)]) << 8)
        | int64(octets[first + uint64(3)])
    )


@inlined_kernel
def load64(octets, at):
    """uint64 at octets[at:at + 8]."""
    first = uint64(at)
    return (
        (uint64(octets[first]) << uint64(56))
        | (uint64(octets[first + uint64(1)]) << uint64(48))
        | (uint64(octets[first + uint64(2)]) << uint64(40))
        | (uint64(octets[first + uint64(3)]) << uint64(32))
        | (uint64(octets[first + uint64(4)]) << uint64(24))
        | (uint64(octets[first + uint64(5)]) << uint64(16))
        | (uint64(octets[first + uint64(6)]) << uint64(8))
        | uint64(octets[first + uint64(7)])
    )


@inlined_kernel
def store32(octets, at, value):
    """Write the low 32 bits of `value`; the place after them."""
    first = uint64(at)
    octets[first] = uint8(value >> 24)
    octets[first + uint64(1)] = uint8(value >> 16)
    octets[first + uint64(2)] = uint8(value >> 8)
    octets[first + uint64(3)] = uint8(value)
    return at + 4


@inlined_kernel
def store64(octets, at, value):
    """Write int64 `value`; the place after it."""
    store32(octets, at, value >> 32)
    store32(octets, at + 4, value)
    return at + 8


@inlined_kernel
def _mix(state, word):
    state ^= word * _PRIME_2
    return ((state << uint64(31)) | (state >> uint64(33))) * _PRIME_1


@inlined_kernel
def hash_avp(octets, at, padded):
    """64-bit hash of an AVP with header and padding, `padded` octets, a multiple of 4. Not keyed: equal or not is all.

    Four words at a time, independent of each other, because a chain of multiplications is what a hash costs.
    """
    end = at + padded
    state = _PRIME_3 + uint64(padded)
    if padded >= _STRIPE_OCTETS:
        lane1, lane2, lane3 = _PRIME_1, _PRIME_2, _PRIME_3
        while at + _STRIPE_OCTETS <= end:
            state = _mix(state, load64(octets, at))
            lane1 = _mix(lane1, load64(octets, at + 8))
            lane2 = _mix(lane2, load64(octets, at + 16))
            lane3 = _mix(lane3, load64(octets, at + 24))
            at += _STRIPE_OCTETS
        state = _mix(_mix(_mix(state, lane1), lane2), lane3)
    while at + 8 <= end:
        state = _mix(state, load64(octets, at))
        at += 8
    if at < end:
        state = _mix(state, uint64(load32(octets, at)))
    return state ^ (state >> uint64(29))


@inlined_kernel
def chain_hash(state, avp_hash):
    """The body's hash with one more AVP; the order of AVPs counts."""
    return _mix(state, avp_hash)


@inlined_kernel
def fold_hash(state):
    """A 64-bit hash as int64 0..2**32-1."""
    state = (state ^ (state >> uint64(32))) * _PRIME_3
    return int64(state >> uint64(32))
