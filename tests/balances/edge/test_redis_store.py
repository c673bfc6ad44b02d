"""RedisStore where the server is unsafe, away, loading, full or locked, and where a reply is lost: effects are counted."""

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest
import redis

from balances.edge.redis_connection import RedisPartitionConnection
from balances.edge.redis_store import RedisStore
from balances.journal_log import ArchiverClaim
from balances.keys import identity_key
from balances.store import (
    Committed,
    EntryId,
    LostOwnership,
    StoreError,
    StoreUnreachable,
    StoreUnsafe,
    Unknown,
)
from balances.stored_record import to_stored
from tests.balances.edge.commits import (
    after,
    commit_of,
    exchange,
    first_of,
    load_of,
    loaded_records,
    record_of,
    start_exchange,
)
from tests.balances.edge.cutting_proxy import cutting_proxy
from tests.balances.edge.stores import run
from tests.balances.edge.valkey_process import valkey_process

A = (1, 7)
ZERO = EntryId(0, 0)
NODE = "one"


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with valkey_process(tmp_path_factory.mktemp("v")) as server:
        yield server


@pytest.fixture
def server(shared):
    """The module's server, empty."""
    with shared.client() as client:
        client.flushall()
        client.function_flush()
    return shared


@asynccontextmanager
async def opened(url):
    store = RedisStore(url)
    try:
        await store.create(2)
        await store.open()
        yield store
    finally:
        await store.close()


# --- servers that are refused
@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        (
            "maxmemory-policy",
            "allkeys-lru",
            "maxmemory-policy 'allkeys-lru', needed is noeviction, else balances could",
        ),
        ("appendonly", "no", "appendonly 'no', needed is yes, else a restart loses everything"),
        ("no-appendfsync-on-rewrite", "yes", "no-appendfsync-on-rewrite 'yes', needed is no"),
    ],
)
def test_unsafe_setting_is_refused_by_name_with_the_remedy(server, setting, value, told):
    async def test():
        store = RedisStore(server.url)
        await store.create(2)
        with server.client() as client:
            before = client.config_get(setting)[setting]
            client.config_set(setting, value)
            try:
                with pytest.raises(StoreUnsafe, match=f"{told}.*set `{setting} "):
                    await store.open()
            finally:
                client.config_set(setting, before)
        await store.open()
        await store.close()

    run(test)


@pytest.mark.parametrize("mode", ["sometimes", None])
def test_fsync_mode_that_nobody_knows_is_refused(server, monkeypatch, mode):
    """A server of the future, or one that hides its configuration."""

    async def test():
        store = RedisStore(server.url)
        await store.create(1)
        ask = store.command

        async def asked(*words):
            reply = await ask(*words)
            if words[0] == "CONFIG GET":
                reply.pop("appendfsync")
                reply |= {} if mode is None else {"appendfsync": mode}
            return reply

        monkeypatch.setattr(store, "command", asked)
        with pytest.raises(StoreUnsafe, match=f"appendfsync {mode!r}, needed is always or everysec or no"):
            await store.open()
        await store.close()

    run(test)


@pytest.mark.parametrize("mode", ["always", "everysec", "no"])
def test_fsync_mode_is_told(server, mode):
    async def test():
        with server.client() as client:
            client.config_set("appendfsync", mode)
            try:
                async with opened(server.url) as store:
                    assert store.meta.fsync == mode
            finally:
                client.config_set("appendfsync", "always")

    run(test)


def test_replica_is_refused(tmp_path):
    async def test():
        with valkey_process(tmp_path) as server, server.client() as client:
            client.execute_command("REPLICAOF", "127.0.0.1", "1")
            store = RedisStore(server.url)
            with pytest.raises(StoreUnsafe, match=r"is a replica .* name its master"):
                await store.open()
            await store.close()

    run(test)


def test_server_that_is_too_old_is_refused(server, monkeypatch):
    async def test():
        store = RedisStore(server.url)
        ask = store.command

        async def asked(*words):
            reply = await ask(*words)
            return reply | {"redis_version": "7.0.15"} if words[0] == "INFO" else reply

        monkeypatch.setattr(store, "command", asked)
        with pytest.raises(StoreUnsafe, match=r"7\.2 or later is needed"):
            await store.open()
        await store.close()

    run(test)


