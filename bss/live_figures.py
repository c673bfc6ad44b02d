"""What the engine does this second, out of its processes' counters: rates, latency, results, sessions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from vocabulary.instants import NS_PER_S


class Sample(NamedTuple):
    """One series of one process: `labels` are pairs in order of their names."""

    process: str
    name: str
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Counters:
    """All series at an instant. `processes` says which children are ready and which are not."""

    at_ns: int
    values: Mapping[Sample, float]
    processes: Mapping[str, str]


class CounterSource(Protocol):
    """Where counters come from; runtime reads them from the processes of `farebox up`."""

    def read(self) -> Counters:
        """Now. OSError where the engine isn't there."""


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """One second of the engine. A latency is None where nothing was answered."""

    at_ns: int
    requests_per_s: float
    answers_per_s: Mapping[str, float]
    """by Result-Code"""
    refused_per_s: float
    latency_ms_p50: float | None
    latency_ms_p99: float | None
    sessions_open: int
    connections: Mapping[str, int]
    """by peer"""
    partitions_owned: int
    stores_up: int
    processes: Mapping[str, str] = field(default_factory=dict)


_LATENCY: Final = "farebox_answer_seconds_bucket"
_MS_PER_S: Final = 1000.0


def figures_between(before: Counters, now: Counters) -> LiveFigures:
    """What happened between two readings. A process that was started anew meanwhile counts from its start."""
    elapsed_s = max(now.at_ns - before.at_ns, 1) / NS_PER_S

    def risen(name: str, label: str | None = None) -> dict[str, float]:
        found: dict[str, float] = {}
        for sample, value in now.values.items():
            if sample.name == name:
                rise = value - before.values.get(sample, 0.0)
                key = dict(sample.labels).get(label or "", "")
                found[key] = found.get(key, 0.0) + (rise if rise >= 0 else value)
        return found

    def level(name: str) -> float:
        return sum(value for sample, value in now.values.items() if sample.name == name)

    def levels(name: str, label: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for sample, value in now.values.items():
            if sample.name == name:
                key = dict(sample.labels).get(label, "")
                found[key] = found.get(key, 0) + int(value)
        return found

    buckets = {float(edge): count for edge, count in risen(_LATENCY, "le").items()}
    results = {
        code: count / elapsed_s for code, count in risen("farebox_answers_total", "result_code").items() if count
    }
    peers = levels("farebox_connections", "peer") | levels("farebox_gy_connections", "peer")
    return LiveFigures(
        at_ns=now.at_ns,
        requests_per_s=sum(risen("farebox_requests_total").values()) / elapsed_s,
        answers_per_s=results,
        refused_per_s=sum(risen("farebox_refused_total").values()) / elapsed_s,
        latency_ms_p50=quantile_ms(buckets, 0.5),
        latency_ms_p99=quantile_ms(buckets, 0.99),
        sessions_open=int(level("farebox_sessions_open")),
        connections=peers,
        partitions_owned=int(level("farebox_partition_owned")),
        stores_up=int(level("farebox_store_up")),
        processes=now.processes,
    )


def quantile_ms(cumulative: Mapping[float, float], quantile: float) -> float | None:
    """A quantile of a cumulative histogram of seconds, in ms: a straight line within its bucket. None of an empty one.

    cumulative   count of observations up to each edge; the edge of all may be infinite, and then the last finite one is said
    """
    edges = sorted(cumulative)
    if not edges or cumulative[edges[-1]] <= 0:
        return None
    wanted = quantile * cumulative[edges[-1]]
    below_s, below_count = 0.0, 0.0
    for edge_s in edges:
        if cumulative[edge_s] >= wanted:
            if edge_s == float("inf"):
                return below_s * _MS_PER_S
            width = cumulative[edge_s] - below_count
            part = (wanted - below_count) / width if width > 0 else 1.0
            return (below_s + part * (edge_s - below_s)) * _MS_PER_S
        below_s, below_count = edge_s, cumulative[edge_s]
    return below_s * _MS_PER_S
