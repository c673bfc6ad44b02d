"""Kernels that take answers: frame, read, check against what was asked, log for the books, decide the session's next step.

An answer is checked before it counts: its hop-by-hop id must be one that waits, its end-to-end id, Session-Id, type and
number must be those of the request, its Result-Codes among those that a sound server gives, what it grants at most what
was asked. The first wrong ones are kept as octets.
"""

import numpy as np

from bench.books import ANSWER_FINAL, ANSWER_GRANTED, ANSWER_LIMIT_REACHED
from bench.generators.gy_fleet import (
    ANSWERED_COUNT,
    ASKED_OCTETS,
    IDLE,
    IS_DRAINING,
    IS_MEASURING,
    LOG_COUNT,
    OPEN,
    OTHER_COUNT,
    OTHER_OCTETS_MAX,
    RESULT_CODES_COUNT,
    SEEN_FINAL,
    SEEN_GRANTED,
    SEEN_HAS_GRANT,
    SEEN_MSCC_COUNT,
    SEEN_NUMBER,
    SEEN_PRESENT,
    SEEN_RESULT,
    SEEN_RESULT_CODE,
    SEEN_SESSION_AT,
    SEEN_SESSION_LENGTH,
    SEEN_TYPE,
    SLOT_BITS,
    WAITING,
    WAITING_COUNT,
    WRONG_END_TO_END,
    WRONG_FRAME,
    WRONG_GRANT,
    WRONG_HOP_BY_HOP,
    WRONG_KEPT,
    WRONG_MSCC,
    WRONG_NUMBER,
    WRONG_RESULT_CODE,
    WRONG_SESSION_ID,
)
from bench.generators.gy_requests import END_TO_END_STEP, put_back
from bench.generators.gy_templates import INITIAL, SESSION_DIGITS, TERMINATION, UPDATE
from bench.latency_counts import record_latency
from vocabulary.kernel import inlined_kernel, kernel

_COMMAND = 272
_SUCCESS = 2001
_TOO_BUSY = 3004
_LIMIT_REACHED = 4012
_RIGHT = -1
_NO_CONNECTION = -1


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
    for service in range(fleet.rating_groups.shape[0]):
        if fleet.rating_groups[service] == rating_group:
            seen = fleet.seen_mscc[service]
            if seen[SEEN_PRESENT] != 0:
                return False
            seen[SEEN_PRESENT] = 1
            seen[SEEN_RESULT] = result
            seen[SEEN_GRANTED] = granted
            seen[SEEN_HAS_GRANT] = has_grant
            seen[SEEN_FINAL] = is_final
            fleet.seen[SEEN_MSCC_COUNT] += 1
            return True
    return False


@kernel
def _read_answer(fleet, octets, start, end):
    """Read a CCA's AVPs into `seen`; _RIGHT, or the reason for which it can't be right."""
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
    return _RIGHT


@kernel
def _is_own_session(fleet, octets, ordinal):
    """Is the Session-Id that was read the one of session `ordinal`?"""
    prefix = fleet.templates.session_id
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
def _check_services(fleet, request_type):
    """Is each MSCC there, with a Result-Code and a grant that fit the request? _RIGHT or the reason why not."""
    asked = fleet.parameters[ASKED_OCTETS]
    for service in range(fleet.rating_groups.shape[0]):
        seen = fleet.seen_mscc[service]
        if seen[SEEN_PRESENT] == 0:
            if request_type == TERMINATION:
                continue
            return WRONG_MSCC
        if seen[SEEN_RESULT] != _SUCCESS and (seen[SEEN_RESULT] != _LIMIT_REACHED or request_type == TERMINATION):
            return WRONG_RESULT_CODE
        expects_grant = request_type != TERMINATION and seen[SEEN_RESULT] == _SUCCESS
        if (seen[SEEN_HAS_GRANT] != 0) != expects_grant:
            return WRONG_GRANT
        if expects_grant and not 0 < seen[SEEN_GRANTED] <= asked:
            return WRONG_GRANT
    return _RIGHT


