"""A run that must have the specifications does not pass without them."""

from pathlib import Path

import pytest

from tests.reference.specifications import REQUIRED, VARIABLE, specifications


def test_the_folder_is_what_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert specifications() == tmp_path


@pytest.mark.parametrize(
    ("folder", "required", "outcome"),
    [
        ("", "", pytest.skip.Exception),
        ("", "1", pytest.fail.Exception),
        ("/nowhere/at/all", "", pytest.fail.Exception),
        ("/nowhere/at/all", "1", pytest.fail.Exception),
    ],
)
def test_without_it_a_test_is_skipped_and_fails_where_it_is_required(
    folder: str, required: str, outcome: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, folder)
    monkeypatch.setenv(REQUIRED, required)
    with pytest.raises(outcome, match="name the folder of specifications"):
        specifications()
