"""One partition of the store in memory: the commit in plain Python, and a connection that can fail on purpose.

What a commit writes is copied when it is sent, as octets would be, and takes effect when the scheduler runs it; so
exchanges of two owners meet in whatever order the simulation chooses.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

import numpy as np

from balances.commands import CommandRow
from balances.store import (
    EMPTY_TAIL,
    Commit,
    CommitResult,
    Committed,
    EntryId,
    Exchanged,
    Load,
    Loaded,
    Unknown,
    Unwritten,
    judge_commit,
)
from balances.stored_record import to_stored

_NO_ENTRY: Final = EntryId(0, 0)
CLOSED_REASON: Final = "the connection to the store was closed here"


class Fault(Enum):
    """What can be made to happen to an exchange that commits."""

    REPLY_LOST = "the store did it, the connection broke before the reply"
    REQUEST_LOST = "the connection broke before the store got it"
    NOT_EXECUTED = "the store answered that it can't just now"


@dataclass(slots=True)
class Value:
    """A value with a life."""

    octets: bytes
    ends_s: float


@dataclass(slots=True)
class PartitionState:
    """All keys of a partition's slot."""

    owner: str = ""
    tail: str = EMPTY_TAIL
    journal: dict[EntryId, bytes] = field(default_factory=dict)
    accounts: dict[tuple[int, int], bytes] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)
    due: dict[int, set[int]] = field(default_factory=dict)
    commands: list[CommandRow] = field(default_factory=list)
    commands_position: str = EMPTY_TAIL
    archiver: str = ""
    archived: EntryId = _NO_ENTRY
    readers: dict[str, EntryId] = field(default_factory=dict)

    def copy(self) -> "PartitionState":
        """A state of its own; the octets are shared."""
        return PartitionState(
            owner=self.owner,
            tail=self.tail,
            journal=dict(self.journal),
            accounts=dict(self.accounts),
            values=dict(self.values),
            due={bucket: set(accounts) for bucket, accounts in self.due.items()},
            commands=list(self.commands),
            commands_position=self.commands_position,
            archiver=self.archiver,
            archived=self.archived,
            readers=dict(self.readers),
        )

    def live(self, name: str, now_s: float) -> bytes | None:
        """A value whose life is not over."""
        value = self.values.get(name)
        if value is None or value.ends_s <= now_s:
            self.values.pop(name, None)
            return None
        return value.octets


SessionKeys = dict[tuple[int, int], tuple[int, float]]
"""(account id, end of life) by digest"""


@dataclass(frozen=True, slots=True)
class Writes:
    """A commit as it was when it was sent."""

    token: str
    previous: str
    entry_id: EntryId
    entry: bytes
    records: tuple[tuple[tuple[int, int], bytes], ...]
    values: tuple[tuple[str, bytes, int], ...]
    """(name, octets, life), life 0: remove; no octets: those that it has"""
    due: tuple[tuple[int, tuple[int, ...]], ...]
    due_done: int
    position: str | None
    session_keys: tuple[tuple[int, int, int, int], ...]


def copy_writes(commit: Commit) -> Writes:
    """What the commit writes, detached from its arrays."""
    arena = commit.arena
    records = []
    for slot in range(commit.slot_count):
        if arena.changed[slot]:
            first, length = int(arena.first[slot]), int(arena.length[slot])
            key = (int(commit.tenants[slot]), int(commit.account_ids[slot]))
            records.append((key, arena.words[first : first + length].tobytes()))
    values = []
    if commit.routes is not None:
        for high, low, offset, length, life_s, is_answer in commit.routes.tolist():
            octets = b"" if commit.route_octets is None else commit.route_octets[offset : offset + length].tobytes()
            values.append((f"{'answered' if is_answer else 'route'}:{high:016x}{low:016x}", octets, life_s))
    values.extend((row.name, row.value, row.life_s) for row in commit.expiring)
    return Writes(
        token=commit.ownership.token,
        previous=str(commit.previous_id),
        entry_id=commit.entry_id,
        entry=commit.entry,
        records=tuple(records),
        values=tuple(values),
        due=tuple((bucket, tuple(accounts.tolist())) for bucket, accounts in commit.due),
        due_done=commit.due_done,
        position=commit.commands_position,
        session_keys=() if commit.session_keys is None else tuple(commit.session_keys.tolist()),
    )


