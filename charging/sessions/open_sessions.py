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
    SESSION_HIGHEST_NUMBER,
    SESSION_INITIAL_MIX_HIGH,
    SESSION_INITIAL_MIX_LOW,
    SESSION_KEY_HIGH,
    SESSION_KEY_LOW,
    SESSION_OPENED_NS,
    SESSION_SERVICE_CONTEXT,
    SESSION_TAG,
    SESSION_WORDS,
    Section,
)
from balances.reservations import commit_reservations
from charging.batch import NEVER_COUNTS
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.limits import ENDED_SESSIONS_KEPT_MAX, SESSIONS_PER_ACCOUNT_MAX

_SESSIONS = int(Section.SESSIONS)
_SERVICES = int(Section.SERVICES)
_ENDED = int(Section.ENDED)
_KEY_BITS = ~np.int64(0xFFFFFFFF)

BY_INITIAL = 16
BY_LAST = 0


@inlined_kernel
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
    arena.halves[2 * at + SESSION_HIGHEST_NUMBER] = request.request_number
    arena.words[at + SESSION_OPENED_NS] = now_ns
    arena.words[at + SESSION_EXPIRES_NS] = 0
    arena.halves[2 * at + SESSION_SERVICE_CONTEXT] = np.uint32(request.service_context)
    mix = request_mix(request)
    arena.octets[8 * at + SESSION_INITIAL_MIX_LOW] = mix & 0xFF
    arena.octets[8 * at + SESSION_INITIAL_MIX_HIGH] = mix >> 8
    return at


@inlined_kernel
def mix16(request_number, body_hash):
    """16 bits that tell requests of a session apart."""
    body = np.int64(body_hash)
    return (np.int64(request_number) * 40503 + body + (body >> 16)) & 0xFFFF


@inlined_kernel
def request_mix(request):
    """The same of a request; its number says nothing where the peer never counts."""
    number = np.int64(0) if request.presence & NEVER_COUNTS else np.int64(request.request_number)
    return mix16(number, request.body_hash)


@kernel
def initial_mix(arena, at):
    """The mix of the request that opened the session at first word `at`."""
    octet = 8 * at
    high = np.int64(arena.octets[octet + SESSION_INITIAL_MIX_HIGH])
    return high << 8 | np.int64(arena.octets[octet + SESSION_INITIAL_MIX_LOW])


@kernel
def ended_mark(arena, at, last_mix):
    """The word that a session leaves: 32 bits of its key, 16 of its initial and 16 of its last request; never 0."""
    mark = (arena.words[at + SESSION_KEY_HIGH] & _KEY_BITS) | initial_mix(arena, at) << BY_INITIAL | last_mix
    return mark if mark != 0 else np.int64(1)


@kernel
def has_ended_mark(arena, slot, request, which):
    """Is the request the initial (`which` BY_INITIAL) or the last one (BY_LAST) of a session among those that ended?"""
    key, mix = np.int64(request.session_high) & _KEY_BITS, request_mix(request)
    at = arena.section_at[slot, _ENDED]
    for _ in range(count_rows(arena, slot, _ENDED)):
        mark = arena.words[at + ENDED_MARK]
        if (mark & _KEY_BITS) == key and ((mark >> which) & 0xFFFF) == mix:
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
            commit_reservations(arena, slot, ledger, arena.octets[8 * service + SERVICE_TAG], 0, 0, now_ns)
            remove_row(arena, slot, _SERVICES, service)
    remove_row(arena, slot, _SESSIONS, at)
    _leave_mark(arena, slot, mark)
