"""The record writer on full disks, over damaged segments, and when the store lost entries that are in files."""

import errno
import os
from collections import deque
from typing import Any

import pytest

from balances.store import EntryId
from cdr.assembly import AssemblyError
from cdr.edge.writer import RecordWriter
from tests.cdr.edge.writing import (
    NAMES,
    Clock,
    event,
    flushes_of,
    named,
    rows_of,
    session_rows,
    settings_of,
    twin_of,
    work_off,
    write_all,
    writing,
)
from tests.cdr.journals import Journal
from tests.reference.journal_entries import S


def test_below_the_least_free_disk_nothing_is_written(journal, tmp_path):
    free = deque([99, 101, 101, 101])
    settings = settings_of(tmp_path, disk_free_octets_min=100)
    journal.add([event(1)])
    with writing(settings, Clock(), free=lambda _: free.popleft()) as writer:
        assert writer.round() is False
        assert "disk are free: make room" in writer.progress.stopped_because["disk"]
        assert writer.progress.entry_counts == {}
        work_off(writer)
        assert writer.progress.stopped_because == {}
        writer.finish()
    assert len(rows_of(settings.folder)) == 1


@pytest.mark.parametrize("failing_write", [1, 2])
def test_a_full_disk_leaves_nothing_half_written_and_is_waited_for(journal, tmp_path, monkeypatch, failing_write):
    settings = settings_of(tmp_path, file_rows_max=2)
    journal.add([event(1), event(2)])
    real, writes = os.write, [0]

    def write(descriptor, octets):
        writes[0] += 1
        if writes[0] == failing_write:
            real(descriptor, octets[:9])
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, octets)

    with writing(settings, Clock()) as writer:
        monkeypatch.setattr(os, "write", write)
        writer.round()
        assert "the disk is full" in writer.progress.stopped_because["disk"]
        assert list((settings.folder / "writing").iterdir()) == []
        assert flushes_of(settings.folder) == []
        journal.add([event(3)])
        work_off(writer)
        assert writer.progress.record_count == 2
        writer.finish()
    assert [row["session_id"] for row in rows_of(settings.folder)] == ["sms;1", "sms;2", "sms;3"]


def test_another_error_of_the_disk_ends_the_writer(journal, tmp_path, monkeypatch):
    settings = settings_of(tmp_path, file_rows_max=1)
    journal.add([event(1)])

    def fail(_descriptor):
        raise OSError(errno.EIO, "Input/output error")

    with writing(settings, Clock()) as writer:
        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="Input/output error"):
            writer.round()
    monkeypatch.undo()
    write_all(settings, Clock())
    assert len(rows_of(settings.folder)) == 1


# --- damage, and a store that went back


def test_a_damaged_segment_stops_its_partition_alone_until_it_is_restored(tmp_path):
    clock = Clock()
    settings = settings_of(tmp_path, partitions=(0, 1), file_age_s=1)
    journals = [Journal(settings.segments, partition) for partition in (0, 1)]
    for journal in journals:
        journal.add([event(journal.partition * 10 + 1)])
        journal.add([event(journal.partition * 10 + 2)])
        journal.close()
    path = settings.segments / "p0" / "0000000001.segment"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with writing(settings, clock) as writer:
        work_off(writer)
        assert "damaged at octet" in writer.progress.stopped_because["partition 0"]
        clock.now_ns += S
        work_off(writer)
        assert [row["session_id"] for row in rows_of(settings.folder)] == ["sms;1", "sms;11", "sms;12"]
        path.write_bytes(whole)
        work_off(writer)
        assert writer.progress.stopped_because == {}
        writer.finish()
    assert sorted(row["session_id"] for row in rows_of(settings.folder)) == ["sms;1", "sms;11", "sms;12", "sms;2"]


