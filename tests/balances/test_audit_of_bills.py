"""Bills in the audit: their law holds over random traffic, and each mistake planted in one turns it red."""

from balances.audit_report import FaultKind
from balances.journal import MovementKind, decode_entry
from balances.record import BUCKET_REMAINING, BUCKET_UNIT, BUCKET_WORDS, Section
from tests.balances.audited_traffic import change_rows
from tests.balances.planted_mistakes import add_to_word, audit_red, faults_of, first_word, kinds_of
from vocabulary.units import Unit

CHARGED, SETTLED = int(MovementKind.CHARGED), int(MovementKind.SETTLED)


def bill_of(records):
    """(account, first word of its bill, how much is owed on it) of an account that owes something."""
    for account, record in records.items():
        at, count = first_word(record, Section.BUCKETS)
        for first in range(at, at + count * BUCKET_WORDS, BUCKET_WORDS):
            owed = -int.from_bytes(record[8 * (first + BUCKET_REMAINING) :][:8], "little", signed=True)
            if record[8 * first + BUCKET_UNIT] == Unit.BILL and owed > 0:
                return account, first, owed
    raise AssertionError("nobody owes anything")


def test_what_was_charged_to_bills_is_settled_or_owed(traffic):
    report = traffic.audit()
    assert report.is_sound
    (bill,) = [totals for totals in report.totals if totals.unit == Unit.BILL]
    assert set(bill.by_kind) == {MovementKind.SETTLED, MovementKind.CHARGED}
    assert (
        bill.by_kind[MovementKind.CHARGED] - bill.by_kind[MovementKind.SETTLED] == -bill.remaining - bill.reserved > 0
    )
    usages = [decode_entry(octets).usages for _, octets in traffic.entries()]
    billed = sum(int(row["charged_micros"][row["settled_by"] == Unit.BILL].sum()) for row in usages)
    assert billed == bill.by_kind[MovementKind.CHARGED], (
        "rated = settled by balance + billed + unbilled, from usage rows too"
    )
    (money,) = [totals for totals in report.totals if totals.unit == Unit.MONEY]
    assert sum(int(row["charged_micros"].sum()) for row in usages) == billed + money.by_kind[MovementKind.CHARGED]


def test_who_settles_a_usage_row(traffic):
    for before, after in ((Unit.BILL, Unit.MONEY), (Unit.MONEY, Unit.BILL)):
        entries = traffic.entries()

        def change(row, after=after):
            row["settled_by"] = after

        def is_wanted(row, before=before):
            return row["settled_by"] == before and row["charged_micros"] > 0

        changed = change_rows(entries, "usages", is_wanted, change)
        (fault,) = audit_red(entries, traffic.records()).faults
        assert (fault.kind, fault.entry_id, fault.expected, fault.found) == (FaultKind.USAGE, changed, before, after)
        assert "settled_by of usage row" in fault.what
        assert fault.account_id > 0


def test_a_charge_that_moved_from_the_bill_to_the_balance(traffic):
    entries = traffic.entries()

    def change(row):
        row["unit"] = Unit.MONEY

    changed = change_rows(entries, "movements", lambda row: row["kind"] == CHARGED and row["unit"] == Unit.BILL, change)
    report = audit_red(entries, traffic.records())
    assert changed in {fault.entry_id for fault in faults_of(report, FaultKind.USAGE)}
    assert faults_of(report, FaultKind.REMAINING)


def test_a_settlement_that_was_never_made(traffic):
    entries = traffic.entries()

    def change(row):
        row["amount"] += 7

    change_rows(entries, "movements", lambda row: row["kind"] == SETTLED, change)
    (fault,) = audit_red(entries, traffic.records()).faults
    assert (fault.kind, fault.expected - fault.found) == (FaultKind.REMAINING, 7)


def test_an_ordinary_top_up_on_a_bill_and_a_settlement_of_money(traffic):
    for before, after in ((SETTLED, int(MovementKind.TOPPED_UP)), (int(MovementKind.TOPPED_UP), SETTLED)):
        entries = traffic.entries()

        def change(row, after=after):
            row["kind"] = after

        def is_wanted(row, before=before):
            return row["kind"] == before and row["unit"] in (Unit.MONEY, Unit.BILL)

        changed = change_rows(entries, "movements", is_wanted, change)
        report = audit_red(entries, traffic.records())
        assert kinds_of(report) == {FaultKind.BILL}
        assert [fault.entry_id for fault in report.faults] == [changed]


def test_a_bill_in_credit(traffic):
    records = traffic.records()
    account, first, owed = bill_of(records)
    records[account] = add_to_word(records[account], first + BUCKET_REMAINING, owed + 10**9)
    report = audit_red(traffic.entries(), records)
    assert kinds_of(report) == {FaultKind.BILL, FaultKind.REMAINING}
    (fault,) = faults_of(report, FaultKind.BILL)
    assert (fault.tenant, fault.account_id, fault.expected) == (*account, "0 or less")
