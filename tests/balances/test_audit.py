"""The audit is silent about journals that the engine's kernels made, and its totals are what accounts were given and paid."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from balances import audit_sessions, invariants
from balances.audit import PartitionAudit, audit_partition
from balances.audit_report import FAULTS_KEPT_MAX, Fault, FaultKind, FaultList, merge_reports
from balances.audit_sessions import SessionBook
from balances.invariants import read_record
from balances.journal import MovementKind, decode_entry
from balances.queries import decode_record
from balances.store import EntryId
from charging import batch
from tests.balances.audited_traffic import RandomTraffic, encode_again, played, tables_of
from tests.charging.drawn import catalogues, moves
from tests.charging.traffic import START_NS, Traffic
from tests.reference.requests import Credit, Open
from tests.reference.side_by_side import SideBySide
from vocabulary.instants import NS_PER_S
from vocabulary.units import Unit

SEEDS = range(8)


@pytest.fixture(scope="module")
def many():
    return [played(seed, 60) for seed in SEEDS]


def test_what_the_engine_decided_is_sound(many):
    for traffic in many:
        report = traffic.audit()
        assert [str(fault) for fault in report.faults] == []
        assert report.is_sound


def test_the_traffic_has_what_an_audit_can_stumble_over(many):
    """Else the test above would show little."""
    kinds, endings, outcomes, reserved, sessions = Counter(), Counter(), Counter(), 0, 0
    for traffic in many:
        for _, octets in traffic.entries():
            entry = decode_entry(octets)
            kinds.update(entry.movements["kind"].tolist())
            endings.update(entry.requests["ended_session"].tolist())
            outcomes.update(entry.requests["outcome"].tolist())
        for record in traffic.records().values():
            view = decode_record(record)
            reserved += sum(bucket.reserved for bucket in view.buckets)
            sessions += len(view.sessions)
    assert set(kinds) >= {
        MovementKind.HELD,
        MovementKind.OPENED,
        MovementKind.TOPPED_UP,
        MovementKind.BONUS,
        MovementKind.ALLOTTED,
        MovementKind.ADJUSTED_IN,
        MovementKind.CHARGED,
        MovementKind.EXPIRED,
        MovementKind.ADJUSTED_OUT,
        MovementKind.FEE,
    }
    assert set(endings) == {0, 1, 2, 3}
    assert len(outcomes) > 2
    assert reserved > 0
    assert sessions > 0


def test_totals_are_what_accounts_were_given_and_hold(many):
    traffic = many[0]
    report = traffic.audit()
    money = next(totals for totals in report.totals if totals.unit == Unit.MONEY)
    views = [decode_record(record) for record in traffic.records().values()]
    assert (money.remaining, money.reserved) == tuple(map(sum, zip(*(view.total() for view in views), strict=True)))
    bill = next(totals for totals in report.totals if totals.unit == Unit.BILL)
    charged = money.by_kind[MovementKind.CHARGED] + bill.by_kind[MovementKind.CHARGED]
    assert charged == sum(view.charged_micros for view in views)
    assert money.credits - money.debits == money.remaining + money.reserved
    assert report.account_count == len(views) == traffic.account_count
    assert report.session_count == sum(len(view.sessions) for view in views)
    assert report.entry_count == len(traffic.entries())


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    catalogue=catalogues(),
    never_counts=st.booleans(),
    command_level_limit=st.booleans(),
    script=st.lists(moves, min_size=5, max_size=40),
)
def test_any_traffic_is_sound(catalogue, never_counts, command_level_limit, script):
    """The traffic of the engine's own property test, on accounts that were opened by commands."""
    traffic = Traffic(SideBySide(catalogue), never_counts, command_level_limit)
    for account_id in (1, 2, 3):
        money = Credit(300 * account_id, movement=MovementKind.OPENED)
        units = Credit(60, Unit.OCTETS, 11, to_ns=START_NS + 60 * NS_PER_S, movement=MovementKind.BONUS)
        traffic.waiting.append(Open(account_id, START_NS, 1, 1, credits=(money, units)))
    traffic.play(("cut",))
    for move in script:
        traffic.play(move)
    traffic.finish()
    engine = traffic.sides.engine
    entries = [(EntryId.parse(entry_id), octets) for entry_id, octets in engine.entries]
    report = audit_partition(0, entries, engine.records)
    assert [str(fault) for fault in report.faults] == []
    assert report.is_sound


