"""The contract of balances/store.py, balances/commands.py and balances/journal_log.py: one suite, both stores."""

import asyncio
from contextlib import asynccontextmanager

import numpy as np
import pytest

from balances.commands import CommandIdUsed, CommandRow
from balances.journal_log import ArchiverLostError
from balances.keys import DUE_BUCKET_S, identity_key
from balances.store import (
    EMPTY_TAIL,
    Committed,
    Diverged,
    EntryId,
    Expiring,
    LostOwnership,
    Ownership,
    StoreError,
    Unknown,
)
from tests.balances.edge.commits import (
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
from tests.balances.edge.stores import MemoryHarness, RedisHarness, run
from tests.reference.private_valkey import private_valkey
from vocabulary.limits import PARTITIONS_MAX, TENANTS_MAX

A, B = (1, 7), (1, 9)
OTHER_TENANTS_A = (2, 7)
ZERO = EntryId(0, 0)


@pytest.fixture(scope="module")
def valkey(tmp_path_factory):
    with private_valkey(tmp_path_factory.mktemp("v")) as url:
        yield url


@pytest.fixture(params=["memory", "redis"])
def harness(request):
    if request.param == "memory":
        return MemoryHarness()
    return RedisHarness(request.getfixturevalue("valkey"))


@asynccontextmanager
async def opened(harness, partitions=2):
    """A store that was created and opened."""
    store = harness.store()
    await store.create(partitions)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


@asynccontextmanager
async def owned(harness, node="one", *, partition=0):
    """(store, ownership, the owner's connection)"""
    async with opened(harness) as store:
        ownership = await store.claim(partition, node, wall_ms=1000, last_epoch=0)
        connection = await store.connect(ownership)
        try:
            yield store, ownership, connection
        finally:
            connection.close()


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
                routes=[(3, 4, b"r", 14400, 0), (1, 2, b"", 300, 1)],
                expiring=[Expiring("command:a", b"c", 77)],
            )
            await exchange(connection, kept)
            assert await store.partition_values(0, names) == [b"r", b"", b"c"]
            for name, life_s in zip(names, (14400, 300, 77), strict=True):
                assert life_s - 5 < harness.life_s(0, name) <= life_s
            assert await store.partition_values(1, names) == [None] * 3, "another partition's"
            gone = commit_of(
                mine,
                after(first_of(mine)),
                first_of(mine),
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


def test_scan_finds_each_account_of_the_partition_alone(harness):
    async def test():
        async with owned(harness) as (store, mine, connection):
            records = {
                (tenant, number): record_of((tenant, number)) for tenant in (1, 2) for number in range(2, 3000, 2)
            }
            accounts = list(records)
            before, entry_id = ZERO, first_of(mine)
            for first in range(0, len(accounts), 2000):
                rows = {account: records[account] for account in accounts[first : first + 2000]}
                await exchange(connection, commit_of(mine, entry_id, before, rows))
                before, entry_id = entry_id, after(entry_id)
            found = {}
            async for page in store.scan_accounts(0):
                found |= {(tenant, number): octets for tenant, number, octets in page}
            assert found == records
            assert [page async for page in store.scan_accounts(1) if page] == []

    run(test)


# --- what is due
def test_due_accounts_by_bucket(harness):
    async def test():
        async with owned(harness) as (store, mine, connection):
            current = int(harness.now_s) // DUE_BUCKET_S
            due = [(current - 3, [5, 3]), (current, [9]), (current + 4, [1])]
            await exchange(connection, commit_of(mine, first_of(mine), ZERO, due=due))
            more = commit_of(mine, after(first_of(mine)), first_of(mine), due=[(current - 3, [3, 4])])
            await exchange(connection, more)
            buckets = await store.due_buckets(0)
            assert buckets == [current - 3, current]
            assert sorted(await store.due_accounts(0, current - 3)) == [3, 4, 5]
            assert await store.due_accounts(0, current - 2) == []
            assert await store.due_buckets(1) == []
            done = commit_of(mine, after(first_of(mine), 2), after(first_of(mine)), due_done=current - 3)
            await exchange(connection, done)
            assert await store.due_buckets(0) == [current]
            await store.forget_due(0, current)
            await store.forget_due(0, current)
            assert await store.due_buckets(0) == []

    run(test)


# --- finding accounts
def test_session_index_is_written_and_removed(harness):
    async def test():
        async with owned(harness) as (store, mine, connection):
            high = 2**63 + 5
            digests = np.array([(high, 1), (high, 2), (1, high)], np.uint64)
            assert await store.find_sessions(digests) == [None] * 3
            keys = [(high, 1, 7, 100), (high, 2, 9, 100)]
            await exchange(connection, commit_of(mine, first_of(mine), ZERO, session_keys=keys))
            assert await store.find_sessions(digests) == [7, 9, None]
            keys = [(high, 1, 7, 0), (1, high, 11, 100), (5, 5, 5, 0)]
            await exchange(connection, commit_of(mine, after(first_of(mine)), first_of(mine), session_keys=keys))
            assert await store.find_sessions(digests) == [None, 9, 11]
            assert await store.find_sessions(np.zeros((0, 2), np.uint64)) == []

    run(test)


def test_identities_are_claimed_once_and_released_by_their_own_account(harness):
    async def test():
        async with opened(harness) as store:
            one, two = identity_key(1, "e164", "491701"), identity_key(1, "imsi", "262011")
            assert await store.claim_identities([(one, 7), (two, 7)]) == [None, None]
            assert await store.claim_identities([(one, 7), (two, 9)]) == [None, 7], "again is mine; another's is named"
            assert await store.find_accounts([two, one, "1:imsi:none"]) == [(7, 0), (7, 0), None]
            await store.release_identities([(one, 9), (two, 7)])
            assert await store.find_accounts([one, two]) == [(7, 0), None]
            assert await store.claim_identities([(two, 9)]) == [None]
            assert await store.claim_identities([]) == []
            await store.release_identities([])

    run(test)


# --- tenants
def test_two_tenants_never_see_each_other(harness):
    async def test():
        async with owned(harness) as (store, mine, connection):
            assert [await store.add_tenant(name) for name in ("alpha", "beta", "alpha")] == [1, 2, 1]
            assert await store.tenants() == {"alpha": 1, "beta": 2}
            keys = [identity_key(tenant, "e164", "491701") for tenant in (1, 2)]
            assert await store.claim_identities([(keys[0], 7)]) == [None]
            assert await store.find_accounts(keys) == [(7, 0), None]
            await exchange(connection, commit_of(mine, first_of(mine), ZERO, {A: record_of(A, 1)}))
            found = await exchange(connection, None, load_of([OTHER_TENANTS_A, A]))
            assert loaded_records(found.loaded) == [b"", record_of(A, 1)]
            theirs = {OTHER_TENANTS_A: record_of(OTHER_TENANTS_A, 2)}
            await exchange(connection, commit_of(mine, after(first_of(mine)), first_of(mine), theirs))
            assert await store.read_accounts(0, [A, OTHER_TENANTS_A]) == [
                record_of(A, 1),
                record_of(OTHER_TENANTS_A, 2),
            ]

    run(test)


def test_tenants_have_a_limit(harness, monkeypatch):
    for module in ("memory_store", "redis_store"):
        monkeypatch.setattr(f"balances.edge.{module}.TENANTS_MAX", 2)
    assert TENANTS_MAX > 2

    async def test():
        async with opened(harness) as store:
            assert [await store.add_tenant(name) for name in ("a", "b")] == [1, 2]
            with pytest.raises(StoreError, match="tenant 'c' would be one more than 2"):
                await store.add_tenant("c")
            assert await store.add_tenant("b") == 2

    run(test)


# --- account commands
def test_commands_are_read_in_order_and_dropped_behind_the_position(harness):
    async def test():
        async with owned(harness) as (store, mine, connection):
            await store.append_commands(0, [b"%d" % number for number in range(1200)])
            await store.append_commands(0, [])
            rows = await store.read_commands(0, EMPTY_TAIL, 2000)
            assert [row.octets for row in rows] == [b"%d" % number for number in range(1200)]
            assert [row.octets for row in await store.read_commands(0, rows[4].position, 2)] == [b"5", b"6"]
            assert await store.read_commands(1, EMPTY_TAIL, 10) == []
            done = commit_of(
                mine,
                first_of(mine),
                ZERO,
                commands_position=rows[9].position,
                expiring=[Expiring("command:c9", b"nine", 60)],
            )
            await exchange(connection, done)
            ownership = await store.claim(0, "two", wall_ms=0, last_epoch=0)
            assert ownership.commands_position == rows[9].position
            assert await store.command_answers(0, ["c9", "c10"]) == [b"nine", None]
            assert await store.command_answers(0, []) == []
            left = await store.read_commands(0, ownership.commands_position, 2000)
            assert left == rows[10:]
            assert isinstance(left[0], CommandRow)

    run(test)


def test_account_numbers_are_the_same_again_for_a_batch(harness):
    async def test():
        async with opened(harness) as store:
            first = await store.allot_accounts("file-1", 10)
            second = await store.allot_accounts("file-2", 5)
            assert first >= 1
            assert second >= first + 10
            assert await store.allot_accounts("file-1", 10) == first
            for other in ((11, ""), (10, "another content")):
                with pytest.raises(CommandIdUsed, match="id file-1 was used for another command: choose another"):
                    await store.allot_accounts("file-1", *other)
            asked = await store.allot_accounts("file-4", 2, "content")
            assert await store.allot_accounts("file-4", 2, "content") == asked
            with pytest.raises(CommandIdUsed):
                await store.allot_accounts("file-4", 2, "")
            third = await store.allot_accounts("file-3", 1)
            assert third >= second + 5

    run(test)


def test_command_id_stands_for_what_it_was_first_claimed_for(harness):
    async def test():
        async with opened(harness) as store:
            assert await store.claim_commands([]) == []
            assert await store.claim_commands([("a", "one"), ("b", "two"), ("a", "other")]) == [True, True, False]
            assert await store.claim_commands([("b", "one"), ("b", "two")]) == [False, True]

    run(test)


# --- the journal
@asynccontextmanager
async def with_journal(harness, count):
    """(store, ids of so many entries)"""
    async with owned(harness) as (store, mine, connection):
        ids = [EntryId(mine.epoch, number) for number in range(1, count + 1)]
        for before, entry_id in zip([ZERO, *ids], ids, strict=False):
            await exchange(connection, commit_of(mine, entry_id, before, entry=str(entry_id).encode()))
        yield store, ids


def test_journal_is_read_from_any_entry(harness):
    async def test():
        async with with_journal(harness, 5) as (store, ids):
            assert [row.entry_id for row in await store.read_journal(0, ZERO, 3)] == ids[:3]
            assert [row.entry_id for row in await store.read_journal(0, ids[2], 10)] == ids[3:]
            assert await store.read_journal(0, ids[4], 10) == []
            assert await store.read_journal(1, ZERO, 10) == []
            assert (await store.journal_length(0), await store.journal_length(1)) == (5, 0)
            assert await store.journal_octets(0) > 0

    run(test)


def test_journal_is_trimmed_by_its_archiver_behind_the_files(harness):
    async def test():
        async with with_journal(harness, 5) as (store, ids):
            claim = await store.claim_archiver(0, "files", "a" * 16)
            assert (claim.archived, await store.archived(0)) == (ZERO, ZERO)
            with pytest.raises(StoreError, match="is not archived yet and can't be trimmed"):
                await store.trim_journal(claim, ids[0])
            await store.set_archived(claim, ids[3])
            await store.set_archived(claim, ids[1])
            assert await store.archived(0) == ids[3], "it never goes back"
            with pytest.raises(StoreError, match="is not archived yet"):
                await store.trim_journal(claim, ids[4])
            assert await store.journal_length(0) == 5
            await store.trim_journal(claim, ids[1])
            await store.trim_journal(claim, ids[1])
            assert [row.entry_id for row in await store.read_journal(0, ZERO, 9)] == ids[2:]

    run(test)


def test_only_the_last_archiver_may_mark_and_trim(harness):
    async def test():
        async with with_journal(harness, 2) as (store, ids):
            first = await store.claim_archiver(0, "files", "a" * 16)
            assert (await store.claim_archiver(0, "files", "a" * 16)).token == first.token, "again is the same claim"
            await store.set_archived(first, ids[0])
            second = await store.claim_archiver(0, "files", "b" * 16)
            assert second.token != first.token
            assert second.archived == ids[0]
            for step in (store.set_archived, store.trim_journal):
                with pytest.raises(ArchiverLostError, match=f"another archiver took partition 0 .{second.token}"):
                    await step(first, ids[0])
            assert await store.archived(0) == ids[0]
            assert await store.journal_length(0) == 2
            await store.trim_journal(second, ids[0])
            assert await store.journal_length(0) == 1

    run(test)


def test_readers_say_how_far_they_are(harness):
    async def test():
        async with opened(harness) as store:
            assert await store.reader_positions(0) == {}
            await store.set_reader_position(0, "notifier", EntryId(1000, 4))
            await store.set_reader_position(0, "lake", EntryId(1000, 2))
            await store.set_reader_position(0, "notifier", EntryId(1001, 0))
            assert await store.reader_positions(0) == {"notifier": EntryId(1001, 0), "lake": EntryId(1000, 2)}
            assert await store.reader_positions(1) == {}

    run(test)


# --- connections that end
def test_exchange_of_a_closed_connection_is_unknown(harness):
    async def test():
        async with owned(harness) as (store, mine, connection):
            commit = commit_of(mine, first_of(mine), ZERO, {A: record_of(A, 5)})
            connection.close()
            found = await exchange(connection, commit, load_of([A]))
            assert isinstance(found.commit, Unknown)
            assert found.loaded is None
            assert "closed here" in found.failed
            fresh = await store.connect(mine)
            assert (await exchange(fresh, commit)).commit == Committed()
            fresh.close()

    run(test)
