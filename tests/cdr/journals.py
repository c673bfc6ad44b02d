"""Segment files with journals of our choosing, as the archiver would leave them."""

from collections.abc import Sequence
from pathlib import Path

from balances.edge.segment_writer import SegmentLimits, SegmentWriter
from balances.journal_chain import NO_ENTRY
from balances.store import EntryId
from tests.reference.journal_entries import FIRST_NS, Asked, S, entry_of


class Journal:
    """One partition's journal: entries are appended to its segments and remembered."""

    def __init__(self, folder: Path, partition: int = 0, *, segment_octets: int = 1 << 26) -> None:
        self.partition = partition
        self.entries: list[tuple[EntryId, bytes]] = []
        self._writer = SegmentWriter(folder, partition, SegmentLimits(segment_octets, 10**18))
        self._writer.open()

    @property
    def last_id(self) -> EntryId:
        """The last entry."""
        return self.entries[-1][0] if self.entries else NO_ENTRY

    def add(self, rows: Sequence[Asked], *, now_ns: int | None = None, entry_id: EntryId | None = None,
            follows: EntryId | None = None) -> EntryId:  # fmt: skip
        """Append an entry, durably."""
        last = self.last_id
        entry_id = entry_id or EntryId(last.epoch or 5, last.number + 1)
        octets = entry_of(
            rows,
            partition=self.partition,
            follows=last if follows is None else follows,
            now_ns=FIRST_NS + entry_id.number * S if now_ns is None else now_ns,
        )
        self._writer.append([(entry_id, octets)], FIRST_NS)
        self._writer.sync()
        self.entries.append((entry_id, octets))
        return entry_id

    def close(self) -> None:
        """Close the segment."""
        self._writer.close()