def test_records_may_be_compared_while_the_journal_goes_on():
    """Each at another entry, as they were then: what a live store shows."""
    traffic = RandomTraffic(5)
    audit = PartitionAudit(0)
    traffic.open_all()
    audit.take(*traffic.entries()[-1])
    for account in sorted(traffic.records()):
        traffic.run(2)
        for entry in traffic.entries():
            if entry[0] > audit.last_id:
                audit.take(*entry)
        audit.compare(*account, traffic.records()[account])
        audit.compare(*account, b"an account is compared once")
    traffic.run(5)
    for entry in traffic.entries():
        if entry[0] > audit.last_id:
            audit.take(*entry)
    assert audit.accounts_to_compare() == []
    assert audit.report().is_sound


def forked(traffic, lost_count):
    """A journal whose store lost `lost_count` entries and went on without them, under a higher epoch."""
    kept = traffic.entries()
    records, engine = traffic.records(), traffic.engine
    now_ns, before = traffic.now_ns, list(engine.entries)
    kept_answers = dict(engine.kept)
    traffic.run(lost_count)
    lost = traffic.entries()[len(kept) :]
    engine.records, engine.entries, engine.kept, traffic.now_ns = records, before, kept_answers, now_ns
    traffic.run(4)
    journal, follows = kept + lost, kept[-1][0]
    for number, (_, octets) in enumerate(traffic.entries()[len(kept) :], 1):
        entry = decode_entry(octets)
        entry_id = EntryId(2, number)
        journal.append((entry_id, encode_again(entry, tables_of(entry), follows=follows)))
        follows = entry_id
    return journal, [entry_id for entry_id, _ in lost]


def test_entries_that_the_store_lost_are_skipped():
    traffic = played(6, 10)
    journal, lost = forked(traffic, 3)
    report = audit_partition(0, journal, traffic.records())
    assert [str(fault) for fault in report.faults] == []
    assert report.is_sound
    assert report.voided_ids == tuple(map(str, lost))
    assert (report.voided_count, report.entry_count) == (len(lost), len(journal) - len(lost))


def test_entries_that_the_store_lost_are_faults_to_who_took_them():
    traffic = played(6, 10)
    journal, _ = forked(traffic, 3)
    audit = PartitionAudit(0)
    for entry in journal:
        audit.take(*entry)
    assert audit.went_back
    assert audit.report().fault_counts[FaultKind.CHAIN] == 1


def test_tail_must_be_the_last_entry():
    traffic = played(1, 2)
    audit = PartitionAudit(0)
    for entry in traffic.entries():
        audit.take(*entry)
    audit.check_tail(audit.last_id)
    assert audit.report().fault_count == 0
    audit.check_tail(EntryId(9, 9))
    (fault,) = audit.report().faults
    assert (fault.kind, fault.expected) == (FaultKind.CHAIN, "9-9")


def test_partitions_add_up(many):
    reports = [many[0].audit(), many[1].audit()]
    merged = merge_reports(reports)
    assert merged.is_sound
    assert merged.partitions == (0, 0)
    assert merged.request_count == sum(report.request_count for report in reports)
    for unit in (Unit.MONEY, Unit.OCTETS):
        parts = [totals for report in reports for totals in report.totals if totals.unit == unit]
        (total,) = [totals for totals in merged.totals if totals.unit == unit]
        assert total.credits == sum(part.credits for part in parts) > 0
        assert total.difference == 0


