"""Kernels that take answers: frame, read, check against what was asked, log for the books, decide the session's next step.

An answer is checked before it counts: its hop-by-hop id must be one that waits, its end-to-end id, Session-Id, type and
number must be those of the request, its Result-Codes among those that a sound server gives, what it grants at most what
was asked. The first wrong ones are kept as octets.
"""

import numpy as np

from bench.generators.answered import (
    NO_CONNECTION,
    SUCCESS,
    TOO_BUSY,
    check_services,
    forget_taken,
    has_log_room,
    keep_other,
    note_wrong,
    see_service,
    settle_answer,
)
from bench.generators.fleet import (
    OTHER_COUNT,
    RIGHT,
    SEEN_NUMBER,
    SEEN_RESULT_CODE,
    SEEN_SESSION_AT,
    SEEN_SESSION_LENGTH,
    SEEN_TYPE,
    SLOT_BITS,
    WAITING,
    WRONG_END_TO_END,
    WRONG_FRAME,
    WRONG_MSCC,
    WRONG_NUMBER,
    WRONG_REQUEST,
    WRONG_RESULT_CODE,
    WRONG_SESSION_ID,
)
from bench.generators.gy_requests import (
    END_TO_END_STEP,
)
from bench.generators.gy_templates import (
    SESSION_DIGITS,
)
from vocabulary.kernel import inlined_kernel, kernel

_COMMAND = 272


@inlined_kernel
def _be24(octets, at):
    return (np.int64(octets[at]) << 16) | (np.int64(octets[at + 1]) << 8) | np.int64(octets[at + 2])


@inlined_kernel
def _be32(octets, at):
    return (np.int64(octets[at]) << 24) | _be24(octets, at + 1)


@kernel
def _total_octets(octets, start, end):
    """CC-Total-Octets of a Granted-Service-Unit, -1 where it has none."""
    at = start
    while at + 8 <= end:
        length = _be24(octets, at + 5)
        if length < 8 or at + length > end:
            return np.int64(-1)
        if _be32(octets, at) == 421 and length == 16:
            return (_be32(octets, at + 8) << 32) | _be32(octets, at + 12)
        at += (length + 3) & ~3
    return np.int64(-1)


@kernel
def _read_mscc(fleet, octets, start, end):
    """Read one MSCC into `seen_mscc`; False where it is broken, unknown or there already."""
    rating_group = np.int64(-1)
    result = np.int64(0)
    granted = np.int64(-1)
    has_grant, is_final = 0, 0
    at = start
    while at + 8 <= end:
        length = _be24(octets, at + 5)
        if length < 8 or at + length > end:
            return False
        code = _be32(octets, at)
        if code == 432 and length == 12:
            rating_group = _be32(octets, at + 8)
        elif code == 268 and length == 12:
            result = _be32(octets, at + 8)
        elif code == 431:
            has_grant = 1
            granted = _total_octets(octets, at + 8, at + length)
        elif code == 430:
            is_final = 1
        at += (length + 3) & ~3
    return see_service(fleet, rating_group, result, granted, has_grant, is_final)


@kernel
def _read_answer(fleet, octets, start, end):
    """Read a CCA's AVPs into `seen`; RIGHT, or the reason for which it can't be right."""
    fleet.seen[:] = 0
    fleet.seen_mscc[:] = 0
    seen = fleet.seen
    at = start + 20
    while at + 8 <= end:
        length = _be24(octets, at + 5)
        if length < 8 or at + length > end:
            return WRONG_FRAME
        code = _be32(octets, at)
        if code == 263 and octets[at + 4] & 128 == 0:
            seen[SEEN_SESSION_AT] = at + 8
            seen[SEEN_SESSION_LENGTH] = length - 8
        elif code == 268 and length == 12:
            seen[SEEN_RESULT_CODE] = _be32(octets, at + 8)
        elif code == 416 and length == 12:
            seen[SEEN_TYPE] = _be32(octets, at + 8)
        elif code == 415 and length == 12:
            seen[SEEN_NUMBER] = _be32(octets, at + 8) + 1
        elif code == 456:
            if not _read_mscc(fleet, octets, at + 8, at + length):
                return WRONG_MSCC
        at += (length + 3) & ~3
    return RIGHT


