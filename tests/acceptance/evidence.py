"""Results of acceptance runs, a page a part in docs/evidence/: date, commit, machine, then what was seen."""

import datetime
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from bench.measure import commit_stamp, machine_stamp
from tests.tidy.sources import ROOT
from tests.tidy.tables import lines_of

FOLDER: Final = Path(os.environ.get("FAREBOX_EVIDENCE") or ROOT / "docs" / "evidence")
Value = str | int | float


def page(title: str, says: str, head: Sequence[str], rows: Sequence[Sequence[Value]]) -> str:
    """A page of evidence: what was to be shown, where, and the table."""
    machine = ", ".join(f"{name} {value}" for name, value in machine_stamp().items())
    now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    stamp = f"{now}, commit {commit_stamp(ROOT)}, {machine}.\n"
    return f"# {title}\n\n{says}\n\n{stamp}\n{lines_of(head, rows)}"


def write(name: str, title: str, says: str, head: Sequence[str], rows: Sequence[Sequence[Value]]) -> None:
    """Write `docs/evidence/<name>.md` in place of the last run's."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.md").write_text(page(title, says, head, rows))


def pairs(values: Mapping[str, Value]) -> list[tuple[str, Value]]:
    """Rows of a mapping."""
    return list(values.items())
