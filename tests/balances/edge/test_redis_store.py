"""RedisStore on servers that it refuses, and on one that it takes: functions are there, keys are those of keys.py."""

import pytest
import redis

from balances.edge.redis_store import RedisStore
from balances.store import Committed, StoreError, StoreUnsafe
from balances.stored_record import to_stored
from tests.balances.edge.commits import ZERO, A, after, commit_of, exchange, first_of, record_of
from tests.balances.edge.stores import opened_redis, run
from tests.balances.edge.valkey_process import valkey_process

NODE = "one"


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
                async with opened_redis(server.url) as store:
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
        async with opened_redis(server.url) as store:
            with server.client() as client:
                client.hset("farebox:meta", "layout", "99")
            with pytest.raises(StoreError, match=r"records of layout 99.*use the release that wrote them"):
                await store.open()

    run(test)


def test_functions_that_were_lost_are_put_back(server):
    async def test():
        async with opened_redis(server.url) as store:
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


def test_plain_redis_client_and_ours_see_the_same_store(server):
    """The keys are those that keys.py lists: a plain client finds them."""

    async def test():
        async with opened_redis(server.url) as store:
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
