"""Segments on disk: what was appended is read back across files, readers see only what is durable, damage is named."""

import os

import pytest

from balances.edge.segment_files import (
    SegmentReader,
    list_segments,
    partition_folder,
    read_mark,
    read_segment_header,
)
from balances.edge.segment_writer import SegmentLimits, SegmentWriter
from balances.journal_chain import NO_ENTRY
from balances.segments import SegmentError, segment_name
from balances.store import EntryId
from tests.reference.journal_entries import chain_of

LARGE = SegmentLimits(octets_max=1 << 30, age_ns=1 << 60)
SMALL = SegmentLimits(octets_max=4000, age_ns=1 << 60)


@pytest.fixture
def writer_of(tmp_path):
    """Opens writers on one folder, as an archiver does when it starts."""
    writers = []

    def open_writer(limits=LARGE):
        writer = SegmentWriter(tmp_path, 0, limits)
        writers.append(writer)
        writer.open()
        writer.sync()
        writer.cut_torn_tail()
        return writer

    yield open_writer
    for writer in writers:
        writer.close()


def read_all(folder, after=NO_ENTRY, octets_max=1 << 20):
    reader = SegmentReader(folder, 0, after)
    found = []
    try:
        while entries := reader.read(octets_max):
            found += [(entry.entry_id, bytes(entry.octets)) for entry in entries]
    finally:
        reader.close()
    return found


def segment_path(folder, sequence):
    return partition_folder(folder, 0) / segment_name(sequence)


@pytest.mark.parametrize("octets_max", [1, 3000, 1 << 20])
@pytest.mark.parametrize("limits", [LARGE, SMALL])
def test_entries_come_back_across_segments(tmp_path, writer_of, limits, octets_max):
    journal = chain_of(20, rows_each=3)
    writer = writer_of(limits)
    for first in range(0, 20, 2):
        writer.append(journal[first : first + 2], now_ns=first)
        writer.sync()
    assert (len(list_segments(partition_folder(tmp_path, 0))) > 3) == (limits is SMALL)
    assert read_all(tmp_path, octets_max=octets_max) == journal
    for place in (0, 7, 19):
        assert read_all(tmp_path, journal[place][0], octets_max) == journal[place + 1 :]


def test_a_segment_names_the_entry_before_it(tmp_path, writer_of):
    journal = chain_of(6, rows_each=2000)
    writer = writer_of(SMALL)
    for row in journal:
        writer.append([row], now_ns=0)
    heads = [
        read_segment_header(segment_path(tmp_path, n)).follows for n in list_segments(partition_folder(tmp_path, 0))
    ]
    assert heads == [NO_ENTRY] + [entry_id for entry_id, _ in journal[:-1]]


def test_age_closes_a_segment_that_has_entries(tmp_path, writer_of):
    journal = chain_of(3)
    writer = writer_of(SegmentLimits(1 << 30, age_ns=100))
    for row, now_ns in zip(journal, (1000, 1099, 1100), strict=True):
        writer.append([row], now_ns=now_ns)
    assert len(list_segments(partition_folder(tmp_path, 0))) == 2


def test_a_reader_takes_only_what_is_durable(tmp_path, writer_of):
    journal = chain_of(4)
    writer = writer_of()
    reader = SegmentReader(tmp_path, 0)
    assert reader.read() == []
    writer.append(journal[:2], now_ns=0)
    assert reader.read() == []
    writer.sync()
    assert [entry.entry_id for entry in reader.read()] == [EntryId(5, 1), EntryId(5, 2)]
    writer.append(journal[2:], now_ns=0)
    assert reader.read() == []
    writer.sync()
    assert [entry.entry_id for entry in reader.read()] == [EntryId(5, 3), EntryId(5, 4)]
    reader.close()


def test_a_copy_without_mark_is_read_to_its_last_whole_entry(tmp_path, writer_of):
    journal = chain_of(9, rows_each=3)
    writer = writer_of(SMALL)
    for row in journal:
        writer.append([row], now_ns=0)
    writer.sync()
    (partition_folder(tmp_path, 0) / "durable").unlink()
    last = segment_path(tmp_path, list_segments(partition_folder(tmp_path, 0))[-1])
    os.truncate(last, last.stat().st_size - 3)
    assert read_all(tmp_path) == journal[:-1]


