"""Record files as CSV (RFC 4180): a header, a row a line of a record, instants as RFC 3339, absent values empty."""

import pyarrow as pa
from pyarrow import csv

SUFFIX = "csv"
_INSTANT = "%Y-%m-%dT%H:%M:%SZ"


def csv_octets(table: pa.Table) -> pa.Buffer:
    """The octets of a file with these rows."""
    for index, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            table = table.set_column(index, field.name, pa.compute.strftime(table[field.name], format=_INSTANT))
    sink = pa.BufferOutputStream()
    csv.write_csv(table, sink)
    return sink.getvalue()
