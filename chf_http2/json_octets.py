"""JSON read by kernels: the strict, usual part of RFC 8259 that consumers write.

Each function takes a place and gives the place behind what it read, or NOT_USUAL: escapes in strings, signs and fractions
of numbers, and years far from ours are left to a decoder that knows all of JSON.
"""

from typing import Final

import numpy as np

from vocabulary.instants import NS_PER_S
from vocabulary.kernel import kernel
from vocabulary.limits import JSON_NESTING_MAX

NOT_USUAL: Final = -1
QUOTE, COMMA, COLON, MINUS, DOT, PLUS = 34, 44, 58, 45, 46, 43
OPEN_OBJECT, CLOSE_OBJECT, OPEN_LIST, CLOSE_LIST = 123, 125, 91, 93
_BACKSLASH, _DELETE, _BLANK = 92, 127, 32
_ZERO, _NINE = 48, 57
_T, _Z = 84, 90
_DIGITS_MAX = 18
"""of a number: 10 to this fits in an int64"""
_FRACTION_DIGITS_MAX = 9
_NS_PER_MICRO = 1000
_S_PER_DAY, _S_PER_HOUR, _S_PER_MINUTE = 86400, 3600, 60
_YEAR_MIN, _YEAR_MAX = 1970, 2099
_DATE_TIME_OCTETS = 19
_VALUE_NESTING_MAX = JSON_NESTING_MAX - 4
"""Of a value within a body, which has at most so many lists and objects around it: deeper ones are requests.py's to count."""
# What an octet is outside of strings
_INSIDE, _SPACE, _PARTS, _QUOTES, _OPENS, _CLOSES = range(6)
_CLASSES = np.zeros(256, np.uint8)
_CLASSES[[9, 10, 13, 32]] = _SPACE
_CLASSES[COMMA] = _PARTS
_CLASSES[QUOTE] = _QUOTES
_CLASSES[[OPEN_OBJECT, OPEN_LIST]] = _OPENS
_CLASSES[[CLOSE_OBJECT, CLOSE_LIST]] = _CLOSES
_STEPS = np.ones(256, np.int64)  # of an octet in a string: an escape is two
_STEPS[_BACKSLASH] = 2
_IS_PLAIN = np.zeros(256, np.bool_)
_IS_PLAIN[_BLANK:_DELETE] = True
_IS_PLAIN[[QUOTE, _BACKSLASH]] = False
_TRUE, _FALSE = np.frombuffer(b"true", np.uint8), np.frombuffer(b"false", np.uint8)


@kernel
def behind_space(octets, at, end):
    """The place of what isn't white space."""
    while at < end and _CLASSES[octets[np.uint64(at)]] == _SPACE:
        at += 1
    return at


@kernel
def behind_string(octets, at, end):
    """Behind the string that opens at octets[at], which is printable ASCII without escapes."""
    if at >= end or octets[np.uint64(at)] != QUOTE:
        return NOT_USUAL
    at += 1
    while at < end and _IS_PLAIN[octets[np.uint64(at)]]:
        at += 1
    return at + 1 if at < end and octets[np.uint64(at)] == QUOTE else NOT_USUAL


@kernel
def behind_value(octets, at, end):
    """Behind any value, which is taken for well-formed: who compares it with a well-formed one knows."""
    depth, first = 0, at
    while at < end:
        what = _CLASSES[octets[np.uint64(at)]]
        if what == _QUOTES:
            at += 1
            while at < end and octets[np.uint64(at)] != QUOTE:
                at += _STEPS[octets[np.uint64(at)]]
            if at >= end:
                return NOT_USUAL
            if depth == 0:
                return at + 1
        elif what == _OPENS:
            depth += 1
            if depth > _VALUE_NESTING_MAX:
                return NOT_USUAL
        elif what == _CLOSES:
            if depth <= 1:
                at += depth
                return at if at > first else NOT_USUAL
            depth -= 1
        elif what != _INSIDE and depth == 0:
            return at if at > first else NOT_USUAL
        at += 1
    return NOT_USUAL


@kernel
def nesting_of(octets):
    """How many lists and objects stand within one another at most; octets that are no JSON have some number, too."""
    at, end, depth, most = np.int64(0), np.int64(octets.shape[0]), np.int64(0), np.int64(0)
    while at < end:
        what = _CLASSES[octets[at]]
        if what == _QUOTES:
            at += 1
            while at < end and octets[at] != QUOTE:
                at += _STEPS[octets[at]]
        elif what == _OPENS:
            depth += 1
            most = max(most, depth)
        elif what == _CLOSES:
            depth -= 1
        at += 1
    return most


@kernel
def read_whole(octets, at, end):
    """(behind, value) of a number without sign, fraction and exponent."""
    first, value = at, np.int64(0)
    while at < end and _ZERO <= octets[at] <= _NINE:
        if at - first == _DIGITS_MAX:
            return NOT_USUAL, value
        value = 10 * value + np.int64(octets[at]) - _ZERO
        at += 1
    if at == first or (octets[first] == _ZERO and at > first + 1):
        return NOT_USUAL, value
    return at, value


@kernel
def read_flag(octets, at, end):
    """(behind, 1 or 0) of true or false."""
    if at + len(_TRUE) <= end and is_text(octets, at, len(_TRUE), _TRUE):
        return at + len(_TRUE), 1
    if at + len(_FALSE) <= end and is_text(octets, at, len(_FALSE), _FALSE):
        return at + len(_FALSE), 0
    return NOT_USUAL, 0


