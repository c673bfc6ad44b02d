"""Publishing on a real store: once each, never changed, in turn, taken up by those who wait."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from balances.edge.redis_store import RedisStore
from catalog_loader.check import CheckedRelease, check_release
from catalog_loader.edge.publish import (
    NotPublished,
    Published,
    ReleasesUnreachable,
    acknowledge,
    forget_engine,
    load_published,
    publish,
    read_acknowledged,
    read_releases,
    wait_for_release,
)
from catalog_loader.names import EMPTY_POSITION
from catalog_loader.published import RELEASES_KEY, is_reached, release_key, waiting_engines
from catalog_loader.release import Release, ReleaseDamaged
from charging.rating.tariff_lookup import find_offer, price_in_offer, release_in_force
from charging.tariff_tables import ANY
from tests.catalog_loader.sample_release import SAMPLE_2, checked_sample, data_price, small_release
from tests.reference.private_valkey import private_valkey
from vocabulary.ids import number_of_name

_Result = TypeVar("_Result")
BOUND_S = 20.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with private_valkey(tmp_path_factory.mktemp("store")) as address:
        yield address


@pytest.fixture
def on_store(server: str) -> Callable[[Callable[[RedisStore], Awaitable[_Result]]], _Result]:
    """Runs work on an emptied store."""

    def run(work: Callable[[RedisStore], Awaitable[_Result]]) -> _Result:
        async def bounded() -> _Result:
            store = RedisStore(server)
            try:
                await store.command("FLUSHALL")
                return await asyncio.wait_for(work(store), BOUND_S)
            finally:
                await store.close()

        return asyncio.run(bounded())

    return run


def checked(release: Release) -> CheckedRelease:
    report = check_release(release)
    assert report.checked is not None, report.lines()
    return report.checked


def numbered(number: int, **changes: Any) -> CheckedRelease:
    """A small release; higher numbers are effective later."""
    return checked(small_release(number=number, effective_ns=number * 1000, **changes))


def price_micros(tables: Any, tenant: int, release: int, offer: str = "start") -> int:
    """What the kernels find for data of rating group 10."""
    offer_row = find_offer(tables, tenant, release, number_of_name(offer))
    assert offer_row >= 0
    return int(tables.prices[price_in_offer(tables, offer_row, 32251, 10, ANY)]["price_micros"])


def test_a_release_is_published_once(on_store: Any) -> None:
    async def work(store: RedisStore) -> None:
        release = numbered(1)
        first = await publish(store.client, release, 1)
        assert isinstance(first, Published)
        assert first.is_new
        assert await publish(store.client, release, 1) == Published(first.stream_id, is_new=False)
        assert await store.command("XLEN", RELEASES_KEY) == 1
        assert await store.command("GET", release_key(1, 1)) == release.text
        tables, names = await load_published(store.client)
        assert names.stream_id == first.stream_id
        assert names.releases[1, 1].hash == release.hash
        assert price_micros(tables, 1, 1) == 20_000

    on_store(work)


def test_a_number_never_gets_another_text(on_store: Any) -> None:
    async def work(store: RedisStore) -> None:
        await publish(store.client, numbered(1), 1)
        await publish(store.client, numbered(4), 1)
        other = numbered(1, prices=(data_price(price_micros=1),))
        refused = await publish(store.client, other, 1)
        assert isinstance(refused, NotPublished)
        (fault,) = refused.faults
        assert fault.problem == "release 1 of tenant default has another text in the store"
        assert fault.remedy == "A published release never changes: write number: 5"
        tables, _ = await load_published(store.client)
        assert price_micros(tables, 1, 1) == 20_000

    on_store(work)


def test_faults_of_a_contradicting_release_name_their_lines(on_store: Any) -> None:
    async def work(store: RedisStore) -> None:
        assert isinstance(await publish(store.client, checked_sample(SAMPLE_2), 1), Published)
        refused = await publish(store.client, checked_sample(), 1)
        assert isinstance(refused, NotPublished)
        assert "prepaid.yaml:6:" in str(refused.faults[0])
        assert [each.number for each in await read_releases(store.client, 1)] == [2]

    on_store(work)


def test_what_strands_subscribers_is_refused(on_store: Any) -> None:
    async def work(store: RedisStore) -> None:
        await publish(store.client, numbered(1), 1)
        renamed = (msgspec.structs.replace(small_release().offers[0], id="other"),)
        refused = await publish(store.client, numbered(2, offers=renamed), 1)
        assert isinstance(refused, NotPublished)
        assert "offer start of release 1 is missing" in refused.faults[0].problem
        assert await store.command("EXISTS", release_key(1, 2)) == 0
        given_up = numbered(2, offers=renamed, retired_offers=("start",))
        assert isinstance(await publish(store.client, given_up, 1), Published)

    on_store(work)


def test_tenants_have_catalogues_of_their_own(on_store: Any) -> None:
    async def work(store: RedisStore) -> None:
        await publish(store.client, numbered(1), 1)
        acme = numbered(1, tenant="acme", prices=(data_price(price_micros=7),))
        assert isinstance(await publish(store.client, acme, 2), Published)
        tables, names = await load_published(store.client)
        assert (price_micros(tables, 1, 1), price_micros(tables, 2, 1)) == (20_000, 7)
        assert find_offer(tables, 3, 1, number_of_name("start")) < 0
        assert names.releases[2, 1].tenant == "acme"
        assert [each.tenant for each in await read_releases(store.client, 2)] == ["acme"]
        assert (release_in_force(tables, 2, 1_000), release_in_force(tables, 2, 999)) == (1, 0)

    on_store(work)


def test_of_many_at_once_each_is_checked_against_those_before(on_store: Any) -> None:
    async def work(store: RedisStore) -> None:
        rivals = [numbered(1, prices=(data_price(price_micros=price),)) for price in range(1, 9)]
        results = await asyncio.gather(*(publish(store.client, rival, 1) for rival in rivals))
        winners = [result for result in results if isinstance(result, Published)]
        assert len(winners) == 1
        assert all(isinstance(result, NotPublished) for result in results if result not in winners)
        again = await asyncio.gather(*(publish(store.client, numbered(2), 1) for _ in range(8)))
        assert sorted(result.is_new for result in again if isinstance(result, Published)) == [False] * 7 + [True]
        assert await store.command("XLEN", RELEASES_KEY) == 2

    on_store(work)


def test_a_publishing_that_was_cut_off_is_finished(on_store: Any) -> None:
    async def work(store: RedisStore) -> None:
        release = numbered(1)
        await store.command("SET", release_key(1, 1), release.text)  # the first of the two writes, then nothing
        assert (await load_published(store.client))[1].stream_id == EMPTY_POSITION
        result = await publish(store.client, release, 1)
        assert isinstance(result, Published)
        assert result.is_new
        await store.command("SET", release_key(1, 2), b"{}")
        refused = await publish(store.client, numbered(2), 1)
        assert isinstance(refused, NotPublished)

    on_store(work)


def test_a_damaged_text_is_not_loaded(on_store: Any) -> None:
    async def work(store: RedisStore) -> None:
        release = numbered(1)
        await publish(store.client, release, 1)
        await store.command("SET", release_key(1, 1), release.text.replace(b"20000", b"10000"))
        with pytest.raises(ReleaseDamaged, match="isn't the text that was published"):
            await load_published(store.client)
        await store.command("DEL", release_key(1, 1))
        with pytest.raises(ReleaseDamaged, match="publish the same files again"):
            await load_published(store.client)
        assert isinstance(await publish(store.client, release, 1), Published)
        assert price_micros((await load_published(store.client))[0], 1, 1) == 20_000
        await store.command("XADD", RELEASES_KEY, "*", "else", "x")
        with pytest.raises(ReleaseDamaged, match="is not one of ours"):
            await load_published(store.client)

    on_store(work)


def test_waiting_ends_when_a_release_comes(on_store: Any) -> None:
    async def work(store: RedisStore) -> None:
        first = await publish(store.client, numbered(1), 1)
        assert isinstance(first, Published)
        await wait_for_release(store.client, EMPTY_POSITION)  # what is there already is not waited for
        waiting = asyncio.ensure_future(wait_for_release(store.client, first.stream_id))
        while int((await store.command("INFO", "clients"))["blocked_clients"]) == 0:
            await asyncio.sleep(0)
        assert not waiting.done()
        second = await publish(store.client, numbered(2), 1)
        assert isinstance(second, Published)
        await waiting
        assert (await load_published(store.client))[1].stream_id == second.stream_id

    on_store(work)


def test_engines_say_up_to_which_release_they_decide(on_store: Any) -> None:
    async def work(store: RedisStore) -> None:
        first = await publish(store.client, numbered(1), 1)
        assert isinstance(first, Published)
        await acknowledge(store.client, "engine-1", first.stream_id)
        second = await publish(store.client, numbered(2), 1)
        assert isinstance(second, Published)
        await acknowledge(store.client, "engine-2", second.stream_id)
        acknowledged = await read_acknowledged(store.client)
        engines = ["engine-1", "engine-2", "engine-3"]
        assert waiting_engines(acknowledged, engines, first.stream_id) == ["engine-3"]
        assert waiting_engines(acknowledged, engines, second.stream_id) == ["engine-1", "engine-3"]
        assert not is_reached(None, first.stream_id)
        await forget_engine(store.client, "engine-2")
        assert set(await read_acknowledged(store.client)) == {"engine-1"}

    on_store(work)


def test_a_store_that_is_away_is_named(tmp_path: Path) -> None:
    async def work() -> None:
        store = RedisStore(f"unix://{tmp_path}/none")
        try:
            with pytest.raises(ReleasesUnreachable, match="Is it running"):
                await load_published(store.client)
            with pytest.raises(ReleasesUnreachable, match="Is it running"):
                await publish(store.client, numbered(1), 1)
        finally:
            await store.close()

    asyncio.run(work())
