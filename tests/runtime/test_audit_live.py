"""Auditing a store while another process commits, archives and trims: no false alarm."""

import asyncio
import subprocess
import sys

import pytest

from balances.edge.redis_store import RedisStore
from runtime.audit_store import audit_store
from tests.balances.audited_traffic import RandomTraffic
from tests.runtime.audited_store import assert_sound, emptied
from tests.runtime.stored_traffic import StoredTraffic

MOVED_MEANWHILE = 5
"""Audits during which the store must have gone on."""
AUDITS_MAX = 500


class Moving:
    """A store that commits before and after everything that is read of it."""

    def __init__(self, stored):
        self._stored = stored
        self.meta = stored.store.meta
        self.scan_accounts = stored.store.scan_accounts

    async def _between_commits(self, reading):
        await self._stored.go_on(1)
        found = await reading
        await self._stored.go_on(1)
        return found

    async def partition_values(self, partition, names):
        return await self._between_commits(self._stored.store.partition_values(partition, names))

    async def read_journal(self, partition, after, count, *, wait_ms=0):
        return await self._between_commits(self._stored.store.read_journal(partition, after, count))

    async def archived(self, partition):
        return await self._between_commits(self._stored.store.archived(partition))


@pytest.mark.parametrize("account_count", [1, 12])
def test_a_store_that_moves_at_every_look(valkey, account_count):
    async def run():
        async with emptied(valkey) as store:
            stored = StoredTraffic(store, RandomTraffic(4, account_count=account_count))
            await stored.begin()
            await stored.go_on(20)
            report = await audit_store(Moving(stored), None)
            stored.close()
            assert_sound(report)
            assert 21 < report.entry_count < len(stored.traffic.engine.entries)

    asyncio.run(run())


def live_traffic(url, folder, account_count):
    """A process that commits and archives until its input is closed."""
    command = [sys.executable, "-m", "tests.runtime.stored_traffic", url, str(folder), str(account_count)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("account_count", [1, 60])
def test_a_store_that_another_process_writes(valkey, tmp_path, account_count):
    """No false alarm, though every record moves while it is read: with one hot account, and with many."""

    async def prepare():
        async with emptied(valkey):
            pass

    async def watch():
        store = RedisStore(valkey)
        await store.open()
        seen, moved = [], 0
        while moved < MOVED_MEANWHILE and len(seen) < AUDITS_MAX:
            before = await store.partition_values(0, ["tail"])
            report = await audit_store(store, tmp_path)
            moved += before != await store.partition_values(0, ["tail"])
            assert_sound(report)
            seen.append(report.entry_count)
        await store.close()
        return seen, moved

    asyncio.run(prepare())
    process = live_traffic(valkey, tmp_path, account_count)
    try:
        assert process.stdout.readline() == "live\n"
        seen, moved = asyncio.run(watch())
        assert process.poll() is None
    finally:
        process.stdin.close()
        assert process.wait(timeout=60) == 0
    assert seen == sorted(seen)
    assert seen[-1] > seen[0]
    assert moved == MOVED_MEANWHILE, "the store stood still: this showed nothing"
