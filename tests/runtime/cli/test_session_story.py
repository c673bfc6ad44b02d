"""What `farebox session show` prints of sessions that are over."""

from dataclasses import replace
from pathlib import Path

import pytest

from balances.record import AccountStatus
from balances.store import EntryId
from catalog_loader.price_words import Catalogue
from runtime.cli.session_story import print_story
from runtime.explain.closed_sessions import closed_session
from runtime.explain.steps import Wanted, steps_of
from runtime.explain.stories import Story
from runtime.explain.words import explain
from tests.reference.journal_entries import entry_of, read_rows
from tests.runtime.explain.late_requests import records_of, refused, session_in_one
from vocabulary.outcomes import Outcome


def test_a_late_request_stands_beside_what_the_session_cost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    late = [refused(5, at_s, Outcome.UNKNOWN_SESSION_ID) for at_s in (50, 60)]
    found = closed_session(records_of(tmp_path, session_in_one(5), late), "pgw;5")
    assert found is not None
    print_story(Story(found, (), ""))
    said = capsys.readouterr().out
    assert "by termination" in said
    assert "2, the last with 5002: " in said
    assert "0.000014 EUR" in said
    assert Story(found, (), "").to_json()["refused_later"] == list(found.refused_later)


def test_without_late_requests_there_is_no_line_of_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = closed_session(records_of(tmp_path, session_in_one(5)), "pgw;5")
    assert found is not None
    print_story(Story(found, (), ""))
    assert "refused later" not in capsys.readouterr().out


def test_a_denied_session_says_whose_doing_it_was_above_as_below(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = replace(
        refused(5, 0, Outcome.END_USER_SERVICE_DENIED, request_type=1),
        usages=(),
        session_id=b"pgw;5",
        denied_status=int(AccountStatus.BARRED),
    )
    found = closed_session(records_of(tmp_path, [asked]), "pgw;5")
    assert found is not None
    wanted = Wanted(asked.tenant, asked.account_id, *asked.session)
    steps = steps_of(EntryId(5, 1), read_rows(entry_of([asked])), wanted)
    print_story(Story(found, tuple(explain(step, Catalogue()) for step in steps), ""))
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert sum("the account is barred" in line for line in lines) == 2
    assert any(
        line.startswith("result") and "4010: the account is barred. What helps: Resume" in line for line in lines
    )
    assert "Refused: the account is barred" in lines
    assert not any("closed or past its end" in line for line in lines)
