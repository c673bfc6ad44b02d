"""Subscribers from a CSV file: all rows are checked, also against the store, before any account is opened.

An import that was cut off goes on when the same file is imported again: the batch of openings has its name from the
file's hash, the command of a row from that and the row, and what was opened before is recognised by its account number.
Rows of a file mostly have the same few terms, so terms are made once for each combination of words and not once a row.
"""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from io import StringIO
from typing import Final, NamedTuple

from balances.commands import Applied, CommandResult, IdentityTaken, Opening, Refused, Terms, Waiting
from balances.edge.command_sender import CommandSender
from balances.edge.identity_claims import accounts_that_never_came, closed_accounts
from balances.edge.redis_store import RedisStore
from catalog_loader.faults import suggestion
from catalog_loader.release import Release
from runtime.subscriber_identities import IDENTITY_COLUMNS, IdentityInvalid, key_of, shown_identity
from runtime.subscriber_terms import TermsInvalid, WantedTerms, terms_of
from vocabulary.limits import IDENTITIES_PER_REQUEST_MAX

ROWS_MAX: Final = 1_000_000
FILE_OCTETS_MAX: Final = 512 * 1024 * 1024
FAULTS_SHOWN_MAX: Final = 1000
_HASH_DIGITS: Final = 32


class Column(NamedTuple):
    """A column of the file, and what stands in it."""

    name: str
    meaning: str


COLUMNS: Final = (
    *(Column(column.name, f"identity: {column.expected}") for column in IDENTITY_COLUMNS),
    Column("offer", "id of an offer of the release in force; --offer where empty"),
    Column("money", "opening balance instead of the offer's, such as 12.50, in the release's currency"),
    Column("credit_limit", "how much may be owed on the bill, such as 50.00; the offer's where empty"),
    Column("allowances", "instead of the offer's: ids with ; between them, such as data-1gib=512 MiB;voice-100min; - for none"),
    Column("expires", "end of the account: a date, or date and time with an offset; never where empty"),
)  # fmt: skip
"""A row needs at least one identity; columns may stand in any order, and those that nobody needs may be left out."""

_NAMES: Final = tuple(column.name for column in COLUMNS)
_IDENTITY_NAMES: Final = tuple(column.name for column in IDENTITY_COLUMNS)
_TERM_NAMES: Final = ("offer", "money", "credit_limit", "allowances", "expires")


@dataclass(frozen=True, slots=True)
class CellFault:
    """One thing that is wrong in a file; `column` is '' where it is about the whole row."""

    file: str
    line: int
    column: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        about = f"{self.column}: " if self.column else ""
        end = "" if self.remedy.endswith("?") else "."
        return f"{self.file}:{self.line}: {about}{self.problem}. {self.remedy}{end}"


@dataclass(slots=True)
class ImportPlan:
    """A file that was read: what to open, or what is wrong with it."""

    file: str
    batch_id: str
    openings: list[Opening] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    """line of the file by row"""
    faults: list[CellFault] = field(default_factory=list)

    def fault(self, line: int, column: str, problem: str, remedy: str) -> None:
        """Note a fault."""
        self.faults.append(CellFault(self.file, line, column, problem, remedy))


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What an import came to."""

    opened: int
    waiting: int
    """commands that are in the store and not decided"""
    waiting_reason: str
    faults: tuple[CellFault, ...]
    """rows that were refused after all: an identity that somebody else took meanwhile, or what the engine says"""


# --- reading ---------------------------------------------------------------------------------------------------------


def plan_import(
    octets: bytes, *, file: str, tenant: int, release: Release, opened_ns: int, default_offer: str = ""
) -> ImportPlan:
    """Read and check a whole file: openings by row, or every fault.

    tenant          the store's number
    release         the tenant's release in force
    default_offer   of rows without one
    """
    plan = ImportPlan(file, batch_id_of(octets, tenant, default_offer))
    if len(octets) > FILE_OCTETS_MAX:
        plan.fault(1, "", f"the file has more than {FILE_OCTETS_MAX} octets", "Split it")
        return plan
    rows = _read_rows(plan, octets)
    header = next(rows, None)
    if header is None:
        if not plan.faults:
            plan.fault(1, "", "the file is empty", f"Write a header line such as {','.join(_NAMES[:2])},offer")
        return plan
    names = _read_header(plan, header[1], has_default_offer=bool(default_offer))
    if plan.faults:
        return plan
    reader = _RowReader(plan, names, tenant, release, opened_ns, default_offer)
    for line, cells in rows:
        reader.read(line, cells)
        if len(plan.lines) > ROWS_MAX:
            plan.fault(line, "", f"more than {ROWS_MAX} rows", "Split the file")
            break
    if not plan.openings and not plan.faults:
        plan.fault(1, "", "the file has a header and no rows", "Write a row a subscriber")
    return plan


def batch_id_of(octets: bytes, tenant: int, default_offer: str) -> str:
    """The name of the file's batch of openings: the same for the same file, tenant and default offer."""
    digest = sha256(octets)
    digest.update(f"\n{tenant}\n{default_offer}".encode())
    return f"import-{digest.hexdigest()[:_HASH_DIGITS]}"


