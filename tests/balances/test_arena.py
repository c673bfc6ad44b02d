"""The arena against rows in plain lists: whatever is appended and removed, each slot's words are the record of its rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balances.arena import (
    append_row,
    count_rows,
    index_sections,
    new_arena,
    remove_row,
    rows_left,
    start_record,
)
from balances.record import (
    HEADER_ACCOUNT,
    HEADER_DIRECTORY,
    HEADER_LAYOUT,
    HEADER_WORDS,
    LAYOUT_VERSION,
    SECTION_COUNT,
    STRIDES,
    Section,
)
from balances.stored_record import to_stored
from tests.reference.placing import place_records
from tests.reference.record_octets import encode_rows
from vocabulary.limits import RECORD_WORDS_MAX, SECTION_ROWS_MAX

UNKNOWN_KIND, UNKNOWN_STRIDE = 6, 3
SLOTS = 3
ROOM = 20
EMPTY = encode_rows({"header": [{"account_id": 1, "layout_version": LAYOUT_VERSION}]})
GOOD = encode_rows({"header": [{"account_id": 1, "layout_version": LAYOUT_VERSION}], "buckets": [{"remaining": 5}]})
words = st.integers(-(2**63), 2**63 - 1)


class PlainRecord:
    """A record as lists of rows of words."""

    def __init__(self, account_id, sections):
        self.account_id = account_id
        self.sections = sections
        self.strides = [STRIDES[kind] if rows else 0 for kind, rows in enumerate(sections)]
        if sections[UNKNOWN_KIND]:
            self.strides[UNKNOWN_KIND] = UNKNOWN_STRIDE

    def octets(self):
        header = bytearray(8 * HEADER_WORDS)
        header[HEADER_LAYOUT] = LAYOUT_VERSION
        header[8 * HEADER_ACCOUNT : 8 * HEADER_ACCOUNT + 8] = self.account_id.to_bytes(8, "little")
        for kind, rows in enumerate(self.sections):
            header[HEADER_DIRECTORY + 2 * kind] = len(rows)
            header[HEADER_DIRECTORY + 2 * kind + 1] = self.strides[kind]
        body = [word for rows in self.sections for row in rows for word in row]
        return bytes(header) + b"".join(word.to_bytes(8, "little", signed=True) for word in body)


def stored(record):
    """As the store has it; torn where the record is no whole words."""
    whole = len(record) // 8 * 8
    octets = to_stored(record[:whole])
    return b"" if not record else octets if whole == len(record) else octets[:-1]


def place(records, room=ROOM, *, slots=None):
    """(arena, first slot that is no record)"""
    octets = [stored(record if isinstance(record, bytes) else record.octets()) for record in records]
    count = len(octets)
    arena = new_arena(slots or count, max(count, 1) * RECORD_WORDS_MAX)
    lengths = np.array([len(own) for own in octets], np.int64)
    source = np.frombuffer(b"pad" + b"".join(octets) + b"\0", np.uint8)
    bad = place_records(arena, source, 3 + np.cumsum(lengths) - lengths, lengths, np.full(count, room, np.int64), count)
    return arena, bad


def octets_of(arena, slot):
    first, length = int(arena.first[slot]), int(arena.length[slot])
    return arena.words[first : first + length].tobytes()


@st.composite
def plain_records(draw):
    sections = [[] for _ in range(SECTION_COUNT)]
    for kind in (*Section, UNKNOWN_KIND):
        stride = UNKNOWN_STRIDE if kind == UNKNOWN_KIND else STRIDES[kind]
        count = draw(st.integers(0, 3))
        sections[kind] = [[draw(words) for _ in range(stride)] for _ in range(count)]
    return PlainRecord(draw(st.integers(1, 2**62)), sections)


moves = st.lists(
    st.tuples(st.booleans(), st.integers(0, SLOTS - 1), st.sampled_from(Section), st.integers(0, 5), words), max_size=30
)


@settings(max_examples=75)
@given(records=st.lists(plain_records(), min_size=SLOTS, max_size=SLOTS), moves=moves)
def test_slots_are_the_records_of_their_rows(records, moves):
    arena, bad = place(records)
    assert bad == -1
    limits = [len(record.octets()) // 8 + ROOM + HEADER_WORDS for record in records]
    for is_append, slot, kind, row, word in moves:
        record = records[slot]
        rows = record.sections[kind]
        if is_append:
            fits = len(record.octets()) // 8 + STRIDES[kind] <= limits[slot]
            assert (rows_left(arena, slot, int(kind)) > 0) == fits
            at = append_row(arena, slot, int(kind))
            assert (at >= 0) == fits
            if fits:
                assert not arena.words[at : at + STRIDES[kind]].any(), "a new row is zero"
                arena.words[at : at + STRIDES[kind]] = word
                rows.append([word] * STRIDES[kind])
                record.strides[kind] = STRIDES[kind]
        elif row < len(rows):
            remove_row(arena, slot, int(kind), int(arena.section_at[slot, kind]) + row * STRIDES[kind])
            del rows[row]
        for other, plain in enumerate(records):
            assert octets_of(arena, other) == plain.octets(), "the slot, and no other, changed"
        at = int(arena.first[slot]) + HEADER_WORDS
        for each in range(SECTION_COUNT):
            assert arena.section_at[slot, each] == at
            assert count_rows(arena, slot, each) == len(record.sections[each])
            at += len(record.sections[each]) * record.strides[each]
        assert arena.section_at[slot, SECTION_COUNT] == at
        assert index_sections(arena, slot)


def test_section_is_full_at_its_limit():
    arena, _ = place([EMPTY], room=RECORD_WORDS_MAX)
    for row in range(SECTION_ROWS_MAX):
        assert rows_left(arena, 0, int(Section.ENDED)) == SECTION_ROWS_MAX - row
        assert append_row(arena, 0, int(Section.ENDED)) >= 0
    assert rows_left(arena, 0, int(Section.ENDED)) == 0
    assert append_row(arena, 0, int(Section.ENDED)) == -1
    assert count_rows(arena, 0, int(Section.ENDED)) == SECTION_ROWS_MAX
    assert append_row(arena, 0, int(Section.PRODUCTS)) >= 0, "another section still has room"


def test_record_starts_in_the_room_of_an_account_that_is_not_there():
    arena, bad = place([b"", EMPTY], room=0)
    assert bad == -1
    assert arena.length[0] == 0
    assert start_record(arena, 0, 3, 77)
    assert octets_of(arena, 0) == encode_rows(
        {"header": [{"account_id": 77, "tenant": 3, "layout_version": LAYOUT_VERSION}]}
    )
    assert append_row(arena, 0, int(Section.ENDED)) == -1, "there was room for the header alone"
    arena.capacity[0] = HEADER_WORDS - 1
    assert not start_record(arena, 0, 3, 77)


# --- what is no record
def with_octet(at, value):
    return GOOD[:at] + bytes([value]) + GOOD[at + 1 :]


@pytest.mark.parametrize(
    "record",
    [
        b"\x01",
        GOOD[:-1],
        GOOD[: 8 * HEADER_WORDS - 8],
        GOOD[:-8],
        GOOD + bytes(8),
        with_octet(HEADER_LAYOUT, LAYOUT_VERSION + 1),
        with_octet(HEADER_DIRECTORY + 2 * Section.BUCKETS, 2),
        with_octet(HEADER_DIRECTORY + 2 * Section.BUCKETS + 1, 5),
        with_octet(HEADER_DIRECTORY + 2 * UNKNOWN_KIND, 255)[: HEADER_DIRECTORY + 2 * UNKNOWN_KIND + 1] + b"\x01" * 67,
        GOOD + bytes(8 * RECORD_WORDS_MAX),
    ],
    ids=[
        "octet",
        "cut octet",
        "cut header",
        "cut word",
        "word more",
        "layout",
        "rows",
        "stride",
        "unknown",
        "too long",
    ],
)
def test_octets_that_are_no_record_are_found(record):
    assert place([EMPTY, GOOD, EMPTY])[1] == -1
    assert place([EMPTY, record, EMPTY])[1] == 1
    assert place([record])[1] == 0


def test_other_strides_of_rows_that_are_walked_are_refused_though_they_add_up():
    """Six rows of one word instead of one row of six: kernels would walk into what follows."""
    odd = with_octet(HEADER_DIRECTORY + 2 * Section.BUCKETS, 6)
    odd = (
        odd[: HEADER_DIRECTORY + 2 * Section.BUCKETS + 1] + b"\x01" + odd[HEADER_DIRECTORY + 2 * Section.BUCKETS + 2 :]
    )
    assert place([odd])[1] == 0


@settings(max_examples=150)
@given(octets=st.binary(max_size=400), head=st.sampled_from((b"", GOOD, GOOD[: 8 * HEADER_WORDS])))
def test_any_octets_are_a_record_or_refused(octets, head):
    record = head + octets
    bad = place([GOOD, record])[1]
    directory = record[HEADER_DIRECTORY : HEADER_DIRECTORY + 2 * SECTION_COUNT]
    rows, strides = directory[::2], directory[1::2]
    is_record = not record or (
        len(record) >= 8 * HEADER_WORDS
        and len(record) % 8 == 0
        and record[HEADER_LAYOUT] == LAYOUT_VERSION
        and len(record) == 8 * (HEADER_WORDS + sum(a * b for a, b in zip(rows, strides, strict=True)))
        and all(rows[kind] == 0 or strides[kind] == STRIDES[kind] for kind in Section)
    )
    assert (bad == -1) == is_record
    assert bad in (-1, 1)


def test_any_batch_fits_into_the_arena():
    """Records as long as they may be, with any room, stay within RECORD_WORDS_MAX a slot."""
    full = PlainRecord(1, [[] for _ in range(SECTION_COUNT)])
    rows = (RECORD_WORDS_MAX - HEADER_WORDS - 4) // 16
    full.sections[UNKNOWN_KIND] = [[1] * 16] * rows
    full.strides[UNKNOWN_KIND] = 16
    arena, bad = place([full, full, b"", full], room=10_000)
    assert bad == -1
    assert arena.capacity.tolist() == [RECORD_WORDS_MAX] * 4
    assert int(arena.first[-1] + arena.capacity[-1]) <= arena.words.shape[0]
