"""A session's steps are found in the stream and in segment files, each once, also where the store went back."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from balances.edge.redis_store import RedisStore
from balances.journal_log import JournalRow
from balances.store import EntryId
from runtime.explain.journal_search import History, history_of
from runtime.explain.steps import Wanted
from tests.cdr.journals import Journal
from tests.reference.journal_entries import FIRST_NS, Asked, S, entry_of

WANTED = Wanted(1, 1, 7, 8)


@dataclass
class Stream:
    """What the store still has of a journal."""

    rows: list[JournalRow] = field(default_factory=list)
    meta: Any = field(default_factory=lambda: SimpleNamespace(partition_count=1))

    async def read_journal(self, partition: int, after: EntryId, count: int) -> list[JournalRow]:
        assert partition == 0
        return [row for row in self.rows if row.entry_id > after][: min(count, 2)]

    def add(self, entry_id: EntryId, octets: bytes) -> None:
        self.rows.append(JournalRow(entry_id, octets))


def asked(number: int, *, session: tuple[int, int] = (7, 8)) -> Asked:
    return Asked(session=session, number=number, received_ns=FIRST_NS + number * S)


def search(stream: Stream, segments: Path, *, since: int = 0, until: int | None = None, **more: Any) -> History:
    until_ns = {} if until is None else {"until_ns": FIRST_NS + until * S}
    store = cast(RedisStore, stream)
    return asyncio.run(history_of(store, segments, WANTED, since_ns=FIRST_NS + since * S, **until_ns, **more))


def numbers(history: History) -> list[int]:
    return [step.number for step in history.steps]


@pytest.fixture
def segments(tmp_path: Path) -> Path:
    """Sixty entries in several files: of the session, of another, and both."""
    journal = Journal(tmp_path / "segments", segment_octets=4000)
    for number in range(60):
        rows = [asked(number), asked(number, session=(9, 9))] if number % 2 else [asked(number, session=(9, 9))]
        journal.add(rows, now_ns=FIRST_NS + number * S)
    journal.close()
    return tmp_path / "segments"


def test_a_session_is_found_in_files_and_stream_once(segments: Path) -> None:
    stream = Stream()
    before = EntryId(5, 58)
    for number in range(58, 64):  # the archiver has not trimmed all that it has
        entry_id = EntryId(5, number + 1)
        stream.add(entry_id, entry_of([asked(number)], follows=before, now_ns=FIRST_NS + number * S))
        before = entry_id
    history = search(stream, segments)
    assert numbers(history) == [*range(1, 58, 2), 58, 59, 60, 61, 62, 63]
    assert history.missing == ""
    assert numbers(search(stream, segments, since=61)) == [
        51 + step for step in range(13) if 51 + step in numbers(history)
    ]


def test_files_alone_and_stream_alone(segments: Path, tmp_path: Path) -> None:
    assert numbers(search(Stream(), segments)) == list(range(1, 60, 2))
    stream = Stream()
    stream.add(EntryId(5, 9), entry_of([asked(70)], follows=EntryId(5, 8), now_ns=FIRST_NS + 70 * S))
    history = search(stream, tmp_path / "none")
    assert numbers(history) == [70]
    assert "there are no journal files in" in history.missing
    assert "--data-dir" in history.missing


def test_no_more_is_read_than_is_needed(segments: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest file is enough for a young session; of an old one the search ends at its bound, and says so."""
    files = len(list((segments / "p0").glob("*.segment")))
    assert files > 4
    history = search(Stream(), segments, since=58)
    assert numbers(history)[-1] == 59
    bounded = search(Stream(), segments, octets_max=1)
    assert 0 < len(bounded.steps) < 20
    assert "0 MiB of the journal were looked through" in bounded.missing


def test_what_came_behind_a_closed_session_is_left_out(segments: Path) -> None:
    assert numbers(search(Stream(), segments, since=20, until=31)) == [number for number in range(11, 32) if number % 2]


def test_older_files_that_are_gone_are_said(segments: Path) -> None:
    (segments / "p0" / "0000000001.segment").unlink()
    history = search(Stream(), segments)
    assert numbers(history)[-1] == 59
    assert history.missing == "older journal files are not here any more"


def test_entries_that_the_store_lost_are_no_steps(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "segments")
    for number in range(6):
        journal.add([asked(number)])
    journal.add([asked(6)], entry_id=EntryId(9, 1), follows=EntryId(5, 3))
    journal.close()
    stream = Stream()
    stream.add(EntryId(9, 2), entry_of([asked(7)], follows=EntryId(9, 1), now_ns=FIRST_NS + 9 * S))
    assert numbers(search(stream, tmp_path / "segments")) == [0, 1, 2, 6, 7]


def test_damaged_files_are_said_and_end_the_search(segments: Path) -> None:
    path = segments / "p0" / "0000000001.segment"
    octets = path.read_bytes()
    path.write_bytes(octets[:300] + bytes(9) + octets[309:])
    history = search(Stream(), segments)
    assert history.steps == ()
    assert "the journal can't be read" in history.missing
