"""What must hold within one account record, and within one journal entry, whatever came before it.

The audit's own reading of both, in plain Python and numpy: it shares the layout table with the kernels and nothing
else, so that a mistake of theirs can't hide in it.
"""

import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from balances.audit_report import FaultKind
from balances.journal import FIRST_DEBIT, JOURNAL_REQUEST_DTYPE, MOVEMENT_DTYPE, JournalEntry, MovementKind
from balances.record import (
    BUCKET_ALLOWANCE,
    BUCKET_ID,
    BUCKET_REMAINING,
    BUCKET_RESERVED,
    BUCKET_UNIT,
    HEADER_ACCOUNT,
    HEADER_CHARGED,
    HEADER_CURRENCY,
    HEADER_DIRECTORY,
    HEADER_LAYOUT,
    HEADER_TENANT,
    HEADER_WORDS,
    LAYOUT_VERSION,
    RESERVATION_AMOUNT,
    RESERVATION_BUCKET_ID,
    RESERVATION_SERVICE_TAG,
    SECTION_COUNT,
    SERVICE_SESSION_TAG,
    SERVICE_TAG,
    SESSION_KEY_HIGH,
    SESSION_KEY_LOW,
    SESSION_TAG,
    STRIDES,
    Section,
)
from vocabulary.outcomes import Outcome
from vocabulary.units import MONEY_UNITS, UNIT_NAMES, Unit

SETTLED_BY: Final = "settled_by"
"""column of `usages`: Unit of the buckets that pay"""
_USAGE_AMOUNTS: Final = ("charged_micros", "allowance_units", "granted_units")

ROW_USAGE: Final = 0
ROW_COMMAND: Final = 1
ROW_EXPIRE: Final = 2
"""`requests.kind` of a journal row: a peer's request, an account command, what ended by itself."""
COMMAND_OPEN: Final = 1
"""`requests.command` of the account command that opens an account"""

KINDS: Final = tuple(MovementKind)
KIND_COUNT: Final = len(KINDS)
CHARGED_COLUMN: Final = KINDS.index(MovementKind.CHARGED)
UNITS: Final = tuple(Unit)
IS_MONEY: Final = np.array([unit in MONEY_UNITS for unit in UNITS])
"""(units,) does a bucket of the unit hold micros?"""
ANSWERED: Final = (int(Outcome.GRANTED), int(Outcome.CREDIT_LIMIT_REACHED))
"""Outcomes of rows that may move something; a row with another was refused and moves nothing."""
IS_ANSWERED: Final = np.isin(np.arange(256), ANSWERED)
"""(256,) ANSWERED by the number of an outcome"""


def _column_by_kind() -> NDArray[np.int64]:
    columns = np.full(256, -1, np.int64)
    for column, kind in enumerate(KINDS):
        columns[kind] = column
    return columns


COLUMN_BY_KIND: Final = _column_by_kind()
"""(256,) place in KINDS by the number of a kind; -1 where there is no such kind"""

_CREDITS: Final = frozenset(kind for kind in KINDS if MovementKind.HELD < kind < FIRST_DEBIT)
_CAUSES: Final = (
    ("an MSCC", frozenset({MovementKind.HELD, MovementKind.CHARGED, MovementKind.EXPIRED})),
    ("a request apart from its MSCCs", frozenset({MovementKind.HELD, MovementKind.EXPIRED})),
    ("an account command", _CREDITS | {MovementKind.ADJUSTED_OUT, MovementKind.MOVED_OUT, MovementKind.FEE}),
    ("an expiry", frozenset({MovementKind.HELD, MovementKind.EXPIRED})),
)
"""What causes movements, and the kinds that it can cause."""
_BY_MSCC, _BY_REQUEST, _BY_COMMAND, _BY_EXPIRY = range(len(_CAUSES))
_OF_BILL: Final = np.array([kind in (MovementKind.HELD, MovementKind.SETTLED, MovementKind.CHARGED) for kind in KINDS])
_OF_OTHERS: Final = np.array([kind is not MovementKind.SETTLED for kind in KINDS])
"""(kinds,) those that a bill has, and those that buckets of other units have"""
_IS_ALLOWED: Final = np.array([[kind in kinds for kind in KINDS] for _, kinds in _CAUSES])


# --- the record -----------------------------------------------------------------------------------------------------


class StoredBucket(NamedTuple):
    """A bucket of a record."""

    bucket_id: int
    unit: int
    allowance: int
    remaining: int
    reserved: int


