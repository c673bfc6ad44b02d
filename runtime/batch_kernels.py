"""What is done with a batch in flight, a kernel a step: the batch, its decider and the tables come as held octets.

Each step is what it calls, in order. A batch of a few rows costs little more than its rows so (vocabulary/held.py).
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from balances.arena import Arena, new_arena
from balances.kept_records import (
    KeptRecords,
    Sought,
    keep_records,
    new_kept_records,
    new_sought,
    place_sought,
    seek_records,
)
from balances.keys import DUE_BUCKET_S
from balances.store import ROUTE_DTYPE, SESSION_KEY_DTYPE
from charging.answer_tally import collect_due
from charging.batch import AnswerBatch, UsageBatch, new_answer_batch, new_recorded_answers, new_usage_batch
from charging.decision import JournalRows, Scratch, new_journal_rows, new_scratch
from charging.engine import decide
from charging.grouping import Accounts, GroupTable, group_requests, new_accounts, new_group_table
from charging.session_routes import read_recorded, write_keys
from charging.tariff_tables import empty_tables
from vocabulary.held import held, kind_of
from vocabulary.instants import NS_PER_S
from vocabulary.kernel import kernel

_DUE_BUCKET_NS: Final = DUE_BUCKET_S * NS_PER_S

COUNT_ROUTES: Final = 0
COUNT_ROUTE_OCTETS: Final = 1
COUNT_SESSION_KEYS: Final = 2
COUNT_DUE: Final = 3
KEY_COUNTS: Final = 4


class BatchMemory(NamedTuple):
    """The arrays of a batch in flight."""

    usage: UsageBatch
    answers: AnswerBatch
    accounts: Accounts
    sought: Sought
    arena: Arena
    recorded: NDArray[np.int64]  # rows of charging.batch.new_recorded_answers
    journal: JournalRows
    routes: NDArray[np.void]  # ROUTE_DTYPE
    route_octets: NDArray[np.uint8]
    session_keys: NDArray[np.void]  # SESSION_KEY_DTYPE
    due_buckets: NDArray[np.int64]  # (requests,)
    due_members: NDArray[np.int64]  # (requests,)
    key_counts: NDArray[np.int64]  # (KEY_COUNTS,) valid rows of what a decided batch writes beside its records


class DeciderMemory(NamedTuple):
    """What the batches of a partition share, one at a time."""

    kept: KeptRecords
    table: GroupTable
    scratch: Scratch


def _example() -> BatchMemory:
    none = np.zeros(0, np.int64)
    return BatchMemory(
        new_usage_batch(1, 1, 1),
        new_answer_batch(1, 1),
        new_accounts(),
        new_sought(0),
        new_arena(0, 0),
        new_recorded_answers(1),
        new_journal_rows(),
        np.zeros(0, ROUTE_DTYPE),
        np.zeros(0, np.uint8),
        np.zeros(0, SESSION_KEY_DTYPE),
        none,
        none,
        none,
    )


HELD_BATCH: Final = kind_of(_example())
HELD_DECIDER: Final = kind_of(DeciderMemory(new_kept_records(0), new_group_table(), new_scratch()))
HELD_TARIFFS: Final = kind_of(empty_tables())


@kernel
def prepare_batch(batch_octets, decider_octets, is_whole):
    """Group the rows by account, and seek what the store has to be asked for; how many records that are."""
    batch, decider = held(batch_octets, HELD_BATCH), held(decider_octets, HELD_DECIDER)
    accounts = batch.accounts
    group_requests(batch.usage, decider.table, accounts)
    return seek_records(
        decider.kept, accounts.tenants, accounts.account_ids, accounts.counts[0], is_whole, batch.sought
    )


@kernel
def place_batch(batch_octets, decider_octets, source, first, octets, answered_first, answered_octets):
    """Lay kept and loaded records and answers into the batch; see place_sought for what comes back."""
    batch, decider = held(batch_octets, HELD_BATCH), held(decider_octets, HELD_DECIDER)
    accounts = batch.accounts
    read_recorded(source, answered_first, answered_octets, accounts.counts[1], batch.recorded)
    return place_sought(
        batch.arena,
        decider.kept,
        batch.sought,
        accounts.tenants,
        accounts.account_ids,
        source,
        first,
        octets,
        accounts.room_words,
        accounts.counts[0],
    )


@kernel
def decide_batch(batch_octets, decider_octets, tariffs_octets, now_ns):
    """Decide every row, and fill what the commit writes besides records. AssertionError: a record contradicts itself."""
    batch, decider = held(batch_octets, HELD_BATCH), held(decider_octets, HELD_DECIDER)
    usage, answers, counts = batch.usage, batch.answers, batch.key_counts
    decide(
        batch.arena,
        batch.accounts.counts[0],
        held(tariffs_octets, HELD_TARIFFS),
        usage,
        batch.recorded,
        now_ns,
        answers,
        batch.journal,
        decider.scratch,
    )
    write_keys(
        usage,
        answers,
        batch.journal,
        batch.recorded,
        now_ns,
        batch.routes,
        batch.route_octets,
        batch.session_keys,
        counts,
    )
    counts[COUNT_DUE] = collect_due(usage, answers, _DUE_BUCKET_NS, batch.due_buckets, batch.due_members)


@kernel
def keep_batch(batch_octets, decider_octets):
    """The commit is confirmed: keep its records."""
    batch, decider = held(batch_octets, HELD_BATCH), held(decider_octets, HELD_DECIDER)
    accounts = batch.accounts
    keep_records(decider.kept, batch.arena, accounts.tenants, accounts.account_ids, accounts.counts[0])
