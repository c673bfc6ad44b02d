"""The store's protocol (RESP2) for a whole batch at a time: kernels write requests and walk replies, a buffer each.

Writers take `out` and the place `at` where to go on, and return the place after what they wrote; the caller has made
room before. `walk_replies` keeps its place in `walk`, so that octets which arrive in pieces are looked at once. Nothing
here knows a socket; balances/exchange_request.py puts the pieces together.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from balances.stored_record import COUNT_OCTETS, ROOM_OCTETS, pack_record
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.limits import STORE_REPLY_LINE_OCTETS_MAX, STORE_REPLY_OCTETS_MAX
from vocabulary.octets import copy_octets

_CR: Final = 13
_LF: Final = 10
_DOLLAR: Final = 36
_STAR: Final = 42
_COLON: Final = 58

_DIGITS_USUAL: Final = 3
"""Of a record's length: it is packed behind a header of so many digits, and again where it has other many."""
NUMBER_ROOM: Final = 20
KEY_ROOM: Final = 96
"""Octets that a key and the headers around it and its value need at most, the tag's prefix apart."""

_HEX: Final = np.frombuffer(b"0123456789abcdef", np.uint8).copy()
_SET: Final = np.frombuffer(b"*5\r\n$3\r\nSET\r\n", np.uint8).copy()
_SESSION: Final = np.frombuffer(b"$34\r\ns:", np.uint8).copy()
_EXPIRE: Final = np.frombuffer(b"*3\r\n$6\r\nEXPIRE\r\n", np.uint8).copy()
_EX: Final = np.frombuffer(b"$2\r\nEX\r\n", np.uint8).copy()
_UNLINK: Final = np.frombuffer(b"*2\r\n$6\r\nUNLINK\r\n$34\r\ns:", np.uint8).copy()


# --- writing ---------------------------------------------------------------------------------------------------------
@inlined_kernel
def count_digits(value):
    """Decimal digits of an int64 that is not below 0."""
    count = 1
    while value >= 10:
        value //= 10
        count += 1
    return count


@kernel
def put_decimal(out, at, value, digits):
    """An int64 that is not below 0, in as many digits as count_digits says."""
    for place in range(at + digits - 1, at - 1, -1):
        rest = value // 10
        out[place] = 48 + (value - 10 * rest)
        value = rest
    return at + digits


@kernel
def put_octets(out, at, source):
    """All of uint8[] `source`."""
    return copy_octets(source, 0, out, at, source.shape[0])


@inlined_kernel
def put_line_end(out, at):
    """CR LF."""
    out[at] = _CR
    out[at + 1] = _LF
    return at + 2


@kernel
def put_header(out, at, kind, count):
    """`$<count>` of a bulk string or `*<count>` of an array."""
    out[at] = kind
    return put_line_end(out, put_decimal(out, at + 1, count, count_digits(count)))


@kernel
def put_number(out, at, value):
    """A number as a bulk string."""
    digits = count_digits(value)
    at = put_header(out, at, _DOLLAR, digits)
    return put_line_end(out, put_decimal(out, at, value, digits))


@kernel
def put_digest(out, at, high, low):
    """32 hexadecimal digits."""
    for index in range(16):
        out[at + 15 - index] = _HEX[high & np.uint64(15)]
        out[at + 31 - index] = _HEX[low & np.uint64(15)]
        high >>= np.uint64(4)
        low >>= np.uint64(4)
    return at + 32


@inlined_kernel
def put_account_key(out, at, prefix, tenant, account_id):
    """`{<tag>}:a:<tenant>:<account id>` as a bulk string; `prefix` is what stands before the tenant."""
    tenant_digits = count_digits(tenant)
    account_digits = count_digits(account_id)
    at = put_header(out, at, _DOLLAR, prefix.shape[0] + tenant_digits + 1 + account_digits)
    at = put_octets(out, at, prefix)
    at = put_decimal(out, at, tenant, tenant_digits)
    out[at] = _COLON
    at = put_decimal(out, at + 1, account_id, account_digits)
    return put_line_end(out, at)


@kernel
def put_digest_key(out, at, prefix, high, low):
    """`<prefix><32 hex digits>` as a bulk string."""
    at = put_header(out, at, _DOLLAR, prefix.shape[0] + 32)
    at = put_octets(out, at, prefix)
    return put_line_end(out, put_digest(out, at, high, low))


@kernel
def put_records(out, at, prefix, arena, tenants, account_ids, slot_count):
    """Key and record of each changed slot: arguments of MSET.

    prefix   uint8[] `{<tag>}:a:`
    """
    for slot in range(slot_count):
        if arena.changed[slot] == 0:
            continue
        at = put_account_key(out, at, prefix, np.int64(tenants[slot]), account_ids[slot])
        first, words = arena.first[slot], arena.length[slot]
        behind = at + 3 + _DIGITS_USUAL
        octets = pack_record(arena.words, first, words, out, behind) - behind
        digits = count_digits(octets)
        if digits != _DIGITS_USUAL:
            pack_record(arena.words, first, words, out, at + 3 + digits)
        at = put_line_end(out, put_header(out, at, _DOLLAR, octets) + octets)
    return at


