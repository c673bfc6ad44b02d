"""The assembly of one partition: journal entries in, finished records out; its state is saved and loaded as octets.

The same entries, closed at the same instants, give the same records with the same numbers: that is what a restart
rests on, which loads an older state and applies again what came behind it (cdr/edge/writer.py).
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from balances.journal import JOURNAL_REQUEST_DTYPE, MOVEMENT_DTYPE
from balances.journal_chain import NO_ENTRY
from balances.journal_reader import EntryReader, EntryRows
from balances.journal_writer import encode_entry
from cdr.apply_entry import DOES_NOT_FIT, apply_entry, close_due
from cdr.carried_members import CARRIED_OCTETS_MAX
from cdr.columns import (
    COUNT_FILE_OCTETS,
    COUNT_LINES,
    COUNT_RECORDS,
    LINE_DTYPE,
    SESSION_DTYPE,
    STATE_LINES,
    STATE_LIVE_OCTETS,
    STATE_OCTETS,
    STATE_OPEN,
    STATE_OPEN_LINES,
    STATE_SEQUENCE,
    STATE_SESSIONS,
    STATE_WORDS,
    ClosingBounds,
    Limits,
    RecordRows,
    SessionTable,
    new_record_rows,
    new_session_table,
    slots_for,
)
from cdr.movement_rows import FinishedMovements
from cdr.session_table import fill_slots, gather_texts
from charging.usage_record import USAGE_DTYPE
from vocabulary.limits import RECORD_LINES_MAX, RECORD_SESSIONS_OPEN_MAX, RECORD_TEXT_OCTETS_MAX

LIMITS: Final = Limits(
    sessions_max=RECORD_SESSIONS_OPEN_MAX, octets_max=RECORD_TEXT_OCTETS_MAX, lines_max=RECORD_LINES_MAX
)
_SESSIONS_MIN: Final = 1024
_OCTETS_MIN: Final = 64 * 1024
_EVERY_ROW: Final = 2**62
_FILE_RECORDS: Final = 1 << 17
_FILE_OCTETS: Final = 1 << 25
"""Room for the records of a full file of the shipped settings and each of their texts. Memory is taken where rows are
written; starting small and doubling copied and cleared more than all the rest of the first minute cost."""


class AssemblyError(Exception):
    """A journal entry or a saved state can't be what it says; the message names what and the remedy."""


class FinishedRecords:
    """Finished records and movements of all partitions, for the next files; the arrays grow to the largest set and stay."""

    def __init__(self) -> None:
        self.rows: RecordRows = new_record_rows(_FILE_RECORDS, 2 * _FILE_RECORDS, _FILE_OCTETS)
        self.movements = FinishedMovements()

    @property
    def record_count(self) -> int:
        """Records gathered."""
        return int(self.rows.counts[COUNT_RECORDS])

    @property
    def line_count(self) -> int:
        """Rows that they become in a file."""
        return int(self.rows.counts[COUNT_LINES])

    @property
    def file_octets(self) -> int:
        """Octets that they become in a file, at most."""
        return int(self.rows.counts[COUNT_FILE_OCTETS])

    def tenants(self) -> frozenset[int]:
        """Numbers of the tenants whose records or movements are gathered."""
        of_records = frozenset(np.unique(self.rows.records["tenant"][: self.record_count]).tolist())
        return of_records | self.movements.tenants()

    def grow(self) -> None:
        """Twice the room for everything; what is gathered stays."""
        larger = {
            name: _larger(array, 2 * array.shape[0]) for name, array in self.rows._asdict().items() if name != "counts"
        }
        self.rows = self.rows._replace(**larger)

    def clear(self) -> None:
        """Forget them: they are in files."""
        self.rows.counts[:] = 0
        self.movements.clear()


def _larger(array: NDArray[Any], count: int) -> NDArray[Any]:
    found = np.zeros(count, array.dtype)
    found[: array.shape[0]] = array
    return found


