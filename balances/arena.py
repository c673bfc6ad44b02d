"""The records of a batch side by side in one array of words, each with room to grow; rows are appended and removed here.

Slot s holds one account's record at words first[s] .. first[s] + length[s]; up to capacity[s] words are its own.
`section_at[s, kind]` is the first word of each section; it moves with every append and removal, and the directory in the
record is kept in step, so that a slot's words are at any time a valid record (balances/record.py).
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from balances.record import (
    HEADER_ACCOUNT,
    HEADER_DIRECTORY,
    HEADER_LAYOUT,
    HEADER_TENANT,
    HEADER_WORDS,
    LAYOUT_VERSION,
    SECTION_COUNT,
    STRIDES,
)
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.limits import BATCH_REQUESTS_MAX, RECORD_WORDS_MAX, SECTION_ROWS_MAX

_STRIDES: Final = np.array(STRIDES, np.int64)

ROOM_WORDS_FIXED: Final = 32
"""Room a record gets beyond what its rows may append: a session, an ended mark, a product."""
ROOM_WORDS_PER_MSCC: Final = 22
"""A service and up to eight reservations."""
ROOM_WORDS_PER_CREDIT: Final = 6


class Arena(NamedTuple):
    """Records of one batch. `words`, `halves` and `octets` are views of the same memory."""

    words: NDArray[np.int64]
    halves: NDArray[np.uint32]
    octets: NDArray[np.uint8]
    first: NDArray[np.int64]  # (slots,) first word of the record
    length: NDArray[np.int64]  # (slots,) words used; 0 where the store has no such account
    capacity: NDArray[np.int64]  # (slots,)
    section_at: NDArray[np.int64]  # (slots, SECTION_COUNT + 1) the last is the record's end
    changed: NDArray[np.uint8]  # (slots,) 1 where the record must be written


def new_arena(slots: int = BATCH_REQUESTS_MAX, words: int = BATCH_REQUESTS_MAX * RECORD_WORDS_MAX) -> Arena:
    """An arena; its memory is reserved, and touched only where records lie."""
    memory = np.zeros(words, np.int64)
    return Arena(
        words=memory,
        halves=memory.view(np.uint32),
        octets=memory.view(np.uint8),
        first=np.zeros(slots, np.int64),
        length=np.zeros(slots, np.int64),
        capacity=np.zeros(slots, np.int64),
        section_at=np.zeros((slots, SECTION_COUNT + 1), np.int64),
        changed=np.zeros(slots, np.uint8),
    )


@kernel
def index_sections(arena, slot):
    """Work out section_at of a slot from its directory. False where the directory doesn't add up to the length, or says
    another stride than this layout's for a section that kernels walk: they would read beyond its rows.
    """
    base = arena.first[slot]
    at = base + HEADER_WORDS
    for kind in range(SECTION_COUNT):
        arena.section_at[slot, kind] = at
        entry = 8 * base + HEADER_DIRECTORY + 2 * kind
        rows, stride = np.int64(arena.octets[entry]), np.int64(arena.octets[entry + 1])
        if rows > 0 and stride != _STRIDES[kind] and _STRIDES[kind] > 0:
            return False
        at += rows * stride
    arena.section_at[slot, SECTION_COUNT] = at
    return at == base + arena.length[slot]


@inlined_kernel
def count_rows(arena, slot, kind):
    """Rows of a section."""
    return np.int64(arena.octets[8 * arena.first[slot] + HEADER_DIRECTORY + 2 * kind])


@inlined_kernel
def rows_left(arena, slot, kind):
    """Rows that can still be appended to a section: as many as the record has room for and the section can count."""
    room_words = arena.capacity[slot] - arena.length[slot]
    return min(SECTION_ROWS_MAX - count_rows(arena, slot, kind), room_words // _STRIDES[kind])


@inlined_kernel
def append_row(arena, slot, kind):
    """Add a zeroed row to a section and return its first word; -1 where the record has no room or the section is full."""
    stride = _STRIDES[kind]
    base = arena.first[slot]
    entry = 8 * base + HEADER_DIRECTORY + 2 * kind
    count = arena.octets[entry]
    if count >= SECTION_ROWS_MAX or arena.length[slot] + stride > arena.capacity[slot]:
        return -1
    if count == 0:
        arena.octets[entry + 1] = stride
    at = arena.section_at[slot, kind + 1]
    end = arena.section_at[slot, SECTION_COUNT]
    for word in range(end - 1, at - 1, -1):
        arena.words[word + stride] = arena.words[word]
    for word in range(at, at + stride):
        arena.words[word] = 0
    for later in range(kind + 1, SECTION_COUNT + 1):
        arena.section_at[slot, later] += stride
    arena.octets[entry] = count + 1
    arena.length[slot] += stride
    return at


@kernel
def remove_row(arena, slot, kind, at):
    """Take out the row whose first word is `at`; later rows move down, so walk a section from its end when removing."""
    base = arena.first[slot]
    entry = 8 * base + HEADER_DIRECTORY + 2 * kind
    stride = np.int64(arena.octets[entry + 1])
    end = arena.section_at[slot, SECTION_COUNT]
    for word in range(at, end - stride):
        arena.words[word] = arena.words[word + stride]
    for later in range(kind + 1, SECTION_COUNT + 1):
        arena.section_at[slot, later] -= stride
    arena.octets[entry] -= 1
    arena.length[slot] -= stride


@kernel
def start_record(arena, slot, tenant, account_id):
    """Lay an empty record of the current layout into a slot that has none. False where its room is too small."""
    if arena.capacity[slot] < HEADER_WORDS:
        return False
    base = arena.first[slot]
    for word in range(base, base + HEADER_WORDS):
        arena.words[word] = 0
    arena.octets[8 * base + HEADER_LAYOUT] = LAYOUT_VERSION
    arena.words[base + HEADER_ACCOUNT] = account_id
    arena.halves[2 * base + HEADER_TENANT] = tenant
    arena.length[slot] = HEADER_WORDS
    return index_sections(arena, slot)


@kernel
def keep_record(arena, slot, words):
    """Copy a slot's record to `words` int64[RECORD_WORDS_MAX], to be put back where a decision fails half-way; its length."""
    base, length = arena.first[slot], arena.length[slot]
    for word in range(length):
        words[word] = arena.words[base + word]
    return length


