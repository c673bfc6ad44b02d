"""The audit: folds a partition's journal into books of its own and compares every account record with them.

Nothing here knows how a request is priced. The journal says what entered and left each bucket and why; so the books say
what each record must hold, to the last micro, which sessions are open and what was charged. Memory is per account and
bucket, not per entry: journals of many millions of rows are folded entry by entry.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from balances.audit_books import AccountKey, Books
from balances.audit_report import FAULTS_KEPT_MAX, AuditReport, Fault, FaultKind, FaultList, UnitTotals
from balances.audit_sessions import SessionBook
from balances.invariants import (
    CHARGED_COLUMN,
    COMMAND_OPEN,
    IS_MONEY,
    KIND_COUNT,
    KINDS,
    ROW_COMMAND,
    UNITS,
    Disagreement,
    Movements,
    StoredAccount,
    check_columns,
    check_entry,
    describe_bucket,
    read_record,
    record_disagreements,
)
from balances.journal import JournalEntry, MovementKind, decode_entry
from balances.journal_chain import NO_ENTRY, JournalGapError, Link, counting_ids, goes_back
from balances.journal_header import read_header
from balances.store import EntryId
from vocabulary.units import MONEY_UNITS

_WORD: Final = 1 << 64
_TABLES: Final = ("requests", "usages", "movements")
_HOLDS: Final = ((FaultKind.REMAINING, "remaining"), (FaultKind.RESERVED, "reserved"))
"""The faults and words of what Books.holds gives."""
_SESSIONS_NAMED_MAX: Final = 100
"""Faults of sessions after which those that a record lacks are counted: to name them all open ones are looked through."""


class PartitionAudit:
    """The audit of one partition: `take` its entries in order, `compare` records at any time between, then `report`.

    A record is compared with what the entries taken so far say, so whoever reads it must read the store's tail with it
    (runtime/audit_store.py); then the store may go on meanwhile.

    voided   ids of entries that the store lost and went on without: they are skipped
    """

    def __init__(self, partition: int, *, voided: Collection[EntryId] = frozenset()) -> None:
        self.partition = partition
        self.last_id = NO_ENTRY
        """the last entry that counts, of those taken"""
        self.went_back = False
        """an entry went back behind others that had been taken: the books hold what the store has lost"""
        self._books = Books()
        self._sessions = SessionBook()
        self._faults = FaultList()
        self._voided = voided
        self._entry_count = 0
        self._row_counts = dict.fromkeys(_TABLES, 0)
        self._compared: set[int] = set()
        self._strangers: set[AccountKey] = set()
        self._kinds = np.zeros((len(UNITS), KIND_COUNT), np.int64)
        self._held = {unit: [0, 0] for unit in UNITS}

    # --- the journal
    def take(self, entry_id: EntryId, octets: bytes | memoryview) -> None:
        """Fold the next entry. What is wrong with it becomes a fault; an old entry that comes again is not folded."""
        if entry_id in self._voided:
            return
        try:
            entry = decode_entry(octets)
            check_columns(entry)
            link = Link(entry_id, EntryId.parse(str(entry.follows)))
        except (
            Exception
        ) as error:  # numpy raises SyntaxError, too, for a damaged dtype; no set of classes holds them all
            self._add_entry_fault(entry_id, "entry", "one that can be read", f"{type(error).__name__}: {error}")
            return
        if not self._follows(link):
            return
        if entry.partition != self.partition:
            self._add_entry_fault(entry_id, "partition that the entry names", self.partition, entry.partition)
        movements, disagreements = check_entry(entry)
        accounts = self._books.find_accounts(entry.requests)
        granted = entry.usages["request"][entry.usages["granted_units"] > 0]
        self._entry_count += 1
        for name, rows in zip(_TABLES, (entry.requests["kind"], entry.usages["request"], movements.row), strict=True):
            self._row_counts[name] += rows.size
        disagreements += self._open_accounts(entry, accounts)
        for row, noted, named in self._books.note_currencies(entry.requests, accounts):
            what = "currency that the row names, by the account's rows before"
            disagreements.append(Disagreement(FaultKind.CURRENCY, what, noted, named, row))
        disagreements += self._sessions.take(entry.requests, accounts, granted, entry.now_ns)
        for disagreement in disagreements:
            tenant, account_id = _account_of(entry, disagreement.row)
            self._add(disagreement, tenant, account_id, entry_id)
        self._fold(movements, accounts, entry_id)

    def _follows(self, link: Link) -> bool:
        """Whether the entry is to be folded; a chain that breaks is a fault."""
        expected = f"one that follows {self.last_id}"
        try:
            if goes_back(self.partition, self.last_id, link):
                self.went_back = True
                fault = Disagreement(FaultKind.CHAIN, "next entry", expected, f"one that follows {link.follows}")
                self._add(fault, entry_id=link.entry_id)
        except JournalGapError as error:
            self._add(Disagreement(FaultKind.CHAIN, "next entry", expected, str(error)), entry_id=link.entry_id)
            if link.entry_id <= self.last_id:
                return False
        self.last_id = link.entry_id
        return True

    def _open_accounts(self, entry: JournalEntry, accounts: NDArray[np.int64]) -> list[Disagreement]:
        """Count openings; an account is opened once."""
        requests, openings = entry.requests, self._books.openings
        opens = (requests["kind"] == ROW_COMMAND) & (requests["command"] == COMMAND_OPEN) & (accounts >= 0)
        found = []
        for row in np.flatnonzero(opens).tolist():
            place = int(accounts[row])
            openings[place] += 1
            if openings[place] > 1:
                found.append(Disagreement(FaultKind.OPENING, "openings of the account", 1, openings[place], row))
        return found

    def _fold(self, movements: Movements, accounts: NDArray[np.int64], entry_id: EntryId) -> None:
        owners = accounts[movements.row]
        if (owners < 0).any():  # movements of refused rows, which are faults already
            movements = Movements(*(column[owners >= 0] for column in movements))
            owners = owners[owners >= 0]
        if owners.size == 0:
            return
        books = self._books
        rows = books.fold(movements, owners)
        is_below = (books.reserved[rows] < 0) | (~IS_MONEY[movements.unit] & (books.remaining[rows] < 0))
        for row, place in dict(zip(rows[is_below].tolist(), owners[is_below].tolist(), strict=True)).items():
            for (_, word), amount in zip(_HOLDS, books.holds(row), strict=True):
                if amount < 0 and (word == "reserved" or books.units[row] not in MONEY_UNITS):
                    what = f"{word} of {books.name(row)}"
                    below = Disagreement(FaultKind.BELOW_ZERO, what, "0 or more", amount)
                    self._add(below, *books.keys[place], entry_id=entry_id)

    # --- the records
    def compare(self, tenant: int, account_id: int, record: bytes | None) -> None:
        """Compare a record with the books as they are now; an account that was compared already is left alone.

        record   None where the store has none
        """
        account = (tenant, account_id)
        place = self._books.find_account(tenant, account_id)
        if place in self._compared or account in self._strangers or (place is None and record is None):
            return
        stored = self._read(account, record)
        if stored is not None:
            for bucket in stored.buckets:
                if bucket.unit < len(UNITS):
                    self._held[UNITS[bucket.unit]][0] += bucket.remaining
                    self._held[UNITS[bucket.unit]][1] += bucket.reserved
        if place is None:
            self._strangers.add(account)
            self._add(Disagreement(FaultKind.OPENING, "openings of an account that has a record", 1, 0), *account)
            return
        self._compared.add(place)
        for row in self._books.rows_of[place]:
            self._kinds[self._books.units[row]] += self._books.by_kind[row]
        if self._books.openings[place] == 0:
            self._add(Disagreement(FaultKind.OPENING, "openings of the account", 1, 0), *account)
        if stored is not None:
            for disagreement in self._disagreements(place, stored):
                self._add(disagreement, *account)

    def _read(self, account: AccountKey, record: bytes | None) -> StoredAccount | None:
        """The record's fields; None, and a fault, where there are none."""
        if record is None:
            self._add(Disagreement(FaultKind.RECORD, "record", "a record", "none"), *account)
            return None
        try:
            stored = read_record(record)
        except ValueError as error:
            self._add(Disagreement(FaultKind.RECORD, "record", "a record", str(error)), *account)
            return None
        if (stored.tenant, stored.account_id) != account:
            found = f"account {stored.account_id} of tenant {stored.tenant}"
            self._add(Disagreement(FaultKind.RECORD, "account that the record names", "its key's", found), *account)
        return stored

    def _disagreements(self, place: int, stored: StoredAccount) -> Iterable[Disagreement]:
        """Where a record differs from the books, or from itself."""
        yield from record_disagreements(stored)
        yield from self._compare_buckets(place, stored)
        books = self._books
        money = [row for row in books.rows_of[place] if books.units[row] in MONEY_UNITS]
        charged = sum(int(books.by_kind[row, CHARGED_COLUMN]) for row in money)
        if (charged - stored.charged_micros) % _WORD:
            yield Disagreement(FaultKind.CHARGED, "charged_micros", charged, stored.charged_micros)
        if books.currencies[place] != stored.currency:
            yield Disagreement(FaultKind.CURRENCY, "currency", int(books.currencies[place]), stored.currency)
        yield from self._compare_sessions(place, stored)

    def _compare_buckets(self, place: int, stored: StoredAccount) -> Iterable[Disagreement]:
        books = self._books
        found_rows = set()
        for bucket in stored.buckets:
            name = describe_bucket(bucket.bucket_id, bucket.unit)
            row = books.find_bucket(place, bucket.bucket_id, bucket.unit)
            expected = (0, 0)
            if row is not None:
                found_rows.add(row)
                expected = books.holds(row)
                allowance = int(books.allowance[row])
                if allowance != bucket.allowance:
                    yield Disagreement(FaultKind.RECORD, f"allowance of {name}", allowance, bucket.allowance)
            found = (bucket.remaining, bucket.reserved)
            for (kind, word), wanted, amount in zip(_HOLDS, expected, found, strict=True):
                if wanted != amount:
                    yield Disagreement(kind, f"{word} of {name}", wanted, amount)
        for row in books.rows_of[place]:
            if row not in found_rows:
                for (kind, word), amount in zip(_HOLDS, books.holds(row), strict=True):
                    if amount:
                        yield Disagreement(kind, f"{word} of {books.name(row)}, which is missing", amount, 0)

    def _compare_sessions(self, place: int, stored: StoredAccount) -> Iterable[Disagreement]:
        found = set(stored.sessions)
        if len(found) != len(stored.sessions):
            yield Disagreement(FaultKind.SESSIONS, "rows of one session", 1, 2)
        strange = [key for key in sorted(found) if not self._sessions.is_open((place, *key))]
        for high, low in strange:
            yield Disagreement(FaultKind.SESSIONS, f"session {high:016x}{low:016x}", "not open", "open")
        expected, matched = self._sessions.count_of(place), len(found) - len(strange)
        if expected == matched:
            return
        if self._faults.counts[FaultKind.SESSIONS] >= _SESSIONS_NAMED_MAX:
            yield Disagreement(FaultKind.SESSIONS, "open sessions", expected, matched)
            return
        for high, low in self._sessions.sessions_of(place):
            if (high, low) not in found:
                yield Disagreement(FaultKind.SESSIONS, f"session {high:016x}{low:016x}", "open", "not open")

    def accounts_to_compare(self) -> list[AccountKey]:
        """Accounts of the journal that were not compared yet."""
        return [key for place, key in enumerate(self._books.keys) if place not in self._compared]

    # --- the result
    @property
    def request_count(self) -> int:
        """Request rows folded so far."""
        return self._row_counts["requests"]

    def check_tail(self, tail: EntryId) -> None:
        """The store's tail must be the last entry; call when all entries up to the tail were taken."""
        if tail != self.last_id:
            self._add(Disagreement(FaultKind.CHAIN, "last entry", str(tail), str(self.last_id)))

    def report(self) -> AuditReport:
        """What was found. Accounts that were never compared are not in the totals."""
        totals = []
        for unit in UNITS:
            by_kind: dict[MovementKind, int] = {
                kind: int(amount)
                for kind, amount in zip(KINDS, self._kinds[unit], strict=True)
                if amount and kind is not MovementKind.HELD
            }
            if by_kind or any(self._held[unit]):
                totals.append(UnitTotals(unit, by_kind, *self._held[unit]))
        return AuditReport(
            partitions=(self.partition,),
            entry_count=self._entry_count,
            voided_ids=tuple(str(entry_id) for entry_id in sorted(self._voided)[:FAULTS_KEPT_MAX]),
            voided_count=len(self._voided),
            request_count=self._row_counts["requests"],
            usage_count=self._row_counts["usages"],
            movement_count=self._row_counts["movements"],
            account_count=len(self._compared) + len(self._strangers),
            session_count=len(self._sessions),
            totals=tuple(totals),
            faults=tuple(self._faults.kept),
            fault_counts=dict(self._faults.counts),
        )

    def _add_entry_fault(self, entry_id: EntryId, what: str, expected: int | str, found: int | str) -> None:
        self._add(Disagreement(FaultKind.ENTRY, what, expected, found), entry_id=entry_id)

    def _add(self, wrong: Disagreement, tenant: int = 0, account_id: int = 0, entry_id: EntryId | None = None) -> None:
        self._faults.add(
            Fault(
                kind=wrong.kind,
                partition=self.partition,
                what=wrong.what,
                expected=wrong.expected,
                found=wrong.found,
                entry_id=str(entry_id) if entry_id is not None else "",
                tenant=tenant,
                account_id=account_id,
            )
        )


