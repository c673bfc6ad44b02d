"""Whom an account that gives no credit is closed to, and what it takes nevertheless: use that has happened already.

A refusal would lose what was used, and who reports alone asks for nothing that could be refused: RFC 8506 §9.1 has used
units deducted beside END_USER_SERVICE_DENIED, and offline charging has no authorisation (TS 32.290 §5.3).
"""

import numpy as np

from balances.record import HEADER_EXPIRES_NS, HEADER_STATUS, AccountStatus
from charging.batch import HAS_REQUESTED, HAS_USED, REPORTS_ALONE
from charging.sessions.open_sessions import open_session
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.outcomes import Outcome

_ACTIVE = int(AccountStatus.ACTIVE)
_GRANTED = int(Outcome.GRANTED)
_END_USER_SERVICE_DENIED = int(Outcome.END_USER_SERVICE_DENIED)
_UNABLE_TO_COMPLY = int(Outcome.UNABLE_TO_COMPLY)


@inlined_kernel
def is_active(arena, slot, now_ns):
    """Does the account give credit?"""
    base = arena.first[slot]
    return arena.octets[8 * base + HEADER_STATUS] == _ACTIVE and now_ns < arena.words[base + HEADER_EXPIRES_NS]


@inlined_kernel
def denied_status(arena, slot, outcome, now_ns):
    """Why something was denied, as the journal says it: the account's status, ACTIVE where it is past its end; 0: not by it."""
    if outcome != _END_USER_SERVICE_DENIED or is_active(arena, slot, now_ns):
        return np.uint8(0)
    return arena.octets[8 * arena.first[slot] + HEADER_STATUS]


@kernel
def is_past(mscc):
    """Does it tell of use alone? The service was given: a post-event charge (TS 32.290 §5.3)."""
    return mscc.presence & HAS_USED != 0 and mscc.presence & HAS_REQUESTED == 0


@kernel
def is_event_of_use(msccs, request):
    """Is the event one that can't be refused: of a service that reports alone, or with MSCCs that all tell of use alone?"""
    if request.presence & REPORTS_ALONE:
        return True
    for row in range(request.mscc_first, request.mscc_first + request.mscc_count):
        if not is_past(msccs[row]):
            return False
    return request.mscc_count > 0


@kernel
def _begins_with_use(msccs, request):
    """The same of a session's first request: of a service that reports alone, or with units that were used."""
    if request.presence & REPORTS_ALONE:
        return True
    for row in range(request.mscc_first, request.mscc_first + request.mscc_count):
        mscc = msccs[row]
        if mscc.presence & HAS_USED and max(mscc.used_octets, mscc.used_seconds, mscc.used_events) > 0:
            return True
    return False


@kernel
def open_for(arena, slot, request, msccs, now_ns):
    """(outcome, first word of a new session): GRANTED, or why the account gets none."""
    if not is_active(arena, slot, now_ns) and not _begins_with_use(msccs, request):
        return _END_USER_SERVICE_DENIED, -1
    session = open_session(arena, slot, request, now_ns)
    return (_GRANTED, session) if session >= 0 else (_UNABLE_TO_COMPLY, session)
