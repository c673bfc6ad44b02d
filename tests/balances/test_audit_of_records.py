"""Each mistake planted in a record turns the audit red, with the fault that says what it is and where."""

import struct

import pytest

from balances.audit_report import FaultKind
from balances.record import (
    BUCKET_REMAINING,
    BUCKET_RESERVED,
    HEADER_CHARGED,
    HEADER_CURRENCY,
    HEADER_DIRECTORY,
    RESERVATION_WORDS,
    Section,
)
from tests.balances.planted_mistakes import account_with, add_to_word, audit_red, faults_of, first_word, kinds_of


def test_remaining_of_a_record(traffic):
    records = traffic.records()
    account = account_with(records, Section.BUCKETS)
    at, _ = first_word(records[account], Section.BUCKETS)
    records[account] = add_to_word(records[account], at + BUCKET_REMAINING, 1)
    report = audit_red(traffic.entries(), records)
    (fault,) = report.faults
    assert (fault.kind, fault.tenant, fault.account_id) == (FaultKind.REMAINING, *account)
    assert fault.found - fault.expected == 1
    assert sorted(totals.difference for totals in report.totals if totals.difference) == [-1]


def test_reserved_of_a_record(traffic):
    records = traffic.records()
    account = account_with(records, Section.RESERVATIONS)
    at, _ = first_word(records[account], Section.BUCKETS)
    records[account] = add_to_word(records[account], at + BUCKET_RESERVED, 5)
    report = audit_red(traffic.entries(), records)
    assert kinds_of(report) == {FaultKind.RESERVED, FaultKind.RESERVATIONS}
    (fault,) = faults_of(report, FaultKind.RESERVED)
    assert (fault.account_id, fault.found - fault.expected) == (account[1], 5)


def test_reservation_row_of_a_record(traffic):
    records = traffic.records()
    account = account_with(records, Section.RESERVATIONS)
    record = bytearray(records[account])
    at, count = first_word(record, Section.RESERVATIONS)
    record[HEADER_DIRECTORY + 2 * Section.RESERVATIONS] = count - 1
    del record[8 * at : 8 * (at + RESERVATION_WORDS)]
    records[account] = bytes(record)
    report = audit_red(traffic.entries(), records)
    assert kinds_of(report) == {FaultKind.RESERVATIONS}
    (fault,) = report.faults
    assert (fault.tenant, fault.account_id) == account
    assert fault.found < fault.expected


def test_charged_micros_of_a_record(traffic):
    records = traffic.records()
    account = max(records)
    records[account] = add_to_word(records[account], HEADER_CHARGED, -1)
    (fault,) = audit_red(traffic.entries(), records).faults
    assert (fault.kind, fault.account_id, fault.expected - fault.found) == (FaultKind.CHARGED, account[1], 1)


def test_currency_of_a_record(traffic):
    records = traffic.records()
    account = max(records)
    changed = bytearray(records[account])
    (currency,) = struct.unpack_from("<I", changed, 4 * HEADER_CURRENCY)
    struct.pack_into("<I", changed, 4 * HEADER_CURRENCY, 840)
    records[account] = bytes(changed)
    (fault,) = audit_red(traffic.entries(), records).faults
    assert (fault.kind, fault.tenant, fault.account_id) == (FaultKind.CURRENCY, *account)
    assert (fault.expected, fault.found) == (currency, 840)


def test_record_that_is_gone(traffic):
    records = traffic.records()
    account = account_with(records, Section.BUCKETS)
    del records[account]
    report = audit_red(traffic.entries(), records)
    (fault,) = report.faults
    assert (fault.kind, fault.tenant, fault.account_id, fault.found) == (FaultKind.RECORD, *account, "none")
    assert any(totals.difference for totals in report.totals)


def test_record_of_an_account_that_was_never_opened(traffic):
    records = traffic.records()
    account = max(records)
    other = (account[0], 999)
    records[other] = records[account]
    report = audit_red(traffic.entries(), records)
    assert kinds_of(report) == {FaultKind.RECORD, FaultKind.OPENING}
    (fault,) = faults_of(report, FaultKind.OPENING)
    assert (fault.tenant, fault.account_id) == other


def test_session_that_a_record_has_lost(traffic):
    records = traffic.records()
    account = account_with(records, Section.SESSIONS)
    at, _ = first_word(records[account], Section.SESSIONS)
    records[account] = add_to_word(records[account], at + 1, 1)  # another key
    report = audit_red(traffic.entries(), records)
    assert kinds_of(report) == {FaultKind.SESSIONS}
    assert {(fault.expected, fault.found) for fault in report.faults} == {("open", "not open"), ("not open", "open")}


def test_sessions_of_very_many_records_are_counted(traffic, monkeypatch):
    monkeypatch.setattr("balances.audit._SESSIONS_NAMED_MAX", 1)
    records = traffic.records()
    lost = [account for account, record in records.items() if first_word(record, Section.SESSIONS)[1]][:2]
    for account in lost:
        at, _ = first_word(records[account], Section.SESSIONS)
        records[account] = add_to_word(records[account], at + 1, 1)
    report = audit_red(traffic.entries(), records)
    counted = [fault for fault in report.faults if fault.what == "open sessions"]
    assert [(fault.tenant, fault.account_id) for fault in counted] == lost
    assert all(fault.expected == fault.found + 1 for fault in counted)


@pytest.mark.parametrize("octets", [b"", b"\3" * 8, b"\4" + bytes(79), b"\3" + bytes(87)])
def test_record_that_is_none(traffic, octets):
    records = traffic.records()
    records[min(records)] = octets
    report = audit_red(traffic.entries(), records)
    assert kinds_of(report) == {FaultKind.RECORD}