def _account_of(entry: JournalEntry, row: int) -> AccountKey:
    """(tenant, account id) of a row; (0, 0) for none."""
    if row < 0:
        return (0, 0)
    return int(entry.requests["tenant"][row]), int(entry.requests["account_id"][row])


def audit_partition(
    partition: int,
    entries: Iterable[tuple[EntryId, bytes]],
    records: Mapping[AccountKey, bytes],
) -> AuditReport:
    """Audit a partition that lies in memory and doesn't change: its whole journal in order, and its records."""
    journal = list(entries)
    audit = PartitionAudit(partition, voided=_voided_of(partition, journal))
    for entry_id, octets in journal:
        audit.take(entry_id, octets)
    for account, record in records.items():
        audit.compare(*account, record)
    for account in audit.accounts_to_compare():
        audit.compare(*account, None)
    return audit.report()


def _voided_of(partition: int, journal: list[tuple[EntryId, bytes]]) -> frozenset[EntryId]:
    """Entries that the store lost; none where the chain is broken, which `take` then says in its place."""
    try:
        links = [Link(entry_id, read_header(octets).follows) for entry_id, octets in journal]
        counting = set(counting_ids(partition, links))
    except (ValueError, JournalGapError):
        return frozenset()
    return frozenset(link.entry_id for link in links) - counting