def test_store_with_keys_of_somebody_else_is_refused(server):
    async def test():
        with server.client() as client:
            client.set("theirs", "1")
        store = RedisStore(server.url)
        with pytest.raises(StoreError, match="holds keys but no Farebox: give an empty one"):
            await store.create(2)
        await store.close()

    run(test)


def test_store_of_a_later_layout_is_refused(server):
    async def test():
        async with opened(server.url) as store:
            with server.client() as client:
                client.hset("farebox:meta", "layout", "99")
            with pytest.raises(StoreError, match=r"records of layout 99.*use the release that wrote them"):
                await store.open()

    run(test)


def test_functions_that_were_lost_are_put_back(server):
    async def test():
        async with opened(server.url) as store:
            ownership = await store.claim(0, NODE, wall_ms=1, last_epoch=0)
            with server.client() as client:
                client.function_flush()
            connection = await store.connect(ownership)
            found = await exchange(connection, commit_of(ownership, first_of(ownership), ZERO))
            assert found.commit == Committed()
            with server.client() as client:
                client.function_flush()
            again = await exchange(connection, commit_of(ownership, after(first_of(ownership)), first_of(ownership)))
            assert again.commit == Committed(), "commits need no function"
            connection.close()

    run(test)


# --- servers that can't answer
def test_store_that_is_down_is_named(tmp_path):
    async def test():
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        for url in (f"unix://{tmp_path}/nobody", f"redis://127.0.0.1:{port}/0"):
            store = RedisStore(url)
            with pytest.raises(StoreUnreachable, match=r"no store answers at .* Start it, or correct the address"):
                await store.open()
            await store.close()

    run(test)


def test_store_that_goes_away_leaves_the_commit_unknown_and_takes_it_when_it_is_back(tmp_path):
    async def test():
        with valkey_process(tmp_path) as server:
            async with opened(server.url) as store:
                mine = await store.claim(0, NODE, wall_ms=1, last_epoch=0)
                connection = await store.connect(mine)
                first = commit_of(mine, first_of(mine), ZERO, {A: record_of(A, 1)})
                assert (await exchange(connection, first)).commit == Committed()
                second = commit_of(mine, after(first_of(mine)), first_of(mine), {A: record_of(A, 2)})
                server.process.send_signal(19)
                ended = start_exchange(connection, second, load_of([A]))
                server.kill()
                found = await asyncio.wait_for(ended, 20)
                assert isinstance(found.commit, Unknown)
                assert found.loaded is None
                with pytest.raises(StoreUnreachable):
                    await store.connect(mine)
                server.start()
                assert await store.read_accounts(0, [A]) == [record_of(A, 1)], "what was answered is there"
                fresh = await store.connect(mine)
                found = await exchange(fresh, second, load_of([A]))
                assert found.commit == Committed()
                assert loaded_records(found.loaded) == [record_of(A, 2)]
                fresh.close()

    run(test)


def test_wrong_password_is_said_without_showing_it(tmp_path):
    async def test():
        with valkey_process(tmp_path, requirepass="right-one") as server:
            store = RedisStore(f"unix://:wrong-one@{tmp_path}/s")
            with pytest.raises(StoreError, match="refuses user or password") as raised:
                await store.open()
            assert "wrong-one" not in str(raised.value)
            await store.close()
            assert server.process.poll() is None
            async with opened(f"unix://:right-one@{tmp_path}/s") as good:
                ownership = await good.claim(0, NODE, wall_ms=1, last_epoch=0)
                connection = await good.connect(ownership)
                found = await exchange(connection, commit_of(ownership, first_of(ownership), ZERO))
                assert found.commit == Committed()
                connection.close()

    run(test)


def test_owners_connection_with_a_wrong_password_is_refused(tmp_path):
    async def test():
        with valkey_process(tmp_path, requirepass="right-one") as server:
            loop = asyncio.get_running_loop()
            _, connection = await loop.create_unix_connection(
                lambda: RedisPartitionConnection("p0", loop), server.url.removeprefix("unix://")
            )
            wrong = RedisStore(f"unix://:wrong-one@{tmp_path}/s").address
            with pytest.raises(StoreError, match="the store refuses the connection: WRONGPASS"):
                await connection.introduce(wrong.introduction("farebox-owner-p0"))

    run(test)