def test_an_entry_that_contradicts_itself_ends_the_writer(journal, tmp_path, monkeypatch):
    settings = settings_of(tmp_path)
    journal.add([event(1)])
    monkeypatch.setattr("cdr.assembly.apply_entry", lambda *_: -1)
    with writing(settings, Clock()) as writer, pytest.raises(AssemblyError, match="rows and texts don't fit"):
        writer.round()


def test_a_missing_segment_is_named(journal, tmp_path):
    settings = settings_of(tmp_path)
    while not (settings.segments / "p0" / "0000000003.segment").exists():
        journal.add([event(number) for number in range(20)])
    (settings.segments / "p0" / "0000000002.segment").unlink()
    with writing(settings, Clock()) as writer:
        work_off(writer)
        assert "0000000002.segment is missing" in writer.progress.stopped_because["partition 0"]


@pytest.mark.parametrize("checkpoint_octets_min", [0, 1 << 30])
@pytest.mark.parametrize("restarts", [True, False])
def test_entries_that_the_store_lost_are_taken_back_out_of_the_files(
    journal, tmp_path, checkpoint_octets_min, restarts
):
    """Entries 5-4 to 5-6 were in files when the store went on from 5-3: their files are void, what counts comes again."""
    settings = settings_of(
        tmp_path, file_rows_max=1, checkpoint_octets_min=checkpoint_octets_min, checkpoint_state_times=0
    )
    lasting = session_rows(90, update_count=6)
    journal.add([event(1), *lasting[0]])
    journal.add([event(2), *lasting[1]])
    journal.add(lasting[2])
    clock = Clock()
    voided = [journal.add([event(number), *lasting[3]]) for number in (3, 4, 5)]
    writer = RecordWriter(settings, NAMES, now_ns=clock)
    writer.start()
    work_off(writer)
    assert [row["session_id"] for row in rows_of(settings.folder)] == [f"sms;{number}" for number in range(1, 6)]
    if restarts:
        writer.finish()
        writer.close()
        writer = RecordWriter(settings, NAMES, now_ns=clock)
        writer.start()
    journal.add([event(6), *lasting[4]], entry_id=EntryId(9, 1), follows=EntryId(5, 3))
    journal.add(lasting[-1])
    work_off(writer)
    writer.finish()
    writer.close()
    rows = rows_of(settings.folder)
    wanted = twin_of(settings.segments, skip=frozenset(voided)).rows
    assert [without_number(row) for row in named(rows)] == [without_number(row) for row in wanted]
    assert [row["sequence"] for row in rows] == [1, 2, 6, 7]  # 3 to 5 were void records' and are not used again
    kept = sorted(path.name for path in (settings.folder / "void").rglob("*.csv"))
    assert kept == ["0000000003.csv", "0000000004.csv", "0000000005.csv"]
    write_all(settings, clock)
    assert rows_of(settings.folder) == rows


def without_number(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"sequence": 0}


def test_lost_entries_that_are_in_no_file_yet_are_never_seen(journal, tmp_path):
    settings = settings_of(tmp_path)
    journal.add([event(1)])
    journal.add([event(2)])
    with writing(settings, Clock()) as writer:
        work_off(writer)
        journal.add([event(3)], entry_id=EntryId(9, 1), follows=EntryId(5, 1))
        work_off(writer)
        writer.finish()
        assert writer.progress.void_flush_count == 0
    assert [row["session_id"] for row in rows_of(settings.folder)] == ["sms;1", "sms;3"]
    write_all(settings, Clock())
    assert len(rows_of(settings.folder)) == 2


def test_a_gap_in_the_journal_stops_the_partition(journal, tmp_path):
    settings = settings_of(tmp_path)
    journal.add([event(1)])
    journal.add([event(2)], entry_id=EntryId(5, 7), follows=EntryId(5, 6))
    with writing(settings, Clock()) as writer:
        work_off(writer)
        assert "up to 5-6 are missing before 5-7" in writer.progress.stopped_because["partition 0"]
        writer.finish()
    assert [row["session_id"] for row in rows_of(settings.folder)] == ["sms;1"]
