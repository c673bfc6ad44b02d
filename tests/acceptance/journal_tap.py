"""Follows the streams of a store as a reader of its own and keeps every entry: also those that the store then loses."""

import asyncio
import threading
from types import TracebackType

from balances.edge.redis_store import RedisStore
from balances.journal_chain import NO_ENTRY
from balances.store import EntryId, StoreError

_WAIT_MS = 300
_COUNT = 256


class JournalTap:
    """Runs in a thread from `with` to its end; a store that is away is looked for again."""

    def __init__(self, url: str, partitions: int) -> None:
        self.entries: dict[tuple[int, EntryId], bytes] = {}
        """by partition and id"""
        self._url = url
        self._partitions = partitions
        self._ends = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._follow_all()))

    def __enter__(self) -> "JournalTap":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends.set()
        self._thread.join()

    async def _follow_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for partition in range(self._partitions):
                group.create_task(self._follow(partition))

    async def _follow(self, partition: int) -> None:
        store = RedisStore(self._url)
        last = NO_ENTRY
        try:
            await store.open()
            while not self._ends.is_set():
                try:
                    rows = await store.read_journal(partition, last, _COUNT, wait_ms=_WAIT_MS)
                except (StoreError, OSError):
                    await asyncio.sleep(0.05)
                    continue
                for row in rows:
                    self.entries[partition, row.entry_id] = row.octets
                    last = row.entry_id
        finally:
            await store.close()
