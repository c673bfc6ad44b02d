"""Each planted mistake turns the audit red, with the fault that says what it is and where."""

import struct
from itertools import pairwise
from random import Random

import numpy as np
import pytest

from balances.audit import audit_partition
from balances.audit_report import FAULT_MEANINGS, FaultKind
from balances.journal import MovementKind, decode_entry
from balances.record import (
    BUCKET_REMAINING,
    BUCKET_RESERVED,
    HEADER_CHARGED,
    HEADER_CURRENCY,
    HEADER_DIRECTORY,
    HEADER_WORDS,
    RESERVATION_WORDS,
    Section,
)
from balances.store import EntryId
from charging.batch import EVENT, INITIAL, TERMINATION, UPDATE
from tests.balances.audited_traffic import change_rows, encode_again, played, tables_of
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

CHARGED = int(MovementKind.CHARGED)


@pytest.fixture(scope="module")
def traffic():
    traffic = played(1)
    assert traffic.audit().is_sound
    return traffic


def first_word(record, section):
    """First word of a section, and how many rows it has."""
    at = HEADER_WORDS
    for kind in range(section):
        at += record[HEADER_DIRECTORY + 2 * kind] * record[HEADER_DIRECTORY + 2 * kind + 1]
    return at, record[HEADER_DIRECTORY + 2 * section]


def add_to_word(record, word, amount):
    changed = bytearray(record)
    (value,) = struct.unpack_from("<q", changed, 8 * word)
    struct.pack_into("<q", changed, 8 * word, value + amount)
    return bytes(changed)


def account_with(records, section):
    """An account whose record has rows of a section."""
    return next(account for account, record in records.items() if first_word(record, section)[1])


def kinds_of(report):
    return set(report.fault_counts)


def faults_of(report, kind):
    return [fault for fault in report.faults if fault.kind is kind]


def audit(entries, records):
    report = audit_partition(0, entries, records)
    assert not report.is_sound
    for fault in report.faults:
        assert fault.expected != fault.found, fault
    return report


# --- records


def test_remaining_of_a_record(traffic):
    records = traffic.records()
    account = account_with(records, Section.BUCKETS)
    at, _ = first_word(records[account], Section.BUCKETS)
    records[account] = add_to_word(records[account], at + BUCKET_REMAINING, 1)
    report = audit(traffic.entries(), records)
    (fault,) = report.faults
    assert (fault.kind, fault.tenant, fault.account_id) == (FaultKind.REMAINING, *account)
    assert fault.found - fault.expected == 1
    assert [totals.difference for totals in report.totals if totals.unit == Unit.MONEY] == [-1]


def test_reserved_of_a_record(traffic):
    records = traffic.records()
    account = account_with(records, Section.RESERVATIONS)
    at, _ = first_word(records[account], Section.BUCKETS)
    records[account] = add_to_word(records[account], at + BUCKET_RESERVED, 5)
    report = audit(traffic.entries(), records)
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
    report = audit(traffic.entries(), records)
    assert kinds_of(report) == {FaultKind.RESERVATIONS}
    (fault,) = report.faults
    assert (fault.tenant, fault.account_id) == account
    assert fault.found < fault.expected


def test_charged_micros_of_a_record(traffic):
    records = traffic.records()
    account = max(records)
    records[account] = add_to_word(records[account], HEADER_CHARGED, -1)
    (fault,) = audit(traffic.entries(), records).faults
    assert (fault.kind, fault.account_id, fault.expected - fault.found) == (FaultKind.CHARGED, account[1], 1)


def test_currency_of_a_record(traffic):
    records = traffic.records()
    account = max(records)
    changed = bytearray(records[account])
    (currency,) = struct.unpack_from("<I", changed, 4 * HEADER_CURRENCY)
    struct.pack_into("<I", changed, 4 * HEADER_CURRENCY, 840)
    records[account] = bytes(changed)
    (fault,) = audit(traffic.entries(), records).faults
    assert (fault.kind, fault.tenant, fault.account_id) == (FaultKind.CURRENCY, *account)
    assert (fault.expected, fault.found) == (currency, 840)


