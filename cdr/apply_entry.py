"""Kernels of the assembly: the rows of a journal entry into open sessions, what ends or is due into finished records."""

import numpy as np

from cdr.carried_members import states_at
from cdr.columns import (
    COUNT_FILE_OCTETS,
    COUNT_LINES,
    STATE_FREE_LINE,
    STATE_LINES,
    STATE_LIVE_OCTETS,
    STATE_OCTETS,
    STATE_OPEN,
    STATE_OPEN_LINES,
    STATE_SESSIONS,
    ClosedBy,
)
from cdr.finished_records import has_room, write_record
from cdr.session_table import (
    begin_session,
    find,
    forget,
    forget_reports,
    needs_room_to_merge,
    release_session,
    take_information,
    texts_length,
)
from charging.batch import EVENT, KIND_EXPIRE, KIND_USAGE, TERMINATION
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.outcomes import Outcome

_GRANTED = int(Outcome.GRANTED)
_SUM_MAX = 2**62
"""A sum of a line stays below: one more amount of any size still fits 64 bits."""
_ENDED_BY_SUPERVISION = 2
_ENDED_BY_COMMAND = 4

_TERMINATION = int(ClosedBy.TERMINATION)
_SUPERVISION = int(ClosedBy.SUPERVISION)
_NEW_SESSION = int(ClosedBy.NEW_SESSION)
_EVENT = int(ClosedBy.EVENT)
_REFUSAL = int(ClosedBy.REFUSAL)
_TIME_LIMIT = int(ClosedBy.TIME_LIMIT)
_LINE_LIMIT = int(ClosedBy.LINE_LIMIT)
_AMOUNT_LIMIT = int(ClosedBy.AMOUNT_LIMIT)
_TABLE_LIMIT = int(ClosedBy.TABLE_LIMIT)
_USAGE_DETAILS = int(ClosedBy.USAGE_DETAILS)
_ABORT = int(ClosedBy.ABORT)

DOES_NOT_FIT = -1
"""What apply_entry gives for an entry whose tables contradict one another."""


@inlined_kernel
def _find_line(table, session, usages, row):
    """The session's line for a usage row's service and price; -1 where there is none yet."""
    usage = usages[row]
    place = session.first_line
    while place >= 0:
        line = table.lines[place]
        if (
            line.rating_group == usage.rating_group
            and line.service_identifier == usage.service_identifier
            and line.price == usage.price
            and line.offer == usage.offer
            and line.release == usage.release
            and line.unit == usage.unit
            and line.settled_by == usage.settled_by
        ):
            break
        place = line.next
    return place


@inlined_kernel
def _add_line(table, session, usages, row):
    """A line with nothing in it but what it is for, behind the session's others."""
    usage = usages[row]
    place = table.state[STATE_FREE_LINE]
    if place >= 0:
        table.state[STATE_FREE_LINE] = table.lines[place].next
    else:
        place = table.state[STATE_LINES]
        table.state[STATE_LINES] = place + 1
    table.state[STATE_OPEN_LINES] += 1
    line = table.lines[place]
    line.rating_group = usage.rating_group
    line.service_identifier = usage.service_identifier
    line.price = usage.price
    line.offer = usage.offer
    line.release = usage.release
    line.unit = usage.unit
    line.settled_by = usage.settled_by
    line.used_units = 0
    line.allowance_units = 0
    line.uncharged_units = 0
    line.charged_micros = 0
    line.first_used_ns = 0
    line.last_used_ns = 0
    line.report_count = 0
    line.refused_count = 0
    line.number = 0
    line.next = -1
    if session.first_line < 0:
        session.first_line = place
    else:
        table.lines[session.last_line].next = place
    session.last_line = place
    session.line_count += 1
    return place


