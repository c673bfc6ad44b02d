"""The journal as it lies in the store: what readers and the one archiver of a partition may do with it."""

from dataclasses import dataclass, field
from typing import Protocol

from balances.store import EntryId, StoreError


@dataclass(frozen=True, slots=True)
class JournalRow:
    """An entry of a partition's journal."""

    entry_id: EntryId
    octets: bytes = field(repr=False)
    """balances.journal.decode_entry reads them"""


@dataclass(frozen=True, slots=True)
class ArchiverClaim:
    """The right to archive and trim one partition's journal."""

    partition: int
    token: str
    """`<epoch>:<node>:<16 hex digits>`"""
    archived: EntryId
    """the last entry in a durable segment file, as it was when claimed"""


class ArchiverLostError(StoreError):
    """Another archiver works on the partition; nothing was changed."""


class JournalLog(Protocol):
    """Each call is safe to repeat."""

    async def read_journal(self, partition: int, after: EntryId, count: int, *, wait_ms: int = 0) -> list[JournalRow]:
        """Entries behind an id, at most `count`, in order; waits for the first of them where there is none."""

    async def journal_length(self, partition: int) -> int:
        """Entries that are in the store."""

    async def journal_octets(self, partition: int) -> int:
        """Memory that they take."""

    async def archived(self, partition: int) -> EntryId:
        """The last entry that lies in a durable segment file; 0-0 where none does."""

    async def claim_archiver(self, partition: int, node: str, digits: str) -> ArchiverClaim:
        """Become the partition's archiver. `digits` are 16 random hex digits; the same ones again claim nothing new."""

    async def set_archived(self, claim: ArchiverClaim, entry_id: EntryId) -> None:
        """Entries up to this one lie in durable segment files. ArchiverLostError where the claim is over."""

    async def trim_journal(self, claim: ArchiverClaim, entry_id: EntryId) -> None:
        """Remove entries up to this one. StoreError where it isn't archived yet, ArchiverLostError as above."""

    async def reader_positions(self, partition: int) -> dict[str, EntryId]:
        """How far each registered reader of the stream has read; the archiver trims behind all of them."""

    async def set_reader_position(self, partition: int, reader: str, entry_id: EntryId) -> None:
        """Register a reader of the stream, or say how far it has read."""
