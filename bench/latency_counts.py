"""Latencies as HdrHistogram counts, recorded by a kernel: the array has exactly the package's layout of buckets.

The package takes a microsecond a value in Python; here a value costs an increment, and the package reads the counts
afterwards. Values are microseconds, 1 us to LATENCY_US_MAX, three significant digits.
"""

from typing import Final

import numpy as np
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

from vocabulary.kernel import kernel

LATENCY_US_MAX: Final = 120_000_000
_DIGITS: Final = 3
_HALF_BITS: Final = 10
"""2,048 sub-buckets resolve three digits; their half, 2**10, is what each further power of two adds."""
_HALF: Final = 1 << _HALF_BITS


def new_histogram() -> HdrHistogram:
    """An empty histogram of the package, of the range that the counts have."""
    return HdrHistogram(1, LATENCY_US_MAX, _DIGITS)


COUNTS_LENGTH: Final[int] = new_histogram().counts_len


def new_counts() -> NDArray[np.int64]:
    """Empty counts."""
    return np.zeros(COUNTS_LENGTH, np.int64)


@kernel
def record_latency(counts, latency_us):
    """Count one value; below 0 counts as 0, beyond the maximum as the maximum."""
    value = min(max(latency_us, 0), LATENCY_US_MAX)
    bucket = 0
    while (value >> bucket) >= 2 * _HALF:
        bucket += 1
    counts[bucket * _HALF + (value >> bucket)] += 1


def to_histogram(counts: NDArray[np.int64]) -> HdrHistogram:
    """The package's histogram of the counts."""
    histogram = new_histogram()
    for index in np.flatnonzero(counts):
        value = histogram.get_highest_equivalent_value(histogram.get_value_from_index(int(index)))
        histogram.record_value(min(value, LATENCY_US_MAX), int(counts[index]))
    return histogram


def percentiles_ms(counts: NDArray[np.int64]) -> dict[str, float]:
    """p50, p95, p99, p99.9 and the maximum, in milliseconds; zeros where nothing was counted."""
    histogram = to_histogram(counts)
    wanted = {"p50": 50.0, "p95": 95.0, "p99": 99.0, "p99_9": 99.9, "max": 100.0}
    return {name: round(histogram.get_value_at_percentile(at) / 1000, 3) for name, at in wanted.items()}