def _read_rows(plan: ImportPlan, octets: bytes) -> Iterator[tuple[int, list[str]]]:
    """(line at which it begins, cells) of each row that isn't empty; a fault where the file can't be read on."""
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        plan.fault(line, "", f"octet 0x{octets[error.start]:02x} is not UTF-8", "Save the file as UTF-8")
        return
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    begins = 1
    try:
        for cells in reader:
            if cells:
                yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        plan.fault(
            begins, "", f"not readable as CSV: {error}", "Close what was quoted, and double quotes within quotes"
        )


def _read_header(plan: ImportPlan, cells: Sequence[str], *, has_default_offer: bool) -> list[str]:
    """Names of the columns by place."""
    names = [cell.strip().lower() for cell in cells]
    if len(names) == 1 and (";" in names[0] or "\t" in names[0]):
        plan.fault(1, "", "the columns are not separated by commas", "Save the file with commas")
        return names
    for place, name in enumerate(names):
        if name not in _NAMES:
            otherwise = f"Known are {', '.join(_NAMES)}"
            shown = name[:40] or "without a name"
            plan.fault(1, f"column {place + 1}", f"{shown} is not known", suggestion(name, _NAMES, otherwise=otherwise))
        elif name in names[:place]:
            plan.fault(1, name, "this column stands there twice", "Remove one of the two")
    if not plan.faults and not set(names) & set(_IDENTITY_NAMES):
        plan.fault(1, "", "no column is an identity", f"Add one of {', '.join(_IDENTITY_NAMES)}")
    if not plan.faults and "offer" not in names and not has_default_offer:
        plan.fault(1, "offer", "this column is missing", "Add it, or name one offer for all rows with --offer")
    return names


class _RowReader:
    """Rows to openings; keeps what was seen, so that a second row with an identity is a fault."""

    def __init__(
        self, plan: ImportPlan, names: list[str], tenant: int, release: Release, opened_ns: int, default_offer: str
    ) -> None:
        self._plan = plan
        self._names = names
        self._tenant = tenant
        self._release = release
        self._opened_ns = opened_ns
        self._default_offer = default_offer
        self._identity_places = [(place, name) for place, name in enumerate(names) if name in _IDENTITY_NAMES]
        self._term_places = [names.index(name) if name in names else -1 for name in _TERM_NAMES]
        self._terms: dict[tuple[str, ...], Terms | TermsInvalid] = {}
        self._line_of: dict[str, int] = {}

    def read(self, line: int, cells: list[str]) -> None:
        """Append the row's opening, or its faults."""
        plan = self._plan
        if len(cells) != len(self._names):
            problem = f"the row has {len(cells)} values, the header {len(self._names)}"
            plan.fault(line, "", problem, "Write a value a column; quote values that have a comma")
            return
        identities = self._identities(line, cells)
        words = tuple(cells[place].strip() if place >= 0 else "" for place in self._term_places)
        terms = self._terms.get(words)
        if terms is None:
            terms = self._terms[words] = self._read_terms(words)
        if isinstance(terms, TermsInvalid):
            for name, problem, remedy in terms.faults:
                plan.fault(line, name, problem, remedy)
        elif identities:
            plan.openings.append(Opening(self._tenant, identities, terms))
            plan.lines.append(line)

    def _identities(self, line: int, cells: list[str]) -> tuple[str, ...]:
        """Keys of the row's identities; none after a fault."""
        count = len(self._plan.faults)
        keys = []
        for place, name in self._identity_places:
            text = cells[place].strip()
            if not text:
                continue
            try:
                key = key_of(self._tenant, name, text)
            except IdentityInvalid as error:
                self._plan.fault(line, name, str(error), error.remedy)
                continue
            first = self._line_of.setdefault(key, line)
            if first != line:
                self._plan.fault(line, name, f"{text} stands in line {first} too", "Remove one of the two rows")
            keys.append(key)
        if len(self._plan.faults) > count:
            return ()
        if not keys:
            self._plan.fault(line, "", "the row has no identity", f"Write one of {', '.join(_IDENTITY_NAMES)}")
        elif len(keys) > IDENTITIES_PER_REQUEST_MAX:
            problem = f"the row has {len(keys)} identities"
            self._plan.fault(line, "", problem, f"At most {IDENTITIES_PER_REQUEST_MAX} fit")
            return ()
        return tuple(keys)

    def _read_terms(self, words: tuple[str, ...]) -> Terms | TermsInvalid:
        offer, money, credit_limit, allowances, expires = words
        wanted = WantedTerms(offer or self._default_offer, money, credit_limit, allowances, expires)
        try:
            return terms_of(self._release, wanted, self._opened_ns)
        except TermsInvalid as error:
            return error


