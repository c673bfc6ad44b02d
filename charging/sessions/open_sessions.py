"""Open sessions of a record: find, open, end; and the marks that ended ones leave."""

import numpy as np

from balances.arena import append_row, count_rows, remove_row
from balances.record import (
    ENDED_MARK,
    ENDED_WORDS,
    HEADER_ENDED_NEXT,
    SERVICE_SESSION_TAG,
    SERVICE_TAG,
    SERVICE_WORDS,
    SESSION_EXPIRES_NS,
    SESSION_KEY_HIGH,
    SESSION_KEY_LOW,
    SESSION_OPENED_NS,
    SESSION_SERVICE_CONTEXT,
    SESSION_TAG,
    SESSION_WORDS,
    Section,
)
from balances.reservations import commit_reservations
from vocabulary.kernel import kernel
from vocabulary.limits import ENDED_SESSIONS_KEPT_MAX, SESSIONS_PER_ACCOUNT_MAX

_SESSIONS = int(Section.SESSIONS)
_SERVICES = int(Section.SERVICES)
_ENDED = int(Section.ENDED)
_KEY_BITS = ~np.int64(0xFFFF)


@kernel
def find_session(arena, slot, key_high, key_low):
    """First word of the open session with this 128-bit key, -1 where there is none."""
    high, low = np.int64(key_high), np.int64(key_low)
    at = arena.section_at[slot, _SESSIONS]
    for _ in range(count_rows(arena, slot, _SESSIONS)):
        if arena.words[at + SESSION_KEY_HIGH] == high and arena.words[at + SESSION_KEY_LOW] == low:
            return at
        at += SESSION_WORDS
    return -1


@kernel
def _is_tag_taken(arena, slot, kind, stride, tag_octet, tag):
    at = arena.section_at[slot, kind]
    for _ in range(count_rows(arena, slot, kind)):
        if arena.octets[8 * at + tag_octet] == tag:
            return True
        at += stride
    return False


@kernel
def free_tag(arena, slot, kind, stride, tag_octet):
    """The smallest number that no row of the section has."""
    tag = 0
    while _is_tag_taken(arena, slot, kind, stride, tag_octet, tag):
        tag += 1
    return tag


@kernel
def open_session(arena, slot, request, now_ns):
    """Append a session for an INITIAL request; its first word, or -1 at the account's maximum or without room."""
    if count_rows(arena, slot, _SESSIONS) >= SESSIONS_PER_ACCOUNT_MAX:
        return -1
    tag = free_tag(arena, slot, _SESSIONS, SESSION_WORDS, SESSION_TAG)
    at = append_row(arena, slot, _SESSIONS)
    if at < 0:
        return -1
    arena.words[at + SESSION_KEY_HIGH] = np.int64(request.session_high)
    arena.words[at + SESSION_KEY_LOW] = np.int64(request.session_low)
    arena.octets[8 * at + SESSION_TAG] = tag
    arena.words[at + SESSION_OPENED_NS] = now_ns
    arena.words[at + SESSION_EXPIRES_NS] = 0
    arena.halves[2 * at + SESSION_SERVICE_CONTEXT] = np.uint32(request.service_context)
    return at


@kernel
def ended_mark(key_high, request_number, body_hash, never_counts):
    """The word that an ended session leaves: 48 bits of its key and 16 of its last request; never 0."""
    number = np.int64(0) if never_counts else np.int64(request_number)
    body = np.int64(body_hash)
    mark = (np.int64(key_high) & _KEY_BITS) | ((number * 40503 + body + (body >> 16)) & 0xFFFF)
    return mark if mark != 0 else np.int64(1)


@kernel
def has_ended_mark(arena, slot, mark):
    """Did a session leave this mark, among the last that ended?"""
    at = arena.section_at[slot, _ENDED]
    for _ in range(count_rows(arena, slot, _ENDED)):
        if arena.words[at + ENDED_MARK] == mark:
            return True
        at += ENDED_WORDS
    return False


@kernel
def _leave_mark(arena, slot, mark):
    """Write the mark into the ring. Without room for a first mark none is left: a repeat is then an unknown session."""
    if mark == 0:
        return
    base = arena.first[slot]
    if count_rows(arena, slot, _ENDED) < ENDED_SESSIONS_KEPT_MAX:
        at = append_row(arena, slot, _ENDED)
        if at >= 0:
            arena.words[at + ENDED_MARK] = mark
        return
    place = np.int64(arena.octets[8 * base + HEADER_ENDED_NEXT]) % ENDED_SESSIONS_KEPT_MAX
    arena.words[arena.section_at[slot, _ENDED] + place * ENDED_WORDS + ENDED_MARK] = mark
    arena.octets[8 * base + HEADER_ENDED_NEXT] = (place + 1) % ENDED_SESSIONS_KEPT_MAX


@kernel
def end_session(arena, slot, ledger, at, mark, now_ns):
    """Release what the session's services hold, take out its rows, leave its mark (0: none). The caller posts the ledger."""
    session_tag = arena.octets[8 * at + SESSION_TAG]
    for place in range(count_rows(arena, slot, _SERVICES) - 1, -1, -1):
        service = arena.section_at[slot, _SERVICES] + place * SERVICE_WORDS
        if arena.octets[8 * service + SERVICE_SESSION_TAG] == session_tag:
            commit_reservations(arena, slot, ledger, arena.octets[8 * service + SERVICE_TAG], 0, now_ns)
            remove_row(arena, slot, _SERVICES, service)
    remove_row(arena, slot, _SESSIONS, at)
    _leave_mark(arena, slot, mark)
