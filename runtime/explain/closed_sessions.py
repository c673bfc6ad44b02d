"""Sessions that are over, as charging records have them: found by Session-Id, or the last ones of an account."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pyarrow import compute as pc
from pyarrow import parquet

from cdr.edge.manifest_file import MANIFEST_NAME, ManifestFile
from cdr.manifest import RECORDS

FILES_MAX: Final = 1000
"""Files of records, newest first, that are looked through for a session."""
_COLUMNS: Final = (
    *("partition", "sequence", "line", "tenant_name", "session_id", "account_id", "session_opened_ns", "closed_ns"),
    *("closed_by", "result_code", "request_count", "origin_host", "origin_realm", "service_context", "currency"),
    *("rating_group", "service_identifier", "release", "offer", "price", "unit", "report_count", "refused_count"),
    *("used_units", "allowance_units", "uncharged_units", "charged_micros"),
)


_REFUSAL: Final = "refusal"
"""closed_by of a request that was refused without a session: a record of its own, with that Session-Id"""
_PERMANENT_FAILURE: Final = 5000
"""such as 5002 and 5004: the request may have been of a session that is over"""

Row = dict[str, Any]
"""A row of docs/records.md."""


@dataclass(frozen=True, slots=True)
class ClosedSession:
    """A session of which there are records: all of them, and where it is over."""

    rows: tuple[Row, ...]
    """oldest first; where no session of that id was ever open, those of the request that was refused last"""
    refused_later: tuple[Row, ...] = ()
    """of requests that were refused after its end, likewise"""

    @property
    def last(self) -> Row:
        """The row that was closed last."""
        return self.rows[-1]

    @property
    def session_id(self) -> str:
        """Its Session-Id."""
        return str(self.last["session_id"])

    @property
    def refused_later_count(self) -> int:
        """Requests that were refused after its end."""
        return sum(row["request_count"] for row in self.refused_later if row["line"] <= 1)


def closed_session(
    records: Path, session_id: str, account_id: int | None = None, *, files_max: int = FILES_MAX
) -> ClosedSession | None:
    """The last session of that id in the newest `files_max` files of records; None where there is none.

    account_id   whose it is, where that is known: two accounts may have a session of one id
    """
    condition = pc.field("session_id") == session_id
    if account_id is not None:
        condition &= pc.field("account_id") == account_id
    found: list[Row] = []
    for path in _newest_files(records, files_max):
        found += _rows(path, condition)
        last = _last_opened(found)
        if any(row["partial_sequence"] in (None, 1) for row in last):  # its first record is here
            break
    return _session_of(found) if found else None


def closed_sessions_of(
    records: Path, account_ids: Sequence[int], count: int, *, files_max: int = FILES_MAX
) -> list[ClosedSession]:
    """The last `count` sessions of accounts, by their last record, newest first."""
    found: dict[tuple[str, int], list[Row]] = {}
    for path in _newest_files(records, files_max):
        for row in _rows(path, pc.field("account_id").isin(list(account_ids))):
            found.setdefault((row["session_id"], row["session_opened_ns"]), []).append(row)
        if len({key for key, rows in found.items() if not _is_late(rows[0])}) >= count:
            break
    by_id: dict[str, list[list[Row]]] = {}
    for (session_id, _), rows in found.items():
        by_id.setdefault(session_id, []).append(rows)
    sessions = [session for opened in by_id.values() for session in _sessions_of_one_id(opened)]
    return sorted(sessions, key=lambda session: -int(session.last["closed_ns"]))[:count]


def _is_late(row: Row) -> bool:
    """Was a request refused that is for no open session? Then older files may have the session."""
    return bool(row["closed_by"] == _REFUSAL and row["result_code"] >= _PERMANENT_FAILURE)


def _last_opened(rows: Sequence[Row]) -> list[Row]:
    """Those of the session that was opened last; refused requests opened none."""
    opened = [row for row in rows if row["closed_by"] != _REFUSAL]
    last_ns = max((row["session_opened_ns"] for row in opened), default=0)
    return [row for row in opened if row["session_opened_ns"] == last_ns]


def _sessions_of_one_id(opened: Sequence[list[Row]]) -> list[ClosedSession]:
    """The sessions that had one Session-Id; what was refused after the last of them belongs to it."""
    whole = [rows for rows in opened if rows[0]["closed_by"] != _REFUSAL]
    last = _session_of([row for rows in opened for row in rows])
    others = [rows for rows in whole if rows[0]["session_opened_ns"] != last.last["session_opened_ns"]]
    return [last, *(ClosedSession(_in_order(rows)) for rows in others)]


def _session_of(rows: Sequence[Row]) -> ClosedSession:
    """The last session of all rows of a Session-Id; where none was open, the request that was refused last."""
    opened = _in_order(_last_opened(rows))
    if not opened:
        last_ns = max(row["session_opened_ns"] for row in rows)
        return ClosedSession(_in_order([row for row in rows if row["session_opened_ns"] == last_ns]))
    ended_ns = opened[-1]["closed_ns"]
    late = [row for row in rows if row["closed_by"] == _REFUSAL and row["closed_ns"] >= ended_ns]
    return ClosedSession(opened, _in_order(late))


def _newest_files(records: Path, files_max: int) -> Iterator[Path]:
    """Parquet files of records that count, newest first. ManifestError where the manifest can't be used."""
    if not (records / MANIFEST_NAME).exists():
        return
    manifest = ManifestFile(records, read_only=True)
    try:
        flushes = manifest.flushes()
    finally:
        manifest.close()
    files = [
        file.name
        for flush in reversed(flushes)
        for file in reversed(flush.files)
        if (file.content, file.format) == (RECORDS, "parquet")
    ]
    yield from (records / name for name in files[:files_max])


def _rows(path: Path, condition: pc.Expression) -> list[Row]:
    """The rows of a file for which this holds; none of one that is being renamed or voided."""
    try:
        table = parquet.read_table(path, columns=[*_COLUMNS, "partial_sequence"], filters=condition, partitioning=None)
    except FileNotFoundError:
        return []
    rows: list[Row] = table.to_pylist()
    return rows


def _in_order(rows: Sequence[Row]) -> tuple[Row, ...]:
    return tuple(sorted(rows, key=lambda row: (row["partition"], row["sequence"], row["line"])))
