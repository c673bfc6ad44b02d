"""The record writer killed at every point, twice, and started again: each event of the journal is in exactly one file row."""

import os
import signal
from collections import Counter

import pytest
from pyarrow import parquet

from runtime.kill_points import KILL_POINTS
from tests.cdr.edge.writing import event, rows_of, session_rows, settings_of, twin_of
from tests.cdr.journals import Journal
from tests.cdr.twin import ROW_NAMES
from tests.reference.forks import start_module
from tests.reference.journal_entries import FIRST_NS, S

POINTS = [point.name for point in KILL_POINTS if point.process == "records"]
ENTRIES = 12


@pytest.fixture
def settings(tmp_path):
    """Two partitions with sessions that overlap, of two tenants, and events."""
    settings = settings_of(tmp_path, partitions=(0, 1))
    for partition in settings.partitions:
        journal = Journal(settings.segments, partition, segment_octets=4000)
        sessions = [session_rows(10 * partition + n, tenant=1 + n % 2, update_count=2 + n) for n in range(5)]
        for index in range(ENTRIES):
            rows = [session[index - n][0] for n, session in enumerate(sessions) if n <= index < n + len(session)]
            rows.append(event(100 * partition + index, received_ns=FIRST_NS + index * S))
            journal.add(rows)
        journal.close()
    return settings


def run(settings, kill_at=""):
    folder = settings.folder.parent
    environment = {name: value for name, value in os.environ.items() if name != "FAREBOX_KILL_AT"}
    if kill_at:
        environment["FAREBOX_KILL_AT"] = kill_at
    arguments = (str(folder), f"5-{ENTRIES}")
    process = start_module(
        "tests.cdr.edge.writer_process", *arguments, log=folder / "writer.log", environment=environment
    )
    return process.wait(60)


def without_number(rows):
    """Rows with what doesn't depend on when files were closed."""
    return Counter(tuple((name, row[name]) for name in ROW_NAMES if name != "sequence") for row in rows)


@pytest.mark.parametrize("point", POINTS)
def test_killed_at(point, settings):
    for times in (2, 1):
        assert run(settings, f"{point}:{times}") == -signal.SIGKILL
    assert run(settings) == 0
    rows = rows_of(settings.folder)
    wanted = [row for partition in (0, 1) for row in twin_of(settings.segments, partition=partition).rows]
    assert without_number(rows) == without_number(wanted)
    for partition in (0, 1):
        numbers = [row["sequence"] for row in rows if row["partition"] == partition]
        assert numbers == list(range(1, len(numbers) + 1))
    assert list((settings.folder / "writing").iterdir()) == []
    on_disk = list(settings.folder.glob("tenant=*/day=*/*.parquet"))
    assert sum(parquet.read_metadata(path).num_rows for path in on_disk) == len(rows), "a file beside the manifest"
