"""RedisStore where the server is away, loading, full, locked, or none: what is unknown is said, and works when sent again."""

import asyncio
import socket

import pytest

from balances.edge.redis_connection import RedisPartitionConnection
from balances.edge.redis_store import RedisStore
from balances.store import Committed, StoreError, StoreUnreachable, Unknown, Unwritten
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
    start_exchange,
)
from tests.balances.edge.stores import opened_redis, run
from tests.balances.edge.valkey_process import valkey_process

NODE = "one"


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
            async with opened_redis(server.url) as store:
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
            async with opened_redis(f"unix://:right-one@{tmp_path}/s") as good:
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
            async with opened_redis(server.url) as store:
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
                assert isinstance(found.commit, Unwritten)
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
                async with opened_redis(server.url) as reader:
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
def test_refused_commit_is_not_written_changes_nothing_and_works_when_sent_again(tmp_path, refuse, word, told):
    async def test():
        (tmp_path / "dump.rdb").mkdir()
        with valkey_process(tmp_path) as server, server.client() as client:
            async with opened_redis(server.url) as store:
                mine = await store.claim(0, NODE, wall_ms=1, last_epoch=0)
                connection = await store.connect(mine)
                commit = commit_of(mine, first_of(mine), ZERO, {A: record_of(A, 1)}, session_keys=[(1, 2, 7, 60)])
                refuse(client)
                async with asyncio.timeout(20):
                    while client.info("persistence")["rdb_bgsave_in_progress"]:
                        await asyncio.sleep(0.01)
                found = await exchange(connection, commit, load_of([A]))
                assert isinstance(found.commit, Unwritten)
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
