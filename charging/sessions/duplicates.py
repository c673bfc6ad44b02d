"""Repeats get the answer already given: from the session's last two answers, or an event's recorded one."""

import numpy as np

from balances.record import (
    ANSWERED_TYPE_BITS,
    ANSWERED_TYPE_MASK,
    HEADER_UPDATED_NS,
    SERVICE_LAST_REPORT_NS,
    SESSION_ANSWERS,
    SESSION_FOURTH_HASH,
    SESSION_HIGHEST_NUMBER,
    SESSION_LAST_ANSWERED,
    SESSION_LAST_HASH,
    SESSION_LAST_NUMBER,
    SESSION_OPENED_NS,
    SESSION_PREVIOUS_ANSWERED,
    SESSION_PREVIOUS_HASH,
    SESSION_PREVIOUS_NUMBER,
    SESSION_TAG,
    SESSION_THIRD_HASH,
    SESSION_UNANSWERED,
)
from charging.batch import (
    ENDS_AT_TARIFF_CHANGE,
    HAS_EVENT_TIMESTAMP,
    INITIAL,
    IS_RETRANSMISSION,
    NEVER_COUNTS,
    RECORDED_HASH,
    RECORDED_MSCC_COUNT,
    RECORDED_MSCC_WORDS,
    RECORDED_MSCCS,
    RECORDED_NUMBER,
    RECORDED_OUTCOME,
    UPDATE,
)
from charging.quota.terms import goes_on_without_quota, set_action_at_once, set_terms
from charging.rating.tariff_lookup import look_up_price, refusal_of
from charging.rating.time_bands import window_of_repeat
from charging.sessions.open_sessions import initial_mix, request_mix
from charging.sessions.services import find_service, recall_answer, reported_up_to
from vocabulary.instants import NS_PER_S
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.limits import UNCOUNTED_REPEAT_S_MAX
from vocabulary.outcomes import Outcome

_GRANTED = int(Outcome.GRANTED)
_UNDECIDED = int(Outcome.UNDECIDED)

NOT_REPEATED = 0
REPEATS_LAST = 1
REPEATS_PREVIOUS = 2
CONTRADICTS = 3
REPEATS_INITIAL = 4
ANSWERED_BEFORE = 5
NUMBERS_KNOWN = 32
"""So many numbers below the highest are known to be answered or not; as many bits as `unanswered` has."""
COUNTS_ANEW_BELOW = 128
"""A counter of an octet that is over falls by twice that; what is late by more requests than that is sent again (T flag)."""
_ALL_UNANSWERED = (1 << NUMBERS_KNOWN) - 1
_UNCOUNTED_REPEAT_NS = UNCOUNTED_REPEAT_S_MAX * NS_PER_S


@inlined_kernel
def _compare(arena, answered_octet, number_half, hash_half, at, request):
    """0: another request; 1: the same; 3: the same number, another body."""
    if arena.octets[8 * at + answered_octet] & ANSWERED_TYPE_MASK != request.request_type:
        return 0
    same_body = arena.halves[2 * at + hash_half] == request.body_hash
    if request.presence & NEVER_COUNTS:
        return 1 if same_body else 0
    if arena.halves[2 * at + number_half] != request.request_number:
        return 0
    return 1 if same_body else 3


@kernel
def _is_too_late(arena, slot, request, now_ns):
    """Is it an update of a peer that never counts, so long after the account's last decision that it is a report of its own?

    The record has no instant of each answer, but none was given after the account's last decision. A batch stamps that
    at its end, so a record that the batch has changed was decided just now. What says that it was sent again (T flag) is.
    """
    if request.request_type != UPDATE or not request.presence & NEVER_COUNTS or request.presence & IS_RETRANSMISSION:
        return False
    idle_ns = now_ns - arena.words[arena.first[slot] + HEADER_UPDATED_NS]
    return not arena.changed[slot] and idle_ns > _UNCOUNTED_REPEAT_NS


@inlined_kernel
def find_repeat(arena, slot, at, request, msccs, now_ns):
    """Is the request one of the last two that the session at first word `at` answered, or the one that opened it? One of
    the constants above.
    """
    if _is_too_late(arena, slot, request, now_ns):
        return NOT_REPEATED
    found = _compare(arena, SESSION_LAST_ANSWERED, SESSION_LAST_NUMBER, SESSION_LAST_HASH, at, request)
    if found == 1:
        return REPEATS_LAST
    if found == 3:
        return CONTRADICTS
    found = _compare(
        arena,
        SESSION_PREVIOUS_ANSWERED,
        SESSION_PREVIOUS_NUMBER,
        SESSION_PREVIOUS_HASH,
        at,
        request,
    )
    if found == 1:
        return REPEATS_PREVIOUS
    if found == 3:
        return CONTRADICTS
    if _was_answered(arena, slot, at, request, msccs):
        return ANSWERED_BEFORE
    is_initial = request.request_type == INITIAL and initial_mix(arena, at) == request_mix(request)
    return REPEATS_INITIAL if is_initial else NOT_REPEATED


