"""What the engine asks of the store of balances, and the four things a commit can come to.

One writer a partition, fenced: an `Ownership` names the partition, its token and the tail it saw. All loads and commits
of a partition go over one ordered connection, `[commit n][load n + 1]` in one write, so that a load sees the commit
before it. `balances/edge/redis_store.py` is the contract on Redis and Valkey, `balances/edge/memory_store.py` in memory;
tests/balances/edge/test_store_*.py run against both.

A commit is one transaction of the store, judged by `judge_commit` on owner and tail as they are: tail = this id ->
Committed; owner's token is not mine -> LostOwnership (Diverged when the stored epoch is below mine: the store is older than
I know); tail is not the id before -> Diverged; else the journal entry, the changed records, the expiring keys, the due
hints, the command answers and the tail are written together, unless owner or tail change in between.
Sending the same commit again is always safe.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from balances.arena import Arena

EMPTY_TAIL: Final = "0-0"


class EntryId(NamedTuple):
    """Id of a journal entry, chosen by the owner: `<epoch>-<number>`."""

    epoch: int
    number: int

    def __str__(self) -> str:
        return f"{self.epoch}-{self.number}"

    @staticmethod
    def parse(text: str) -> "EntryId":
        """The id of `<epoch>-<number>`; ValueError where it is none."""
        epoch, _, number = text.partition("-")
        return EntryId(int(epoch), int(number))


@dataclass(frozen=True, slots=True)
class Ownership:
    """The right to write one partition, as claimed."""

    partition: int
    token: str
    """`<epoch>:<node>:<16 hex digits>`"""
    epoch: int
    tail: EntryId
    commands_position: str
    """Stream id of the last account command that was decided; `0-0` where none."""


class Expiring(NamedTuple):
    """A key of the partition's slot with a life: written with a commit. A life of 0 s removes the key."""

    name: str
    """What follows `{<tag>}:`, such as `route:<32 hex digits>`."""
    value: bytes
    life_s: int


@dataclass(slots=True)
class Commit:
    """Everything that one decided batch writes, in one atomic step."""

    ownership: Ownership
    entry_id: EntryId
    previous_id: EntryId
    entry: bytes
    """The journal entry (balances/journal.py)."""
    arena: Arena
    tenants: NDArray[np.int32]
    """(slots,) tenant of each slot's account"""
    account_ids: NDArray[np.int64]
    """(slots,) records whose `arena.changed` is 1 are written"""
    slot_count: int
    routes: NDArray[np.void] | None = None
    """ROUTE_DTYPE rows: session routes and event answers whose values lie in `route_octets`; written without Python a row"""
    route_octets: NDArray[np.uint8] | None = None
    expiring: Sequence[Expiring] = ()
    due: Sequence[tuple[int, NDArray[np.int64]]] = ()
    """(5-minute bucket, accounts `tenant << 48 | account id`) that have something to expire then"""
    due_done: int = -1
    """a due bucket that this batch finished and that is removed; -1 none"""
    commands_position: str | None = None
    session_keys: NDArray[np.void] | None = None
    """SESSION_KEY_DTYPE rows: session index keys, in slots of their own, sent behind the function in the same write"""


ROUTE_DTYPE: Final = np.dtype(
    [
        ("high", np.uint64),
        ("low", np.uint64),
        ("offset", np.int64),  # of the value in route_octets; length 0: the key keeps its value and lives on
        ("length", np.int64),
        ("life_s", np.int64),  # 0: remove the key
        ("is_answer", np.int64),  # 1: key kind `answered`, 0: `route`
    ],
    align=True,
)

SESSION_KEY_DTYPE: Final = np.dtype(
    [
        ("high", np.uint64),
        ("low", np.uint64),
        ("account_id", np.int64),
        ("life_s", np.int64),  # 0: remove the key
    ],
    align=True,
)


@dataclass(slots=True)
class Load:
    """Records, and recorded answers of events, that the next batch needs."""

    tenants: NDArray[np.int32]
    account_ids: NDArray[np.int64]
    slot_count: int
    answered: NDArray[np.uint64]
    """(n, 2) digests whose `{<tag>}:answered:` values are wanted"""
    names: Sequence[str] = ()
    """further keys of the partition (`command:<id>`), few: they cost Python each"""

    @property
    def is_empty(self) -> bool:
        """Is there nothing to ask the store for?"""
        return not (self.slot_count or len(self.answered) or self.names)


@dataclass(slots=True)
class Loaded:
    """What a load brought: spans of octets in `source`, valid until the next exchange of the partition."""

    source: NDArray[np.uint8]
    first: NDArray[np.int64]
    """(slots,) first octet of each record"""
    octets: NDArray[np.int64]
    """(slots,) length of each record, 0 where there is none"""
    answered_first: NDArray[np.int64]
    answered_octets: NDArray[np.int64]
    values: Sequence[bytes | None] = ()
    """of Load.names"""


_NO_SPANS: Final = np.zeros(0, np.int64)
NOTHING_LOADED: Final = Loaded(np.zeros(0, np.uint8), _NO_SPANS, _NO_SPANS, _NO_SPANS, _NO_SPANS)
"""What an empty load would bring."""


@dataclass(frozen=True, slots=True)
class Committed:
    """The entry and everything with it is in the store, as durable as the store was configured."""


