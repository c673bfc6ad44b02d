"""What `decide` works with besides the arena: the journal rows that it writes and its scratch memory."""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from balances.journal import JOURNAL_REQUEST_DTYPE, MOVEMENT_DTYPE
from balances.reservations import Ledger, new_ledger
from charging.usage_record import USAGE_DTYPE
from vocabulary.instants import NS_PER_S
from vocabulary.limits import (
    BATCH_MOVEMENTS_MAX,
    BATCH_MSCCS_MAX,
    BATCH_OCTETS_MAX,
    BATCH_REQUESTS_MAX,
    BUCKETS_PER_ACCOUNT_MAX,
    RECORD_WORDS_MAX,
    SESSIONS_PER_ACCOUNT_MAX,
    SUPERVISION_WITHOUT_QUOTA_S,
)

ROWS_REQUESTS: Final = 0
ROWS_USAGES: Final = 1
ROWS_MOVEMENTS: Final = 2
ROWS_OCTETS: Final = 3


class JournalRows(NamedTuple):
    """Rows for the journal entry of a batch; counts[ROWS_*] says how many of each are valid."""

    requests: NDArray[np.void]  # JOURNAL_REQUEST_DTYPE
    usages: NDArray[np.void]  # USAGE_DTYPE
    movements: NDArray[np.void]  # MOVEMENT_DTYPE
    octets: NDArray[np.uint8]
    counts: NDArray[np.int64]  # (4,)


class Scratch(NamedTuple):
    """Memory that one row's decision uses and leaves clean, and what settings say of all of them."""

    ledger: Ledger
    order: NDArray[np.int64]  # (BUCKETS_PER_ACCOUNT_MAX,) buckets in the order of selection
    money: NDArray[np.int64]  # the same for money buckets
    record: NDArray[np.int64]  # (RECORD_WORDS_MAX,) an account's record before a command that may fail half-way
    supervision_ns: NDArray[np.int64]  # (1,) life of a session that holds no quota


def new_journal_rows() -> JournalRows:
    """Rows for the largest batch: each request, and as many sessions again that supervision ends."""
    return JournalRows(
        requests=np.zeros(2 * BATCH_REQUESTS_MAX + SESSIONS_PER_ACCOUNT_MAX, JOURNAL_REQUEST_DTYPE),
        usages=np.zeros(BATCH_MSCCS_MAX, USAGE_DTYPE),
        movements=np.zeros(BATCH_MOVEMENTS_MAX, MOVEMENT_DTYPE),
        octets=np.zeros(BATCH_OCTETS_MAX + 64 * BATCH_REQUESTS_MAX, np.uint8),
        counts=np.zeros(4, np.int64),
    )


def new_scratch(supervision_s: int = SUPERVISION_WITHOUT_QUOTA_S) -> Scratch:
    """Clean scratch memory; a session that holds no quota lives so long without a request."""
    return Scratch(
        ledger=new_ledger(),
        order=np.zeros(BUCKETS_PER_ACCOUNT_MAX, np.int64),
        money=np.zeros(BUCKETS_PER_ACCOUNT_MAX, np.int64),
        record=np.zeros(RECORD_WORDS_MAX, np.int64),
        supervision_ns=np.full(1, supervision_s * NS_PER_S, np.int64),
    )