@kernel
def put_routes(out, at, route_prefix, answered_prefix, routes, octets):
    """A command a route or answer that is kept: SET with a life, or EXPIRE where it has no value: it keeps what it had."""
    for row in range(routes.shape[0]):
        route = routes[row]
        if route.life_s == 0:
            continue
        prefix = answered_prefix if route.is_answer != 0 else route_prefix
        at = put_octets(out, at, _SET if route.length > 0 else _EXPIRE)
        at = put_digest_key(out, at, prefix, route.high, route.low)
        if route.length > 0:
            at = put_header(out, at, _DOLLAR, route.length)
            at = put_line_end(out, copy_octets(octets, route.offset, out, at, route.length))
            at = put_octets(out, at, _EX)
        at = put_number(out, at, route.life_s)
    return at


@kernel
def put_removed_routes(out, at, route_prefix, answered_prefix, routes):
    """Key of each route or answer that is removed."""
    for row in range(routes.shape[0]):
        route = routes[row]
        if route.life_s == 0:
            prefix = answered_prefix if route.is_answer != 0 else route_prefix
            at = put_digest_key(out, at, prefix, route.high, route.low)
    return at


@kernel
def put_numbers(out, at, values):
    """Each of int64[] as a bulk string."""
    for row in range(values.shape[0]):
        at = put_number(out, at, values[row])
    return at


@kernel
def put_session_keys(out, at, rows):
    """A command a session index key: SET with a life, or UNLINK where the life is 0."""
    for row in range(rows.shape[0]):
        session = rows[row]
        if session.life_s == 0:
            at = put_octets(out, at, _UNLINK)
            at = put_line_end(out, put_digest(out, at, session.high, session.low))
        else:
            at = put_octets(out, put_octets(out, at, _SET), _SESSION)
            at = put_line_end(out, put_digest(out, at, session.high, session.low))
            at = put_number(out, at, session.account_id)
            at = put_octets(out, at, _EX)
            at = put_number(out, at, session.life_s)
    return at


@kernel
def put_load(out, at, account_prefix, answered_prefix, tenants, account_ids, slot_count, answered):
    """The keys of the slots' records and of the answers: arguments of MGET."""
    for slot in range(slot_count):
        at = put_account_key(out, at, account_prefix, np.int64(tenants[slot]), account_ids[slot])
    for row in range(answered.shape[0]):
        at = put_digest_key(out, at, answered_prefix, answered[row, 0], answered[row, 1])
    return at


CHANGED: Final = 0
RECORD_OCTETS: Final = 1


@kernel
def count_changed(arena, slot_count, counts):
    """counts[CHANGED] changed slots and counts[RECORD_OCTETS] octets that their records take at most, as stored."""
    changed = 0
    words = 0
    for slot in range(slot_count):
        if arena.changed[slot] != 0:
            changed += 1
            words += arena.length[slot]
    counts[CHANGED] = changed
    counts[RECORD_OCTETS] = 9 * words + (COUNT_OCTETS + ROOM_OCTETS + 1) * changed


KEPT: Final = 0
VALUE_OCTETS: Final = 1


@kernel
def count_routes(routes, counts):
    """counts[KEPT] rows that are written (the others are removed) and counts[VALUE_OCTETS] of their values."""
    kept = 0
    octets = 0
    for row in range(routes.shape[0]):
        if routes[row].life_s != 0:
            kept += 1
            octets += routes[row].length
    counts[KEPT] = kept
    counts[VALUE_OCTETS] = octets


# --- reading ---------------------------------------------------------------------------------------------------------
class Walk:
    """Where walk_replies is: indices into its int64 state."""

    AT: Final = 0
    """First octet of the reply, or element, that isn't taken yet."""
    SCAN: Final = 1
    """Line ends before here were looked for already."""
    LEAF: Final = 2
    """Row of `spans` that comes next."""
    REPLIES: Final = 3
    """Replies still to come, the one under way included."""
    ELEMENTS: Final = 4
    """Elements still to come of the array under way."""
    ARRAY: Final = 5
    """Elements that the array of the last reply must have."""
    TRANSACTION: Final = 6
    """Elements that an array before it must have, which may be nil: what EXEC answers."""
    NEED: Final = 7
    """Octets that must be there before walking on is of use."""
    SIZE: Final = 8


_AT: Final = Walk.AT
_SCAN: Final = Walk.SCAN
_LEAF: Final = Walk.LEAF
_REPLIES: Final = Walk.REPLIES
_ELEMENTS: Final = Walk.ELEMENTS
_ARRAY: Final = Walk.ARRAY
_TRANSACTION: Final = Walk.TRANSACTION
_NEED: Final = Walk.NEED

WALK_MORE: Final = 0
WALK_DONE: Final = 1
WALK_BROKEN: Final = 2

KIND_BULK: Final = 36
KIND_STATUS: Final = 43
KIND_ERROR: Final = 45
KIND_NUMBER: Final = 58
KIND_NIL: Final = 95


