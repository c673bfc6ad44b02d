"""The account record as it lies in the store: each word in as many octets as it needs, because octets a commit are what
the store costs. A record of 400 octets takes about 200 (docs/decisions/0003).

    word count (2 octets, little-endian), then for each two words one octet of codes (low four bits: the first word's)
    followed by the octets of both words

Code 0..8 is that many octets, little-endian, the rest zero; FOREVER_NS and small negative words have codes of their own.
Kernels write and read it where records pass between arena and socket; `to_stored` and `from_stored` are for everyone else.
"""

from typing import Final

import numpy as np
from numba import int64, uint8, uint64

from vocabulary.instants import FOREVER_NS
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.limits import RECORD_WORDS_MAX
from vocabulary.octets import get_word, octets_needed, put_word

CODE_FOREVER: Final = 9
CODE_NEGATIVE: Final = 10
"""Four octets, the upper ones all ones: -2**31 .. -1."""
_NEGATIVE_OCTETS: Final = 4
_NEGATIVE_MIN: Final = -(2**31)
_UPPER_ONES: Final = np.uint64(0xFFFFFFFF00000000)
COUNT_OCTETS: Final = 2
STORED_OCTETS_MAX: Final = COUNT_OCTETS + (RECORD_WORDS_MAX + 1) // 2 * 17
ROOM_OCTETS: Final = 8
"""A word is written whole and the place moves by what it needs, so so many octets behind the last are overwritten."""

_MASKS: Final = np.array([(1 << (8 * octets)) - 1 for octets in range(9)], np.uint64)
_OCTETS_OF: Final = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 0, _NEGATIVE_OCTETS, 255, 255, 255, 255, 255], np.int64)
"""Octets that follow by code; 255 is no code."""
_BAD: Final = 255


@inlined_kernel
def _code_of(word):
    """The code of an int64."""
    if word == FOREVER_NS:
        return int64(CODE_FOREVER)
    if _NEGATIVE_MIN <= word < 0:
        return int64(CODE_NEGATIVE)
    return octets_needed(word)


@kernel
def pack_record(words, first, count, out, at):
    """Write words[first:first + count] as the store has them to out[at:]; the place behind.

    out   uint8[] with room for STORED_OCTETS_MAX and ROOM_OCTETS behind `at`
    """
    out[uint64(at)] = uint8(count)
    out[uint64(at + 1)] = uint8(count >> 8)
    at += COUNT_OCTETS
    for pair in range(first, first + count, 2):
        word = words[uint64(pair)]
        code = _code_of(word)
        codes_at = at
        put_word(out, at + 1, word)
        at += 1 + _OCTETS_OF[code]
        if pair + 1 < first + count:
            word = words[uint64(pair + 1)]
            second = _code_of(word)
            put_word(out, at, word)
            at += _OCTETS_OF[second]
            code |= second << 4
        out[uint64(codes_at)] = uint8(code)
    return at


@inlined_kernel
def _word_of(source, at, end, code):
    """The word of a code whose octets are source[at:]; `end` is the array's."""
    if code == CODE_FOREVER:
        return int64(FOREVER_NS)
    octets = _OCTETS_OF[code]
    value = uint64(0)
    if at + 8 <= end:
        value = get_word(source, at) & _MASKS[octets]
    else:
        for index in range(octets):
            value |= uint64(source[at + index]) << uint64(8 * index)
    if code == CODE_NEGATIVE:
        value |= _UPPER_ONES
    return int64(value)


@kernel
def unpack_record(source, start, length, words, first, room):
    """Write the record in source[start:start + length] to words[first:]; how many words, -1 where it is no record.

    room   int64: words that there is room for
    Nothing outside of the record is read as part of it, and nothing beyond the room is written.
    """
    if length < COUNT_OCTETS:
        return -1
    count = int64(source[start]) | (int64(source[start + 1]) << 8)
    if count > room:
        return -1
    at, end, behind = start + COUNT_OCTETS, source.shape[0], start + length
    for pair in range(0, count, 2):
        if at >= behind:
            return -1
        codes = int64(source[uint64(at)])
        low, high = codes & 15, codes >> 4
        at += 1
        if _OCTETS_OF[low] == _BAD or _OCTETS_OF[high] == _BAD or at + _OCTETS_OF[low] + _OCTETS_OF[high] > behind:
            return -1
        words[uint64(first + pair)] = _word_of(source, at, end, low)
        at += _OCTETS_OF[low]
        if pair + 1 < count:
            words[uint64(first + pair + 1)] = _word_of(source, at, end, high)
            at += _OCTETS_OF[high]
    return count if at == behind else -1


def to_stored(record: bytes) -> bytes:
    """The octets that the store has of a record."""
    words = np.frombuffer(record, np.int64)
    out = np.zeros(COUNT_OCTETS + (len(words) + 1) // 2 * 17 + ROOM_OCTETS, np.uint8)
    return out[: pack_record(words.copy(), 0, len(words), out, 0)].tobytes()


def from_stored(stored: bytes) -> bytes:
    """The record of what the store has. ValueError where it is none."""
    words = np.zeros(RECORD_WORDS_MAX, np.int64)
    source = np.frombuffer(bytearray(stored), np.uint8)
    count = unpack_record(source, 0, len(stored), words, 0, RECORD_WORDS_MAX)
    if count < 0:
        raise ValueError(f"these {len(stored)} octets are no account record: restore the store, or use its release")
    return words[:count].tobytes()


def record_or_octets(stored: bytes) -> bytes:
    """The record; the octets as they are where they are none, which readers of records then refuse by name."""
    try:
        return from_stored(stored)
    except ValueError:
        return stored
