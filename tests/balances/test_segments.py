"""Frames come back as they were written; a torn or changed octet ends the reading at the last whole entry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balances.segments import (
    FRAME_OCTETS,
    HEADER_OCTETS,
    SegmentError,
    SegmentHeader,
    frame_octets,
    pack_frame,
    pack_header,
    segment_name,
    sequence_of,
    unpack_header,
    walk_frames,
)
from balances.store import EntryId

ENTRIES = st.lists(st.binary(max_size=200), max_size=8)


def framed(entries):
    ids = [EntryId(5, number) for number in range(1, len(entries) + 1)]
    return ids, b"".join(pack_frame(i, entry) + entry for i, entry in zip(ids, entries, strict=True))


def walked(octets):
    view = memoryview(octets)
    return [(frame.entry_id, bytes(view[frame.first : frame.end])) for frame in walk_frames(view)]


@given(ENTRIES)
def test_frames_come_back(entries):
    ids, octets = framed(entries)
    assert walked(octets) == list(zip(ids, entries, strict=True))


@given(ENTRIES.filter(bool), st.data())
def test_a_torn_tail_ends_at_the_last_whole_entry(entries, data):
    ids, octets = framed(entries)
    cut = data.draw(st.integers(0, len(octets) - 1))
    whole, end = 0, 0
    for entry in entries:
        end += FRAME_OCTETS + len(entry)
        whole += end <= cut
    assert walked(octets[:cut]) == list(zip(ids, entries, strict=True))[:whole]


@given(ENTRIES.filter(bool), st.data())
def test_a_changed_octet_is_found(entries, data):
    ids, octets = framed(entries)
    at = data.draw(st.integers(0, len(octets) - 1))
    changed = bytearray(octets)
    changed[at] ^= data.draw(st.integers(1, 255))
    intact, end = 0, 0
    for entry in entries:
        end += FRAME_OCTETS + len(entry)
        intact += end <= at
    assert walked(changed) == list(zip(ids, entries, strict=True))[:intact]


def test_a_tail_of_zeros_is_no_entry():
    ids, octets = framed([b"one"])
    assert walked(octets + bytes(4096)) == [(ids[0], b"one")]


def test_frame_length_counts_what_is_before_the_entry():
    _, octets = framed([b"12345"])
    assert frame_octets(octets, 0) == FRAME_OCTETS + 5
    assert frame_octets(octets[: FRAME_OCTETS - 1], 0) == 0


def test_header_comes_back_and_damage_is_refused():
    header = SegmentHeader(partition=3, sequence=17, follows=EntryId(1_790_000_000_000, 42), created_ns=99)
    octets = pack_header(header)
    assert len(octets) == HEADER_OCTETS
    assert unpack_header(octets + b"frames", "x") == header
    for at in range(HEADER_OCTETS):
        changed = bytearray(octets)
        changed[at] ^= 1
        with pytest.raises(SegmentError, match="x: has not the header"):
            unpack_header(bytes(changed), "x")
    with pytest.raises(SegmentError, match="ends within its header"):
        unpack_header(octets[:-1], "x")


def test_names_say_the_sequence():
    assert sequence_of(segment_name(1234)) == 1234
    assert sorted([segment_name(9), segment_name(10)]) == [segment_name(9), segment_name(10)]
    assert sequence_of("durable") is None
    assert sequence_of("0000000001.partial") is None
    assert sequence_of("x1.segment") is None
