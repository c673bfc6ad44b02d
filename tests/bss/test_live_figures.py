"""One second of the engine out of its counters."""

import pytest

from bss.live_figures import Counters, Sample, figures_between, quantile_ms
from vocabulary.instants import NS_PER_S

REQUESTS = Sample("engine-1", "farebox_requests_total", (("partition", "0"),))
OTHERS = Sample("engine-2", "farebox_requests_total", (("partition", "1"),))


def test_rates_are_rises_of_all_processes() -> None:
    before = Counters(0, {REQUESTS: 100.0, OTHERS: 50.0}, {})
    now = Counters(2 * NS_PER_S, {REQUESTS: 300.0, OTHERS: 150.0}, {"engine-1": "ready"})
    assert figures_between(before, now).requests_per_s == 150.0


def test_a_process_that_was_started_anew_counts_from_its_start() -> None:
    before = Counters(0, {REQUESTS: 1_000.0}, {})
    assert figures_between(before, Counters(NS_PER_S, {REQUESTS: 30.0}, {})).requests_per_s == 30.0


def test_quantiles_lie_within_their_bucket() -> None:
    histogram = {0.001: 50.0, 0.002: 90.0, 0.01: 100.0, float("inf"): 100.0}
    assert quantile_ms(histogram, 0.5) == pytest.approx(1.0)
    assert quantile_ms(histogram, 0.99) == pytest.approx(9.2)
    assert quantile_ms({0.001: 0.0, float("inf"): 5.0}, 0.5) == pytest.approx(1.0)
    assert quantile_ms({0.001: 0.0}, 0.5) is None
    assert quantile_ms({}, 0.5) is None
