"""Phases of a mixed load: who has which subscribers, what a result of it is made of."""

import pytest

from bench import report
from bench.mixed_load import MixedPlan, mixed_result, p99_ratios
from bench.workload import ChfPlan, GyPlan, LoadPlan

GY = GyPlan(subscribers=100, sessions_open=300)
CHF = ChfPlan(subscribers=30, sessions_open=20)


def spans(plan: MixedPlan) -> list[list[tuple[str, range]]]:
    """Of each phase the keys of its results and the numbers of its subscribers."""

    def span(each: LoadPlan) -> range:
        return range(each.first_subscriber, each.first_subscriber + each.subscribers)

    return [[(key, span(each)) for key, each in phase.plans.items()] for phase in plan.phases()]


def test_every_load_of_every_phase_has_subscribers_of_its_own() -> None:
    assert spans(MixedPlan(gy=GY, chf=CHF)) == [
        [("gy_alone", range(100))],
        [("chf_alone", range(100, 130))],
        [("gy", range(130, 230)), ("chf", range(230, 260))],
    ]
    assert spans(MixedPlan(gy=GY, chf=CHF, has_alone=False)) == [[("gy", range(100)), ("chf", range(100, 130))]]


def test_shared_subscribers_are_those_of_nchf_and_own_money_alone() -> None:
    plan = MixedPlan(gy=GY, chf=CHF, is_shared=True)
    assert spans(plan) == [
        [("gy_alone", range(30))],
        [("chf_alone", range(30, 60))],
        [("gy", range(60, 90)), ("chf", range(60, 90))],
    ]
    assert all(each.has_money_only for phase in plan.phases() for each in phase.plans.values())
    assert not any(each.has_money_only for phase in MixedPlan(gy=GY, chf=CHF).phases() for each in phase.plans.values())


def test_gy_sessions_have_other_names_alone_and_beside() -> None:
    names = [
        each.run_id
        for phase in MixedPlan(gy=GY, chf=CHF).phases()
        for each in phase.plans.values()
        if isinstance(each, GyPlan)
    ]
    assert len(set(names)) == len(names) == 2


def one(p99: float, **changes: object) -> dict[str, object]:
    """A result of one load."""
    latency = dict.fromkeys(report.LATENCY_KEYS, 1.0) | {"p99": p99}
    machine = {"processor": "x", "cores": 2, "load_1_minute": 0.0}
    values = dict.fromkeys((*report.REQUIRED_KEYS, "duration_s", "versions"), 0) | {"fsync": "always", "commit": "c"}
    values |= {"latency_ms": latency, "machine": machine, "answers": {}, "aof_rewrites": {"count": 0, "seconds": 0}}
    return values | changes


def test_p99_is_compared_with_its_own_alone() -> None:
    results = {"gy": one(6.0), "chf": one(9.0), "gy_alone": one(4.0)}
    assert p99_ratios(results) == {"gy": 1.5}
    assert p99_ratios(results | {"chf_alone": one(6.0)}) == {"gy": 1.5, "chf": 1.5}


@pytest.mark.parametrize("part", ["gy", "chf", "gy_alone"])
def test_a_fault_of_any_part_makes_the_whole_unsound(part: str) -> None:
    parts = {name: one(1.0) for name in ("gy", "chf", "gy_alone")}
    audit = {"audit": {"entries": 1, "sound": True}}
    whole = mixed_result(parts, is_shared=False) | audit
    assert report.is_sound(whole)
    assert report.missing_keys(whole) == []
    faulty = mixed_result(parts | {part: one(1.0, lost=1)}, is_shared=False) | audit
    assert not report.is_sound(faulty)
    assert not report.is_sound(whole | {"audit": {"entries": 1, "sound": False}})


def test_a_part_that_lacks_a_figure_is_named() -> None:
    parts = {name: one(1.0) for name in ("gy", "chf")}
    del parts["chf"]["lost"]
    assert report.missing_keys(mixed_result(parts, is_shared=False)) == ["chf.lost"]
