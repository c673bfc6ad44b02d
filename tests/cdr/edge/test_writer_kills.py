"""The record writer killed at every point, twice, and started again: each event of the journal is in exactly one file row."""

import os
import signal
from collections import Counter
from dataclasses import replace

import pytest
from pyarrow import parquet

from balances.journal import MovementKind
from cdr.edge.read import read_movements
from runtime.kill_points import KILL_POINTS
from tests.cdr.edge.writing import NAMES, event, rows_of, session_rows, settings_of, twin_of
from tests.cdr.journals import Journal
from tests.cdr.movement_twin import by_position, movements_of_segments
from tests.cdr.twin import ROW_NAMES
from tests.kills.movement_sums import movement_faults
from tests.reference.forks import start_module
from tests.reference.journal_entries import FIRST_NS, Asked, Moved, S

POINTS = [point.name for point in KILL_POINTS if point.process == "records"]
ENTRIES = 12
PAID = Moved(kind=int(MovementKind.CHARGED), amount=7, held=-7, usage=0)
CREDITED = Moved(kind=int(MovementKind.TOPPED_UP), amount=100)


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
            rows.append(Asked(kind=1, tenant=1 + index % 2, session_id=b"top-up-%d" % index, moved=(CREDITED,)))
            rows = [replace(row, account_id=row.tenant, moved=(PAID,) if row.usages else row.moved) for row in rows]
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
    moved = read_movements(settings.folder)
    assert by_position(moved.to_pylist()) == movements_of_segments(settings.segments, (0, 1), NAMES)
    assert movement_faults(settings.folder, settings.segments, (0, 1)) == []
    files = list((settings.folder / "movements").glob("tenant=*/day=*/*.parquet"))
    assert sum(parquet.read_metadata(path).num_rows for path in files) == len(moved), "a file beside the manifest"
    on_disk = list(settings.folder.glob("tenant=*/day=*/*.parquet"))
    assert sum(parquet.read_metadata(path).num_rows for path in on_disk) == len(rows), "a file beside the manifest"
