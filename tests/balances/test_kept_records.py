"""Kept records: what is found is what was kept last, whatever the ring and its table had to give up meanwhile."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from balances.arena import Arena, new_arena
from balances.kept_records import (
    FORGOTTEN,
    KeptRecords,
    forget_records,
    keep_records,
    new_kept_records,
    new_sought,
    place_sought,
    seek_records,
)
from balances.record import HEADER_WORDS
from balances.stored_record import to_stored
from tests.reference.account import Account, Bucket
from tests.reference.record_octets import encode_account

SLOTS = 6
Key = tuple[int, int]


def sample_record(account_id: int, *, revision: int = 1, buckets: int = 1) -> bytes:
    """A record of an account with so many buckets, which say how long it is."""
    owned = [Bucket(bucket_id=number + 1, remaining=7) for number in range(buckets)]
    return encode_account(Account(account_id, revision=revision, buckets=owned))


def arena_of(records: list[bytes], changed: list[bool]) -> Arena:
    """An arena in which these records were decided; empty octets: the store has no such account."""
    arena = new_arena(SLOTS, SLOTS * 256)
    at = 0
    for slot, record in enumerate(records):
        words = np.frombuffer(record, np.int64)
        arena.words[at : at + len(words)] = words
        arena.first[slot], arena.length[slot], arena.changed[slot] = at, len(words), changed[slot]
        at += len(words)
    return arena


def columns(keys: list[Key]) -> tuple[Any, Any]:
    """Tenants and account ids."""
    return np.array([tenant for tenant, _ in keys], np.int32), np.array([account for _, account in keys], np.int64)


def keep(kept: KeptRecords, keys: list[Key], records: list[bytes], changed: list[bool]) -> None:
    """A confirmed batch."""
    keep_records(kept, arena_of(records, changed), *columns(keys), len(keys))


def seek(kept: KeptRecords, keys: list[Key], *, is_whole: bool = False) -> list[Key]:
    """Which accounts the store has to be asked for."""
    sought = new_sought(SLOTS)
    count = seek_records(kept, *columns(keys), len(keys), is_whole, sought)
    return list(zip(sought.tenants[:count].tolist(), sought.account_ids[:count].tolist(), strict=True))


def place(kept: KeptRecords, keys: list[Key], stored: dict[Key, bytes]) -> list[bytes] | int:
    """Records of a batch, each from memory or from what the store was asked for; what place_sought says but -1."""
    sought, arena = new_sought(SLOTS), new_arena(SLOTS, SLOTS * 256)
    tenants, accounts = columns(keys)
    count = seek_records(kept, tenants, accounts, len(keys), False, sought)
    asked = list(zip(sought.tenants[:count].tolist(), sought.account_ids[:count].tolist(), strict=True))
    octets = [to_stored(stored[key]) if key in stored else b"" for key in asked]
    lengths = np.array([len(value) for value in octets], np.int64)
    source = np.frombuffer(bytearray(b"".join(octets)), np.uint8)
    room = np.zeros(len(keys), np.int64)
    found = place_sought(
        arena, kept, sought, tenants, accounts, source, np.cumsum(lengths) - lengths, lengths, room, len(keys)
    )
    if found != -1:
        return int(found)
    spans = zip(arena.first[: len(keys)].tolist(), arena.length[: len(keys)].tolist(), strict=True)
    return [arena.words[first : first + length].tobytes() for first, length in spans]


key_drawn = st.tuples(st.integers(1, 2), st.integers(0, 11))
batch_drawn = st.lists(
    st.tuples(key_drawn, st.integers(0, 3), st.booleans()), max_size=SLOTS, unique_by=lambda row: row[0]
)


@settings(max_examples=150)
@given(st.lists(batch_drawn, max_size=12), st.sampled_from((0, 800, 2_000, 100_000)))
def test_a_batch_is_placed_as_if_every_record_came_from_the_store(
    batches: list[list[tuple[Key, int, bool]]], octets: int
) -> None:
    """Against a dict: batches load, change some of their accounts and are confirmed; memory is of any size."""
    kept, stored = new_kept_records(octets), dict[Key, bytes]()
    for number, batch in enumerate(batches):
        keys = [key for key, _, _ in batch]
        placed = place(kept, keys, stored)
        assert placed == [stored.get(key, b"") for key in keys]
        assert isinstance(placed, list)
        after = [
            sample_record(key[1], revision=number + 1, buckets=buckets) if is_changed else before
            for (key, buckets, is_changed), before in zip(batch, placed, strict=True)
        ]
        stored |= {key: record for (key, _, is_changed), record in zip(batch, after, strict=True) if is_changed}
        keep(kept, keys, after, [is_changed for _, _, is_changed in batch])
        if octets == 0:
            assert seek(kept, keys) == keys, "nothing is kept where there is no room"
        if octets == 100_000:
            assert seek(kept, keys) == [key for key in keys if key not in stored], "all that exist are kept"


def test_what_was_kept_when_a_load_was_prepared_may_be_forgotten_when_it_comes() -> None:
    """Then the batch says so and is loaded whole."""
    kept, key = new_kept_records(100_000), (1, 5)
    keep(kept, [key], [sample_record(5)], [True])
    tenants, accounts = columns([key])
    sought, arena, none = new_sought(SLOTS), new_arena(SLOTS, SLOTS * 256), np.zeros(0, np.int64)
    assert seek_records(kept, tenants, accounts, 1, False, sought) == 0
    forget_records(kept)
    source = np.zeros(0, np.uint8)
    room = np.zeros(1, np.int64)
    assert place_sought(arena, kept, sought, tenants, accounts, source, none, none, room, 1) == FORGOTTEN
    assert seek(kept, [key]) == [key]


def test_everything_is_sought_where_that_is_asked_for() -> None:
    kept = new_kept_records(100_000)
    keep(kept, [(1, 5)], [sample_record(5)], [True])
    assert seek(kept, [(1, 5), (1, 6)]) == [(1, 6)]
    assert seek(kept, [(1, 5), (1, 6)], is_whole=True) == [(1, 5), (1, 6)]


def test_a_loaded_record_that_is_none_is_said_by_its_slot() -> None:
    kept = new_kept_records(100_000)
    keep(kept, [(1, 5)], [sample_record(5)], [True])
    tenants, accounts = columns([(1, 5), (1, 6)])
    sought, arena = new_sought(SLOTS), new_arena(SLOTS, SLOTS * 256)
    seek_records(kept, tenants, accounts, 2, False, sought)
    source = np.full(40, 255, np.uint8)
    span = np.zeros(1, np.int64), np.array([40])
    assert place_sought(arena, kept, sought, tenants, accounts, source, *span, np.zeros(2, np.int64), 2) == 1
    assert arena.length[0] >= HEADER_WORDS