@kernel
def _check_answer(fleet, octets, row):
    """_RIGHT where what was read answers the slot's request, else the reason. An answer of 3004 may lack the body."""
    if not _is_own_session(fleet, octets, row.ordinal):
        return WRONG_SESSION_ID
    result = fleet.seen[SEEN_RESULT_CODE]
    if result == _TOO_BUSY:
        return _RIGHT
    if fleet.seen[SEEN_TYPE] != row.request_type or fleet.seen[SEEN_NUMBER] != row.number + 1:
        return WRONG_NUMBER
    if result != _SUCCESS:
        return WRONG_RESULT_CODE
    return _check_services(fleet, row.request_type)


@kernel
def _log_answer(fleet, slot, row):
    """A log row for each service of an answer of 2001, for bench/books.py; keeps the grants for the next report."""
    for service in range(fleet.rating_groups.shape[0]):
        seen = fleet.seen_mscc[service]
        entry = fleet.log[fleet.counters[LOG_COUNT]]
        fleet.counters[LOG_COUNT] += 1
        granted = seen[SEEN_GRANTED] if seen[SEEN_HAS_GRANT] != 0 else np.int64(0)
        answer = ANSWER_GRANTED if seen[SEEN_HAS_GRANT] != 0 else 0
        answer |= ANSWER_LIMIT_REACHED if seen[SEEN_RESULT] == _LIMIT_REACHED else 0
        answer |= ANSWER_FINAL if seen[SEEN_FINAL] != 0 else 0
        entry.subscriber = row.subscriber
        entry.used_octets = fleet.used[slot, service]
        entry.granted_octets = granted
        entry.place = row.place
        entry.request_type = row.request_type
        entry.mscc = service
        entry.answer = answer
        fleet.granted[slot, service] = granted


@kernel
def _must_end(fleet):
    """Was any service of the answer granted its last units, or none?"""
    for service in range(fleet.rating_groups.shape[0]):
        seen = fleet.seen_mscc[service]
        if seen[SEEN_FINAL] != 0 or seen[SEEN_RESULT] == _LIMIT_REACHED:
            return True
    return False


@kernel
def _close_slot(fleet, row):
    """The session is over: its subscriber may open another."""
    row.phase = IDLE
    fleet.places_taken[row.subscriber] &= ~(np.uint32(1) << np.uint32(row.place))


@kernel
def _advance(fleet, slot, row, is_right):
    """What the session does next, after an answer; the slot goes back into the ring."""
    result = fleet.seen[SEEN_RESULT_CODE]
    row.number += 1
    if is_right and result == _TOO_BUSY:
        # Nothing was decided: the same use is reported again; a session that wasn't opened is given up.
        row.phase = OPEN
        row.is_repeated = 1
        if row.request_type == INITIAL:
            _close_slot(fleet, row)
            row.is_repeated = 0
    elif not is_right or row.request_type == TERMINATION:
        _close_slot(fleet, row)
        row.is_repeated = 0
    else:
        row.phase = OPEN
        row.is_repeated = 0
        if _must_end(fleet) or row.updates_left == 0 or fleet.counters[IS_DRAINING] != 0:
            row.request_type = TERMINATION
        else:
            row.request_type = UPDATE
            row.updates_left -= 1
    put_back(fleet, slot)


@kernel
def _note_wrong(fleet, octets, start, end, reason):
    """Count a wrong answer and keep the octets of the first ones."""
    fleet.wrong[reason] += 1
    kept = fleet.counters[WRONG_KEPT]
    if kept < fleet.wrong_octets.shape[0]:
        for index in range(min(end - start, fleet.wrong_octets.shape[1])):
            fleet.wrong_octets[kept, index] = octets[start + index]
        fleet.counters[WRONG_KEPT] = kept + 1


