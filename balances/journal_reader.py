"""Journal entries back into structured rows, for a reader of whole journals: one kernel an entry as this release writes them.

The kernel walks an entry beside the columns that balances/journal_writer.py gives it and fills the rows of one memory, which
the next entry overwrites. Whatever differs (another release, another encoder, damage) is decoded by balances/journal.py,
which says what does not fit; its columns go into the same rows by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgpack
import numpy as np
from numpy.typing import NDArray

from balances.journal import (
    ADDED_LATER,
    ENTRY_VERSION,
    JOURNAL_REQUEST_DTYPE,
    LEFT_OUT_WHERE_0,
    MOVEMENT_DTYPE,
    ROWS_MAX,
    TABLES,
    JournalEntry,
    decode_entry,
)
from balances.journal_columns import RowViews, unpack_column, views_of
from balances.journal_writer import MAP_16, EntryLayout, example_layout, layout_of
from vocabulary.held import Held, held, kind_of
from vocabulary.kernel import kernel

_HEAD_OCTETS_MAX: Final = 1024
_ROOM_ROWS: Final = 4096
_BIN_8: Final = 0xC4
_BIN_16: Final = 0xC5
_BIN_32: Final = 0xC6
_UNKNOWN: Final = -1
_HEAD_KEYS: Final = frozenset({"version", "partition", "follows", "now_ns", "voids", "rows"})
_FIXED_KEYS: Final = {"partition": int, "follows": str, "now_ns": int}


@dataclass(frozen=True, slots=True)
class EntryRows:
    """An entry as rows, valid until its reader reads the next."""

    partition: int
    follows: str
    now_ns: int
    voids: tuple[str, ...]
    requests: NDArray[np.void]
    usages: NDArray[np.void]
    movements: NDArray[np.void]
    """none where the reader was not asked for them"""
    octets: NDArray[np.uint8]
    """texts of the request rows, in row order"""


class _Memory(NamedTuple):
    layout: EntryLayout
    requests: RowViews
    usages: RowViews
    movements: RowViews


assert {table for table, _ in LEFT_OUT_WHERE_0} <= {"requests", "usages"}, "_read_known clears columns of these"
_NO_VIEWS: Final = views_of(np.zeros(0, MOVEMENT_DTYPE))
_HELD_MEMORY: Final = kind_of(_Memory(example_layout(), _NO_VIEWS, _NO_VIEWS, _NO_VIEWS))


@kernel
def _is_key(entry, at, keys, first, end):
    """Does the entry have this key at `at`, and room for a value's header behind it?"""
    if at + end - first + 5 > entry.shape[0]:
        return False
    for index in range(end - first):  # noqa: SIM110 - a generator doesn't compile
        if entry[at + index] != keys[first + index]:
            return False
    return True


@kernel
def _read_bin_header(entry, at):
    """(place of the octets, how many) of a msgpack bin at `at`; (-1, 0) where it is none."""
    kind = entry[at]
    if kind == _BIN_8:
        return at + 2, np.int64(entry[at + 1])
    if kind != _BIN_16 and kind != _BIN_32:
        return np.int64(_UNKNOWN), np.int64(0)
    octets = 2 if kind == _BIN_16 else 4
    length = np.int64(0)
    for index in range(octets):
        length = length << 8 | np.int64(entry[at + 1 + index])
    return at + 1 + octets, length


@kernel
def _clear_column(rows, row_octets, count, offset):
    """0 into a column of one octet a row that an entry left out."""
    for row in range(count):
        rows.octets[row * row_octets + offset] = 0


@kernel
def _read_known(entry, at, memory_octets, requests, usages, movements, columns, takes_movements):
    """Fill the rows from an entry whose first column's key is at `at`; where its texts begin, or _UNKNOWN.

    requests, usages, movements   rows of each table; the memory has room for them
    columns                       how many the entry has
    takes_movements               bool: else the movements' columns are passed over
    """
    memory = held(memory_octets, _HELD_MEMORY)
    layout, key, found = memory.layout, np.int64(0), 0
    for column in range(layout.table.shape[0]):
        end = layout.key_ends[column]
        if not _is_key(entry, at, layout.keys, key, end):
            if not layout.is_optional[column]:
                return _UNKNOWN
            if layout.table[column] == 0:
                _clear_column(memory.requests, layout.row_octets[0], requests, layout.offset[column])
            else:
                _clear_column(memory.usages, layout.row_octets[1], usages, layout.offset[column])
            key = end
            continue
        found += 1
        at, length = _read_bin_header(entry, at + end - key)
        key = end
        if at < 0 or at + length + 8 > entry.shape[0]:  # the key of the texts is longer than a word that is read whole
            return _UNKNOWN
        table, offset = layout.table[column], layout.offset[column]
        width, is_signed = layout.octets[column], layout.is_signed[column]
        row_octets = layout.row_octets[table]
        is_good = True
        if table == 0:
            is_good = unpack_column(entry, at, length, memory.requests, row_octets, requests, offset, width, is_signed)
        elif table == 1:
            is_good = unpack_column(entry, at, length, memory.usages, row_octets, usages, offset, width, is_signed)
        elif takes_movements:
            is_good = unpack_column(
                entry, at, length, memory.movements, row_octets, movements, offset, width, is_signed
            )
        elif movements == 0:
            is_good = length == 0
        if not is_good:
            return _UNKNOWN
        at += length
    end = layout.keys.shape[0]
    if found != columns or not _is_key(entry, at, layout.keys, key, end):
        return _UNKNOWN
    at, length = _read_bin_header(entry, at + end - key)
    return at if at >= 0 and at + length == entry.shape[0] else _UNKNOWN


