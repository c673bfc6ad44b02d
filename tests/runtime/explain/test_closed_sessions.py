"""Sessions that are over are found in the charging records, by Session-Id or as the last ones of an account."""

from dataclasses import replace
from pathlib import Path

import pytest

from runtime.explain.closed_sessions import closed_session, closed_sessions_of
from tests.cdr.edge.writing import Clock, event, session_rows, settings_of, work_off, writing
from tests.cdr.journals import Journal
from tests.reference.journal_entries import FIRST_NS, S
from tests.runtime.explain.late_requests import records_of, refused, session_in_one
from vocabulary.outcomes import Outcome


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """Records of five sessions of three accounts, in many files; session 3 came twice, session 4 has partial records."""
    settings = settings_of(tmp_path, file_rows_max=2, partial_after_s=100, file_age_s=10)
    journal, clock = Journal(settings.segments), Clock()
    with writing(settings, clock) as writer:
        for number, account, at_s in ((1, 1, 0), (2, 2, 10), (3, 3, 20), (3, 3, 500)):
            for rows in session_rows(number, first_ns=FIRST_NS + at_s * S):
                journal.add([replace(row, account_id=account) for row in rows])
            work_off(writer)
        long = [replace(rows[0], account_id=1) for rows in session_rows(4, update_count=4, first_ns=FIRST_NS + 600 * S)]
        for row in long:
            journal.add([row])
            clock.now_ns += 800 * S
            work_off(writer)
        journal.add([event(9)])
        work_off(writer)
        writer.finish()
    journal.close()
    return settings.folder


def test_a_session_is_found_by_its_id(records: Path) -> None:
    found = closed_session(records, "pgw;2")
    assert found is not None
    assert (found.session_id, found.last["account_id"], found.last["closed_by"]) == ("pgw;2", 2, "termination")
    assert found.last["charged_micros"] == 14
    assert closed_session(records, "pgw;77") is None


def test_of_a_session_id_that_came_again_the_last_is_meant(records: Path) -> None:
    found = closed_session(records, "pgw;3")
    assert found is not None
    assert {row["session_opened_ns"] for row in found.rows} == {FIRST_NS + 500 * S}


def test_partial_records_are_one_session(records: Path) -> None:
    found = closed_session(records, "pgw;4")
    assert found is not None
    partials = [row["partial_sequence"] for row in found.rows]
    assert partials == list(range(1, len(partials) + 1))
    assert len(partials) > 2
    assert sum(row["charged_micros"] for row in found.rows) == 4 * 7
    assert (found.rows[0]["closed_by"], found.last["closed_by"]) == ("time_limit", "termination")


def test_the_last_sessions_of_an_account(records: Path) -> None:
    assert [found.session_id for found in closed_sessions_of(records, [1], 5)][:1] == ["pgw;4"]
    assert {found.session_id for found in closed_sessions_of(records, [1], 5)} == {"pgw;4", "pgw;1", "sms;9"}
    assert [found.session_id for found in closed_sessions_of(records, [3], 1)] == ["pgw;3"]
    assert closed_sessions_of(records, [99], 5) == []


def test_of_a_session_id_that_two_accounts_had_that_of_the_account_is_meant(tmp_path: Path) -> None:
    first = [replace(row, account_id=7) for row in session_in_one(5)]
    late = replace(refused(5, 90, Outcome.UNKNOWN_SESSION_ID), account_id=7)
    records = records_of(tmp_path, first, session_in_one(5, at_s=50), [late])
    for account_id, opened_ns, late_count in ((7, FIRST_NS, 1), (1, FIRST_NS + 50 * S, 0)):
        found = closed_session(records, "pgw;5", account_id)
        assert found is not None
        assert {row["account_id"] for row in (*found.rows, *found.refused_later)} == {account_id}
        assert (found.last["session_opened_ns"], found.refused_later_count) == (opened_ns, late_count)
    newest = closed_session(records, "pgw;5")
    assert newest is not None
    assert newest.last["account_id"] == 1
    assert closed_session(records, "pgw;5", 8) is None


def test_so_many_files_are_looked_through(records: Path) -> None:
    assert closed_session(records, "pgw;1", files_max=1) is None
    assert closed_session(records, "pgw;1") is not None


def test_where_there_are_no_records_there_is_no_session(tmp_path: Path) -> None:
    assert closed_session(tmp_path, "pgw;1") is None
    assert closed_sessions_of(tmp_path, [1], 3) == []


def test_what_comes_late_for_a_session_does_not_hide_what_it_cost(tmp_path: Path) -> None:
    late = [[refused(5, 50, Outcome.UNKNOWN_SESSION_ID)], [refused(5, 60, Outcome.INVALID_AVP_VALUE, request_type=3)]]
    records = records_of(tmp_path, session_in_one(5), *late)
    for found in (closed_session(records, "pgw;5"), *closed_sessions_of(records, [1], 1)):
        assert found is not None
        assert (found.last["closed_by"], found.last["charged_micros"]) == ("termination", 14)
        assert found.refused_later_count == 2
        assert [row["result_code"] for row in found.refused_later] == [5002, 5004]
        assert sum(row["uncharged_units"] for row in found.refused_later) == 100
    assert len(closed_sessions_of(records, [1], 5)) == 1


def test_what_was_refused_before_a_session_was_open_is_not_late(tmp_path: Path) -> None:
    before = [refused(5, 0, Outcome.END_USER_SERVICE_DENIED, request_type=1)]
    records = records_of(tmp_path, before, session_in_one(5, at_s=100))
    found = closed_session(records, "pgw;5")
    assert found is not None
    assert (found.last["closed_by"], found.refused_later) == ("termination", ())


def test_a_session_id_that_was_only_ever_refused_shows_the_last_refusal(tmp_path: Path) -> None:
    denied = refused(5, 0, Outcome.END_USER_SERVICE_DENIED, request_type=1)
    records = records_of(tmp_path, [denied], [refused(5, 9, Outcome.UNKNOWN_SESSION_ID)])
    for found in (closed_session(records, "pgw;5"), *closed_sessions_of(records, [1], 1)):
        assert found is not None
        assert (found.last["closed_by"], found.last["result_code"], found.refused_later) == ("refusal", 5002, ())


def test_each_session_of_an_id_is_one_of_the_account(tmp_path: Path) -> None:
    late = [refused(5, 90, Outcome.UNKNOWN_SESSION_ID)]
    records = records_of(tmp_path, session_in_one(5), session_in_one(5, at_s=50), late)
    found = closed_sessions_of(records, [1], 5)
    assert [each.last["session_opened_ns"] for each in found] == [FIRST_NS + 50 * S, FIRST_NS]
    assert [each.refused_later_count for each in found] == [1, 0]