@dataclass(frozen=True, slots=True)
class LostOwnership:
    """Another owner holds the partition; nothing was written."""

    stored_token: str


@dataclass(frozen=True, slots=True)
class Diverged:
    """The store is older than the owner knows; nothing was written. The owner claims a higher epoch and decides again."""

    stored_tail: str


@dataclass(frozen=True, slots=True)
class Unwritten:
    """Certainly not in the store by this exchange: nothing of it was sent, or the store dropped it before it executed."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """No answer came, or one that doesn't tell: send the same commit again, unchanged, until another comes."""

    reason: str


CommitResult = Committed | LostOwnership | Diverged | Unwritten | Unknown


def judge_commit(
    owner: str, tail: str, *, token: str, previous_id: str, entry_id: str
) -> Committed | LostOwnership | Diverged | None:
    """What the stored owner and tail ('' and '0-0' where there is none) make of a commit; None: it may be written.

    token, previous_id, entry_id   of the commit
    """
    if tail == entry_id:
        return Committed()
    if owner != token:
        return Diverged(stored_tail=tail) if epoch_of(owner) < epoch_of(token) else LostOwnership(stored_token=owner)
    return Diverged(stored_tail=tail) if tail != previous_id else None


def epoch_of(token: str) -> int:
    """Epoch of an owner's or archiver's token, 0 where there is none."""
    return int(token.partition(":")[0] or 0)


@dataclass(slots=True)
class Exchanged:
    """One round trip of a partition: what became of the commit, what the load brought (None where none was asked)."""

    commit: CommitResult | None
    loaded: Loaded | None
    failed: str = field(default="")
    """Why the load could not be done (store away, loading, not configured safely); '' where it was."""


class PartitionConnection(Protocol):
    """The one ordered connection on which the owner of a partition loads and commits. One exchange at a time."""

    def exchange(
        self,
        commit: Commit | None,
        load: Load | None,
        done: Callable[[Exchanged], None],
    ) -> None:
        """Send both in one write; call `done` once when all replies are there, or the connection is lost."""

    def close(self) -> None:
        """End the connection; an exchange under way ends with Unknown."""


class BalanceStore(Protocol):
    """The store as a whole: creation, ownership, identities, commands, journal. Awaited, never on the hot path."""

    async def create(self, partition_count: int) -> None:
        """Lay down meta (partitions, secret, creation) where the store is empty; refused where it holds another count."""

    async def open(self) -> "StoreMeta":
        """Check that the store is configured safely, and read its meta. StoreUnsafe names the setting and the remedy."""

    async def claim(self, partition: int, node: str, *, wall_ms: int, last_epoch: int) -> Ownership:
        """Become the owner: epoch = max(stored + 1, last_epoch + 1, last archived + 1, wall_ms)."""

    async def connect(self, ownership: Ownership) -> PartitionConnection:
        """The owner's ordered connection."""

    async def find_accounts(self, identities: Sequence[str]) -> list[tuple[int, int] | None]:
        """(account id, identity epoch) of identity keys (balances.keys.identity_key), pipelined; None where unknown."""

    async def find_sessions(self, digests: NDArray[np.uint64]) -> list[int | None]:
        """Account ids of session digests (n, 2); None where unknown."""

    async def partition_values(self, partition: int, names: Sequence[str]) -> list[bytes | None]:
        """Values of a partition's keys by what follows `{<tag>}:`, such as `route:<32 hex digits>`."""

    async def read_accounts(self, partition: int, accounts: Sequence[tuple[int, int]]) -> list[bytes | None]:
        """Records of (tenant, account id); None where the store has none."""

    def scan_accounts(self, partition: int) -> AsyncIterator[list[tuple[int, int, bytes]]]:
        """Every (tenant, account id, record) of a partition, some at a time; an account may come twice."""

    async def due_buckets(self, partition: int, now_s: int) -> list[int]:
        """Due buckets whose time has come at `now_s`, seconds since the Unix epoch, oldest first."""

    async def due_accounts(self, partition: int, bucket: int) -> list[int]:
        """`tenant << 48 | account id` of a due bucket."""

    async def forget_due(self, partition: int, bucket: int) -> None:
        """Remove a due bucket that was worked off."""

    async def journal_length(self, partition: int) -> int:
        """Entries of the partition's journal that are in the store."""

    async def tenants(self) -> dict[str, int]:
        """Number of each tenant by name."""

    async def add_tenant(self, name: str) -> int:
        """The tenant's number, 1 and up; a new one where the name is new."""

    async def close(self) -> None:
        """End the client's connections; owners' connections are closed by themselves."""


@dataclass(frozen=True, slots=True)
class StoreMeta:
    """What was fixed when the store was created."""

    partition_count: int
    secret: NDArray[np.uint64]
    """(2,) key of digest128"""
    tags: tuple[str, ...]
    """hash tag by partition"""
    fsync: str
    """`always`, `everysec` or `no`, as the server says"""
    created_ns: int
    """When the store was created; Origin-State-Id rests on it, because sessions outlive every engine, not their store"""


class StoreError(Exception):
    """The store cannot serve; the message names the setting or address and the remedy."""


class StoreUnsafe(StoreError):
    """The server's configuration could lose or evict what was answered."""


class StoreNotCreated(StoreError):
    """The server is fit, but holds no Farebox yet."""


class StoreUnreachable(StoreError):
    """No server answers at the address."""
