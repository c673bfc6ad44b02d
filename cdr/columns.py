"""Columns of the record writer: sessions that are open, and the rows of finished records.

Everything here is a row of a structured array or a column of an entry; a record is never a Python object. The session
table and the finished rows are filled by the kernels of cdr/session_table.py and grown by cdr/assembly.py.
"""

from enum import IntEnum
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray


class ClosingCause(IntEnum):
    """CauseForRecordClosing of TS 32.298, the numbers that the writer uses."""

    NORMAL = 0
    PARTIAL = 1
    ABNORMAL = 4
    VOLUME_LIMIT = 16
    TIME_LIMIT = 17
    MAX_CHANGES = 19


class ClosedBy(IntEnum):
    """What closed a record, more exactly than its cause says; the name in lower case stands in the files."""

    TERMINATION = 0
    SUPERVISION = 1
    """the session ended by its supervision time, no termination came"""
    NEW_SESSION = 2
    """an INITIAL with the same Session-Id began the session anew"""
    EVENT = 3
    REFUSAL = 4
    """the request opened no session, or was for none"""
    TIME_LIMIT = 5
    LINE_LIMIT = 6
    AMOUNT_LIMIT = 7
    """a sum of the record would have left what 64 bits hold"""
    TABLE_LIMIT = 8
    """the writer keeps as many sessions open as it may: each request is a partial record"""
    USAGE_DETAILS = 9
    """the request carried details of its usage, which are of its record alone"""
    ABORT = 10
    """we ended the session: its client had lost it, or did not heed what it was told"""


CAUSES: Final = {
    ClosedBy.TERMINATION: ClosingCause.NORMAL,
    ClosedBy.SUPERVISION: ClosingCause.ABNORMAL,
    ClosedBy.NEW_SESSION: ClosingCause.ABNORMAL,
    ClosedBy.EVENT: ClosingCause.NORMAL,
    ClosedBy.REFUSAL: ClosingCause.ABNORMAL,
    ClosedBy.TIME_LIMIT: ClosingCause.TIME_LIMIT,
    ClosedBy.LINE_LIMIT: ClosingCause.MAX_CHANGES,
    ClosedBy.AMOUNT_LIMIT: ClosingCause.VOLUME_LIMIT,
    ClosedBy.TABLE_LIMIT: ClosingCause.PARTIAL,
    ClosedBy.USAGE_DETAILS: ClosingCause.MAX_CHANGES,
    ClosedBy.ABORT: ClosingCause.ABNORMAL,
}
CAUSE_NUMBERS: Final = tuple(int(CAUSES[closed_by]) for closed_by in ClosedBy)
"""Cause by ClosedBy, for kernels and for whole columns."""

NO_IDENTITY: Final = 255

SESSION_DTYPE: Final = np.dtype(
    [
        ("high", np.uint64),
        ("low", np.uint64),
        ("account_id", np.int64),
        ("session_opened_ns", np.int64),
        ("opened_ns", np.int64),  # of the record: later than the session's behind a partial record
        ("last_ns", np.int64),  # receipt of the last request
        ("texts_at", np.int64),  # Session-Id, Origin-Host, Origin-Realm, identity, side by side
        ("information_at", np.int64),
        ("tenant", np.int32),
        ("service_context", np.int32),
        ("request_count", np.int32),
        ("partial_count", np.int32),
        ("first_line", np.int32),  # -1 where there is none
        ("last_line", np.int32),
        ("line_count", np.int32),
        ("information_length", np.int32),
        ("information_room", np.int32),
        ("next_free", np.int32),
        ("session_id_length", np.uint16),
        ("origin_host_length", np.uint16),
        ("origin_realm_length", np.uint16),
        ("identity_length", np.uint16),  # its kind is the first octet
        ("currency", np.uint16),  # ISO 4217 number, 0 where the account has no record
        ("outcome", np.uint8),
        ("termination_cause", np.uint8),
        ("is_event", np.uint8),
        ("is_open", np.uint8),
    ],
    align=True,
)

LINE_DTYPE: Final = np.dtype(
    [
        ("rating_group", np.int64),  # -1 absent
        ("service_identifier", np.int64),  # -1 absent
        ("used_units", np.int64),
        ("allowance_units", np.int64),
        ("uncharged_units", np.int64),
        ("charged_micros", np.int64),
        ("first_used_ns", np.int64),  # 0 where nothing was used
        ("last_used_ns", np.int64),
        ("report_count", np.int32),  # MSCCs
        ("refused_count", np.int32),  # of them not granted
        ("release", np.int32),
        ("offer", np.int32),
        ("price", np.int32),
        ("next", np.int32),  # line of the session behind this one, -1: none; of a finished row: its record
        ("number", np.int32),  # of a finished row: from 1 within its record, 0 where the record has no line
        ("unit", np.uint8),
        ("settled_by", np.uint8),  # Unit of the buckets that pay at the price: MONEY or BILL
        ("outcome", np.uint8),  # of the last MSCC
    ],
    align=True,
)

