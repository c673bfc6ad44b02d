"""The Huffman code of HPACK (RFC 7541 Appendix B), which is canonical: the lengths of its codes say all.

Codes of a length are consecutive, in the order of their symbols, so a code is known by how far it is behind the first of
its length. The characters of a path have codes of five to eight bits: two or three comparisons each.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vocabulary.kernel import kernel

# fmt: off
CODE_BITS = (
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28,
    28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11,
    10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8,
    15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5,
    6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7,
    7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23,
    23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21,
    23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25,
    26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26,
    28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
)
# fmt: on
"""Bits of the code of each octet, and of EOS."""
BITS_MIN = 5
BITS_MAX = 30
BROKEN = -1


class HuffmanCode(NamedTuple):
    """By bits of a code, 0..BITS_MAX: the first such code, how many there are, and where their symbols begin."""

    first_code: NDArray[np.int64]
    code_count: NDArray[np.int64]
    first_symbol: NDArray[np.int64]
    symbols: NDArray[np.int16]  # in the order of codes


def huffman_code() -> HuffmanCode:
    """The code of RFC 7541."""
    bits = np.array(CODE_BITS, np.int64)
    symbols = np.argsort(bits, kind="stable").astype(np.int16)
    count = np.bincount(bits, minlength=BITS_MAX + 1).astype(np.int64)
    first_symbol = np.cumsum(count) - count
    first_code = np.zeros(BITS_MAX + 1, np.int64)
    for length in range(1, BITS_MAX + 1):
        first_code[length] = (first_code[length - 1] + count[length - 1]) << 1
    return HuffmanCode(first_code, count, first_symbol, symbols)


@kernel
def decode_huffman(code, octets, start, end, text):
    """The text of octets[start:end]; its length, BROKEN where it is no such code or longer than `text` (RFC 7541 §5.2)."""
    length = 0
    value, bits = np.int64(0), 0
    ones = np.int64(1)
    for at in range(start, end):
        for shift in range(7, -1, -1):
            bit = (np.int64(octets[at]) >> shift) & 1
            value = (value << 1) | bit
            ones &= bit
            bits += 1
            if bits < BITS_MIN:
                continue
            if bits > BITS_MAX:
                return BROKEN
            behind = value - code.first_code[bits]
            if behind < code.code_count[bits]:
                symbol = np.int64(code.symbols[code.first_symbol[bits] + behind])
                if symbol > 255 or length >= text.shape[0]:
                    return BROKEN
                text[length] = symbol
                length += 1
                value, bits, ones = np.int64(0), 0, np.int64(1)
    return length if bits < 8 and ones == 1 else BROKEN
