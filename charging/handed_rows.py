"""Rows that a front end hands to an engine in another process: kept until they are answered, and their answers on the way.

The front end keeps the rows of its ticks (KeptTick) and knows of each how far it is: UNSENT, SENT, DONE ... The
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
"""It is answered, given up, or kept elsewhere now."""
MOVED: Final = 3
"""It was written to another link before and waits for this one; whether it is decided isn't known."""
RETURNED: Final = 4
"""It came back undecided: its partition is another engine's."""

REFUSE_NONE: Final = 0
REFUSE_NEW: Final = 1
"""New sessions and events."""
REFUSE_ALL: Final = 2

ANSWERED: Final = 0
REFUSED: Final = 1
"""TOO_BUSY: this engine did not decide it."""
NOT_OWNED: Final = 2
"""The same, since the partition is another engine's: the row is to be handed to that one."""

HEAD_DTYPE: Final = np.dtype(
    [
        ("account_id", np.int64),  # as the engine found it; -1 where there is none
        ("tick", np.int32),  # `handed_tick` and `handed_row` of the row that is answered
        ("row", np.int32),
        ("mscc_count", np.int32),  # how many of the answers' MSCCs are its own, in order
        ("failed_code", np.uint32),  # of the request, where its look-up found a fault
        ("outcome", np.uint8),  # of the request: UNDECIDED where its account's records decided
        ("is_refused", np.uint8),  # ANSWERED, REFUSED or NOT_OWNED
    ],
    align=True,
)

_UNDECIDED = int(Outcome.UNDECIDED)
_TOO_BUSY = int(Outcome.TOO_BUSY)
_DONE = DONE
_SENT = SENT
_UNSENT = UNSENT
_MOVED = MOVED
_RETURNED = RETURNED
_ANSWERED = ANSWERED
_REFUSED = REFUSED
_NOT_OWNED = NOT_OWNED


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
def keep_rows(kept_octets, number, source, rows, first, count, is_new):
    """Append rows[first:first + count] of `source` to a kept tick; how many had room.

    is_new   no link had them yet; else what they say of their moves stays
    """
    kept = held(kept_octets, HELD_KEPT)
    usage = kept.usage
    for index in range(count):
        row = rows[first + index]
        if not has_room(usage, source, row):
            return index
        place = usage.counts[COUNT_REQUESTS]
        append_request(usage, source, row)
        request = usage.requests[place]
        request.handed_tick = number
        request.handed_row = place
        if is_new:
            request.moves = 0
        kept.states[place] = _UNSENT if request.moves == 0 else _MOVED
    return count


@kernel
def mark_sent(kept_octets):
    """Every row of the tick is written to its link."""
    kept = held(kept_octets, HELD_KEPT)
    for row in range(kept.usage.counts[COUNT_REQUESTS]):
        kept.states[row] = _SENT


@kernel
def send_rest(kept_octets, batch):
    """Append the rows that aren't DONE to an empty batch of the tick's size, and mark them SENT."""
    kept = held(kept_octets, HELD_KEPT)
    for row in range(kept.usage.counts[COUNT_REQUESTS]):
        if kept.states[row] != _DONE:
            kept.states[row] = _SENT
            append_request(batch, kept.usage, row)


@kernel
def take_back(kept_octets, batch, places, place, leaves_all):
    """Append to an empty batch of the tick's size the rows that are to wait elsewhere, DONE here: (rows taken, given up).

    These are the RETURNED ones, and those whose partition's owner isn't at `place`: any of them where `leaves_all`, else
    those alone whose owner is known (places[p] > 0). One that was SENT has moved once more, and is given up where it moved
    HANDED_MOVES_MAX times.
    """
    kept = held(kept_octets, HELD_KEPT)
    taken, given_up = 0, 0
    for row in range(kept.usage.counts[COUNT_REQUESTS]):
        state = kept.states[row]
        if state == _DONE:
            continue
        request = kept.usage.requests[row]
        owner = places[request.account_id % places.shape[0]]
        if state != _RETURNED and (owner == place or not (leaves_all or owner > 0)):
            continue
        kept.states[row] = _DONE
        if state == _SENT:
            if request.moves >= HANDED_MOVES_MAX:
                given_up += 1
                continue
            request.moves += 1
        append_request(batch, kept.usage, row)
        taken += 1
    return taken, given_up


