"""The table `movements` against the audit's books: each movement once, and what each bucket holds is what its rows come to."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import compute as pc

from balances.audit_books import Books
from balances.invariants import check_entry
from balances.journal import FIRST_DEBIT, MovementKind
from cdr.edge.read import read_movements
from tests.kills.record_sums import counting_entries
from vocabulary.units import UNIT_NAMES, Unit

_SHOWN = 5
_DEBITS = pa.array([kind.name.lower() for kind in MovementKind if kind >= FIRST_DEBIT])
Bucket = tuple[int, int, str]
"""Account, bucket id and unit."""


def sums_of(table: pa.Table) -> dict[Bucket, int]:
    """Credits less debits of each bucket."""
    amounts = table["amount"]
    signed = pc.if_else(pc.is_in(table["kind"], value_set=_DEBITS), pc.negate(amounts), amounts)
    rows = table.select(["account_id", "bucket_id", "unit"]).append_column("signed", signed)
    grouped = rows.group_by(["account_id", "bucket_id", "unit"]).aggregate([("signed", "sum")]).to_pylist()
    return {(row["account_id"], row["bucket_id"], row["unit"]): row["signed_sum"] for row in grouped}


def books_of(segments: Path, partitions: Iterable[int]) -> tuple[Books, set[tuple[int, int, int, int]]]:
    """The audit's books of all entries that count, and the positions of their movements."""
    books = Books()
    positions = set()
    for partition in partitions:
        for entry_id, entry in counting_entries(segments, partition):
            movements, _ = check_entry(entry)
            accounts = books.find_accounts(entry.requests)
            books.fold(movements, accounts[movements.row])
            moved = np.flatnonzero(entry.movements["kind"] != MovementKind.HELD).tolist()
            positions |= {(partition, entry_id.epoch, entry_id.number, row) for row in moved}
    return books, positions


def movement_faults(records: Path, segments: Path, partitions: Iterable[int]) -> list[str]:
    """What is wrong with the movements of a folder of records, a line each."""
    table = read_movements(records)
    books, wanted = books_of(segments, partitions)
    columns = (table[name].to_pylist() for name in ("partition", "epoch", "entry", "movement"))
    found = list(zip(*columns, strict=True))
    faults = []
    if len(set(found)) != len(found):
        faults.append(f"movements: {len(found) - len(set(found))} rows come twice")
    for what, which in (("missing", wanted - set(found)), ("of no entry that counts", set(found) - wanted)):
        if which:
            faults.append(f"movements: {len(which)} are {what}: {sorted(which)[:_SHOWN]}")
    return faults + sum_faults(table, books)


def sum_faults(table: pa.Table, books: Books) -> list[str]:
    """Buckets whose rows come to something else than they hold."""
    sums = sums_of(table)
    faults = []
    for (_, account_id), rows in zip(books.keys, books.rows_of, strict=True):
        for row in rows:
            bucket = (account_id, books.bucket_ids[row], UNIT_NAMES[Unit(books.units[row])])
            found, held = sums.pop(bucket, 0), sum(books.holds(row))
            if found != held:
                faults.append(f"movements: they come to {found} in {bucket}, the audit has {held}")
    faults += [f"movements: {bucket} is in no books" for bucket in sums]
    return faults
