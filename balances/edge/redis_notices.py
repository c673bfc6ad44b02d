"""What clients of open sessions are owed, in the store: a row a session, and how far the journal was read for them.

Rows and position are written in one transaction: an entry is passed only with everything that it owes. What a row says is
the notifier's to know (runtime/notices/notice.py).
"""

from collections.abc import Mapping

from balances.edge.redis_client import RedisClient, store_errors
from balances.store import EntryId

READER = "notifier"
"""Its name among the readers of the journal, behind which the archiver trims."""


class RedisNotices(RedisClient):
    """Rows of notices on Redis. Each call is safe to repeat."""

    @store_errors
    async def read_notices(self, partition: int) -> dict[str, bytes]:
        """All rows of a partition, by the session's 32 hex digits."""
        stored = await self.command("HGETALL", self.key(partition, "notices"))
        return {session.decode(): row for session, row in stored.items()}

    @store_errors
    async def read_notices_of(self, partition: int, sessions: list[str]) -> list[bytes | None]:
        """The rows of these sessions."""
        if not sessions:
            return []
        rows: list[bytes | None] = await self.command("HMGET", self.key(partition, "notices"), *sessions)
        return rows

    @store_errors
    async def write_notices(self, partition: int, rows: Mapping[str, bytes | None], position: EntryId | None) -> None:
        """Write rows, remove those that are None, and note up to where the journal was read (None: as it is)."""
        key = self.key(partition, "notices")
        kept = [word for session, row in rows.items() if row is not None for word in (session, row)]
        gone = [session for session, row in rows.items() if row is None]
        pipeline = self.client.pipeline(transaction=True)
        if kept:
            pipeline.execute_command("HSET", key, *kept)
        if gone:
            pipeline.execute_command("HDEL", key, *gone)
        if position is not None:
            pipeline.execute_command("HSET", self.key(partition, "readers"), READER, str(position))
        await pipeline.execute()

    @store_errors
    async def read_told_prices(self, partition: int) -> dict[int, int]:
        """By tenant: the instant up to which sessions of the partition were owed the prices that came into force."""
        stored = await self.command("HGETALL", self.key(partition, "notices:prices"))
        return {int(tenant): int(until_ns) for tenant, until_ns in stored.items()}

    @store_errors
    async def write_told_prices(self, partition: int, until_ns: Mapping[int, int]) -> None:
        """Note such instants."""
        words = [str(word) for pair in until_ns.items() for word in pair]
        if words:
            await self.command("HSET", self.key(partition, "notices:prices"), *words)
