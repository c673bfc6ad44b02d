"""A column of a journal entry as octets: a base, then what each row is above it, in as many octets as the largest needs.

    base (8 octets, little-endian, the column's least value), then for each row value - base, little-endian

All rows have one width, 0 to 8, which follows from the length; so a column of equal values is its base alone, instants of
one second take four octets, and numbers of accounts three. The rows of a request, which were 220 octets, are about 100:
the journal is half of what a commit writes. A column of a table without rows is no octets at all.
"""

from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
from numba import int64, uint64
from numpy.typing import NDArray

from vocabulary.kernel import inlined_kernel, kernel
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


@cache
def columns_of(dtype: np.dtype[Any]) -> TableColumns:
    """The columns of rows of a structured dtype."""
    assert dtype.fields is not None
    names = tuple(dtype.names or ())
    dtypes = tuple(dtype.fields[name][0] for name in names)
    return TableColumns(
        names,
        dtypes,
        np.array([dtype.fields[name][1] for name in names], np.int64),
        np.array([each.itemsize for each in dtypes], np.int64),
        np.array([each.kind == "i" for each in dtypes], np.uint8),
    )


@inlined_kernel
def _value(rows, at, octets, is_signed):
    """The value at rows[at:] as uint64, extended by its sign."""
    place = uint64(at)
    if octets == 8:
        return get_word(rows, at)
    value = uint64(rows[place])
    if octets >= 2:
        value |= uint64(rows[place + uint64(1)]) << uint64(8)
    if octets == 4:
        value |= uint64(rows[place + uint64(2)]) << uint64(16)
        value |= uint64(rows[place + uint64(3)]) << uint64(24)
    if is_signed:
        unused = uint64(64 - 8 * octets)
        value = uint64(int64(value << unused) >> int64(unused))
    return value


@kernel
def pack_columns(rows, row_octets, count, offsets, octets, is_signed, out, at, ends):
    """Write the columns of structured rows to out[at:], one behind the other; the place behind the last.

    rows        uint8[count * row_octets]: the rows' memory
    offsets, octets, is_signed   see TableColumns
    out         uint8[] with room for BASE_OCTETS a column, the rows, and ROOM_OCTETS
    ends        int64[columns], written: the place behind each column
    """
    for column in range(offsets.shape[0]):
        first, width, signed = offsets[column], octets[column], is_signed[column] != 0
        # Signed values compare as unsigned ones once their sign bit is turned over.
        turn = _TOP_BIT if signed else uint64(0)
        least, most = ~uint64(0), uint64(0)
        for row in range(count):
            value = _value(rows, first + row * row_octets, width, signed) ^ turn
            least = min(least, value)
            most = max(most, value)
        if count > 0:
            base, needed = least ^ turn, octets_needed(most - least)
            put_word(out, at, base)
            at += BASE_OCTETS
            if needed > 0:
                for row in range(count):
                    put_word(out, at, _value(rows, first + row * row_octets, width, signed) - base)
                    at += needed
        ends[column] = at
    return at


def unpack_column(octets: bytes, rows: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """The column of so many rows. ValueError where the octets are none of that many rows."""
    if rows == 0:
        if octets:
            raise ValueError(f"has {len(octets)} octets for no row")
        return np.zeros(0, dtype)
    width, rest = divmod(len(octets) - BASE_OCTETS, rows)
    if len(octets) < BASE_OCTETS or rest or width > WIDTH_MAX:
        raise ValueError(f"has {len(octets)} octets, which is no column of {rows} rows")
    base = int.from_bytes(octets[:BASE_OCTETS], "little", signed=dtype.kind == "i")
    if width == 0:
        return np.full(rows, base, np.int64 if dtype.kind == "i" else np.uint64).astype(dtype, copy=False)
    if width in (1, 2, 4, 8):
        above = np.frombuffer(octets, f"<u{width}", rows, BASE_OCTETS).astype(np.uint64)
    else:
        padded = np.zeros((rows, WIDTH_MAX), np.uint8)
        padded[:, :width] = np.frombuffer(octets, np.uint8, rows * width, BASE_OCTETS).reshape(rows, width)
        above = padded.view("<u8")[:, 0]
    above += np.uint64(base % 2**64)
    return (above.view(np.int64) if dtype.kind == "i" else above).astype(dtype, copy=False)
