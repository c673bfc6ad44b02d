"""RedisStore where a reply is lost on its way: effects are counted."""

from contextlib import asynccontextmanager

import pytest

from balances.edge.redis_store import RedisStore
from balances.journal_log import ArchiverClaim
from balances.keys import identity_key
from balances.notifier_claim import NO_CLAIM, NotifierClaim
from balances.store import Committed, EntryId, LostOwnership, StoreUnreachable, Unknown
from tests.balances.edge.commits import ZERO, A, commit_of, exchange, first_of, load_of, loaded_records, record_of
from tests.balances.edge.cutting_proxy import cutting_proxy
from tests.balances.edge.stores import opened_redis, run

NODE = "one"


async def _claim(store):
    await store.claim(0, NODE, wall_ms=1000, last_epoch=0)


async def _claim_archiver(store):
    await store.claim_archiver(0, "files", "a" * 16)


CLAIM = ArchiverClaim(0, f"1:files:{'a' * 16}", ZERO)
COMMAND_ROWS = [b"a", b"b"]
WRITES = {
    # name: (word of the request whose reply is cut, the call, what its effect looks like)
    "create": ("farebox_2_create", lambda store: store.create(2), None),
    "claim": ("farebox_2_claim", _claim, None),
    "claim_archiver": ("farebox_2_claim_archiver", _claim_archiver, lambda client: client.get("{p0}:archiver")),
    "set_archived": (
        "farebox_2_archived",
        lambda store: store.set_archived(CLAIM, EntryId(1000, 2)),
        lambda client: client.get("{p0}:archived"),
    ),
    "trim_journal": (
        "farebox_2_trim",
        lambda store: store.trim_journal(CLAIM, EntryId(1000, 1)),
        lambda client: client.xlen("{p0}:journal"),
    ),
    "add_tenant": (
        "farebox_2_add_tenant",
        lambda store: store.add_tenant("beta"),
        lambda client: client.hgetall("farebox:tenants"),
    ),
    "claim_identities": (
        "1:e164:491",
        lambda store: store.claim_identities([(identity_key(1, "e164", "491"), 7)]),
        lambda client: client.get("1:e164:491"),
    ),
    "release_identities": (
        "farebox_2_release",
        lambda store: store.release_identities([(identity_key(1, "e164", "490"), 7)]),
        lambda client: client.exists("1:e164:490"),
    ),
    "set_reader_position": (
        "{p0}:readers",
        lambda store: store.set_reader_position(0, "lake", EntryId(1000, 1)),
        lambda client: client.hgetall("{p0}:readers"),
    ),
    "swap_notifier_claim": (
        "farebox_2_swap",
        lambda store: store.swap_notifier_claim(NO_CLAIM, NotifierClaim(1, "n", 0)),
        lambda client: client.get("farebox:notifier"),
    ),
    "write_notices": (
        "farebox_2_write_notices",
        lambda store: store.write_notices(0, 1, {"aa": b"row", "bb": None}, EntryId(1000, 1)),
        lambda client: (client.hgetall("{p0}:notices"), client.hgetall("{p0}:readers")),
    ),
    "forget_due": ("UNLINK", lambda store: store.forget_due(0, 5), lambda client: client.exists("{p0}:due:5")),
}


async def _furnish(store, client):
    """Something for each write to work on: two entries, an archiver, identities, a due bucket."""
    mine = await store.claim(0, "before", wall_ms=1000, last_epoch=0)
    connection = await store.connect(mine)
    for before, number in ((ZERO, 1), (EntryId(1000, 1), 2)):
        commit = commit_of(mine, EntryId(1000, number), before, due=[(5, [7])])
        assert (await exchange(connection, commit)).commit == Committed()
    connection.close()
    claim = await store.claim_archiver(0, "files", "a" * 16)
    await store.set_archived(claim, EntryId(1000, 1))
    await store.claim_identities([(identity_key(1, "e164", "490"), 7)])
    assert client.ping()


@asynccontextmanager
async def behind_a_proxy(server, tmp_path):
    """(store that is reached directly, store behind the proxy, the proxy)"""
    async with cutting_proxy(server.url, tmp_path / "p") as proxy, opened_redis(server.url) as store:
        far = RedisStore(proxy.url)
        await far.open()
        try:
            yield store, far, proxy
        finally:
            await far.close()


@pytest.mark.parametrize("name", WRITES)
def test_write_whose_reply_is_lost_is_sent_once_and_may_be_repeated(server, tmp_path, name):
    word, call, look = WRITES[name]

    async def test():
        with server.client() as client:
            async with behind_a_proxy(server, tmp_path) as (store, far, proxy):
                await _furnish(store, client)
                proxy.cut_reply_to(word)
                with pytest.raises(StoreUnreachable, match="no store answers"):
                    await call(far)
                assert proxy.cuts == 1
                assert proxy.times_passed(word) == 1, "nothing was sent again behind the caller's back"
                once = None if look is None else look(client)
                await call(far)
                assert once == (None if look is None else look(client)), "the repeat changed nothing"
                assert client.hget("farebox:meta", "partitions") == b"2"

    run(test)


