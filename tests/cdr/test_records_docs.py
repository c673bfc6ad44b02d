"""What docs/records.md shows in Python is run, on a folder of records with movements."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.cdr.edge.writing import Clock, settings_of, work_off, writing
from tests.cdr.journals import Journal
from tests.reference.journal_entries import Asked, Moved, Used

DOCS = Path(__file__).parent.parent.parent / "docs" / "records.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", DOCS.read_text(), re.MULTILINE | re.DOTALL)
OPENED, TOPPED_UP, CHARGED = 1, 2, 16


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the names of each example stand for once it has run."""
    journal = Journal(tmp_path / "data" / "segments")
    opened = (Moved(OPENED, 1000), Moved(OPENED, 500, bucket_id=2, unit=1, allowance=7))
    used = Used(rating_group=10, used_units=80, charged_micros=30, price=1, offer=1, release=1)
    paid = (Moved(CHARGED, 30, held=-50, usage=0), Moved(CHARGED, 80, bucket_id=2, unit=1, allowance=7, usage=0))
    journal.add([Asked(kind=1, session_id=b"open", moved=opened), Asked(type=4, usages=(used,), moved=paid)])
    journal.add(
        [Asked(kind=1, session_id=b"voucher", moved=(Moved(TOPPED_UP, 5),)), Asked(kind=1, tenant=2, moved=opened)]
    )
    journal.close()
    with writing(settings_of(tmp_path / "data"), Clock()) as writer:
        work_off(writer)
        writer.finish()
    monkeypatch.chdir(tmp_path)
    found = []
    for text in EXAMPLES:
        names: dict[str, Any] = {}
        exec(compile(text, str(DOCS), "exec"), names)
        found.append(names)
    return found


def test_examples_do_what_they_say(shown: list[dict[str, Any]]) -> None:
    (movements,) = [names for names in shown if "left" in names]
    left = {(row["bucket_id"], row["unit"]): row["left_sum"] for row in movements["left"].to_pylist()}
    assert left == {(1, "micros"): 975, (2, "octets"): 420}
    (records,) = [names for names in shown if "position" in names]
    assert records["position"] == 1
    assert len(shown) == len(EXAMPLES) == 2
