"""A store is created once, and a partition has one owner: the contract of balances/store.py, on both stores."""

import asyncio

import pytest

from balances.store import EMPTY_TAIL, Committed, EntryId, LostOwnership, Ownership, StoreError
from tests.balances.edge.commits import ZERO, A, commit_of, exchange, first_of, record_of
from tests.balances.edge.stores import opened, owned, run
from vocabulary.limits import PARTITIONS_MAX


# --- creation
def test_create_is_done_once(harness):
    async def test():
        async with opened(harness, 3) as store:
            meta = await store.open()
            await store.create(3)
            again = await store.open()
            assert (again.partition_count, again.tags, again.created_ns) == (3, ("p0", "p1", "p2"), meta.created_ns)
            assert again.secret.tolist() == meta.secret.tolist()
            assert abs(meta.created_ns / 1e9 - harness.now_s) < 60
            assert meta.fsync == "always"
            with pytest.raises(StoreError, match="3 partitions, not 2"):
                await store.create(2)
            assert (await store.open()).partition_count == 3

    run(test)


@pytest.mark.parametrize("count", [0, -1, PARTITIONS_MAX + 1])
def test_create_refuses_counts_that_do_not_fit(harness, count):
    async def test():
        store = harness.store()
        with pytest.raises(StoreError, match=f"{count} partitions: 1 to {PARTITIONS_MAX} fit"):
            await store.create(count)
        with pytest.raises(StoreError, match="never created"):
            await store.open()
        await store.close()

    run(test)


def test_store_that_was_not_created_is_refused(harness):
    async def test():
        store = harness.store()
        with pytest.raises(StoreError, match="never created"):
            await store.open()
        with pytest.raises(StoreError):
            _ = store.meta
        await store.close()

    run(test)


# --- ownership
def test_claim_takes_an_epoch_above_all_that_was(harness):
    async def test():
        async with opened(harness) as store:
            first = await store.claim(0, "one", wall_ms=5000, last_epoch=0)
            assert (first.epoch, first.tail, first.commands_position) == (5000, ZERO, EMPTY_TAIL)
            assert first.token.startswith("5000:one:")
            assert len(first.token) == len("5000:one:") + 16
            assert (await store.claim(0, "two", wall_ms=10, last_epoch=0)).epoch == 5001
            assert (await store.claim(0, "two", wall_ms=10, last_epoch=7000)).epoch == 7001
            assert (await store.claim(0, "two", wall_ms=9000, last_epoch=7000)).epoch == 9000
            archiver = await store.claim_archiver(0, "files", "0" * 16)
            await store.set_archived(archiver, EntryId(10_000, 3))
            assert (await store.claim(0, "two", wall_ms=9000, last_epoch=7000)).epoch == 10_001
            harness.spoil(0, tail="20000-4")
            last = await store.claim(0, "two", wall_ms=9000, last_epoch=7000)
            assert (last.epoch, last.tail) == (20_001, EntryId(20_000, 4))
            assert (await store.claim(1, "two", wall_ms=5, last_epoch=0)).epoch == 5, "partitions are apart"

    run(test)


@pytest.mark.parametrize("node", ["", "a:b", "a b"])
def test_claim_refuses_names_that_would_break_the_token(harness, node):
    async def test():
        async with opened(harness) as store:
            with pytest.raises(StoreError, match="give a name without colon and space"):
                await store.claim(0, node, wall_ms=1, last_epoch=0)

    run(test)


def test_of_two_claimants_the_last_may_write(harness):
    async def test():
        async with opened(harness) as store:
            claims = await asyncio.gather(
                *(store.claim(0, node, wall_ms=1000, last_epoch=0) for node in ("one", "two"))
            )
            loser, winner = sorted(claims, key=lambda ownership: ownership.epoch)
            connections = [await store.connect(ownership) for ownership in (loser, winner)]
            lost = await exchange(connections[0], commit_of(loser, first_of(loser), ZERO, {A: record_of(A, 1)}))
            assert lost.commit == LostOwnership(winner.token)
            won = await exchange(connections[1], commit_of(winner, first_of(winner), ZERO, {A: record_of(A, 2)}))
            assert won.commit == Committed()
            assert await store.read_accounts(0, [A]) == [record_of(A, 2)]
            assert await store.journal_length(0) == 1
            for connection in connections:
                connection.close()

    run(test)


def test_token_counts_whole_not_the_epoch_alone(harness):
    """Two owners of one epoch (a restored store gave it twice) are told apart by node and digits."""

    async def test():
        async with owned(harness) as (store, mine, connection):
            twin = Ownership(0, f"{mine.epoch}:one:{'f' * 16}", mine.epoch, ZERO, EMPTY_TAIL)
            found = await exchange(connection, commit_of(twin, first_of(twin), ZERO, {A: record_of(A)}))
            assert found.commit == LostOwnership(mine.token)
            assert await store.read_accounts(0, [A]) == [None]

    run(test)


def test_has_owner_while_one_is_connected(harness):
    async def test():
        async with opened(harness) as store:
            ownership = await store.claim(0, "one", wall_ms=1, last_epoch=0)
            assert not await store.has_owner(0)
            connection = await store.connect(ownership)
            assert await store.has_owner(0)
            assert not await store.has_owner(1)
            connection.close()
            async with asyncio.timeout(5):
                while await store.has_owner(0):
                    await asyncio.sleep(0)

    run(test)
