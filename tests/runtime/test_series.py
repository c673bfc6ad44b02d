"""Our series against prometheus_client's own: the same values give the same text to a scraper."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest

from runtime.series import CountMetric, DistributionMetric

BOUNDS = (0.0005, 0.01, 1, 5)
LABELS = ("partition",)
values = st.lists(
    st.tuples(st.sampled_from(("0", "1")), st.one_of(st.sampled_from(BOUNDS), st.floats(0, 9))), max_size=20
)
disable_created_metrics()


@given(values)
def test_histograms_are_written_as_prometheus_client_writes_them(observed: list[tuple[str, float]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    mine = DistributionMetric("farebox_seconds", "How long", LABELS, BOUNDS)
    ours.register(mine)
    other = Histogram("farebox_seconds", "How long", LABELS, buckets=BOUNDS, registry=theirs)
    for partition, value in observed:
        mine.series((partition,)).observe(value)
        other.labels(partition).observe(value)
    assert generate_latest(ours) == generate_latest(theirs)


@given(values)
def test_counters_and_gauges_are_too(observed: list[tuple[str, float]]) -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    counts = CountMetric("farebox_requests_total", "Requests", LABELS, is_gauge=False)
    level = CountMetric("farebox_level", "Level", (), is_gauge=True)
    ours.register(counts)
    ours.register(level)
    their_counts = Counter("farebox_requests_total", "Requests", LABELS, registry=theirs)
    their_level = Gauge("farebox_level", "Level", registry=theirs)
    for partition, value in observed:
        counts.series((partition,)).inc(value)
        their_counts.labels(partition).inc(value)
        level.series(()).set(value)
        their_level.set(value)
    assert generate_latest(ours) == generate_latest(theirs)
