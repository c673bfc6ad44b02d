"""decide(): the order of the steps for a batch, nothing else. Deterministic: the same batch over the same records at the
same instant gives the same answers, records and journal rows on any machine (docs/charging.md).
"""

import numpy as np

from balances.record import (
    HEADER_ACCOUNT,
    HEADER_REVISION,
    HEADER_TENANT,
    HEADER_UPDATED_NS,
    SESSION_SERVICE_CONTEXT,
    SESSION_SERVICE_INFORMATION,
)
from charging.account_commands import decide_command
from charging.batch import (
    COMMAND_REAUTHORIZE,
    COUNT_REQUESTS,
    EVENT,
    INITIAL,
    KIND_COMMAND,
    KIND_EXPIRE,
    TERMINATION,
)
from charging.batch_rows import clear_answer
from charging.credit_control import decide_session
from charging.decision import ROWS_MOVEMENTS, ROWS_OCTETS, ROWS_REQUESTS, ROWS_USAGES
from charging.direct_debiting import decide_event
from charging.journal_rows import (
    WITH_ALL_TEXTS,
    WITH_SERVICE_INFORMATION,
    WITHOUT_TEXTS,
    add_request_row,
    currency_of,
)
from charging.session_commands import decide_session_command
from charging.sessions.admission import denied_status, open_for
from charging.sessions.due import (
    ENDED_BY_NEW_SESSION,
    apply_due,
    end_without_request,
    next_due,
)
from charging.sessions.duplicates import (
    ANSWERED_BEFORE,
    CONTRADICTS,
    NOT_REPEATED,
    REPEATS_LAST,
    find_event_repeat,
    find_repeat,
    repeat_answer,
    repeat_event,
)
from charging.sessions.open_sessions import BY_INITIAL, BY_LAST, find_session, has_ended_mark
from charging.sessions.refused_reports import record_refused, refuse_request
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.limits import BUCKETS_PER_ACCOUNT_MAX, SESSIONS_PER_ACCOUNT_MAX
from vocabulary.outcomes import Outcome

_UNDECIDED = int(Outcome.UNDECIDED)
_GRANTED = int(Outcome.GRANTED)
_TOO_BUSY = int(Outcome.TOO_BUSY)
_USER_UNKNOWN = int(Outcome.USER_UNKNOWN)
_INVALID_AVP_VALUE = int(Outcome.INVALID_AVP_VALUE)
_UNKNOWN_SESSION_ID = int(Outcome.UNKNOWN_SESSION_ID)
_REQUEST_NUMBER_CODE = 415


@kernel
def decide(arena, slot_count, tariffs, batch, recorded, now_ns, answers, journal, scratch):
    """Decide every row of the batch in order, on the records of the arena, and write answers and journal rows.

    arena        balances.arena.Arena with the batch's records; `changed` says afterwards which are to be written
    slot_count   int64: accounts in the arena; a request's `slot` is one of them or -1
    tariffs      charging.tariff_tables.TariffTables
    batch        charging.batch.UsageBatch; `outcome` UNDECIDED is decided, another is passed on
    recorded     int64[rows, RECORDED_WORDS]: answers of events, by `requests.answered`; charged ones are written in
    now_ns       int64: the instant of the decision
    answers      charging.batch.AnswerBatch: row for row
    journal      charging.decision.JournalRows: overwritten
    scratch      charging.decision.Scratch
    Fails with AssertionError where a record contradicts itself; the caller then decides account by account.
    """
    for index in range(journal.counts.shape[0]):
        journal.counts[index] = 0
    for row in range(batch.counts[COUNT_REQUESTS]):
        request = batch.requests[row]
        clear_answer(request, answers, row, _UNDECIDED)
        if request.outcome != _UNDECIDED:
            answers.answers[row].outcome = request.outcome
        elif request.slot < 0:
            answers.answers[row].outcome = _outcome_of_nobody(request)
        elif not _has_room(journal, request):
            answers.answers[row].outcome = _TOO_BUSY
        else:
            _decide_row(arena, tariffs, batch, row, recorded, now_ns, answers, journal, scratch)
    _stamp(arena, slot_count, now_ns)


@inlined_kernel
def _outcome_of_nobody(request):
    """What a request without an account is answered; one that the codec refused is so for that."""
    return _USER_UNKNOWN if request.refusal == _UNDECIDED else np.int64(request.refusal)


