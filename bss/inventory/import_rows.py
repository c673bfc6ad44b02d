"""Numbers and SIMs from a CSV file: every row is checked, also against what is there, before one is added.

An import that was cut off goes on when the same file is imported again: what is there as the file says is passed over, what
is there otherwise is a fault.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from bss.access import requires
from bss.errors import Invalid
from bss.inventory.digits import check_iccid, check_imsi, check_msisdn, check_pool
from bss.inventory.kinds import KINDS, Kind
from bss.inventory.operations import POOL_DEFAULT
from bss.inventory.states import ResourceState
from bss.inventory.tables import SIM
from bss.work import Work

ROWS_MAX: Final = 1_000_000
FILE_OCTETS_MAX: Final = 128 * 1024 * 1024
FAULTS_MAX: Final = 1000
CHUNK_ROWS: Final = 500


class Column(NamedTuple):
    """A column of a file: what is in it, what it is where empty, and what checks it."""

    name: str
    meaning: str
    default: str
    check: Callable[..., str]


COLUMNS: Final[dict[str, tuple[Column, ...]]] = {
    "msisdn": (
        Column("number", "MSISDN with country code, without +", "", check_msisdn),
        Column("pool", f"pool that it belongs to; {POOL_DEFAULT} where empty", POOL_DEFAULT, check_pool),
        Column("category", "such as golden; standard where empty", "standard", check_pool),
    ),
    "sim": (
        Column("iccid", "digits on the card, check digit included", "", check_iccid),
        Column("imsi", "6 to 15 digits", "", check_imsi),
        Column("pool", f"pool that it belongs to; {POOL_DEFAULT} where empty", POOL_DEFAULT, check_pool),
        Column("kind", "usim or esim; usim where empty", "usim", check_pool),
    ),
}
"""Columns of the file of each kind, in any order; those with a default may be left out."""


class RowFault(NamedTuple):
    """One thing that is wrong in a file; `column` is '' where it is about a whole row or the file."""

    line: int
    column: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        about = f"{self.column}: " if self.column else ""
        return f"line {self.line}: {about}{self.reason}. {self.remedy}"


class ImportRow(NamedTuple):
    """A row that is right by itself."""

    line: int
    values: dict[str, str]


@dataclass(slots=True)
class ImportPlan:
    """A file that was read: its rows, or what is wrong with it."""

    kind: Kind
    rows: list[ImportRow] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)
    fault_count: int = 0

    def fault(self, line: int, column: str, reason: str, remedy: str) -> None:
        """Note a fault; beyond FAULTS_MAX they are only counted."""
        self.fault_count += 1
        if len(self.faults) < FAULTS_MAX:
            self.faults.append(RowFault(line, column, reason, remedy))

    def chunks(self) -> list[list[ImportRow]]:
        """The rows, so many as one transaction takes."""
        return [self.rows[start : start + CHUNK_ROWS] for start in range(0, len(self.rows), CHUNK_ROWS)]


def read_rows(kind: Kind, octets: bytes) -> ImportPlan:
    """What a CSV file (UTF-8, a header line, commas) says, checked by itself: forms, check digits, twice in the file."""
    plan = ImportPlan(kind)
    if len(octets) > FILE_OCTETS_MAX:
        plan.fault(1, "", f"the file has more than {FILE_OCTETS_MAX >> 20} MiB", "Part it")
        return plan
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = octets[: error.start].count(b"\n") + 1
        plan.fault(line, "", f"octet {octets[error.start]:#04x} is no UTF-8", "Save the file as UTF-8")
        return plan
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        if _header_is_right(plan, header):
            _read_body(plan, reader, header)
    except csv.Error as error:
        plan.fault(reader.line_num, "", f"it is no CSV: {error}", "Look for an unclosed quotation mark")
    return plan


def _header_is_right(plan: ImportPlan, header: Sequence[str]) -> bool:
    columns = COLUMNS[plan.kind]
    known = [column.name for column in columns]
    for name in header:
        if name not in known:
            plan.fault(1, name[:40], "there is no such column", f"Columns are {', '.join(known)}")
        elif header.count(name) > 1:
            plan.fault(1, name, "the column is there twice", "Leave one out")
    for column in columns:
        if not column.default and column.name not in header:
            plan.fault(1, column.name, "the column lacks", "Begin the file with a line that names its columns")
    return not plan.faults


def _read_body(plan: ImportPlan, reader: Any, header: Sequence[str]) -> None:
    columns = {column.name: column for column in COLUMNS[plan.kind]}
    unique_names = [column.name for column in columns.values() if not column.default]
    seen: dict[tuple[str, str], int] = {}
    for cells in reader:
        line = reader.line_num
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            plan.fault(line, "", f"{len(cells)} cells under {len(header)} columns", "Give each column a cell")
            continue
        if len(plan.rows) >= ROWS_MAX:
            plan.fault(line, "", f"more than {ROWS_MAX} rows", "Part the file")
            return
        found = dict(zip(header, (cell.strip() for cell in cells), strict=True))
        values = _checked(plan, line, columns, found)
        for name in unique_names if values else ():
            first = seen.setdefault((name, values[name]), line)
            if first != line:
                plan.fault(line, name, f"{values[name]} is in line {first} already", "Leave one out")
                values = {}
                break
        if values:
            plan.rows.append(ImportRow(line, values))


def _checked(plan: ImportPlan, line: int, columns: Mapping[str, Column], found: Mapping[str, str]) -> dict[str, str]:
    """The row's values, defaults put in; empty where one is wrong."""
    values = {}
    is_right = True
    for name, column in columns.items():
        text = found.get(name) or column.default
        try:
            values[name] = column.check(text, field=name)
        except Invalid as error:
            plan.fault(line, name, error.reason, error.remedy)
            is_right = False
    return values if is_right else {}


