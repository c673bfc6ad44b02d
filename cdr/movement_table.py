"""Movements as Arrow tables, by tenant and day: what money and allowances of which account came in or went, and why.

COLUMNS is the list of what files hold; docs/records.md shows the same rows and a test holds them equal. Words are
dictionaries of those that occur, so that neither text is built a row nor hashed again for the file.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from balances.journal import MovementKind
from cdr.movement_rows import COUNT_COMMAND_IDS, COUNT_ROWS, MovementColumns
from cdr.record_table import NS_PER_DAY, SETTLED_BY, Column, day_text, texts_of, where
from vocabulary.currencies import currency_text
from vocabulary.units import UNIT_NAMES, Unit

COLUMNS: Final = (
    Column("partition", pa.int32(), "partition of the store"),
    Column("epoch", pa.int64(), "epoch of the journal entry's id"),
    Column("entry", pa.int64(), "number of the journal entry within its epoch"),
    Column("movement", pa.int32(), "row of the entry's movements, from 0; these four are the id of the row"),
    Column("tenant_name", pa.string(), "tenant"),
    Column("account_id", pa.int64(), "account"),
    Column("moved_ns", pa.int64(), "receipt of what caused it, or the expiry; its day in UTC is the folder"),
    Column("kind", pa.string(), "why it moved, a word of the table below"),
    Column("amount", pa.int64(), "how much, above 0: micros of `currency`, or units; the kind says in which direction"),
    Column("unit", pa.string(), "micros, bill_micros (of what is owed on the bill), octets, seconds or events"),
    Column(
        "bucket_id",
        pa.int32(),
        "bucket of the account; with `unit` one bucket, as numbers of empty ones are given again",
    ),
    Column("allowance", pa.int32(), "number of the allowance's name; null for money"),
    Column(
        "currency", pa.string(), "ISO 4217 letters of the account's, its digits where not known; null where it has none"
    ),
    Column("caused_by", pa.string(), "usage, command or expiry"),
    Column("command_id", pa.string(), "id of the account command that caused it; null where another did"),
    Column("rating_group", pa.int64(), "Rating-Group of the usage that it pays; null where absent or not usage"),
    Column("service_identifier", pa.int64(), "Service-Identifier likewise"),
    Column("release", pa.int32(), "release that priced the usage; null where no price did"),
    Column("offer", pa.int32(), "number of the offer's name, likewise"),
    Column("price", pa.int32(), "number of the price's name, likewise"),
    Column("settled_by", pa.string(), "balance or bill: who pays at the price; null where no price did"),
)
MOVEMENT_SCHEMA: Final = pa.schema([(column.name, column.type) for column in COLUMNS])
REPEATING: Final = tuple(
    name for name in MOVEMENT_SCHEMA.names if name not in ("account_id", "moved_ns", "amount", "command_id", "movement")
)
"""Columns whose values repeat within a file, which get a dictionary in it."""
SOUGHT: Final = ("account_id", "moved_ns", "epoch", "entry")
"""Columns by which rows are looked for: they alone have statistics, which cost a third of the file."""


class DayMovements(NamedTuple):
    """The movements of one tenant and day."""

    tenant: int
    day: str
    """YYYY-MM-DD, UTC"""
    table: pa.Table


_KINDS: Final = tuple(
    MovementKind(number).name.lower() if number in set(MovementKind) else str(number) for number in range(256)
)
_CURRENCIES: Final = tuple(currency_text(number) for number in range(1000))
_UNITS: Final = tuple(UNIT_NAMES[unit] for unit in sorted(Unit))
_CAUSES: Final = ("usage", "command", "expiry")


def movements_by_day(columns: MovementColumns, tenant_names: Mapping[int, str]) -> Iterator[DayMovements]:
    """The gathered movements, a table a tenant and day, in their order. KeyError: a tenant without name."""
    count = int(columns.counts[COUNT_ROWS])
    if not count:
        return
    own = MovementColumns._make([*(array[:count] for array in columns[:-2]), *columns[-2:]])
    command_ids = _command_ids(own)
    for tenant, day, taken in _groups(own):
        if taken is None:  # nearly always: a copy costs a tenth of gathering rows
            part = MovementColumns._make([*(array.copy() for array in own[:-2]), *own[-2:]])
            table = _table(part, command_ids, tenant_names[tenant])
        else:
            part = MovementColumns._make([*(array[taken] for array in own[:-2]), *own[-2:]])
            table = _table(part, command_ids.take(pa.array(taken)), tenant_names[tenant])
        yield DayMovements(tenant, day_text(day), table)


def _groups(columns: MovementColumns) -> Iterator[tuple[int, int, NDArray[np.int64] | None]]:
    """(tenant, day since the Unix epoch, rows); rows None: all of them."""
    tenant, days = columns.tenant, columns.moved_ns // NS_PER_DAY
    if tenant.min() == tenant.max() and days.min() == days.max():
        yield int(tenant[0]), int(days[0]), None
        return
    group_of = tenant.astype(np.int64) << 32 | days
    for group in np.unique(group_of).tolist():
        yield group >> 32, group & 0xFFFFFFFF, np.flatnonzero(group_of == group)


def _command_ids(columns: MovementColumns) -> pa.Array:
    """Ids of commands, null where there is none."""
    lengths = columns.command_id_length
    if not columns.counts[COUNT_COMMAND_IDS]:
        return pa.nulls(lengths.shape[0], pa.string())
    texts = texts_of(columns.command_ids, lengths).cast(pa.string())
    return pa.compute.if_else(pa.array(lengths > 0), texts, pa.scalar(None, pa.string()))


def _worded(numbers: NDArray[Any], words: tuple[str, ...], is_present: NDArray[np.bool_] | None = None) -> pa.Array:
    """Words by number as a dictionary of those that occur; null where absent."""
    if is_present is not None and is_present.all():
        is_present = None
    least, most = int(numbers.min()), min(int(numbers.max()), len(words) - 1)
    if least == most:
        occurring, own = [least], np.zeros(numbers.shape[0], np.int32)
    else:
        known = np.minimum(numbers, most)
        occurring = np.flatnonzero(np.bincount(known)).tolist()
        places = np.zeros(most + 1, np.int32)
        places[occurring] = np.arange(len(occurring), dtype=np.int32)
        own = places[known]
    indices = pa.array(own, mask=None if is_present is None else ~is_present)
    return pa.DictionaryArray.from_arrays(
        indices, pa.array([words[place] for place in occurring], pa.string()), safe=False
    )


_COLUMN_OF: Final[Mapping[str, Callable[[MovementColumns], Any]]] = {
    "partition": lambda rows: pa.array(rows.partition),
    "epoch": lambda rows: pa.array(rows.epoch),
    "entry": lambda rows: pa.array(rows.number),
    "movement": lambda rows: pa.array(rows.movement),
    "account_id": lambda rows: pa.array(rows.account_id),
    "moved_ns": lambda rows: pa.array(rows.moved_ns),
    "kind": lambda rows: _worded(rows.kind, _KINDS),
    "amount": lambda rows: pa.array(rows.amount),
    "unit": lambda rows: _worded(rows.unit, _UNITS),
    "bucket_id": lambda rows: pa.array(rows.bucket_id),
    "allowance": lambda rows: where(rows.allowance, rows.allowance > 0),
    "currency": lambda rows: _worded(
        rows.currency, _CURRENCIES, (rows.currency > 0) & (rows.currency < len(_CURRENCIES))
    ),
    "caused_by": lambda rows: _worded(rows.cause, _CAUSES),
    "rating_group": lambda rows: where(rows.rating_group, rows.rating_group >= 0),
    "service_identifier": lambda rows: where(rows.service_identifier, rows.service_identifier >= 0),
    "release": lambda rows: where(rows.release, rows.release > 0),
    "offer": lambda rows: where(rows.offer, rows.price > 0),
    "price": lambda rows: where(rows.price, rows.price > 0),
    "settled_by": lambda rows: _worded(rows.settled_by, SETTLED_BY, rows.price > 0),
}


def _table(rows: MovementColumns, command_ids: pa.Array, tenant_name: str) -> pa.Table:
    """The rows of one tenant and day, words as dictionaries."""
    count = rows.amount.shape[0]
    columns = {name: column(rows) for name, column in _COLUMN_OF.items()}
    columns["tenant_name"] = _worded(np.zeros(count, np.int32), (tenant_name,))
    columns["command_id"] = command_ids
    return pa.table({name: columns[name] for name in MOVEMENT_SCHEMA.names}, schema=WRITTEN_SCHEMA)


WRITTEN_SCHEMA: Final = pa.schema(
    [
        (column.name, pa.dictionary(pa.int32(), pa.string()))
        if column.type == pa.string() and column.name != "command_id"
        else (column.name, column.type)
        for column in COLUMNS
    ]
)
"""Of the tables that files are written from; who reads them gets MOVEMENT_SCHEMA."""
