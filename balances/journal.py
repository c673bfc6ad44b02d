"""The journal entry of a batch: what was decided, once, in order. One msgpack map of column name -> octets,
written by balances/journal_writer.py.

A column's key says table, field and dtype (`movements.amount:<i8`), so that a reader of another release still finds
what it knows; its octets are those of balances/journal_columns.py. Columns of LEFT_OUT_WHERE_0 may be missing. Three
tables: `requests` (a row each decided request), `usages` (a row each MSCC, dtype in charging/usage_record.py) and
`movements` (a row each bucket that changed). `octets` holds the texts of the rows in row order, cut by the `*_length`
columns: Session-Id, Origin-Host, Origin-Realm, identity, then Service-Information, each only where its length is not 0
(a session's first row; Service-Information when it differs from the session's last). An account command has its id there
instead of a Session-Id.

The map also has `version`, `partition`, `follows` (the id of the entry before it, so that a reader of a restored store
sees the gap), `now_ns`, `rows` (how many each table has, by name) and, when an epoch begins after a divergence, `voids`
(ids that the store has lost).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgpack
import numpy as np
from numpy.typing import NDArray

from balances.journal_columns import ColumnFault, ColumnKinds, kinds_of, unpack_columns
from vocabulary.limits import BATCH_MOVEMENTS_MAX

ENTRY_VERSION: Final = 2


class MovementKind(IntEnum):
    """Why an amount entered or left an account. HELD moves between remaining and reserved alone.

    FEE is what a product's period costs and ALLOTTED what it brings; CHARGED is usage and nothing else.
    """

    HELD = 0
    OPENED = 1
    TOPPED_UP = 2
    BONUS = 3
    ADJUSTED_IN = 4
    REFUNDED = 5
    MOVED_IN = 6
    OVERDRAFT = 7
    SETTLED = 8
    """What was owed on the bill was billed, or paid; of the bill alone."""
    ALLOTTED = 9
    CHARGED = 16
    EXPIRED = 17
    ADJUSTED_OUT = 18
    MOVED_OUT = 19
    FEE = 20


FIRST_DEBIT: Final = int(MovementKind.CHARGED)
"""Kinds from here on are debits, those between HELD and here are credits."""

JOURNAL_REQUEST_DTYPE: Final = np.dtype(
    [
        ("session_high", np.uint64),
        ("session_low", np.uint64),
        ("account_id", np.int64),
        ("event_ns", np.int64),
        ("received_ns", np.int64),
        ("request_number", np.uint32),
        ("tenant", np.int32),
        ("service_context", np.int32),
        ("service_information_length", np.int32),
        ("session_id_length", np.uint16),
        ("origin_host_length", np.uint16),
        ("origin_realm_length", np.uint16),
        (
            "identity_length",
            np.uint16,
        ),  # of the first identity, with its kind as one octet before the value
        ("currency", np.uint16),  # ISO 4217 number of the account's record; 0 where it has no record
        ("kind", np.uint8),
        ("request_type", np.uint8),
        ("command", np.uint8),
        ("outcome", np.uint8),
        ("termination_cause", np.uint8),
        ("ended_session", np.uint8),  # 1 ended by the request, 2 ended by supervision
        ("is_uncounted", np.uint8),  # 1 where its peer never counts: request_number says nothing
        (
            "denied_status",
            np.uint8,
        ),  # AccountStatus of one that gave no credit where END_USER_SERVICE_DENIED was answered, ACTIVE: past its end; else 0
    ],
    align=True,
)

MOVEMENT_DTYPE: Final = np.dtype(
    [
        ("amount", np.int64),  # credited or debited by kind, never below 0
        (
            "held",
            np.int64,
        ),  # change of reserved; remaining changes by the opposite, besides the amount
        ("request", np.int32),  # row of `requests`
        ("usage", np.int32),  # row of `usages`, -1 where none caused it
        ("bucket_id", np.int32),
        ("allowance", np.int32),  # number of the allowance, 0 for money
        ("unit", np.uint8),
        ("kind", np.uint8),
    ],
    align=True,
)

TABLES: Final = ("requests", "usages", "movements")

ADDED_LATER: Final = frozenset({("usages", "requested_units"), ("usages", "grant_basis")})
"""(table, field) of columns that entries of an earlier release don't have: each of their rows is 0."""
LEFT_OUT_WHERE_0: Final[Mapping[tuple[str, str], np.dtype[Any]]] = {
    ("requests", "is_uncounted"): np.dtype(np.uint8),
    ("requests", "denied_status"): np.dtype(np.uint8),
    ("usages", "settled_by"): np.dtype(np.uint8),
}
"""(table, field) of columns of one octet a row that an entry doesn't have where each of its rows is 0: entries of prepaid
accounts are as large as they were before there were bills, and those of earlier releases are read."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """A decoded entry. Columns are read-only arrays of equal length a table, by table and field name."""

    partition: int
    follows: str
    now_ns: int
    requests: Mapping[str, NDArray[Any]]
    usages: Mapping[str, NDArray[Any]]
    movements: Mapping[str, NDArray[Any]]
    octets: NDArray[np.uint8]
    voids: tuple[str, ...] = field(default=())


def decode_entry(entry: bytes | memoryview) -> JournalEntry:
    """The entry of these octets. ValueError names what does not fit."""
    columns = _columns_of(entry)
    tables: dict[str, dict[str, NDArray[Any]]] = {table: {} for table in TABLES}
    known = _known_columns(tuple(key for key in columns if "." in key))
    for (table, name), column in zip(known.places, _unpack(columns, known), strict=True):
        tables.setdefault(table, {})[name] = column
    for (table, name), dtype in LEFT_OUT_WHERE_0.items():
        tables[table].setdefault(name, np.zeros(columns["rows"].get(table, 0), dtype))
    return JournalEntry(
        partition=columns["partition"],
        follows=columns["follows"],
        now_ns=columns["now_ns"],
        voids=tuple(columns.get("voids", ())),
        octets=np.frombuffer(columns["octets"], np.uint8),
        requests=tables["requests"],
        usages=tables["usages"],
        movements=tables["movements"],
    )


_FIXED_KEYS: Final = {"partition": int, "follows": str, "now_ns": int, "rows": dict, "octets": bytes}
ROWS_MAX: Final = 2 * BATCH_MOVEMENTS_MAX
"""A column of equal values is eight octets, whatever its rows: a damaged count must not ask for a terabyte."""
_COLUMN_TYPE: Final = re.compile(r"[<|][iu][1248]")
"""What numpy makes of any other text in a damaged key is not asked: it knows errors of many kinds, and odd types."""


def _columns_of(entry: bytes | memoryview) -> dict[str, Any]:
    """The map of an entry whose fixed keys are there and of their types."""
    try:
        columns = msgpack.unpackb(entry)
    except Exception as error:  # msgpack raises a dozen kinds
        raise ValueError(f"these {len(entry)} octets are no journal entry: {error!r}") from error
    if not isinstance(columns, dict) or columns.get("version") != ENTRY_VERSION:
        raise ValueError(f"journal entry has not version {ENTRY_VERSION}: it was written by another release of Farebox")
    for key, kind in _FIXED_KEYS.items():
        if not isinstance(columns.get(key), kind):
            raise ValueError(
                f"journal entry is damaged: {key} is {columns.get(key)!r:.80}, not of type {kind.__name__}"
            )
    rows = columns["rows"]
    if not all(isinstance(count, int) and 0 <= count <= ROWS_MAX for count in rows.values()):
        raise ValueError(f"journal entry is damaged: rows is {rows!r:.80}, not counts of 0 to {ROWS_MAX}")
    voids = columns.get("voids", [])
    if not isinstance(voids, list) or not all(isinstance(name, str) for name in voids):
        raise ValueError(f"journal entry is damaged: voids is {voids!r:.80}, no list of ids")
    if not all(isinstance(key, str) for key in columns):
        raise ValueError("journal entry is damaged: it has a key that is no text")
    return columns


class _KnownColumns(NamedTuple):
    """What the column keys of an entry say."""

    keys: tuple[str, ...]
    places: tuple[tuple[str, str], ...]  # table and field
    kinds: ColumnKinds


@lru_cache(64)
def _known_columns(keys: tuple[str, ...]) -> _KnownColumns:
    """Read the column keys of an entry, worked out once: the same come in every entry of a release."""
    places = []
    dtypes = []
    for key in keys:
        table, _, rest = key.partition(".")
        name, _, dtype = rest.partition(":")
        if not _COLUMN_TYPE.fullmatch(dtype):
            raise ValueError(f"journal entry is damaged: column {key!r:.80} has no type that columns have")
        places.append((table, name))
        dtypes.append(np.dtype(dtype))
    return _KnownColumns(keys, tuple(places), kinds_of(tuple(dtypes)))


def _unpack(columns: Mapping[str, Any], known: _KnownColumns) -> list[NDArray[Any]]:
    """The arrays of an entry's columns, in the order of its keys."""
    values = [columns[key] for key in known.keys]
    rows = [columns["rows"].get(table, -1) for table, _ in known.places]
    for key, value, count in zip(known.keys, values, rows, strict=True):
        if not isinstance(value, bytes) or count < 0:
            raise ValueError(
                f"journal entry is damaged: column {key!r:.80} has no octets, or its table no count of rows"
            )
    try:
        return unpack_columns(values, rows, known.kinds)
    except ColumnFault as fault:
        key, octets, count = known.keys[fault.column], len(values[fault.column]), rows[fault.column]
        raise ValueError(
            f"journal entry is damaged: column {key!r:.80} has {octets} octets, which is no column of {count} rows"
        ) from None
