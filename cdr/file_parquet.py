"""Record files as Parquet: the columns of cdr/record_table.py with their types, compressed, for lakes and analytics."""

import pyarrow as pa
from pyarrow import parquet

SUFFIX = "parquet"
_UNIQUE = ("sequence", "session_id")


def parquet_octets(table: pa.Table) -> pa.Buffer:
    """The octets of a file with these rows. Columns whose values hardly repeat get no dictionary, which would only cost."""
    sink = pa.BufferOutputStream()
    dictionaries = [name for name in table.column_names if name not in _UNIQUE]
    parquet.write_table(table, sink, compression="snappy", use_dictionary=dictionaries)
    return sink.getvalue()
