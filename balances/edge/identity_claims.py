"""Identities that are claimed for nobody's good, so that the next opening of such an identity takes it over.

Those whose account never came: an opening that was cut off between its claim and its command leaves such claims. What tells
them from an opening under way: no account record, and no command in the account's partition that would make one. And those
of accounts that are closed, which stay closed: until somebody else wants them they lead to the account that had them last.
"""

from collections.abc import Collection, Sequence
from typing import Final, Protocol

from balances.command_octets import decode_command
from balances.commands import CommandError, CommandLog, Open
from balances.keys import partition_of
from balances.queries import RecordError, decode_record
from balances.record import AccountStatus

_PAGE_ROWS: Final = 1000
_RECORDS: Final = 500


class OpeningStore(CommandLog, Protocol):
    """What openings need of a store."""

    async def read_accounts(self, partition: int, accounts: Sequence[tuple[int, int]]) -> list[bytes | None]:
        """See BalanceStore."""

    async def partition_values(self, partition: int, names: Sequence[str]) -> list[bytes | None]:
        """See BalanceStore."""


async def accounts_that_never_came(
    store: OpeningStore, partition_count: int, accounts: Collection[tuple[int, int]]
) -> set[int]:
    """Of these (tenant, account id): the ids without a record and without a command that opens them. StoreError."""
    missing: set[int] = set()
    for partition in range(partition_count):
        own = sorted(account for account in accounts if partition_of(account[1], partition_count) == partition)
        # The stream before the records: what leaves the stream in between has its record by then.
        waiting = await _waiting_openings(store, partition) if own else set()
        for first in range(0, len(own), _RECORDS):
            rows = own[first : first + _RECORDS]
            records = await store.read_accounts(partition, rows)
            missing |= {
                account_id
                for (_, account_id), record in zip(rows, records, strict=True)
                if record is None and account_id not in waiting
            }
    return missing


async def closed_accounts(store: OpeningStore, partition_count: int, accounts: Collection[tuple[int, int]]) -> set[int]:
    """Of these (tenant, account id): the ids of accounts that are closed, for good. StoreError."""
    closed: set[int] = set()
    for partition in range(partition_count):
        own = sorted(account for account in accounts if partition_of(account[1], partition_count) == partition)
        for first in range(0, len(own), _RECORDS):
            rows = own[first : first + _RECORDS]
            records = await store.read_accounts(partition, rows)
            closed |= {
                account_id
                for (_, account_id), record in zip(rows, records, strict=True)
                if record is not None and _is_closed(record)
            }
    return closed


def _is_closed(record: bytes) -> bool:
    """A record that can't be read is its engine's to complain of."""
    try:
        return decode_record(record).status == AccountStatus.CLOSED
    except RecordError:
        return False


async def _waiting_openings(store: OpeningStore, partition: int) -> set[int]:
    """Accounts that commands behind the decided ones open: what is decided stays in the stream for a while."""
    found: set[int] = set()
    (decided,) = await store.partition_values(partition, ["commands:position"])
    position = "0-0" if decided is None else decided.decode()
    while rows := await store.read_commands(partition, position, _PAGE_ROWS):
        position = rows[-1].position
        for row in rows:
            try:
                command = decode_command(row.octets)
            except CommandError:
                continue  # the engine skips it as well
            if isinstance(command, Open):
                found.add(command.account_id)
    return found