class StoredAccount(NamedTuple):
    """What the audit reads of a record."""

    tenant: int
    account_id: int
    currency: int
    charged_micros: int
    buckets: tuple[StoredBucket, ...]
    sessions: tuple[tuple[int, int], ...]
    """(high, low) of the open ones, unsigned"""
    session_tags: tuple[int, ...]
    services: tuple[tuple[int, int], ...]
    """(tag, tag of its session)"""
    reservations: tuple[tuple[int, int, int], ...]
    """(tag of the service, bucket id, amount)"""


class Disagreement(NamedTuple):
    """Something that doesn't hold."""

    kind: FaultKind
    what: str
    expected: int | str
    found: int | str
    row: int = -1
    """row of `requests`, where an entry is concerned"""


def read_record(octets: bytes) -> StoredAccount:
    """The record's fields that an audit needs. ValueError says why the octets are no record."""
    if len(octets) % 8 or len(octets) < HEADER_WORDS * 8:
        raise ValueError(f"{len(octets)} octets are no whole record")
    if octets[HEADER_LAYOUT] != LAYOUT_VERSION:
        raise ValueError(f"layout {octets[HEADER_LAYOUT]} is unknown to this release, which reads {LAYOUT_VERSION}")
    words = struct.unpack(f"<{len(octets) // 8}q", octets)
    halves = struct.unpack(f"<{len(octets) // 4}I", octets)
    rows = _find_rows(octets)
    return StoredAccount(
        tenant=halves[HEADER_TENANT],
        account_id=words[HEADER_ACCOUNT],
        currency=halves[HEADER_CURRENCY],
        charged_micros=words[HEADER_CHARGED],
        buckets=tuple(
            StoredBucket(
                halves[2 * at + BUCKET_ID],
                octets[8 * at + BUCKET_UNIT],
                halves[2 * at + BUCKET_ALLOWANCE],
                words[at + BUCKET_REMAINING],
                words[at + BUCKET_RESERVED],
            )
            for at in rows[Section.BUCKETS]
        ),
        sessions=tuple(
            (words[at + SESSION_KEY_HIGH] & _UNSIGNED, words[at + SESSION_KEY_LOW] & _UNSIGNED)
            for at in rows[Section.SESSIONS]
        ),
        session_tags=tuple(octets[8 * at + SESSION_TAG] for at in rows[Section.SESSIONS]),
        services=tuple(
            (octets[8 * at + SERVICE_TAG], octets[8 * at + SERVICE_SESSION_TAG]) for at in rows[Section.SERVICES]
        ),
        reservations=tuple(
            (
                octets[8 * at + RESERVATION_SERVICE_TAG],
                halves[2 * at + RESERVATION_BUCKET_ID],
                words[at + RESERVATION_AMOUNT],
            )
            for at in rows[Section.RESERVATIONS]
        ),
    )


_UNSIGNED: Final = 2**64 - 1


def _find_rows(octets: bytes) -> list[range]:
    """First words of the rows by Section. ValueError where the directory and the length differ."""
    rows = []
    at = HEADER_WORDS
    for kind in range(SECTION_COUNT):
        count, stride = octets[HEADER_DIRECTORY + 2 * kind], octets[HEADER_DIRECTORY + 2 * kind + 1]
        if count and stride < STRIDES[kind]:
            raise ValueError(f"its section {kind} has rows of {stride} words, at least {STRIDES[kind]} are needed")
        rows.append(range(at, at + count * stride, stride or 1))
        at += count * stride
    if at * 8 != len(octets):
        raise ValueError(f"its directory says {at * 8} octets, it has {len(octets)}")
    return rows