@requires("inventory:read")
def check_rows(work: Work, *, plan: ImportPlan, rows: Sequence[ImportRow]) -> int:
    """Compare rows with what is there; what contradicts becomes a fault of the plan. How many are there as the file says."""
    what = KINDS[plan.kind]
    keys = [column.name for column in COLUMNS[plan.kind] if not column.default]
    present = 0
    there = {
        key: {
            row[key]: row
            for row in work.rows(sa.select(what.table).where(what.table.c[key].in_([row.values[key] for row in rows])))
        }
        for key in keys
    }
    for row in rows:
        found = next((there[key][row.values[key]] for key in keys if row.values[key] in there[key]), None)
        if found is None:
            continue
        different = [name for name in row.values if found[name] != row.values[name]]
        if different:
            plan.fault(
                row.line,
                different[0],
                f"{what.words} {found[what.key]} is there with {different[0]} {found[different[0]]}",
                "Correct the row, or leave it out",
            )
        else:
            present += 1
    return present


@requires("inventory:write")
def add_rows(work: Work, *, kind: Kind, rows: Sequence[ImportRow]) -> int:
    """Add those of the rows that aren't there; how many. They have been checked by `read_rows` and `check_rows`."""
    what = KINDS[kind]
    names = [row.values[what.key] for row in rows]
    there = {
        row[what.key] for row in work.rows(sa.select(what.table.c[what.key]).where(what.table.c[what.key].in_(names)))
    }
    if kind == "sim":
        imsis = [row.values["imsi"] for row in rows if row.values["iccid"] not in there]
        taken = work.rows(sa.select(SIM.c.imsi).where(SIM.c.imsi.in_(imsis)))
        if taken:
            raise Invalid("imsi", f"{taken[0]['imsi']} was given to another SIM meanwhile", "Import the file again")
    added = 0
    for row in rows:
        if row.values[what.key] not in there:
            work.insert(what.table, **row.values, state=ResourceState.FREE, state_since_ns=work.now_ns)
            added += 1
    return added
