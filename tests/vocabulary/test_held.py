"""Held tuples: kernels read the arrays that were put in, write into them, and no other kind is taken."""

from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from vocabulary.held import Held, held, kind_of
from vocabulary.kernel import kernel

ROW = np.dtype([("number", np.int64), ("small", np.uint8)], align=True)


class Inner(NamedTuple):
    table: NDArray[np.int32]
    rows: NDArray[np.void]


class Outer(NamedTuple):
    first: NDArray[np.uint8]
    inner: Inner
    last: NDArray[np.int64]


def outer(rows: int, columns: int, dtype: Any = np.int32) -> Outer:
    table = np.arange(rows * columns, dtype=dtype).reshape(rows, columns)
    return Outer(np.arange(5, dtype=np.uint8), Inner(table, np.zeros(3, ROW)), np.zeros(2, np.int64))


OUTER = kind_of(outer(0, 0))


@kernel
def use(octets, number):
    """Sum the table, and write a row and the last array."""
    value = held(octets, OUTER)
    total = 0
    for row in range(value.inner.table.shape[0]):
        for column in range(value.inner.table.shape[1]):
            total += value.inner.table[row, column]
    value.inner.rows[2].number = number
    value.inner.rows[2].small = value.first[4]
    value.last[1] = total
    return value.first.shape[0]


def test_kernels_read_and_write_what_is_held() -> None:
    kept = Held(outer(3, 4), OUTER)
    assert use(kept.octets, 77) == 5
    assert kept.value.inner.rows[2].tolist() == (77, 4)
    assert kept.value.last.tolist() == [0, sum(range(12))]


@pytest.mark.parametrize(
    "value",
    [
        outer(2, 2, np.int64),
        (np.zeros(1, np.uint8),),
        outer(2, 2)._replace(last=np.zeros((2, 2), np.int64)),
        outer(2, 2)._replace(last=np.zeros(4, np.int64)[::2]),
        outer(2, 2)._replace(first=np.frombuffer(b"abcde", np.uint8)),
    ],
)
def test_another_kind_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="other arrays than the kind"):
        Held(value, OUTER)