@inlined_kernel
def _counts(request):
    """Does its number say which of its session's it is? One that is made of the request is its digest (chf_http2)."""
    return request.presence & NEVER_COUNTS == 0 and request.request_number != request.body_hash


@inlined_kernel
def _was_answered(arena, slot, at, request, msccs):
    """Is it an update that was answered, and whose answer isn't kept any more?"""
    if request.request_type != UPDATE:
        return False
    if _counts(request):
        return _number_was_answered(arena, at, request)
    return _body_was_answered(arena, slot, at, request, msccs)


@kernel
def _body_was_answered(arena, slot, at, request, msccs):
    """The same of who never counts: two more bodies are known, where they say when they were, or that they are sent again.

    Of older ones is known when they were, so one that says that it was sent again (T flag) was answered where each of its
    services has reported beyond its instant: a service's reports are in the order of time. One that never reported has the
    instant at which its session was opened, by our clock.
    """
    half = 2 * at
    if not request.presence & (IS_RETRANSMISSION | HAS_EVENT_TIMESTAMP):
        return False
    if request.body_hash == arena.halves[half + SESSION_THIRD_HASH]:
        return True
    if request.body_hash == arena.halves[half + SESSION_FOURTH_HASH]:
        return True
    if not request.presence & IS_RETRANSMISSION or not request.presence & HAS_EVENT_TIMESTAMP:
        return False
    session_tag, opened_ns = arena.octets[8 * at + SESSION_TAG], arena.words[at + SESSION_OPENED_NS]
    for row in range(request.mscc_first, request.mscc_first + request.mscc_count):
        reported_ns = reported_up_to(arena, slot, session_tag, msccs[row])
        if reported_ns == opened_ns or request.event_ns >= reported_ns:
            return False
    return request.mscc_count > 0


@kernel
def _number_was_answered(arena, at, request):
    """Is it an update whose number was answered, and whose answer isn't kept any more?

    A number belongs to one request of its session (RFC 8506 §8.2), so another one with it isn't charged, whether it says that
    it was sent again (T flag) or not. Numbers further below the highest than is known count as answered, too, unless they are
    so far below that their client counts anew, which none does that says so.
    """
    if arena.octets[8 * at + SESSION_LAST_ANSWERED] & ANSWERED_TYPE_MASK == INITIAL:
        return False
    below = np.int64(arena.halves[2 * at + SESSION_HIGHEST_NUMBER]) - np.int64(request.request_number)
    if below > NUMBERS_KNOWN:
        return below < COUNTS_ANEW_BELOW or request.presence & IS_RETRANSMISSION != 0
    unanswered = np.int64(arena.halves[2 * at + SESSION_UNANSWERED])
    return below == 0 or (below > 0 and unanswered >> (below - 1) & 1 == 0)


@inlined_kernel
def _note_number(arena, at, request):
    """Note that this number is answered; of those that it leaps over that they aren't."""
    half = 2 * at
    above = np.int64(request.request_number) - np.int64(arena.halves[half + SESSION_HIGHEST_NUMBER])
    unanswered = np.int64(arena.halves[half + SESSION_UNANSWERED])
    follows_initial = arena.octets[8 * at + SESSION_PREVIOUS_ANSWERED] & ANSWERED_TYPE_MASK == INITIAL
    if above > 0:
        arena.halves[half + SESSION_HIGHEST_NUMBER] = request.request_number
        leapt = unanswered << above | ((np.int64(1) << (above - 1)) - 1) if above <= NUMBERS_KNOWN else _ALL_UNANSWERED
        arena.halves[half + SESSION_UNANSWERED] = np.uint32(leapt & _ALL_UNANSWERED)
    elif above <= -COUNTS_ANEW_BELOW or (above < 0 and follows_initial):
        arena.halves[half + SESSION_HIGHEST_NUMBER] = request.request_number
        arena.halves[half + SESSION_UNANSWERED] = np.uint32(_ALL_UNANSWERED)
    elif above < 0:
        arena.halves[half + SESSION_UNANSWERED] = np.uint32(unanswered & ~(np.int64(1) << (-above - 1)))


