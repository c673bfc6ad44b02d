"""An entry that is gone, twice, or elsewhere, a request that is decided twice: the audit turns red and says which."""

from itertools import pairwise
from random import Random

import numpy as np
import pytest

from balances.audit import audit_partition
from balances.audit_report import FAULT_MEANINGS, FaultKind
from balances.journal import decode_entry
from balances.store import EntryId
from charging.batch import EVENT, INITIAL, TERMINATION, UPDATE
from tests.balances.audited_traffic import change_rows, encode_again, played, tables_of
from tests.balances.planted_mistakes import audit_red, faults_of, kinds_of
from vocabulary.outcomes import Outcome


def test_entry_that_is_gone(traffic):
    entries = traffic.entries()
    gone = entries.pop(len(entries) // 2)
    report = audit_red(entries, traffic.records())
    fault = faults_of(report, FaultKind.CHAIN)[0]
    assert fault.entry_id == str(EntryId(gone[0].epoch, gone[0].number + 1))
    assert f"{gone[0]} are missing" in fault.found
    assert kinds_of(report) & {FaultKind.REMAINING, FaultKind.SESSIONS}


def test_last_entry_that_is_gone(traffic):
    entries = traffic.entries()
    entries.pop()
    report = audit_red(entries, traffic.records())
    assert kinds_of(report) & {FaultKind.REMAINING, FaultKind.RESERVED, FaultKind.SESSIONS}


def test_first_entry_that_is_gone(traffic):
    report = audit_red(traffic.entries()[1:], traffic.records())
    assert faults_of(report, FaultKind.CHAIN)
    assert faults_of(report, FaultKind.OPENING)


def test_entry_that_comes_twice(traffic):
    entries = traffic.entries()
    entries.insert(8, entries[7])
    report = audit_red(entries, traffic.records())
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
    report = audit_red(entries, traffic.records())
    assert FaultKind.CHAIN not in kinds_of(report)
    assert kinds_of(report) & {FaultKind.DUPLICATE, FaultKind.SESSION}
    assert {fault.entry_id for fault in faults_of(report, FaultKind.DUPLICATE)} == {str(again)}


def test_entries_that_changed_places(traffic):
    entries = traffic.entries()
    entries[5], entries[6] = entries[6], entries[5]
    report = audit_red(entries, traffic.records())
    assert len(faults_of(report, FaultKind.CHAIN)) >= 2
    assert faults_of(report, FaultKind.CHAIN)[0].entry_id == str(entries[5][0])


def test_account_that_is_opened_twice_and_one_that_never_was(traffic):
    entries = traffic.entries()
    entry = decode_entry(entries[0][1])
    tables = tables_of(entry)
    tables["requests"]["account_id"][0] = tables["requests"]["account_id"][1]
    entries[0] = (entries[0][0], encode_again(entry, tables))
    report = audit_red(entries, traffic.records())
    found = {(fault.account_id, fault.expected, fault.found) for fault in faults_of(report, FaultKind.OPENING)}
    assert found == {(1, 1, 0), (2, 1, 2)}


@pytest.mark.parametrize("octets", [b"", b"no map", b"\x80", b"\x81\xa7version\x07"])
def test_entry_that_is_none(traffic, octets):
    entries = traffic.entries()
    entries[9] = (entries[9][0], octets)
    report = audit_red(entries, traffic.records())
    assert [fault.entry_id for fault in faults_of(report, FaultKind.ENTRY)] == [str(entries[9][0])]
    assert faults_of(report, FaultKind.CHAIN)


def test_entry_of_another_partition(traffic):
    entries = traffic.entries()
    report = audit_partition(3, entries, traffic.records())
    assert report.fault_counts == {FaultKind.ENTRY: len(entries)}


def said_uncounted(tables):
    """The tables, with each request that of a peer that never counts."""
    tables["requests"]["is_uncounted"] = tables["requests"]["kind"] == 0
    return tables


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
                    report = audit_red(entries, traffic.records())
                    (fault, *_) = report.faults
                    assert (fault.kind, fault.entry_id, fault.found) == (FaultKind.DUPLICATE, str(entry_id), 2)
                    entries[place] = (entry_id, encode_again(entry, said_uncounted(tables)))
                    assert audit_partition(0, entries, traffic.records()).is_sound
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
    (fault,) = audit_red(entries, traffic.records()).faults
    assert (fault.kind, fault.entry_id) == (FaultKind.DUPLICATE, str(entry_id))


def test_session_that_nobody_opened(traffic):
    entries = traffic.entries()

    def change(row):
        row["outcome"] = Outcome.UNABLE_TO_COMPLY

    opened = change_rows(
        entries, "requests", lambda row: row["request_type"] == INITIAL and not row["ended_session"], change
    )
    report = audit_red(entries, traffic.records())
    assert kinds_of(report) & {FaultKind.SESSION, FaultKind.SESSIONS}
    assert opened


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


def test_rows_of_an_account_name_one_currency(traffic):
    entries = traffic.entries()

    def change(row):
        row["currency"] = 840

    changed = change_rows(entries, "requests", lambda row: row["outcome"] == Outcome.GRANTED, change)
    (fault,) = audit_red(entries, traffic.records()).faults
    assert (fault.kind, fault.entry_id, fault.found) == (FaultKind.CURRENCY, changed, 840)
    assert (fault.tenant, fault.account_id) in traffic.records()
