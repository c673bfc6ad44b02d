"""Requests of a batch to accounts: one slot an account, and how far its record may grow.

A small open-addressing table finds the slot of an account id; it is stamped with a generation instead of being cleared.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from balances.arena import ROOM_WORDS_FIXED, ROOM_WORDS_PER_CREDIT, ROOM_WORDS_PER_MSCC
from charging.batch import COUNT_REQUESTS, EVENT, KIND_USAGE, NEVER_COUNTS
from vocabulary.kernel import kernel
from vocabulary.limits import BATCH_REQUESTS_MAX
from vocabulary.outcomes import Outcome

_UNDECIDED = int(Outcome.UNDECIDED)
_TABLE_SIZE: Final = 4 * BATCH_REQUESTS_MAX
_TABLE_MASK: Final = _TABLE_SIZE - 1
_SPREAD: Final = -7046029254386353131
"""2**64 divided by the golden ratio, as int64: neighbouring account ids land far apart."""

assert _TABLE_SIZE & _TABLE_MASK == 0, "the table's size is a power of two"


class Accounts(NamedTuple):
    """The accounts of one batch, by slot, and the recorded answers that its events need."""

    account_ids: NDArray[np.int64]  # (slots,)
    tenants: NDArray[np.int32]  # (slots,)
    room_words: NDArray[np.int64]  # (slots,) what the batch may append to the record
    answered: NDArray[np.uint64]  # (rows, 2) digests of recorded answers, a row each different event
    counts: NDArray[np.int64]  # (2,) slots, answered


class GroupTable(NamedTuple):
    """Scratch of `group_requests`; shared by the batches of a partition, one at a time."""

    place: NDArray[np.int64]  # slot of the account that hashed here
    stamp: NDArray[np.int64]  # generation in which `place` was written
    event_place: NDArray[np.int64]  # the same for the digests of events
    event_stamp: NDArray[np.int64]
    generation: NDArray[np.int64]  # (1,)


def new_accounts() -> Accounts:
    """Room for a batch in which every request is of another account."""
    return Accounts(
        np.zeros(BATCH_REQUESTS_MAX, np.int64),
        np.zeros(BATCH_REQUESTS_MAX, np.int32),
        np.zeros(BATCH_REQUESTS_MAX, np.int64),
        np.zeros((BATCH_REQUESTS_MAX, 2), np.uint64),
        np.zeros(2, np.int64),
    )


def new_group_table() -> GroupTable:
    """An empty table."""
    place, stamp, event_place, event_stamp = (np.zeros(_TABLE_SIZE, np.int64) for _ in range(4))
    return GroupTable(place, stamp, event_place, event_stamp, np.zeros(1, np.int64))


@kernel
def _find_or_add(table, accounts, account_id, tenant):
    """Slot of the account; a new one where the batch hasn't met it yet."""
    generation = table.generation[0]
    place = (account_id * _SPREAD >> 40) & _TABLE_MASK
    while table.stamp[place] == generation:
        slot = table.place[place]
        if accounts.account_ids[slot] == account_id and accounts.tenants[slot] == tenant:
            return slot
        place = (place + 1) & _TABLE_MASK
    slot = accounts.counts[0]
    accounts.counts[0] = slot + 1
    table.stamp[place] = generation
    table.place[place] = slot
    accounts.account_ids[slot] = account_id
    accounts.tenants[slot] = tenant
    accounts.room_words[slot] = ROOM_WORDS_FIXED
    return slot


@kernel
def event_digest(request):
    """(high, low) of an event's recorded answer: its session and number; the body instead for peers that never count."""
    if request.presence & NEVER_COUNTS:
        return request.session_high, request.session_low + np.uint64(request.body_hash) + np.uint64(1 << 40)
    return request.session_high, request.session_low + np.uint64(request.request_number) + np.uint64(1)


@kernel
def _find_or_add_answered(table, accounts, high, low):
    """Row of an event's recorded answer; a new one where the batch hasn't met the event yet."""
    generation = table.generation[0]
    place = np.int64((high ^ low) >> np.uint64(20)) & _TABLE_MASK
    while table.event_stamp[place] == generation:
        row = table.event_place[place]
        if accounts.answered[row, 0] == high and accounts.answered[row, 1] == low:
            return row
        place = (place + 1) & _TABLE_MASK
    row = accounts.counts[1]
    accounts.counts[1] = row + 1
    table.event_stamp[place] = generation
    table.event_place[place] = row
    accounts.answered[row, 0] = high
    accounts.answered[row, 1] = low
    return row


@kernel
def group_requests(batch, table, accounts):
    """Give each undecided request its slot and its row of recorded answers; count slots and room.

    batch      UsageBatch: `account_id` is read, `slot` and `answered` are written
    table      GroupTable: scratch
    accounts   Accounts: overwritten
    """
    table.generation[0] += 1
    accounts.counts[0] = 0
    accounts.counts[1] = 0
    for row in range(batch.counts[COUNT_REQUESTS]):
        request = batch.requests[row]
        request.slot = -1
        request.answered = -1
        if request.outcome != _UNDECIDED or request.account_id < 0:
            continue
        slot = _find_or_add(table, accounts, request.account_id, request.tenant)
        request.slot = slot
        accounts.room_words[slot] += (
            ROOM_WORDS_FIXED
            + ROOM_WORDS_PER_MSCC * np.int64(request.mscc_count)
            + ROOM_WORDS_PER_CREDIT * np.int64(request.credit_count)
        )
        if request.kind == KIND_USAGE and request.request_type == EVENT:
            high, low = event_digest(request)
            request.answered = _find_or_add_answered(table, accounts, high, low)
