"""Two front ends before two engines, under load: each dies, and each is started anew; nothing answered is lost or wrong."""

import itertools
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from threading import Event

import pytest

from tests.acceptance import evidence
from tests.kills.loaded_up import LoadedUp, kill_plan
from tests.runtime.running_up import LOOK_S, invoke
from tests.runtime.test_up_engines import owned

POINTS = ("engine.partition_claimed", "engine.partition_given")
ROUNDS = 3
NEVER = 1_000_000
KILL_AT = ",".join(
    (f"engine.partition_claimed:{NEVER}", *ROUNDS * ("engine.partition_claimed:1", "engine.partition_given:1"))
)
"""Of each engine. Its first start claims what is free, which isn't yet what a front end may wait for."""
HEAD = ("what", "seen")
SEVERAL = ("--front-ends", "2", "--engines", "2")
ROLES = ("gy-1", "gy-2", "engine-1", "engine-2", "archiver", "records", "store")


PATIENCE_S = 20.0
KILLS_MAX = 12 * ROUNDS
HUNG_S = 15.0
"""So long until the other has taken its partitions; else it is killed in any case."""


def hang_and_kill(farebox: LoadedUp, hung: str, other: str) -> None:
    """An engine hangs until the other has its partition, and then dies. It comes back, and is given one again.

    On the way either may die at its point: the one that claims, the one that gives, the one that starts.
    """
    farebox.up.wait_ready(*ROLES)
    hits = farebox.killed_at().total()
    pid = farebox.up.state.pids[hung]
    os.kill(pid, signal.SIGSTOP)
    ends = time.monotonic() + HUNG_S
    while owned(farebox.up, other) < 2 and farebox.killed_at().total() == hits and time.monotonic() < ends:
        Event().wait(LOOK_S)
    os.kill(pid, signal.SIGKILL)
    farebox.up.wait_ready(*ROLES, but_not={hung: pid})
    ends = time.monotonic() + PATIENCE_S
    while [owned(farebox.up, role) for role in (hung, other)] != [1.0, 1.0] and time.monotonic() < ends:
        Event().wait(LOOK_S)


@pytest.mark.timeout(900)
@pytest.mark.acceptance
def test_front_ends_and_engines_die_and_the_others_go_on(tmp_path: Path) -> None:
    seed = int(os.environ.get("FAREBOX_KILL_SEED", "20260921"))
    instants = random.Random(seed)
    wanted = Counter(dict.fromkeys(POINTS, ROUNDS))
    with LoadedUp(tmp_path / "data", kill_plan(measured_s=700.0), *SEVERAL, kill_at=KILL_AT) as farebox:

        def kill_each() -> None:
            engines = itertools.cycle((("engine-2", "engine-1"), ("engine-1", "engine-2")))
            for hung, other in itertools.islice(engines, KILLS_MAX):
                if farebox.killed_at() >= wanted:
                    break
                hang_and_kill(farebox, hung, other)
            farebox.wait_killed_at(wanted, 1.0)
            state = farebox.up.wait_ready(*ROLES)
            for role in ("gy-1", "engine-1", "gy-2"):
                Event().wait(instants.uniform(0.05, 0.5))
                farebox.kill(role)
                state = farebox.up.wait_ready(*ROLES, but_not={role: state.pids[role]})

        loaded = farebox.load(kill_each)
        farebox.check_store(loaded, *ROLES)
        hits = farebox.killed_at()
        counts = farebox.stop_and_check_records(loaded)
        assert not loaded.faults, "\n".join([f"seed {seed}", *loaded.faults[:20], farebox.up.text()[-6000:]])
    assert counts["charged_micros"] == int(loaded.books.accounts.charged_micros.sum()) > 0
    says = (
        f"Two front ends before two engines, under load. An engine hangs, the other claims its partition, the first dies and is"
        f" given one again: at each point of that an engine died at least {ROUNDS} times; then front ends and an engine by"
        f" SIGKILL at drawn instants. Behind it generator's books, store, journal and records agree to the micro."
    )
    seen = [*((point, hits[point]) for point in POINTS), ("repeated", loaded.figures["repeated"]), *counts.items()]
    evidence.write("kill-points-of-several-engines", "Kill points of several engines", says, HEAD, seen)


@pytest.mark.acceptance
@pytest.mark.timeout(330)
def test_a_rolling_restart_loses_and_spoils_no_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with LoadedUp(tmp_path / "data", kill_plan(measured_s=200.0), *SEVERAL) as farebox:

        def restart() -> None:
            before = farebox.up.wait_ready(*ROLES)
            done = invoke("restart", "--data-dir", str(farebox.folder))
            assert done.returncode == 0, done.stdout + done.stderr
            after = farebox.up.wait_ready(*ROLES)
            assert {role for role in ROLES if before.pids[role] == after.pids[role]} == {"store"}

        loaded = farebox.load(restart)
        farebox.check_store(loaded, *ROLES)
        counts = farebox.stop_and_check_records(loaded)
        with capsys.disabled():
            sys.stdout.write(f"\n{loaded.figures['repeated']} repeated, {counts}\n")
        assert not loaded.faults, "\n".join([*loaded.faults[:20], farebox.up.text()[-6000:]])
