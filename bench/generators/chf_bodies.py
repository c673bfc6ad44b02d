"""The kernel that reads a ChargingDataResponse: one pass over its octets, words told apart by their hash.

Any order of members, no white space between a member's name and its colon. The product's own types are not used on
purpose: a fault of theirs must not hide behind the same fault here.
"""

import numpy as np

from bench.generators.answered import LIMIT_REACHED, SUCCESS, see_service
from bench.generators.fleet import RIGHT, SEEN_NUMBER, WRONG_FRAME, WRONG_MSCC
from vocabulary.kernel import kernel

_BASIS = 0xCBF29CE484222325
_PRIME = 0x100000001B3


def word_hash(word: str) -> np.uint64:
    """FNV-1a of a word, 64 bits, as the kernel computes it."""
    value = _BASIS
    for octet in word.encode():
        value = ((value ^ octet) * _PRIME) & 0xFFFFFFFFFFFFFFFF
    return np.uint64(value)


_START = np.uint64(_BASIS)
_FACTOR = np.uint64(_PRIME)
_SEQUENCE_NUMBER = word_hash("invocationSequenceNumber")
_UNITS = word_hash("multipleUnitInformation")
_RATING_GROUP = word_hash("ratingGroup")
_RESULT_CODE = word_hash("resultCode")
_GRANTED_UNIT = word_hash("grantedUnit")
_TOTAL_VOLUME = word_hash("totalVolume")
_FINAL_UNIT = word_hash("finalUnitIndication")
_SUCCESS_WORD = word_hash("SUCCESS")
_LIMIT_WORD = word_hash("QUOTA_LIMIT_REACHED")
_OTHER_RESULT = 1

_QUOTE, _BACKSLASH, _COLON = 34, 92, 58
_OPEN_OBJECT, _OPEN_LIST, _CLOSE_OBJECT, _CLOSE_LIST = 123, 91, 125, 93
_ZERO, _NINE = 48, 57
_MEMBER, _UNIT_MEMBER, _GRANT_MEMBER = 1, 3, 4
"""Depths: of the response's members, of those of a MultipleUnitInformation, of those of its GrantedUnit."""


@kernel
def _behind_string(octets, at, end):
    """(place behind the string that opens at octets[at], hash of its octets); place `end + 1` where it does not end."""
    value = _START
    at += 1
    while at < end and octets[at] != _QUOTE:
        if octets[at] == _BACKSLASH:
            at += 1
            if at >= end:
                break
        value = (value ^ np.uint64(octets[at])) * _FACTOR
        at += 1
    return at + 1, value


@kernel
def _result_of(word):
    if word == _SUCCESS_WORD:
        return np.int64(SUCCESS)
    return np.int64(LIMIT_REACHED) if word == _LIMIT_WORD else np.int64(_OTHER_RESULT)


@kernel
def read_response(fleet, octets, start, end):
    """Read a body's number and services into `seen` and `seen_mscc`, which are empty before. RIGHT, or what is wrong."""
    depth = 0
    member, unit_member, name = _START, _START, _START
    rating_group, result, granted, has_grant, is_final = np.int64(-1), np.int64(0), np.int64(-1), 0, 0
    at = np.int64(start)
    while at < end:
        octet = octets[at]
        if octet == _QUOTE:
            at, word = _behind_string(octets, at, end)
            if at >= end:  # the object is still open
                return WRONG_FRAME
            if octets[at] == _COLON:
                name = word
                if depth == _MEMBER:
                    member = word
                elif depth == _UNIT_MEMBER:
                    unit_member = word
                    has_grant |= word == _GRANTED_UNIT
                    is_final |= word == _FINAL_UNIT
            elif depth == _UNIT_MEMBER and unit_member == _RESULT_CODE:
                result = _result_of(word)
            continue
        if _ZERO <= octet <= _NINE:
            number = np.int64(0)
            while at < end and _ZERO <= octets[at] <= _NINE:
                number = 10 * number + np.int64(octets[at]) - _ZERO
                at += 1
            if depth == _MEMBER and member == _SEQUENCE_NUMBER:
                fleet.seen[SEEN_NUMBER] = number + 1
            elif depth == _UNIT_MEMBER and unit_member == _RATING_GROUP:
                rating_group = number
            elif depth == _GRANT_MEMBER and unit_member == _GRANTED_UNIT and name == _TOTAL_VOLUME:
                granted = number
            continue
        if octet in (_OPEN_OBJECT, _OPEN_LIST):
            depth += 1
            if depth == _UNIT_MEMBER:
                rating_group, result, granted, has_grant, is_final = np.int64(-1), np.int64(0), np.int64(-1), 0, 0
        elif octet in (_CLOSE_OBJECT, _CLOSE_LIST):
            if depth == _UNIT_MEMBER and member == _UNITS:
                if not see_service(fleet, rating_group, result, granted, has_grant, is_final):
                    return WRONG_MSCC
            depth -= 1
        at += 1
    return RIGHT if depth == 0 else WRONG_FRAME
