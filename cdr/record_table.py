"""Finished records as Arrow tables: a row a line (a service at a price), the record's columns repeated; by tenant and day.

COLUMNS is the list of what files hold; docs/records.md shows the same rows and a test holds them equal. A record
without any line gives one row with `line` 0, so that each record is in its file.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cdr.columns import (
    CAUSE_NUMBERS,
    COUNT_LINES,
    COUNT_RECORDS,
    NO_IDENTITY,
    ClosedBy,
    RecordRows,
)
from cdr.finished_records import mask_bad_utf8
from vocabulary.currencies import currency_text
from vocabulary.ids import IDENTITY_WORDS
from vocabulary.instants import NS_PER_S
from vocabulary.outcomes import RESULT_CODES
from vocabulary.units import UNIT_NAMES, Unit

NS_PER_DAY: Final = 86400 * NS_PER_S
_WHOLE_DAY_WORDS: Final = "%Y-%m-%d"


class Column(NamedTuple):
    """A column of the files."""

    name: str
    type: pa.DataType
    meaning: str


COLUMNS: Final = (
    Column("partition", pa.int32(), "partition of the store; with `sequence` the id of the record"),
    Column("sequence", pa.int64(), "local number of the record, ascending within its partition, never used twice"),
    Column("line", pa.int32(), "line of the record, from 1; 0 where the record has none"),
    Column("lines", pa.int32(), "lines of the record, a row each"),
    Column("tenant_name", pa.string(), "tenant"),
    Column("record_kind", pa.string(), "`session`, or `event` for a request of type EVENT"),
    Column(
        "session_id", pa.string(), "Session-Id; empty in later records of a session for which the writer had no room"
    ),
    Column("origin_host", pa.string(), "Origin-Host of the first request"),
    Column("origin_realm", pa.string(), "Origin-Realm of the first request"),
    Column("identity_kind", pa.string(), "e164, imsi, sip, nai or private: the first Subscription-Id; null where none"),
    Column("identity", pa.string(), "its value"),
    Column("account_id", pa.int64(), "account; null where none was found"),
    Column("service_context", pa.int32(), "3GPP service context, such as 32251; null where another"),
    Column("session_opened_ns", pa.int64(), "receipt of the first request, ns since the Unix epoch"),
    Column("opened_ns", pa.int64(), "opening of the record: later than the session's behind a partial record"),
    Column("closed_ns", pa.int64(), "closing of the record; its day in UTC is the folder"),
    Column("opened_at", pa.timestamp("ms", "UTC"), "opened_ns to the millisecond; RFC 3339 in CSV"),
    Column("closed_at", pa.timestamp("ms", "UTC"), "closed_ns to the millisecond; RFC 3339 in CSV"),
    Column("cause_for_closing", pa.int32(), "CauseForRecordClosing of TS 32.298"),
    Column("closed_by", pa.string(), "what closed it, in words"),
    Column("partial_sequence", pa.int32(), "from 1 where the session has several records; null where it has one"),
    Column("request_count", pa.int32(), "credit-control requests in the record, refused ones included"),
    Column("result_code", pa.int32(), "Result-Code of the last answer at command level"),
    Column("termination_cause", pa.int32(), "Termination-Cause of the last request; null where absent"),
    Column("rating_group", pa.int64(), "Rating-Group; null where absent"),
    Column("service_identifier", pa.int64(), "Service-Identifier; null where absent"),
    Column("release", pa.int32(), "release that priced it; null where no price was found"),
    Column("offer", pa.int32(), "number of the offer's name; null where no price was found"),
    Column("price", pa.int32(), "number of the price's name; null where no price was found"),
    Column(
        "unit",
        pa.string(),
        "octets, seconds or events, of what was used; null where neither a price nor a report says it",
    ),
    Column("report_count", pa.int32(), "MSCCs that the line sums up"),
    Column("refused_count", pa.int32(), "of them answered with another code than 2001"),
    Column("line_result_code", pa.int32(), "Result-Code of the last of them; null on a row without a line"),
    Column("used_units", pa.int64(), "reported units"),
    Column("allowance_units", pa.int64(), "of them paid by allowances"),
    Column("uncharged_units", pa.int64(), "of them paid by nothing"),
    Column("charged_micros", pa.int64(), "money charged, in micros of `currency`"),
    Column("settled_by", pa.string(), "balance or bill: who pays at the price; null where no price was found"),
    Column(
        "currency", pa.string(), "ISO 4217 letters of the account's, its digits where not known; null where it has none"
    ),
    Column("first_used_ns", pa.int64(), "begin of the first reported usage; null where nothing was used"),
    Column("last_used_ns", pa.int64(), "end of the last reported usage; null where nothing was used"),
    Column(
        "service_information",
        pa.string(),
        "Service-Information AVP of the session's last, or what Nchf carried (a JSON object), as hex digits",
    ),
)
SCHEMA: Final = pa.schema([(column.name, column.type) for column in COLUMNS])


class DayRows(NamedTuple):
    """The rows of one tenant and day."""

    tenant: int
    day: str
    """YYYY-MM-DD of closing, UTC"""
    record_count: int
    table: pa.Table


class _Taken(NamedTuple):
    """Records and lines of one group, and for each line the record that it belongs to."""

    records: NDArray[np.void]
    lines: NDArray[np.void]
    record_of: NDArray[np.int64]
    texts: Mapping[str, pa.Array]


def tables_by_day(rows: RecordRows, tenant_names: Mapping[int, str]) -> Iterator[DayRows]:
    """The gathered records, a table a tenant and day, in the order of tenants and days. KeyError: a tenant without name."""
    records = rows.records[: int(rows.counts[COUNT_RECORDS])]
    lines = rows.lines[: int(rows.counts[COUNT_LINES])]
    if not records.shape[0]:
        return
    texts = _text_columns(rows, records)
    day_of = records["closed_ns"] // NS_PER_DAY
    group_of = records["tenant"].astype(np.int64) << 32 | day_of
    record_of = lines["next"].astype(np.int64)
    for group in np.unique(group_of).tolist():
        tenant, day = group >> 32, group & 0xFFFFFFFF
        of_group = group_of == group
        taken = np.flatnonzero(of_group[record_of])
        part = _Taken(records, lines[taken], record_of[taken], texts)
        table = _table(part, tenant_names[tenant])
        yield DayRows(tenant, day_text(day), int(np.count_nonzero(of_group)), table)


def day_text(day: int) -> str:
    """YYYY-MM-DD of a day since the Unix epoch."""
    return datetime.fromtimestamp(day * 86400, UTC).strftime(_WHOLE_DAY_WORDS)


def _text_columns(rows: RecordRows, records: NDArray[np.void]) -> dict[str, pa.Array]:
    """A value a record of each text, over the octets as the kernels left them."""
    found = {}
    for name, octets, length in (
        ("session_id", rows.session_ids, "session_id_length"),
        ("origin_host", rows.origin_hosts, "origin_host_length"),
        ("origin_realm", rows.origin_realms, "origin_realm_length"),
        ("identity", rows.identities, "identity_length"),
    ):
        found[name] = texts_of(octets, records[length])
    found["service_information"] = texts_of(*_hex_digits(rows.informations, records["information_length"]))
    return found


_DIGIT_PAIRS: Final = np.frombuffer(b"".join(b"%02x" % octet for octet in range(256)), np.uint16)


def _hex_digits(octets: NDArray[np.uint8], lengths: NDArray[np.int32]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    return np.take(_DIGIT_PAIRS, octets[: int(lengths.sum())]).view(np.uint8), 2 * lengths.astype(np.int64)


def texts_of(octets: NDArray[np.uint8], lengths: NDArray[Any]) -> pa.Array:
    """A large_string array over octets; what isn't UTF-8 is masked in them first."""
    offsets = np.zeros(lengths.shape[0] + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    used = octets[: int(offsets[-1])]
    if used.shape[0] and int(used.max()) >= 0x80:
        mask_bad_utf8(used, offsets)
    return pa.LargeStringArray.from_buffers(lengths.shape[0], pa.py_buffer(offsets), pa.py_buffer(used))


def where(values: NDArray[Any], is_present: NDArray[np.bool_]) -> pa.Array:
    """The values, null where absent."""
    return pa.array(values) if is_present.all() else pa.array(values, mask=~is_present)


@cache
def _words(words: tuple[str, ...]) -> pa.Array:
    return pa.array(words, pa.string())


def _worded(numbers: NDArray[Any], words: tuple[str, ...], is_present: NDArray[np.bool_] | None = None) -> pa.Array:
    """Words by number, null where absent."""
    indices = pa.array(numbers.astype(np.int32), mask=None if is_present is None else ~is_present)
    return _words(words).take(indices)


_CAUSES: Final = np.array(CAUSE_NUMBERS, np.int32)
_CODES: Final = np.array(RESULT_CODES, np.int32)
_CLOSED_BY: Final = tuple(closed_by.name.lower() for closed_by in ClosedBy)
_KINDS: Final = ("session", "event")
_CURRENCIES: Final = tuple(currency_text(number) for number in range(1000))
SETTLED_BY: Final = tuple("bill" if unit == Unit.BILL else "balance" for unit in sorted(Unit))
_UNITS: Final = tuple(UNIT_NAMES[unit] for unit in sorted(Unit))

_OF_RECORD: Final[Mapping[str, Callable[[NDArray[np.void]], Any]]] = {
    "partition": lambda records: pa.array(records["partition"]),
    "sequence": lambda records: pa.array(records["sequence"]),
    "lines": lambda records: pa.array(records["line_count"]),
    "record_kind": lambda records: _worded(records["is_event"], _KINDS),
    "identity_kind": lambda records: _worded(
        records["identity_kind"], IDENTITY_WORDS, records["identity_kind"] < len(IDENTITY_WORDS)
    ),
    "account_id": lambda records: where(records["account_id"], records["account_id"] >= 0),
    "service_context": lambda records: where(records["service_context"], records["service_context"] >= 0),
    "session_opened_ns": lambda records: pa.array(records["session_opened_ns"]),
    "opened_ns": lambda records: pa.array(records["opened_ns"]),
    "closed_ns": lambda records: pa.array(records["closed_ns"]),
    "opened_at": lambda records: pa.array(records["opened_ns"] // 1_000_000).cast(pa.timestamp("ms", "UTC")),
    "closed_at": lambda records: pa.array(records["closed_ns"] // 1_000_000).cast(pa.timestamp("ms", "UTC")),
    "cause_for_closing": lambda records: pa.array(_CAUSES[records["closed_by"]]),
    "closed_by": lambda records: _worded(records["closed_by"], _CLOSED_BY),
    "partial_sequence": lambda records: where(records["partial_sequence"], records["partial_sequence"] > 0),
    "request_count": lambda records: pa.array(records["request_count"]),
    "result_code": lambda records: pa.array(_CODES[records["outcome"]]),
    "termination_cause": lambda records: where(
        records["termination_cause"].astype(np.int32), records["termination_cause"] > 0
    ),
    "currency": lambda records: _worded(
        records["currency"], _CURRENCIES, (records["currency"] > 0) & (records["currency"] < len(_CURRENCIES))
    ),
}
_OF_LINE: Final[Mapping[str, Callable[[NDArray[np.void]], Any]]] = {
    "line": lambda lines: pa.array(lines["number"]),
    "rating_group": lambda lines: where(lines["rating_group"], lines["rating_group"] >= 0),
    "service_identifier": lambda lines: where(lines["service_identifier"], lines["service_identifier"] >= 0),
    "release": lambda lines: where(lines["release"], lines["release"] > 0),
    "offer": lambda lines: where(lines["offer"], lines["price"] > 0),
    "price": lambda lines: where(lines["price"], lines["price"] > 0),
    "unit": lambda lines: _worded(lines["unit"], _UNITS, lines["unit"] > 0),
    "report_count": lambda lines: pa.array(lines["report_count"]),
    "refused_count": lambda lines: pa.array(lines["refused_count"]),
    "line_result_code": lambda lines: where(_CODES[lines["outcome"]], lines["number"] > 0),
    "used_units": lambda lines: pa.array(lines["used_units"]),
    "allowance_units": lambda lines: pa.array(lines["allowance_units"]),
    "uncharged_units": lambda lines: pa.array(lines["uncharged_units"]),
    "charged_micros": lambda lines: pa.array(lines["charged_micros"]),
    "settled_by": lambda lines: _worded(lines["settled_by"], SETTLED_BY, lines["price"] > 0),
    "first_used_ns": lambda lines: where(lines["first_used_ns"], lines["first_used_ns"] > 0),
    "last_used_ns": lambda lines: where(lines["last_used_ns"], lines["first_used_ns"] > 0),
}


def _table(part: _Taken, tenant_name: str) -> pa.Table:
    """The rows of one tenant and day."""
    records, record_of = part.records[part.record_of], pa.array(part.record_of)
    columns: dict[str, Any] = {name: column(records) for name, column in _OF_RECORD.items()}
    columns |= {name: column(part.lines) for name, column in _OF_LINE.items()}
    columns |= {name: values.take(record_of).cast(pa.string()) for name, values in part.texts.items()}
    has_identity = pa.array(records["identity_kind"] != NO_IDENTITY)
    columns["identity"] = pa.compute.if_else(has_identity, columns["identity"], pa.scalar(None, pa.string()))
    columns["tenant_name"] = pa.repeat(pa.scalar(tenant_name), part.record_of.shape[0])
    return pa.table([columns[column.name].cast(column.type) for column in COLUMNS], schema=SCHEMA)
