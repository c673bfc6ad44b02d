"""The engines' entries of themselves (balances/engines.py), in a hash of the store."""

from typing import Final

import structlog

from balances.edge.redis_client import RedisClient, store_errors
from balances.engines import EngineEntry, decode_entry, encode_entry

_ENGINES: Final = "farebox:engines"


class RedisEngineEntries(RedisClient):
    """The part of RedisStore that engines share partitions by."""

    @store_errors
    async def engine_entries(self) -> tuple[list[EngineEntry], list[str]]:
        """All entries, and the owner's token of each partition, '' where there is none."""
        keys = [self.key(partition, "owner") for partition in range(self.meta.partition_count)]
        fields, owners = await self.pipelined([("HGETALL", _ENGINES), ("MGET", *keys)])
        entries = []
        for node, text in fields.items():
            try:
                entries.append(decode_entry(node.decode(), text.decode()))
            except ValueError as error:
                structlog.get_logger(process="engine").warning("an engine's entry can't be read", reason=str(error))
        return entries, [(owner or b"").decode() for owner in owners]

    @store_errors
    async def enter_engine(self, entry: EngineEntry) -> None:
        """Write the engine's entry, in place of the one before."""
        await self.command("HSET", _ENGINES, entry.node, encode_entry(entry))

    @store_errors
    async def remove_engines(self, *nodes: str) -> None:
        """Remove entries."""
        if nodes:
            await self.command("HDEL", _ENGINES, *nodes)
