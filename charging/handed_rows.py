"""Rows that a front end hands to an engine in another process: kept until they are answered, and their answers on the way.

The front end keeps the undecided rows of its ticks (KeptTick) and knows of each how far it is: UNSENT, SENT, DONE. The
engine stamps whose they are; what it answers is gathered for each link (HandedAnswers) and laid into the kept tick, whose
other rows are silent meanwhile, so that a front end encodes it like any batch.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charging.batch import (
    ANSWER_DTYPE,
    ANSWER_MSCC_DTYPE,
    COUNT_REQUESTS,
    EVENT,
    INITIAL,
    KIND_USAGE,
    AnswerBatch,
    UsageBatch,
    new_answer_batch,
    new_usage_batch,
)
from charging.batch_rows import HELD_ANSWERED, append_request, clear_answer, has_room
from vocabulary.held import held, kind_of
from vocabulary.kernel import kernel
from vocabulary.limits import BATCH_MSCCS_MAX, BATCH_REQUESTS_MAX, HANDED_MOVES_MAX
from vocabulary.outcomes import Outcome

UNSENT: Final = 0
"""The row was written to no link: nobody can have decided it."""
SENT: Final = 1
"""It was written; whether it is decided isn't known until its answer comes."""
DONE: Final = 2
"""It is answered, or given up."""

REFUSE_NONE: Final = 0
REFUSE_NEW: Final = 1
"""New sessions and events."""
REFUSE_ALL: Final = 2

HEAD_DTYPE: Final = np.dtype(
    [
        ("account_id", np.int64),  # as the engine found it; -1 where there is none
        ("tick", np.int32),  # `handed_tick` and `handed_row` of the row that is answered
        ("row", np.int32),
        ("mscc_count", np.int32),  # how many of the answers' MSCCs are its own, in order
        ("failed_code", np.uint32),  # of the request, where its look-up found a fault
        ("outcome", np.uint8),  # of the request: UNDECIDED where its account's records decided
        ("is_refused", np.uint8),  # 1: TOO_BUSY, it was not decided
    ],
    align=True,
)

_UNDECIDED = int(Outcome.UNDECIDED)
_TOO_BUSY = int(Outcome.TOO_BUSY)
_DONE = DONE
_SENT = SENT
_UNSENT = UNSENT


class HandedAnswers(NamedTuple):
    """Answers of one link's rows; row i answers heads[i], its MSCCs follow those of the rows before."""

    heads: NDArray[np.void]  # HEAD_DTYPE
    answers: NDArray[np.void]  # ANSWER_DTYPE
    msccs: NDArray[np.void]  # ANSWER_MSCC_DTYPE
    counts: NDArray[np.int64]  # (2,): rows, MSCCs


class KeptTick(NamedTuple):
    """Rows that wait for their answers, room for these, and how far each is."""

    usage: UsageBatch
    answers: AnswerBatch
    states: NDArray[np.uint8]  # (requests,): UNSENT, SENT, DONE


def new_handed_answers(rows_max: int = BATCH_REQUESTS_MAX, msccs_max: int = BATCH_MSCCS_MAX) -> HandedAnswers:
    """No answers, and room for those of a batch."""
    return HandedAnswers(
        np.zeros(rows_max, HEAD_DTYPE),
        np.zeros(rows_max, ANSWER_DTYPE),
        np.zeros(msccs_max, ANSWER_MSCC_DTYPE),
        np.zeros(2, np.int64),
    )


def new_kept_tick(
    requests_max: int = BATCH_REQUESTS_MAX, msccs_max: int = BATCH_MSCCS_MAX, octets_max: int | None = None
) -> KeptTick:
    """An empty tick."""
    usage = (
        new_usage_batch(requests_max, msccs_max)
        if octets_max is None
        else new_usage_batch(requests_max, msccs_max, octets_max)
    )
    return KeptTick(usage, new_answer_batch(requests_max, msccs_max), np.zeros(requests_max, np.uint8))


HELD_KEPT: Final = kind_of(new_kept_tick(1, 1, 1))
HELD_HANDED: Final = kind_of(new_handed_answers(1, 1))


# --- the front end's side: rows ----------------------------------------------------------------------------------------
@kernel
def refuse_some(batch, refusal):
    """TOO_BUSY for the undecided rows that `refusal` (REFUSE_*) names; how many rows have an outcome then."""
    count = 0
    for row in range(batch.counts[COUNT_REQUESTS]):
        request = batch.requests[row]
        if request.outcome == _UNDECIDED:
            is_new = request.request_type == INITIAL or request.request_type == EVENT
            if refusal == REFUSE_ALL or (refusal == REFUSE_NEW and is_new):
                request.outcome = _TOO_BUSY
        if request.outcome != _UNDECIDED:
            count += 1
    return count


@kernel
def keep_undecided(kept_octets, number, source, first):
    """Append the undecided rows of source from row `first` on to a kept tick; the row that has no room, or the end."""
    kept = held(kept_octets, HELD_KEPT)
    usage = kept.usage
    for row in range(first, source.counts[COUNT_REQUESTS]):
        if source.requests[row].outcome == _UNDECIDED:
            if not has_room(usage, source, row):
                return row
            place = usage.counts[COUNT_REQUESTS]
            append_request(usage, source, row)
            request = usage.requests[place]
            request.handed_tick = number
            request.handed_row = place
            request.moves = 0
            kept.states[place] = _UNSENT
    return source.counts[COUNT_REQUESTS]