# --- against the store, and into it ----------------------------------------------------------------------------------


async def taken_identities(store: RedisStore, plan: ImportPlan) -> tuple[list[CellFault], int]:
    """(faults: rows whose identities other accounts have, how many rows an earlier try of this import has claimed).

    A row has one for each such account, at the first of its identities there. Claims that an opening left which was cut off,
    and those of closed accounts, are no faults: the sender takes them over.
    """
    first = await store.allotted(plan.batch_id)
    keys = [(row, key) for row, opening in enumerate(plan.openings) for key in opening.identities]
    found = await store.find_accounts([key for _, key in keys])
    others: dict[tuple[int, int], str] = {}
    own: set[int] = set()
    for (row, key), account in zip(keys, found, strict=True):
        if account is None:
            continue
        if first is not None and account[0] == first + row:
            own.add(row)
        else:
            others.setdefault((row, account[0]), key)
    accounts = {(plan.openings[row].tenant, account_id) for row, account_id in others}
    free = await accounts_that_never_came(store, store.meta.partition_count, accounts)
    free |= await closed_accounts(store, store.meta.partition_count, accounts)
    faults = [_taken(plan, row, key, account_id) for (row, account_id), key in others.items() if account_id not in free]
    return faults, len(own)


async def run_import(
    store: RedisStore, plan: ImportPlan, *, progress: Callable[[int], None] | None = None
) -> ImportOutcome:
    """Open the accounts of a plan without faults. The same file again goes on, and opens nothing twice.

    progress   called with the count of rows that have come to a result
    """
    assert not plan.faults, "a plan with faults is not carried out"
    sender = CommandSender(store, store.meta.partition_count)
    results = await sender.open_accounts(plan.batch_id, plan.openings, progress=progress, is_content_in_id=True)
    opened = sum(isinstance(result, Applied) for result in results)
    waits = [result for result in results if isinstance(result, Waiting)]
    faults = tuple(
        fault for row, result in enumerate(results) for fault in [_fault_of(plan, row, result)] if fault is not None
    )
    return ImportOutcome(opened, len(waits), waits[0].reason if waits else "", faults)


def _fault_of(plan: ImportPlan, row: int, result: CommandResult) -> CellFault | None:
    if isinstance(result, IdentityTaken):
        return _taken(plan, row, result.identity, result.account_id)
    if isinstance(result, Refused):
        problem = f"the engine refused to open account {result.account_id}: {result.outcome.name}"
        return CellFault(plan.file, plan.lines[row], "", problem, "Its log says why")
    return None


def _taken(plan: ImportPlan, row: int, key: str, account_id: int) -> CellFault:
    name, _, value = shown_identity(key).partition(" ")
    problem = f"{value} belongs to account {account_id} already"
    return CellFault(plan.file, plan.lines[row], name, problem, "Remove the row, or correct it")
