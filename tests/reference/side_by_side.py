"""Twin and kernels over the same accounts: each batch goes to both, and everything that they say is compared."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from balances.journal import FIRST_DEBIT, JournalEntry
from charging.batch import KIND_EXPIRE
from tests.reference.account import Account, check_reservations
from tests.reference.engine_alone import EngineAlone, canonical_movements
from tests.reference.journal import Books
from tests.reference.record_octets import canonical_account, canonical_record, encode_account
from tests.reference.requests import Answer, Request, Wake
from tests.reference.tariffs import Catalogue, tariff_tables
from tests.reference.twin import Twin
from vocabulary.units import Unit

Holding = dict[tuple[int, int], tuple[int, int]]
"""(remaining, reserved) by (account id, bucket id)"""

REQUEST_COLUMNS = (
    "account_id",
    "tenant",
    "session_high",
    "session_low",
    "kind",
    "request_type",
    "request_number",
    "command",
    "outcome",
    "ended_session",
    "currency",
    "is_uncounted",
    "denied_status",
)
UNCAUSED_COLUMNS = (
    "account_id",
    "tenant",
    "session_high",
    "session_low",
    "kind",
    "ended_session",
    "currency",
    "is_uncounted",
    "denied_status",
)
USAGE_COLUMNS = (
    "request",
    "rating_group",
    "service_identifier",
    "unit",
    "from_ns",
    "to_ns",
    "used_units",
    "allowance_units",
    "uncharged_units",
    "charged_micros",
    "granted_units",
    "release",
    "offer",
    "price",
    "outcome",
    "final_action",
    "requested_units",
    "grant_basis",
    "settled_by",
)


@dataclass(slots=True)
class SideBySide:
    """Both, and the check that no unit and no micro appears or is lost."""

    catalogue: Catalogue
    accounts: Sequence[Account] = ()
    twin: Twin = field(init=False)
    engine: EngineAlone = field(init=False)

    def __post_init__(self) -> None:
        self.engine = EngineAlone(tariff_tables(self.catalogue))
        self.twin = Twin(self.catalogue, {account.account_id: account for account in self.accounts})
        self.engine.records = {
            (account.tenant, account.account_id): encode_account(account) for account in self.accounts
        }

    def decide(self, requests: Sequence[Request], now_ns: int) -> list[Answer]:
        """Decide a batch on both sides; AssertionError shows what differs."""
        before = holdings(self.twin.accounts)
        answers, entry = self.engine.decide(requests, now_ns)
        expected, books = self.twin.decide(list(requests), now_ns)
        for row, (found, wanted) in enumerate(zip(answers, expected, strict=True)):
            assert same(requests[row], found, wanted), (
                f"answer {row} of {requests[row]}\nkernel {found}\ntwin   {wanted}"
            )
        assert request_rows(entry) == expected_request_rows(books)
        assert usage_rows(entry) == expected_usage_rows(books)
        assert canonical_movements(entry) == books.movements()
        assert {key[1] for key in self.engine.records} == set(self.twin.accounts)
        for account in self.twin.accounts.values():
            octets = self.engine.records[(account.tenant, account.account_id)]
            found_record, wanted_record = canonical_record(octets), canonical_account(account)
            assert found_record == wanted_record, f"record\nkernel {found_record}\ntwin   {wanted_record}"
            check_reservations(account)
        assert holdings(self.twin.accounts) == fold(before, entry)
        return answers


def same(request: Request, found: Answer, wanted: Answer) -> bool:
    """Whether two answers say the same: nobody reads a Wake's, and a unit means something with a grant alone."""
    if isinstance(request, Wake):
        return True
    return said(found) == said(wanted)


def said(answer: Answer) -> Answer:
    """The answer with the units of MSCCs without a grant left out."""
    msccs = [mscc if mscc.granted is not None else replace(mscc, unit=Unit.MONEY) for mscc in answer.msccs]
    return replace(answer, msccs=msccs)


def holdings(accounts: dict[int, Account]) -> Holding:
    """What every bucket holds; those that hold nothing are left out."""
    return {
        (account.account_id, bucket.bucket_id): (bucket.remaining, bucket.reserved)
        for account in accounts.values()
        for bucket in account.buckets
        if bucket.remaining or bucket.reserved
    }


def fold(before: Holding, entry: JournalEntry) -> Holding:
    """What buckets hold after the movements of an entry: docs/charging.md §10, one after the other."""
    sums = dict(before)
    accounts = entry.requests["account_id"].tolist()
    names = ("request", "bucket_id", "kind", "amount", "held")
    for request, bucket_id, kind, amount, held in zip(*(entry.movements[n].tolist() for n in names), strict=True):
        remaining, reserved = sums.get((accounts[request], bucket_id), (0, 0))
        remaining += (-amount if kind >= FIRST_DEBIT else amount) - held
        sums[(accounts[request], bucket_id)] = (remaining, reserved + held)
    return {key: holding for key, holding in sums.items() if holding != (0, 0)}


Row = dict[str, Any]


def request_rows(entry: JournalEntry) -> list[Row]:
    """The journal's request rows; of a row that no request caused, what says which session ended."""
    count = len(entry.requests["kind"])
    rows = [{name: int(entry.requests[name][row]) for name in REQUEST_COLUMNS} for row in range(count)]
    return [_caused(row) for row in rows]


def _caused(row: Row) -> Row:
    if row["kind"] == KIND_EXPIRE:
        return {name: row[name] for name in UNCAUSED_COLUMNS}
    return row


def expected_request_rows(books: Books) -> list[Row]:
    """The same of the twin's books."""
    rows = [
        {
            "account_id": row.account_id,
            "tenant": row.tenant,
            "session_high": row.session[0],
            "session_low": row.session[1],
            "kind": row.kind,
            "request_type": row.type,
            "request_number": row.number,
            "command": row.command,
            "outcome": int(row.outcome),
            "ended_session": row.ended_session,
            "currency": row.currency,
            "is_uncounted": int(row.is_uncounted),
            "denied_status": row.denied_status,
        }
        for row in books.requests
    ]
    return [_caused(row) for row in rows]


def usage_rows(entry: JournalEntry) -> list[Row]:
    """The journal's usage rows."""
    count = len(entry.usages["request"])
    return [{name: int(entry.usages[name][row]) for name in USAGE_COLUMNS} for row in range(count)]


def expected_usage_rows(books: Books) -> list[Row]:
    """The same of the twin's books."""
    rows = []
    for usage in books.usages:
        row = {name: getattr(usage, name) for name in USAGE_COLUMNS}
        for name in ("rating_group", "service_identifier"):
            row[name] = -1 if row[name] is None else row[name]
        rows.append({name: int(value) for name, value in row.items()})
    return rows