def test_loading_store_is_unknown_until_it_has_loaded(tmp_path):
    """The load is slowed for as long as the test wants."""

    async def test():
        with valkey_process(tmp_path) as server:
            async with opened(server.url) as store:
                mine = await store.claim(0, NODE, wall_ms=1, last_epoch=0)
                records = {(1, number): record_of((1, number)) for number in range(2, 2002, 2)}
                connection = await store.connect(mine)
                assert (
                    await exchange(connection, commit_of(mine, first_of(mine), ZERO, records))
                ).commit == Committed()
                connection.close()
                with server.client() as client:
                    client.bgrewriteaof()
                    async with asyncio.timeout(20):
                        while (
                            client.info("persistence")["aof_rewrite_in_progress"]
                            or not client.info("persistence")["aof_base_size"]
                        ):
                            await asyncio.sleep(0.01)
                server.kill()
                server.start(may_load=True, key_load_delay="4000", loading_process_events_interval_bytes="1024")
                late = RedisStore(server.url)
                with pytest.raises(StoreUnreachable, match="is loading its append-only file: try again"):
                    await late.open()
                await late.close()
                loop = asyncio.get_running_loop()
                _, fresh = await loop.create_unix_connection(
                    lambda: RedisPartitionConnection("p0", loop), server.url.removeprefix("unix://")
                )
                await fresh.introduce(store.address.introduction("farebox-owner-p0"))
                commit = commit_of(mine, after(first_of(mine)), first_of(mine), {A: record_of(A, 3)})
                found = await exchange(fresh, commit, load_of([A]))
                assert isinstance(found.commit, Unknown)
                assert found.commit.reason.startswith("LOADING")
                assert found.failed.startswith("LOADING")
                with server.client() as client:
                    client.config_set("key-load-delay", "0")
                    async with asyncio.timeout(20):
                        while client.info("persistence")["loading"]:
                            await asyncio.sleep(0.01)
                found = await exchange(fresh, commit, load_of([A, (1, 2000)]))
                assert found.commit == Committed()
                assert loaded_records(found.loaded) == [record_of(A, 3), records[(1, 2000)]]
                fresh.close()
                async with opened(server.url) as reader:
                    assert await reader.journal_length(0) == 2

    run(test)


# --- "not executed"
def refuse_by_memory(client):
    client.config_set("maxmemory", "1")


def refuse_by_snapshot(client):
    """A snapshot that can't be written, where the server is told not to write any more then."""
    client.config_set("save", "900 1")
    client.bgsave()


def refuse_by_replicas(client):
    client.config_set("min-replicas-to-write", "1")


def accept(client):
    for name, value in (("maxmemory", "0"), ("save", ""), ("min-replicas-to-write", "0")):
        client.config_set(name, value)


@pytest.mark.parametrize(
    ("refuse", "word", "told"),
    [
        (refuse_by_memory, "OOM", "not allowed when used memory > 'maxmemory'"),
        (refuse_by_snapshot, "MISCONF", "MISCONF"),
        (refuse_by_replicas, "NOREPLICAS", "NOREPLICAS"),
    ],
)
def test_refused_commit_is_unknown_changes_nothing_and_works_when_sent_again(tmp_path, refuse, word, told):
    async def test():
        (tmp_path / "dump.rdb").mkdir()
        with valkey_process(tmp_path) as server, server.client() as client:
            async with opened(server.url) as store:
                mine = await store.claim(0, NODE, wall_ms=1, last_epoch=0)
                connection = await store.connect(mine)
                commit = commit_of(mine, first_of(mine), ZERO, {A: record_of(A, 1)}, session_keys=[(1, 2, 7, 60)])
                refuse(client)
                async with asyncio.timeout(20):
                    while client.info("persistence")["rdb_bgsave_in_progress"]:
                        await asyncio.sleep(0.01)
                found = await exchange(connection, commit, load_of([A]))
                assert isinstance(found.commit, Unknown)
                assert found.commit.reason.startswith(word)
                assert loaded_records(found.loaded) == [b""], "reading goes on"
                assert await store.journal_length(0) == 0
                with pytest.raises(StoreError, match=told):
                    await store.append_commands(0, [b"command"])
                accept(client)
                found = await exchange(connection, commit, load_of([A]))
                assert found.commit == Committed()
                assert loaded_records(found.loaded) == [record_of(A, 1)]
                assert await store.journal_length(0) == 1
                connection.close()

    run(test)


