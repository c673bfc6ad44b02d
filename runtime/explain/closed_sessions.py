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


@dataclass(frozen=True, slots=True)
class ClosedSession:
    """A session of which there are records: all of them, and where it is over."""

    rows: tuple[dict[str, Any], ...]
    """of docs/records.md, oldest first"""

    @property
    def last(self) -> dict[str, Any]:
        """The row that was closed last."""
        return self.rows[-1]

    @property
    def session_id(self) -> str:
        """Its Session-Id."""
        return str(self.last["session_id"])


def closed_session(records: Path, session_id: str, *, files_max: int = FILES_MAX) -> ClosedSession | None:
    """The last session of that id in the newest `files_max` files of records; None where there is none."""
    found: list[dict[str, Any]] = []
    for path in _newest_files(records, files_max):
        rows = _rows(path, pc.field("session_id") == session_id)
        if rows:
            opened_ns = found[0]["session_opened_ns"] if found else max(row["session_opened_ns"] for row in rows)
            found += [row for row in rows if row["session_opened_ns"] == opened_ns]
        if any(row["partial_sequence"] in (None, 1) for row in found):  # its first record is here
            break
    return ClosedSession(tuple(_in_order(found))) if found else None


def closed_sessions_of(
    records: Path, account_ids: Sequence[int], count: int, *, files_max: int = FILES_MAX
) -> list[ClosedSession]:
    """The last `count` sessions of accounts, by their last record, newest first."""
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for path in _newest_files(records, files_max):
        for row in _rows(path, pc.field("account_id").isin(list(account_ids))):
            found.setdefault((row["session_id"], row["session_opened_ns"]), []).append(row)
        if len(found) >= count:
            break
    sessions = [ClosedSession(tuple(_in_order(rows))) for rows in found.values()]
    return sorted(sessions, key=lambda session: -int(session.last["closed_ns"]))[:count]


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


def _rows(path: Path, condition: pc.Expression) -> list[dict[str, Any]]:
    """The rows of a file for which this holds; none of one that is being renamed or voided."""
    try:
        table = parquet.read_table(path, columns=[*_COLUMNS, "partial_sequence"], filters=condition, partitioning=None)
    except FileNotFoundError:
        return []
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: (row["partition"], row["sequence"], row["line"]))