class EntryReader:
    """Reads entries into the same rows, again and again; they grow to the largest entry seen."""

    def __init__(self, usage_dtype: np.dtype[Any], *, takes_movements: bool = False) -> None:
        self._usage_dtype = usage_dtype
        self._takes_movements = takes_movements
        self._layout = layout_of((JOURNAL_REQUEST_DTYPE, usage_dtype, MOVEMENT_DTYPE))
        self._left_out = range(int(self._layout.is_optional.sum()) + 1)
        self._first_key = self._layout.keys[: self._layout.key_ends[0]].tobytes()
        self._make_room(_ROOM_ROWS, _ROOM_ROWS, _ROOM_ROWS)

    def _make_room(self, requests: int, usages: int, movements: int) -> None:
        self._requests = np.zeros(requests, JOURNAL_REQUEST_DTYPE)
        self._usages = np.zeros(usages, self._usage_dtype)
        self._movements = np.zeros(movements if self._takes_movements else 0, MOVEMENT_DTYPE)
        views = [views_of(rows) for rows in (self._requests, self._usages, self._movements)]
        self._held = Held(_Memory(self._layout, *views), _HELD_MEMORY)

    def _grow(self, *counts: int) -> None:
        """Room for so many requests, usages and movements."""
        rooms = [len(self._requests), len(self._usages), len(self._movements)]
        if not self._takes_movements:
            counts, rooms = counts[:2], rooms[:2]
        if any(count > room for count, room in zip(counts, rooms, strict=True)):
            larger = [2 * max(pair) for pair in zip(counts, rooms, strict=True)]
            self._make_room(*larger, *([] if self._takes_movements else [0]))

    def read(self, entry: bytes | memoryview) -> EntryRows:
        """The rows of an entry. ValueError says what is damaged, or which column it lacks."""
        return self._read_known(entry) or self.take(decode_entry(entry))

    def _read_known(self, entry: bytes | memoryview) -> EntryRows | None:
        """The rows of an entry as this release writes it; None where it may be another."""
        start = bytes(entry[:_HEAD_OCTETS_MAX])
        at = start.find(self._first_key)
        key_count = int.from_bytes(start[1:3], "big")
        head = self._head_of(start, at, key_count)
        if head is None:
            return None
        requests, usages, movements = (head["rows"][table] for table in TABLES)
        self._grow(requests, usages, movements)
        octets = np.frombuffer(entry, np.uint8)
        columns = key_count - len(head) - 1
        counts = (requests, usages, movements)
        texts = _read_known(octets, at, self._held.octets, *counts, columns, self._takes_movements)
        if texts < 0:
            return None
        return EntryRows(
            head["partition"],
            head["follows"],
            head["now_ns"],
            tuple(head.get("voids", ())),
            self._requests[:requests],
            self._usages[:usages],
            self._movements[:movements],
            octets[texts:],
        )

    def _head_of(self, start: bytes, at: int, key_count: int) -> Mapping[str, Any] | None:
        """The keys before the first column, which is at `at`; None where they are not what this release writes.

        key_count   of the whole entry
        """
        if at < 0 or start[:1] != MAP_16:
            return None
        unpacker = msgpack.Unpacker()
        unpacker.feed(start[3:at])
        try:
            items = list(unpacker)
            head = dict(zip(items[::2], items[1::2], strict=True))
        except Exception:  # msgpack raises a dozen kinds; decode_entry says what is wrong
            return None
        is_whole = unpacker.tell() == at - 3 and len(head) + len(self._layout.table) + 1 - key_count in self._left_out
        if not is_whole:
            return None
        if head.get("version") != ENTRY_VERSION or not head.keys() <= _HEAD_KEYS:
            return None
        if not all(isinstance(head.get(key), kind) for key, kind in _FIXED_KEYS.items()):
            return None
        rows, voids = head.get("rows"), head.get("voids", [])
        if not isinstance(rows, dict) or rows.keys() != set(TABLES):
            return None
        if not all(isinstance(count, int) and 0 <= count <= ROWS_MAX for count in rows.values()):
            return None
        is_listed = isinstance(voids, list) and all(isinstance(name, str) for name in voids)
        return head if is_listed else None

    def take(self, entry: JournalEntry) -> EntryRows:
        """The rows of a decoded entry. ValueError names a column that it lacks."""
        tables = (entry.requests, entry.usages, entry.movements)
        requests, usages, movements = (len(next(iter(table.values()), ())) for table in tables)
        self._grow(requests, usages, movements)
        taken = [
            ("requests", self._requests, entry.requests, requests),
            ("usages", self._usages, entry.usages, usages),
        ]
        if self._takes_movements:
            taken.append(("movements", self._movements, entry.movements, movements))
        for table, rows, columns, count in taken:
            for name in rows.dtype.names or ():
                if name not in columns and (table, name) in ADDED_LATER:
                    rows[name][:count] = 0
                    continue
                if name not in columns:
                    raise ValueError(
                        f"journal entry has no column {table}.{name}: it was written by another release of Farebox"
                    )
                rows[name][:count] = columns[name]
        return EntryRows(
            entry.partition,
            entry.follows,
            entry.now_ns,
            entry.voids,
            self._requests[:requests],
            self._usages[:usages],
            self._movements[:movements],
            entry.octets,
        )
