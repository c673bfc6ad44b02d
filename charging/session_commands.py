"""Account commands that ask something of open sessions, as rows: re-authorise, abort, end (docs/charging.md §9)."""

import numpy as np

from charging.batch import COMMAND_END_SESSION
from charging.journal_rows import WITHOUT_TEXTS, add_request_row
from charging.sessions.due import ENDED_BY_COMMAND, end_without_request, next_due
from charging.sessions.open_sessions import find_session
from vocabulary.kernel import kernel
from vocabulary.outcomes import Outcome

_GRANTED = int(Outcome.GRANTED)
_USER_UNKNOWN = int(Outcome.USER_UNKNOWN)
_UNKNOWN_SESSION_ID = int(Outcome.UNKNOWN_SESSION_ID)
_UNABLE_TO_COMPLY = int(Outcome.UNABLE_TO_COMPLY)


@kernel
def decide_session_command(arena, slot, scratch, batch, journal, request, now_ns, answer):
    """Decide one command row and journal it; `answer` gets its outcome.

    A command that only tells somebody leaves the record as it is: its journal row is what the notifier reads.
    """
    journal_row = add_request_row(journal, arena, slot, batch, request, WITHOUT_TEXTS)
    names_one = request.session_high != np.uint64(0) or request.session_low != np.uint64(0)
    outcome, session = _GRANTED, np.int64(-1)
    if arena.length[slot] == 0:
        outcome = _USER_UNKNOWN
    elif names_one:
        session = find_session(arena, slot, request.session_high, request.session_low)
        if session < 0:
            outcome = _UNKNOWN_SESSION_ID
    elif request.command == COMMAND_END_SESSION:
        outcome = _UNABLE_TO_COMPLY
    if outcome == _GRANTED and request.command == COMMAND_END_SESSION:
        end_without_request(arena, slot, scratch, journal, session, request, ENDED_BY_COMMAND, now_ns)
        arena.changed[slot] = 1
    journal.requests[journal_row].outcome = outcome
    answer.outcome = outcome
    answer.is_silent = 1
    answer.due_ns = next_due(arena, slot) if outcome == _GRANTED else 0
