"""Kernels for what is the same of answers in every protocol: check, count, log for the books, decide the session's next step.

The protocol's kernels have read the answer into `seen` and `seen_mscc` before, results as Result-Codes of Gy: 2001, 4012
for a service without credit, 3004 for a server that was too busy. The first wrong answers are kept as octets.
"""

import numpy as np

from bench.books import ANSWER_FINAL, ANSWER_GRANTED, ANSWER_LIMIT_REACHED
from bench.generators.fleet import (
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
    RIGHT,
    SEEN_FINAL,
    SEEN_GRANTED,
    SEEN_HAS_GRANT,
    SEEN_MSCC_COUNT,
    SEEN_PRESENT,
    SEEN_RESULT,
    SEEN_RESULT_CODE,
    WAITING_COUNT,
    WRONG_GRANT,
    WRONG_KEPT,
    WRONG_MSCC,
    WRONG_RESULT_CODE,
)
from bench.generators.sessions import (
    INITIAL,
    TERMINATION,
    UPDATE,
    ask_again,
    put_back,
)
from bench.latency_counts import (
    record_latency,
)
from vocabulary.kernel import kernel

SUCCESS = 2001
TOO_BUSY = 3004
LIMIT_REACHED = 4012
NO_CONNECTION = -1


@kernel
def see_service(fleet, rating_group, result, granted, has_grant, is_final):
    """Note what an answer says of a service in `seen_mscc`; False where the service is unknown or was seen before."""
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
def check_services(fleet, request_type):
    """Is each MSCC there, with a Result-Code and a grant that fit the request? RIGHT or the reason why not."""
    asked = fleet.parameters[ASKED_OCTETS]
    for service in range(fleet.rating_groups.shape[0]):
        seen = fleet.seen_mscc[service]
        if seen[SEEN_PRESENT] == 0:
            if request_type == TERMINATION:
                continue
            return WRONG_MSCC
        if seen[SEEN_RESULT] != SUCCESS and (seen[SEEN_RESULT] != LIMIT_REACHED or request_type == TERMINATION):
            return WRONG_RESULT_CODE
        expects_grant = request_type != TERMINATION and seen[SEEN_RESULT] == SUCCESS
        if (seen[SEEN_HAS_GRANT] != 0) != expects_grant:
            return WRONG_GRANT
        if expects_grant and not 0 < seen[SEEN_GRANTED] <= asked:
            return WRONG_GRANT
    return RIGHT


@kernel
def _log_answer(fleet, slot, row):
    """A log row for each service of an answer of 2001, for bench/books.py; keeps the grants for the next report."""
    for service in range(fleet.rating_groups.shape[0]):
        seen = fleet.seen_mscc[service]
        entry = fleet.log[fleet.counters[LOG_COUNT]]
        fleet.counters[LOG_COUNT] += 1
        granted = seen[SEEN_GRANTED] if seen[SEEN_HAS_GRANT] != 0 else np.int64(0)
        answer = ANSWER_GRANTED if seen[SEEN_HAS_GRANT] != 0 else 0
        answer |= ANSWER_LIMIT_REACHED if seen[SEEN_RESULT] == LIMIT_REACHED else 0
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
        if seen[SEEN_FINAL] != 0 or seen[SEEN_RESULT] == LIMIT_REACHED:
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
    row.is_unanswered = 0
    if is_right and result == TOO_BUSY:
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
def note_wrong(fleet, octets, start, end, reason):
    """Count a wrong answer and keep the octets of the first ones."""
    fleet.wrong[reason] += 1
    kept = fleet.counters[WRONG_KEPT]
    if kept < fleet.wrong_octets.shape[0]:
        for index in range(min(end - start, fleet.wrong_octets.shape[1])):
            fleet.wrong_octets[kept, index] = octets[start + index]
        fleet.counters[WRONG_KEPT] = kept + 1


@kernel
def _count_answer(fleet, row, code, now_ns):
    """Latency and codes of an answer within the measured time."""
    record_latency(fleet.latency_counts, (now_ns - row.sent_ns) // 1000)
    fleet.answered_by_type[row.request_type] += 1
    if fleet.seen[SEEN_RESULT_CODE] == TOO_BUSY:
        fleet.busy_by_type[row.request_type] += 1
    fleet.result_codes[0, code if 0 <= code < RESULT_CODES_COUNT else 0] += 1
    for service in range(fleet.rating_groups.shape[0]):
        seen = fleet.seen_mscc[service]
        if seen[SEEN_PRESENT] != 0:
            result = seen[SEEN_RESULT]
            fleet.result_codes[1, result if 0 <= result < RESULT_CODES_COUNT else 0] += 1


@kernel
def keep_other(fleet, octets, connection, start, end):
    """Hand a message that answers no request to Python; False where there is no room this turn."""
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
def settle_answer(fleet, slot, octets, start, end, reason, code, now_ns):
    """The slot's answer was read and checked: note it where it is wrong, count, log, advance.

    octets[start:end]  what is kept of a wrong one
    reason             RIGHT, or why it is wrong
    code               what it is counted as: Result-Code, status
    """
    row = fleet.slots[slot]
    if reason == RIGHT and row.is_unanswered != 0 and fleet.seen[SEEN_RESULT_CODE] == TOO_BUSY:
        ask_again(fleet, slot)  # this one was not decided, but the first one may have been
        return
    if reason != RIGHT:
        note_wrong(fleet, octets, start, end, reason)
    fleet.counters[WAITING_COUNT] -= 1
    fleet.counters[ANSWERED_COUNT] += 1
    if fleet.counters[IS_MEASURING] != 0:
        _count_answer(fleet, row, code, now_ns)
    if fleet.seen[SEEN_RESULT_CODE] == SUCCESS and reason == RIGHT:
        _log_answer(fleet, slot, row)
    _advance(fleet, slot, row, reason == RIGHT)


@kernel
def has_log_room(fleet):
    """Is there room in the log for one more answer?"""
    return fleet.counters[LOG_COUNT] <= fleet.log.shape[0] - fleet.rating_groups.shape[0]


@kernel
def forget_taken(fleet, connection, at):
    """Move what is behind `at`, an incomplete message, to the front of the connection's incoming octets."""
    octets = fleet.incoming[connection]
    end = fleet.incoming_end[connection]
    if at > 0:
        for index in range(end - at):
            octets[index] = octets[at + index]
        fleet.incoming_end[connection] = end - at
