"""Every kill point three times under a load of Gy and Nchf, front ends and engine at any instant, the store killed by its
id, and the whole of `farebox up`: nothing is lost.
"""

import random
from collections import Counter
from functools import partial
from pathlib import Path
from threading import Event

import pytest

from runtime.kill_points import KILL_POINTS, KillPoint
from tests.acceptance import evidence
from tests.kills.loaded_up import BEHIND_AN_ENGINE, READY, Loaded, LoadedUp, kill_plan, nchf_plan
from tests.kills.test_several_engines import POINTS as OF_SEVERAL
from tests.kills.told_sessions import SETTINGS as TOLD
from tests.kills.told_sessions import ToldSessions, die_at_each
from tests.runtime.running_up import is_alive, wait_until

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(1800)]

RUNS = 3
POINTS = [point for point in KILL_POINTS if point.name not in OF_SEVERAL and point.process != "bss-worker"]
"""Those of engines that share the partitions: tests/kills/test_several_engines.py, as often."""
STORE_KILLS = 5
UP_KILLS = 3
POINTS_S = 450.0
FRONT_END_KILLS = 4
PASSAGES_MAX = {"engine": 200, "gy": 200, "chf": 200, "archiver": 12, "records": 2, "notifier": 1}
PASSAGES_MIN = {"engine": 100}
"""Behind the openings of accounts, which an engine that is away would end."""
LOAD = {"subscribers": 20_000, "sessions_open": 8_192, "outstanding": 2_048, "measured_s": 600.0}
PACED = LOAD | {"rate_per_s": 3_000}
"""Beside Nchf: so much that the record writer of a machine with two cores isn't minutes behind when all is stopped."""
NCHF_PACED = {"subscribers": 5_000, "sessions_open": 1_024, "rate_per_s": 500}
SMALL = {"FAREBOX_RECORDS_CHECKPOINT_MIB_MIN": "4"}
HEAD = ("what", "seen")


def check(farebox: LoadedUp, loaded: Loaded) -> dict[str, int]:
    """Books, journal and records agree; what was counted."""
    farebox.check_store(loaded)
    counts = farebox.stop_and_check_records(loaded)
    assert not loaded.faults, "\n".join([*loaded.faults[:20], farebox.up.text()[-4000:]])
    assert counts["charged_micros"] == int(loaded.books.accounts.charged_micros.sum()) > 0
    return counts


def figures_of(loaded: Loaded, counts: dict[str, int]) -> list[tuple[str, evidence.Value]]:
    names = ("answered_in_all", "repeated", "connections_lost", "lost", "wrong", "grants_unexpected")
    rows = [(name, loaded.figures[name]) for name in names]
    if loaded.nchf is not None:
        rows += [(f"Nchf: {name}", loaded.nchf[name]) for name in names]
    return [*rows, *counts.items(), ("differences", 0)]


def times(point: KillPoint, draw: random.Random) -> int:
    """At which passage it is armed."""
    if point.name in BEHIND_AN_ENGINE:
        return 1
    return draw.randint(PASSAGES_MIN.get(point.process, 1), PASSAGES_MAX[point.process])


def test_each_point_three_times(tmp_path: Path) -> None:
    wanted = Counter({point.name: 1 for point in POINTS})
    hits: Counter[str] = Counter()
    rows: list[tuple[str, evidence.Value]] = []
    for run in range(RUNS):
        draw = random.Random(run)
        points = draw.sample(POINTS, len(POINTS))
        armed = ",".join(f"{point.name}:{times(point, draw)}" for point in points)
        plan = kill_plan(seed=run, **PACED)
        with LoadedUp(
            tmp_path / str(run),
            plan,
            "--front-ends",
            "1",
            "--chf",
            "1",
            nchf=nchf_plan(plan, **NCHF_PACED),
            kill_at=armed,
            **SMALL,
            **TOLD,
        ) as farebox:
            told = ToldSessions(farebox)
            names = [point.name for point in points]
            loaded = farebox.load(partial(die_at_each, farebox, told, names, POINTS_S))
            found = farebox.killed_at()
            counts = check(farebox, loaded)
        assert found == wanted
        hits += found
        rows.extend((f"run {run}: {name}", value) for name, value in figures_of(loaded, counts))
    assert all(hits[point.name] == RUNS for point in POINTS)
    rows = [*((point.name, hits[point.name]) for point in POINTS), *rows]
    says = (
        f"Each kill point hit under a load of Gy and Nchf at once, in {RUNS} runs of a `farebox up` with a front end of each,"
        f" that dies at every point in drawn order;"
        f" behind each run generator's books, store, journal and records agree to the micro."
    )
    evidence.write("kill-points", "Kill points under load", says, HEAD, rows)