@inlined_kernel
def remember_request(arena, at, request, outcome):
    """Make this request the session's last answer; the last becomes the previous."""
    octet, half = 8 * at, 2 * at
    if not _counts(request):
        arena.halves[half + SESSION_FOURTH_HASH] = arena.halves[half + SESSION_THIRD_HASH]
        arena.halves[half + SESSION_THIRD_HASH] = arena.halves[half + SESSION_PREVIOUS_HASH]
    arena.octets[octet + SESSION_PREVIOUS_ANSWERED] = arena.octets[octet + SESSION_LAST_ANSWERED]
    arena.halves[half + SESSION_PREVIOUS_NUMBER] = arena.halves[half + SESSION_LAST_NUMBER]
    arena.halves[half + SESSION_PREVIOUS_HASH] = arena.halves[half + SESSION_LAST_HASH]
    arena.octets[octet + SESSION_LAST_ANSWERED] = request.request_type | outcome << ANSWERED_TYPE_BITS
    arena.halves[half + SESSION_LAST_NUMBER] = request.request_number
    arena.halves[half + SESSION_LAST_HASH] = request.body_hash
    if _counts(request):
        _note_number(arena, at, request)


@kernel
def repeat_answer(arena, slot, tariffs, at, repeat, request, msccs, answers, now_ns):
    """Fill the answers of a repeat's MSCCs from what its services were granted; returns the recorded command outcome.

    repeat   REPEATS_LAST, REPEATS_PREVIOUS or REPEATS_INITIAL: of that only is known that it was granted, not how much
    """
    octet = 8 * at
    session_tag, count = (
        arena.octets[octet + SESSION_TAG],
        arena.octets[octet + SESSION_ANSWERS],
    )
    for row in range(request.mscc_first, request.mscc_first + request.mscc_count):
        mscc, answer = msccs[row], answers[row]
        if mscc.outcome != _UNDECIDED:
            continue
        outcome, price_row, _ = look_up_price(arena, slot, tariffs, request, mscc, now_ns, now_ns)
        service = find_service(arena, slot, session_tag, mscc)
        if service < 0 or repeat == REPEATS_INITIAL:
            answer.outcome = outcome if price_row < 0 else refusal_of(tariffs.prices[price_row])
            continue
        final, is_cut = recall_answer(arena, service, count, repeat == REPEATS_LAST, answer)
        if answer.outcome == _UNDECIDED:  # the service came later: then it was a report of nothing
            answer.outcome = outcome if price_row < 0 else refusal_of(tariffs.prices[price_row])
        if answer.has_grant and price_row >= 0:
            price = tariffs.prices[price_row]
            ends_at_change = request.presence & ENDS_AT_TARIFF_CHANGE != 0
            since_ns = arena.words[service + SERVICE_LAST_REPORT_NS]
            window = window_of_repeat(tariffs, price, ends_at_change, is_cut, since_ns, now_ns)
            set_terms(price, window, final, answer)
        elif final and price_row >= 0 and goes_on_without_quota(tariffs.prices[price_row]):
            set_action_at_once(tariffs.prices[price_row], answer)
    if repeat == REPEATS_INITIAL:
        return _GRANTED
    answered = SESSION_LAST_ANSWERED if repeat == REPEATS_LAST else SESSION_PREVIOUS_ANSWERED
    return np.int64(arena.octets[octet + answered] >> ANSWERED_TYPE_BITS)


@kernel
def find_event_repeat(recorded, request):
    """The same for an EVENT and its row of recorded answers."""
    if request.answered < 0 or recorded[request.answered, RECORDED_OUTCOME] == 0:
        return NOT_REPEATED
    if recorded[request.answered, RECORDED_HASH] == np.int64(request.body_hash):
        return REPEATS_LAST
    return CONTRADICTS


@kernel
def record_event(recorded, request, outcome, answers):
    """Keep the answer of a decided event for its repeats."""
    row = recorded[request.answered]
    row[RECORDED_OUTCOME] = outcome
    row[RECORDED_NUMBER] = request.request_number
    row[RECORDED_HASH] = np.int64(request.body_hash)
    row[RECORDED_MSCC_COUNT] = request.mscc_count
    for index in range(request.mscc_count):
        answer = answers[request.mscc_first + index]
        at = RECORDED_MSCCS + index * RECORDED_MSCC_WORDS
        row[at] = np.int64(answer.outcome) | np.int64(answer.unit) << 8 | np.int64(answer.has_grant) << 16
        row[at + 1] = answer.granted


@kernel
def repeat_event(recorded, request, answers):
    """Fill the answers of an event's repeat; returns the recorded command outcome."""
    row = recorded[request.answered]
    for index in range(min(np.int64(request.mscc_count), row[RECORDED_MSCC_COUNT])):
        answer = answers[request.mscc_first + index]
        at = RECORDED_MSCCS + index * RECORDED_MSCC_WORDS
        answer.outcome = row[at] & 0xFF
        answer.unit = (row[at] >> 8) & 0xFF
        answer.has_grant = (row[at] >> 16) & 0xFF
        answer.granted = row[at + 1]
    return row[RECORDED_OUTCOME]
