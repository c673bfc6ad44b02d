"""Charging records and movements read back: by the manifest, flush after flush, each row once.

For people, tests and billing batches.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import pyarrow as pa
from pyarrow import parquet

from cdr.edge.manifest_file import MANIFEST_NAME, ManifestFile
from cdr.manifest import MOVEMENTS, RECORDS, Flush, ManifestError, RecordFile
from cdr.movement_table import MOVEMENT_SCHEMA
from cdr.record_table import SCHEMA

_FLUSHES_AT_ONCE = 64


class FlushedFile(NamedTuple):
    """A record file, and where it lies."""

    flush: int
    file: RecordFile
    path: Path


class RecordReader:
    """Reads the files of a folder of records in order, and those that come later with each further call."""

    def __init__(self, folder: Path, *, after: int = 0) -> None:
        self.position = after
        """number of the last flush whose files were given; give it as `after` to go on later"""
        self._folder = folder
        self._manifest: ManifestFile | None = None

    def __enter__(self) -> "RecordReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the manifest."""
        if self._manifest is not None:
            self._manifest.close()
            self._manifest = None

    def _next_flushes(self) -> list[Flush]:
        if self._manifest is None:
            if not (self._folder / MANIFEST_NAME).exists():
                return []
            self._manifest = ManifestFile(self._folder, read_only=True)
        return self._manifest.flushes(self.position, limit=_FLUSHES_AT_ONCE)

    def files(
        self, *, content: str = RECORDS, format: str = "parquet", tenant: str | None = None
    ) -> Iterator[FlushedFile]:
        """Files that came since the last call, oldest first; ManifestError where one is missing.

        A flush whose files the writer has not renamed yet ends the iteration: the next call gives it.
        """
        while flushes := self._next_flushes():
            for flush in flushes:
                found = [
                    FlushedFile(flush.number, file, self._folder / file.name)
                    for file in flush.files
                    if (file.content, file.format) == (content, format) and tenant in (None, file.tenant)
                ]
                missing = [file.path for file in found if not file.path.exists()]
                if missing:
                    self._check_missing(flush.number, missing[0])
                    return
                self.position = flush.number
                yield from found

    def _check_missing(self, number: int, path: Path) -> None:
        """ManifestError unless the writer has still to rename the files of the flush, or it was voided meanwhile."""
        assert self._manifest is not None
        if self._manifest.must_exist(number) and not path.exists():
            raise ManifestError(f"{path} is in the manifest, but it is missing: restore it from a copy")

    def tables(self, *, content: str = RECORDS, tenant: str | None = None) -> Iterator[pa.Table]:
        """The rows of the new files, a table a file."""
        for flushed in self.files(content=content, tenant=tenant):
            yield parquet.read_table(flushed.path, partitioning=None)

    def rows(self, *, tenant: str | None = None) -> Iterator[dict[str, Any]]:
        """The new rows as plain dicts; for screens, not for many."""
        for table in self.tables(tenant=tenant):
            yield from table.to_pylist()

    def follow(self, wait: Callable[[], bool], *, tenant: str | None = None) -> Iterator[dict[str, Any]]:
        """Rows as they come. `wait` pauses a little and says whether to go on."""
        while True:
            yield from self.rows(tenant=tenant)
            if not wait():
                return


def read_records(folder: Path, *, tenant: str | None = None) -> pa.Table:
    """All rows of a folder's charging records as one table."""
    with RecordReader(folder) as reader:
        return pa.concat_tables([SCHEMA.empty_table(), *reader.tables(tenant=tenant)])


def read_movements(folder: Path, *, tenant: str | None = None) -> pa.Table:
    """All movements of a folder as one table."""
    with RecordReader(folder) as reader:
        tables = reader.tables(content=MOVEMENTS, tenant=tenant)
        return pa.concat_tables([MOVEMENT_SCHEMA.empty_table(), *tables])