def record_disagreements(account: StoredAccount) -> Iterator[Disagreement]:
    """What doesn't hold within the record."""
    held: Counter[int] = Counter()
    for _, bucket_id, amount in account.reservations:
        held[bucket_id] += amount
    known = Counter(bucket.bucket_id for bucket in account.buckets)
    for bucket_id, count in known.items():
        if count > 1:
            yield Disagreement(FaultKind.RECORD, f"buckets with id {bucket_id}", 1, count)
    for bucket in account.buckets:
        if held[bucket.bucket_id] != bucket.reserved:
            what = f"reservations of {describe_bucket(bucket.bucket_id, bucket.unit)}"
            yield Disagreement(FaultKind.RESERVATIONS, what, bucket.reserved, held[bucket.bucket_id])
        if bucket.reserved < 0:
            what = f"reserved of {describe_bucket(bucket.bucket_id, bucket.unit)}"
            yield Disagreement(FaultKind.BELOW_ZERO, what, "0 or more", bucket.reserved)
        if bucket.unit == Unit.BILL and bucket.remaining + bucket.reserved > 0:
            what = f"remaining and reserved of {describe_bucket(bucket.bucket_id, bucket.unit)}"
            yield Disagreement(FaultKind.BILL, what, "0 or less", bucket.remaining + bucket.reserved)
        if bucket.unit not in MONEY_UNITS and bucket.remaining < 0:
            what = f"remaining of {describe_bucket(bucket.bucket_id, bucket.unit)}"
            yield Disagreement(FaultKind.BELOW_ZERO, what, "0 or more", bucket.remaining)
    for bucket_id in sorted(held.keys() - known.keys()):
        yield Disagreement(FaultKind.RESERVATIONS, f"reservations of no bucket {bucket_id}", 0, held[bucket_id])
    service_tags = {tag for tag, _ in account.services}
    for tag, bucket_id, amount in account.reservations:
        if tag not in service_tags:
            what = f"reservation of bucket {bucket_id} for a service that is not there"
            yield Disagreement(FaultKind.RESERVATIONS, what, 0, amount)
    for tag, session_tag in account.services:
        if session_tag not in account.session_tags:
            yield Disagreement(FaultKind.RECORD, f"session of service {tag}", "an open one", f"tag {session_tag}")


def describe_bucket(bucket_id: int, unit: int) -> str:
    """How reports name a bucket."""
    name = UNIT_NAMES[UNITS[unit]] if unit < len(UNITS) else f"unit {unit}"
    return f"bucket {bucket_id} ({name})"


# --- the entry ------------------------------------------------------------------------------------------------------


class Movements(NamedTuple):
    """Movements of an entry that can be folded, a row each."""

    row: NDArray[np.int64]
    """of `requests`"""
    bucket_id: NDArray[np.int64]
    allowance: NDArray[np.int64]
    unit: NDArray[np.int64]
    column: NDArray[np.int64]
    """place in KINDS"""
    amount: NDArray[np.int64]
    held: NDArray[np.int64]


Columns = Mapping[str, NDArray[Any]]

_COLUMNS: Final = {
    "requests": JOURNAL_REQUEST_DTYPE,
    "movements": MOVEMENT_DTYPE,
    "usages": np.dtype([("request", np.int32), *((name, np.int64) for name in _USAGE_AMOUNTS), (SETTLED_BY, np.uint8)]),
}
"""What an audit needs of an entry; usage rows have more, which charging/usage_record.py says."""


def check_columns(entry: JournalEntry) -> None:
    """ValueError names what the entry lacks to be audited."""
    if not isinstance(entry.partition, int) or not isinstance(entry.now_ns, int):
        raise ValueError("partition and now_ns are no integers")
    for table, dtype in _COLUMNS.items():
        columns: Columns = getattr(entry, table)
        for name in dtype.names or ():
            found = columns[name].dtype if name in columns else "missing"
            if found != dtype[name]:
                raise ValueError(f"column {name} of {table} is {found} instead of {dtype[name]}")


def check_entry(entry: JournalEntry) -> tuple[Movements, list[Disagreement]]:
    """The movements that can be folded, and what doesn't hold within the entry, whose columns are all there."""
    requests, usages, moved = entry.requests, entry.usages, entry.movements
    request, usage = moved["request"].astype(np.int64), moved["usage"].astype(np.int64)
    column = COLUMN_BY_KIND[moved["kind"]]
    points = (request >= 0) & (request < requests["kind"].size) & (usage >= -1) & (usage < usages["request"].size)
    found = [
        Disagreement(
            FaultKind.MOVEMENT, f"movement {place} points at", "rows of its entry", _rows(request, usage, place)
        )
        for place in np.flatnonzero(~points).tolist()
    ]
    is_known = points & (column >= 0) & (moved["unit"] < len(UNITS)) & (moved["bucket_id"] >= 0)
    for place in np.flatnonzero(points & ~is_known).tolist():
        said = f"kind {moved['kind'][place]}, unit {moved['unit'][place]}, bucket {moved['bucket_id'][place]}"
        found.append(
            Disagreement(FaultKind.MOVEMENT, f"movement {place}", "a known kind and unit", said, request[place])
        )
    keep = np.flatnonzero(is_known)
    amount, held = moved["amount"][keep], moved["held"][keep]
    movements = Movements(
        row=request[keep],
        bucket_id=moved["bucket_id"][keep].astype(np.int64),
        allowance=moved["allowance"][keep].astype(np.int64),
        unit=moved["unit"][keep].astype(np.int64),
        column=column[keep],
        amount=amount,
        held=held,
    )
    found += _check_causes(movements, usage[keep], requests, usages)
    found += _check_usages(movements, usage[keep], usages, requests["kind"].size)
    return movements, found


