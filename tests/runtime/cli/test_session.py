"""`farebox session` where there is nothing to show: whose fault that is, in words and by the exit code."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.runtime.cli.typed import Farebox
from tests.runtime.explain.late_requests import records_of, session_in_one


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("list", "491709999999"), "no account of tenant default has 491709999999: --tenant says whose it is"),
        (("list", "imsi:x"), "6 to 15 digits"),
        (("list", ""), '"" is no identity'),
        (("list", "--tenant", "nosuch"), "tenant nosuch is not known (known: "),
        (("list", "491709999999", "--tenant", "nosuch"), "tenant nosuch is not known (known: "),
        (("show", "491709999999", "--tenant", "nosuch"), "tenant nosuch is not known (known: "),
        *(((word, " "), "the session is empty: write a Session-Id") for word in ("show", "reauth", "abort")),
        *(((word, ""), "the session is empty: write a Session-Id") for word in ("show", "reauth", "abort")),
    ],
)
def test_who_is_not_known_is_refused(farebox: Farebox, words: tuple[str, ...], said: str) -> None:
    ended = farebox("session", *words)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert said in ended.stderr


def test_who_has_no_open_session_has_an_empty_list(farebox: Farebox) -> None:
    assert farebox("subscriber", "add", "--imsi", "001010000007001", "--offer", "prepaid-start").exit_code == 0
    for words in (("imsi:001010000007001",), ("--tenant", "default"), ()):
        ended = farebox("session", "list", *words, "--json")
        assert (ended.exit_code, json.loads(ended.stdout)) == (0, [])


def test_a_ref_means_the_session_of_its_account_once_it_is_over_too(farebox: Farebox, tmp_path: Path) -> None:
    name = "ab" * 16
    rows = [replace(row, session_id=f"nchf;{name}".encode()) for row in session_in_one(5)]
    records_of(tmp_path, [replace(row, account_id=7) for row in rows], [replace(row, account_id=8) for row in rows])
    for account_id in (7, 8):
        ended = farebox("session", "show", f"{name}{account_id:016x}{0:016x}", "--json", "--data-dir", str(tmp_path))
        assert ended.exit_code == 0, ended.output
        assert [one["account_id"] for one in json.loads(ended.stdout)] == [account_id]
    ended = farebox("session", "show", f"{name}{9:016x}{0:016x}", "--data-dir", str(tmp_path))
    assert (ended.exit_code, "no session" in ended.stdout) == (1, True)
