"""Random traffic committed to a real store by commits, archived by the real archiver: what an audit meets.

Run as a program it goes on committing and archiving until its input ends, so that a store is live beside a test.
"""

import asyncio
import sys
from dataclasses import dataclass, field
from pathlib import Path

from balances.edge.archiver import ArchiverSettings, PartitionArchiver
from balances.edge.redis_connection import RedisPartitionConnection
from balances.edge.redis_store import RedisStore
from balances.journal import decode_entry
from balances.journal_chain import NO_ENTRY
from balances.keys import account_key
from balances.store import Commit, Committed, EntryId, Exchanged, Ownership
from balances.stored_record import to_stored
from tests.balances.audited_traffic import RandomTraffic, encode_again, tables_of
from tests.reference.engine_alone import Kept, shared_memory

COMMITS_BEFORE_READY = 10


@dataclass(frozen=True, slots=True)
class Saved:
    """A partition as it once was."""

    records: dict[tuple[int, int], bytes]
    kept: dict[tuple[int, int], Kept]
    tail: EntryId


@dataclass(slots=True)
class StoredTraffic:
    """Traffic of the one partition of a store, batch for batch."""

    store: RedisStore
    traffic: RandomTraffic
    tail: EntryId = NO_ENTRY
    _ownership: Ownership | None = None
    _connection: RedisPartitionConnection | None = None
    _seen: int = field(default=0)

    async def begin(self, epoch: int = 1) -> None:
        """Own the partition under this epoch; open the accounts where nothing was decided yet."""
        self._ownership = await self.store.claim(0, "traffic", wall_ms=epoch, last_epoch=0)
        assert self._ownership.tail == self.tail
        self._connection = await self.store.connect(self._ownership)
        if self.tail == NO_ENTRY:
            self.traffic.open_all()
            await self._commit()

    async def go_on(self, batch_count: int) -> None:
        """Decide and commit so many batches."""
        for _ in range(batch_count):
            self.traffic.run(1)
            await self._commit()

    async def _commit(self) -> None:
        """Commit the batch that was just decided, out of the arrays in which the kernels left it."""
        entries = self.traffic.engine.entries
        if len(entries) == self._seen:
            return
        self._seen = len(entries)
        memory, ownership = shared_memory(), self._ownership
        assert ownership is not None
        assert self._connection is not None
        number = self.tail.number + 1 if self.tail.epoch == ownership.epoch else 1
        entry_id = EntryId(ownership.epoch, number)
        entry = decode_entry(entries[-1][1])
        commit = Commit(
            ownership=ownership,
            entry_id=entry_id,
            previous_id=self.tail,
            entry=encode_again(entry, tables_of(entry), follows=self.tail),
            arena=memory.arena,
            tenants=memory.accounts.tenants,
            account_ids=memory.accounts.account_ids,
            slot_count=int(memory.accounts.counts[0]),
        )
        replies: asyncio.Queue[Exchanged] = asyncio.Queue()
        self._connection.exchange(commit, None, replies.put_nowait)
        reply = await replies.get()
        assert reply.commit == Committed(), reply
        self.tail = entry_id

    def save(self) -> Saved:
        """The partition as it is."""
        return Saved(dict(self.traffic.engine.records), dict(self.traffic.engine.kept), self.tail)

    async def restore(self, saved: Saved) -> None:
        """Make the store what it was, as after a restart that lost its end; the traffic begins again from there."""
        newer = await self.store.read_journal(0, saved.tail, 10_000)
        for row in newer:
            await self.store.command("XDEL", self.store.key(0, "journal"), str(row.entry_id))
        for account, record in saved.records.items():
            await self.store.command("SET", account_key(self.store.meta.tags[0], *account), to_stored(record))
        await self.store.command("SET", self.store.key(0, "tail"), str(saved.tail))
        self.traffic.engine.records, self.traffic.engine.kept = dict(saved.records), dict(saved.kept)
        self.tail = saved.tail

    def close(self) -> None:
        """End the owner's connection."""
        if self._connection is not None:
            self._connection.close()


def archiver_of(store: RedisStore, folder: Path) -> PartitionArchiver:
    """An archiver of the partition that trims at once whatever it has archived, in small segments."""
    settings = ArchiverSettings(
        folder=folder,
        partitions=(0,),
        segment_octets_max=200_000,
        gather_ms=0,
        entries_per_read_max=4,
        trim_every_s=0.0,
        disk_free_octets_min=0,
    )
    return PartitionArchiver(settings, 0, store, now_ns=lambda: 0, reached=lambda _: None, observe=lambda _: None)


async def _live(address: str, folder: Path, account_count: int) -> None:
    """Commit and archive until the input ends."""
    store = RedisStore(address)
    await store.open()
    stored = StoredTraffic(store, RandomTraffic(7, account_count=account_count))
    await stored.begin()
    archiver = archiver_of(store, folder)
    await archiver.start()
    ends = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    committed = 0
    while not ends.done():
        await stored.go_on(1)
        committed += 1
        if committed % 3 == 0:
            await archiver.round()
        if committed == COMMITS_BEFORE_READY:
            print("live", flush=True)  # noqa: T201
    while await archiver.round():
        pass
    archiver.writer.close()
    stored.close()
    await store.close()


if __name__ == "__main__":
    asyncio.run(_live(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