def test_record_that_is_gone(traffic):
    records = traffic.records()
    account = account_with(records, Section.BUCKETS)
    del records[account]
    report = audit(traffic.entries(), records)
    (fault,) = report.faults
    assert (fault.kind, fault.tenant, fault.account_id, fault.found) == (FaultKind.RECORD, *account, "none")
    assert any(totals.difference for totals in report.totals)


def test_record_of_an_account_that_was_never_opened(traffic):
    records = traffic.records()
    account = max(records)
    other = (account[0], 999)
    records[other] = records[account]
    report = audit(traffic.entries(), records)
    assert kinds_of(report) == {FaultKind.RECORD, FaultKind.OPENING}
    (fault,) = faults_of(report, FaultKind.OPENING)
    assert (fault.tenant, fault.account_id) == other


def test_session_that_a_record_has_lost(traffic):
    records = traffic.records()
    account = account_with(records, Section.SESSIONS)
    at, _ = first_word(records[account], Section.SESSIONS)
    records[account] = add_to_word(records[account], at + 1, 1)  # another key
    report = audit(traffic.entries(), records)
    assert kinds_of(report) == {FaultKind.SESSIONS}
    assert {(fault.expected, fault.found) for fault in report.faults} == {("open", "not open"), ("not open", "open")}


def test_sessions_of_very_many_records_are_counted(traffic, monkeypatch):
    monkeypatch.setattr("balances.audit._SESSIONS_NAMED_MAX", 1)
    records = traffic.records()
    lost = [account for account, record in records.items() if first_word(record, Section.SESSIONS)[1]][:2]
    for account in lost:
        at, _ = first_word(records[account], Section.SESSIONS)
        records[account] = add_to_word(records[account], at + 1, 1)
    report = audit(traffic.entries(), records)
    counted = [fault for fault in report.faults if fault.what == "open sessions"]
    assert [(fault.tenant, fault.account_id) for fault in counted] == lost
    assert all(fault.expected == fault.found + 1 for fault in counted)


@pytest.mark.parametrize("octets", [b"", b"\1" * 8, b"\2" + bytes(79), b"\1" + bytes(87)])
def test_record_that_is_none(traffic, octets):
    records = traffic.records()
    records[min(records)] = octets
    report = audit(traffic.entries(), records)
    assert kinds_of(report) == {FaultKind.RECORD}


# --- entries


