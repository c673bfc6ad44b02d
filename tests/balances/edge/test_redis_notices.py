"""Notices on a real server: one notifier writes, whoever comes later puts it out, and who retires leaves nothing."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from balances.edge.redis_notices import READER
from balances.edge.redis_store import RedisStore
from balances.notifier_claim import NO_CLAIM, NotifierClaim, NotifierLostError
from balances.store import EntryId, StoreError
from tests.balances.edge.valkey_process import ValkeyProcess

FIRST, SECOND = NotifierClaim(1, "one:a", 0), NotifierClaim(2, "two:b", 0)
PLACE = EntryId(5, 4)


def played(server: ValkeyProcess, play: Callable[[RedisStore], Coroutine[Any, Any, None]]) -> None:
    async def work() -> None:
        store = RedisStore(server.url)
        await store.create(2)
        await store.open()
        try:
            await play(store)
        finally:
            await store.close()

    asyncio.run(work())


def test_of_two_that_see_the_same_claim_one_gets_it(server: ValkeyProcess) -> None:
    async def play(store: RedisStore) -> None:
        assert await store.notifier_claim() == NO_CLAIM
        assert await store.swap_notifier_claim(NO_CLAIM, FIRST)
        assert await store.swap_notifier_claim(NO_CLAIM, FIRST), "its reply may have been lost"
        assert not await store.swap_notifier_claim(NO_CLAIM, SECOND)
        assert await store.notifier_claim() == FIRST
        assert await store.swap_notifier_claim(FIRST, SECOND)
        assert not await store.swap_notifier_claim(FIRST, FIRST._replace(beat=1))
        await store.command("SET", "farebox:notifier", "odd")
        with pytest.raises(StoreError, match="'odd', no claim of a notifier"):
            await store.notifier_claim()

    played(server, play)


def test_what_an_earlier_notifier_writes_is_refused_whole(server: ValkeyProcess) -> None:
    async def play(store: RedisStore) -> None:
        await store.write_notices(0, 1, {"aa": b"row", "bb": b"\x00\xff"}, PLACE)
        await store.fence_notices(0, 2)
        for write in (
            store.write_notices(0, 1, {"aa": None, "cc": b"late"}, EntryId(9, 9)),
            store.write_told_prices(0, 1, {1: 5}),
            store.fence_notices(0, 1),
            store.retire_notices(0, 1),
        ):
            with pytest.raises(NotifierLostError, match="partition 0"):
                await write
        assert await store.read_notices(0) == {"aa": b"row", "bb": b"\x00\xff"}
        assert (await store.reader_positions(0), await store.read_told_prices(0)) == ({READER: PLACE}, {})
        await store.write_notices(1, 1, {"aa": b"row"}, None)
        assert await store.reader_positions(1) == {}, "partitions are fenced one by one"
        await store.write_notices(0, 2, {"aa": None, "bb": b"new"}, None)
        assert await store.read_notices(0) == {"bb": b"new"}
        assert await store.reader_positions(0) == {READER: PLACE}

    played(server, play)


def test_who_retires_leaves_nothing_and_other_readers_alone(server: ValkeyProcess) -> None:
    async def play(store: RedisStore) -> None:
        await store.set_reader_position(0, "lake", EntryId(5, 9))
        await store.write_notices(0, 1, {f"{number:032x}": b"row" for number in range(9)}, PLACE)
        await store.write_told_prices(0, 1, {1: 5, 2: 6})
        assert await store.read_told_prices(0) == {1: 5, 2: 6}
        assert await store.retire_notices(0, 2) == 9
        assert (await store.read_notices(0), await store.read_told_prices(0)) == ({}, {})
        assert await store.reader_positions(0) == {"lake": EntryId(5, 9)}
        assert await store.retire_notices(0, 2) == 0

    played(server, play)
