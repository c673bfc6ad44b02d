"""Reports that nothing decides: their request is refused as a whole, or they name no service beside MSCCs that do.

What they tell of is used, though nobody pays it, so it is on record as uncharged (docs/charging.md §3).
"""

from charging.journal_rows import WITH_ALL_TEXTS, WITHOUT_TEXTS, add_request_row, add_usage_row
from charging.rating.reported import HAS_USED_UNITS, record_unpriced, reported_until
from vocabulary.kernel import kernel


@kernel
def record_undecided(request, mscc, outcome, usage):
    """Fill the usage row of an MSCC that isn't decided; when its use began isn't known, as the service isn't looked up."""
    record_unpriced(mscc, usage)
    usage.from_ns = reported_until(request)
    usage.to_ns = usage.from_ns
    usage.outcome = outcome


@kernel
def record_refused(batch, journal, request, journal_row, outcome):
    """Append what a request reports that is refused with `outcome`: a usage row for each MSCC that names used units."""
    for row in range(request.mscc_first, request.mscc_first + request.mscc_count):
        mscc = batch.msccs[row]
        if mscc.presence & HAS_USED_UNITS:
            record_undecided(request, mscc, outcome, journal.usages[add_usage_row(journal, mscc, journal_row)])


@kernel
def refuse_request(arena, slot, batch, journal, request, session, outcome, answer, is_news):
    """Refuse a request as a whole; nothing moves.

    session   first word of the open session in whose record it is to be; -1: it gets one of its own, which says who asked
    is_news   what it reports is to be on record as uncharged
    """
    journal_row = add_request_row(
        journal, arena, slot, batch, request, WITHOUT_TEXTS if session >= 0 else WITH_ALL_TEXTS
    )
    journal.requests[journal_row].outcome = outcome
    answer.outcome = outcome
    if is_news:
        record_refused(batch, journal, request, journal_row, outcome)