def test_front_ends_and_engine_killed_at_any_instant(tmp_path: Path) -> None:
    draw = random.Random(7)
    plan = kill_plan(**PACED)
    nchf = nchf_plan(plan, **NCHF_PACED)
    roles = ("gy-1", "gy-2", "chf-1", "chf-2", "engine")
    killed: Counter[str] = Counter()
    with LoadedUp(tmp_path / "data", plan, "--front-ends", "2", "--chf", "2", nchf=nchf) as farebox:

        def kill_some() -> None:
            for _ in range(FRONT_END_KILLS):
                for role in draw.sample(roles, len(roles)):
                    state = farebox.up.wait_ready(*roles)
                    Event().wait(draw.uniform(0.05, 1.0))
                    farebox.kill(role)
                    killed[role] += 1
                    farebox.up.wait_ready(role, but_not={role: state.pids[role]})

        loaded = farebox.load(kill_some)
        counts = check(farebox, loaded)
    says = (
        f"Two Gy and two 5G front ends and their engine, each killed {FRONT_END_KILLS} times by SIGKILL at drawn instants"
        f" under a load of Gy and Nchf at once."
    )
    rows = [*((f"{role} killed", killed[role]) for role in roles), *figures_of(loaded, counts)]
    evidence.write("front-ends-killed", "Front ends and engine killed under mixed load", says, HEAD, rows)


def test_store_killed_at_any_instant(tmp_path: Path) -> None:
    draw = random.Random(5)
    with LoadedUp(tmp_path / "data", kill_plan(**LOAD)) as farebox:

        def kill_stores() -> None:
            for _ in range(STORE_KILLS):
                state = farebox.up.wait_ready(*READY)
                Event().wait(draw.uniform(0.2, 3.0))
                farebox.kill("store")
                farebox.up.wait_ready(*READY, but_not={"store": state.pids["store"]})

        engine = farebox.up.state.pids["engine"]
        loaded = farebox.load(kill_stores)
        assert farebox.up.state.pids["engine"] == engine, "only the store died"
        counts = check(farebox, loaded)
    says = f"The store killed {STORE_KILLS} times by SIGKILL at drawn instants, appendfsync always, the engine alive."
    evidence.write("store-killed", "Store killed under load", says, HEAD, figures_of(loaded, counts))


def test_up_itself_killed_and_started_again(tmp_path: Path) -> None:
    draw = random.Random(6)
    with LoadedUp(tmp_path / "data", kill_plan(**LOAD)) as farebox:

        def kill_ups() -> None:
            for _ in range(UP_KILLS):
                Event().wait(draw.uniform(0.5, 3.0))
                pids = [farebox.up.state.pids[role] for role in READY if role != "store"]
                farebox.up.process.kill()
                farebox.up.process.wait()
                farebox.start_again()
                wait_until("children of the killed one end", lambda pids=pids: not any(map(is_alive, pids)))

        loaded = farebox.load(kill_ups)
        counts = check(farebox, loaded)
    says = f"`farebox up` killed {UP_KILLS} times by SIGKILL under load and started again on its folder."
    evidence.write("up-killed", "farebox up killed under load", says, HEAD, figures_of(loaded, counts))
