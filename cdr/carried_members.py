"""Kernels over what Nchf carried to a record: a JSON object of members, written by the front end without space between them.

Members up to `multipleUnitUsage`, where an object has that, are reports, of their request alone; those behind it, or all of an
object that has none, are states, which hold until they are said anew. A Service-Information of Gy is no object, and whole.
"""

import numpy as np

from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.limits import DIAMETER_MESSAGE_OCTETS_MAX
from vocabulary.octets import copy_octets

CARRIED_OCTETS_MAX = DIAMETER_MESSAGE_OCTETS_MAX
"""Of one object. Where states that were said before have no room beside what is said now, they are left out."""
_LAST_REPORT = np.frombuffer(b'"multipleUnitUsage"', np.uint8)
_QUOTE, _COMMA, _BACKSLASH = 34, 44, 92
_OPEN_OBJECT, _CLOSE_OBJECT, _OPEN_LIST, _CLOSE_LIST = 123, 125, 91, 93


@inlined_kernel
def is_object(octets, at, length):
    """Is octets[at:at + length] an object with members, and no longer than one may be?"""
    return 2 < length <= CARRIED_OCTETS_MAX and octets[at] == _OPEN_OBJECT and octets[at + length - 1] == _CLOSE_OBJECT


@kernel
def _behind_member(octets, at, end):
    """The comma behind the member that begins at octets[at]; `end`, where the object closes, behind the last."""
    depth, in_text = 0, False
    while at < end:
        octet = octets[at]
        if in_text:
            if octet == _BACKSLASH:
                at += 1
            in_text = octet != _QUOTE
        elif octet == _QUOTE:
            in_text = True
        elif octet == _COMMA and depth == 0:
            return at
        elif octet in (_OPEN_OBJECT, _OPEN_LIST):
            depth += 1
        elif octet in (_CLOSE_OBJECT, _CLOSE_LIST):
            depth -= 1
        at += 1
    return end


@kernel
def _name_length(octets, at, end):
    """Octets of the name at octets[at], with its quotes; names have no escapes."""
    behind = at + 1
    while behind < end and octets[behind] != _QUOTE:
        behind += 1
    return behind + 1 - at


@kernel
def _is_same(octets, at, others, other_at, length):
    index = 0
    while index < length and octets[at + index] == others[other_at + index]:
        index += 1
    return index == length


@kernel
def _has_member(octets, at, end, names, name_at, name_length):
    """Has octets[at:end], members of an object, one of that name?"""
    while at < end:
        if _name_length(octets, at, end) == name_length and _is_same(octets, at, names, name_at, name_length):
            return True
        at = _behind_member(octets, at, end) + 1
    return False


@kernel
def states_at(octets, at, length):
    """Where the states of an object begin that has reports: its closing brace where it has none; 0 where it has no reports."""
    end = at + length - 1
    if not is_object(octets, at, length):
        return np.int64(0)
    at += 1
    while at < end:
        name_length = _name_length(octets, at, end)
        is_last = name_length == _LAST_REPORT.shape[0] and _is_same(octets, at, _LAST_REPORT, 0, name_length)
        at = _behind_member(octets, at, end) + 1
        if is_last:
            return np.int64(min(at, end))
    return np.int64(0)


@kernel
def merge_states(octets, at, length, old, old_at, old_length, out, to):
    """Write the object octets[at:at + length] to out[to:], with the states of an old one that it doesn't say; octets written.

    Nothing is written, and `length` returned, where no state of the old one is left. `out` has room for CARRIED_OCTETS_MAX.
    """
    if not is_object(octets, at, length) or not is_object(old, old_at, old_length):
        return np.int64(length)
    end, old_end = at + length - 1, old_at + old_length - 1
    place = max(old_at + 1, states_at(old, old_at, old_length))
    behind = np.int64(to)
    while place < old_end:
        stop = _behind_member(old, place, old_end)
        left = CARRIED_OCTETS_MAX - max(behind + 1 - to, length)
        if stop - place < left and not _has_member(octets, at + 1, end, old, place, _name_length(old, place, old_end)):
            if behind == to:
                behind = copy_octets(octets, at, out, to, length - 1)
            out[behind] = _COMMA
            behind = copy_octets(old, place, out, behind + 1, stop - place)
        place = stop + 1
    if behind == to:
        return np.int64(length)
    out[behind] = _CLOSE_OBJECT
    return np.int64(behind + 1 - to)
