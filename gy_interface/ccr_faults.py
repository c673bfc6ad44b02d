"""What is wrong with a CCR: its first fault in order of precedence is the outcome of its row, with a Failed-AVP."""

import numpy as np

from gy_interface.avp import FLAG_VENDOR
from gy_interface.octets import load32
from vocabulary.kernel import kernel
from vocabulary.outcomes import OUTCOMES, Outcome

_UNDECIDED = int(Outcome.UNDECIDED)
_INVALID_AVP_LENGTH = int(Outcome.INVALID_AVP_LENGTH)
_PRECEDENCE = tuple(
    next((place for place, row in enumerate(OUTCOMES) if row.outcome == outcome), len(OUTCOMES))
    for outcome in sorted(Outcome)
)


@kernel
def fail(request, outcome, offset, length, key):
    """Note a fault, unless the row has one that goes before it.

    offset, length   the offending AVP in the batch's octets; length 0: the answer holds an example of AVP `key` with a
                     zero value instead (a missing AVP, or one whose length can't be true; RFC 6733 §7.1.5)
    key              vendor << 32 | code
    """
    if request.outcome != _UNDECIDED and _PRECEDENCE[request.outcome] <= _PRECEDENCE[outcome]:
        return
    request.outcome = outcome
    request.failed_offset = offset
    request.failed_length = length
    request.failed_code = np.uint32(key & 0xFFFFFFFF)
    request.failed_vendor = np.uint32(key >> 32)


@kernel
def fail_header(request, octets, at, end):
    """5014: the AVP at `at` is shorter than its header or runs past `end`; at least its code is there."""
    key = load32(octets, at)
    if end - at >= 12 and octets[at + 4] & FLAG_VENDOR:
        key |= load32(octets, at + 8) << 32
    fail(request, _INVALID_AVP_LENGTH, at, 0, key)


@kernel
def has_length(request, at, header, size, key, expected):
    """Has the AVP the payload length that its type wants? If not, 5014 with the AVP itself."""
    if size - header == expected:
        return True
    fail(request, _INVALID_AVP_LENGTH, at, size, key)
    return False
