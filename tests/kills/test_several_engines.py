"""Two front ends before two engines, under load: each dies, and each is started anew; nothing answered is lost or wrong."""

import os
import random
import sys
from collections import Counter
from pathlib import Path
from threading import Event

import pytest

from tests.kills.loaded_up import LoadedUp, kill_plan
from tests.runtime.running_up import invoke

POINTS = ("engine.partition_claimed", "engine.partition_given")
KILL_AT = "engine.partition_claimed:3,engine.partition_given:1"
"""At its first start an engine claims what is free and another's half later; the third claim follows a death."""
ALL_HIT_S = 120.0
SEVERAL = ("--front-ends", "2", "--engines", "2")
ROLES = ("gy-1", "gy-2", "engine-1", "engine-2", "archiver", "records", "store")


@pytest.mark.timeout(330)
@pytest.mark.acceptance
def test_front_ends_and_engines_die_and_the_others_go_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seed = int(os.environ.get("FAREBOX_KILL_SEED", "20260921"))
    instants = random.Random(seed)
    with LoadedUp(tmp_path / "data", kill_plan(measured_s=200.0), *SEVERAL, kill_at=KILL_AT) as farebox:

        def kill_each() -> None:
            farebox.up.wait_ready(*ROLES)
            farebox.kill("engine-2")
            farebox.wait_killed_at(Counter(POINTS), ALL_HIT_S)
            state = farebox.up.wait_ready(*ROLES)
            for role in ("gy-1", "engine-1", "gy-2"):
                Event().wait(instants.uniform(0.05, 0.5))
                farebox.kill(role)
                state = farebox.up.wait_ready(*ROLES, but_not={role: state.pids[role]})

        loaded = farebox.load(kill_each)
        farebox.check_store(loaded, *ROLES)
        counts = farebox.stop_and_check_records(loaded)
        with capsys.disabled():
            sys.stdout.write(f"\n{loaded.figures['repeated']} repeated, {counts}\n")
        assert not loaded.faults, "\n".join([f"seed {seed}", *loaded.faults[:20], farebox.up.text()[-6000:]])
    assert counts["charged_micros"] == int(loaded.books.accounts.charged_micros.sum()) > 0


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
