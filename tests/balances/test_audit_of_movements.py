"""Each mistake planted in a movement or a usage row turns the audit red, with the fault that says what it is and where."""

import pytest

from balances.audit_report import FaultKind
from balances.journal import MovementKind, decode_entry
from tests.balances.audited_traffic import change_rows, encode_again, tables_of
from tests.balances.planted_mistakes import audit_red, faults_of, kinds_of
from vocabulary.outcomes import Outcome

CHARGED = int(MovementKind.CHARGED)


def test_amount_of_a_movement(traffic):
    entries = traffic.entries()

    def change(row):
        row["amount"] += 1

    changed = change_rows(entries, "movements", lambda row: row["kind"] == CHARGED and row["unit"] == 0, change)
    report = audit_red(entries, traffic.records())
    assert kinds_of(report) >= {FaultKind.USAGE, FaultKind.REMAINING, FaultKind.CHARGED}
    (fault,) = faults_of(report, FaultKind.USAGE)
    assert (fault.entry_id, fault.expected - fault.found) == (changed, 1)
    assert fault.account_id == faults_of(report, FaultKind.REMAINING)[0].account_id


def test_amount_of_a_credit(traffic):
    entries = traffic.entries()

    def change(row):
        row["amount"] += 1000

    change_rows(entries, "movements", lambda row: row["kind"] == MovementKind.TOPPED_UP, change)
    report = audit_red(entries, traffic.records())
    (fault,) = report.faults
    assert (fault.kind, fault.expected - fault.found) == (FaultKind.REMAINING, 1000)


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (MovementKind.CHARGED, MovementKind.EXPIRED, FaultKind.USAGE),
        (MovementKind.CHARGED, MovementKind.REFUNDED, FaultKind.MOVEMENT),
        (MovementKind.TOPPED_UP, MovementKind.CHARGED, FaultKind.MOVEMENT),
        (MovementKind.HELD, MovementKind.EXPIRED, FaultKind.MOVEMENT),
        (MovementKind.CHARGED, 15, FaultKind.MOVEMENT),
    ],
)
def test_kind_of_a_movement(traffic, before, after, kind):
    entries = traffic.entries()

    def change(row):
        row["kind"] = after

    changed = change_rows(entries, "movements", lambda row: row["kind"] == before, change)
    report = audit_red(entries, traffic.records())
    assert changed in {fault.entry_id for fault in faults_of(report, kind)}


@pytest.mark.parametrize("name", ["charged_micros", "allowance_units"])
def test_charge_of_a_usage_row(traffic, name):
    entries = traffic.entries()

    def change(row):
        row[name] -= 1

    changed = change_rows(entries, "usages", lambda row: row[name] > 0, change)
    (fault,) = audit_red(entries, traffic.records()).faults
    assert (fault.kind, fault.entry_id, fault.expected - fault.found) == (FaultKind.USAGE, changed, 1)
    assert name in fault.what
    assert fault.account_id > 0


@pytest.mark.parametrize(("column", "value"), [("request", 10**6), ("request", -1), ("usage", 10**6), ("usage", -2)])
def test_movement_that_points_at_no_row(traffic, column, value):
    entries = traffic.entries()

    def change(row):
        row[column] = value

    changed = change_rows(entries, "movements", lambda row: row["kind"] == CHARGED and row["unit"] == 0, change)
    report = audit_red(entries, traffic.records())
    assert [fault.entry_id for fault in faults_of(report, FaultKind.MOVEMENT)] == [changed]
    assert faults_of(report, FaultKind.CHARGED)


def test_movement_of_a_refused_request(traffic):
    entries = traffic.entries()
    for place, (entry_id, octets) in enumerate(entries):
        entry = decode_entry(octets)
        tables = tables_of(entry)
        if len(tables["movements"]) and place > 0:
            tables["requests"]["outcome"][tables["movements"]["request"][0]] = Outcome.END_USER_SERVICE_DENIED
            entries[place] = (entry_id, encode_again(entry, tables))
            break
    report = audit_red(entries, traffic.records())
    assert str(entry_id) in {fault.entry_id for fault in faults_of(report, FaultKind.MOVEMENT)}


def test_bucket_that_falls_below_zero(traffic):
    """More units leave an allowance than it ever had."""
    entries = traffic.entries()

    def change(row):
        row["amount"] += 10**6

    changed = change_rows(entries, "movements", lambda row: row["kind"] == CHARGED and row["unit"] == 1, change)
    report = audit_red(entries, traffic.records())
    assert changed in {fault.entry_id for fault in faults_of(report, FaultKind.BELOW_ZERO)}
