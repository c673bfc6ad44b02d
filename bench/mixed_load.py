"""Gy and Nchf on one Farebox at the same time, and each of them alone before: what the one costs the other.

Every phase has subscribers of its own, so that its books begin with what was provisioned.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from bench.workload import ChfPlan, GyPlan, LoadPlan

ALONE: Final = "_alone"
"""Behind the name of a load: its result without the other."""
LATENCY: Final = "p99"


class Phase(NamedTuple):
    """Loads that run at the same time; the keys of their results."""

    title: str
    plans: Mapping[str, LoadPlan]


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedPlan:
    """One run of both loads.

    has_alone   each runs alone before
    is_shared   both use the same subscribers, those of Nchf, who own money alone (LoadPlan.has_money_only)
    """

    gy: GyPlan
    chf: ChfPlan
    has_alone: bool = True
    is_shared: bool = False

    def phases(self) -> list[Phase]:
        """In the order in which they run."""
        gy = replace(self.gy, has_money_only=self.is_shared)
        chf = replace(self.chf, has_money_only=self.is_shared)
        if self.is_shared:
            seats = chf.subscribers * gy.sessions_per_subscriber
            gy = replace(gy, subscribers=chf.subscribers, sessions_open=min(gy.sessions_open, seats))
        phases = []
        first = 0
        if self.has_alone:
            alone_gy, alone_chf = replace(gy, run_id=gy.run_id + 1), replace(chf, first_subscriber=gy.subscribers)
            phases = [Phase("Gy alone", {f"gy{ALONE}": alone_gy}), Phase("Nchf alone", {f"chf{ALONE}": alone_chf})]
            first = gy.subscribers + chf.subscribers
        beside = first if self.is_shared else first + gy.subscribers
        both = {"gy": replace(gy, first_subscriber=first), "chf": replace(chf, first_subscriber=beside)}
        return [*phases, Phase("both", both)]


def p99_ratios(results: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """p99 of each load beside the other over its own alone, where it ran alone."""
    ratios = {}
    for name in ("gy", "chf"):
        alone = results.get(name + ALONE)
        if alone is not None and alone["latency_ms"][LATENCY] > 0:
            ratios[name] = round(results[name]["latency_ms"][LATENCY] / alone["latency_ms"][LATENCY], 2)
    return ratios


def mixed_result(results: Mapping[str, Mapping[str, Any]], *, is_shared: bool) -> dict[str, Any]:
    """The result of a run out of those of its loads, which have the keys that they have by themselves."""
    one = results["gy"]
    shared: Sequence[str] = ("fsync", "duration_s", "machine", "versions", "commit")
    return {
        "load": "mixed",
        "shares_subscribers": is_shared,
        **{key: one[key] for key in shared},
        "p99_ratio": p99_ratios(results),
        **results,
    }
