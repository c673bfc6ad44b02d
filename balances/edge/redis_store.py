"""BalanceStore on Redis or Valkey (>= 7.2): creation, checks, ownership, look-ups. Hot is RedisPartitionConnection alone.

One server for now: commit and load need one slot's node, which a cluster gives them too, but identity
and session keys have slots of their own, and this client asks one node for all of them.
"""

import asyncio
import secrets
import socket
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from balances.commands import CommandLog
from balances.edge.redis_client import store_errors
from balances.edge.redis_commands import RedisCommandLog
from balances.edge.redis_connection import RedisPartitionConnection
from balances.edge.redis_engines import RedisEngineEntries
from balances.edge.redis_journal import RedisJournalLog
from balances.edge.redis_notices import RedisNotices
from balances.edge.store_function import (
    ADD_TENANT_FUNCTION,
    CLAIM_FUNCTION,
    CREATE_FUNCTION,
    DUE_FUNCTION,
    FUNCTION_LIBRARY,
    FUNCTION_SOURCE,
)
from balances.identity_moves import IdentityLog
from balances.journal_log import JournalLog
from balances.keys import DUE_BUCKET_S, account_key, owner_connection_name, session_key
from balances.record import LAYOUT_VERSION
from balances.store import (
    BalanceStore,
    EntryId,
    Ownership,
    StoreError,
    StoreMeta,
    StoreNotCreated,
    StoreUnreachable,
    StoreUnsafe,
)
from balances.stored_record import record_or_octets
from vocabulary.limits import DUE_KEPT_S, PARTITIONS_MAX, TENANTS_MAX

_META: Final = "farebox:meta"
_TENANTS: Final = "farebox:tenants"
_LOOK_UP_KEYS: Final = 4096
_DUE_LOOK_BUCKETS: Final = 10_000
"""34 days of them: the store is held up no longer by one request"""
_SERVER_VERSION_MIN: Final = (7, 2)
_WANTED: Final = (
    ("maxmemory-policy", ("noeviction",), "else balances could be evicted"),
    ("appendonly", ("yes",), "else a restart loses everything"),
    ("appendfsync", ("always", "everysec", "no"), "`always` loses nothing that was answered"),
    ("no-appendfsync-on-rewrite", ("no",), "else nothing is durable while the file is rewritten"),
)
"""Settings of the server, the values that we serve with, and why"""
_SECRET_OCTETS: Final = 16
_KEEPALIVE: Final = {"TCP_KEEPIDLE": 5, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 2, "TCP_USER_TIMEOUT": 15_000}
"""Of the owner's connection over TCP; seconds, the last ms: a host that is gone is known within 15 s."""


