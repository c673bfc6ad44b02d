"""What `farebox session show` prints of sessions that are over."""

from pathlib import Path

import pytest

from runtime.cli.session_story import print_story
from runtime.explain.closed_sessions import closed_session
from runtime.explain.stories import Story
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