@kernel
def _is_own_session(fleet, octets, ordinal):
    """Is the Session-Id that was read the one of session `ordinal`?"""
    prefix = fleet.wire.session_id
    at = fleet.seen[SEEN_SESSION_AT]
    if fleet.seen[SEEN_SESSION_LENGTH] != prefix.shape[0] + SESSION_DIGITS:
        return False
    for index in range(prefix.shape[0]):
        if octets[at + index] != prefix[index]:
            return False
    at += prefix.shape[0]
    for index in range(at + SESSION_DIGITS - 1, at - 1, -1):
        quotient = ordinal // 10
        if octets[index] != 48 + ordinal - 10 * quotient:
            return False
        ordinal = quotient
    return True


@kernel
def _check_answer(fleet, octets, row):
    """RIGHT where what was read answers the slot's request, else the reason. An answer of 3004 may lack the body."""
    if not _is_own_session(fleet, octets, row.ordinal):
        return WRONG_SESSION_ID
    result = fleet.seen[SEEN_RESULT_CODE]
    if result == TOO_BUSY:
        return RIGHT
    if fleet.seen[SEEN_TYPE] != row.request_type or fleet.seen[SEEN_NUMBER] != row.number + 1:
        return WRONG_NUMBER
    if result != SUCCESS:
        return WRONG_RESULT_CODE
    return check_services(fleet, row.request_type)


@kernel
def _take_answer(fleet, octets, start, end, now_ns):
    """One CCA: find its slot, read, check, count, log, advance."""
    hop_by_hop = _be32(octets, start + 12)
    slot = hop_by_hop & ((np.int64(1) << fleet.parameters[SLOT_BITS]) - 1)
    if slot >= fleet.slots.shape[0]:
        note_wrong(fleet, octets, start, end, WRONG_REQUEST)
        return
    row = fleet.slots[slot]
    if row.phase != WAITING or row.request_id != hop_by_hop:
        note_wrong(fleet, octets, start, end, WRONG_REQUEST)
        return
    reason = _read_answer(fleet, octets, start, end)
    if reason == RIGHT:
        reason = _check_answer(fleet, octets, row)
    if reason == RIGHT and _be32(octets, start + 16) != (hop_by_hop * END_TO_END_STEP) & 0xFFFFFFFF:
        reason = WRONG_END_TO_END
    settle_answer(fleet, slot, octets, start, end, reason, fleet.seen[SEEN_RESULT_CODE], now_ns)


@kernel
def take_answers(fleet, now_ns):
    """Take all complete messages of all connections. Returns the connection whose framing is broken, -1 where none is.

    CCAs are taken; other messages are left in `others` for Python, OTHERS_MAX at most a turn. What is incomplete moves
    to the front of its buffer.
    """
    fleet.counters[OTHER_COUNT] = 0
    for connection in range(fleet.incoming.shape[0]):
        octets = fleet.incoming[connection]
        end = fleet.incoming_end[connection]
        at = np.int64(0)
        while at + 20 <= end and has_log_room(fleet):
            length = _be24(octets, at + 1)
            if octets[at] != 1 or length < 20 or length & 3 != 0:
                fleet.wrong[WRONG_FRAME] += 1
                return connection
            if at + length > end:
                break
            if _be24(octets, at + 5) == _COMMAND and octets[at + 4] & 128 == 0:
                _take_answer(fleet, octets, at, at + length, now_ns)
            elif not keep_other(fleet, octets, connection, at, at + length):
                break
            at += length
        forget_taken(fleet, connection, at)
    return NO_CONNECTION
