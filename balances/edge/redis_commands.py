"""Account commands in the store: identities claimed, numbers handed out, streams appended and read, answers read."""

from typing import Final

from balances.commands import CommandIdUsed, CommandRow
from balances.edge.redis_client import RedisClient, store_errors
from balances.edge.store_function import APPEND_FUNCTION, CLAIM_IDENTITIES_FUNCTION, RELEASE_FUNCTION
from balances.keys import owner_connection_name
from balances.store import StoreError
from vocabulary.limits import COMMAND_ID_KEPT_S

_APPEND_ROWS: Final = 500
_CLAIM_ROWS: Final = 500
"""Keys of one function: what comes in between waits half a millisecond for it."""
_IDENTITY_EPOCH_FIRST: Final = 0
FREED_KEY: Final = "farebox:freed"


class RedisCommandLog(RedisClient):
    """CommandLog on Redis."""

    @store_errors
    async def allot_accounts(self, batch_id: str, count: int, asked: str = "") -> int:
        """See CommandLog. Numbers of a call whose reply was lost stay unused."""
        key = _opening_key(batch_id)
        last = int(await self.command("INCRBY", "farebox:next_account", count))
        mine = f"{last - count + 1}:{count}:{asked}".encode()
        stored = await self.command("SET", key, mine, "NX", "GET", "EX", COMMAND_ID_KEPT_S)
        first, _, content = (stored or mine).partition(b":")
        if content != f"{count}:{asked}".encode():
            raise CommandIdUsed(batch_id)
        return int(first)

    @store_errors
    async def claim_commands(self, claims: list[tuple[str, str]]) -> list[bool]:
        """See CommandLog."""
        free: list[bool] = []
        for first in range(0, len(claims), _CLAIM_ROWS):
            rows = claims[first : first + _CLAIM_ROWS]
            found = await self.pipelined(
                [("SET", _command_key(name), asked, "NX", "GET", "EX", COMMAND_ID_KEPT_S) for name, asked in rows]
            )
            free += [stored is None or stored == asked.encode() for stored, (_, asked) in zip(found, rows, strict=True)]
        return free

    @store_errors
    async def allotted(self, batch_id: str) -> int | None:
        """First account number that `allot_accounts` gave the batch before; None where it never did. StoreError."""
        key = _opening_key(batch_id)
        value = await self.command("GET", key)
        if value is None:
            return None
        try:
            return int(value.partition(b":")[0])
        except ValueError:
            raise StoreError(
                f"{key} holds {value[:40]!r}, not <first account>:<count>:<digest>: remove the key"
            ) from None

    @store_errors
    async def claim_identities(self, claims: list[tuple[str, int]]) -> list[int | None]:
        """See CommandLog. Keys have slots of their own, so one function for many needs one server, as for now all do."""
        owners: list[int | None] = []
        for first in range(0, len(claims), _CLAIM_ROWS):
            rows = claims[first : first + _CLAIM_ROWS]
            found = await self.function(CLAIM_IDENTITIES_FUNCTION, [key for key, _ in rows], _identity_values(rows))
            for (_, account_id), stored in zip(rows, found, strict=True):
                owner = int(stored.partition(b":")[0]) if stored else account_id
                owners.append(None if owner == account_id else owner)
        return owners

    @store_errors
    async def release_identities(self, claims: list[tuple[str, int]]) -> None:
        """See CommandLog."""
        for first in range(0, len(claims), _CLAIM_ROWS):
            rows = claims[first : first + _CLAIM_ROWS]
            await self.function(RELEASE_FUNCTION, [FREED_KEY, *(key for key, _ in rows)], _identity_values(rows))

    @store_errors
    async def freed_identities(self, after: str | None) -> tuple[str, list[str]]:
        """See BalanceStore."""
        if after is None:
            newest = await self.command("XREVRANGE", FREED_KEY, "+", "-", "COUNT", 1)
            return (newest[0][0].decode() if newest else "0-0"), []
        reply = await self.command("XREAD", "COUNT", _CLAIM_ROWS, "STREAMS", FREED_KEY, after)
        if not reply:
            return after, []
        rows = reply[0][1]
        return rows[-1][0].decode(), [fields[b"k"].decode() for _, fields in rows]

    @store_errors
    async def append_commands(self, partition: int, commands: list[bytes]) -> None:
        """See CommandLog. After a lost reply it may be done again: the commands' ids hold them apart."""
        key = self.key(partition, "commands")
        for first in range(0, len(commands), _APPEND_ROWS):
            await self.function(APPEND_FUNCTION, [key], commands[first : first + _APPEND_ROWS])

    @store_errors
    async def read_commands(self, partition: int, after: str, count: int, *, wait_ms: int = 0) -> list[CommandRow]:
        """See CommandLog; waiting takes a connection of its own."""
        wait = ("BLOCK", wait_ms) if wait_ms else ()
        key = self.key(partition, "commands")
        reply = await self.command("XREAD", "COUNT", count, *wait, "STREAMS", key, after)
        if not reply:
            return []
        return [CommandRow(entry_id.decode(), fields[b"b"]) for entry_id, fields in reply[0][1]]

    @store_errors
    async def command_answers(self, partition: int, command_ids: list[str]) -> list[bytes | None]:
        """See CommandLog."""
        if not command_ids:
            return []
        prefix = self.key(partition, "command:")
        answers: list[bytes | None] = await self.command("MGET", *[prefix + command_id for command_id in command_ids])
        return answers

    @store_errors
    async def has_owner(self, partition: int) -> bool:
        """See CommandLog: owners' connections bear a name (CLIENT SETNAME)."""
        name = owner_connection_name(self.meta.tags[partition])
        clients = await self.command("CLIENT LIST")
        return any(client.get("name") == name for client in clients)


def _opening_key(batch_id: str) -> str:
    """Where the numbers of a batch of openings are kept, `<first account>:<count>:<digest>`."""
    return f"farebox:opening:{batch_id}"


def _command_key(command_id: str) -> str:
    """Where the digest of what a command asked is kept: one key for all partitions, as the account isn't in the id."""
    return f"farebox:command:{command_id}"


def _identity_values(claims: list[tuple[str, int]]) -> list[str]:
    """What a claim writes under its identity."""
    return [f"{account_id}:{_IDENTITY_EPOCH_FIRST}" for _, account_id in claims]
