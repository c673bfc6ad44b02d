"""The journal in the store: read by anyone, marked as archived and trimmed by the one archiver alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from balances.edge.redis_client import RedisClient, store_errors
from balances.edge.store_function import ARCHIVED_FUNCTION, CLAIM_ARCHIVER_FUNCTION, TRIM_FUNCTION
from balances.journal_log import ArchiverClaim, ArchiverLostError, JournalRow
from balances.store import EntryId, StoreError

ARCHIVER: Final = "archiver"


@dataclass(frozen=True, slots=True)
class PartitionMarks:
    """What an engine looks at each second, of one partition."""

    owner: str
    """token of the owner; '' where nobody claimed the partition"""
    entry_count: int
    """entries of the journal that the store holds"""
    read_to: Mapping[str, EntryId]
    """by whom the journal is kept for: up to it ARCHIVER has archived, and each reader of the stream has read"""

    @property
    def may_go(self) -> EntryId:
        """Up to it entries are archived and read by all."""
        return min(self.read_to.values())


class RedisJournalLog(RedisClient):
    """JournalLog on Redis."""

    @store_errors
    async def read_journal(self, partition: int, after: EntryId, count: int, *, wait_ms: int = 0) -> list[JournalRow]:
        """See JournalLog; waiting takes a connection of its own."""
        wait = ("BLOCK", wait_ms) if wait_ms else ()
        key = self.key(partition, "journal")
        reply = await self.command("XREAD", "COUNT", count, *wait, "STREAMS", key, str(after))
        if not reply:
            return []
        return [JournalRow(EntryId.parse(entry_id.decode()), fields[b"b"]) for entry_id, fields in reply[0][1]]

    @store_errors
    async def journal_length(self, partition: int) -> int:
        """See JournalLog."""
        return int(await self.command("XLEN", self.key(partition, "journal")))

    @store_errors
    async def journal_octets(self, partition: int) -> int:
        """See JournalLog."""
        return int(await self.command("MEMORY", "USAGE", self.key(partition, "journal")) or 0)

    @store_errors
    async def archived(self, partition: int) -> EntryId:
        """See JournalLog."""
        stored = await self.command("GET", self.key(partition, "archived"))
        return EntryId.parse("0-0" if stored is None else stored.decode())

    @store_errors
    async def partition_marks(self) -> list[PartitionMarks]:
        """By partition, in one write."""
        commands: list[tuple[str, ...]] = []
        for partition in range(self.meta.partition_count):
            owner, archived, journal, readers = (
                self.key(partition, name) for name in ("owner", "archived", "journal", "readers")
            )
            commands += [("MGET", owner, archived), ("XLEN", journal), ("HGETALL", readers)]
        replies = await self.pipelined(commands)
        marks = []
        for (owner, archived), count, positions in zip(replies[::3], replies[1::3], replies[2::3], strict=True):
            said = {ARCHIVER: archived or b"0-0"} | {reader.decode(): value for reader, value in positions.items()}
            read_to = {reader: EntryId.parse(value.decode()) for reader, value in said.items()}
            marks.append(PartitionMarks((owner or b"").decode(), int(count), read_to))
        return marks

    @store_errors
    async def claim_archiver(self, partition: int, node: str, digits: str) -> ArchiverClaim:
        """See JournalLog."""
        keys = [self.key(partition, "archiver"), self.key(partition, "archived")]
        token, archived = await self.function(CLAIM_ARCHIVER_FUNCTION, keys, [node, digits])
        return ArchiverClaim(partition, token.decode(), EntryId.parse(archived.decode()))

    @store_errors
    async def set_archived(self, claim: ArchiverClaim, entry_id: EntryId) -> None:
        """See JournalLog."""
        keys = [self.key(claim.partition, "archiver"), self.key(claim.partition, "archived")]
        self._check(await self.function(ARCHIVED_FUNCTION, keys, [claim.token, str(entry_id)]), claim, entry_id)

    @store_errors
    async def trim_journal(self, claim: ArchiverClaim, entry_id: EntryId) -> None:
        """See JournalLog."""
        keys = [self.key(claim.partition, name) for name in ("archiver", "archived", "journal")]
        behind = EntryId(entry_id.epoch, entry_id.number + 1)
        answer = await self.function(TRIM_FUNCTION, keys, [claim.token, str(entry_id), str(behind)])
        self._check(answer, claim, entry_id)

    @store_errors
    async def reader_positions(self, partition: int) -> dict[str, EntryId]:
        """See JournalLog."""
        stored = await self.command("HGETALL", self.key(partition, "readers"))
        return {reader.decode(): EntryId.parse(position.decode()) for reader, position in stored.items()}

    @store_errors
    async def set_reader_position(self, partition: int, reader: str, entry_id: EntryId) -> None:
        """See JournalLog."""
        await self.command("HSET", self.key(partition, "readers"), reader, str(entry_id))

    def _check(self, answer: bytes, claim: ArchiverClaim, entry_id: EntryId) -> None:
        if answer.startswith(b"LOST"):
            raise ArchiverLostError(
                f"another archiver took partition {claim.partition} ({answer[5:].decode()}): this one must end"
            )
        if answer == b"AHEAD":
            raise StoreError(f"partition {claim.partition}: entry {entry_id} is not archived yet and can't be trimmed")
