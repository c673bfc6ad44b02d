"""Requests for sessions that aren't open: refused, and what they report is on record as uncharged (docs/charging.md §3)."""

from charging.journal_rows import WITH_ALL_TEXTS, add_request_row, add_usage_row
from charging.rating.reported import HAS_USED_UNITS, reported_until, used_of_any_unit
from vocabulary.kernel import kernel
from vocabulary.outcomes import Outcome

_UNKNOWN_SESSION_ID = int(Outcome.UNKNOWN_SESSION_ID)


@kernel
def refuse_unknown_session(arena, slot, batch, journal, request, answer):
    """Answer that there is no such session. The journal has who asked, for which session, and what was used."""
    journal_row = add_request_row(journal, arena, slot, batch, request, WITH_ALL_TEXTS)
    journal.requests[journal_row].outcome = _UNKNOWN_SESSION_ID
    answer.outcome = _UNKNOWN_SESSION_ID
    for row in range(request.mscc_first, request.mscc_first + request.mscc_count):
        mscc = batch.msccs[row]
        if mscc.presence & HAS_USED_UNITS:
            usage = journal.usages[add_usage_row(journal, mscc, journal_row)]
            usage.used_units = used_of_any_unit(mscc)
            usage.uncharged_units = usage.used_units
            usage.from_ns = reported_until(request)
            usage.to_ns = usage.from_ns
            usage.outcome = _UNKNOWN_SESSION_ID
