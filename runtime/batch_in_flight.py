"""Everything one batch of a partition needs from its first row to its answers, allocated once and used again."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from balances.arena import Arena, new_arena
from balances.journal_writer import EntryWriter
from balances.kept_records import Sought, new_sought
from balances.store import ROUTE_DTYPE, SESSION_KEY_DTYPE, Commit, Load
from charging.batch import (
    COUNT_REQUESTS,
    AnswerBatch,
    AnsweredBatch,
    UsageBatch,
    new_answer_batch,
    new_recorded_answers,
    new_usage_batch,
)
from charging.batch_rows import hold_answered
from charging.decision import JournalRows, new_journal_rows
from charging.grouping import Accounts, new_accounts
from runtime.batch_kernels import HELD_BATCH, KEY_COUNTS, BatchMemory
from vocabulary.held import Held
from vocabulary.limits import BATCH_REQUESTS_MAX

KEY_ROWS_MAX: Final = 3 * BATCH_REQUESTS_MAX
KEY_OCTETS_MAX: Final = 2048 * BATCH_REQUESTS_MAX


@dataclass(slots=True)
class BatchInFlight:
    """A batch with its records, answers and the keys that its commit writes."""

    usage: UsageBatch = field(default_factory=new_usage_batch)
    answers: AnswerBatch = field(default_factory=new_answer_batch)
    accounts: Accounts = field(default_factory=new_accounts)
    sought: Sought = field(default_factory=new_sought)
    arena: Arena = field(default_factory=new_arena)
    recorded: NDArray[np.int64] = field(default_factory=new_recorded_answers)
    journal: JournalRows = field(default_factory=new_journal_rows)
    routes: NDArray[np.void] = field(default_factory=lambda: np.zeros(KEY_ROWS_MAX, ROUTE_DTYPE))
    route_octets: NDArray[np.uint8] = field(default_factory=lambda: np.zeros(KEY_OCTETS_MAX, np.uint8))
    session_keys: NDArray[np.void] = field(default_factory=lambda: np.zeros(KEY_ROWS_MAX, SESSION_KEY_DTYPE))
    due_buckets: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BATCH_REQUESTS_MAX, np.int64))
    due_members: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BATCH_REQUESTS_MAX, np.int64))
    key_counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(KEY_COUNTS, np.int64))
    held: Held[BatchMemory] = field(init=False)
    """the arrays above, as the kernels of runtime/batch_kernels.py know them"""
    entry: EntryWriter = field(init=False)
    """of its journal"""
    answered: Held[AnsweredBatch] = field(init=False)
    """requests and answers, as front ends know them"""
    command_ids: list[str] = field(default_factory=list)
    """by `requests.command_id`"""
    commands_position: str | None = None
    load: Load | None = None
    commit: Commit | None = None
    voids: Sequence[str] = ()
    on_finished: list[Callable[[bool], None]] = field(default_factory=list)
    """called once when its answers are out: True where what was in it is in the store, False where it was refused"""
    may_be_written: bool = False
    """its commit was sent and no reply came: whether it is in the store is not known"""
    decided_ns: int = 0
    decide_ns: int = 0
    """how long deciding it took"""
    commit_ns: int = 0
    """from sending its commit to the confirmation; 0 where it wrote nothing"""

    def __post_init__(self) -> None:
        self.held = Held(BatchMemory(*(getattr(self, name) for name in BatchMemory._fields)), HELD_BATCH)
        journal = self.journal
        tables = {"requests": journal.requests, "usages": journal.usages, "movements": journal.movements}
        self.entry = EntryWriter(tables, journal.octets)
        self.answered = hold_answered(self.usage, self.answers)

    @property
    def request_count(self) -> int:
        """Requests in the batch."""
        return int(self.usage.counts[COUNT_REQUESTS])


def when_written(batch: BatchInFlight) -> "asyncio.Future[bool]":
    """Done when the batch is: True once what is in it now is in the store, False where it was refused."""
    finished: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def finish(is_written: bool) -> None:
        if not finished.done():
            finished.set_result(is_written)

    batch.on_finished.append(finish)
    return finished


class BatchPool:
    """Batches that wait to be used again; new ones are made while there are none."""

    def __init__(self, make: Callable[[], BatchInFlight] = BatchInFlight) -> None:
        self._free: list[BatchInFlight] = []
        self._make = make

    def take(self) -> BatchInFlight:
        """An empty batch."""
        return self._free.pop() if self._free else self._make()

    def give_back(self, batch: BatchInFlight) -> None:
        """Empty the batch and keep it."""
        batch.usage.counts[:] = 0
        batch.command_ids.clear()
        batch.commands_position = None
        batch.load = None
        batch.commit = None
        batch.on_finished.clear()
        batch.voids = ()
        batch.may_be_written = False
        batch.decide_ns = 0
        batch.commit_ns = 0
        self._free.append(batch)
