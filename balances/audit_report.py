"""What an audit found: counts, totals by unit and kind, and faults, each with the place it was seen and both figures."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from balances.journal import FIRST_DEBIT, MovementKind
from vocabulary.units import UNIT_NAMES, Unit

FAULTS_KEPT_MAX: Final = 1000
"""Faults that a report lists; it counts all."""


class FaultKind(StrEnum):
    """What is wrong. FAULT_MEANINGS says what each means."""

    CHAIN = "chain"
    ENTRY = "entry"
    MOVEMENT = "movement"
    USAGE = "usage"
    SESSION = "session"
    DUPLICATE = "duplicate"
    BELOW_ZERO = "below_zero"
    BILL = "bill"
    OPENING = "opening"
    RECORD = "record"
    REMAINING = "remaining"
    RESERVED = "reserved"
    RESERVATIONS = "reservations"
    CHARGED = "charged"
    CURRENCY = "currency"
    SESSIONS = "sessions"


FAULT_MEANINGS: Final = {
    FaultKind.CHAIN: "entries of the journal are missing, come twice or out of order",
    FaultKind.ENTRY: "an entry can't be read, or lies in the wrong partition's journal",
    FaultKind.MOVEMENT: "a movement points at no row, or its row can't cause such a movement",
    FaultKind.USAGE: "a usage row names another charge than the movements that it caused",
    FaultKind.SESSION: "a session was opened twice, or reported or ended without being open",
    FaultKind.DUPLICATE: "a request was decided twice instead of getting its recorded answer",
    FaultKind.BELOW_ZERO: "a reservation or an allowance fell below zero",
    FaultKind.BILL: "a bill is in credit, was moved by what moves no bill, or another bucket was settled as if it were one",
    FaultKind.OPENING: "an account was opened twice, or moves or has a record and was never opened",
    FaultKind.RECORD: "an account's record is missing, unreadable, another account's, or contradicts itself",
    FaultKind.REMAINING: "a record's remaining amount is not what the journal says",
    FaultKind.RESERVED: "a record's reserved amount is not what the journal says",
    FaultKind.RESERVATIONS: "a record's reservations don't add up to what its bucket has reserved",
    FaultKind.CHARGED: "a record's charged_micros is not the money that the journal charged",
    FaultKind.CURRENCY: "rows of one account name several currencies, or its record names another than they do",
    FaultKind.SESSIONS: "a record's open sessions are not those that the journal left open",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong; `expected` is what the journal (of a record) or the rows (of an entry) say."""

    kind: FaultKind
    partition: int
    what: str
    expected: int | str
    found: int | str
    entry_id: str = ""
    """'' where the fault is a record's"""
    tenant: int = 0
    account_id: int = 0
    """0 where no account is concerned"""

    def __str__(self) -> str:
        place = f"partition {self.partition}"
        if self.entry_id:
            place += f", entry {self.entry_id}"
        if self.account_id:
            place += f", account {self.account_id} of tenant {self.tenant}"
        return f"{self.kind}: {place}: {self.what}: expected {self.expected}, found {self.found}"


@dataclass(slots=True)
class FaultList:
    """Faults in the order in which they were found: the first are kept, all are counted."""

    kept: list[Fault] = field(default_factory=list)
    counts: Counter[FaultKind] = field(default_factory=Counter)

    def add(self, fault: Fault) -> None:
        """Count it, and keep it where there is room."""
        self.counts[fault.kind] += 1
        if len(self.kept) < FAULTS_KEPT_MAX:
            self.kept.append(fault)


