"""The next files while they grow: records and movements become octets piece by piece, so that none is much work at once.

A file made in one go would take a processor for a second, in which the answers of the engine beside it take twice as long.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple, Protocol

import pyarrow as pa

from cdr.assembly import FinishedRecords
from cdr.file_csv import CsvFile
from cdr.file_parquet import ParquetFile, movement_file
from cdr.manifest import FORMATS_OF, MOVEMENTS, RECORDS
from cdr.movement_table import movements_by_day
from cdr.record_table import tables_by_day


class GrowingFile(Protocol):
    """A file of one format."""

    def add(self, table: pa.Table) -> None:
        """Append these rows."""

    def finish(self) -> list[pa.Buffer]:
        """The octets, in pieces; nothing is added behind that."""
        ...


_FILES: Final[Mapping[str, Mapping[str, Callable[[], GrowingFile]]]] = {
    RECORDS: {"csv": CsvFile, "parquet": ParquetFile},
    MOVEMENTS: {"parquet": movement_file},
}
assert {content: tuple(files) for content, files in _FILES.items()} == FORMATS_OF


class DayFiles:
    """The files of one tenant and day."""

    def __init__(self, content: str, tenant: int, day: str) -> None:
        self.content = content
        self.tenant = tenant
        self.day = day
        self.record_count = 0
        self.row_count = 0
        self._files = {word: file() for word, file in _FILES[content].items()}

    def add(self, table: pa.Table, record_count: int) -> None:
        """Append rows, which are so many records."""
        self.record_count += record_count
        self.row_count += table.num_rows
        for file in self._files.values():
            file.add(table)

    def octets(self, word: str) -> list[pa.Buffer]:
        """The file of this format, in pieces; nothing is added behind that."""
        return self._files[word].finish()


class GatheredCounts(NamedTuple):
    """What is in the files."""

    records: int = 0
    rows: int = 0
    """of records"""
    octets: int = 0
    """of records, at most"""
    movements: int = 0
    movement_octets: int = 0
    """at most"""


class GatheredFiles:
    """Files of all tenants and days that the next flush writes."""

    def __init__(self) -> None:
        self.counts = GatheredCounts()
        self._days: dict[tuple[str, int, str], DayFiles] = {}

    def add(self, finished: FinishedRecords, tenant_names: Mapping[int, str]) -> None:
        """Append what is finished. KeyError: a tenant without a name, and nothing is appended."""
        records = list(tables_by_day(finished.rows, tenant_names))
        movements = list(movements_by_day(finished.movements.columns, tenant_names))
        for part in records:
            self._files_of(RECORDS, part.tenant, part.day).add(part.table, part.record_count)
        for moved in movements:
            self._files_of(MOVEMENTS, moved.tenant, moved.day).add(moved.table, 0)
        before = self.counts
        self.counts = GatheredCounts(
            before.records + sum(part.record_count for part in records),
            before.rows + sum(part.table.num_rows for part in records),
            before.octets + finished.file_octets,
            before.movements + finished.movements.row_count,
            before.movement_octets + finished.movements.file_octets,
        )

    def _files_of(self, content: str, tenant: int, day: str) -> DayFiles:
        key = (content, tenant, day)
        if key not in self._days:
            self._days[key] = DayFiles(*key)
        return self._days[key]

    def __iter__(self) -> Iterator[DayFiles]:
        """Records before movements, by tenant and day."""
        return iter(files for _, files in sorted(self._days.items(), key=lambda item: (item[0][0] != RECORDS, item[0])))

    def clear(self) -> None:
        """Forget them: they are in files, or void."""
        self.counts = GatheredCounts()
        self._days.clear()
