"""Columns of journal entries against a plain twin: any rows come back, and octets that are no column are refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balances.journal_columns import (
    BASE_OCTETS,
    ROOM_OCTETS,
    ColumnFault,
    columns_of,
    kinds_of,
    pack_column,
    unpack_columns,
    views_of,
)

DTYPE = np.dtype(
    [
        ("signed8", np.int64),
        ("unsigned8", np.uint64),
        ("signed4", np.int32),
        ("unsigned4", np.uint32),
        ("unsigned2", np.uint16),
        ("unsigned1", np.uint8),
    ],
    align=True,
)


def values_of(dtype):
    low, high = (int(np.iinfo(dtype).min), int(np.iinfo(dtype).max))
    near = st.integers(low, high).flatmap(lambda base: st.integers(max(low, base - 300), min(high, base + 300)))
    return st.one_of(st.sampled_from((low, high, 0, 1)), near, st.integers(low, high))


rows = st.lists(st.tuples(*(values_of(DTYPE.fields[name][0]) for name in DTYPE.names)), max_size=30)
alike = st.tuples(rows.filter(bool), st.integers(1, 20)).map(lambda pair: pair[0][:1] * pair[1])


def packed(array):
    """Octets by column, as the kernel writes them."""
    known = columns_of(array.dtype)
    count = len(array)
    out = np.full(BASE_OCTETS * len(known.names) + array.nbytes + ROOM_OCTETS + 5, 0xEE, np.uint8)
    columns, end = {}, 2
    for name, offset, octets, is_signed in zip(known.names, known.offsets, known.octets, known.is_signed, strict=True):
        first = end
        end = pack_column(views_of(array), array.dtype.itemsize, count, offset, octets, is_signed, out, first)
        columns[name] = out[first:end].tobytes()
    assert (out[:2] == 0xEE).all()
    assert (out[end + ROOM_OCTETS :] == 0xEE).all()
    return columns


def plain(values, signed):
    """The octets of a column, in plain Python."""
    if not values:
        return b""
    base = min(values)
    width = ((max(values) - base).bit_length() + 7) // 8
    above = b"".join((value - base).to_bytes(width, "little") for value in values)
    return base.to_bytes(8, "little", signed=signed) + above


@settings(max_examples=150)
@given(st.one_of(rows, alike))
def test_columns_are_what_the_page_says_and_come_back(found):
    array = np.array(found, DTYPE)
    columns = packed(array)
    assert columns == {name: plain(array[name].tolist(), name.startswith("signed")) for name in DTYPE.names}
    kinds = kinds_of(tuple(DTYPE.fields[name][0] for name in DTYPE.names))
    back = unpack_columns(list(columns.values()), [len(array)] * len(columns), kinds)
    assert [(column.dtype, column.tolist()) for column in back] == [
        (DTYPE.fields[name][0], array[name].tolist()) for name in DTYPE.names
    ]


def plainly_unpacked(octets, count, dtype):
    """The values of a column, in plain Python; None where the octets are none of so many rows."""
    if count == 0:
        return None if octets else []
    width, rest = divmod(len(octets) - BASE_OCTETS, count)
    if rest or not 0 <= width <= 8:
        return None
    base = int.from_bytes(octets[:BASE_OCTETS], "little", signed=dtype.kind == "i")
    if width == 0 and not np.iinfo(dtype).min <= base <= np.iinfo(dtype).max:
        return None
    above = [int.from_bytes(octets[BASE_OCTETS + row * width :][:width], "little") for row in range(count)]
    return [int(np.array([(base + each) % 2**64], np.uint64).astype(dtype)[0]) for each in above]


some_octets = st.one_of(
    st.binary(max_size=200),
    st.tuples(st.integers(-3, 300), st.integers(0, 3)).map(
        lambda pair: pair[0].to_bytes(8, "little", signed=True) + bytes(range(pair[1]))
    ),
)
some_columns = st.lists(
    st.tuples(some_octets, st.integers(0, 12), st.sampled_from((np.int64, np.uint64, np.uint8, np.int32, np.int8))),
    max_size=5,
)


@settings(max_examples=200)
@given(some_columns)
def test_any_octets_are_columns_or_refused_at_the_first_that_is_none(found):
    dtypes = [np.dtype(kind) for _, _, kind in found]
    expected = [plainly_unpacked(octets, count, dtype) for (octets, count, _), dtype in zip(found, dtypes, strict=True)]
    columns, rows = [octets for octets, _, _ in found], [count for _, count, _ in found]
    if None in expected:
        with pytest.raises(ColumnFault) as fault:
            unpack_columns(columns, rows, kinds_of(tuple(dtypes)))
        assert fault.value.column == expected.index(None)
    else:
        back = unpack_columns(columns, rows, kinds_of(tuple(dtypes)))
        assert [(column.dtype, column.tolist()) for column in back] == list(zip(dtypes, expected, strict=True))


@pytest.mark.parametrize(
    ("octets", "count"), [(b"", 1), (bytes(7), 1), (bytes(9), 2), (bytes(8 + 9), 1), (bytes(8), 0), (b"x", 0)]
)
def test_octets_of_another_length_are_refused(octets, count):
    with pytest.raises(ColumnFault):
        unpack_columns([octets], [count], kinds_of((np.dtype(np.int64),)))