def test_claim_whose_reply_is_lost_leaves_a_token_that_the_next_claim_passes(server, tmp_path):
    async def test():
        async with behind_a_proxy(server, tmp_path) as (store, far, proxy):
            proxy.cut_reply_to("farebox_2_claim")
            with pytest.raises(StoreUnreachable):
                await far.claim(0, NODE, wall_ms=1000, last_epoch=0)
            mine = await far.claim(0, NODE, wall_ms=1000, last_epoch=0)
            assert mine.epoch == 1001
            connection = await store.connect(mine)
            assert (await exchange(connection, commit_of(mine, first_of(mine), ZERO))).commit == Committed()
            connection.close()

    run(test)


def test_commands_whose_reply_is_lost_lie_there_once_and_twice_when_repeated(server, tmp_path):
    """Appending is the one write that isn't the same again: the engine holds repeats apart by the command's id."""

    async def test():
        async with behind_a_proxy(server, tmp_path) as (store, far, proxy):
            proxy.cut_reply_to("farebox_2_append")
            with pytest.raises(StoreUnreachable):
                await far.append_commands(0, COMMAND_ROWS)
            assert [row.octets for row in await store.read_commands(0, "0-0", 9)] == COMMAND_ROWS
            await far.append_commands(0, COMMAND_ROWS)
            assert [row.octets for row in await store.read_commands(0, "0-0", 9)] == COMMAND_ROWS * 2

    run(test)


@pytest.mark.parametrize("word", ["INCRBY", "farebox:opening:file"])
def test_numbers_whose_reply_is_lost_are_handed_out_once(server, tmp_path, word):
    async def test():
        async with behind_a_proxy(server, tmp_path) as (store, far, proxy):
            proxy.cut_reply_to(word)
            with pytest.raises(StoreUnreachable):
                await far.allot_accounts("file", 10)
            assert proxy.cuts == 1
            first = await far.allot_accounts("file", 10)
            assert await store.allot_accounts("file", 10) == first
            assert await store.allot_accounts("next", 1) >= first + 10

    run(test)


def test_commit_whose_reply_is_lost_counts_once_when_sent_again(server, tmp_path):
    async def test():
        with server.client() as client:
            async with behind_a_proxy(server, tmp_path) as (_, far, proxy):
                mine = await far.claim(0, NODE, wall_ms=1, last_epoch=0)
                connection = await far.connect(mine)
                commit = commit_of(
                    mine,
                    first_of(mine),
                    ZERO,
                    {A: record_of(A, 1)},
                    session_keys=[(1, 2, 7, 60)],
                    due=[(5, [7])],
                    commands_position="9-9",
                )
                proxy.cut_reply_to("MULTI")
                found = await exchange(connection, commit, load_of([A]))
                assert isinstance(found.commit, Unknown)
                assert found.loaded is None
                assert proxy.times_passed("MULTI") == 1
                assert client.xlen("{p0}:journal") == 1, "the store did it"
                fresh = await far.connect(mine)
                found = await exchange(fresh, commit, load_of([A]))
                assert found.commit == Committed()
                assert loaded_records(found.loaded) == [record_of(A, 1)]
                assert client.xlen("{p0}:journal") == 1
                assert client.get("{p0}:tail") == str(first_of(mine)).encode()
                fresh.close()

    run(test)


def test_commit_whose_reply_is_lost_and_that_another_owner_overtook_is_lost_not_repeated(server, tmp_path):
    """Committed, the reply lost, ownership moved, the new owner went on: the old one learns that it lost and writes nothing."""

    async def test():
        async with behind_a_proxy(server, tmp_path) as (store, far, proxy):
            mine = await far.claim(0, NODE, wall_ms=1, last_epoch=0)
            connection = await far.connect(mine)
            commit = commit_of(mine, first_of(mine), ZERO, {A: record_of(A, 1)})
            proxy.cut_reply_to("MULTI")
            assert isinstance((await exchange(connection, commit)).commit, Unknown)
            other = await store.claim(0, "two", wall_ms=1, last_epoch=0)
            assert other.tail == first_of(mine)
            theirs = await store.connect(other)
            onwards = commit_of(other, first_of(other), other.tail, {A: record_of(A, 2)})
            assert (await exchange(theirs, onwards)).commit == Committed()
            fresh = await far.connect(mine)
            assert (await exchange(fresh, commit)).commit == LostOwnership(other.token)
            assert await store.read_accounts(0, [A]) == [record_of(A, 2)]
            for each in (fresh, theirs):
                each.close()

    run(test)