class Assembly:
    """Open sessions of one partition."""

    def __init__(self, partition: int, limits: Limits = LIMITS) -> None:
        self.partition = partition
        self.table: SessionTable = new_session_table(_SESSIONS_MIN, _SESSIONS_MIN, _OCTETS_MIN)
        self._limits = limits

    @property
    def open_count(self) -> int:
        """Sessions that are open."""
        return int(self.table.state[STATE_OPEN])

    @property
    def next_sequence(self) -> int:
        """Local sequence number that the next record gets; never used twice, also when records were voided."""
        return int(self.table.state[STATE_SEQUENCE])

    @next_sequence.setter
    def next_sequence(self, sequence: int) -> None:
        self.table.state[STATE_SEQUENCE] = sequence

    def apply(self, entry: EntryRows, finished: FinishedRecords) -> None:
        """Apply an entry's rows; what they close is appended to `finished`. AssemblyError where it contradicts itself."""
        request_count = len(entry.requests)
        self._make_room(request_count, len(entry.usages), len(entry.octets))
        cursor = np.zeros(3, np.int64)
        while True:
            applied = apply_entry(
                self.table,
                entry.requests,
                entry.usages,
                entry.octets,
                cursor,
                self._limits,
                self.partition,
                finished.rows,
            )
            if applied == DOES_NOT_FIT:
                raise AssemblyError(
                    f"a journal entry of partition {self.partition} is damaged: its rows and texts don't fit each other;"
                    f" restore the segment file from a copy"
                )
            if applied == request_count:
                return
            left = len(entry.octets) - int(cursor[2])
            if not self._make_room(0, 0, left + CARRIED_OCTETS_MAX):
                finished.grow()

    def close_due(
        self,
        finished: FinishedRecords,
        *,
        now_ns: int,
        partial_after_ns: int,
        records_max: int = _EVERY_ROW,
        rows_max: int = _EVERY_ROW,
        octets_max: int = _EVERY_ROW,
    ) -> int:
        """Write partial records of sessions whose record is open for so long, in the table's order; how many.

        records_max   so many at most
        rows_max      none is begun once `finished` holds so many lines,
        octets_max    or so many octets
        """
        cursor = np.zeros(2, np.int64)
        bounds = ClosingBounds(now_ns - partial_after_ns, records_max, rows_max, octets_max)
        while not close_due(self.table, bounds, now_ns, cursor, self.partition, finished.rows):
            finished.grow()
        return int(cursor[1])

    def _make_room(self, session_count: int, line_count: int, octet_count: int) -> bool:
        """Room for what one entry may add; did octets lack any?"""
        table, state = self.table, self.table.state
        sessions = int(state[STATE_OPEN]) + session_count
        if sessions > table.sessions.shape[0]:
            rows = _larger(table.sessions, max(2 * table.sessions.shape[0], sessions))
            table = table._replace(sessions=rows, slots=np.zeros(slots_for(rows.shape[0]), np.int32))
            fill_slots(table)
        lines = int(state[STATE_OPEN_LINES]) + line_count
        if lines > table.lines.shape[0]:
            table = table._replace(lines=_larger(table.lines, max(2 * table.lines.shape[0], lines)))
        lacked = bool(int(state[STATE_OCTETS]) + octet_count > table.octets.shape[0])
        if lacked:
            room = max(2 * (int(state[STATE_LIVE_OCTETS]) + octet_count), _OCTETS_MIN)
            octets = np.zeros(room, np.uint8)
            state[STATE_OCTETS] = gather_texts(table, octets)
            table = table._replace(octets=octets)
        self.table = table
        return lacked

    def saved(self) -> dict[str, NDArray[Any]]:
        """The state by name, to be written and given to `restore`; it shares memory with the table."""
        state = self.table.state.copy()
        octets = np.zeros(int(state[STATE_LIVE_OCTETS]), np.uint8)
        sessions = self.table.sessions[: int(state[STATE_SESSIONS])].copy()
        gathered = self.table._replace(sessions=sessions)
        state[STATE_OCTETS] = gather_texts(gathered, octets)
        return {
            "state": state,
            "sessions": sessions,
            "lines": self.table.lines[: int(state[STATE_LINES])],
            "octets": octets,
        }

    def restore(self, saved: Mapping[str, NDArray[Any]]) -> None:
        """Take over a saved state. AssemblyError where another release saved it."""
        for name, dtype in (("sessions", SESSION_DTYPE), ("lines", LINE_DTYPE)):
            if saved[name].dtype != dtype or saved["state"].shape != (STATE_WORDS,):
                raise AssemblyError(f"the saved state has another layout of {name}: it is assembled anew")
        rooms = [max(2 * saved[name].shape[0], least) for name, least in _LEAST]
        self.table = new_session_table(*rooms)
        self.table.state[:] = saved["state"]
        for name, _ in _LEAST:
            getattr(self.table, name)[: saved[name].shape[0]] = saved[name]
        fill_slots(self.table)


_LEAST: Final = (("sessions", _SESSIONS_MIN), ("lines", _SESSIONS_MIN), ("octets", _OCTETS_MIN))


def new_entry_reader() -> EntryReader:
    """What reads journal entries into the rows that are applied, and the movements that are gathered."""
    return EntryReader(USAGE_DTYPE, takes_movements=True)


def warm_kernels() -> None:
    """Compile or load the kernels: an assembly that lives through one empty entry of the journal's own columns."""
    tables = {
        "requests": np.zeros(0, JOURNAL_REQUEST_DTYPE),
        "usages": np.zeros(0, USAGE_DTYPE),
        "movements": np.zeros(0, MOVEMENT_DTYPE),
    }
    octets = encode_entry(partition=0, follows="0-0", now_ns=0, tables=tables, octets=np.zeros(0, np.uint8))
    assembly, finished = Assembly(0), FinishedRecords()
    entry = new_entry_reader().read(octets)
    assembly.apply(entry, finished)
    finished.movements.take(entry, NO_ENTRY)
    assembly.close_due(finished, now_ns=0, partial_after_ns=0)
    assembly.restore(assembly.saved())
