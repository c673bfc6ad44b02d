"""What clients of open sessions are owed, in the store: a row a session, and how far the journal was read for them.

Rows and position are written in one step: an entry is passed only with everything that it owes. What a row says is
the notifier's to know (runtime/notices/notice.py). Each write says the epoch of the notifier's claim, and is refused by a
partition that has seen a higher one.
"""

from collections.abc import Mapping
from typing import Final

from balances.edge.redis_client import RedisClient, store_errors
from balances.edge.store_function import SWAP_FUNCTION, WRITE_NOTICES_FUNCTION
from balances.notifier_claim import NotifierClaim, NotifierLostError, decode_claim, encode_claim
from balances.store import EntryId, StoreError

READER = "notifier"
"""Its name among the readers of the journal, behind which the archiver trims."""
_CLAIM: Final = "farebox:notifier"
_NOTICES, _READERS, _PRICES = "2", "3", "4"
"""Numbers of the function's keys."""
_REMOVED: Final = ""


class RedisNotices(RedisClient):
    """Rows of notices on Redis. Each call is safe to repeat; NotifierLostError where another notifier tells clients."""

    @store_errors
    async def notifier_claim(self) -> NotifierClaim:
        """Who tells clients."""
        text = (await self.command("GET", _CLAIM) or b"").decode()
        try:
            return decode_claim(text)
        except ValueError as error:
            raise StoreError(f"{_CLAIM} in the store is {text!r}, no claim of a notifier: remove that key") from error

    @store_errors
    async def swap_notifier_claim(self, seen: NotifierClaim, claim: NotifierClaim) -> bool:
        """Write a claim in place of the one that was seen; False where there is another one meanwhile."""
        return bool(await self.function(SWAP_FUNCTION, [_CLAIM], [encode_claim(seen), encode_claim(claim)]))

    @store_errors
    async def fence_notices(self, partition: int, epoch: int) -> None:
        """From now on the partition refuses what notifiers of lower epochs write."""
        await self._write(partition, epoch, [])

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
    async def write_notices(
        self, partition: int, epoch: int, rows: Mapping[str, bytes | None], position: EntryId | None
    ) -> None:
        """Write rows, remove those that are None, and note up to where the journal was read (None: as it is)."""
        words: list[str | bytes] = []
        for session, row in rows.items():
            words += (_NOTICES, session, _REMOVED if row is None else row)
        if position is not None:
            words += (_READERS, READER, str(position))
        await self._write(partition, epoch, words)

    @store_errors
    async def read_told_prices(self, partition: int) -> dict[int, int]:
        """By tenant: the instant up to which sessions of the partition were owed the prices that came into force."""
        stored = await self.command("HGETALL", self.key(partition, "notices:prices"))
        return {int(tenant): int(until_ns) for tenant, until_ns in stored.items()}

    @store_errors
    async def write_told_prices(self, partition: int, epoch: int, until_ns: Mapping[int, int]) -> None:
        """Note such instants."""
        words: list[str | bytes] = []
        for tenant, instant_ns in until_ns.items():
            words += (_PRICES, str(tenant), str(instant_ns))
        await self._write(partition, epoch, words)

    @store_errors
    async def retire_notices(self, partition: int, epoch: int) -> int:
        """Remove rows, instants and the place in the journal, which nobody is kept for any more; how many rows there were."""
        await self.fence_notices(partition, epoch)
        sessions, tenants = await self.pipelined(
            [("HKEYS", self.key(partition, "notices")), ("HKEYS", self.key(partition, "notices:prices"))]
        )
        words: list[str | bytes] = [_READERS, READER, _REMOVED]
        for number, fields in ((_NOTICES, sessions), (_PRICES, tenants)):
            for field in fields:
                words += (number, field, _REMOVED)
        await self._write(partition, epoch, words)
        return len(sessions)

    async def _write(self, partition: int, epoch: int, words: list[str | bytes]) -> None:
        """One step: number of a key, field and value, again and again; a value of '' removes its field."""
        keys = [self.key(partition, name) for name in ("notifier", "notices", "readers", "notices:prices")]
        if await self.function(WRITE_NOTICES_FUNCTION, keys, [str(epoch), *words]) != b"DONE":
            raise NotifierLostError(f"another notifier tells the clients of partition {partition}")
