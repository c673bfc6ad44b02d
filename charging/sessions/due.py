"""What is due in an account before anything else is decided: sessions past their supervision, buckets past their period."""

import numpy as np

from balances.arena import count_rows
from balances.record import (
    BUCKET_REMAINING,
    BUCKET_RESERVED,
    BUCKET_TO_NS,
    BUCKET_UNIT,
    BUCKET_WORDS,
    SESSION_EXPIRES_NS,
    SESSION_LAST_HASH,
    SESSION_LAST_NUMBER,
    SESSION_WORDS,
    Section,
)
from balances.reservations import expire_buckets, post, remove_empty_buckets
from balances.selection import is_money
from charging.decision import ROWS_MOVEMENTS
from charging.journal_rows import add_ended_row, add_expiry_row
from charging.sessions.open_sessions import end_session, ended_mark, mix16
from vocabulary.instants import FOREVER_NS
from vocabulary.kernel import inlined_kernel, kernel

_BUCKETS = int(Section.BUCKETS)
_SESSIONS = int(Section.SESSIONS)

ENDED_BY_REQUEST = 1
ENDED_BY_SUPERVISION = 2
ENDED_BY_NEW_SESSION = 3
ENDED_BY_COMMAND = 4


@inlined_kernel
def is_due(arena, slot, now_ns):
    """Is there anything to expire in the account?"""
    at = arena.section_at[slot, _SESSIONS]
    for _ in range(count_rows(arena, slot, _SESSIONS)):
        if arena.words[at + SESSION_EXPIRES_NS] <= now_ns:
            return True
        at += SESSION_WORDS
    at = arena.section_at[slot, _BUCKETS]
    for _ in range(count_rows(arena, slot, _BUCKETS)):
        if arena.words[at + BUCKET_TO_NS] <= now_ns:
            is_empty = arena.words[at + BUCKET_REMAINING] <= 0 and (
                is_money(arena.octets[8 * at + BUCKET_UNIT]) or arena.words[at + BUCKET_RESERVED] > 0
            )
            if not is_empty:
                return True
        at += BUCKET_WORDS
    return False


@kernel
def end_without_request(arena, slot, scratch, journal, session, request, ended_session, now_ns):
    """End the session at first word `session` and journal it as a row of its own."""
    row = add_ended_row(journal, arena, slot, session, request, ended_session, now_ns)
    half = 2 * session
    last_mix = mix16(arena.halves[half + SESSION_LAST_NUMBER], arena.halves[half + SESSION_LAST_HASH])
    mark = ended_mark(arena, session, last_mix)
    end_session(arena, slot, scratch.ledger, session, mark, now_ns)
    journal.counts[ROWS_MOVEMENTS] = post(
        arena,
        slot,
        scratch.ledger,
        journal.movements,
        journal.counts[ROWS_MOVEMENTS],
        row,
        -1,
    )


@kernel
def _apply_due(arena, slot, scratch, journal, request, now_ns):
    """End what supervision ends, expire what is over."""
    place = 0
    while place < count_rows(arena, slot, _SESSIONS):
        session = arena.section_at[slot, _SESSIONS] + place * SESSION_WORDS
        if arena.words[session + SESSION_EXPIRES_NS] <= now_ns:
            end_without_request(
                arena,
                slot,
                scratch,
                journal,
                session,
                request,
                ENDED_BY_SUPERVISION,
                now_ns,
            )
        else:
            place += 1
    expire_buckets(arena, slot, scratch.ledger, now_ns)
    if np.any(scratch.ledger.expired[: count_rows(arena, slot, _BUCKETS)]):
        row = add_expiry_row(journal, arena, slot, request, now_ns)
        journal.counts[ROWS_MOVEMENTS] = post(
            arena,
            slot,
            scratch.ledger,
            journal.movements,
            journal.counts[ROWS_MOVEMENTS],
            row,
            -1,
        )
    remove_empty_buckets(arena, slot, now_ns)


@inlined_kernel
def apply_due(arena, slot, scratch, journal, request, now_ns):
    """End what supervision ends, expire what is over. True where the record changed."""
    if not is_due(arena, slot, now_ns):
        return False
    _apply_due(arena, slot, scratch, journal, request, now_ns)
    return True


@inlined_kernel
def next_due(arena, slot):
    """The next instant at which something of the account expires; 0 where nothing does."""
    due_ns = FOREVER_NS
    at = arena.section_at[slot, _SESSIONS]
    for _ in range(count_rows(arena, slot, _SESSIONS)):
        due_ns = min(due_ns, arena.words[at + SESSION_EXPIRES_NS])
        at += SESSION_WORDS
    at = arena.section_at[slot, _BUCKETS]
    for _ in range(count_rows(arena, slot, _BUCKETS)):
        if arena.words[at + BUCKET_REMAINING] > 0:
            due_ns = min(due_ns, arena.words[at + BUCKET_TO_NS])
        at += BUCKET_WORDS
    return due_ns if due_ns != FOREVER_NS else 0
