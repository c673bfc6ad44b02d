"""The checks of records turn red: a row twice, a row missing, a micro too much, a file beside the manifest."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from bench.books import AccountsView, Books
from cdr.edge.read import read_records
from cdr.record_table import SCHEMA
from runtime.data_folder import DataFolder
from tests.cdr.edge.writing import Clock, session_rows, settings_of, work_off, writing
from tests.cdr.journals import Journal
from tests.kills.record_sums import (
    JournalSums,
    counting_entries,
    file_faults,
    open_record_faults,
    row_faults,
    sum_faults,
)

SESSIONS = 3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    """Three ended sessions and their records."""
    folder = DataFolder(tmp_path_factory.mktemp("data"))
    settings = settings_of(folder.path)
    journal = Journal(settings.segments, 0)
    for number in range(SESSIONS):
        for rows in session_rows(number, tenant=1, update_count=2):
            journal.add([replace(row, account_id=1 + number) for row in rows])
    journal.close()
    clock = Clock()
    with writing(settings, clock) as writer:
        work_off(writer)
        writer.finish()
    return folder


@pytest.fixture
def sums(folder: DataFolder) -> JournalSums:
    """What its journal says. Its entries have no movements, so what the usages name as charged stands for these."""
    found = JournalSums()
    for _, entry in counting_entries(folder.segments, 0):
        found.add(entry)
        accounts = entry.requests["account_id"][entry.usages["request"]].tolist()
        for account, micros in zip(accounts, entry.usages["charged_micros"].tolist(), strict=True):
            found.charged[account] = found.charged.get(account, 0) + micros
    return found


@pytest.fixture
def table(folder: DataFolder) -> pa.Table:
    """Its records."""
    return read_records(folder.records)


def first_account_of(sums: JournalSums) -> int:
    return min(sums.charged)


def books_of(sums: JournalSums) -> Books:
    """Books that agree with the journal."""
    first = first_account_of(sums)
    charged = np.zeros(max(sums.charged) - first + 1, np.int64)
    for account, amount in sums.charged.items():
        charged[account - first] = amount
    none = np.zeros_like(charged)
    return Books(AccountsView(none, none, none, none, charged), none.astype(np.uint8), none, 0, none)


def faults_of(folder: DataFolder, table: pa.Table, sums: JournalSums, books: Books) -> list[str]:
    sound = [*file_faults(folder.records, table), *row_faults(table)]
    return [*sound, *sum_faults(table, sums, first_account_of(sums), books)]


def test_sound_records_have_no_fault(folder: DataFolder, table: pa.Table, sums: JournalSums) -> None:
    assert faults_of(folder, table, sums, books_of(sums)) == []
    assert open_record_faults(folder, sums) == []
    assert (sums.ended_count, sums.open_accounts) == (SESSIONS, {})
    assert sum(sums.charged.values()) > 0


def test_row_that_comes_twice(folder: DataFolder, table: pa.Table, sums: JournalSums) -> None:
    faults = faults_of(folder, pa.concat_tables([table, table.slice(0, 1)]), sums, books_of(sums))
    assert any("1 rows come twice" in fault for fault in faults)
    assert any("have a second record" in fault for fault in faults)


def test_row_that_is_missing(folder: DataFolder, table: pa.Table, sums: JournalSums) -> None:
    faults = faults_of(folder, table.slice(1), sums, books_of(sums))
    assert any("the reader gives" in fault for fault in faults)
    assert any("the books say" in fault for fault in faults)
    assert any("the journal decided" in fault for fault in faults)


def test_micro_too_much(folder: DataFolder, table: pa.Table, sums: JournalSums) -> None:
    place = SCHEMA.get_field_index("charged_micros")
    more = pa.array([value + (row == 0) for row, value in enumerate(table.column("charged_micros").to_pylist())])
    faults = faults_of(folder, table.set_column(place, SCHEMA.field(place), more), sums, books_of(sums))
    assert [fault.partition(":")[0] for fault in faults] == ["records"]


def test_journal_that_charged_less_than_the_books(folder: DataFolder, table: pa.Table, sums: JournalSums) -> None:
    books = books_of(sums)
    sums.charged[first_account_of(sums)] -= 1
    assert [fault.partition(":")[0] for fault in faults_of(folder, table, sums, books)] == ["journal"]
    assert open_record_faults(folder, sums) != []


def test_file_beside_the_manifest(folder: DataFolder, table: pa.Table) -> None:
    (there,) = folder.records.glob("tenant=*/day=*/*.parquet")
    stranger = there.with_name("0000000099.parquet")
    stranger.write_bytes(there.read_bytes())
    half = folder.records / "writing" / "x"
    half.write_bytes(b"")
    try:
        faults = file_faults(folder.records, table)
    finally:
        stranger.unlink()
        half.unlink()
    assert any("not in the manifest" in fault for fault in faults)
    assert any("half-written" in fault for fault in faults)


def test_missing_file(folder: DataFolder, table: pa.Table, tmp_path: Path) -> None:
    (there,) = folder.records.glob("tenant=*/day=*/*.csv")
    aside = there.rename(tmp_path / there.name)
    try:
        faults = file_faults(folder.records, table)
    finally:
        aside.rename(there)
    assert any("CSV and Parquet differ" in fault for fault in faults)