@kernel
def is_record_kept(arena, slot, words, length):
    """Is the slot's record still what keep_record copied?"""
    if arena.length[slot] != length:
        return False
    base = arena.first[slot]
    for word in range(length):  # noqa: SIM110 - a generator doesn't compile
        if arena.words[base + word] != words[word]:
            return False
    return True


@kernel
def put_record_back(arena, slot, words, length):
    """Make the slot's record what keep_record copied."""
    base = arena.first[slot]
    for word in range(length):
        arena.words[base + word] = words[word]
    arena.length[slot] = length
    if length > 0:
        is_whole = index_sections(arena, slot)
        assert is_whole


@kernel
def settle_record(arena, slot, at, length, room_words):
    """Make the words at `at` a slot's record with room behind it; the place behind both, -1 where they are no record.

    room_words   words that the batch may append; the capacity is at most RECORD_WORDS_MAX, so that an arena of so many
                 words a slot holds any batch
    """
    room = min(room_words + HEADER_WORDS, RECORD_WORDS_MAX - length)
    arena.first[slot] = at
    arena.length[slot] = length
    arena.capacity[slot] = length + room
    arena.changed[slot] = 0
    if length > 0 and (arena.octets[8 * at + HEADER_LAYOUT] != LAYOUT_VERSION or not index_sections(arena, slot)):
        return np.int64(-1)
    return at + length + room
