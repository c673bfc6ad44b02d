"""What a commit comes to, what it writes and what a load brings: the contract of balances/store.py, on both stores."""

import numpy as np
import pytest

from balances.store import Committed, Diverged, EntryId, Expiring, Unwritten
from tests.balances.edge.commits import (
    ZERO,
    A,
    B,
    after,
    commit_of,
    exchange,
    first_of,
    load_of,
    loaded_answers,
    loaded_records,
    record_of,
    start_exchange,
)
from tests.balances.edge.stores import owned, run


# --- what a commit comes to, in the order of its questions
def test_the_same_commit_again_is_committed_and_counts_once(harness):
    async def test():
        async with owned(harness) as (store, mine, connection):
            commit = commit_of(mine, first_of(mine), ZERO, {A: record_of(A, 5)}, entry=b"once")
            for _ in range(3):
                assert (await exchange(connection, commit)).commit == Committed()
            assert [row.octets for row in await store.read_journal(0, ZERO, 10)] == [b"once"]

    run(test)


def test_the_same_commit_again_is_committed_though_another_owns_by_now(harness):
    async def test():
        async with owned(harness) as (store, mine, connection):
            commit = commit_of(mine, first_of(mine), ZERO, {A: record_of(A, 5)})
            assert (await exchange(connection, commit)).commit == Committed()
            other = await store.claim(0, "two", wall_ms=1, last_epoch=0)
            assert other.tail == first_of(mine)
            assert (await exchange(connection, commit)).commit == Committed()

    run(test)


@pytest.mark.parametrize("stored", ["999:old:0000000000000000", ""])
def test_store_that_is_older_than_its_owner_has_diverged(harness, stored):
    async def test():
        async with owned(harness) as (store, mine, connection):
            first = first_of(mine)
            assert (
                await exchange(connection, commit_of(mine, first, ZERO, {A: record_of(A, 1)}))
            ).commit == Committed()
            harness.spoil(0, owner=stored)
            found = await exchange(connection, commit_of(mine, after(first), first, {A: record_of(A, 2)}))
            assert found.commit == Diverged(str(first))
            assert await store.read_accounts(0, [A]) == [record_of(A, 1)]

    run(test)


def test_tail_that_is_not_the_entry_before_has_diverged(harness):
    async def test():
        async with owned(harness) as (store, mine, connection):
            first = first_of(mine)
            assert (
                await exchange(connection, commit_of(mine, first, ZERO, {A: record_of(A, 1)}))
            ).commit == Committed()
            wrong = commit_of(mine, after(first, 2), after(first), {A: record_of(A, 2)})
            assert (await exchange(connection, wrong)).commit == Diverged(str(first))
            right = commit_of(mine, after(first), first, {A: record_of(A, 3)})
            assert (await exchange(connection, right)).commit == Committed()
            assert await store.read_accounts(0, [A]) == [record_of(A, 3)]
            assert [row.entry_id for row in await store.read_journal(0, ZERO, 10)] == [first, after(first)]

    run(test)


def test_claim_is_above_every_id_of_the_journal(harness):
    """So an entry of the new owner can't be refused as older than one that is there, and its commit is written whole."""

    async def test():
        async with owned(harness) as (store, mine, _):
            harness.put_entry(0, EntryId(mine.epoch + 7, 5), b"from nowhere")
            again = await store.claim(0, "x", wall_ms=0, last_epoch=0)
            assert again.epoch == mine.epoch + 8
            connection = await store.connect(again)
            commit = commit_of(again, first_of(again), again.tail, {A: record_of(A, 1)})
            assert (await exchange(connection, commit)).commit == Committed()
            assert await store.read_accounts(0, [A]) == [record_of(A, 1)]
            connection.close()

    run(test)


# --- what a commit writes, what a load brings
def test_load_sees_the_commit_of_the_same_write(harness):
    async def test():
        async with owned(harness) as (_, mine, connection):
            records = {A: record_of(A, 1), B: record_of(B, 2, ended=range(1, 9))}
            commit = commit_of(
                mine,
                first_of(mine),
                ZERO,
                records,
                routes=[(1, 2, b"answer", 300, 1), (3, 4, b"route", 60, 0)],
                expiring=[Expiring("command:a.1", b"done", 60)],
            )
            load = load_of([B, (1, 8), A], answered=[(1, 2), (3, 4)], names=["command:a.1", "command:a.2", "tail"])
            found = await exchange(connection, commit, load)
            assert found.commit == Committed()
            assert found.failed == ""
            assert loaded_records(found.loaded) == [records[B], b"", records[A]]
            assert loaded_answers(found.loaded) == [b"answer", b""]
            assert list(found.loaded.values[:2]) == [b"done", None]

    run(test)


def test_load_alone_and_nothing_at_all(harness):
    async def test():
        async with owned(harness) as (_, mine, connection):
            await exchange(connection, commit_of(mine, first_of(mine), ZERO, {A: record_of(A, 4)}))
            found = await exchange(connection, None, load_of([A]))
            assert found.commit is None
            assert loaded_records(found.loaded) == [record_of(A, 4)]
            empty = await exchange(connection, None, load_of())
            assert (empty.commit, empty.failed, loaded_records(empty.loaded)) == (None, "", [])
            nothing = await exchange(connection)
            assert (nothing.commit, nothing.loaded, nothing.failed) == (None, None, "")

    run(test)


