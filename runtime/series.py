"""The series of metrics that a process counts in: one thread raises them, a scrape copies them.

prometheus_client's own take a lock and several calls each time, five microseconds where caches are cold, for every batch;
these are a number, and its library still writes what is scraped.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class Count:
    """A counter or a gauge."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0

    def inc(self, amount: float = 1) -> None:
        """Raise it."""
        self.value += amount

    def set(self, value: float) -> None:
        """Make it so; gauges only."""
        self.value = value


class Distribution:
    """A histogram: how many values lie at or below each bound, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        """values above the bound before and at most this one; the last are above all"""
        self.total: float = 0

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        """Bound and values up to it, as Prometheus wants them."""
        found, below = [], 0
        for bound, count in zip((*map(float, self.bounds), float("inf")), self.counts, strict=True):
            below += count
            found.append(("+Inf" if bound == float("inf") else str(bound), float(below)))
        return found


class CountMetric(Collector):
    """A counter or gauge with its series by labels."""

    def __init__(self, name: str, meaning: str, labels: Sequence[str], *, is_gauge: bool) -> None:
        self._arguments = (name, meaning)
        self._labels = tuple(labels)
        self._is_gauge = is_gauge
        self._series: dict[tuple[str, ...], Count] = {}
        if not labels:
            self.series(())

    def series(self, values: tuple[str, ...]) -> Count:
        """The series of these label values; ValueError where they are too few or too many."""
        if len(values) != len(self._labels):
            raise ValueError(f"{self._arguments[0]} has the labels {self._labels}, not {len(values)}")
        return self._series.setdefault(values, Count())

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        family: CounterMetricFamily | GaugeMetricFamily
        if self._is_gauge:
            family = GaugeMetricFamily(*self._arguments, labels=self._labels)
        else:
            family = CounterMetricFamily(*self._arguments, labels=self._labels)
        for values, count in self._series.items():
            family.add_metric(values, count.value)
        yield family


class DistributionMetric(Collector):
    """A histogram with its series by labels."""

    def __init__(self, name: str, meaning: str, labels: Sequence[str], bounds: Sequence[float]) -> None:
        self._arguments = (name, meaning)
        self._labels = tuple(labels)
        self._bounds = bounds
        self._series: dict[tuple[str, ...], Distribution] = {}
        if not labels:
            self.series(())

    def series(self, values: tuple[str, ...]) -> Distribution:
        """The series of these label values; ValueError where they are too few or too many."""
        if len(values) != len(self._labels):
            raise ValueError(f"{self._arguments[0]} has the labels {self._labels}, not {len(values)}")
        return self._series.setdefault(values, Distribution(self._bounds))

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        family = HistogramMetricFamily(*self._arguments, labels=self._labels)
        for values, found in self._series.items():
            family.add_metric(values, found.buckets(), found.total)
        yield family