@kernel
def is_text(octets, at, length, text):
    """Are the octets this text, uint8[]?"""
    if length != text.shape[0]:
        return False
    index = 0
    while index < length and octets[at + index] == text[index]:
        index += 1
    return index == length


@kernel
def _digits(octets, at, count):
    """The number that `count` digits make, or NOT_USUAL."""
    value = 0
    for index in range(at, at + count):
        if not _ZERO <= octets[index] <= _NINE:
            return NOT_USUAL
        value = 10 * value + np.int64(octets[index]) - _ZERO
    return value


@kernel
def _days_of_month(year, month):
    if month == 2:
        return 29 if year % 4 == 0 else 28  # of the years that are usual
    return 30 if month in (4, 6, 9, 11) else 31


@kernel
def _days(year, month, day):
    """Days since 1970-01-01 in the usual years; NOT_USUAL where there is no such day."""
    if not (_YEAR_MIN <= year <= _YEAR_MAX and 1 <= month <= 12 and 1 <= day <= _days_of_month(year, month)):
        return NOT_USUAL
    days = 365 * (year - _YEAR_MIN) + (year - 1969) // 4 + day - 1
    for one in range(1, month):
        days += _days_of_month(year, one)
    return days


@kernel
def _zone_s(octets, at, close):
    """Seconds that a zone, `Z` or `+hh:mm`, is ahead of UTC; _S_PER_DAY where it isn't one."""
    if close - at == 1:
        return 0 if octets[at] == _Z else _S_PER_DAY
    if close - at != 6 or octets[at] not in (PLUS, MINUS) or octets[at + 3] != COLON:
        return _S_PER_DAY
    hours, minutes = _digits(octets, at + 1, 2), _digits(octets, at + 4, 2)
    if hours < 0 or hours > 23 or minutes < 0 or minutes > 59:
        return _S_PER_DAY
    ahead_s = hours * _S_PER_HOUR + minutes * _S_PER_MINUTE
    return ahead_s if octets[at] == PLUS else -ahead_s


@kernel
def read_instant(octets, at, end):
    """(behind, ns) of a string that is a date-time (RFC 3339 §5.6) of a usual year."""
    behind = behind_string(octets, at, end)
    close, at = behind - 1, at + 1
    if behind == NOT_USUAL or close - at < _DATE_TIME_OCTETS + 1:
        return NOT_USUAL, np.int64(0)
    if octets[at + 4] != MINUS or octets[at + 7] != MINUS or octets[at + 10] != _T:
        return NOT_USUAL, np.int64(0)
    if octets[at + 13] != COLON or octets[at + 16] != COLON:
        return NOT_USUAL, np.int64(0)
    days = _days(_digits(octets, at, 4), _digits(octets, at + 5, 2), _digits(octets, at + 8, 2))
    hour, minute, second = _digits(octets, at + 11, 2), _digits(octets, at + 14, 2), _digits(octets, at + 17, 2)
    if days < 0 or not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
        return NOT_USUAL, np.int64(0)
    at += _DATE_TIME_OCTETS
    fraction_ns = np.int64(0)
    if octets[at] == DOT:
        first, weight = at + 1, NS_PER_S // 10
        at = first
        while at < close and _ZERO <= octets[at] <= _NINE:
            if at - first == _FRACTION_DIGITS_MAX:
                return NOT_USUAL, np.int64(0)
            fraction_ns += weight * (np.int64(octets[at]) - _ZERO)
            weight //= 10
            at += 1
        if at == first:
            return NOT_USUAL, np.int64(0)
    zone_s = _zone_s(octets, at, close)
    if zone_s == _S_PER_DAY:
        return NOT_USUAL, np.int64(0)
    seconds = days * _S_PER_DAY + hour * _S_PER_HOUR + minute * _S_PER_MINUTE + second - zone_s
    # Rounded as the decoder does, which has microseconds.
    return behind, seconds * NS_PER_S + (fraction_ns + _NS_PER_MICRO // 2) // _NS_PER_MICRO * _NS_PER_MICRO


@kernel
def enter(octets, at, end, opens, closes):
    """(place of the first element, 1), or (behind the whole, 0) where an object or a list is empty."""
    if at >= end or octets[at] != opens:
        return NOT_USUAL, 0
    at = behind_space(octets, at + 1, end)
    if at < end and octets[at] == closes:
        return at + 1, 0
    return at, 1


@kernel
def go_on(octets, at, end, closes):
    """Behind an element: (place of the next, 1), or (behind the whole, 0)."""
    at = behind_space(octets, at, end)
    if at < end and octets[at] == COMMA:
        return behind_space(octets, at + 1, end), 1
    if at < end and octets[at] == closes:
        return at + 1, 0
    return NOT_USUAL, 0


@kernel
def read_name(octets, at, end):
    """(place of its value, length) of a member whose name opens at octets[at]."""
    behind = behind_string(octets, at, end)
    if behind == NOT_USUAL:
        return NOT_USUAL, 0
    value = behind_space(octets, behind, end)
    if value >= end or octets[value] != COLON:
        return NOT_USUAL, 0
    return behind_space(octets, value + 1, end), behind - at - 2
