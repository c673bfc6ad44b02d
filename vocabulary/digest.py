"""SipHash-2-4 with 128 bits of output: names of sessions and identities as two uint64, compared instead of text.

Keyed with a secret of the store, so that no peer can construct two Session-Ids that meet. A kernel, because every
request needs it; Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), and its 128-bit reference output.
"""

import numpy as np
from numba import uint64

from vocabulary.kernel import inlined_kernel, kernel

_C0 = np.uint64(0x736F6D6570736575)
_C1 = np.uint64(0x646F72616E646F6D)
_C2 = np.uint64(0x6C7967656E657261)
_C3 = np.uint64(0x7465646279746573)


@inlined_kernel
def _rotate_left(value, count):
    return (value << uint64(count)) | (value >> uint64(64 - count))


@inlined_kernel
def _round(v0, v1, v2, v3):
    v0 += v1
    v1 = _rotate_left(v1, 13) ^ v0
    v0 = _rotate_left(v0, 32)
    v2 += v3
    v3 = _rotate_left(v3, 16) ^ v2
    v0 += v3
    v3 = _rotate_left(v3, 21) ^ v0
    v2 += v1
    v1 = _rotate_left(v1, 17) ^ v2
    v2 = _rotate_left(v2, 32)
    return v0, v1, v2, v3


@kernel
def digest128(octets, start, length, secret, domain):
    """(high, low) uint64 of octets[start:start + length] under `secret` uint64[2].

    domain   int64: what the octets name (a tenant and a kind), mixed into the key, so that equal texts of two tenants
             have nothing in common
    """
    key0 = secret[0] ^ uint64(domain)
    key1 = secret[1]
    v0, v1, v2, v3 = key0 ^ _C0, key1 ^ _C1 ^ uint64(0xEE), key0 ^ _C2, key1 ^ _C3
    whole = length & ~7
    for at in range(start, start + whole, 8):
        word = uint64(0)
        for index in range(8):
            word |= uint64(octets[at + index]) << uint64(8 * index)
        v3 ^= word
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
        v0 ^= word
    word = uint64(length & 0xFF) << uint64(56)
    for index in range(length - whole):
        word |= uint64(octets[start + whole + index]) << uint64(8 * index)
    v3 ^= word
    v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    v0 ^= word
    v2 ^= uint64(0xEE)
    for _ in range(4):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    low = v0 ^ v1 ^ v2 ^ v3
    v1 ^= uint64(0xDD)
    for _ in range(4):
        v0, v1, v2, v3 = _round(v0, v1, v2, v3)
    return v0 ^ v1 ^ v2 ^ v3, low
