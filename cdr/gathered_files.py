"""The next record files while they grow: finished records become octets piece by piece, so that no file is much work at once.

A file made in one go would take a processor for a second, in which the answers of the engine beside it take twice as long.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple, Protocol

import pyarrow as pa

from cdr.columns import COUNT_FILE_OCTETS, RecordRows
from cdr.file_csv import CsvFile
from cdr.file_parquet import ParquetFile
from cdr.manifest import FORMATS
from cdr.record_table import tables_by_day


class GrowingFile(Protocol):
    """A file of one format."""

    def add(self, table: pa.Table) -> None:
        """Append these rows."""

    def finish(self) -> list[pa.Buffer]:
        """The octets, in pieces; nothing is added behind that."""
        ...


_FILES: Final[Mapping[str, Callable[[], GrowingFile]]] = {"csv": CsvFile, "parquet": ParquetFile}
assert tuple(_FILES) == FORMATS


class DayFiles:
    """The files of one tenant and day."""

    def __init__(self, tenant: int, day: str) -> None:
        self.tenant = tenant
        self.day = day
        self.record_count = 0
        self.row_count = 0
        self._files = {word: file() for word, file in _FILES.items()}

    def add(self, table: pa.Table, record_count: int) -> None:
        """Append records."""
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
    octets: int = 0
    """at most"""


class GatheredFiles:
    """Files of all tenants and days that the next flush writes."""

    def __init__(self) -> None:
        self.counts = GatheredCounts()
        self._days: dict[tuple[int, str], DayFiles] = {}

    def add(self, rows: RecordRows, tenant_names: Mapping[int, str]) -> None:
        """Append finished records. KeyError: a tenant without a name, and nothing is appended."""
        records = rows_added = 0
        for part in list(tables_by_day(rows, tenant_names)):
            files = self._days.setdefault((part.tenant, part.day), DayFiles(part.tenant, part.day))
            files.add(part.table, part.record_count)
            records += part.record_count
            rows_added += part.table.num_rows
        octets = int(rows.counts[COUNT_FILE_OCTETS])
        self.counts = GatheredCounts(
            self.counts.records + records, self.counts.rows + rows_added, self.counts.octets + octets
        )

    def __iter__(self) -> Iterator[DayFiles]:
        """By tenant and day."""
        return iter(files for _, files in sorted(self._days.items()))

    def clear(self) -> None:
        """Forget them: they are in files, or void."""
        self.counts = GatheredCounts()
        self._days.clear()
