"""The steps of one session, looked for in the journal: in the store's stream, then in segment files, newest first.

A journal has no index by session. What is read is bounded: a session that began before that is shown from where the
search ended, and says so.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

from balances.edge.redis_store import RedisStore
from balances.edge.segment_files import SegmentReader, list_segments, partition_folder, read_segment_header
from balances.journal_chain import NO_ENTRY, JournalGapError
from balances.journal_reader import EntryReader
from balances.keys import partition_of
from balances.segments import SegmentError, segment_name
from balances.store import EntryId
from charging.usage_record import USAGE_DTYPE
from runtime.explain.steps import Step, Wanted, steps_of
from vocabulary.instants import FOREVER_NS, NS_PER_S

OCTETS_MAX: Final = 512 * 1024 * 1024
"""Octets of the journal that are read for one session: some seconds."""
_ENTRIES_PER_READ: Final = 200
_RECEIVED_EARLIER_NS: Final = 10 * NS_PER_S
"""A request was received before it was decided, and its session opened."""
_ARCHIVED_LATE_NS: Final = 3600 * NS_PER_S
"""A segment that was begun so long after an instant has nothing from before it."""


@dataclass(frozen=True, slots=True)
class History:
    """What was found of a session."""

    steps: tuple[Step, ...]
    """oldest first"""
    missing: str
    """why earlier steps may be missing; empty where all are there"""


class _Bounds(NamedTuple):
    """What is looked for, and how far."""

    begin_ns: int
    until_ns: int
    octets_max: int


class _Found:
    """Steps of the entries that were read, in any order, and what each entry follows."""

    def __init__(self, wanted: Wanted) -> None:
        self.octets = 0
        self.since_ns = FOREVER_NS
        """decision of the oldest entry that was read"""
        self._wanted = wanted
        self._reader = EntryReader(USAGE_DTYPE, takes_movements=True)
        self._follows: dict[EntryId, EntryId] = {}
        self._steps: dict[EntryId, list[Step]] = {}

    def take(self, entry_id: EntryId, octets: bytes | memoryview) -> None:
        """Look through an entry. JournalGapError where it can't be read."""
        try:
            entry = self._reader.read(octets)
            self._follows[entry_id] = EntryId.parse(entry.follows)
        except ValueError as error:
            raise JournalGapError(f"entry {entry_id}: {error}") from error
        self.octets += len(octets)
        self.since_ns = min(self.since_ns, entry.now_ns)
        found = steps_of(entry_id, entry, self._wanted)
        if found:
            self._steps[entry_id] = found

    def steps(self) -> Iterable[Step]:
        """Those of entries that count, oldest first: what an entry goes back behind is void (balances/journal_chain.py)."""
        counting: list[EntryId] = []
        for entry_id in sorted(self._follows):
            while counting and counting[-1] > self._follows[entry_id]:
                counting.pop()
            counting.append(entry_id)
        for entry_id in counting:
            yield from self._steps.get(entry_id, ())


async def history_of(
    store: RedisStore,
    segments: Path,
    wanted: Wanted,
    *,
    since_ns: int,
    until_ns: int = FOREVER_NS,
    octets_max: int = OCTETS_MAX,
) -> History:
    """Steps of a session that began at since_ns; nothing of it is later than until_ns. StoreError."""
    partition = partition_of(wanted.account_id, store.meta.partition_count)
    found = _Found(wanted)
    missing, bounds = "", _Bounds(since_ns - _RECEIVED_EARLIER_NS, until_ns, octets_max)
    try:
        oldest = await _search_stream(store, partition, found)
        if found.since_ns > bounds.begin_ns:
            missing = _search_segments(segments, partition, found, oldest, bounds)
        steps = tuple(step for step in found.steps() if bounds.begin_ns <= step.at_ns <= until_ns)
    except (SegmentError, JournalGapError) as error:
        return History((), f"the journal can't be read: {error}")
    return History(steps, missing)


async def _search_stream(store: RedisStore, partition: int, found: _Found) -> EntryId | None:
    """Look through the stream, which has a limit of its own; its first entry, None where it is empty."""
    first, after = None, NO_ENTRY
    while rows := await store.read_journal(partition, after, _ENTRIES_PER_READ):
        first = first or rows[0].entry_id
        after = rows[-1].entry_id
        for row in rows:
            found.take(row.entry_id, row.octets)
    return first


def _search_segments(segments: Path, partition: int, found: _Found, before: EntryId | None, bounds: _Bounds) -> str:
    """Look through segment files, newest first, until the session's begin; why that was not reached, where it wasn't."""
    folder = partition_folder(segments, partition)
    numbers = list_segments(folder)
    if not numbers:
        return f"there are no journal files in {segments} (--data-dir says where they are)"
    headers = [read_segment_header(folder / segment_name(number)) for number in numbers]
    last = EntryId(2**62, 0) if before is None else EntryId(before.epoch, before.number - 1)
    ends = [*(later.follows for _, later in pairwise(headers)), last]
    reader = SegmentReader(segments, partition)
    for header, end in zip(reversed(headers), reversed(ends), strict=True):
        if header.created_ns > bounds.until_ns + _ARCHIVED_LATE_NS:
            continue
        if found.octets >= bounds.octets_max:
            return f"only {bounds.octets_max >> 20} MiB of the journal were looked through"
        for entry in reader.between(header.follows, min(end, last)):
            found.take(entry.entry_id, entry.octets)
        if found.since_ns <= bounds.begin_ns:
            return ""
    return "" if headers[0].follows == NO_ENTRY else "older journal files are not here any more"
