"""Stores with traffic in them for tests of the audit: empty, filled, archived, or damaged."""

from contextlib import asynccontextmanager

from balances.edge.redis_store import RedisStore
from balances.keys import account_key
from balances.record import HEADER_CHARGED
from balances.stored_record import to_stored
from tests.balances.audited_traffic import RandomTraffic
from tests.balances.planted_mistakes import add_to_word
from tests.runtime.stored_traffic import StoredTraffic, archiver_of


@asynccontextmanager
async def emptied(url, partition_count=1):
    """The opened store with nothing in it."""
    store = RedisStore(url)
    try:
        await store.command("FLUSHALL")
        await store.create(partition_count)
        await store.open()
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def filled(url, batch_count=15, seed=3):
    """A store with traffic in it, which can go on."""
    async with emptied(url) as store:
        stored = StoredTraffic(store, RandomTraffic(seed))
        await stored.begin()
        await stored.go_on(batch_count)
        try:
            yield stored
        finally:
            stored.close()


async def archive(store, folder):
    """Archive and trim all that is there."""
    archiver = archiver_of(store, folder)
    await archiver.start()
    while await archiver.round():
        pass
    archiver.writer.close()


def assert_sound(report):
    assert [str(fault) for fault in report.faults] == []
    assert report.is_sound


async def change_record(stored):
    account, record = sorted(stored.traffic.engine.records.items())[1]
    key = account_key(stored.store.meta.tags[0], *account)
    await stored.store.command("SET", key, to_stored(add_to_word(record, HEADER_CHARGED, 3)))
