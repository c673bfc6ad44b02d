"""What is found without a load: accounts by page, by what is due, by session and identity, by tenant. On both stores."""

import numpy as np
import pytest

from balances.keys import DUE_BUCKET_S, identity_key
from balances.store import StoreError
from tests.balances.edge.commits import (
    ZERO,
    A,
    after,
    commit_of,
    exchange,
    first_of,
    load_of,
    loaded_records,
    record_of,
)
from tests.balances.edge.stores import opened, owned, run
from vocabulary.limits import TENANTS_MAX

OTHER_TENANTS_A = (2, 7)


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
            buckets = await store.due_buckets(0, int(harness.now_s))
            assert buckets == [current - 3, current]
            assert sorted(await store.due_accounts(0, current - 3)) == [3, 4, 5]
            assert await store.due_accounts(0, current - 2) == []
            assert await store.due_buckets(1, int(harness.now_s)) == []
            done = commit_of(mine, after(first_of(mine), 2), after(first_of(mine)), due_done=current - 3)
            await exchange(connection, done)
            assert await store.due_buckets(0, int(harness.now_s)) == [current]
            await store.forget_due(0, current)
            await store.forget_due(0, current)
            assert await store.due_buckets(0, int(harness.now_s)) == []

    run(test)


def test_due_buckets_of_a_clock_that_was_moved_ahead(harness):
    async def test():
        async with owned(harness) as (store, mine, connection):
            current = int(harness.now_s) // DUE_BUCKET_S
            later = current + 40 * 86400 // DUE_BUCKET_S
            due = [(current + 2, [1]), (later - 300, [2]), (later, [3]), (later + 1, [4])]
            await exchange(connection, commit_of(mine, first_of(mine), ZERO, due=due))
            assert await store.due_buckets(0, int(harness.now_s)) == []
            assert await store.due_buckets(0, later * DUE_BUCKET_S) == [current + 2, later - 300, later]

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
