"""The store in memory, for simulation and tests: the same contract, failures on demand, and awaited calls never wait.

`inject` makes coming exchanges of a partition fail; `snapshot` and `restore` make the store older than its owner knows;
a `claim` by somebody else takes the ownership away. Time and random draws are arguments.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from random import Random
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from balances.commands import CommandIdUsed, CommandLog, CommandRow, IdentityTaken
from balances.edge.memory_partition import (
    Fault,
    MemoryConnection,
    PartitionState,
    SessionKeys,
)
from balances.identity_moves import (
    IdentitiesMoved,
    IdentityLog,
    IdentityMove,
    IdentityNotHeld,
    MoveIdentities,
    MoveResult,
)
from balances.journal_log import ArchiverClaim, ArchiverLostError, JournalLog, JournalRow
from balances.keys import DUE_BUCKET_S
from balances.store import BalanceStore, EntryId, Ownership, StoreError, StoreMeta, StoreNotCreated, epoch_of
from vocabulary.instants import NS_PER_S
from vocabulary.limits import PARTITIONS_MAX, TENANTS_MAX


def _post_to_loop(run: Callable[[], None]) -> object:
    return asyncio.get_running_loop().call_soon(run)


class MemoryStore:
    """BalanceStore, CommandLog and JournalLog in this process's memory."""

    def __init__(
        self,
        *,
        post: Callable[[Callable[[], None]], object] = _post_to_loop,
        now_s: Callable[[], float] = time.time,
        random: Random | None = None,
    ) -> None:
        self._post = post
        self._now_s = now_s
        self._random = Random() if random is None else random
        self._meta: StoreMeta | None = None
        self._partitions: list[PartitionState] = []
        self._faults: list[deque[Fault]] = []
        self._connections: list[list[MemoryConnection]] = []
        self._identities: dict[str, tuple[int, int]] = {}
        """(account, how often it changed hands) by key; account 0: free again"""
        self._moves: list[str] = []
        self._moves_done: dict[str, str] = {}
        self._sessions: SessionKeys = {}
        self._tenants: dict[str, int] = {}
        self._openings: dict[str, tuple[int, int, str]] = {}
        self._command_ids: dict[str, str] = {}
        self._next_account = 0
        self._next_command = 0

    # --- what simulations do to it
    def inject(self, partition: int, *faults: Fault) -> None:
        """The next exchanges with a commit fail so, one each."""
        self._faults[partition].extend(faults)

    def snapshot(self, partition: int) -> PartitionState:
        """The partition as it is now."""
        return self._partitions[partition].copy()

    def restore(self, partition: int, state: PartitionState) -> None:
        """Make the partition what it was: a restored or failed-over store."""
        self._partitions[partition] = state.copy()

    # --- BalanceStore
    @property
    def meta(self) -> StoreMeta:
        """What `open` read."""
        if self._meta is None:
            raise StoreNotCreated("the store in memory was never created")
        return self._meta

    async def create(self, partition_count: int) -> None:
        """See BalanceStore."""
        if not 1 <= partition_count <= PARTITIONS_MAX:
            raise StoreError(f"{partition_count} partitions: 1 to {PARTITIONS_MAX} fit")
        if self._meta is not None:
            if self._meta.partition_count != partition_count:
                raise StoreError(f"the store has {self._meta.partition_count} partitions, not {partition_count}")
            return
        secret = np.array([self._random.getrandbits(64), self._random.getrandbits(64)], np.uint64)
        tags = tuple(f"p{partition}" for partition in range(partition_count))
        self._meta = StoreMeta(
            partition_count=partition_count,
            secret=secret,
            tags=tags,
            fsync="always",
            created_ns=int(self._now_s() * NS_PER_S),
        )
        self._partitions = [PartitionState() for _ in tags]
        self._faults = [deque() for _ in tags]
        self._connections = [[] for _ in tags]

    async def open(self) -> StoreMeta:
        """See BalanceStore."""
        return self.meta

    async def claim(self, partition: int, node: str, *, wall_ms: int, last_epoch: int) -> Ownership:
        """See BalanceStore."""
        if not node or ":" in node or " " in node:
            raise StoreError(f"node {node!r} can't stand in an owner's token: give a name without colon and space")
        state = self._partitions[partition]
        tail = EntryId.parse(state.tail)
        highest = max(state.journal, default=tail).epoch
        stored = max(epoch_of(state.owner), tail.epoch, highest, state.archived.epoch, last_epoch)
        epoch = max(stored + 1, wall_ms)
        state.owner = f"{epoch}:{node}:{self._random.getrandbits(64):016x}"
        return Ownership(partition, state.owner, epoch, tail, state.commands_position)

    async def connect(self, ownership: Ownership) -> MemoryConnection:
        """See BalanceStore."""
        partition = ownership.partition
        connection = MemoryConnection(
            state=lambda: self._partitions[partition],
            sessions=self._sessions,
            faults=self._faults[partition],
            post=self._post,
            now_s=self._now_s,
        )
        self._connections[partition].append(connection)
        return connection

    async def find_accounts(self, identities: Sequence[str]) -> list[tuple[int, int] | None]:
        """See BalanceStore."""
        found = [self._identities.get(identity) for identity in identities]
        return [None if holder is None or holder[0] == 0 else holder for holder in found]

    async def find_sessions(self, digests: NDArray[np.uint64]) -> list[int | None]:
        """See BalanceStore."""
        found: list[int | None] = []
        for high, low in digests.tolist():
            account_id, ends_s = self._sessions.get((high, low), (None, 0.0))
            found.append(account_id if ends_s > self._now_s() else None)
        return found

    async def partition_values(self, partition: int, names: Sequence[str]) -> list[bytes | None]:
        """See BalanceStore."""
        return [self._partitions[partition].live(name, self._now_s()) for name in names]

    async def read_accounts(self, partition: int, accounts: Sequence[tuple[int, int]]) -> list[bytes | None]:
        """See BalanceStore."""
        return [self._partitions[partition].accounts.get(account) for account in accounts]

    async def scan_accounts(self, partition: int) -> AsyncIterator[list[tuple[int, int, bytes]]]:
        """See BalanceStore."""
        yield [(*account, record) for account, record in self._partitions[partition].accounts.items()]

    async def due_buckets(self, partition: int, now_s: int) -> list[int]:
        """See BalanceStore."""
        current = now_s // DUE_BUCKET_S
        return sorted(bucket for bucket in self._partitions[partition].due if bucket <= current)

    async def due_accounts(self, partition: int, bucket: int) -> list[int]:
        """See BalanceStore."""
        return sorted(self._partitions[partition].due.get(bucket, ()))

    async def forget_due(self, partition: int, bucket: int) -> None:
        """See BalanceStore."""
        self._partitions[partition].due.pop(bucket, None)

    async def tenants(self) -> dict[str, int]:
        """See BalanceStore."""
        return dict(self._tenants)

    async def add_tenant(self, name: str) -> int:
        """See BalanceStore."""
        if name not in self._tenants and len(self._tenants) == TENANTS_MAX:
            raise StoreError(f"tenant {name!r} would be one more than {TENANTS_MAX}")
        return self._tenants.setdefault(name, len(self._tenants) + 1)

    async def close(self) -> None:
        """See BalanceStore."""

    # --- CommandLog
    async def allot_accounts(self, batch_id: str, count: int, asked: str = "") -> int:
        """See CommandLog."""
        first, *content = self._openings.setdefault(batch_id, (self._next_account + 1, count, asked))
        if content != [count, asked]:
            raise CommandIdUsed(batch_id)
        self._next_account = max(self._next_account, first + count - 1)
        return first

    async def claim_commands(self, claims: list[tuple[str, str]]) -> list[bool]:
        """See CommandLog."""
        return [self._command_ids.setdefault(command_id, asked) == asked for command_id, asked in claims]

    async def claim_identities(self, claims: list[tuple[str, int]]) -> list[int | None]:
        """See CommandLog."""
        owners = [self._take(key, account_id) for key, account_id in claims]
        return [None if owner == mine else owner for owner, (_, mine) in zip(owners, claims, strict=True)]

    async def release_identities(self, claims: list[tuple[str, int]]) -> None:
        """See CommandLog."""
        for key, account_id in claims:
            if self._identities.get(key, (0, 0))[0] == account_id:
                self._vacate(key)

    def _take(self, key: str, account_id: int, *, is_said: bool = False) -> int:
        """Make it the account's where it is free; whose it is."""
        holder, epoch = self._identities.get(key, (0, 0))
        if holder:
            return holder
        if is_said or key in self._identities:
            self._moves.append(key)
        self._identities[key] = (account_id, epoch)
        return account_id

    def _vacate(self, key: str) -> None:
        self._identities[key] = (0, self._identities[key][1] + 1)
        self._moves.append(key)

    async def append_commands(self, partition: int, commands: list[bytes]) -> None:
        """See CommandLog."""
        for octets in commands:
            self._next_command += 1
            self._partitions[partition].commands.append(CommandRow(f"{self._next_command}-0", octets))

    async def read_commands(self, partition: int, after: str, count: int, *, wait_ms: int = 0) -> list[CommandRow]:
        """See CommandLog; never waits."""
        seen = EntryId.parse(after)
        rows = self._partitions[partition].commands
        return [row for row in rows if EntryId.parse(row.position) > seen][:count]

    async def command_answers(self, partition: int, command_ids: list[str]) -> list[bytes | None]:
        """See CommandLog."""
        return await self.partition_values(partition, [f"command:{command_id}" for command_id in command_ids])

    async def has_owner(self, partition: int) -> bool:
        """See CommandLog."""
        return any(connection.is_open for connection in self._connections[partition])

    # --- IdentityLog
    async def move_identities(self, move: MoveIdentities) -> MoveResult:
        """See IdentityLog."""
        if move.command_id in self._moves_done:
            if self._moves_done[move.command_id] != move.digest():
                raise CommandIdUsed(move.command_id)
            return IdentitiesMoved()
        for key in move.add:
            holder = self._identities.get(key, (0, 0))[0]
            if holder not in (0, move.account_id):
                return IdentityTaken(key, holder)
        for key in move.remove:
            holder = self._identities.get(key, (0, 0))[0]
            if holder != move.account_id:
                return IdentityNotHeld(key, holder)
        for key in move.add:
            self._take(key, move.account_id, is_said=True)
        for key in move.remove:
            self._vacate(key)
        self._moves_done[move.command_id] = move.digest()
        return IdentitiesMoved()

    async def last_identity_move(self) -> str:
        """See IdentityLog."""
        return f"{len(self._moves)}-0"

    async def identity_moves(self, after: str, count: int, *, wait_ms: int = 0) -> list[IdentityMove]:
        """See IdentityLog; never waits."""
        seen = EntryId.parse(after).epoch
        rows = enumerate(self._moves[seen : seen + count], seen + 1)
        return [IdentityMove(f"{number}-0", key) for number, key in rows]

    # --- JournalLog
    async def read_journal(self, partition: int, after: EntryId, count: int, *, wait_ms: int = 0) -> list[JournalRow]:
        """See JournalLog; never waits."""
        journal = self._partitions[partition].journal
        return [JournalRow(entry_id, journal[entry_id]) for entry_id in sorted(journal) if entry_id > after][:count]

    async def journal_length(self, partition: int) -> int:
        """See JournalLog."""
        return len(self._partitions[partition].journal)

    async def journal_octets(self, partition: int) -> int:
        """See JournalLog."""
        return sum(map(len, self._partitions[partition].journal.values()))

    async def archived(self, partition: int) -> EntryId:
        """See JournalLog."""
        return self._partitions[partition].archived

    async def claim_archiver(self, partition: int, node: str, digits: str) -> ArchiverClaim:
        """See JournalLog."""
        state = self._partitions[partition]
        if not state.archiver.endswith(f":{node}:{digits}"):
            state.archiver = f"{epoch_of(state.archiver) + 1}:{node}:{digits}"
        return ArchiverClaim(partition, state.archiver, state.archived)

    async def set_archived(self, claim: ArchiverClaim, entry_id: EntryId) -> None:
        """See JournalLog."""
        state = self._check_archiver(claim)
        state.archived = max(state.archived, entry_id)

    async def trim_journal(self, claim: ArchiverClaim, entry_id: EntryId) -> None:
        """See JournalLog."""
        state = self._check_archiver(claim)
        if entry_id > state.archived:
            raise StoreError(f"partition {claim.partition}: entry {entry_id} is not archived yet and can't be trimmed")
        state.journal = {kept: octets for kept, octets in state.journal.items() if kept > entry_id}

    async def reader_positions(self, partition: int) -> dict[str, EntryId]:
        """See JournalLog."""
        return dict(self._partitions[partition].readers)

    async def set_reader_position(self, partition: int, reader: str, entry_id: EntryId) -> None:
        """See JournalLog."""
        self._partitions[partition].readers[reader] = entry_id

    def _check_archiver(self, claim: ArchiverClaim) -> PartitionState:
        state = self._partitions[claim.partition]
        if state.archiver != claim.token:
            raise ArchiverLostError(
                f"another archiver took partition {claim.partition} ({state.archiver}): this one must end"
            )
        return state


if TYPE_CHECKING:
    _KEPT_CONTRACTS: tuple[type[BalanceStore], type[CommandLog], type[IdentityLog], type[JournalLog]] = (
        MemoryStore,
        MemoryStore,
        MemoryStore,
        MemoryStore,
    )
