"""The record writer over real segment files: what becomes a row, when files are closed, restarts."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from pyarrow import csv, parquet

from cdr.edge import writer as writer_module
from cdr.edge.read import read_records
from cdr.edge.record_folder import RecordsLockedError
from cdr.edge.writer import RecordWriter
from cdr.edge.writer_settings import UnknownTenantError
from cdr.manifest import ManifestError
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
from tests.reference.journal_entries import FIRST_NS, Asked, S

DAY_S = 86400


def add_sessions(journal: Journal, numbers: range, **more: Any) -> None:
    """Sessions whose entries interleave."""
    for entries in zip(*[session_rows(number, **more) for number in numbers], strict=True):
        journal.add([row for entry in entries for row in entry])


def test_sessions_and_events_become_rows_of_files(journal, tmp_path):
    settings = settings_of(tmp_path)
    add_sessions(journal, range(1, 9))
    journal.add([event(1), event(2)])
    write_all(settings, Clock())
    rows = rows_of(settings.folder)
    assert named(rows) == twin_of(settings.segments).rows
    assert sum(row["charged_micros"] for row in rows) == 8 * 2 * 7 + 2 * 40
    assert {row["tenant_name"] for row in rows} == {"acme"}


def test_csv_holds_the_rows_of_parquet(journal, tmp_path):
    settings = settings_of(tmp_path)
    add_sessions(journal, range(1, 4))
    journal.add([Asked(session=(5, 5), type=2, outcome=9, session_id=b'a "quoted", one\n\xff')])
    write_all(settings, Clock())
    (flush,) = flushes_of(settings.folder)
    text, columns = (settings.folder / file.name for file in flush.files)
    assert (text.suffix, columns.suffix) == (".csv", ".parquet")
    wanted = parquet.read_table(columns, partitioning=None)
    options = csv.ConvertOptions(
        column_types=wanted.schema,
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        timestamp_parsers=[csv.ISO8601],
    )
    found = csv.read_csv(text, parse_options=csv.ParseOptions(newlines_in_values=True), convert_options=options)
    assert found.to_pylist() == wanted.to_pylist()
    assert found["session_id"].to_pylist()[-1] == 'a "quoted", one\n?'
    lines = text.read_text().splitlines()
    assert "2026-09-21T14:13:20.000Z" in lines[1]
    for file in flush.files:
        octets = (settings.folder / file.name).read_bytes()
        assert (file.octets, file.sha256) == (len(octets), hashlib.sha256(octets).hexdigest())
        assert (file.row_count, file.record_count, file.sequence) == (4, 4, 1)


def test_tenants_and_days_have_their_own_folders(journal, tmp_path):
    settings = settings_of(tmp_path)
    journal.add([event(1), event(2, tenant=2), event(3, received_ns=FIRST_NS + DAY_S * S), event(4)])
    write_all(settings, Clock())
    (flush,) = flushes_of(settings.folder)
    names = [(file.name, file.row_count, file.sequence) for file in flush.files if file.format == "csv"]
    assert names == [
        ("tenant=acme/day=2026-09-21/0000000001.csv", 2, 1),
        ("tenant=acme/day=2026-09-22/0000000002.csv", 1, 2),
        ("tenant=other%20telecom%2F%C3%A9/day=2026-09-21/0000000001.csv", 1, 1),
    ]
    assert read_records(settings.folder, tenant=NAMES[2])["session_id"].to_pylist() == ["sms;2"]


def test_files_end_at_rows_octets_and_age(journal, tmp_path):
    clock = Clock()
    settings = settings_of(tmp_path, file_rows_max=5, file_age_s=10)
    for number in range(12):
        journal.add([event(number)])
    with writing(settings, clock) as writer:
        work_off(writer)
        assert [flush.files[0].row_count for flush in flushes_of(settings.folder)] == [5, 5]
        clock.now_ns += 9 * S
        work_off(writer)
        assert writer.progress.record_count == 10
        clock.now_ns += S
        work_off(writer)
        assert writer.progress.record_count == 12
    journal.add([event(number) for number in range(100, 120)])
    with writing(settings_of(tmp_path, file_octets_max=3000), clock) as writer:
        work_off(writer)
        assert writer.progress.record_count == 20
        assert all(file.octets <= 20 * 700 for file in flushes_of(settings.folder)[-1].files)


def test_the_estimate_of_a_files_size_is_never_too_small(journal, tmp_path):
    settings = settings_of(tmp_path)
    row = Asked(session=(1, 1), type=4, account_id=2**63 - 1, session_id=b'"' * 500, service_information=b"\xff" * 900)
    journal.add([row, event(2)])
    with writing(settings, Clock()) as writer:
        writer.round()
        estimate = writer._finished.file_octets
        writer.finish()
    (flush,) = flushes_of(settings.folder)
    header = len((settings.folder / flush.files[0].name).read_bytes().splitlines()[0])
    assert flush.files[0].octets - header <= estimate


def test_usage_with_details_ends_a_record_that_has_them_as_they_came(journal, tmp_path):
    settings = settings_of(tmp_path)
    begin, first, second, end = (row for (row,) in session_rows(1))
    details = [b'{"multipleUnitUsage":[{"ratingGroup":10,"usedUnitContainer":[{"qFI":%d}]}]}' % flow for flow in (5, 6)]
    first, second = (replace(row, service_information=said) for row, said in zip((first, second), details, strict=True))
    journal.add([begin, first])
    journal.add([second, replace(end, service_information=b"\x02\xfe")])
    write_all(settings, Clock())
    rows = rows_of(settings.folder)
    assert [row["closed_by"] for row in rows] == ["usage_details", "usage_details", "termination"]
    assert [row["partial_sequence"] for row in rows] == [1, 2, 3]
    assert [bytes.fromhex(row["service_information"]) for row in rows] == [*details, b"\x02\xfe"]
    assert [(row["request_count"], row["used_units"]) for row in rows] == [(2, 100), (1, 100), (1, 0)]
    assert named(rows) == twin_of(settings.segments).rows


def test_states_of_a_session_stay_and_reports_are_on_record_once(journal, tmp_path):
    """What is said once, and not again, is in each record; what is reported in one of them, and in that alone."""
    settings = settings_of(tmp_path)
    begin, first, second, end = (row for (row,) in session_rows(1))
    said = (
        b'{"chargingId":7,"pDUSessionChargingInformation":{"dnnId":"a"}}',
        b'{"roamingQBCInformation":{"multipleQFIcontainer":[1]},"multipleUnitUsage":[],"easid":"E"}',
        b'{"roamingQBCInformation":{"multipleQFIcontainer":[2]},"multipleUnitUsage":[],"easid":"F"}',
        b"",
    )
    rows = zip((begin, first, second, end), said, strict=True)
    journal.add([replace(row, service_information=information) for row, information in rows])
    write_all(settings, Clock())
    states = b'"easid":"%s",' + said[0][1:]
    assert [bytes.fromhex(row["service_information"]) for row in rows_of(settings.folder)] == [
        said[1].removesuffix(b'"easid":"E"}') + states % b"E",
        said[2].removesuffix(b'"easid":"F"}') + states % b"F",
        b"{" + states % b"F",
    ]


def test_open_sessions_get_partial_records_at_the_time_limit(journal, tmp_path):
    clock = Clock()
    settings = settings_of(tmp_path, partial_after_s=100, file_age_s=10)
    entries = session_rows(1, update_count=3)
    with writing(settings, clock) as writer:
        journal.add(entries[0])
        journal.add(entries[1])
        clock.now_ns += 99 * S
        work_off(writer)
        assert rows_of(settings.folder) == []
        clock.now_ns += 10 * S
        work_off(writer)
        clock.now_ns += 110 * S
        work_off(writer)
        journal.add(entries[2])
        journal.add(entries[3])
        journal.add(entries[4])
        work_off(writer)
        writer.finish()
    rows = rows_of(settings.folder)
    said = [
        (row["partial_sequence"], row["cause_for_closing"], row["request_count"], row["used_units"]) for row in rows
    ]
    assert said == [(1, 17, 2, 100), (2, 17, 0, 0), (3, 0, 3, 200)]
    assert [row["opened_ns"] for row in rows[1:]] == [row["closed_ns"] for row in rows[:-1]]
    assert {row["session_opened_ns"] for row in rows} == {FIRST_NS}
    assert {row["session_id"] for row in rows} == {"pgw;1"}


def test_supervised_and_renewed_sessions_are_records_with_their_cause(journal, tmp_path):
    settings = settings_of(tmp_path)
    for number in (1, 2):
        journal.add([*session_rows(number)[0], *session_rows(number)[1]])
    for number, ended in ((1, 2), (2, 3)):
        journal.add([Asked(session=(number, number * 8), kind=2, type=0, ended_session=ended)])
    journal.add([event(1), Asked(session=(9, 9), type=1, outcome=11, session_id=b"refused")])
    write_all(settings, Clock())
    said = [(row["closed_by"], row["cause_for_closing"], row["result_code"]) for row in rows_of(settings.folder)]
    assert said == [("supervision", 4, 2001), ("new_session", 4, 2001), ("event", 0, 2001), ("refusal", 4, 4010)]


def test_time_limits_are_kept_also_while_files_fill_up(journal, tmp_path):
    clock = Clock()
    settings = settings_of(tmp_path, partial_after_s=100, file_age_s=10, file_rows_max=2)
    journal.add([row for number in range(1, 6) for row in session_rows(number)[0]])
    with writing(settings, clock) as writer:
        work_off(writer)
        clock.now_ns += 100 * S
        journal.add([event(number) for number in range(4)], now_ns=clock.now_ns)
        work_off(writer)
        rows = rows_of(settings.folder)
        assert sorted(row["session_id"] for row in rows if row["closed_by"] == "time_limit") == [
            f"pgw;{number}" for number in range(1, 6)
        ]
        counts = [flush.files[0].row_count for flush in flushes_of(settings.folder)]
        assert counts == [4, 2, 2, 1]


# --- restarts


@pytest.mark.parametrize("checkpoint_octets_min", [0, 2_000, 1 << 30])
@pytest.mark.parametrize("ends_cleanly", [True, False])
def test_goes_on_where_it_was(journal, tmp_path, checkpoint_octets_min, ends_cleanly):
    """A writer that stops after each few rounds and starts again writes what one writer would have written."""
    clock = Clock()
    settings = settings_of(
        tmp_path,
        checkpoint_octets_min=checkpoint_octets_min,
        checkpoint_state_times=0,
        file_rows_max=3,
        partial_after_s=40,
        file_age_s=5,
    )
    for turn in range(8):
        add_sessions(journal, range(10 * turn, 10 * turn + 4), first_ns=clock.now_ns)
        journal.add(session_rows(1000 + turn, first_ns=clock.now_ns)[0])
        clock.now_ns += 20 * S
        with writing(settings, clock) as writer:
            work_off(writer)
            if ends_cleanly:
                writer.finish()
    clock.now_ns += 10 * S
    with writing(settings, clock) as writer:
        clock.now_ns += 5 * S
        work_off(writer)
        writer.finish()
    rows = rows_of(settings.folder)
    whole = [row for row in rows if row["closed_by"] == "termination"]
    assert len(whole) == len({row["session_id"] for row in whole}) == 32
    assert sum(row["charged_micros"] for row in rows) == 32 * 2 * 7
    assert {row["session_id"] for row in rows if row["closed_by"] == "time_limit"} >= {
        f"pgw;{1000 + n}" for n in range(6)
    }
    assert [row["sequence"] for row in rows] == list(range(1, len(rows) + 1))


def test_a_damaged_checkpoint_costs_time_and_nothing_else(journal, tmp_path):
    settings = settings_of(tmp_path, checkpoint_octets_min=0)
    add_sessions(journal, range(1, 4))
    journal.add(session_rows(50)[0])
    write_all(settings, Clock())
    (checkpoint,) = (settings.folder / "checkpoints").iterdir()
    checkpoint.write_bytes(b"\0" + checkpoint.read_bytes()[1:])
    for entry in session_rows(50)[1:]:
        journal.add(entry)
    write_all(settings, Clock())
    assert named(rows_of(settings.folder)) == twin_of(settings.segments).rows


def test_segments_of_another_store_are_refused(journal, tmp_path):
    settings = settings_of(tmp_path)
    journal.add([event(1)])
    journal.add([event(2)])
    with writing(settings, Clock()) as writer:
        work_off(writer)
        writer._flush()
    journal.close()
    for path in (settings.segments / "p0").iterdir():
        path.unlink()
    other = Journal(settings.segments)
    other.add([event(1), event(3)])
    with pytest.raises(ManifestError, match="records were written up to 5-2: restore the segment files"):
        write_all(settings, Clock())
    other.add([event(2)])
    with pytest.raises(ManifestError, match="give other records than were written up to 5-2"):
        write_all(settings, Clock())
    other.close()


def test_one_writer_a_folder(tmp_path):
    settings = settings_of(tmp_path)
    with writing(settings, Clock()), pytest.raises(RecordsLockedError, match="another record writer works in"):
        RecordWriter(settings, NAMES, now_ns=Clock())
    RecordWriter(settings, NAMES, now_ns=Clock()).close()


def test_records_of_an_unknown_tenant_wait_for_its_name(journal, tmp_path):
    names = {1: "acme"}
    settings = settings_of(tmp_path, file_rows_max=1)
    journal.add([event(1), event(2, tenant=5)])
    writer = RecordWriter(settings, names, now_ns=Clock())
    writer.start()
    for _ in range(2):
        with pytest.raises(UnknownTenantError, match="no name is known of tenant 5"):
            writer.round()
    names[5] = "five"
    work_off(writer)
    writer.close()
    assert sorted(row["tenant_name"] for row in rows_of(settings.folder)) == ["acme", "five"]


def test_no_more_is_read_while_a_tenant_has_no_name(journal, tmp_path, monkeypatch):
    """What is gathered piece by piece asks for the name early: it must not grow with each round that asks again."""
    monkeypatch.setattr(writer_module, "PIECE_ROWS", 4)
    names = {1: "acme"}
    settings = settings_of(tmp_path, file_rows_max=8)
    for number in range(100):
        journal.add([event(number, tenant=5)])
    writer = RecordWriter(settings, names, now_ns=Clock())
    writer.start()
    for _ in range(20):
        with pytest.raises(UnknownTenantError):
            writer.round()
    assert writer.progress.entry_counts == {0: 8}, "a file's worth"
    names[5] = "five"
    work_off(writer)
    writer.finish()
    writer.close()
    assert len(rows_of(settings.folder)) == 100
    assert max(file.row_count for flush in flushes_of(settings.folder) for file in flush.files) == 8