@pytest.mark.parametrize("cut", [1, 23, 24, 25, 200])
def test_a_torn_tail_is_cut_and_written_again(tmp_path, writer_of, cut):
    journal = chain_of(5)
    writer = writer_of()
    writer.append(journal[:4], now_ns=0)
    writer.sync()
    path = segment_path(tmp_path, 1)
    whole = path.stat().st_size
    writer.append(journal[4:], now_ns=0)
    writer.close()
    os.truncate(path, whole + cut)
    second = SegmentWriter(tmp_path, 0, LARGE)
    second.open()
    assert (second.last_id, second.torn_octets) == (EntryId(5, 4), cut)
    second.close()
    third = writer_of()
    assert path.stat().st_size == whole
    third.append(journal[4:], now_ns=0)
    third.sync()
    assert read_all(tmp_path) == journal


def test_a_writer_begins_in_an_empty_segment_and_forgets_a_partial_one(tmp_path, writer_of):
    journal = chain_of(2)
    writer = writer_of()
    writer.append(journal[:1], now_ns=0)
    os.truncate(segment_path(tmp_path, 1), 48)
    (partition_folder(tmp_path, 0) / "0000000002.partial").write_bytes(b"half")
    second = writer_of()
    assert second.last_id == NO_ENTRY
    second.append(journal, now_ns=0)
    second.sync()
    assert read_all(tmp_path) == journal
    assert sorted(os.listdir(partition_folder(tmp_path, 0))) == [segment_name(1), "durable"]


def test_a_failed_write_leaves_whole_entries(tmp_path, writer_of, monkeypatch):
    journal = chain_of(3)
    writer = writer_of()
    writer.append(journal[:1], now_ns=0)
    real = os.writev

    def half(descriptor, views):
        real(descriptor, [views[0][:5]])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "writev", half)
    with pytest.raises(OSError, match="No space"):
        writer.append(journal[1:], now_ns=0)
    assert writer.last_id == EntryId(5, 1)
    monkeypatch.setattr(os, "writev", lambda descriptor, views: real(descriptor, [views[0][:7]]))
    writer.append(journal[1:], now_ns=0)
    writer.sync()
    assert read_all(tmp_path) == journal


def test_damage_within_what_is_durable_is_named(tmp_path, writer_of):
    writer = writer_of()
    writer.append(chain_of(3), now_ns=0)
    writer.sync()
    path = segment_path(tmp_path, 1)
    octets = bytearray(path.read_bytes())
    octets[-10] ^= 1
    path.write_bytes(octets)
    reader = SegmentReader(tmp_path, 0)
    assert len(reader.read()) == 2
    with pytest.raises(SegmentError, match=r"0000000001\.segment: damaged at octet \d+"):
        reader.read()
    reader.close()
    os.truncate(path, len(octets) - 1)
    with pytest.raises(SegmentError, match="were durable"):
        read_all(tmp_path)


def test_missing_and_moved_segments_are_named(tmp_path, writer_of):
    writer = writer_of(SMALL)
    for row in chain_of(12, rows_each=10):
        writer.append([row], now_ns=0)
    writer.sync()
    os.rename(segment_path(tmp_path, 2), tmp_path / "aside")
    with pytest.raises(SegmentError, match=r"0000000002\.segment is missing"):
        read_all(tmp_path)
    os.rename(segment_path(tmp_path, 3), segment_path(tmp_path, 2))
    (tmp_path / "aside").rename(segment_path(tmp_path, 3))
    with pytest.raises(SegmentError, match="is segment 3 of partition 0: it was moved"):
        read_all(tmp_path)


def test_a_damaged_mark_is_named(tmp_path, writer_of):
    writer = writer_of()
    writer.append(chain_of(1), now_ns=0)
    writer.sync()
    mark = partition_folder(tmp_path, 0) / "durable"
    assert read_mark(mark.parent).entry_id == EntryId(5, 1)
    mark.write_bytes(bytes(len(mark.read_bytes())))
    with pytest.raises(SegmentError, match="start the archiver"):
        read_all(tmp_path)


def test_picks_entries_by_id(tmp_path, writer_of):
    journal = chain_of(9, rows_each=10)
    writer = writer_of(SMALL)
    for row in journal:
        writer.append([row], now_ns=0)
    writer.sync()
    reader = SegmentReader(tmp_path, 0)
    wanted = [EntryId(5, 7), EntryId(5, 3), EntryId(4, 4)]
    assert [(entry.entry_id, bytes(entry.octets)) for entry in reader.pick(wanted)] == [journal[2], journal[6]]
    assert list(reader.pick([])) == []
    links = reader.links(EntryId(5, 2), EntryId(5, 4))
    assert [(str(link.entry_id), str(link.follows)) for link in links] == [("5-3", "5-2"), ("5-4", "5-3")]
