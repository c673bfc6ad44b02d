"""Records of accounts as this owner wrote them last, so that the next batch needn't ask the store for them.

Only the owner of a partition writes its accounts, and every commit is fenced: so what a confirmed commit wrote is what the
store has, until the fence says otherwise; then everything is forgotten (docs/decisions/0010).

Records lie one after another in a ring of words, with some room to grow in place; where the ring is full the oldest are
overwritten. A table of buckets of WAYS places finds them; a place whose record was overwritten is free.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from balances.arena import settle_record
from balances.record import HEADER_WORDS
from balances.stored_record import unpack_record
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.limits import BATCH_REQUESTS_MAX, RECORD_WORDS_MAX

WAYS: Final = 4
"""Places of a bucket: two lines of the processor's cache."""
FORGOTTEN: Final = -2
_GROWTH_WORDS: Final = 8
"""A record gets 8 to 15 words more than it needs: a session that opens doesn't move it."""
_WORDS_A_PLACE: Final = 48
_SPREAD: Final = -7046029254386353131
"""2**64 divided by the golden ratio, as int64: neighbouring account ids land far apart."""

PLACE_DTYPE: Final = np.dtype(
    [
        ("account_id", np.int64),
        ("begin", np.int64),  # of its record, counted in words that the ring ever gave out
        ("tenant", np.int32),
        ("length", np.int32),  # words; 0: free
        ("capacity", np.int32),  # words
    ],
    align=True,
)


class KeptRecords(NamedTuple):
    """The ring and its table."""

    words: NDArray[np.int64]
    places: NDArray[np.void]  # PLACE_DTYPE (a power of two,)
    given: NDArray[np.int64]  # (1,) words that the ring ever gave out


class Sought(NamedTuple):
    """What the store is asked for, because it isn't kept; of one batch, by order of asking."""

    row_of: NDArray[np.int64]  # (slots,) row of the slot's record in the reply, -1 where it is kept
    tenants: NDArray[np.int32]
    account_ids: NDArray[np.int64]


def new_kept_records(octets: int) -> KeptRecords:
    """Room for so many octets of records, 0: none. Memory is touched as it fills."""
    words = octets // 8
    places = max(1 << (words // _WORDS_A_PLACE).bit_length(), WAYS)
    return KeptRecords(np.zeros(words, np.int64), np.zeros(places, PLACE_DTYPE), np.zeros(1, np.int64))


def new_sought(slots: int = BATCH_REQUESTS_MAX) -> Sought:
    """Room for a batch of which nothing is kept."""
    return Sought(np.zeros(slots, np.int64), np.zeros(slots, np.int32), np.zeros(slots, np.int64))


@inlined_kernel
def _bucket_of(kept, tenant, account_id):
    """First place of the account's bucket."""
    mixed = (account_id ^ (np.int64(tenant) << 40)) * _SPREAD
    return ((mixed >> 20) & (kept.places.shape[0] // WAYS - 1)) * WAYS


@inlined_kernel
def _find_place(kept, tenant, account_id):
    """The place of an account whose record is kept, or -1."""
    bucket = _bucket_of(kept, tenant, account_id)
    oldest = kept.given[0] - kept.words.shape[0]
    for index in range(bucket, bucket + WAYS):
        place = kept.places[index]
        if place.account_id == account_id and place.tenant == tenant and place.length > 0 and place.begin >= oldest:
            return index
    return np.int64(-1)


@kernel
def seek_records(kept, tenants, account_ids, slot_count, is_whole, sought):
    """Work out what the store has to be asked for, into `sought`; how many records that are.

    is_whole   bool: everything, as if nothing were kept
    """
    count = 0
    for slot in range(slot_count):
        sought.row_of[slot] = -1
        if is_whole or _find_place(kept, tenants[slot], account_ids[slot]) < 0:
            sought.row_of[slot] = count
            sought.tenants[count] = tenants[slot]
            sought.account_ids[count] = account_ids[slot]
            count += 1
    return count


@kernel
def place_sought(
    arena, kept, sought, tenants, account_ids, source, source_first, source_octets, room_words, slot_count
):
    """Lay kept and loaded records into the arena, each followed by its room (balances.arena.settle_record).

    source          uint8[] the reply of the store; records as balances/stored_record.py has them
    source_first    int64[] first octet of each record in it, by rows of `sought`
    source_octets   int64[] its length; 0: the store has no such account, the slot gets room alone
    room_words      int64[slot] words that the batch may append
    Returns -1, the first slot whose loaded record is none, or FORGOTTEN where one that was kept is no more.
    """
    at = 0
    for slot in range(slot_count):
        most = min(RECORD_WORDS_MAX, arena.words.shape[0] - at)
        length = np.int64(0)
        row = sought.row_of[slot]
        if row < 0:
            index = _find_place(kept, tenants[slot], account_ids[slot])
            if index < 0:
                return FORGOTTEN
            length = np.int64(kept.places[index].length)
            begin = kept.places[index].begin % kept.words.shape[0]
            for word in range(length):
                arena.words[at + word] = kept.words[begin + word]
        elif source_octets[row] > 0:
            length = unpack_record(source, source_first[row], source_octets[row], arena.words, at, most)
            if length < HEADER_WORDS:
                return slot
        at = settle_record(arena, slot, at, length, room_words[slot])
        if at < 0:
            return slot
    return -1


@kernel
def keep_records(kept, arena, tenants, account_ids, slot_count):
    """Keep the records of a batch whose commit is confirmed: those that it wrote, and those that were not kept."""
    for slot in range(slot_count):
        length = arena.length[slot]
        if length > 0:
            index = _find_place(kept, tenants[slot], account_ids[slot])
            if index < 0 or arena.changed[slot] != 0:
                _keep(kept, index, tenants[slot], account_ids[slot], arena.words, arena.first[slot], length)


@inlined_kernel
def _keep(kept, index, tenant, account_id, words, first, length):
    """Keep one record: where it lay while it fits, else at the head of the ring."""
    size = kept.words.shape[0]
    if index < 0 or length > kept.places[index].capacity:
        capacity = (length + 2 * _GROWTH_WORDS - 1) & -_GROWTH_WORDS
        if index < 0:
            index = _take_place(kept, tenant, account_id)
        place = kept.places[index]
        place.length = 0
        if capacity > size:
            return
        begin = kept.given[0]
        if begin % size + capacity > size:  # a record lies in one piece
            begin += size - begin % size
        kept.given[0] = begin + capacity
        place.account_id = account_id
        place.tenant = tenant
        place.begin = begin
        place.capacity = capacity
    place = kept.places[index]
    place.length = length
    begin = place.begin % size
    for word in range(length):
        kept.words[begin + word] = words[first + word]


@kernel
def _take_place(kept, tenant, account_id):
    """A place for an account that has none: a free one of its bucket, else that of the oldest record."""
    bucket = _bucket_of(kept, tenant, account_id)
    oldest = kept.given[0] - kept.words.shape[0]
    taken = bucket
    for index in range(bucket, bucket + WAYS):
        place = kept.places[index]
        if place.length == 0 or place.begin < oldest:
            return index
        if place.begin < kept.places[taken].begin:
            taken = index
    return taken


def forget_records(kept: KeptRecords) -> None:
    """Keep nothing any more: the store may have other records than were written here."""
    kept.places["length"] = 0
