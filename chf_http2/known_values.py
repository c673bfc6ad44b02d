"""Values that the schema accepted before: a front end keeps their digests, and doesn't have the same octets decoded again."""

from typing import Final

import numpy as np

from chf_http2.json_octets import NOT_USUAL, behind_value, read_name
from chf_http2.tick_memory import HELD_TICK
from chf_http2.usual_members import BEHIND, FIRST, NAME_LENGTHS, NAMES
from vocabulary.digest import digest128
from vocabulary.held import held
from vocabulary.ids import NCHF_KNOWN_DOMAIN
from vocabulary.kernel import kernel

UNKNOWN: Final = -2
"""In place of the place behind it: a value was never accepted, `stop` says whose and where."""
_MEMBER_SHIFT = 32


@kernel
def _find_member(octets, first, length, of):
    """The row of MEMBERS with that name; -1."""
    for row in range(FIRST[of], BEHIND[of]):
        if NAME_LENGTHS[row] == length:
            index = 0
            while index < length and octets[first + index] == NAMES[row, index]:
                index += 1
            if index == length:
                return row
    return -1


@kernel
def read_member(octets, at, end, of, seen):
    """(place of its value, its row, `seen` with it) of the member whose name opens at octets[at].

    NOT_USUAL as the place where an object `of` has no such member, or has it a second time; seen has a bit a row.
    """
    value, length = read_name(octets, at, end)
    row = _find_member(octets, at + 1, length, of) if value >= 0 else -1
    if row < 0 or seen >> np.uint64(row) & np.uint64(1):
        return np.int64(NOT_USUAL), np.int64(-1), seen
    return np.int64(value), np.int64(row), seen | np.uint64(1) << np.uint64(row)


@kernel
def _is_known(tick, row, at, end):
    """Was the value accepted as that member? Else `stop` says what is to be accepted."""
    domain = (np.int64(row) << _MEMBER_SHIFT) + NCHF_KNOWN_DOMAIN
    high, low = digest128(tick.arrived.octets, at, end - at, tick.secret, domain)
    place = low & np.uint64(tick.known.shape[0] - 1)
    if tick.known[place, 0] == high and tick.known[place, 1] == low:
        return True
    tick.stop[0], tick.stop[1], tick.stop[2] = row, at, end
    return False


@kernel
def accept_value(tick_octets):
    """Remember that the value which the kernel stopped at is one that the schema accepts."""
    tick = held(tick_octets, HELD_TICK)
    row, at, end = tick.stop[0], tick.stop[1], tick.stop[2]
    domain = (row << _MEMBER_SHIFT) + NCHF_KNOWN_DOMAIN
    high, low = digest128(tick.arrived.octets, at, end - at, tick.secret, domain)
    place = low & np.uint64(tick.known.shape[0] - 1)
    tick.known[place, 0], tick.known[place, 1] = high, low


@kernel
def behind_known(tick, row, at, end):
    """Behind a value that was accepted before; NOT_USUAL or UNKNOWN."""
    behind = behind_value(tick.arrived.octets, at, end)
    if behind == NOT_USUAL or _is_known(tick, row, at, behind):
        return behind
    return np.int64(UNKNOWN)