def test_only_changed_records_are_written(harness):
    async def test():
        async with owned(harness) as (store, mine, connection):
            await exchange(connection, commit_of(mine, first_of(mine), ZERO, {B: record_of(B, 1)}))
            second = commit_of(
                mine, after(first_of(mine)), first_of(mine), {A: record_of(A, 2)}, unchanged={B: record_of(B, 77)}
            )
            await exchange(connection, second)
            assert await store.read_accounts(0, [A, B]) == [record_of(A, 2), record_of(B, 1)]

    run(test)


def test_a_commit_is_what_was_sent_whatever_becomes_of_its_arena(harness):
    async def test():
        async with owned(harness) as (store, mine, connection):
            commit = commit_of(mine, first_of(mine), ZERO, {A: record_of(A, 2)})
            ended = start_exchange(connection, commit, None)
            commit.arena.words[:] = -1
            assert (await ended).commit == Committed()
            assert await store.read_accounts(0, [A]) == [record_of(A, 2)]

    run(test)


def test_only_one_exchange_at_a_time(harness):
    async def test():
        async with owned(harness) as (_, _, connection):
            ended = start_exchange(connection, None, load_of([A]))
            with pytest.raises(RuntimeError, match="one exchange of a partition at a time"):
                start_exchange(connection, None, load_of([A]))
            await ended

    run(test)


def test_ids_are_the_owners_and_order_by_number(harness):
    async def test():
        async with owned(harness) as (store, mine, connection):
            before = ZERO
            ids = [EntryId(mine.epoch, number) for number in (1, 2, 9, 10, 4_000_000_000)]
            for entry_id in ids:
                await exchange(connection, commit_of(mine, entry_id, before, entry=str(entry_id).encode()))
                before = entry_id
            rows = await store.read_journal(0, ZERO, 10)
            assert [row.entry_id for row in rows] == ids
            assert [row.octets.decode() for row in rows] == [str(entry_id) for entry_id in ids]
            assert (await store.claim(0, "two", wall_ms=0, last_epoch=0)).tail == ids[-1]

    run(test)


def test_keys_of_a_commit_live_as_long_as_it_says_and_are_removed(harness):
    async def test():
        async with owned(harness) as (store, mine, connection):
            route, answered = f"route:{3:016x}{4:016x}", f"answered:{1:016x}{2:016x}"
            names = [route, answered, "command:a"]
            kept = commit_of(
                mine,
                first_of(mine),
                ZERO,
                routes=[(3, 4, b"r", 14400, 0), (1, 2, b"a", 300, 1)],
                expiring=[Expiring("command:a", b"c", 77)],
            )
            await exchange(connection, kept)
            assert await store.partition_values(0, names) == [b"r", b"a", b"c"]
            for name, life_s in zip(names, (14400, 300, 77), strict=True):
                assert life_s - 5 < harness.life_s(0, name) <= life_s
            assert await store.partition_values(1, names) == [None] * 3, "another partition's"
            living_on = commit_of(
                mine,
                after(first_of(mine)),
                first_of(mine),
                routes=[(3, 4, b"", 20_000, 0), (5, 6, b"", 20_000, 0)],
            )
            assert (await exchange(connection, living_on)).commit == Committed()
            unknown = f"route:{5:016x}{6:016x}"
            assert await store.partition_values(0, [route, unknown]) == [b"r", None], (
                "a route without a value has its own"
            )
            assert 19_995 < harness.life_s(0, route) <= 20_000
            gone = commit_of(
                mine,
                after(after(first_of(mine))),
                after(first_of(mine)),
                routes=[(3, 4, b"", 0, 0), (1, 2, b"", 0, 1)],
                expiring=[Expiring("command:a", b"", 0), Expiring("command:never", b"", 0)],
            )
            assert (await exchange(connection, gone)).commit == Committed()
            assert await store.partition_values(0, names) == [None] * 3

    run(test)


def test_a_large_commit_is_whole(harness):
    """As many rows as a batch may have, of records that differ in length."""

    async def test():
        async with owned(harness) as (store, mine, connection):
            accounts = [(1, 2 * number) for number in range(1, 2049)]
            records = {account: record_of(account, account[1], ended=range(account[1] % 9 + 1)) for account in accounts}
            commit = commit_of(
                mine,
                first_of(mine),
                ZERO,
                records,
                routes=[
                    (number, 1, b"r" * (number % 50), 60 * (number % 2), number % 3 == 0) for number in range(9000)
                ],
                session_keys=[(number, 2, number, 60) for number in range(2048)],
                due=[(10**7 + number % 3, range(1, 5000)) for number in range(3)],
                expiring=[Expiring(f"command:{number}", b"c", 60) for number in range(300)],
                entry=bytes(range(256)) * 4000,
            )
            found = await exchange(connection, commit, load_of(accounts))
            assert found.commit == Committed()
            assert loaded_records(found.loaded) == list(records.values())
            assert [row.octets for row in await store.read_journal(0, ZERO, 2)] == [commit.entry]
            assert len(await store.due_accounts(0, 10**7 + 2)) == 4999
            digests = np.array([(number, 2) for number in range(2048)], np.uint64)
            assert await store.find_sessions(digests) == list(range(2048))

    run(test)


# --- connections that end
def test_exchange_of_a_closed_connection_is_not_written(harness):
    async def test():
        async with owned(harness) as (store, mine, connection):
            commit = commit_of(mine, first_of(mine), ZERO, {A: record_of(A, 5)})
            connection.close()
            found = await exchange(connection, commit, load_of([A]))
            assert isinstance(found.commit, Unwritten)
            assert found.loaded is None
            assert "closed here" in found.failed
            fresh = await store.connect(mine)
            assert (await exchange(fresh, commit)).commit == Committed()
            fresh.close()

    run(test)