def test_entry_that_is_gone(traffic):
    entries = traffic.entries()
    gone = entries.pop(len(entries) // 2)
    report = audit(entries, traffic.records())
    fault = faults_of(report, FaultKind.CHAIN)[0]
    assert fault.entry_id == str(EntryId(gone[0].epoch, gone[0].number + 1))
    assert f"{gone[0]} are missing" in fault.found
    assert kinds_of(report) & {FaultKind.REMAINING, FaultKind.SESSIONS}


def test_last_entry_that_is_gone(traffic):
    entries = traffic.entries()
    entries.pop()
    report = audit(entries, traffic.records())
    assert kinds_of(report) & {FaultKind.REMAINING, FaultKind.RESERVED, FaultKind.SESSIONS}


def test_first_entry_that_is_gone(traffic):
    report = audit(traffic.entries()[1:], traffic.records())
    assert faults_of(report, FaultKind.CHAIN)
    assert faults_of(report, FaultKind.OPENING)


def test_entry_that_comes_twice(traffic):
    entries = traffic.entries()
    entries.insert(8, entries[7])
    report = audit(entries, traffic.records())
    (fault,) = report.faults
    assert (fault.kind, fault.entry_id) == (FaultKind.CHAIN, str(entries[7][0]))
    assert "is not newer" in fault.found


def test_entry_that_comes_twice_under_a_new_id(traffic):
    """As if a commit had been done again: the chain is whole, but requests are decided twice and money leaves twice."""
    entries = traffic.entries()
    last_id, octets = entries[-1]
    entry = decode_entry(octets)
    again = EntryId(last_id.epoch, last_id.number + 1)
    entries.append((again, encode_again(entry, tables_of(entry), follows=last_id)))
    report = audit(entries, traffic.records())
    assert FaultKind.CHAIN not in kinds_of(report)
    assert kinds_of(report) & {FaultKind.DUPLICATE, FaultKind.SESSION}
    assert {fault.entry_id for fault in faults_of(report, FaultKind.DUPLICATE)} == {str(again)}


def test_entries_that_changed_places(traffic):
    entries = traffic.entries()
    entries[5], entries[6] = entries[6], entries[5]
    report = audit(entries, traffic.records())
    assert len(faults_of(report, FaultKind.CHAIN)) >= 2
    assert faults_of(report, FaultKind.CHAIN)[0].entry_id == str(entries[5][0])


def test_amount_of_a_movement(traffic):
    entries = traffic.entries()

    def change(row):
        row["amount"] += 1

    changed = change_rows(entries, "movements", lambda row: row["kind"] == CHARGED and row["unit"] == 0, change)
    report = audit(entries, traffic.records())
    assert kinds_of(report) >= {FaultKind.USAGE, FaultKind.REMAINING, FaultKind.CHARGED}
    (fault,) = faults_of(report, FaultKind.USAGE)
    assert (fault.entry_id, fault.expected - fault.found) == (changed, 1)
    assert fault.account_id == faults_of(report, FaultKind.REMAINING)[0].account_id


def test_amount_of_a_credit(traffic):
    entries = traffic.entries()

    def change(row):
        row["amount"] += 1000

    change_rows(entries, "movements", lambda row: row["kind"] == MovementKind.TOPPED_UP, change)
    report = audit(entries, traffic.records())
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
    report = audit(entries, traffic.records())
    assert changed in {fault.entry_id for fault in faults_of(report, kind)}


@pytest.mark.parametrize("name", ["charged_micros", "allowance_units"])
def test_charge_of_a_usage_row(traffic, name):
    entries = traffic.entries()

    def change(row):
        row[name] -= 1

    changed = change_rows(entries, "usages", lambda row: row[name] > 0, change)
    (fault,) = audit(entries, traffic.records()).faults
    assert (fault.kind, fault.entry_id, fault.expected - fault.found) == (FaultKind.USAGE, changed, 1)
    assert name in fault.what
    assert fault.account_id > 0


@pytest.mark.parametrize(("column", "value"), [("request", 10**6), ("request", -1), ("usage", 10**6), ("usage", -2)])
def test_movement_that_points_at_no_row(traffic, column, value):
    entries = traffic.entries()

    def change(row):
        row[column] = value

    changed = change_rows(entries, "movements", lambda row: row["kind"] == CHARGED and row["unit"] == 0, change)
    report = audit(entries, traffic.records())
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
    report = audit(entries, traffic.records())
    assert str(entry_id) in {fault.entry_id for fault in faults_of(report, FaultKind.MOVEMENT)}


def test_account_that_is_opened_twice_and_one_that_never_was(traffic):
    entries = traffic.entries()
    entry = decode_entry(entries[0][1])
    tables = tables_of(entry)
    tables["requests"]["account_id"][0] = tables["requests"]["account_id"][1]
    entries[0] = (entries[0][0], encode_again(entry, tables))
    report = audit(entries, traffic.records())
    found = {(fault.account_id, fault.expected, fault.found) for fault in faults_of(report, FaultKind.OPENING)}
    assert found == {(1, 1, 0), (2, 1, 2)}


@pytest.mark.parametrize("octets", [b"", b"no map", b"\x80", b"\x81\xa7version\x07"])
def test_entry_that_is_none(traffic, octets):
    entries = traffic.entries()
    entries[9] = (entries[9][0], octets)
    report = audit(entries, traffic.records())
    assert [fault.entry_id for fault in faults_of(report, FaultKind.ENTRY)] == [str(entries[9][0])]
    assert faults_of(report, FaultKind.CHAIN)


def test_entry_of_another_partition(traffic):
    entries = traffic.entries()
    report = audit_partition(3, entries, traffic.records())
    assert report.fault_counts == {FaultKind.ENTRY: len(entries)}


def test_request_that_was_decided_twice(traffic):
    """An UPDATE comes again with its number, beside the answer in the record; a peer that never counts may do so."""
    entries = traffic.entries()
    seen = {}
    for place, (entry_id, octets) in enumerate(entries):
        entry = decode_entry(octets)
        tables = tables_of(entry)
        for row in tables["requests"]:
            session = (row["account_id"], row["session_high"], row["session_low"])
            if row["request_type"] == UPDATE and row["kind"] == 0 and row["outcome"] == Outcome.GRANTED:
                if session in seen:
                    row["request_number"] = seen[session]
                    entries[place] = (entry_id, encode_again(entry, tables))
                    report = audit(entries, traffic.records())
                    (fault, *_) = report.faults
                    assert (fault.kind, fault.entry_id, fault.found) == (FaultKind.DUPLICATE, str(entry_id), 2)
                    assert audit_partition(0, entries, traffic.records(), numbers_count=False).is_sound
                    return
                seen[session] = row["request_number"]
            elif row["request_type"] in (INITIAL, TERMINATION) or row["ended_session"]:
                seen.pop(session, None)
    raise AssertionError("the traffic has no session with two updates")


def test_event_that_was_charged_twice(traffic):
    entries = traffic.entries()
    events = []
    for place, (_, octets) in enumerate(entries):
        entry = decode_entry(octets)
        granting = set(entry.usages["request"][entry.usages["granted_units"] > 0].tolist())
        events += [(place, row) for row in np.flatnonzero(entry.requests["request_type"] == EVENT) if row in granting]
    (first_place, first_row), (place, row) = next((one, other) for one, other in pairwise(events) if one[0] == other[0])
    entry_id, octets = entries[place]
    tables = tables_of(decode_entry(octets))
    for name in ("session_high", "session_low", "request_number"):
        tables["requests"][name][row] = tables["requests"][name][first_row]
    entries[first_place] = (entry_id, encode_again(decode_entry(octets), tables))
    (fault,) = audit(entries, traffic.records()).faults
    assert (fault.kind, fault.entry_id) == (FaultKind.DUPLICATE, str(entry_id))


def test_session_that_nobody_opened(traffic):
    entries = traffic.entries()

    def change(row):
        row["outcome"] = Outcome.UNABLE_TO_COMPLY

    opened = change_rows(
        entries, "requests", lambda row: row["request_type"] == INITIAL and not row["ended_session"], change
    )
    report = audit(entries, traffic.records())
    assert kinds_of(report) & {FaultKind.SESSION, FaultKind.SESSIONS}
    assert opened


def test_bucket_that_falls_below_zero(traffic):
    """More units leave an allowance than it ever had."""
    entries = traffic.entries()

    def change(row):
        row["amount"] += 10**6

    changed = change_rows(entries, "movements", lambda row: row["kind"] == CHARGED and row["unit"] == 1, change)
    report = audit(entries, traffic.records())
    assert changed in {fault.entry_id for fault in faults_of(report, FaultKind.BELOW_ZERO)}


def test_rows_of_an_account_name_one_currency(traffic):
    entries = traffic.entries()

    def change(row):
        row["currency"] = 840

    changed = change_rows(entries, "requests", lambda row: row["outcome"] == Outcome.GRANTED, change)
    (fault,) = audit(entries, traffic.records()).faults
    assert (fault.kind, fault.entry_id, fault.found) == (FaultKind.CURRENCY, changed, 840)
    assert (fault.tenant, fault.account_id) in traffic.records()


def test_no_damage_stops_the_audit():
    """A flipped octet anywhere is a fault or beside the point, never an error of the audit's own; a cut is a fault."""
    traffic = played(2, 8)
    draw, red = Random(1), 0
    for _ in range(400):
        entries, records = traffic.entries(), traffic.records()
        if draw.random() < 0.5:
            place = draw.randrange(len(entries))
            entries[place] = (entries[place][0], flipped(entries[place][1], draw))
        else:
            account = draw.choice(sorted(records))
            records[account] = flipped(records[account], draw)
        report = audit_partition(0, entries, records)
        assert report.to_dict()["is_sound"] == report.is_sound
        red += not report.is_sound
    assert red > 100
    for place, (entry_id, octets) in enumerate(traffic.entries()):
        entries = traffic.entries()
        entries[place] = (entry_id, octets[: draw.randrange(len(octets))])
        assert FaultKind.ENTRY in audit_partition(0, entries, traffic.records()).fault_counts


def flipped(octets, draw):
    """The octets with one bit changed."""
    changed = bytearray(octets)
    changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def test_every_fault_has_a_meaning():
    assert set(FAULT_MEANINGS) == set(FaultKind)