def _rows(request: NDArray[np.int64], usage: NDArray[np.int64], place: int) -> str:
    return f"request {request[place]}, usage {usage[place]}"


def _check_causes(
    movements: Movements, usage: NDArray[np.int64], requests: Columns, usages: Columns
) -> Iterator[Disagreement]:
    """Each movement is of a kind that its row can cause, in an amount that its kind has."""
    row = movements.row
    kind = requests["kind"][row]
    cause = np.select(
        [kind == ROW_COMMAND, kind == ROW_EXPIRE, usage >= 0], [_BY_COMMAND, _BY_EXPIRY, _BY_MSCC], _BY_REQUEST
    )
    for place in np.flatnonzero(~_IS_ALLOWED[cause, movements.column]).tolist():
        name = KINDS[int(movements.column[place])].name
        words, kinds = _CAUSES[int(cause[place])]
        expected = " or ".join(sorted(kind.name for kind in kinds))
        yield Disagreement(FaultKind.MOVEMENT, f"kind of a movement by {words}", expected, name, int(row[place]))
    is_bill = movements.unit == Unit.BILL
    for place in np.flatnonzero(~np.where(is_bill, _OF_BILL[movements.column], _OF_OTHERS[movements.column])).tolist():
        name, unit = KINDS[int(movements.column[place])].name, UNIT_NAMES[UNITS[int(movements.unit[place])]]
        expected = "HELD, CHARGED or SETTLED" if is_bill[place] else "another than SETTLED"
        yield Disagreement(FaultKind.BILL, f"kind of a movement of {unit}", expected, name, int(row[place]))
    is_held = movements.column == 0
    wrong = (movements.amount < 0) | ((movements.amount == 0) != is_held) | (is_held & (movements.held == 0))
    for place in np.flatnonzero(wrong).tolist():
        name = KINDS[int(movements.column[place])].name
        expected = "0, and something held" if is_held[place] else "above 0"
        yield Disagreement(
            FaultKind.MOVEMENT, f"amount of a movement {name}", expected, int(movements.amount[place]), int(row[place])
        )
    outcome = requests["outcome"][row]
    for place in np.flatnonzero(~IS_ANSWERED[outcome]).tolist():
        said = f"outcome {Outcome(int(outcome[place])).name}" if outcome[place] in _OUTCOMES else int(outcome[place])
        yield Disagreement(FaultKind.MOVEMENT, "a row that moves", "an answered one", said, int(row[place]))
    of_mscc = np.flatnonzero(usage >= 0)
    owner = usages["request"][usage[of_mscc]]
    for place in of_mscc[owner != row[of_mscc]].tolist():
        said = int(usages["request"][usage[place]])
        yield Disagreement(
            FaultKind.MOVEMENT, "request of a movement's usage row", int(row[place]), said, int(row[place])
        )


_OUTCOMES: Final = frozenset(int(outcome) for outcome in Outcome)


def _check_usages(
    movements: Movements, usage: NDArray[np.int64], usages: Columns, request_count: int
) -> Iterator[Disagreement]:
    """Each usage row names what its movements charged."""
    money = np.zeros(usages["request"].size, np.int64)
    units = np.zeros_like(money)
    is_charge = (usage >= 0) & (movements.column == CHARGED_COLUMN)
    is_money, is_units = is_charge & IS_MONEY[movements.unit], is_charge & ~IS_MONEY[movements.unit]
    np.add.at(money, usage[is_money], movements.amount[is_money])
    np.add.at(units, usage[is_units], movements.amount[is_units])
    owner = usages["request"]
    of_money = np.flatnonzero(is_money)
    settled_by = usages[SETTLED_BY][usage[of_money]]
    for place, said in zip(of_money.tolist(), settled_by.tolist(), strict=True):
        if said != movements.unit[place]:
            what = f"settled_by of usage row {usage[place]}"
            yield Disagreement(FaultKind.USAGE, what, int(movements.unit[place]), said, int(movements.row[place]))
    for place in np.flatnonzero((owner < 0) | (owner >= request_count)).tolist():
        yield Disagreement(FaultKind.USAGE, f"request of usage row {place}", "a row of its entry", int(owner[place]))
    for name, charged in (("charged_micros", money), ("allowance_units", units)):
        for place in np.flatnonzero(usages[name] != charged).tolist():
            row = int(owner[place]) if 0 <= owner[place] < request_count else -1
            what = f"{name} of usage row {place}"
            yield Disagreement(FaultKind.USAGE, what, int(charged[place]), int(usages[name][place]), row)
