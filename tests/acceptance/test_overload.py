"""Three times the load that the server can take: new sessions are refused first, what is open goes on at full speed."""

import os
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from bench.workload import GyPlan
from tests.acceptance import evidence
from tests.kills.loaded_up import Loaded, LoadedUp

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(400)]

MAXIMUM_S = 15.0
OVERLOAD_S = 30.0
GOODPUT_SHARE_MIN = 0.8
TIMES = 3


def plan_of(**changes: Any) -> GyPlan:
    """Four sessions a subscriber, so that more wait than the server queues."""
    values: dict[str, Any] = {"subscribers": 20_000, "sessions_open": 65_536, "warm_up_s": 2.0, "grace_s": 30.0}
    return GyPlan(**(values | changes))


def run(folder: Path, plan: GyPlan, server: int, generator: int) -> Loaded:
    """The server and all its processes on one core, the generator on the other."""
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {server})
    try:
        with LoadedUp(folder, plan) as farebox:
            os.sched_setaffinity(0, {generator})
            loaded = farebox.load(lambda: Event().wait(plan.measured_s) and None)
            farebox.check_store(loaded)
    finally:
        os.sched_setaffinity(0, mine)
    assert not loaded.faults, "\n".join(loaded.faults[:20])
    return loaded


def test_goodput_under_three_times_the_maximum(tmp_path: Path) -> None:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        pytest.skip("server and generator need a core each")
    at_maximum = run(tmp_path / "maximum", plan_of(measured_s=MAXIMUM_S), *cores[:2]).figures
    maximum = at_maximum["answers"]["2001"] / at_maximum["duration_s"]
    rate = int(TIMES * maximum)
    overloaded = run(tmp_path / "overload", plan_of(measured_s=OVERLOAD_S, rate_per_s=rate), *cores[:2]).figures
    goodput = overloaded["answers"]["2001"] / overloaded["duration_s"]
    busy, by_type = overloaded["busy_by_type"], overloaded["answered_by_type"]
    refused = {name: busy[name] / max(by_type[name], 1) for name in busy}
    rows = [
        ("maximum, 2001 a second", round(maximum)),
        ("offered a second", rate),
        ("sent and answered a second, refusals included", round(overloaded["answered_per_s"])),
        ("goodput, 2001 a second", round(goodput)),
        ("share of the maximum", round(goodput / maximum, 3)),
        *((f"share of {name} answered 3004", round(share, 4)) for name, share in refused.items()),
        ("lost", overloaded["lost"]),
        ("wrong", overloaded["wrong"]),
    ]
    says = "Server with store, archiver and record writer on one core, generator on the other; open loop."
    evidence.write("overload", "Three times the maximum", says, ("what", "seen"), rows)
    assert busy["initial"] > 0, "it was not overloaded"
    assert refused["update"] <= refused["initial"] / 2
    assert refused["termination"] <= refused["initial"] / 2
    assert goodput >= GOODPUT_SHARE_MIN * maximum