@inlined_kernel
def _has_room(journal, request):
    """Can the journal take whatever this row may write?"""
    movements = (np.int64(request.mscc_count) + np.int64(request.credit_count) + SESSIONS_PER_ACCOUNT_MAX + 2) * (
        2 * BUCKETS_PER_ACCOUNT_MAX
    )
    return (
        journal.counts[ROWS_REQUESTS] + SESSIONS_PER_ACCOUNT_MAX + 3 <= journal.requests.shape[0]
        and journal.counts[ROWS_USAGES] + request.mscc_count <= journal.usages.shape[0]
        and journal.counts[ROWS_MOVEMENTS] + movements <= journal.movements.shape[0]
        and journal.counts[ROWS_OCTETS] + request.message_length + 64 <= journal.octets.shape[0]
    )


@inlined_kernel
def _decide_row(arena, tariffs, batch, row, recorded, now_ns, answers, journal, scratch):
    """One row: what is due first, then command, event or session."""
    request, answer = batch.requests[row], answers.answers[row]
    slot = np.int64(request.slot)
    base = arena.first[slot]
    exists = arena.length[slot] > 0
    if exists:
        now_ns = max(now_ns, arena.words[base + HEADER_UPDATED_NS])
        assert arena.words[base + HEADER_ACCOUNT] == request.account_id
        if np.int64(arena.halves[2 * base + HEADER_TENANT]) != request.tenant:
            answer.outcome = _outcome_of_nobody(request)
            return
        if apply_due(arena, slot, scratch, journal, request, now_ns):
            arena.changed[slot] = 1
    if request.kind == KIND_EXPIRE:
        answer.outcome = _GRANTED
        answer.is_silent = 1
        answer.due_ns = next_due(arena, slot) if exists else 0
    elif request.kind == KIND_COMMAND and request.command >= COMMAND_REAUTHORIZE:
        decide_session_command(arena, slot, scratch, batch, journal, request, now_ns, answer)
    elif request.kind == KIND_COMMAND:
        journal_row = add_request_row(journal, arena, slot, batch, request, WITH_SERVICE_INFORMATION)
        outcome, place = decide_command(
            arena,
            slot,
            scratch,
            batch,
            request,
            batch.changes[row],
            now_ns,
            journal.movements,
            journal.counts[ROWS_MOVEMENTS],
            journal_row,
            answer,
        )
        _close_row(arena, slot, journal, journal_row, place, answer, outcome)
        answer.is_silent = 1
        answer.due_ns = next_due(arena, slot) if outcome == _GRANTED else 0
    elif not exists:
        answer.outcome = _outcome_of_nobody(request)
    elif request.refusal != _UNDECIDED:
        session = np.int64(-1)
        if request.request_type != EVENT:
            session = find_session(arena, slot, request.session_high, request.session_low)
        refuse_request(arena, slot, batch, journal, request, session, np.int64(request.refusal), answer, True)
    elif request.request_type == EVENT:
        _decide_event_row(
            arena,
            slot,
            tariffs,
            scratch,
            batch,
            recorded,
            journal,
            request,
            now_ns,
            answer,
            answers,
        )
    else:
        _decide_session_row(
            arena,
            slot,
            tariffs,
            scratch,
            batch,
            journal,
            request,
            now_ns,
            answer,
            answers,
        )


@inlined_kernel
def _close_row(arena, slot, journal, journal_row, place, answer, outcome):
    """The outcome of a row in its answer and in the journal."""
    journal.counts[ROWS_MOVEMENTS] = place
    journal.requests[journal_row].outcome = outcome
    journal.requests[journal_row].currency = currency_of(arena, slot)  # a command may just have opened the account
    answer.outcome = outcome
    if outcome == _GRANTED and answer.is_duplicate == 0:
        arena.changed[slot] = 1


@kernel
def _decide_event_row(
    arena,
    slot,
    tariffs,
    scratch,
    batch,
    recorded,
    journal,
    request,
    now_ns,
    answer,
    answers,
):
    """An EVENT: its repeat, or its decision."""
    repeat = find_event_repeat(recorded, request)
    if repeat == REPEATS_LAST:
        answer.outcome = repeat_event(recorded, request, answers.msccs)
        answer.is_duplicate = 1
        return
    journal_row = add_request_row(journal, arena, slot, batch, request, WITH_ALL_TEXTS)
    if repeat == CONTRADICTS:
        answer.outcome = _INVALID_AVP_VALUE
        answer.failed_code = _REQUEST_NUMBER_CODE
        record_refused(batch, journal, request, journal_row, _INVALID_AVP_VALUE)
    else:
        decide_event(
            arena,
            slot,
            tariffs,
            scratch,
            batch,
            recorded,
            journal,
            request,
            journal_row,
            now_ns,
            answer,
            answers.msccs,
        )
    journal.requests[journal_row].outcome = answer.outcome
    if answer.keeps_answer:
        arena.changed[slot] = 1


