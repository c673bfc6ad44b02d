"""Journal entries out of structured rows: one kernel writes all columns of an entry, as msgpack, behind a head of a few keys.

What an entry is says balances/journal.py. An `EntryWriter` is made once for memory that is used again and again: what a
batch costs beside its rows is then a head of 60 octets and one call.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, NamedTuple

import msgpack
import numpy as np
from numpy.typing import NDArray

from balances.journal import ENTRY_VERSION, JOURNAL_REQUEST_DTYPE, LEFT_OUT_WHERE_0, MOVEMENT_DTYPE, TABLES
from balances.journal_columns import BASE_OCTETS, ROOM_OCTETS, RowViews, columns_of, pack_column, views_of
from vocabulary.held import Held, held, kind_of
from vocabulary.kernel import kernel
from vocabulary.octets import copy_octets, get_word

MAP_16: Final = b"\xde"
_BIN_32: Final = 0xC6
_BIN_HEADER_OCTETS: Final = 5
_OCTETS_KEY: Final = msgpack.packb("octets")


class EntryLayout(NamedTuple):
    """The columns of an entry, in order, for the kernel."""

    table: NDArray[np.int64]  # (columns,) 0..2
    offset: NDArray[np.int64]  # (columns,) octet within the row
    octets: NDArray[np.int64]  # (columns,) 1, 2, 4 or 8
    is_signed: NDArray[np.uint8]  # (columns,)
    is_optional: NDArray[np.uint8]  # (columns,) left out where each row is 0
    row_octets: NDArray[np.int64]  # (3,) by table
    keys: NDArray[np.uint8]  # keys as msgpack, one behind the other, that of `octets` last
    key_ends: NDArray[np.int64]  # (columns + 1,)


class _Memory(NamedTuple):
    """What an entry is written from, and to."""

    requests: RowViews
    usages: RowViews
    movements: RowViews
    octets: NDArray[np.uint8]
    layout: EntryLayout
    out: NDArray[np.uint8]


@cache
def layout_of(dtypes: tuple[np.dtype[Any], ...]) -> EntryLayout:
    """The columns of tables of these dtypes, worked out once."""
    known = [columns_of(dtype) for dtype in dtypes]
    names = [
        (table, name, each.str)
        for table, columns in zip(TABLES, known, strict=True)
        for name, each in zip(columns.names, columns.dtypes, strict=True)
    ]
    keys = [msgpack.packb(f"{table}.{name}:{dtype}") for table, name, dtype in names]
    keys.append(_OCTETS_KEY)
    return EntryLayout(
        np.repeat(np.arange(len(TABLES)), [len(columns.names) for columns in known]).astype(np.int64),
        np.concatenate([columns.offsets for columns in known]),
        np.concatenate([columns.octets for columns in known]),
        np.concatenate([columns.is_signed for columns in known]),
        np.array([(table, name) in LEFT_OUT_WHERE_0 for table, name, _ in names], np.uint8),
        np.array([dtype.itemsize for dtype in dtypes], np.int64),
        np.array(bytearray(b"".join(keys)), np.uint8),
        np.cumsum([len(key) for key in keys]).astype(np.int64),
    )


def example_layout() -> EntryLayout:
    """A layout, to tell kernels what layouts are; of which tables makes no difference."""
    return layout_of((JOURNAL_REQUEST_DTYPE, MOVEMENT_DTYPE, MOVEMENT_DTYPE))


def _example() -> _Memory:
    views, octets = views_of(np.zeros(0, MOVEMENT_DTYPE)), np.zeros(0, np.uint8)
    return _Memory(views, views, views, octets, example_layout(), octets)


_HELD_MEMORY: Final = kind_of(_example())


@kernel
def _put_bin_header(out, at, length):
    """Header of so many octets (bin 32), big-endian."""
    out[at] = _BIN_32
    for index in range(4):
        out[at + 1 + index] = (length >> (24 - 8 * index)) & 0xFF
    return at + _BIN_HEADER_OCTETS


@kernel
def _pack_entry(memory_octets, requests, usages, movements, octets):
    """Write key and octets of each column, then the texts, to the memory's `out`; (place behind them, columns written).

    requests, usages, movements, octets   how many of each are valid
    """
    memory = held(memory_octets, _HELD_MEMORY)
    layout, out, at, key = memory.layout, memory.out, np.int64(0), np.int64(0)
    written = layout.table.shape[0]
    for column in range(layout.table.shape[0]):
        end, before = layout.key_ends[column], at
        at = copy_octets(layout.keys, key, out, at, end - key)
        key = end
        start = at + _BIN_HEADER_OCTETS
        table = layout.table[column]
        row_octets, offset = layout.row_octets[table], layout.offset[column]
        width, is_signed = layout.octets[column], layout.is_signed[column]
        if table == 0:
            end = pack_column(memory.requests, row_octets, requests, offset, width, is_signed, out, start)
        elif table == 1:
            end = pack_column(memory.usages, row_octets, usages, offset, width, is_signed, out, start)
        else:
            end = pack_column(memory.movements, row_octets, movements, offset, width, is_signed, out, start)
        if layout.is_optional[column] and (end == start or (end == start + BASE_OCTETS and get_word(out, start) == 0)):
            at = before
            written -= 1
            continue
        _put_bin_header(out, at, end - start)
        at = end
    at = copy_octets(layout.keys, key, out, at, layout.keys.shape[0] - key)
    return copy_octets(memory.octets, 0, out, _put_bin_header(out, at, octets), octets), written


class EntryWriter:
    """Writes the entries of rows that always lie in the same memory."""

    def __init__(self, tables: Mapping[str, NDArray[np.void]], octets: NDArray[np.uint8]) -> None:
        """
        tables   structured rows by table name, as many as an entry may have
        octets   where the texts of the request rows lie, in row order
        """
        rows = [tables[name] for name in TABLES]
        layout = layout_of(tuple(each.dtype for each in rows))
        columns = layout.table.shape[0]
        room = layout.keys.shape[0] + (_BIN_HEADER_OCTETS + BASE_OCTETS) * (columns + 1) + ROOM_OCTETS
        out = np.zeros(room + sum(each.nbytes for each in rows) + len(octets), np.uint8)
        self._view = memoryview(out.data)
        requests, usages, movements = (views_of(each) for each in rows)
        self._held = Held(_Memory(requests, usages, movements, octets, layout, out), _HELD_MEMORY)

    def write(
        self,
        *,
        partition: int,
        follows: str,
        now_ns: int,
        counts: tuple[int, int, int, int],
        voids: tuple[str, ...] = (),
    ) -> bytes:
        """Octets of an entry.

        counts   valid requests, usages, movements and octets
        """
        head: dict[str, Any] = {
            "version": ENTRY_VERSION,
            "partition": partition,
            "follows": follows,
            "now_ns": now_ns,
        }
        if voids:
            head["voids"] = voids
        head["rows"] = dict(zip(TABLES, counts[:-1], strict=True))
        end, columns = _pack_entry(self._held.octets, *counts)
        keys = len(head) + columns + 1
        # A map of less than 16 keys has a header of one octet, which makes way for that of the whole map.
        return b"".join((MAP_16, keys.to_bytes(2, "big"), msgpack.packb(head)[1:], self._view[:end]))


def encode_entry(
    *,
    partition: int,
    follows: str,
    now_ns: int,
    tables: Mapping[str, NDArray[np.void]],
    octets: NDArray[np.uint8],
    voids: tuple[str, ...] = (),
) -> bytes:
    """Octets of one entry of these rows, all of them, and texts."""
    writer = EntryWriter(tables, np.array(octets, np.uint8))
    requests, usages, movements = (len(tables[name]) for name in TABLES)
    counts = (requests, usages, movements, len(octets))
    return writer.write(partition=partition, follows=follows, now_ns=now_ns, counts=counts, voids=voids)
