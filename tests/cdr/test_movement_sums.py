"""The table `movements` of journals that the real kernels wrote: what it comes to is what records hold and the audit has."""

from collections import Counter
from pathlib import Path

import pytest
from pyarrow import compute as pc

from balances.edge.segment_writer import SegmentLimits, SegmentWriter
from balances.invariants import read_record
from cdr.edge.read import read_movements
from tests.balances.audited_traffic import START_NS, RandomTraffic, played
from tests.cdr.edge.writing import NAMES, Clock, settings_of, work_off, write_all, writing
from tests.cdr.movement_twin import by_position, movements_of_segments
from tests.kills.movement_sums import movement_faults, sums_of
from vocabulary.instants import NS_PER_S
from vocabulary.units import UNIT_NAMES, Unit


def to_segments(traffic: RandomTraffic, folder: Path) -> None:
    """The traffic's journal, as the archiver leaves it."""
    segments = SegmentWriter(folder, 0, SegmentLimits(1 << 26, 10**18))
    segments.open()
    segments.append(traffic.entries(), START_NS)
    segments.sync()
    segments.close()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_rows_of_each_bucket_come_to_what_the_account_holds(tmp_path: Path, seed: int) -> None:
    traffic = played(seed)
    settings = settings_of(tmp_path, file_octets_max=20_000, partial_after_s=10**6)
    to_segments(traffic, settings.segments)
    clock = Clock(START_NS)
    for _ in range(3):  # killed twice: what was gathered and is in no file comes again
        with writing(settings, clock) as writer:
            for _ in range(2):
                writer.round()
    with writing(settings, clock) as writer:
        clock.now_ns += settings.file_age_s * NS_PER_S
        work_off(writer)
        writer.finish()
    write_all(settings, clock)
    table = read_movements(settings.folder)
    assert by_position(table.to_pylist()) == movements_of_segments(settings.segments, (0,), NAMES)
    assert movement_faults(settings.folder, settings.segments, (0,)) == []
    named = {row["kind"]: row["command_id"] is not None for row in table.to_pylist()}
    assert named.items() >= {("topped_up", True), ("charged", False)}, "top-ups have ids, usage has none"

    audit = traffic.audit()
    assert audit.is_sound
    held: Counter[tuple[int, int, str]] = Counter()
    for octets in traffic.records().values():
        account = read_record(octets)
        for bucket in account.buckets:
            name = (account.account_id, bucket.bucket_id, UNIT_NAMES[Unit(bucket.unit)])
            held[name] += bucket.remaining + bucket.reserved
    sums = sums_of(table)
    assert {bucket: amount for bucket, amount in sums.items() if amount} == {
        bucket: amount for bucket, amount in held.items() if amount
    }
    for totals in audit.totals:
        of_unit = sum(amount for (_, _, unit), amount in sums.items() if unit == UNIT_NAMES[totals.unit])
        assert of_unit == totals.remaining + totals.reserved
        for kind, amount in totals.by_kind.items():
            rows = table.filter((pc.field("kind") == kind.name.lower()) & (pc.field("unit") == UNIT_NAMES[totals.unit]))
            assert sum(rows["amount"].to_pylist()) == amount