@inlined_kernel
def _decide_session_row(arena, slot, tariffs, scratch, batch, journal, request, now_ns, answer, answers):
    """INITIAL, UPDATE or TERMINATION: repeats, unknown sessions and sessions begun anew, in the order of §3."""
    session = find_session(arena, slot, request.session_high, request.session_low)
    if session >= 0 and request.service_context < 0:  # it says no service, or not again: the one that it began with
        request.service_context = np.int32(arena.halves[2 * session + SESSION_SERVICE_CONTEXT])
    repeat = find_repeat(arena, slot, session, request, batch.msccs, now_ns) if session >= 0 else NOT_REPEATED
    if repeat in (CONTRADICTS, ANSWERED_BEFORE):
        # What was answered before is on record as it was charged then: as uncharged it would stand there twice.
        is_news = repeat == CONTRADICTS
        refuse_request(arena, slot, batch, journal, request, session, _INVALID_AVP_VALUE, answer, is_news)
        answer.failed_code = _REQUEST_NUMBER_CODE
        return
    if repeat != NOT_REPEATED:
        answer.outcome = repeat_answer(
            arena,
            slot,
            tariffs,
            session,
            repeat,
            request,
            batch.msccs,
            answers.msccs,
            now_ns,
        )
        answer.is_duplicate = 1
        return
    if session < 0 or request.request_type == INITIAL:
        has_ended = has_ended_mark(arena, slot, request, BY_INITIAL if request.request_type == INITIAL else BY_LAST)
        if has_ended and request.request_type == TERMINATION:
            answer.outcome = _GRANTED
            answer.is_duplicate = 1
            _answer_ended(request, answers.msccs)
            return
        if has_ended or request.request_type != INITIAL:
            refuse_request(arena, slot, batch, journal, request, np.int64(-1), _UNKNOWN_SESSION_ID, answer, True)
            return
        if session >= 0:
            end_without_request(
                arena,
                slot,
                scratch,
                journal,
                session,
                request,
                ENDED_BY_NEW_SESSION,
                now_ns,
            )
            arena.changed[slot] = 1
            session = -1
    texts = WITHOUT_TEXTS
    if request.request_type == INITIAL:
        texts = WITH_ALL_TEXTS
    elif (
        request.service_information_length > 0
        and arena.halves[2 * session + SESSION_SERVICE_INFORMATION] != request.service_information_hash
    ):
        texts = WITH_SERVICE_INFORMATION
    journal_row = add_request_row(journal, arena, slot, batch, request, texts)
    if session < 0:
        outcome, session = open_for(arena, slot, request, batch.msccs, now_ns)
        if outcome != _GRANTED:
            journal.requests[journal_row].outcome = outcome
            journal.requests[journal_row].denied_status = denied_status(arena, slot, outcome, now_ns)
            answer.outcome = outcome
            record_refused(batch, journal, request, journal_row, outcome)
            return
    arena.changed[slot] = 1
    decide_session(
        arena,
        slot,
        tariffs,
        scratch,
        batch,
        journal,
        request,
        journal_row,
        session,
        now_ns,
        answer,
        answers.msccs,
    )
    journal.requests[journal_row].outcome = answer.outcome
    if answer.opened_session and request.request_type == INITIAL:
        answer.opened_session = 1


@kernel
def _answer_ended(request, answers):
    """The MSCCs of a termination's repeat: as the termination was answered, without quota."""
    for row in range(request.mscc_first, request.mscc_first + request.mscc_count):
        answers[row].outcome = _GRANTED


@inlined_kernel
def _stamp(arena, slot_count, now_ns):
    """Revision and instant of every record that changed."""
    for slot in range(slot_count):
        if arena.changed[slot]:
            base = arena.first[slot]
            arena.words[base + HEADER_REVISION] += 1
            arena.words[base + HEADER_UPDATED_NS] = max(now_ns, arena.words[base + HEADER_UPDATED_NS])