@kernel
def end_overdue(kept_octets, unsent_before_ns, sent_before_ns):
    """(Rows refused, rows given up): unsent ones received before one instant, sent ones received before another.

    The refused have their answer, TOO_BUSY; all others are silent. Nobody knows what became of a row that was sent, here or
    before, so it is never refused.
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
        elif kept.states[row] in (_SENT, _MOVED) and request.received_ns < sent_before_ns:
            kept.states[row] = _DONE
            given_up += 1
    return refused, given_up


# --- the engine's side: answers ----------------------------------------------------------------------------------------
@kernel
def gather_answers(answered_octets, link, handed_octets, epochs):
    """Write the answers of one link's rows to `handed`; how many. Silent rows are left out: their front end asks again.

    epochs   int64[partitions]: under which the engine owns them, 0 where it doesn't. A refused row of such a partition is
             returned, to be handed to its owner, and silent from then on
    """
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
        head.is_refused = _ANSWERED
        handed.answers[count] = answer
        if answer.outcome == _TOO_BUSY:
            is_owned = request.account_id < 0 or epochs[request.account_id % epochs.shape[0]] != 0
            head.is_refused = _REFUSED if is_owned else _NOT_OWNED
            answer.is_silent = 0 if is_owned else 1
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
    """Lay the answers of one tick, heads[first:] as far as they name it, into that tick.

    (Next row, next MSCC, rows done, rows RETURNED).

    Rows that aren't answered by this are silent. A row that is DONE stays as it was answered; one that moved and is
    refused now is given up: an engine before may have decided it, so a refusal might be untrue.
    heads and MSCCs are as find_answer_fault allows; a head that doesn't fit its row is passed over.
    """
    handed, kept = held(handed_octets, HELD_HANDED), held(kept_octets, HELD_KEPT)
    usage, answers = kept.usage, kept.answers
    for row in range(usage.counts[COUNT_REQUESTS]):
        answers.answers[row].is_silent = 1
    tick, at, mscc, done, returned = handed.heads[first].tick, first, first_mscc, 0, 0
    while at < handed.counts[0] and handed.heads[at].tick == tick:
        head = handed.heads[at]
        row = np.int64(head.row)
        if row < usage.counts[COUNT_REQUESTS] and kept.states[row] == _SENT:
            request = usage.requests[row]
            if head.is_refused == _NOT_OWNED:
                kept.states[row] = _RETURNED
                returned += 1
            elif head.mscc_count == request.mscc_count:
                kept.states[row] = _DONE
                done += 1
                if head.is_refused == _ANSWERED or request.moves == 0:
                    answers.answers[row] = handed.answers[at]
                    request.account_id = head.account_id
                    request.outcome = head.outcome
                    if head.outcome != _UNDECIDED:
                        request.failed_code = head.failed_code
                    for index in range(head.mscc_count):
                        answers.msccs[request.mscc_first + index] = handed.msccs[mscc + index]
        mscc += head.mscc_count
        at += 1
    return at, mscc, done, returned


@kernel
def skip_answers(handed_octets, first, first_mscc):
    """(Next row, next MSCC) behind the answers of the tick that heads[first] names: nobody waits for them any more."""
    handed = held(handed_octets, HELD_HANDED)
    tick, at, mscc = handed.heads[first].tick, first, first_mscc
    while at < handed.counts[0] and handed.heads[at].tick == tick:
        mscc += handed.heads[at].mscc_count
        at += 1
    return at, mscc
