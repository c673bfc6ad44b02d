"""The turn of one notifier: taken where it is free, kept while it beats, given up at the end; and nobody's after retiring."""

import asyncio
import os
from pathlib import Path

import pytest

from balances.edge.redis_notices import READER
from balances.edge.redis_store import RedisStore
from balances.notifier_claim import SILENT_NS, NotifierLostError
from balances.store import EntryId, StoreError
from runtime.config import read_settings
from runtime.data_folder import DataFolder, DataFolderTaken, lock_notices
from runtime.notices.retire import retire_notifier
from runtime.notices.turn import Turn


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.ns = 10**18

    def now_ns(self) -> int:
        return self.ns


async def opened(url: str) -> RedisStore:
    """The store, whose claim is nobody's."""
    store = RedisStore(url)
    await store.create(2)
    await store.open()
    await store.command("DEL", "farebox:notifier")
    return store


def test_the_second_stands_by_until_the_first_is_silent_and_puts_it_out(valkey: str) -> None:
    async def play() -> None:
        store, clock = await opened(valkey), Clock()
        one, two = (Turn(store, node, now_ns=clock.now_ns) for node in ("one", "two"))
        await one.wait()
        assert (one.is_ours, one.epoch) == (True, 1)
        await one.wait()
        assert one.epoch == 1, "it stays what it was"
        ends = clock.ns + SILENT_NS
        while clock.ns < ends:
            assert (await two.take()).node == "one"
            clock.ns += SILENT_NS // 6
        assert (await two.take(), two.epoch) == (two.claim, 2)
        with pytest.raises(NotifierLostError):
            await asyncio.wait_for(one.keep(), 10)
        await one.give_up()
        assert (await store.notifier_claim()).node == "two", "what it gives up is another's"
        await two.give_up()
        assert not two.is_ours
        assert (await one.take(), one.epoch) == (one.claim, 3)
        await store.close()

    asyncio.run(play())


def test_one_that_beats_keeps_it(valkey: str) -> None:
    async def play() -> None:
        store, clock = await opened(valkey), Clock()
        one = Turn(store, "one", now_ns=clock.now_ns)
        await one.wait()
        keeping = asyncio.ensure_future(one.keep())
        async with asyncio.timeout(10):
            while (await store.notifier_claim()).beat < 2 or one.claim != await store.notifier_claim():
                await asyncio.sleep(0)
        keeping.cancel()
        assert one.claim == await store.notifier_claim()
        await store.close()

    asyncio.run(play())


def test_retiring_gives_up_the_place_of_one_that_died_and_refuses_where_one_works(tmp_path: Path, valkey: str) -> None:
    settings = read_settings(None, {}, {"store.data_dir": str(tmp_path)})

    async def furnish() -> None:
        store = await opened(valkey)
        dead = Turn(store, "another:machine", now_ns=Clock().now_ns)
        await dead.take()
        for partition in range(2):
            await store.write_notices(partition, dead.epoch, {"aa": b"row"}, EntryId(1, 1))
        await store.close()

    async def left() -> list[object]:
        store = RedisStore(valkey)
        await store.open()
        found = [await store.reader_positions(partition) for partition in range(2)]
        claim = await store.notifier_claim()
        await store.close()
        return [*found, claim.node]

    async def beside_one_that_works() -> None:
        store = await opened(valkey)
        works = Turn(store, "another:machine", now_ns=Clock().now_ns)
        await works.wait()
        keeping = asyncio.ensure_future(works.keep())
        with pytest.raises(StoreError, match="notifier another:machine works on the store: stop it first"):
            await asyncio.to_thread(retire_notifier, settings, valkey)
        keeping.cancel()
        await store.close()

    asyncio.run(furnish())
    assert asyncio.run(left()) == [{READER: EntryId(1, 1)}, {READER: EntryId(1, 1)}, "another:machine"]
    assert retire_notifier(settings, valkey) == 2
    assert asyncio.run(left()) == [{}, {}, ""]
    asyncio.run(beside_one_that_works())
    lock = lock_notices(DataFolder(tmp_path))
    with pytest.raises(DataFolderTaken, match="another notifier works in"):
        retire_notifier(settings, valkey)
    os.close(lock)
