"""Digest of an identity or a session -> account, remembered in this process; the store's identity keys are the truth.

An open-addressing table of CAPACITY places; when it is three quarters full it starts again empty, which costs
the store one pipelined read an identity and nothing else.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vocabulary.kernel import kernel

CAPACITY: Final = 1 << 21


PLACE_DTYPE: Final = np.dtype(
    [("high", np.uint64), ("low", np.uint64), ("account_id", np.int64), ("identity_epoch", np.int64)]
)
"""32 octets: a look-up touches one line of the processor's cache, where four arrays cost it four."""


class AccountFinder(NamedTuple):
    """The table; a place whose digest is 0, 0 is free."""

    places: NDArray[np.void]  # PLACE_DTYPE (capacity,)
    entries: NDArray[np.int64]  # (1,) how many places are taken


def new_account_finder(capacity: int = CAPACITY) -> AccountFinder:
    """An empty table of so many places, a power of two; its memory is touched as it fills."""
    assert capacity.bit_count() == 1, "a mask finds the first place of a digest"
    return AccountFinder(np.zeros(capacity, PLACE_DTYPE), np.zeros(1, np.int64))


@kernel
def _place_of(finder, high, low):
    """The place of the digest, or the free one that it would take."""
    mask = finder.places.shape[0] - 1
    place = np.int64(low) & mask
    while True:
        entry = finder.places[place]
        if (entry.high == high and entry.low == low) or (entry.high == 0 and entry.low == 0):
            return place
        place = (place + 1) & mask


@kernel
def find_account(finder, high, low):
    """Place of the digest, -1 where it has none; its account is -1 where that was forgotten."""
    place = _place_of(finder, high, low)
    entry = finder.places[place]
    return place if entry.high != 0 or entry.low != 0 else -1


@kernel
def forget_account(finder, high, low):
    """Have the digest looked up again: its place stays, with nobody in it, since later digests may lie behind it."""
    place = find_account(finder, high, low)
    if place >= 0:
        finder.places[place].account_id = -1


@kernel
def remember_account(finder, high, low, account_id, identity_epoch):
    """Enter or replace an account; the table starts again empty where it is full."""
    place = _place_of(finder, high, low)
    if finder.places[place].high == 0 and finder.places[place].low == 0:
        capacity = finder.places.shape[0]
        if finder.entries[0] >= capacity * 3 // 4:
            for index in range(capacity):
                finder.places[index].high = 0
                finder.places[index].low = 0
            finder.entries[0] = 0
            place = _place_of(finder, high, low)
        finder.entries[0] += 1
    entry = finder.places[place]
    entry.high = high
    entry.low = low
    entry.account_id = account_id
    entry.identity_epoch = identity_epoch