@inlined_kernel
def _add_usage(table, place, usages, row, closed_ns, limits, partition, out):
    """One usage row into its session's lines; a partial record first where the row would not fit."""
    usage = usages[row]
    session = table.sessions[place]
    at = _find_line(table, session, usages, row)
    if at >= 0 and (
        table.lines[at].charged_micros + usage.charged_micros > _SUM_MAX
        or table.lines[at].used_units + usage.used_units > _SUM_MAX
    ):
        write_record(table, place, _AMOUNT_LIMIT, closed_ns, partition, out)
        at = -1
    if at < 0:
        if session.line_count == limits.lines_max:
            write_record(table, place, _LINE_LIMIT, closed_ns, partition, out)
        at = _add_line(table, session, usages, row)
    line = table.lines[at]
    line.used_units += usage.used_units
    line.allowance_units += usage.allowance_units
    line.uncharged_units += usage.uncharged_units
    line.charged_micros += usage.charged_micros
    line.report_count += 1
    line.refused_count += usage.outcome != _GRANTED
    line.outcome = usage.outcome
    if usage.used_units > 0:
        if line.first_used_ns == 0 or usage.from_ns < line.first_used_ns:
            line.first_used_ns = usage.from_ns
        line.last_used_ns = max(line.last_used_ns, usage.to_ns)


@inlined_kernel
def _may_keep(table, octets, limits):
    """May one more session stay open, with so many octets?"""
    return (
        table.state[STATE_OPEN] < limits.sessions_max and table.state[STATE_LIVE_OCTETS] + octets <= limits.octets_max
    )


@inlined_kernel
def _closing_of(requests, row, is_known, may_keep):
    """(whether the session of a usage request stays open, what closes its record where it doesn't)."""
    request = requests[row]
    request_type, outcome = request.request_type, request.outcome
    if request_type == EVENT:
        return False, _EVENT if outcome == _GRANTED else _REFUSAL
    if request.ended_session:
        return False, _TERMINATION if outcome == _GRANTED or request_type == TERMINATION else _REFUSAL
    if is_known:
        return True, 0
    if outcome != _GRANTED:
        return False, _REFUSAL
    return may_keep, _TABLE_LIMIT


@inlined_kernel
def _apply_request(table, requests, row, usages, first, end, octets, at, limits, partition, out):
    """One credit-control request; False where there is no room for what it may close, or for what it carries."""
    request = requests[row]
    slot = find(table, request.session_high, request.session_low, request.account_id)
    place = np.int64(table.slots[slot]) - 1
    is_known = place >= 0 and request.request_type != EVENT
    information = np.int64(request.service_information_length)
    texts = (
        np.int64(request.session_id_length)
        + np.int64(request.origin_host_length)
        + np.int64(request.origin_realm_length)
        + np.int64(request.identity_length)
    )
    behind_texts = at + texts
    lines, longest = 0, information
    if is_known:
        session = table.sessions[place]
        lines = session.line_count
        texts = max(texts, texts_length(session))
        longest += np.int64(session.information_length)
        if needs_room_to_merge(table, session, octets, behind_texts, information):
            return False
    if not has_room(out, lines, texts, longest, end - first + 2):
        return False
    may_keep = _may_keep(table, texts + information, limits)
    stays, closed_by = _closing_of(requests, row, is_known, may_keep)
    octets_before = table.state[STATE_OCTETS]
    if not is_known:
        place = begin_session(table, requests, row, octets, at)
    session = table.sessions[place]
    session.last_ns = request.received_ns
    session.request_count += 1
    session.outcome = request.outcome
    session.termination_cause = request.termination_cause
    for usage in range(first, end):
        _add_usage(table, place, usages, usage, request.received_ns, limits, partition, out)
    if is_known and information > 0:  # behind usage: a record that this ends may not have the reports of the next
        take_information(table, session, octets, behind_texts, information, limits.octets_max)
    if stays and not is_known:
        table.slots[slot] = place + 1
        session.is_open = 1
        table.state[STATE_OPEN] += 1
    if stays and states_at(octets, behind_texts, information) > 0:
        write_record(table, place, _USAGE_DETAILS, request.received_ns, partition, out)
        forget_reports(table, session)
    if not stays:
        write_record(table, place, closed_by, request.received_ns, partition, out)
        release_session(table, place)
        if is_known:
            forget(table, slot)
            table.state[STATE_OPEN] -= 1
        else:
            table.state[STATE_OCTETS] = octets_before
    return True


