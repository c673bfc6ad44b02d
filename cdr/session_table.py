"""Kernels over the open sessions of the record writer: found by key, begun, forgotten, their texts kept.

A session is a row of `sessions`, found by its 128-bit key and account in a table with open addressing (linear probing;
a removal shifts back what stands behind, so that there are no graves). Its lines are a list through `lines`, its texts lie in
`octets`. Rows, lines and octets are handed out and taken back in an order that depends on the journal alone, so that
the same entries give the same table and the same records on any machine; cdr/assembly.py makes room beforehand.
"""

import numpy as np

from cdr.carried_members import CARRIED_OCTETS_MAX, is_object, merge_states, states_at
from cdr.columns import STATE_FREE_SESSION, STATE_LIVE_OCTETS, STATE_OCTETS, STATE_SESSIONS
from charging.batch import EVENT
from vocabulary.kernel import inlined_kernel, kernel


@inlined_kernel
def find(table, high, low, account_id):
    """Slot of the account's session with this key, else the empty slot where it would stand (its word is 0).

    By the account, too: a report under an identity that has moved to another account is for no session of that one, and
    that one may open a session of the same name while the first is open.
    """
    mask = table.slots.shape[0] - 1
    slot = np.int64(low & np.uint64(mask))
    while table.slots[slot] != 0:
        session = table.sessions[table.slots[slot] - 1]
        if session.low == low and session.high == high and session.account_id == account_id:
            break
        slot = (slot + 1) & mask
    return slot


@inlined_kernel
def forget(table, slot):
    """Empty a slot; what was put behind it because it was taken moves up."""
    mask = table.slots.shape[0] - 1
    gap, at = slot, slot
    while True:
        at = (at + 1) & mask
        if table.slots[at] == 0:
            break
        home = np.int64(table.sessions[table.slots[at] - 1].low & np.uint64(mask))
        if ((at - home) & mask) >= ((at - gap) & mask):
            table.slots[gap] = table.slots[at]
            gap = at
    table.slots[gap] = 0


@kernel
def fill_slots(table):
    """Enter every open session into empty slots."""
    for row in range(table.state[STATE_SESSIONS]):
        session = table.sessions[row]
        if session.is_open:
            table.slots[find(table, session.high, session.low, session.account_id)] = row + 1


@inlined_kernel
def copy_octets(source, at, length, out, to):
    """Copy source[at:at + length] to out[to:]; where the copy ends.

    Unsigned places, because signed ones may count from the end: the compiler then copies octet by octet, five times slower.
    """
    first, start = np.uint64(at), np.uint64(to)
    for index in range(np.uint64(length)):
        out[start + index] = source[first + index]
    return to + length


@inlined_kernel
def texts_length(session):
    """Octets of a session's texts, which lie in a row: Session-Id, host, realm, identity."""
    return (
        np.int64(session.session_id_length)
        + np.int64(session.origin_host_length)
        + np.int64(session.origin_realm_length)
        + np.int64(session.identity_length)
    )


@inlined_kernel
def _take_session_row(table):
    """A row for a session, not entered anywhere."""
    row = table.state[STATE_FREE_SESSION]
    if row >= 0:
        table.state[STATE_FREE_SESSION] = table.sessions[row].next_free
    else:
        row = table.state[STATE_SESSIONS]
        table.state[STATE_SESSIONS] = row + 1
    return row


@inlined_kernel
def begin_session(table, requests, row, octets, at):
    """A session row that begins with request `row`, whose texts are at octets[at:]; not yet in the hash table."""
    request = requests[row]
    place = _take_session_row(table)
    session = table.sessions[place]
    session.high = request.session_high
    session.low = request.session_low
    session.account_id = request.account_id
    session.session_opened_ns = request.received_ns
    session.opened_ns = request.received_ns
    session.tenant = request.tenant
    session.service_context = request.service_context
    session.currency = request.currency
    session.request_count = 0
    session.partial_count = 0
    session.first_line = -1
    session.last_line = -1
    session.line_count = 0
    session.session_id_length = request.session_id_length
    session.origin_host_length = request.origin_host_length
    session.origin_realm_length = request.origin_realm_length
    session.identity_length = request.identity_length
    session.termination_cause = 0
    session.is_event = request.request_type == EVENT
    session.is_open = 0
    length = (
        np.int64(session.session_id_length)
        + np.int64(session.origin_host_length)
        + np.int64(session.origin_realm_length)
        + np.int64(session.identity_length)
    )
    information = request.service_information_length
    to = table.state[STATE_OCTETS]
    session.texts_at = to
    session.information_at = to + length
    session.information_length = information
    session.information_room = information
    table.state[STATE_OCTETS] = copy_octets(octets, at, length + information, table.octets, to)
    table.state[STATE_LIVE_OCTETS] += length + information
    return place


@inlined_kernel
def release_session(table, place):
    """Give a session's row back; its lines are given back already, its texts become garbage."""
    session = table.sessions[place]
    table.state[STATE_LIVE_OCTETS] -= texts_length(session) + session.information_room
    session.is_open = 0
    session.next_free = table.state[STATE_FREE_SESSION]
    table.state[STATE_FREE_SESSION] = place


@kernel
def renew_information(table, session, octets, at, length, octets_max):
    """Service-Information changed: in place where it fits, else behind everything; at the limit the old one stays."""
    if length > session.information_room:
        if table.state[STATE_LIVE_OCTETS] + length - session.information_room > octets_max:
            return
        table.state[STATE_LIVE_OCTETS] += length - session.information_room
        session.information_at = table.state[STATE_OCTETS]
        session.information_room = length
        table.state[STATE_OCTETS] += length
    copy_octets(octets, at, length, table.octets, session.information_at)
    session.information_length = length


@kernel
def take_information(table, session, octets, at, length, octets_max):
    """What a request carried; states of the session that it doesn't say stay. There is room for both behind everything."""
    to = table.state[STATE_OCTETS]
    merged = merge_states(
        octets, at, length, table.octets, session.information_at, session.information_length, table.octets, to
    )
    if merged == length:
        renew_information(table, session, octets, at, length, octets_max)
    else:
        renew_information(table, session, table.octets, to, merged, octets_max)


@inlined_kernel
def needs_room_to_merge(table, session, octets, at, length):
    """Has octets[at:at + length] to be put together with states, and no room for that beside the rest of its entry?"""
    return (
        is_object(octets, at, length)
        and session.information_length > 0
        and table.state[STATE_OCTETS] + octets.shape[0] - at + CARRIED_OCTETS_MAX > table.octets.shape[0]
    )


@kernel
def forget_reports(table, session):
    """What is on record is not to be there twice: of the session's information only states stay."""
    at, length = session.information_at, np.int64(session.information_length)
    first = states_at(table.octets, at, length)
    if first > 0:
        left = at + length - first  # the closing brace among them
        copy_octets(table.octets, first, left, table.octets, at + 1)
        session.information_length = 1 + left if left > 1 else 0


@kernel
def gather_texts(table, octets):
    """Copy the texts of all open sessions to the start of `octets`, without garbage; how many octets."""
    to = 0
    for row in range(table.state[STATE_SESSIONS]):
        session = table.sessions[row]
        if session.is_open:
            at = to
            to = copy_octets(table.octets, session.texts_at, texts_length(session), octets, to)
            session.texts_at = at
            at = to
            copy_octets(table.octets, session.information_at, session.information_length, octets, to)
            to += session.information_room
            session.information_at = at
    return to
