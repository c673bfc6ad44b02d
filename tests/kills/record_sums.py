"""Charging records against the journal that they are a view of, and against the generator's books, after a clean stop.

What must hold whatever was killed when: each session that the journal ended has exactly one record, no row comes twice,
no file lies beside the manifest, and for each account records, journal and books name the same charge.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import compute as pc
from pyarrow import parquet

from balances.edge.segment_files import SegmentReader
from balances.journal import JournalEntry, MovementKind, decode_entry
from balances.journal_chain import NO_ENTRY, Link, goes_back, voided_by
from balances.store import EntryId
from bench.books import Books
from cdr.edge.read import RecordReader, read_records
from charging.batch import INITIAL, KIND_USAGE
from runtime.data_folder import DataFolder
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

_SHOWN = 5
_ENDED_BY_REQUEST = 1


def counting_entries(segments: Path, partition: int) -> Iterator[tuple[EntryId, JournalEntry]]:
    """Ids and entries of a partition that count, oldest first; those that a later one went back behind are left out."""
    reader = SegmentReader(segments, partition)
    entries: dict[EntryId, JournalEntry] = {}
    last = NO_ENTRY
    try:
        while found := reader.read():
            for stored in found:
                entry = decode_entry(bytes(stored.octets))
                link = Link(stored.entry_id, EntryId.parse(entry.follows))
                if goes_back(partition, last, link):
                    archived = [Link(key, EntryId.parse(value.follows)) for key, value in entries.items()]
                    for void in voided_by(partition, last, link, archived):
                        entries.pop(void, None)
                entries[stored.entry_id] = entry
                last = stored.entry_id
    finally:
        reader.close()
    yield from entries.items()


class JournalSums:
    """What the journal of all partitions says, by account, of accounts below `end`."""

    def __init__(self, end: int = 2**62) -> None:
        self.end = end
        self.charged: dict[int, int] = {}
        self.request_count = 0
        self.beside_count = 0
        """requests and commands of all other accounts"""
        self.ended_count = 0
        self.open_accounts: dict[tuple[int, int], int] = {}
        """of sessions that were opened and not ended, by session"""

    def add(self, entry: JournalEntry) -> None:
        """Sum up an entry."""
        requests, movements = entry.requests, entry.movements
        counts = requests["account_id"] < self.end
        usage = counts & (requests["kind"] == KIND_USAGE)
        self.request_count += int(usage.sum())
        self.beside_count += int((~counts).sum())
        self.ended_count += int((counts & (requests["ended_session"] == _ENDED_BY_REQUEST)).sum())
        self._follow_sessions(entry)
        paid = (movements["kind"] == MovementKind.CHARGED) & (movements["unit"] == int(Unit.MONEY))
        paid &= counts[movements["request"]]
        accounts = requests["account_id"][movements["request"][paid]].tolist()
        for account, amount in zip(accounts, movements["amount"][paid].tolist(), strict=True):
            self.charged[account] = self.charged.get(account, 0) + amount

    def _follow_sessions(self, entry: JournalEntry) -> None:
        names = ("session_high", "session_low", "account_id", "request_type", "outcome", "ended_session")
        for high, low, account, kind, outcome, ended in zip(
            *(entry.requests[name].tolist() for name in names), strict=True
        ):
            if ended:
                self.open_accounts.pop((high, low), None)
            elif kind == INITIAL and outcome == Outcome.GRANTED:
                self.open_accounts[high, low] = account


def record_faults(
    folder: DataFolder, partitions: int, first_account: int, books: Books
) -> tuple[list[str], dict[str, int]]:
    """What is wrong with the records of a data folder at rest, a line each, and what was counted.

    Of the accounts of the load: those behind them are others' that were told something beside it.
    """
    end = first_account + len(books.accounts.charged_micros)
    sums = JournalSums(end)
    for partition in range(partitions):
        for _, entry in counting_entries(folder.segments, partition):
            sums.add(entry)
    table = read_records(folder.records)
    faults = file_faults(folder.records, table)
    table = table.filter(pc.less(table.column("account_id"), end))
    faults += [*row_faults(table), *sum_faults(table, sums, first_account, books)]
    counts = {
        "requests": sums.request_count,
        "beside": sums.beside_count,
        "sessions": sums.ended_count,
        "record_rows": table.num_rows,
        "charged_micros": sum(sums.charged.values()),
    }
    return faults, counts


def open_record_faults(folder: DataFolder, sums: JournalSums) -> list[str]:
    """The same where sessions are still open: their records are still to come, so their accounts are left out."""
    table = read_records(folder.records)
    faults = file_faults(folder.records, table)
    charged: dict[int, int] = {}
    rows = zip(table.column("account_id").to_pylist(), table.column("charged_micros").to_pylist(), strict=True)
    for account, micros in rows:
        charged[account] = charged.get(account, 0) + micros
    still_open = set(sums.open_accounts.values())
    for account in sums.charged.keys() | charged.keys():
        found, expected = charged.get(account, 0), sums.charged.get(account, 0)
        if account not in still_open and found != expected:
            faults.append(f"records: account {account} is charged {found}, the journal says {expected}")
    return faults


def file_faults(records: Path, table: pa.Table) -> list[str]:
    """Files beside the manifest, half-written files, and formats that differ."""
    with RecordReader(records) as reader:
        named = {flushed.path for flushed in reader.files()}
    on_disk = set(records.glob("tenant=*/day=*/*.parquet"))
    faults = [f"records: {path} is not in the manifest" for path in sorted(on_disk - named)]
    faults += [f"records: {path} is in the manifest and not there" for path in sorted(named - on_disk)]
    faults += [f"records: {path} was left half-written" for path in sorted((records / "writing").glob("*"))]
    rows = sum(parquet.read_metadata(path).num_rows for path in on_disk)
    if rows != table.num_rows:
        faults.append(f"records: files have {rows} rows, the reader gives {table.num_rows}")
    csv_names = {path.with_suffix(".parquet") for path in records.glob("tenant=*/day=*/*.csv")}
    if csv_names != on_disk:
        faults.append(f"records: CSV and Parquet differ in {len(csv_names ^ on_disk)} files")
    return faults


def row_faults(table: pa.Table) -> list[str]:
    """Rows that come twice, and sessions with more than one record."""
    keys = list(zip(*(table.column(name).to_pylist() for name in ("partition", "sequence", "line")), strict=True))
    faults = []
    if len(set(keys)) != len(keys):
        faults.append(f"records: {len(keys) - len(set(keys))} rows come twice")
    first = table.filter(pc.less_equal(table.column("line"), 1))
    kinds = first.column("record_kind").to_pylist()
    sessions = [
        name for name, kind in zip(first.column("session_id").to_pylist(), kinds, strict=True) if kind == "session"
    ]
    if len(set(sessions)) != len(sessions):
        faults.append(f"records: {len(sessions) - len(set(sessions))} sessions have a second record")
    odd = [row for row in first.to_pylist() if row["closed_by"] != "termination"][:_SHOWN]
    faults.extend(
        f"records: {row['session_id']!r} was closed by {row['closed_by']} ({row['result_code']})" for row in odd
    )
    return faults


def sum_faults(table: pa.Table, sums: JournalSums, first_account: int, books: Books) -> list[str]:
    """Charges by account that differ between records, journal and books; requests and sessions that are in no record."""
    faults = []
    accounts = table.column("account_id").to_numpy(zero_copy_only=False).astype(np.int64) - first_account
    charged = np.zeros(len(books.accounts.charged_micros), np.int64)
    np.add.at(charged, accounts, table.column("charged_micros").to_numpy())
    journal = np.zeros_like(charged)
    for account, amount in sums.charged.items():
        journal[account - first_account] = amount
    for name, found in (("records", charged), ("journal", journal)):
        for subscriber in np.flatnonzero(found != books.accounts.charged_micros)[:_SHOWN].tolist():
            expected = int(books.accounts.charged_micros[subscriber])
            faults.append(f"{name}: subscriber {subscriber} is charged {found[subscriber]}, the books say {expected}")
    first = table.filter(pc.less_equal(table.column("line"), 1))
    requests = pc.sum(first.column("request_count")).as_py() or 0
    if requests != sums.request_count:
        faults.append(f"records: {requests} requests, the journal decided {sums.request_count}")
    if first.num_rows != sums.ended_count:
        faults.append(f"records: {first.num_rows} records, the journal ended {sums.ended_count} sessions")
    return faults