# --- replies that are lost
async def _claim(store):
    await store.claim(0, NODE, wall_ms=1000, last_epoch=0)


async def _claim_archiver(store):
    await store.claim_archiver(0, "files", "a" * 16)


CLAIM = ArchiverClaim(0, f"1:files:{'a' * 16}", ZERO)
COMMAND_ROWS = [b"a", b"b"]

WRITES = {
    # name: (word of the request whose reply is cut, the call, what its effect looks like)
    "create": ("farebox_1_create", lambda store: store.create(2), None),
    "claim": ("farebox_1_claim", _claim, None),
    "claim_archiver": ("farebox_1_claim_archiver", _claim_archiver, lambda client: client.get("{p0}:archiver")),
    "set_archived": (
        "farebox_1_archived",
        lambda store: store.set_archived(CLAIM, EntryId(1000, 2)),
        lambda client: client.get("{p0}:archived"),
    ),
    "trim_journal": (
        "farebox_1_trim",
        lambda store: store.trim_journal(CLAIM, EntryId(1000, 1)),
        lambda client: client.xlen("{p0}:journal"),
    ),
    "add_tenant": (
        "farebox_1_add_tenant",
        lambda store: store.add_tenant("beta"),
        lambda client: client.hgetall("farebox:tenants"),
    ),
    "claim_identities": (
        "1:e164:491",
        lambda store: store.claim_identities([(identity_key(1, "e164", "491"), 7)]),
        lambda client: client.get("1:e164:491"),
    ),
    "release_identities": (
        "farebox_1_release",
        lambda store: store.release_identities([(identity_key(1, "e164", "490"), 7)]),
        lambda client: client.exists("1:e164:490"),
    ),
    "set_reader_position": (
        "{p0}:readers",
        lambda store: store.set_reader_position(0, "lake", EntryId(1000, 1)),
        lambda client: client.hgetall("{p0}:readers"),
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
    async with cutting_proxy(server.url, tmp_path / "p") as proxy, opened(server.url) as store:
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
            proxy.cut_reply_to("farebox_1_claim")
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
            proxy.cut_reply_to("farebox_1_append")
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


# --- a store that talks nonsense
@pytest.mark.parametrize(
    "reply",
    [
        b"+PONG\r\n+PONG\r\n+PONG\r\n",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"*2\r\n$2\r\nab\r\n$-1\r\n",
        b"$-2\r\n",
        b"\0" * 9000,
    ],
)
def test_server_that_is_no_store_ends_the_connection(tmp_path, reply):
    async def test():
        async def serve(reader, writer):
            await reader.read(1 << 16)
            writer.write(b"+OK\r\n+OK\r\n*2\r\n$-1\r\n$-1\r\n")
            await reader.read(1 << 16)
            writer.write(reply)
            await writer.drain()

        server = await asyncio.start_unix_server(serve, str(tmp_path / "n"))
        store = RedisStore(f"unix://{tmp_path}/n")
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_unix_connection(
            lambda: RedisPartitionConnection("p0", loop), str(tmp_path / "n")
        )
        await connection.introduce(store.address.introduction("owner"))
        found = await exchange(connection, None, load_of([A]))
        assert found.loaded is None
        assert "is not what was asked for" in found.failed
        assert not connection.is_open
        server.close()
        await store.close()

    run(test)


def test_plain_redis_client_and_ours_see_the_same_store(server):
    """The keys are those that keys.py lists: a plain client finds them."""

    async def test():
        async with opened(server.url) as store:
            mine = await store.claim(1, NODE, wall_ms=1, last_epoch=0)
            connection = await store.connect(mine)
            commit = commit_of(
                mine, first_of(mine), ZERO, {A: record_of(A, 1)}, routes=[(3, 4, b"r", 60, 0), (5, 6, b"a", 60, 1)]
            )
            await exchange(connection, commit)
            connection.close()
        with redis.Redis.from_url(server.url) as client:
            assert sorted(client.keys("{p1}:*")) == sorted(
                [
                    b"{p1}:a:1:7",
                    b"{p1}:answered:" + b"%032x" % ((5 << 64) + 6),
                    b"{p1}:journal",
                    b"{p1}:owner",
                    b"{p1}:route:" + b"%032x" % ((3 << 64) + 4),
                    b"{p1}:tail",
                ]
            )
            assert client.get("{p1}:a:1:7") == to_stored(record_of(A, 1))

    run(test)