class RedisStore(RedisCommandLog, RedisEngineEntries, RedisJournalLog, RedisNotices):
    """The store at an address: `redis://…`, `rediss://…` or `unix://…`."""

    # --- creation and checks
    @store_errors
    async def create(self, partition_count: int) -> None:
        """See BalanceStore. StoreError where the store holds another count, or somebody else's keys."""
        if not 1 <= partition_count <= PARTITIONS_MAX:
            raise StoreError(f"{partition_count} partitions: 1 to {PARTITIONS_MAX} fit")
        await self._load_functions()
        if not await self.command("EXISTS", _META) and await self.command("DBSIZE"):
            raise StoreError(f"the store at {self.address} holds keys but no Farebox: give an empty one")
        fields: dict[str, str | bytes] = {
            "partitions": str(partition_count),
            "tags": ",".join(f"p{partition}" for partition in range(partition_count)),
            "secret": secrets.token_bytes(_SECRET_OCTETS),
            "layout": str(LAYOUT_VERSION),
            "created_ns": str(time.time_ns()),
        }
        words = [word for pair in fields.items() for word in pair]
        reply = await self.function(CREATE_FUNCTION, [_META], words)
        stored = int(dict(zip(reply[::2], reply[1::2], strict=True))[b"partitions"])
        if stored != partition_count:
            raise StoreError(
                f"the store at {self.address} was created with {stored} partitions, not {partition_count}:"
                f" leave --partitions out, or give another store"
            )

    @store_errors
    async def open(self) -> StoreMeta:
        """See BalanceStore. Also puts the functions there where they are missing."""
        fsync = await self._check_server()
        await self._load_functions()
        fields = await self.command("HGETALL", _META)
        if not fields:
            raise StoreNotCreated(
                f"the store at {self.address} was never created: start `farebox up` on it, which does"
            )
        if int(fields[b"layout"]) != LAYOUT_VERSION:
            raise StoreError(
                f"the store at {self.address} has records of layout {int(fields[b'layout'])}, this release writes"
                f" {LAYOUT_VERSION}: use the release that wrote them"
            )
        self._meta = StoreMeta(
            partition_count=int(fields[b"partitions"]),
            secret=np.frombuffer(fields[b"secret"], "<u8").astype(np.uint64),
            tags=tuple(fields[b"tags"].decode().split(",")),
            fsync=fsync,
            created_ns=int(fields[b"created_ns"]),
        )
        return self._meta

    async def _check_server(self) -> str:
        """Refuse a server that could lose or evict what was answered. Returns its fsync mode."""
        server: dict[str, Any] = await self.command("INFO", "everything")
        name = "Valkey" if "valkey_version" in server else "Redis"
        version = str(server.get("valkey_version", server["redis_version"]))
        if tuple(int(part) for part in str(server["redis_version"]).split(".")[:2]) < _SERVER_VERSION_MIN:
            raise StoreUnsafe(f"{name} {version} at {self.address}: 7.2 or later is needed")
        if server.get("loading"):
            raise StoreUnreachable(f"the store at {self.address} is loading its append-only file: try again")
        if server.get("role") != "master":
            raise StoreUnsafe(f"the store at {self.address} is a replica (role {server.get('role')}): name its master")
        if server.get("cluster_enabled"):
            raise StoreUnsafe(
                f"the store at {self.address} is a cluster's node (cluster-enabled yes): one server is needed"
            )
        settings: dict[str, str] = await self.command("CONFIG GET", *(row[0] for row in _WANTED))
        for setting, values, why in _WANTED:
            value = settings.get(setting)
            if value not in values:
                raise StoreUnsafe(
                    f"the store at {self.address} has {setting} {value!r}, needed is {' or '.join(values)}, {why}:"
                    f" set `{setting} {values[0]}` in its configuration"
                )
        return settings["appendfsync"]

    async def _load_functions(self) -> None:
        libraries = await self.command("FUNCTION", "LIST", "LIBRARYNAME", FUNCTION_LIBRARY, "WITHCODE")
        if not libraries or FUNCTION_SOURCE.encode() not in libraries[0]:
            await self.command("FUNCTION", "LOAD", "REPLACE", FUNCTION_SOURCE)

    # --- ownership
    @store_errors
    async def claim(self, partition: int, node: str, *, wall_ms: int, last_epoch: int) -> Ownership:
        """See BalanceStore."""
        if not node or ":" in node or " " in node:
            raise StoreError(f"node {node!r} can't stand in an owner's token: give a name without colon and space")
        keys = [self.key(partition, name) for name in ("owner", "tail", "commands:position", "archived", "journal")]
        digits = secrets.token_hex(8)
        token, tail, position = await self.function(CLAIM_FUNCTION, keys, [node, digits, wall_ms, last_epoch])
        return Ownership(
            partition=partition,
            token=token.decode(),
            epoch=int(token.partition(b":")[0]),
            tail=EntryId.parse(tail.decode()),
            commands_position=position.decode(),
        )

    @store_errors
    async def connect(self, ownership: Ownership) -> RedisPartitionConnection:
        """See BalanceStore. The functions are looked for again: a restored store may have lost them."""
        await self._load_functions()
        tag = self.meta.tags[ownership.partition]
        loop = asyncio.get_running_loop()
        address = self.address

        def make() -> RedisPartitionConnection:
            return RedisPartitionConnection(tag, loop)

        if address.path:
            _, connection = await loop.create_unix_connection(make, address.path)
        else:
            tls = ssl.create_default_context() if address.tls else None
            transport, connection = await loop.create_connection(make, address.host, address.port, ssl=tls)
            _give_up_on_a_dead_host(transport.get_extra_info("socket"))
        await connection.introduce(address.introduction(owner_connection_name(tag)))
        return connection

    # --- look-ups
    @store_errors
    async def find_accounts(self, identities: Sequence[str]) -> list[tuple[int, int] | None]:
        """See BalanceStore."""
        found: list[tuple[int, int] | None] = []
        for value in await self._values(identities):
            if value is None:
                found.append(None)
            else:
                account_id, _, epoch = value.partition(b":")
                found.append((int(account_id), int(epoch)) if account_id != b"0" else None)
        return found

    @store_errors
    async def find_sessions(self, digests: NDArray[np.uint64]) -> list[int | None]:
        """See BalanceStore."""
        keys = [session_key(high, low) for high, low in digests.tolist()]
        return [None if value is None else int(value) for value in await self._values(keys)]

    async def _values(self, keys: Sequence[str]) -> list[bytes | None]:
        values: list[bytes | None] = []
        for first in range(0, len(keys), _LOOK_UP_KEYS):
            values.extend(await self.command("MGET", *keys[first : first + _LOOK_UP_KEYS]))
        return values

    @store_errors
    async def partition_values(self, partition: int, names: Sequence[str]) -> list[bytes | None]:
        """See BalanceStore."""
        return await self._values([self.key(partition, name) for name in names])

    @store_errors
    async def read_accounts(self, partition: int, accounts: Sequence[tuple[int, int]]) -> list[bytes | None]:
        """See BalanceStore."""
        tag = self.meta.tags[partition]
        values = await self._values([account_key(tag, tenant, account_id) for tenant, account_id in accounts])
        return [None if value is None else record_or_octets(value) for value in values]

    async def scan_accounts(self, partition: int) -> AsyncIterator[list[tuple[int, int, bytes]]]:
        """See BalanceStore."""
        prefix = account_key(self.meta.tags[partition], 0, 0).removesuffix("0:0")
        cursor = b"0"
        while True:
            cursor, rows = await self._scan_page(cursor, prefix)
            if rows:
                yield rows
            if int(cursor) == 0:
                return

    @store_errors
    async def _scan_page(self, cursor: bytes, prefix: str) -> tuple[bytes, list[tuple[int, int, bytes]]]:
        pattern = prefix.replace("[", "\\[") + "*"
        cursor, keys = await self.command("SCAN", cursor, "MATCH", pattern, "COUNT", 2048)
        rows = []
        for key, value in zip(keys, await self._values(keys), strict=True):
            if value is not None:
                tenant, _, account_id = key[len(prefix) :].partition(b":")
                rows.append((int(tenant), int(account_id), record_or_octets(value)))
        return cursor, rows

    # --- what is due
    @store_errors
    async def due_buckets(self, partition: int, now_s: int) -> list[int]:
        """See BalanceStore; a bucket's key lives a day longer than it is due, so no older one is looked for.

        Keys end by the store's clock, also where `now_s` is of a clock that was moved ahead.
        """
        oldest = min(int(time.time()), now_s) // DUE_BUCKET_S - DUE_KEPT_S // DUE_BUCKET_S - 1
        current, prefix = now_s // DUE_BUCKET_S, self.key(partition, "due:")
        found = []
        for first in range(oldest, current + 1, _DUE_LOOK_BUCKETS):
            last = min(first + _DUE_LOOK_BUCKETS - 1, current)
            found += await self.function(DUE_FUNCTION, [prefix], [first, last])
        return [int(bucket) for bucket in found]

    @store_errors
    async def due_accounts(self, partition: int, bucket: int) -> list[int]:
        """See BalanceStore."""
        return [int(member) for member in await self.command("SMEMBERS", self.key(partition, f"due:{bucket}"))]

    @store_errors
    async def forget_due(self, partition: int, bucket: int) -> None:
        """See BalanceStore."""
        await self.command("UNLINK", self.key(partition, f"due:{bucket}"))

    # --- tenants
    @store_errors
    async def tenants(self) -> dict[str, int]:
        """See BalanceStore."""
        fields = await self.command("HGETALL", _TENANTS)
        return {name.decode(): int(number) for name, number in fields.items()}

    @store_errors
    async def add_tenant(self, name: str) -> int:
        """See BalanceStore."""
        number = int(await self.function(ADD_TENANT_FUNCTION, [_TENANTS], [name, TENANTS_MAX]))
        if number == 0:
            raise StoreError(f"tenant {name!r} would be one more than {TENANTS_MAX}")
        return number


def _give_up_on_a_dead_host(connection: socket.socket) -> None:
    """Have the connection end where its other side is gone without a word: unsent commits would wait a quarter of an hour."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if hasattr(socket, name):  # not on every system
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


if TYPE_CHECKING:
    _KEPT_CONTRACTS: tuple[type[BalanceStore], type[CommandLog], type[IdentityLog], type[JournalLog]] = (
        RedisStore,
        RedisStore,
        RedisStore,
        RedisStore,
    )
