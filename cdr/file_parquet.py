"""Files as Parquet: the columns of a table with their types, compressed, for lakes and analytics."""

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa
from pyarrow import parquet

from cdr.movement_table import REPEATING, SOUGHT, WRITTEN_SCHEMA
from cdr.record_table import SCHEMA

SUFFIX = "parquet"
_UNIQUE = ("sequence", "session_id", "identity", "service_information")
_RECORDS_REPEATING: Final = tuple(name for name in SCHEMA.names if name not in _UNIQUE)
ROW_GROUP_ROWS: Final = 8_000
"""Rows of a group at least, but for the last: what readers skip or read at once. Of 20,000 the file is 1 % smaller, and a group
was 40 to 90 ms of work in one go."""


class ParquetFile:
    """A file that grows, by row groups. Columns whose values hardly repeat get no dictionary, which would only cost."""

    def __init__(
        self, schema: pa.Schema = SCHEMA, repeating: Sequence[str] = _RECORDS_REPEATING, **options: Any
    ) -> None:
        self._sink = pa.BufferOutputStream()
        self._writer = parquet.ParquetWriter(
            self._sink, schema, compression="snappy", use_dictionary=list(repeating), **options
        )
        self._waiting: list[pa.Table] = []
        self._finished: list[pa.Buffer] = []

    def add(self, table: pa.Table) -> None:
        """Append these rows."""
        self._waiting.append(table)
        if sum(waiting.num_rows for waiting in self._waiting) >= ROW_GROUP_ROWS:
            self._write_group()

    def _write_group(self) -> None:
        self._writer.write_table(pa.concat_tables(self._waiting))
        self._waiting.clear()

    def finish(self) -> list[pa.Buffer]:
        """The octets, in one piece."""
        if not self._finished:
            if self._waiting:
                self._write_group()
            self._writer.close()
            self._finished = [self._sink.getvalue()]
        return self._finished


def movement_file() -> ParquetFile:
    """A file of movements: tables have words as dictionaries, the file has plain texts."""
    return ParquetFile(WRITTEN_SCHEMA, REPEATING, store_schema=False, write_statistics=list(SOUGHT))
