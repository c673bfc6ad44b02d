"""What a contract test needs beside the store itself: a way to spoil a partition, and to see how long a key lives.

One harness for each store; the tests of test_store_*.py know neither.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import redis
import uvloop

from balances.edge.memory_store import MemoryStore
from balances.edge.redis_store import RedisStore
from balances.store import EntryId, Ownership

NOW_S = 1_790_000_123.0


def run(test: Callable[[], Awaitable[Any]]) -> Any:
    """A coroutine on the event loop that the engine uses, within a minute."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(asyncio.wait_for(test(), 60))


class MemoryHarness:
    """MemoryStore under a clock that stands."""

    def __init__(self) -> None:
        self.now_s = NOW_S
        self._random = Random(5)
        self._store = MemoryStore(now_s=lambda: self.now_s, random=self._random)

    def store(self) -> MemoryStore:
        """The store, as one client sees it."""
        return self._store

    def spoil(self, partition: int, *, owner: str | None = None, tail: str | None = None) -> None:
        """Have another owner or tail in the partition, as after a restore."""
        state = self._store.snapshot(partition)
        state.owner = state.owner if owner is None else owner
        state.tail = state.tail if tail is None else tail
        self._store.restore(partition, state)

    def put_entry(self, partition: int, entry_id: EntryId, octets: bytes) -> None:
        """An entry that no commit wrote."""
        state = self._store.snapshot(partition)
        state.journal[entry_id] = octets
        self._store.restore(partition, state)

    def life_s(self, partition: int, name: str) -> float:
        """How long the key still lives; below 0 where it isn't there."""
        value = self._store.snapshot(partition).values.get(name)
        return -1.0 if value is None else value.ends_s - self.now_s


class RedisHarness:
    """RedisStore on a real server."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = redis.Redis.from_url(url)
        self.client.flushall()
        self.client.function_flush()

    @property
    def now_s(self) -> float:
        """The server's clock."""
        return float(self.client.time()[0])

    def store(self) -> RedisStore:
        """A client of its own each time."""
        return RedisStore(self.url)

    def spoil(self, partition: int, *, owner: str | None = None, tail: str | None = None) -> None:
        """See MemoryHarness."""
        for name, value in (("owner", owner), ("tail", tail)):
            if value == "":
                self.client.delete(f"{{p{partition}}}:{name}")
            elif value is not None:
                self.client.set(f"{{p{partition}}}:{name}", value)

    def put_entry(self, partition: int, entry_id: EntryId, octets: bytes) -> None:
        """See MemoryHarness."""
        self.client.xadd(f"{{p{partition}}}:journal", {"b": octets}, id=str(entry_id))

    def life_s(self, partition: int, name: str) -> float:
        """See MemoryHarness."""
        return float(self.client.pttl(f"{{p{partition}}}:{name}")) / 1000


Harness = MemoryHarness | RedisHarness


@asynccontextmanager
async def opened(harness: Harness, partitions: int = 2) -> AsyncIterator[Any]:
    """A store that was created and opened."""
    store = harness.store()
    await store.create(partitions)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def owned(
    harness: Harness, node: str = "one", *, partition: int = 0
) -> AsyncIterator[tuple[Any, Ownership, Any]]:
    """(store, ownership, the owner's connection)"""
    async with opened(harness) as store:
        ownership = await store.claim(partition, node, wall_ms=1000, last_epoch=0)
        connection = await store.connect(ownership)
        try:
            yield store, ownership, connection
        finally:
            connection.close()


@asynccontextmanager
async def opened_redis(url: str) -> AsyncIterator[RedisStore]:
    """The store at an address, created where it wasn't, and opened."""
    store = RedisStore(url)
    try:
        await store.create(2)
        await store.open()
        yield store
    finally:
        await store.close()
