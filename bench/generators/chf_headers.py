"""Kernels that read header blocks of answers: the status, and of a create where its charging data is.

We announce a header table of no octets (SETTINGS_HEADER_TABLE_SIZE), so a block refers to the static table alone and is
read without a memory of the blocks before it (RFC 7541 §4.2). Servers write strings in Huffman's code or plain.
"""

import numpy as np

from bench.generators.chf_templates import REF_DIGITS
from bench.generators.fleet import RIGHT, WRONG_FRAME, WRONG_LOCATION
from bench.generators.huffman import BROKEN, decode_huffman
from vocabulary.kernel import kernel

HEAD_STATUS = 0
HEAD_HAS_REF = 1
HEAD_BODY_OCTETS = 2
HEAD_COLUMNS = 3
"""Columns of `heads`: what is known of an answer that has begun, by slot."""

STATIC_ENTRIES = 61
_STATUS_FIRST = 8
_STATUS_LAST = 14
_STATUSES = (200, 204, 206, 304, 400, 404, 500)
_LOCATION = 46
_SLASH = 47
_INTEGER_OCTETS_MAX = 3


@kernel
def read_integer(octets, at, end, prefix_bits):
    """(integer, place behind it) of RFC 7541 §5.1 at octets[at]; (BROKEN, at) where it does not end, or is too long."""
    most = (1 << prefix_bits) - 1
    value = np.int64(octets[at]) & most
    at += 1
    if value < most:
        return value, at
    for index in range(_INTEGER_OCTETS_MAX):
        if at >= end:
            break
        octet = np.int64(octets[at])
        at += 1
        value += (octet & 127) << (7 * index)
        if octet < 128:
            return value, at
    return np.int64(BROKEN), at


@kernel
def read_string(code, octets, at, end, text):
    """(length, place behind it) of the string at octets[at], its text in `text`; (BROKEN, at) where it is none.

    Where `text` has no room at all, the string is passed over and its length is 0.
    """
    if at >= end:
        return np.int64(BROKEN), at
    is_huffman = octets[at] >= 128
    length, first = read_integer(octets, at, end, 7)
    if length < 0 or first + length > end:
        return np.int64(BROKEN), at
    if text.shape[0] == 0:
        return np.int64(0), first + length
    if is_huffman:
        return np.int64(decode_huffman(code, octets, first, first + length, text)), first + length
    if length > text.shape[0]:
        return np.int64(BROKEN), at
    for index in range(length):
        text[index] = octets[first + index]
    return length, first + length


@kernel
def _take_status(head, text, length):
    status = np.int64(0)
    for index in range(length):
        status = 10 * status + np.int64(text[index]) - 48
    head[HEAD_STATUS] = status
    return length == 3


@kernel
def _take_location(head, text, length, ref):
    """The ref is the last segment of the path."""
    first = length - REF_DIGITS
    if first < 1 or text[first - 1] != _SLASH:
        return False
    for index in range(REF_DIGITS):
        if text[first + index] == _SLASH:
            return False
        ref[index] = text[first + index]
    head[HEAD_HAS_REF] = 1
    return True


@kernel
def _literal_name_bits(octet):
    """Bits of the index of a literal field's name, by its first octet: with indexing, without, never (RFC 7541 §6.2)."""
    return 6 if octet >= 64 else 4


@kernel
def read_headers(wire, octets, start, end, head, ref):
    """Read a header block: status and whether there is a ref into `head`, the ref into `ref`. RIGHT or what is wrong.

    ref   uint8[REF_DIGITS], or uint8[0]: a location is not looked at
    """
    nothing = wire.text[:0]
    at = start
    while at < end:
        octet = octets[at]
        if octet >= 128:
            name, at = read_integer(octets, at, end, 7)
            if name < 1 or name > STATIC_ENTRIES:
                return WRONG_FRAME
            if _STATUS_FIRST <= name <= _STATUS_LAST:
                head[HEAD_STATUS] = _STATUSES[name - _STATUS_FIRST]
            continue
        if 32 <= octet < 64:
            size, at = read_integer(octets, at, end, 5)
            if size != 0:
                return WRONG_FRAME
            continue
        name, at = read_integer(octets, at, end, _literal_name_bits(octet))
        if name < 0 or name > STATIC_ENTRIES:
            return WRONG_FRAME
        if name == 0:
            length, at = read_string(wire.code, octets, at, end, nothing)
            if length < 0:
                return WRONG_FRAME
        is_status = _STATUS_FIRST <= name <= _STATUS_LAST
        is_wanted = is_status or (name == _LOCATION and ref.shape[0] > 0)
        length, at = read_string(wire.code, octets, at, end, wire.text if is_wanted else nothing)
        if length < 0:
            return WRONG_FRAME
        if is_status and not _take_status(head, wire.text, length):
            return WRONG_FRAME
        if is_wanted and not is_status and not _take_location(head, wire.text, length, ref):
            return WRONG_LOCATION
    return RIGHT
