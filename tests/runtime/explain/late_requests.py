"""Charging records of sessions, and of requests that were refused before or after them: a file a batch."""

from dataclasses import replace
from pathlib import Path

from tests.cdr.edge.writing import Clock, session_rows, settings_of, work_off, writing
from tests.cdr.journals import Journal
from tests.reference.journal_entries import FIRST_NS, Asked, S, Used
from vocabulary.outcomes import Outcome


def refused(number: int, at_s: int, outcome: Outcome, *, request_type: int = 2) -> Asked:
    """A request of a session that isn't open, refused so; it reports 50 octets."""
    used = Used(rating_group=10, used_units=50, uncharged_units=50, outcome=int(outcome))
    return replace(
        session_rows(number)[0][0],
        type=request_type,
        outcome=int(outcome),
        received_ns=FIRST_NS + at_s * S,
        usages=(used,),
    )


def records_of(folder: Path, *batches: list[Asked]) -> Path:
    """Records of these, a file each."""
    settings = settings_of(folder, file_rows_max=1, file_age_s=10)
    journal = Journal(settings.segments)
    with writing(settings, Clock()) as writer:
        for rows in batches:
            journal.add(rows)
            work_off(writer)
        writer.finish()
    journal.close()
    return settings.folder


def session_in_one(number: int, at_s: int = 0) -> list[Asked]:
    """A whole session, for one file: 14 micros."""
    return [row for rows in session_rows(number, first_ns=FIRST_NS + at_s * S) for row in rows]