@kernel
def _count_answer(fleet, row, now_ns):
    """Latency and codes of an answer within the measured time."""
    record_latency(fleet.latency_counts, (now_ns - row.sent_ns) // 1000)
    fleet.answered_by_type[row.request_type] += 1
    code = fleet.seen[SEEN_RESULT_CODE]
    if code == _TOO_BUSY:
        fleet.busy_by_type[row.request_type] += 1
    fleet.result_codes[0, code if 0 <= code < RESULT_CODES_COUNT else 0] += 1
    for service in range(fleet.rating_groups.shape[0]):
        seen = fleet.seen_mscc[service]
        if seen[SEEN_PRESENT] != 0:
            result = seen[SEEN_RESULT]
            fleet.result_codes[1, result if 0 <= result < RESULT_CODES_COUNT else 0] += 1


@kernel
def _take_answer(fleet, octets, start, end, now_ns):
    """One CCA: find its slot, read, check, count, log, advance."""
    hop_by_hop = _be32(octets, start + 12)
    slot = hop_by_hop & ((np.int64(1) << fleet.parameters[SLOT_BITS]) - 1)
    if slot >= fleet.slots.shape[0]:
        _note_wrong(fleet, octets, start, end, WRONG_HOP_BY_HOP)
        return
    row = fleet.slots[slot]
    if row.phase != WAITING or row.hop_by_hop != hop_by_hop:
        _note_wrong(fleet, octets, start, end, WRONG_HOP_BY_HOP)
        return
    reason = _read_answer(fleet, octets, start, end)
    if reason == _RIGHT:
        reason = _check_answer(fleet, octets, row)
    if reason == _RIGHT and _be32(octets, start + 16) != (hop_by_hop * END_TO_END_STEP) & 0xFFFFFFFF:
        reason = WRONG_END_TO_END
    if reason != _RIGHT:
        _note_wrong(fleet, octets, start, end, reason)
    fleet.counters[WAITING_COUNT] -= 1
    fleet.counters[ANSWERED_COUNT] += 1
    if fleet.counters[IS_MEASURING] != 0:
        _count_answer(fleet, row, now_ns)
    if fleet.seen[SEEN_RESULT_CODE] == _SUCCESS and reason == _RIGHT:
        _log_answer(fleet, slot, row)
    _advance(fleet, slot, row, reason == _RIGHT)


@kernel
def _keep_other(fleet, octets, connection, start, end):
    """Hand a message that is no CCA to Python; False where there is no room this turn."""
    place = fleet.counters[OTHER_COUNT]
    if place >= fleet.others.shape[0]:
        return False
    length = min(end - start, OTHER_OCTETS_MAX)
    for index in range(length):
        fleet.others_kept[place * OTHER_OCTETS_MAX + index] = octets[start + index]
    fleet.others[place, 0] = connection
    fleet.others[place, 1] = place * OTHER_OCTETS_MAX
    fleet.others[place, 2] = length
    fleet.counters[OTHER_COUNT] = place + 1
    return True


@kernel
def take_answers(fleet, now_ns):
    """Take all complete messages of all connections. Returns the connection whose framing is broken, -1 where none is.

    CCAs are taken; other messages are left in `others` for Python, OTHERS_MAX at most a turn. What is incomplete moves
    to the front of its buffer.
    """
    fleet.counters[OTHER_COUNT] = 0
    log_room = fleet.log.shape[0] - fleet.rating_groups.shape[0]
    for connection in range(fleet.incoming.shape[0]):
        octets = fleet.incoming[connection]
        end = fleet.incoming_end[connection]
        at = np.int64(0)
        while at + 20 <= end and fleet.counters[LOG_COUNT] <= log_room:
            length = _be24(octets, at + 1)
            if octets[at] != 1 or length < 20 or length & 3 != 0:
                fleet.wrong[WRONG_FRAME] += 1
                return connection
            if at + length > end:
                break
            if _be24(octets, at + 5) == _COMMAND and octets[at + 4] & 128 == 0:
                _take_answer(fleet, octets, at, at + length, now_ns)
            elif not _keep_other(fleet, octets, connection, at, at + length):
                break
            at += length
        if at > 0:
            for index in range(end - at):
                octets[index] = octets[at + index]
            fleet.incoming_end[connection] = end - at
    return _NO_CONNECTION
