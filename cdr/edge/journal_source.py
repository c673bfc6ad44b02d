"""The entries of one partition's journal that count, one after another, out of its segment files."""

from collections import deque
from collections.abc import Set
from pathlib import Path
from typing import NamedTuple

from balances.edge.segment_files import SegmentReader, StoredEntry
from balances.journal_chain import JournalGapError, Link, goes_back, voided_by
from balances.journal_reader import EntryRows
from balances.store import EntryId
from cdr.assembly import new_entry_reader


class JournalWentBack(Exception):
    """The next entry follows an older one than the last that was given: what lies between is void."""

    def __init__(self, partition: int, follows: EntryId, voided: list[EntryId]) -> None:
        super().__init__(f"partition {partition}: the store lost {len(voided)} entries behind {follows}")
        self.partition = partition
        self.follows = follows
        self.voided = voided


class CountingEntry(NamedTuple):
    """An entry that counts; its rows are valid until the next is given."""

    entry_id: EntryId
    entry: EntryRows
    octets: int


class JournalSource:
    """Follows one partition. Void entries are passed over; gaps, damage and steps back are exceptions, never skipped."""

    def __init__(self, folder: Path, partition: int, after: EntryId, void: Set[tuple[int, EntryId]]) -> None:
        self.partition = partition
        self.last_id = after
        """the last entry that was given"""
        self._reader = SegmentReader(folder, partition, after)
        self._entries = new_entry_reader()
        self._void = void
        self._waiting: deque[StoredEntry] = deque()

    def next(self) -> CountingEntry | None:
        """The next entry; None where there is none yet.

        JournalWentBack where entries that were given are void. SegmentError and JournalGapError for what has to be restored;
        the next call tries again.
        """
        while True:
            if not self._waiting:
                self._waiting.extend(self._read())
                if not self._waiting:
                    return None
            stored = self._waiting[0]
            if (self.partition, stored.entry_id) in self._void:
                self._waiting.popleft()
                continue
            entry = self._decode(stored)
            self._waiting.popleft()
            self.last_id = stored.entry_id
            return CountingEntry(stored.entry_id, entry, len(stored.octets))

    def _read(self) -> list[StoredEntry]:
        try:
            return self._reader.read()
        except BaseException:
            self._reader.close()  # begins again behind the last entry that it gave
            raise

    def _decode(self, stored: StoredEntry) -> EntryRows:
        """The entry, checked to follow the last one."""
        try:
            entry = self._entries.read(stored.octets)
            link = Link(stored.entry_id, EntryId.parse(entry.follows))
        except ValueError as error:
            raise JournalGapError(f"partition {self.partition}: entry {stored.entry_id}: {error}") from error
        if goes_back(self.partition, self.last_id, link):
            archived = self._reader.links(link.follows, self.last_id)
            raise JournalWentBack(self.partition, link.follows, voided_by(self.partition, self.last_id, link, archived))
        return entry

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
