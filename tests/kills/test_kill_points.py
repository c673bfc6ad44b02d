"""A `farebox up` under load that dies at every kill point in turn, and whose store is killed: nothing answered is lost.

Front ends, engine, notifier, archiver and record writer are armed at once; each start takes the next point of its own, so
that a process finds what its last death left, while the others die beside it. The longest lists have engine and notifier.
"""

import os
import random
import sys
from collections import Counter
from pathlib import Path
from threading import Event

import pytest

from runtime.kill_points import KILL_POINTS, PROCESS_OF
from tests.kills.loaded_up import BEHIND_AN_ENGINE, READY, LoadedUp, kill_plan, nchf_plan, report_of
from tests.kills.told_sessions import SETTINGS as TOLD
from tests.kills.told_sessions import ToldSessions, die_at_each

AT_THE_ENGINE = ("engine.rows_taken", "engine.answers_returned")
HANDING_OVER = [point for point in KILL_POINTS if point.process in ("gy", "chf") or point.name in AT_THE_ENGINE]
"""Points that are passed where front ends are processes of their own only."""
OF_SEVERAL = ("engine.partition_claimed", "engine.partition_given")
"""Points of engines that share the partitions (test_several_engines.py)."""
OF_NOTIFIER = [point for point in KILL_POINTS if point.process == "notifier"]
"""They are passed where somebody is told something."""
OTHERS = [
    point
    for point in KILL_POINTS
    if point not in (*HANDING_OVER, *OF_NOTIFIER) and point.name not in OF_SEVERAL and point.process != "bss-worker"
]
"""Those of workers are in tests/bss: edge/test_killed_relay.py and orchestration/test_kills.py."""
PASSAGES = {"engine": 20, "gy": 20, "chf": 20, "archiver": 3, "records": 1, "notifier": 1}
STORE_KILLS = 2
SMALL = {"FAREBOX_RECORDS_CHECKPOINT_MIB_MIN": "1"}
"""So that the record writer soon saves its state."""
ALL_HIT_S = 120.0


@pytest.mark.acceptance
@pytest.mark.timeout(330)
def test_an_engine_with_gy_in_its_process_dies_at_every_point(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, wanted = kill_plan(measured_s=200.0), Counter({point.name: 1 for point in OTHERS})
    armed = ",".join(f"{point.name}:{PASSAGES[point.process]}" for point in OTHERS)
    seed = int(os.environ.get("FAREBOX_KILL_SEED", "20260921"))
    instants = random.Random(seed)
    with LoadedUp(tmp_path / "data", plan, kill_at=armed, **SMALL) as farebox:

        def kill_all() -> None:
            farebox.wait_killed_at(wanted, ALL_HIT_S)
            for _ in range(STORE_KILLS):
                state = farebox.up.wait_ready("engine", "archiver", "records", "store")
                Event().wait(instants.uniform(0.05, 0.5))
                farebox.kill("store")
                farebox.up.wait_ready("store", but_not=state.pids)

        loaded = farebox.load(kill_all)
        audited = farebox.check_store(loaded)
        hits = farebox.killed_at()
        counts = farebox.stop_and_check_records(loaded)
        rows = [(point.name, hits[point.name]) for point in OTHERS]
        with capsys.disabled():
            sys.stdout.write(
                f"\n{report_of([*rows, ('store (SIGKILL)', STORE_KILLS)], ('kill point', 'hits'))}\n{counts}\n"
            )
        assert not loaded.faults, "\n".join([f"seed {seed}", *loaded.faults[:20], farebox.up.text()[-4000:]])
    assert hits == wanted, "each point is passed once, and none but those of the table"
    opened = farebox.plan.subscribers
    assert counts["requests"] == audited.request_count - opened > 0, "the journal has the openings besides"
    assert counts["charged_micros"] == int(loaded.books.accounts.charged_micros.sum()) > 0
    assert loaded.figures["repeated"] > 0, "engines died with requests unanswered"


@pytest.mark.timeout(400)
def test_every_point_is_hit_and_nothing_answered_is_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Under Gy and Nchf at once, both front ends, the notifier and all behind them die at every point, then some at any
    instant: sessions go on, answers and charges agree."""
    points = [point.name for point in (*OTHERS, *HANDING_OVER, *OF_NOTIFIER)]
    wanted = Counter(dict.fromkeys(points, 1))
    armed = ",".join(f"{name}:{1 if name in BEHIND_AN_ENGINE else PASSAGES[PROCESS_OF[name]]}" for name in points)
    seed = int(os.environ.get("FAREBOX_KILL_SEED", "20260921"))
    instants = random.Random(seed)
    roles = ("gy-1", "chf-1", *READY)
    gy = kill_plan(measured_s=250.0)
    with LoadedUp(
        tmp_path / "data",
        gy,
        "--front-ends",
        "1",
        "--chf",
        "1",
        nchf=nchf_plan(gy),
        kill_at=armed,
        **SMALL,
        **TOLD,
    ) as farebox:
        told = ToldSessions(farebox)

        def kill_all() -> None:
            die_at_each(farebox, told, points, ALL_HIT_S)
            state = farebox.up.wait_ready(*roles)
            for role in ("chf-1", "engine", "gy-1", "store"):
                Event().wait(instants.uniform(0.01, 0.1))
                farebox.kill(role)
            farebox.up.wait_ready("chf-1", "engine", "gy-1", "store", but_not=state.pids)

        loaded = farebox.load(kill_all)
        farebox.up.wait_ready(*roles)
        audited = farebox.check_store(loaded)
        hits = farebox.killed_at()
        counts = farebox.stop_and_check_records(loaded)
        with capsys.disabled():
            rows = [(name, hits[name]) for name in points]
            sys.stdout.write(f"\n{report_of([*rows, ('store (SIGKILL)', 1)], ('kill point', 'hits'))}\n{counts}\n")
        assert not loaded.faults, "\n".join([f"seed {seed}", *loaded.faults[:20], farebox.up.text()[-4000:]])
    assert hits == wanted, "each point is passed once, and none but those of the table"
    opened = sum(plan.subscribers for plan in farebox.plans)
    assert counts["requests"] == audited.request_count - opened - counts["beside"] > 0
    assert counts["charged_micros"] == int(loaded.books.accounts.charged_micros.sum()) > 0
    assert loaded.nchf is not None
    assert loaded.nchf["repeated"] > 0, "front ends died with requests unanswered"
    assert loaded.figures["repeated"] > 0