@kernel
def _apply_ending(table, requests, row, partition, out):
    """A session that ended without a request of its own; False where its record has no room."""
    request = requests[row]
    slot = find(table, request.session_high, request.session_low, request.account_id)
    place = np.int64(table.slots[slot]) - 1
    if place < 0:
        return True
    session = table.sessions[place]
    if not has_room(out, session.line_count, texts_length(session), session.information_length, 1):
        return False
    closed_by = _NEW_SESSION
    if request.ended_session == _ENDED_BY_SUPERVISION:
        closed_by = _SUPERVISION
    elif request.ended_session == _ENDED_BY_COMMAND:
        closed_by = _ABORT
    write_record(table, place, closed_by, request.event_ns, partition, out)
    release_session(table, place)
    forget(table, slot)
    table.state[STATE_OPEN] -= 1
    return True


@kernel
def apply_entry(table, requests, usages, octets, cursor, limits, partition, out):
    """Apply the rows of one journal entry from `cursor` on; how many are applied, or DOES_NOT_FIT.

    table      SessionTable with room for a session a request, a line a usage row and the entry's octets
    requests   JOURNAL_REQUEST_DTYPE rows, `usages` USAGE_DTYPE rows, `octets` uint8 of the entry
    cursor     int64[3], moved: next request, usage row and octet; fewer than all are applied where `out` is full, or
               `table` has no room to put together what a session carries
    limits     Limits
    partition  int64
    out        RecordRows: records are appended
    """
    request_count, usage_count = requests.shape[0], usages.shape[0]
    for row in range(cursor[0], request_count):
        request, first, at = requests[row], cursor[1], cursor[2]
        end = first
        while end < usage_count and usages[end].request == row:
            end += 1
        behind = at + (
            np.int64(request.session_id_length)
            + np.int64(request.origin_host_length)
            + np.int64(request.origin_realm_length)
            + np.int64(request.identity_length)
            + np.int64(request.service_information_length)
        )
        if request.service_information_length < 0 or behind > octets.shape[0]:
            return DOES_NOT_FIT
        is_applied = True
        if request.kind == KIND_USAGE:
            is_applied = _apply_request(table, requests, row, usages, first, end, octets, at, limits, partition, out)
        elif request.kind == KIND_EXPIRE and request.ended_session != 0:
            is_applied = _apply_ending(table, requests, row, partition, out)
        if not is_applied:
            return row
        cursor[0] = row + 1
        cursor[1] = end
        cursor[2] = behind
    return request_count if cursor[1] == usage_count else DOES_NOT_FIT


@kernel
def close_due(table, bounds, closed_ns, cursor, partition, out):
    """Partial records for open sessions within `bounds`; True when done, False where `out` is full.

    bounds   ClosingBounds
    cursor   int64[2], moved: next session row, records written so far
    """
    while cursor[0] < table.state[STATE_SESSIONS]:
        if (
            cursor[1] >= bounds.records_max
            or out.counts[COUNT_LINES] >= bounds.rows_max
            or out.counts[COUNT_FILE_OCTETS] >= bounds.octets_max
        ):
            break
        session = table.sessions[cursor[0]]
        if session.is_open and session.opened_ns <= bounds.opened_until_ns:
            if not has_room(out, session.line_count, texts_length(session), session.information_length, 1):
                return False
            write_record(table, cursor[0], _TIME_LIMIT, closed_ns, partition, out)
            cursor[1] += 1
        cursor[0] += 1
    return True