RECORD_DTYPE: Final = np.dtype(
    [
        ("sequence", np.int64),
        ("account_id", np.int64),
        ("session_opened_ns", np.int64),
        ("opened_ns", np.int64),
        ("closed_ns", np.int64),
        ("partition", np.int32),
        ("tenant", np.int32),
        ("service_context", np.int32),
        ("request_count", np.int32),
        ("partial_sequence", np.int32),  # 0: the session's only record
        ("line_count", np.int32),
        ("session_id_length", np.int32),
        ("origin_host_length", np.int32),
        ("origin_realm_length", np.int32),
        ("identity_length", np.int32),  # without its kind
        ("information_length", np.int32),
        ("currency", np.uint16),  # as in SESSION_DTYPE
        ("identity_kind", np.uint8),  # NO_IDENTITY where there is none
        ("outcome", np.uint8),
        ("termination_cause", np.uint8),  # 0 absent
        ("closed_by", np.uint8),
        ("is_event", np.uint8),
    ],
    align=True,
)


class SessionTable(NamedTuple):
    """Open sessions of one partition: a hash table over rows, their lines, and their texts in one array."""

    slots: NDArray[np.int32]  # (2^n,) row + 1, 0 empty; at most half full
    sessions: NDArray[np.void]  # SESSION_DTYPE
    lines: NDArray[np.void]  # LINE_DTYPE
    octets: NDArray[np.uint8]
    state: NDArray[np.int64]  # (STATE_WORDS,)


STATE_SESSIONS: Final = 0
"""Rows of `sessions` that were ever used."""
STATE_FREE_SESSION: Final = 1
"""First row of the list of free ones, -1: none."""
STATE_OPEN: Final = 2
STATE_LINES: Final = 3
STATE_FREE_LINE: Final = 4
STATE_OPEN_LINES: Final = 5
STATE_OCTETS: Final = 6
"""Octets used, garbage included."""
STATE_LIVE_OCTETS: Final = 7
STATE_SEQUENCE: Final = 8
"""Local sequence number of the next record."""
STATE_WORDS: Final = 9


class RecordRows(NamedTuple):
    """Finished records and their lines, at least one a record; texts by column, cut by the records' lengths."""

    records: NDArray[np.void]  # RECORD_DTYPE
    lines: NDArray[np.void]  # LINE_DTYPE, in the order of the records
    session_ids: NDArray[np.uint8]
    origin_hosts: NDArray[np.uint8]
    origin_realms: NDArray[np.uint8]
    identities: NDArray[np.uint8]
    informations: NDArray[np.uint8]
    counts: NDArray[np.int64]  # (COUNT_WORDS,)


COUNT_RECORDS: Final = 0
COUNT_LINES: Final = 1
COUNT_SESSION_IDS: Final = 2
COUNT_ORIGIN_HOSTS: Final = 3
COUNT_ORIGIN_REALMS: Final = 4
COUNT_IDENTITIES: Final = 5
COUNT_INFORMATIONS: Final = 6
COUNT_FILE_OCTETS: Final = 7
"""At most so many octets do the rows become in a file."""
COUNT_WORDS: Final = 8
ROW_FILE_OCTETS_MAX: Final = 640
"""Of a row in CSV without the record's texts."""


class Limits(NamedTuple):
    """At what the table gives records out instead of growing."""

    sessions_max: int
    octets_max: int
    lines_max: int


class ClosingBounds(NamedTuple):
    """Which open sessions get a partial record, and how many of them at once."""

    opened_until_ns: int
    records_max: int
    rows_max: int
    """none is begun once so many lines are finished"""
    octets_max: int
    """none is begun once the finished rows are so many octets of a file"""


def new_session_table(session_count: int, line_count: int, octet_count: int) -> SessionTable:
    """An empty table with room for so many sessions, lines and octets of texts."""
    state = np.zeros(STATE_WORDS, np.int64)
    state[[STATE_FREE_SESSION, STATE_FREE_LINE]] = -1
    state[STATE_SEQUENCE] = 1
    return SessionTable(
        slots=np.zeros(slots_for(session_count), np.int32),
        sessions=np.zeros(session_count, SESSION_DTYPE),
        lines=np.zeros(line_count, LINE_DTYPE),
        octets=np.zeros(octet_count, np.uint8),
        state=state,
    )


def slots_for(session_count: int) -> int:
    """Slots of a hash table for so many sessions, at most half full."""
    return 1 << (2 * session_count - 1).bit_length()


def new_record_rows(record_count: int, line_count: int, octet_count: int) -> RecordRows:
    """No rows, with room for so many records, lines, and octets of each text."""
    return RecordRows(
        records=np.zeros(record_count, RECORD_DTYPE),
        lines=np.zeros(line_count, LINE_DTYPE),
        session_ids=np.zeros(octet_count, np.uint8),
        origin_hosts=np.zeros(octet_count, np.uint8),
        origin_realms=np.zeros(octet_count, np.uint8),
        identities=np.zeros(octet_count, np.uint8),
        informations=np.zeros(octet_count, np.uint8),
        counts=np.zeros(COUNT_WORDS, np.int64),
    )
