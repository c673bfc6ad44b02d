"""Digest of an identity or a session -> account, remembered in this process; the store's identity keys are the truth.

An open-addressing table of CAPACITY places; when it is three quarters full it starts again empty, which costs
the store one pipelined read an identity and nothing else.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vocabulary.kernel import kernel

CAPACITY: Final = 1 << 21


class AccountFinder(NamedTuple):
    """The table; an entry whose digest is 0, 0 is free."""

    high: NDArray[np.uint64]
    low: NDArray[np.uint64]
    account_id: NDArray[np.int64]
    identity_epoch: NDArray[np.int32]
    entries: NDArray[np.int64]  # (1,) how many places are taken


def new_account_finder(capacity: int = CAPACITY) -> AccountFinder:
    """An empty table of so many places, a power of two; its memory is touched as it fills."""
    assert capacity.bit_count() == 1, "a mask finds the first place of a digest"
    return AccountFinder(
        np.zeros(capacity, np.uint64),
        np.zeros(capacity, np.uint64),
        np.zeros(capacity, np.int64),
        np.zeros(capacity, np.int32),
        np.zeros(1, np.int64),
    )


@kernel
def find_account(finder, high, low):
    """Entry of the digest, -1 where it isn't known."""
    mask = finder.high.shape[0] - 1
    place = np.int64(low) & mask
    while finder.high[place] != 0 or finder.low[place] != 0:
        if finder.high[place] == high and finder.low[place] == low:
            return place
        place = (place + 1) & mask
    return -1


@kernel
def remember_account(finder, high, low, account_id, identity_epoch):
    """Enter or replace an account; the table starts again empty where it is full."""
    place = find_account(finder, high, low)
    if place < 0:
        capacity = finder.high.shape[0]
        if finder.entries[0] >= capacity * 3 // 4:
            for index in range(capacity):
                finder.high[index] = 0
                finder.low[index] = 0
            finder.entries[0] = 0
        place = np.int64(low) & (capacity - 1)
        while finder.high[place] != 0 or finder.low[place] != 0:
            place = (place + 1) & (capacity - 1)
        finder.entries[0] += 1
    finder.high[place] = high
    finder.low[place] = low
    finder.account_id[place] = account_id
    finder.identity_epoch[place] = identity_epoch