class Spans:
    """What the leaves of replies are: kind and place of each, written by walk_replies. Grows, never shrinks."""

    __slots__ = ("first", "kinds", "octets")

    def __init__(self, rows: int) -> None:
        self.kinds: NDArray[np.uint8] = np.zeros(rows, np.uint8)
        self.first: NDArray[np.int64] = np.zeros(rows, np.int64)
        self.octets: NDArray[np.int64] = np.zeros(rows, np.int64)

    def reserve(self, rows: int) -> None:
        """Make room for so many leaves; what was there is forgotten where it is too small."""
        if rows > self.kinds.shape[0]:
            Spans.__init__(self, 2 * rows)


def start_walk(walk: NDArray[np.int64], replies: int, array: int, transaction: int = 0) -> None:
    """Await `replies` replies. The last may be an array and then has `array` elements, one before it `transaction`."""
    walk[:] = 0
    walk[Walk.REPLIES] = replies
    walk[Walk.ARRAY] = array
    walk[Walk.TRANSACTION] = transaction


@kernel
def _read_count(buffer, start, end):
    """The decimal number at start..end: -1 for `-1`, -2 where it is none or beyond what a reply may hold."""
    if end - start == 2 and buffer[start] == 45 and buffer[start + 1] == 49:
        return -1
    if end == start or end - start > 10:
        return -2
    value = np.int64(0)
    for place in range(start, end):
        digit = np.int64(buffer[place]) - 48
        if digit < 0 or digit > 9:
            return -2
        value = 10 * value + digit
    return value if value <= STORE_REPLY_OCTETS_MAX else -2


@kernel
def _find_line_end(buffer, filled, walk):
    """Place of the CR of the line at walk[AT]; -1 where it isn't there yet, -2 where the line is too long."""
    for place in range(max(walk[_SCAN], walk[_AT] + 1), filled - 1):
        if buffer[place] == _CR and buffer[place + 1] == _LF:
            return place
    walk[_SCAN] = max(filled - 1, walk[_AT] + 1)
    walk[_NEED] = filled + 1
    return -2 if filled - walk[_AT] > STORE_REPLY_LINE_OCTETS_MAX else -1


@kernel
def _end_leaf(walk, place):
    """A leaf is taken; the next element or reply starts at `place`."""
    walk[_AT] = place
    walk[_SCAN] = place
    walk[_LEAF] += 1
    if walk[_ELEMENTS] > 0:
        walk[_ELEMENTS] -= 1
    if walk[_ELEMENTS] == 0:
        walk[_REPLIES] -= 1


@kernel
def walk_replies(buffer, filled, walk, kinds, first, octets):
    """Take the replies in buffer[:filled] as far as they are there; WALK_DONE when the last is complete.

    buffer   uint8[]; octets before walk[AT] are not looked at again
    walk     int64[Walk.SIZE]; see start_walk
    kinds, first, octets   one row a leaf (replies + array rows suffice): KIND_*, its first octet in the buffer and its
             length (0 for nil)
    WALK_BROKEN where it is no RESP2, an array hasn't the awaited count, or there is more than was asked for.
    """
    while walk[_REPLIES] > 0:
        line_end = _find_line_end(buffer, filled, walk)
        if line_end < 0:
            return WALK_MORE if line_end == -1 else WALK_BROKEN
        start = walk[_AT] + 1
        kind = np.int64(buffer[start - 1])
        row = walk[_LEAF]
        if kind in (KIND_STATUS, KIND_ERROR, KIND_NUMBER):
            kinds[row] = kind
            first[row] = start
            octets[row] = line_end - start
            _end_leaf(walk, line_end + 2)
            continue
        count = _read_count(buffer, start, line_end)
        if kind == _STAR and count == -1 and walk[_ELEMENTS] == 0 and walk[_REPLIES] > 1 and walk[_TRANSACTION] > 0:
            kinds[row] = KIND_NIL
            first[row] = line_end + 2
            octets[row] = 0
            _end_leaf(walk, line_end + 2)
        elif kind == _STAR:
            expected = walk[_ARRAY] if walk[_REPLIES] == 1 else walk[_TRANSACTION]
            if walk[_ELEMENTS] > 0 or count != expected or count == 0:
                return WALK_BROKEN
            walk[_ELEMENTS] = count
            walk[_AT] = line_end + 2
            walk[_SCAN] = line_end + 2
        elif kind == KIND_BULK and count == -1:
            kinds[row] = KIND_NIL
            first[row] = line_end + 2
            octets[row] = 0
            _end_leaf(walk, line_end + 2)
        elif kind == KIND_BULK and count >= 0:
            end = line_end + 2 + count
            if end + 2 > filled:
                walk[_SCAN] = line_end
                walk[_NEED] = end + 2
                return WALK_MORE
            if buffer[end] != _CR or buffer[end + 1] != _LF:
                return WALK_BROKEN
            kinds[row] = KIND_BULK
            first[row] = line_end + 2
            octets[row] = count
            _end_leaf(walk, end + 2)
        else:
            return WALK_BROKEN
    return WALK_DONE if walk[_AT] == filled else WALK_BROKEN