def test_an_empty_journal_is_sound():
    report = audit_partition(0, [], {})
    assert report.is_sound
    assert report.totals == ()


def test_faults_are_capped_and_all_counted():
    faults = FaultList()
    for number in range(FAULTS_KEPT_MAX + 5):
        faults.add(Fault(FaultKind.USAGE, 0, "x", number, 0))
    assert len(faults.kept) == FAULTS_KEPT_MAX
    assert faults.counts[FaultKind.USAGE] == FAULTS_KEPT_MAX + 5


def test_the_audits_own_words_are_the_engines():
    """It imports nothing of the engine, so its numbers are written twice; here they are held together."""
    assert (invariants.ROW_USAGE, invariants.ROW_COMMAND, invariants.ROW_EXPIRE) == (
        batch.KIND_USAGE,
        batch.KIND_COMMAND,
        batch.KIND_EXPIRE,
    )
    assert invariants.COMMAND_OPEN == batch.COMMAND_OPEN
    assert (audit_sessions.INITIAL, audit_sessions.UPDATE, audit_sessions.TERMINATION, audit_sessions.EVENT) == (
        batch.INITIAL,
        batch.UPDATE,
        batch.TERMINATION,
        batch.EVENT,
    )


def test_its_reading_of_a_record_is_that_of_the_layout_table(many):
    for traffic in many:
        for octets in traffic.records().values():
            own, view = read_record(octets), decode_record(octets)
            assert (own.tenant, own.account_id, own.currency, own.charged_micros) == (
                view.tenant,
                view.account_id,
                view.currency,
                view.charged_micros,
            )
            assert [tuple(bucket) for bucket in own.buckets] == [
                (bucket.bucket_id, bucket.unit, bucket.allowance, bucket.remaining, bucket.reserved)
                for bucket in view.buckets
            ]
            assert list(own.sessions) == [(session.key_high, session.key_low) for session in view.sessions]
            held = [
                (service.tag, reservation.bucket_id, reservation.amount)
                for session in view.sessions
                for service in session.services
                for reservation in service.reservations
            ]
            assert sorted(own.reservations) == sorted(held)


def event(number, is_uncounted):
    """The request rows of an entry with one charged event."""
    return {
        "kind": np.array([batch.KIND_USAGE], np.uint8),
        "outcome": np.array([1], np.uint8),
        "request_type": np.array([batch.EVENT], np.uint8),
        "request_number": np.array([number], np.uint32),
        "session_high": np.array([5], np.uint64),
        "session_low": np.array([6], np.uint64),
        "ended_session": np.array([0], np.uint8),
        "is_uncounted": np.array([is_uncounted], np.uint8),
    }


def take_event(book, number, now_ns, *, is_uncounted=False):
    """Kinds of what the book says to it."""
    found = book.take(event(number, is_uncounted), np.array([0], np.int64), np.array([0], np.int32), now_ns)
    return [disagreement.kind for disagreement in found]


def test_events_are_forgotten_when_their_answer_is():
    book = SessionBook()
    assert take_event(book, 0, START_NS) == []
    assert take_event(book, 0, START_NS + 200 * NS_PER_S) == [FaultKind.DUPLICATE]
    assert take_event(book, 0, START_NS + 600 * NS_PER_S) == []
    uncounted = SessionBook()
    assert [take_event(uncounted, 0, START_NS + at, is_uncounted=True) for at in (0, 1)] == [[], []]
    assert [take_event(uncounted, 0, START_NS + at) for at in (2, 3)] == [[], [FaultKind.DUPLICATE]]


def test_events_are_forgotten_where_there_are_too_many(monkeypatch):
    monkeypatch.setattr(audit_sessions, "EVENTS_REMEMBERED_MAX", 2)
    book = SessionBook()
    for number in range(3):
        assert take_event(book, number, START_NS) == []
    assert take_event(book, 2, START_NS) == [FaultKind.DUPLICATE]
    assert take_event(book, 0, START_NS) == []
