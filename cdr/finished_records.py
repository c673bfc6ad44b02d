"""Kernels that turn an open session into the rows of a finished record: its columns, its texts, its lines."""

import numpy as np

from cdr.columns import (
    COUNT_FILE_OCTETS,
    COUNT_IDENTITIES,
    COUNT_INFORMATIONS,
    COUNT_LINES,
    COUNT_ORIGIN_HOSTS,
    COUNT_ORIGIN_REALMS,
    COUNT_RECORDS,
    COUNT_SESSION_IDS,
    NO_IDENTITY,
    ROW_FILE_OCTETS_MAX,
    STATE_FREE_LINE,
    STATE_OPEN_LINES,
    STATE_SEQUENCE,
    ClosedBy,
)
from cdr.session_table import copy_octets, texts_length
from vocabulary.kernel import inlined_kernel, kernel

_TIME_LIMIT = int(ClosedBy.TIME_LIMIT)
_LINE_LIMIT = int(ClosedBy.LINE_LIMIT)
_AMOUNT_LIMIT = int(ClosedBy.AMOUNT_LIMIT)
_USAGE_DETAILS = int(ClosedBy.USAGE_DETAILS)


@inlined_kernel
def _write_texts(table, session, out, record):
    """The session's texts behind those of the records before."""
    counts, at = out.counts, session.texts_at
    octets = table.octets
    counts[COUNT_SESSION_IDS] = copy_octets(
        octets, at, session.session_id_length, out.session_ids, counts[COUNT_SESSION_IDS]
    )
    at += session.session_id_length
    counts[COUNT_ORIGIN_HOSTS] = copy_octets(
        octets, at, session.origin_host_length, out.origin_hosts, counts[COUNT_ORIGIN_HOSTS]
    )
    at += session.origin_host_length
    counts[COUNT_ORIGIN_REALMS] = copy_octets(
        octets, at, session.origin_realm_length, out.origin_realms, counts[COUNT_ORIGIN_REALMS]
    )
    at += session.origin_realm_length
    record.identity_kind = NO_IDENTITY
    record.identity_length = 0
    if session.identity_length > 0:
        record.identity_kind = octets[at]
        record.identity_length = session.identity_length - 1
        counts[COUNT_IDENTITIES] = copy_octets(
            octets, at + 1, record.identity_length, out.identities, counts[COUNT_IDENTITIES]
        )
    counts[COUNT_INFORMATIONS] = copy_octets(
        octets, session.information_at, session.information_length, out.informations, counts[COUNT_INFORMATIONS]
    )
    record.session_id_length = session.session_id_length
    record.origin_host_length = session.origin_host_length
    record.origin_realm_length = session.origin_realm_length
    record.information_length = session.information_length


@inlined_kernel
def _blank_line(line, record_row):
    """The one row of a record without lines."""
    line.rating_group = -1
    line.service_identifier = -1
    line.used_units = 0
    line.allowance_units = 0
    line.uncharged_units = 0
    line.charged_micros = 0
    line.first_used_ns = 0
    line.last_used_ns = 0
    line.report_count = 0
    line.refused_count = 0
    line.release = 0
    line.offer = 0
    line.price = 0
    line.next = record_row
    line.number = 0
    line.unit = 0
    line.outcome = 0


@inlined_kernel
def _write_lines(table, session, out, record_row):
    """The session's lines as rows, at least one; the lines are given back."""
    place, number = session.first_line, 0
    rows = max(session.line_count, 1)
    row = out.counts[COUNT_LINES]
    if place < 0:
        _blank_line(out.lines[row], record_row)
    while place >= 0:
        line, number = table.lines[place], number + 1
        after = line.next
        out.lines[row] = table.lines[place]
        out.lines[row].next = record_row
        out.lines[row].number = number
        row += 1
        line.next = table.state[STATE_FREE_LINE]
        table.state[STATE_FREE_LINE] = place
        place = after
    table.state[STATE_OPEN_LINES] -= session.line_count
    session.first_line = -1
    session.last_line = -1
    session.line_count = 0
    out.counts[COUNT_LINES] += rows
    texts = texts_length(session) + 2 * session.information_length
    out.counts[COUNT_FILE_OCTETS] += rows * (ROW_FILE_OCTETS_MAX + texts)


@inlined_kernel
def write_record(table, place, closed_by, closed_ns, partition, out):
    """A finished record of the session at row `place`, which goes on without requests and lines."""
    session = table.sessions[place]
    record_row = out.counts[COUNT_RECORDS]
    out.counts[COUNT_RECORDS] = record_row + 1
    record = out.records[record_row]
    record.sequence = table.state[STATE_SEQUENCE]
    table.state[STATE_SEQUENCE] += 1
    record.account_id = session.account_id
    record.session_opened_ns = session.session_opened_ns
    record.opened_ns = session.opened_ns
    record.closed_ns = max(closed_ns, session.opened_ns)
    record.partition = partition
    record.tenant = session.tenant
    record.service_context = session.service_context
    record.currency = session.currency
    record.request_count = session.request_count
    record.partial_sequence = 0
    is_partial = closed_by in (_TIME_LIMIT, _LINE_LIMIT, _AMOUNT_LIMIT, _USAGE_DETAILS)
    if is_partial or session.partial_count > 0:
        session.partial_count += 1
        record.partial_sequence = session.partial_count
    record.line_count = session.line_count
    record.outcome = session.outcome
    record.termination_cause = session.termination_cause
    record.closed_by = closed_by
    record.is_event = session.is_event
    _write_texts(table, session, out, record)
    _write_lines(table, session, out, record_row)
    session.opened_ns = record.closed_ns
    session.request_count = 0


@inlined_kernel
def has_room(out, lines, texts, information, records):
    """Can `records` records of a session with so many lines and octets be written?"""
    counts = out.counts
    return (
        counts[COUNT_RECORDS] + records <= out.records.shape[0]
        and counts[COUNT_LINES] + lines + 2 * records <= out.lines.shape[0]
        and counts[COUNT_SESSION_IDS] + records * texts <= out.session_ids.shape[0]
        and counts[COUNT_ORIGIN_HOSTS] + records * texts <= out.origin_hosts.shape[0]
        and counts[COUNT_ORIGIN_REALMS] + records * texts <= out.origin_realms.shape[0]
        and counts[COUNT_IDENTITIES] + records * texts <= out.identities.shape[0]
        and counts[COUNT_INFORMATIONS] + records * information <= out.informations.shape[0]
    )


@kernel
def mask_bad_utf8(octets, offsets):
    """Replace each octet that is not UTF-8 by `?`, within octets[offsets[i]:offsets[i + 1]] of each text. RFC 3629."""
    for text in range(offsets.shape[0] - 1):
        at, end = np.int64(offsets[text]), np.int64(offsets[text + 1])
        while at < end:
            lead = octets[at]
            more = 0 if lead < 0x80 else 1 if 0xC2 <= lead < 0xE0 else 2 if 0xE0 <= lead < 0xF0 else 3
            is_good = lead < 0x80 or (0xC2 <= lead < 0xF5 and at + more < end)
            for index in range(1, more + 1):
                if is_good:
                    lowest = 0xA0 if lead == 0xE0 and index == 1 else 0x90 if lead == 0xF0 and index == 1 else 0x80
                    highest = 0x9F if lead == 0xED and index == 1 else 0x8F if lead == 0xF4 and index == 1 else 0xBF
                    is_good = lowest <= octets[at + index] <= highest
            if not is_good:
                octets[at] = 0x3F
                more = 0
            at += more + 1
