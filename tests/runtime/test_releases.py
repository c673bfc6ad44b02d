"""Releases reach an engine while it runs; what can't be used leaves it with what it has."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from balances.edge.redis_store import RedisStore
from catalog_loader.check import CheckedRelease, check_release
from catalog_loader.edge.publish import Published, publish, read_acknowledged
from catalog_loader.published import release_key
from charging.tariff_tables import TariffTables
from runtime.releases import follow_releases, running_engines, wait_taken_up
from tests.catalog_loader.sample_release import data_price, small_release
from tests.reference.private_valkey import private_valkey
from tests.runtime.private_engine import START_S, create_store, private_engine

pytestmark = pytest.mark.timeout(600)  # an engine may have to compile its kernels first

BOUND_S = 30.0


def numbered(number: int, price_micros: int) -> CheckedRelease:
    prices = (data_price(price_micros=price_micros),)
    report = check_release(small_release(number=number, effective_ns=number * 1000, prices=prices))
    assert report.checked is not None
    return report.checked


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with private_valkey(tmp_path) as started:
        create_store(started)
        yield started


class Follower:
    """An engine as follow_releases sees it: takes tables, remembers the prices in them."""

    def __init__(self, store: RedisStore) -> None:
        self.seen: list[list[int]] = []
        self._taken = asyncio.Event()
        self.task = asyncio.ensure_future(follow_releases(store, "engine-1", self._use, retry_s=0.01))

    def _use(self, tariffs: TariffTables) -> None:
        self.seen.append(tariffs.prices["price_micros"].tolist())
        self._taken.set()

    async def takes(self, prices: list[int]) -> None:
        """Wait until the last tables have these prices."""
        while not self.seen or self.seen[-1] != prices:
            self._taken.clear()
            await self._taken.wait()

    async def end(self) -> None:
        while not self.task.done():  # as runtime.engine_worker does: one cancellation may get lost
            self.task.cancel()
            await asyncio.wait([self.task], timeout=0.05)


def followed(address: str, work: Callable[[RedisStore, Follower], Awaitable[None]]) -> None:
    async def run() -> None:
        store, own = RedisStore(address), RedisStore(address)
        await store.open()
        follower = Follower(own)
        try:
            await asyncio.wait_for(work(store, follower), BOUND_S)
        finally:
            await follower.end()
            await store.close()
            await own.close()

    asyncio.run(run())


def test_a_release_is_swapped_in_and_acknowledged(address: str) -> None:
    async def work(store: RedisStore, follower: Follower) -> None:
        await follower.takes([])
        first = await publish(store.client, numbered(1, 7), 1)
        assert isinstance(first, Published)
        await follower.takes([7])
        second = await publish(store.client, numbered(2, 9), 1)
        assert isinstance(second, Published)
        await follower.takes([7, 9])
        while await read_acknowledged(store.client) != {"engine-1": second.stream_id}:
            await asyncio.sleep(0)
        assert not follower.task.done()

    followed(address, work)


def test_a_damaged_release_leaves_the_tables_and_is_taken_once_it_is_mended(address: str) -> None:
    async def work(store: RedisStore, follower: Follower) -> None:
        await publish(store.client, numbered(1, 7), 1)
        await follower.takes([7])
        second = numbered(2, 9)
        transaction: Any = store.client.pipeline(transaction=True)
        transaction.set(release_key(1, 2), second.text.replace(b"Small", b"Smell"))
        fields = {"tenant": "1", "tenant_name": "default", "release": "2", "hash": second.hash}
        transaction.xadd("farebox:releases", fields)
        await transaction.execute()
        while int((await store.command("INFO", "commandstats"))["cmdstat_xrange"]["calls"]) < 6:
            await asyncio.sleep(0)
        assert follower.seen[-1] == [7]
        assert not follower.task.done()
        assert isinstance(await publish(store.client, numbered(1, 7), 1), Published)
        await store.command("SET", release_key(1, 2), second.text)
        await follower.takes([7, 9])

    followed(address, work)


def test_a_store_that_goes_away_is_looked_for_again(tmp_path: Path) -> None:
    async def work() -> None:
        own = RedisStore(f"unix://{tmp_path}/s")
        follower = Follower(own)
        try:
            await asyncio.sleep(0.05)  # several tries, none of which finds a store
            assert follower.seen == []
            assert not follower.task.done()
            with private_valkey(tmp_path) as started:
                store = RedisStore(started)
                await publish(store.client, numbered(1, 7), 1)
                await asyncio.wait_for(follower.takes([7]), BOUND_S)
                await store.close()
        finally:
            await follower.end()
            await own.close()

    asyncio.run(work())


def test_a_running_engine_takes_a_release_up_and_an_ended_one_is_not_waited_for(address: str, tmp_path: Path) -> None:
    async def publish_and_wait(release: CheckedRelease) -> tuple[Any, ...]:
        store = RedisStore(address)
        try:
            await store.open()
            result = await publish(store.client, release, 1)
            assert isinstance(result, Published)
            return await running_engines(store), await wait_taken_up(store, result.stream_id, BOUND_S)
        finally:
            await store.close()

    with private_engine(address, tmp_path):
        engines, taken_up = asyncio.run(publish_and_wait(numbered(1, 7)))
        assert engines == ["engine-1"]
        assert (taken_up.engines, taken_up.waiting) == (("engine-1",), ())
    engines, taken_up = asyncio.run(publish_and_wait(numbered(2, 9)))
    assert engines == []
    assert (taken_up.engines, taken_up.waiting) == ((), ())


def test_an_engine_that_does_not_take_it_up_is_named(address: str) -> None:
    async def work() -> None:
        store = RedisStore(address)
        await store.open()
        ownership = await store.claim(0, "engine-9", wall_ms=1, last_epoch=0)
        connection = await store.connect(ownership)
        try:
            result = await publish(store.client, numbered(1, 7), 1)
            assert isinstance(result, Published)
            taken_up = await wait_taken_up(store, result.stream_id, 0.0)
            assert (taken_up.engines, taken_up.waiting) == ((), ("engine-9",))
        finally:
            connection.close()
            await store.close()

    asyncio.run(work())


def test_an_engine_does_not_begin_with_a_damaged_release(address: str, tmp_path: Path) -> None:
    async def damage() -> None:
        store = RedisStore(address)
        await publish(store.client, numbered(1, 7), 1)
        await store.command("DEL", release_key(1, 1))
        await store.close()

    asyncio.run(damage())
    options = ("--store", address, "--data-dir", str(tmp_path), "--port", "0", "--metrics-port", "-1")
    ended = subprocess.run(
        [sys.executable, "-m", "runtime.cli.main", "engine", *options], capture_output=True, text=True, timeout=START_S
    )
    assert ended.returncode == 2
    assert "farebox:release:1:1 is missing, but was published: publish the same files again" in ended.stderr
    assert "Traceback" not in ended.stderr