@dataclass(frozen=True, slots=True)
class UnitTotals:
    """One unit over all accounts: what came and went by kind, and what the records hold."""

    unit: Unit
    by_kind: dict[MovementKind, int]
    """kinds that occur; never below 0"""
    remaining: int
    reserved: int

    @property
    def credits(self) -> int:
        """Everything that entered accounts."""
        return sum(amount for kind, amount in self.by_kind.items() if kind < FIRST_DEBIT)

    @property
    def debits(self) -> int:
        """Everything that left them."""
        return sum(amount for kind, amount in self.by_kind.items() if kind >= FIRST_DEBIT)

    @property
    def difference(self) -> int:
        """credits - debits - remaining - reserved: 0 where the conservation law holds."""
        return self.credits - self.debits - self.remaining - self.reserved


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The result of auditing one partition, or several."""

    partitions: tuple[int, ...]
    entry_count: int
    """entries that count"""
    voided_ids: tuple[str, ...]
    """entries that the store lost and that were skipped, at most FAULTS_KEPT_MAX of them"""
    voided_count: int
    request_count: int
    usage_count: int
    movement_count: int
    account_count: int
    session_count: int
    """open at the end"""
    totals: tuple[UnitTotals, ...]
    faults: tuple[Fault, ...]
    """the first FAULTS_KEPT_MAX"""
    fault_counts: dict[FaultKind, int]

    @property
    def fault_count(self) -> int:
        """All faults, kept or not."""
        return sum(self.fault_counts.values())

    @property
    def is_sound(self) -> bool:
        """No fault, and each unit's law holds."""
        return self.fault_count == 0 and all(totals.difference == 0 for totals in self.totals)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "is_sound": self.is_sound,
            "partitions": list(self.partitions),
            "entries": self.entry_count,
            "voided_entries": self.voided_count,
            "voided_ids": list(self.voided_ids),
            "requests": self.request_count,
            "usages": self.usage_count,
            "movements": self.movement_count,
            "accounts": self.account_count,
            "open_sessions": self.session_count,
            "units": [_totals_to_dict(totals) for totals in self.totals],
            "fault_count": self.fault_count,
            "fault_counts": {str(kind): count for kind, count in sorted(self.fault_counts.items())},
            "faults": [_fault_to_dict(fault) for fault in self.faults],
        }


def _totals_to_dict(totals: UnitTotals) -> dict[str, Any]:
    return {
        "unit": UNIT_NAMES[totals.unit],
        "by_kind": {kind.name.lower(): amount for kind, amount in sorted(totals.by_kind.items())},
        "credits": totals.credits,
        "debits": totals.debits,
        "remaining": totals.remaining,
        "reserved": totals.reserved,
        "difference": totals.difference,
    }


def _fault_to_dict(fault: Fault) -> dict[str, Any]:
    return {
        "kind": str(fault.kind),
        "partition": fault.partition,
        "entry_id": fault.entry_id,
        "tenant": fault.tenant,
        "account_id": fault.account_id,
        "what": fault.what,
        "expected": fault.expected,
        "found": fault.found,
    }


def merge_reports(reports: Iterable[AuditReport]) -> AuditReport:
    """One report of several partitions."""
    parts = tuple(reports)
    counts: Counter[FaultKind] = Counter()
    for part in parts:
        counts.update(part.fault_counts)
    return AuditReport(
        partitions=tuple(partition for part in parts for partition in part.partitions),
        entry_count=sum(part.entry_count for part in parts),
        voided_ids=tuple(entry_id for part in parts for entry_id in part.voided_ids)[:FAULTS_KEPT_MAX],
        voided_count=sum(part.voided_count for part in parts),
        request_count=sum(part.request_count for part in parts),
        usage_count=sum(part.usage_count for part in parts),
        movement_count=sum(part.movement_count for part in parts),
        account_count=sum(part.account_count for part in parts),
        session_count=sum(part.session_count for part in parts),
        totals=_merge_totals(totals for part in parts for totals in part.totals),
        faults=tuple(fault for part in parts for fault in part.faults)[:FAULTS_KEPT_MAX],
        fault_counts=dict(counts),
    )


def _merge_totals(all_totals: Iterable[UnitTotals]) -> tuple[UnitTotals, ...]:
    merged: dict[Unit, UnitTotals] = {}
    for totals in all_totals:
        known = merged.get(totals.unit, UnitTotals(totals.unit, {}, 0, 0))
        by_kind = Counter(known.by_kind)
        by_kind.update(totals.by_kind)
        merged[totals.unit] = UnitTotals(
            totals.unit, dict(by_kind), known.remaining + totals.remaining, known.reserved + totals.reserved
        )
    return tuple(merged[unit] for unit in sorted(merged))
