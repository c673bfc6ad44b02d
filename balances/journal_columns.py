"""A column of a journal entry as octets: a base, then what each row is above it, in as many octets as the largest needs.

    base (8 octets, little-endian, the column's least value), then for each row value - base, little-endian

All rows have one width, 0 to 8, which follows from the length; so a column of equal values is its base alone, instants of
one second take four octets, and numbers of accounts three. The rows of a request, which were 220 octets, are about 100:
the journal is half of what a commit writes. A column of a table without rows is no octets at all.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
from numba import int64, uint64
from numpy.typing import NDArray

from vocabulary.kernel import kernel
from vocabulary.octets import get_word, octets_needed, put_word

BASE_OCTETS: Final = 8
WIDTH_MAX: Final = 8
ROOM_OCTETS: Final = 8
"""Words are written whole and the place moves by the width: so many octets behind the last are overwritten."""
_TOP_BIT: Final = np.uint64(1 << 63)


class TableColumns(NamedTuple):
    """Where the columns of structured rows lie, for kernels."""

    names: tuple[str, ...]
    dtypes: tuple[np.dtype[Any], ...]
    offsets: NDArray[np.int64]  # (columns,) octet within the row
    octets: NDArray[np.int64]  # (columns,) 1, 2, 4 or 8
    is_signed: NDArray[np.uint8]  # (columns,)


class ColumnKinds(NamedTuple):
    """What the columns of an entry are, for kernels."""

    dtypes: tuple[np.dtype[Any], ...]
    octets: NDArray[np.int64]  # (columns,) 1, 2, 4 or 8
    is_signed: NDArray[np.uint8]  # (columns,)


class ColumnFault(ValueError):
    """A column's octets are none of its rows; `column` is its number."""

    def __init__(self, column: int) -> None:
        super().__init__(f"column {column} has octets that are none of its rows")
        self.column = column


class RowViews(NamedTuple):
    """The memory of structured rows as numbers of each width, all signed."""

    words: NDArray[np.int64]
    halves: NDArray[np.int32]
    quarters: NDArray[np.int16]
    octets: NDArray[np.int8]


def views_of(rows: NDArray[np.void]) -> RowViews:
    """Views of rows that lie one behind the other, aligned to eight octets."""
    memory = rows.view(np.int64)
    return RowViews(memory, memory.view(np.int32), memory.view(np.int16), memory.view(np.int8))


@cache
def columns_of(dtype: np.dtype[Any]) -> TableColumns:
    """The columns of rows of a structured dtype."""
    assert dtype.fields is not None
    names = tuple(dtype.names or ())
    dtypes = tuple(dtype.fields[name][0] for name in names)
    kinds = kinds_of(dtypes)
    offsets = np.array([dtype.fields[name][1] for name in names], np.int64)
    return TableColumns(names, dtypes, offsets, kinds.octets, kinds.is_signed)


def kinds_of(dtypes: tuple[np.dtype[Any], ...]) -> ColumnKinds:
    """What columns of these dtypes are."""
    return ColumnKinds(
        dtypes,
        np.array([each.itemsize for each in dtypes], np.int64),
        np.array([each.kind == "i" for each in dtypes], np.uint8),
    )


@kernel
def _bounds_of(values, first, step, count, mask, turn):
    """(least, greatest) of values[first::step], each turned over so that they compare as unsigned."""
    least, most = ~uint64(0), uint64(0)
    for row in range(uint64(count)):
        value = (uint64(int64(values[uint64(first) + row * uint64(step)])) & mask) ^ turn
        least = min(least, value)
        most = max(most, value)
    return least, most


@kernel
def _put_above(values, first, step, count, mask, base, width, out, at):
    """What each of values[first::step] is above the base, in `width` octets; the place behind the last."""
    for row in range(uint64(count)):
        put_word(out, at, (uint64(int64(values[uint64(first) + row * uint64(step)])) & mask) - base)
        at += width
    return at


@kernel
def _pack_column(values, first, step, count, mask, turn, out, at):
    """One column; the place behind it."""
    least, most = _bounds_of(values, first, step, count, mask, turn)
    base, width = least ^ turn, octets_needed(most - least)
    put_word(out, at, base)
    at += BASE_OCTETS
    return _put_above(values, first, step, count, mask, base, width, out, at) if width > 0 else at


