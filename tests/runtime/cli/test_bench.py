"""What `farebox bench` refuses before it runs anything."""

from pathlib import Path

from tests.runtime.typed_words import typed


def test_a_result_without_floors_is_not_begun_where_it_could_not_be_saved(tmp_path: Path) -> None:
    saved = tmp_path / "run.json"
    result = typed("bench", "gy", "--floors", "0", "--save", str(saved), "--duration", "1")
    assert result.exit_code == 2
    assert "--save: a result is saved with its floors: give --floors more than 0" in result.output
    assert not saved.exists()