@kernel
def mark_sent(kept_octets):
    """Every row of the tick is written to a link, for the first time."""
    kept = held(kept_octets, HELD_KEPT)
    for row in range(kept.usage.counts[COUNT_REQUESTS]):
        kept.states[row] = _SENT


@kernel
def take_unanswered(kept_octets, batch):
    """Append the rows that aren't DONE to an empty batch of the tick's size, and mark them SENT; how many were given up.

    A row that was SENT before has moved once more; one that moved HANDED_MOVES_MAX times is given up.
    """
    kept = held(kept_octets, HELD_KEPT)
    given_up = 0
    for row in range(kept.usage.counts[COUNT_REQUESTS]):
        request = kept.usage.requests[row]
        if kept.states[row] == _DONE:
            continue
        if kept.states[row] == _SENT:
            if request.moves >= HANDED_MOVES_MAX:
                kept.states[row] = _DONE
                given_up += 1
                continue
            request.moves += 1
        kept.states[row] = _SENT
        append_request(batch, kept.usage, row)
    return given_up


@kernel
def end_overdue(kept_octets, unsent_before_ns, sent_before_ns):
    """(Rows refused, rows given up): unsent ones received before one instant, sent ones received before another.

    The refused have their answer, TOO_BUSY; all others are silent. Nobody knows what became of a row that was sent, so
    it is never refused.
    """
    kept = held(kept_octets, HELD_KEPT)
    refused, given_up = 0, 0
    for row in range(kept.usage.counts[COUNT_REQUESTS]):
        request = kept.usage.requests[row]
        kept.answers.answers[row].is_silent = 1
        if kept.states[row] == _UNSENT and request.received_ns < unsent_before_ns:
            clear_answer(request, kept.answers, row, _TOO_BUSY)
            kept.states[row] = _DONE
            refused += 1
        elif kept.states[row] == _SENT and request.received_ns < sent_before_ns:
            kept.states[row] = _DONE
            given_up += 1
    return refused, given_up


# --- the engine's side: answers ----------------------------------------------------------------------------------------
@kernel
def gather_answers(answered_octets, link, handed_octets):
    """Write the answers of one link's rows to `handed`; how many. Silent rows are left out: their front end asks again."""
    answered, handed = held(answered_octets, HELD_ANSWERED), held(handed_octets, HELD_HANDED)
    usage, answers = answered.usage, answered.answers
    count, mscc_count = 0, 0
    for row in range(usage.counts[COUNT_REQUESTS]):
        request = usage.requests[row]
        answer = answers.answers[row]
        if request.front_end != link or request.kind != KIND_USAGE or answer.is_silent != 0:
            continue
        head = handed.heads[count]
        head.account_id = request.account_id
        head.tick = request.handed_tick
        head.row = request.handed_row
        head.mscc_count = request.mscc_count
        head.failed_code = request.failed_code
        head.outcome = request.outcome
        head.is_refused = 1 if answer.outcome == _TOO_BUSY else 0
        handed.answers[count] = answer
        for index in range(request.mscc_first, request.mscc_first + request.mscc_count):
            handed.msccs[mscc_count] = answers.msccs[index]
            mscc_count += 1
        count += 1
    handed.counts[0] = count
    handed.counts[1] = mscc_count
    return count


# --- the front end's side: answers -------------------------------------------------------------------------------------
@kernel
def place_answers(handed_octets, first, first_mscc, kept_octets):
    """Lay the answers of one tick, heads[first:] as far as they name it, into that tick: (next row, next MSCC, rows done).

    Rows that aren't answered by this are silent. A row that is DONE stays as it was answered; one that moved and is
    refused now is given up: an engine before may have decided it, so a refusal might be untrue.
    heads and MSCCs are as find_answer_fault allows; a head that doesn't fit its row is passed over.
    """
    handed, kept = held(handed_octets, HELD_HANDED), held(kept_octets, HELD_KEPT)
    usage, answers = kept.usage, kept.answers
    for row in range(usage.counts[COUNT_REQUESTS]):
        answers.answers[row].is_silent = 1
    tick, at, mscc, done = handed.heads[first].tick, first, first_mscc, 0
    while at < handed.counts[0] and handed.heads[at].tick == tick:
        head = handed.heads[at]
        row = np.int64(head.row)
        if row < usage.counts[COUNT_REQUESTS] and kept.states[row] == _SENT:
            request = usage.requests[row]
            if head.mscc_count == request.mscc_count:
                kept.states[row] = _DONE
                done += 1
                if head.is_refused == 0 or request.moves == 0:
                    answers.answers[row] = handed.answers[at]
                    request.account_id = head.account_id
                    request.outcome = head.outcome
                    if head.outcome != _UNDECIDED:
                        request.failed_code = head.failed_code
                    for index in range(head.mscc_count):
                        answers.msccs[request.mscc_first + index] = handed.msccs[mscc + index]
        mscc += head.mscc_count
        at += 1
    return at, mscc, done


@kernel
def skip_answers(handed_octets, first, first_mscc):
    """(Next row, next MSCC) behind the answers of the tick that heads[first] names: nobody waits for them any more."""
    handed = held(handed_octets, HELD_HANDED)
    tick, at, mscc = handed.heads[first].tick, first, first_mscc
    while at < handed.counts[0] and handed.heads[at].tick == tick:
        mscc += handed.heads[at].mscc_count
        at += 1
    return at, mscc