@kernel
def pack_column(rows, row_octets, count, offset, octets, is_signed, out, at):
    """Write one column of structured rows to out[at:]; the place behind it.

    rows        RowViews of the rows' memory
    offset, octets, is_signed   see TableColumns
    out         uint8[] with room for BASE_OCTETS, the values, and ROOM_OCTETS
    """
    if count == 0:
        return at
    signed = is_signed != 0
    first, step = offset // octets, row_octets // octets
    # The views are of signed numbers: unsigned ones lose the sign that these gave them; signed ones compare as
    # unsigned once their sign bit is turned over.
    mask = ~uint64(0) if signed or octets == 8 else (uint64(1) << uint64(8 * octets)) - uint64(1)
    turn = _TOP_BIT if signed else uint64(0)
    if octets == 8:
        return _pack_column(rows.words, first, step, count, mask, turn, out, at)
    if octets == 4:
        return _pack_column(rows.halves, first, step, count, mask, turn, out, at)
    if octets == 2:
        return _pack_column(rows.quarters, first, step, count, mask, turn, out, at)
    return _pack_column(rows.octets, first, step, count, mask, turn, out, at)


@kernel
def _fits(base, octets, is_signed):
    """Is a column's base a value of so many octets?"""
    if octets == 8:
        return True
    if is_signed:
        limit = int64(1) << (8 * octets - 1)
        return -limit <= int64(base) < limit
    return uint64(base) >> uint64(8 * octets) == uint64(0)


@kernel
def _put_column(values, first, step, count, packed, at, width, mask, base):
    """values[first::step]: the base and what each of the packed column's rows is above it."""
    for row in range(uint64(count)):
        values[uint64(first) + row * uint64(step)] = int64(base + (get_word(packed, at) & mask))
        at += width


@kernel
def unpack_column(packed, at, length, rows, row_octets, count, offset, octets, is_signed):
    """Fill one column of structured rows from packed[at:at + length]; False where these octets are none of so many rows.

    packed      uint8[]; eight octets from any place within the column can be read
    rows        RowViews of the rows' memory
    offset, octets, is_signed   see TableColumns
    """
    if count == 0:
        return length == 0
    above = length - BASE_OCTETS
    if above < 0 or above % count != 0 or above // count > WIDTH_MAX:
        return False
    width, base = above // count, get_word(packed, at)
    if width == 0 and not _fits(base, octets, is_signed != 0):
        return False
    mask = ~uint64(0) if width == WIDTH_MAX else (uint64(1) << uint64(8 * width)) - uint64(1)
    first, step = offset // octets, row_octets // octets
    at += BASE_OCTETS
    if octets == 8:
        _put_column(rows.words, first, step, count, packed, at, width, mask, base)
    elif octets == 4:
        _put_column(rows.halves, first, step, count, packed, at, width, mask, base)
    elif octets == 2:
        _put_column(rows.quarters, first, step, count, packed, at, width, mask, base)
    else:
        _put_column(rows.octets, first, step, count, packed, at, width, mask, base)
    return True


@kernel
def _unpack_columns(packed, lengths, rows, octets, is_signed, out, places):
    """Write each column to `out`, as rows of its dtype; the number of the first that is none, -1 where all are.

    packed   uint8[]: the columns' octets, one behind the other, and ROOM_OCTETS
    places   int64[columns], written: where each column begins in `out`, aligned to eight octets
    """
    source = place = int64(0)
    for column in range(lengths.shape[0]):
        places[column] = place
        count, length = rows[column], lengths[column]
        if count > 0:
            above = length - BASE_OCTETS
            if above < 0 or above % count != 0 or above // count > WIDTH_MAX:
                return column
            width, base = above // count, get_word(packed, source)
            if width == 0 and not _fits(base, octets[column], is_signed[column] != 0):
                return column
            mask = ~uint64(0) if width == WIDTH_MAX else (uint64(1) << uint64(8 * width)) - uint64(1)
            at, end = source + BASE_OCTETS, place
            for _ in range(count):
                put_word(out, end, base + (get_word(packed, at) & mask))
                at += width
                end += octets[column]
            place = (end + 7) // 8 * 8
        elif length != 0:
            return column
        source += length
    return -1


def unpack_columns(columns: Sequence[bytes], rows: Sequence[int], kinds: ColumnKinds) -> list[NDArray[Any]]:
    """The columns of so many rows each, of one memory. ColumnFault names the first whose octets are none of its rows."""
    lengths, counts = np.array([len(octets) for octets in columns], np.int64), np.array(rows, np.int64)
    packed = np.frombuffer(b"".join((*columns, bytes(ROOM_OCTETS))), np.uint8)
    out = np.empty(int(counts @ kinds.octets) + ROOM_OCTETS * (len(columns) + 1), np.uint8)
    places = np.empty(len(columns), np.int64)
    bad = _unpack_columns(packed, lengths, counts, kinds.octets, kinds.is_signed, out, places)
    if bad >= 0:
        raise ColumnFault(bad)
    return [
        np.frombuffer(out, dtype, count, place)
        for dtype, count, place in zip(kinds.dtypes, rows, places.tolist(), strict=True)
    ]