def apply_commit(state: PartitionState, writes: Writes, now_s: float) -> CommitResult:
    """The transaction of balances/exchange_request.py, judged as its sender judges it."""
    verdict = judge_commit(
        state.owner,
        state.tail,
        token=writes.token,
        previous_id=writes.previous,
        entry_id=str(writes.entry_id),
    )
    if verdict is not None:
        return verdict
    assert not state.journal or max(state.journal) < writes.entry_id, "the claim's epoch is above the journal's"
    state.journal[writes.entry_id] = writes.entry
    state.tail = str(writes.entry_id)
    state.accounts.update(writes.records)
    for name, octets, life_s in writes.values:
        if octets:
            state.values[name] = Value(octets, now_s + life_s)
        elif life_s and name in state.values:  # a route that only lives on
            state.values[name] = Value(state.values[name].octets, now_s + life_s)
    for name, _, life_s in writes.values:
        if not life_s:
            state.values.pop(name, None)
    state.due.pop(writes.due_done, None)
    for bucket, accounts in writes.due:
        state.due.setdefault(bucket, set()).update(accounts)
    if writes.position is not None:
        state.commands_position = writes.position
        done = EntryId.parse(writes.position)
        state.commands = [row for row in state.commands if EntryId.parse(row.position) > done]
    return Committed()


class MemoryConnection:
    """PartitionConnection in memory. `faults` are used up one by each exchange with a commit."""

    def __init__(
        self,
        *,
        state: Callable[[], PartitionState],
        sessions: SessionKeys,
        faults: deque[Fault],
        post: Callable[[Callable[[], None]], object],
        now_s: Callable[[], float],
    ) -> None:
        self._state = state
        self._sessions = sessions
        self._faults = faults
        self._post = post
        self._now_s = now_s
        self._broken = ""
        self._is_busy = False

    def exchange(self, commit: Commit | None, load: Load | None, done: Callable[[Exchanged], None]) -> None:
        """See PartitionConnection."""
        if self._is_busy:
            raise RuntimeError("one exchange of a partition at a time: the one before is not done")
        self._is_busy = True
        writes = None if commit is None else copy_writes(commit)

        def run() -> None:
            exchanged = self._run(writes, load)
            self._is_busy = False
            done(exchanged)

        self._post(run)

    def close(self) -> None:
        """See PartitionConnection."""
        self._broken = self._broken or CLOSED_REASON

    @property
    def is_open(self) -> bool:
        """Can exchanges be sent?"""
        return not self._broken

    def _run(self, writes: Writes | None, load: Load | None) -> Exchanged:
        if self._broken:
            return Exchanged(None if writes is None else Unwritten(self._broken), None, self._broken)
        fault = self._faults.popleft() if writes is not None and self._faults else None
        result: CommitResult | None = None
        if fault is Fault.NOT_EXECUTED:
            return Exchanged(Unwritten(fault.value), None, fault.value)
        if writes is not None and fault is not Fault.REQUEST_LOST:
            result = apply_commit(self._state(), writes, self._now_s())
            self._write_sessions(writes)
        if fault is not None:
            self._broken = fault.value
            return Exchanged(Unknown(fault.value), None, fault.value)
        return Exchanged(result, None if load is None else self._load(load))

    def _write_sessions(self, writes: Writes) -> None:
        for high, low, account_id, life_s in writes.session_keys:
            if life_s:
                self._sessions[(high, low)] = (account_id, self._now_s() + life_s)
            else:
                self._sessions.pop((high, low), None)

    def _load(self, load: Load) -> Loaded:
        state, now_s = self._state(), self._now_s()
        slots = load.slot_count
        accounts = zip(load.tenants[:slots].tolist(), load.account_ids[:slots].tolist(), strict=True)
        records = [to_stored(state.accounts[key]) if key in state.accounts else b"" for key in accounts]
        names = [f"answered:{high:016x}{low:016x}" for high, low in load.answered.tolist()]
        answers = [state.live(name, now_s) or b"" for name in names]
        octets = np.array([len(value) for value in records + answers], np.int64)
        first = np.concatenate([np.zeros(1, np.int64), np.cumsum(octets)])
        return Loaded(
            source=np.frombuffer(bytearray(b"".join(records + answers)), np.uint8),
            first=first[:slots],
            octets=octets[:slots],
            answered_first=first[slots:-1],
            answered_octets=octets[slots:],
            values=[state.live(name, now_s) for name in load.names],
        )
