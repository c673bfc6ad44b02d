"""Files of movements: where they lie, when they are closed, what is taken back, and manifests from before there were any."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from balances.journal import MovementKind
from balances.store import EntryId
from cdr.edge.manifest_file import MANIFEST_NAME
from cdr.edge.read import RecordReader, read_movements
from cdr.edge.writer import RecordWriter
from cdr.edge.writer_settings import UnknownTenantError
from cdr.manifest import MOVEMENTS, ManifestError
from cdr.movement_table import MOVEMENT_SCHEMA
from tests.cdr.edge.writing import (
    NAMES,
    Clock,
    event,
    flushes_of,
    rows_of,
    session_rows,
    settings_of,
    work_off,
    write_all,
    writing,
)
from tests.cdr.movement_twin import by_position, movements_of_segments
from tests.reference.journal_entries import FIRST_NS, Asked, Moved, S

DAY_NS = 86400 * S
TOPPED_UP = int(MovementKind.TOPPED_UP)
BEFORE_MOVEMENTS = """
create table earlier (
    tenant text not null, sequence integer not null, format text not null, flush integer not null references flush,
    name text not null unique, day text not null, row_count integer not null, record_count integer not null,
    octets integer not null, sha256 text not null, primary key (tenant, sequence, format)
) without rowid;
insert into earlier select tenant, sequence, format, flush, name, day, row_count, record_count, octets, sha256 from file;
drop table file;
alter table earlier rename to file;
create index file_of_flush on file (flush);
pragma user_version = 1
"""


def top_up(number: int, *, tenant: int = 1, received_ns: int = FIRST_NS, amount: int = 100) -> Asked:
    """An account command that gives money."""
    moved = (Moved(kind=TOPPED_UP, amount=amount),)
    name = b"top-up-%d" % number
    return Asked(kind=1, type=0, command=2, tenant=tenant, received_ns=received_ns, session_id=name, moved=moved)


def moved_by(folder: Path) -> list[str]:
    """Ids of commands, in the order of the files."""
    names: list[str] = read_movements(folder)["command_id"].to_pylist()
    return names


def test_tenants_and_days_have_their_own_folders(journal: Any, tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    journal.add([top_up(1), top_up(2, tenant=2), top_up(3, received_ns=FIRST_NS + DAY_NS), event(4), top_up(5)])
    write_all(settings, Clock())
    (flush,) = flushes_of(settings.folder)
    files = [file for file in flush.files if file.content == MOVEMENTS]
    assert [(file.name, file.row_count, file.record_count, file.sequence) for file in files] == [
        ("movements/tenant=acme/day=2026-09-21/0000000001.parquet", 2, 0, 1),
        ("movements/tenant=acme/day=2026-09-22/0000000002.parquet", 1, 0, 2),
        ("movements/tenant=other%20telecom%2F%C3%A9/day=2026-09-21/0000000001.parquet", 1, 0, 1),
    ]
    assert [file.name for file in flush.files if file.content != MOVEMENTS] == [
        "tenant=acme/day=2026-09-21/0000000001.csv",
        "tenant=acme/day=2026-09-21/0000000001.parquet",
    ]
    assert read_movements(settings.folder, tenant=NAMES[2])["command_id"].to_pylist() == ["top-up-2"]
    assert parquet.read_schema(settings.folder / files[0].name).equals(MOVEMENT_SCHEMA), (
        "plain texts for whoever reads it"
    )
    assert len(rows_of(settings.folder)) == 1


def test_a_file_of_movements_alone_is_closed_by_size_and_age(journal: Any, tmp_path: Path) -> None:
    clock = Clock()
    settings = settings_of(tmp_path, file_octets_max=128 * 6, file_age_s=10)
    for number in range(13):
        journal.add([top_up(number)])
    with writing(settings, clock) as writer:
        work_off(writer)
        counts = [file.row_count for flush in flushes_of(settings.folder) for file in flush.files]
        assert counts == [6, 6]
        assert (writer.progress.movement_count, writer.progress.set_counts) == (12, {"records": 0, MOVEMENTS: 2})
        clock.now_ns += 10 * S
        work_off(writer)
        assert writer.progress.movement_count == 13
        assert all(file.octets <= 7 * 1000 for flush in flushes_of(settings.folder) for file in flush.files)
    assert moved_by(settings.folder) == [f"top-up-{number}" for number in range(13)]


def _unlike_others(number: int) -> Asked:
    """A movement whose values compress badly."""
    amount, bucket_id = number * 2**61 // 977, number * 977 % 2**31
    moved = (Moved(kind=16, amount=amount, bucket_id=bucket_id, allowance=number + 1),)
    return Asked(kind=1, account_id=number * 2**40, received_ns=FIRST_NS + number, session_id=b"x" * 99, moved=moved)


def test_the_estimate_of_a_files_size_is_never_too_small(journal: Any, tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    for first in range(0, 2000, 100):
        journal.add([_unlike_others(number) for number in range(first, first + 100)])
    with writing(settings, Clock()) as writer:
        work_off(writer)
        estimate = writer._finished.movements.file_octets
        writer.finish()
    (flush,) = flushes_of(settings.folder)
    (file,) = flush.files
    assert file.octets <= estimate


def test_a_restart_writes_none_twice_and_forgets_none(journal: Any, tmp_path: Path) -> None:
    clock = Clock()
    settings = settings_of(tmp_path, file_rows_max=2, checkpoint_octets_min=0, checkpoint_state_times=0)
    for turn in range(6):
        journal.add([top_up(10 * turn), event(turn), *session_rows(turn)[0]])
        journal.add([top_up(10 * turn + 1)])
        with writing(settings, clock) as writer:
            work_off(writer)
            if turn % 2:
                writer.finish()
    write_all(settings, clock)
    wanted = movements_of_segments(settings.segments, (0,), NAMES)
    assert len(wanted) == 12
    assert by_position(read_movements(settings.folder).to_pylist()) == wanted


def test_movements_that_the_store_lost_are_taken_back_out_of_the_files(journal: Any, tmp_path: Path) -> None:
    settings = settings_of(tmp_path, file_rows_max=1)
    journal.add([event(1), top_up(1)])
    voided = journal.add([event(2), top_up(2)])
    clock = Clock()
    with writing(settings, clock) as writer:
        work_off(writer)
        assert moved_by(settings.folder) == ["top-up-1", "top-up-2"]
        journal.add([event(3), top_up(3)], entry_id=EntryId(9, 1), follows=EntryId(5, 1))
        work_off(writer)
        writer.finish()
    wanted = movements_of_segments(settings.segments, (0,), NAMES, skip=frozenset({voided}))
    assert by_position(read_movements(settings.folder).to_pylist()) == wanted
    assert moved_by(settings.folder) == ["top-up-1", "top-up-3"]
    (void,) = (settings.folder / "void" / "movements").rglob("*.parquet")
    assert void.name == "0000000002.parquet"


def test_movements_of_an_unknown_tenant_wait_for_its_name(journal: Any, tmp_path: Path) -> None:
    names = {1: "acme"}
    settings = settings_of(tmp_path)
    journal.add([event(1), top_up(2, tenant=5)])
    writer = RecordWriter(settings, names, now_ns=Clock())
    writer.start()
    work_off(writer)
    with pytest.raises(UnknownTenantError, match="no name is known of tenant 5"):
        writer.finish()
    names[5] = "five"
    work_off(writer)
    writer.finish()
    writer.close()
    assert read_movements(settings.folder)["tenant_name"].to_pylist() == ["five"]


def test_a_manifest_from_before_there_were_movements_is_taken_over(journal: Any, tmp_path: Path) -> None:
    settings = settings_of(tmp_path, file_rows_max=1)
    journal.add([event(1), top_up(1)])
    write_all(settings, Clock())
    with closing(sqlite3.connect(settings.folder / MANIFEST_NAME)) as manifest:
        manifest.execute("delete from file where content = 'movements'")
        manifest.commit()
        manifest.executescript(BEFORE_MOVEMENTS)
    with RecordReader(settings.folder) as reader, pytest.raises(ManifestError, match="the record writer of this one"):
        list(reader.files())
    journal.add([event(2), top_up(2)])
    write_all(settings, Clock())
    assert [row["session_id"] for row in rows_of(settings.folder)] == ["sms;1", "sms;2"]
    assert moved_by(settings.folder) == ["top-up-2"]
    assert [file.sequence for flush in flushes_of(settings.folder) for file in flush.files] == [1, 1, 2, 2, 1]
