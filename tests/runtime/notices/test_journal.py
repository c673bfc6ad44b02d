"""What journal entries say to the notifier, of entries that the engine itself wrote."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from balances import commands
from balances.command_octets import encode_command
from balances.journal_reader import EntryReader
from balances.record import AccountStatus
from charging.batch import (
    COMMAND_ABORT,
    COMMAND_CHANGE,
    COMMAND_END_SESSION,
    COMMAND_REAUTHORIZE,
    INITIAL,
    KIND_COMMAND,
    TERMINATION,
    UPDATE,
)
from charging.usage_record import USAGE_DTYPE
from runtime.notices.book import NoticeBook
from runtime.notices.journal import Asked, Changed, Effect, Ended, Event, Reported, command_in, effect_of, events_of
from runtime.notices.notice import ABSENT, Notice, NoticeKind, ServiceName, SessionName
from tests.reference.account import Account, Bucket, Product
from tests.reference.engine_alone import EngineAlone
from tests.reference.journal_entries import Asked as AskedRow
from tests.reference.journal_entries import entry_of
from tests.reference.record_octets import encode_account
from tests.reference.requests import AskSessions, Change, Credit, CreditControl, Mscc, Request
from tests.reference.tariffs import Catalogue, Price, Release, tariff_tables
from vocabulary.instants import FOREVER_NS, NS_PER_S
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

NOW_NS = 1_790_000_000 * NS_PER_S
ONE, OTHER = (2**64 - 1, 5), (7, 9)
PRICE = Price(rating_group=10, unit=Unit.OCTETS, block_units=1, price_micros=1, grant_units=10, grant_units_max=100)


@pytest.fixture
def engine() -> EngineAlone:
    """An engine with an account of 100 micros."""
    alone = EngineAlone(tariff_tables(Catalogue((Release(1, 0, 1, {1: (PRICE,)}),))))
    account = Account(1, products=[Product(1)], buckets=[Bucket(1, remaining=100)])
    alone.records = {(1, 1): encode_account(account)}
    return alone


def said(session: tuple[int, int], request_type: int, number: int, used: int | None = None) -> CreditControl:
    """A request of rating group 10."""
    mscc = Mscc(10, requested={}, used=None if used is None else {Unit.OCTETS: used})
    return CreditControl(1, session, request_type, number, number + 1, NOW_NS, msccs=(mscc,))


def events(engine: EngineAlone, requests: list[Request], *owed: tuple[int, int]) -> list[Event]:
    """What the entry of these requests says where these sessions have a row."""
    engine.decide(requests, NOW_NS)
    _, octets = engine.entries[-1]
    rows = [Notice(SessionName(*key), 1, 1, NoticeKind.REAUTHORIZE, (), 0, 0) for key in owed]
    book = NoticeBook(rows)
    return list(events_of(EntryReader(USAGE_DTYPE).read(octets), book, book.highs()))


def test_only_sessions_that_are_owed_something_are_looked_at(engine: EngineAlone) -> None:
    opening = [said(ONE, INITIAL, 0), said(OTHER, INITIAL, 0)]
    assert events(engine, opening, ONE) == []
    updates: list[Request] = [said(ONE, UPDATE, 1, 5), said(OTHER, UPDATE, 1, 5)]
    assert events(engine, updates, OTHER) == [Reported(SessionName(*OTHER), (ServiceName(10, ABSENT),))]
    ends: list[Request] = [said(ONE, TERMINATION, 2, 5), said(OTHER, TERMINATION, 2, 5)]
    assert events(engine, ends, ONE) == [Ended(SessionName(*ONE))]


def test_a_refused_report_settles_nothing(engine: EngineAlone) -> None:
    """It brought its client nothing, who is still to be told."""
    events(engine, [said(OTHER, INITIAL, 0)])
    report = said(OTHER, UPDATE, 1, used=5)
    assert events(engine, [replace(report, refusal=Outcome.INVALID_AVP_VALUE)], OTHER) == []
    assert events(engine, [report], OTHER) == [Reported(SessionName(*OTHER), (ServiceName(10, ABSENT),))]


def test_credit_and_commands_are_told_of_where_they_were_granted(engine: EngineAlone) -> None:
    engine.decide([said(ONE, INITIAL, 0)], NOW_NS)
    found = events(
        engine,
        [
            Change(1, NOW_NS, amounts=(Credit(50),)),
            Change(1, NOW_NS, amounts=(Credit(0),)),
            AskSessions(1, NOW_NS, COMMAND_REAUTHORIZE, ONE),
            AskSessions(1, NOW_NS, COMMAND_ABORT),
            AskSessions(1, NOW_NS, COMMAND_ABORT, OTHER),
        ],
    )
    assert found == [
        Changed(1, 1, Effect.CREDIT),
        Asked(1, 1, NoticeKind.REAUTHORIZE, SessionName(*ONE)),
        Asked(1, 1, NoticeKind.ABORT, None),
    ]


PERIOD = commands.ProductPeriod(5, NS_PER_S, FOREVER_NS)


@pytest.mark.parametrize(
    ("parts", "effect"),
    [
        ({"amounts": (commands.Credit(Unit.MONEY, 5),)}, Effect.CREDIT),
        ({"amounts": (commands.Debit(Unit.MONEY, 5),)}, Effect(0)),
        ({"credit_limit_micros": 5}, Effect.CREDIT),
        ({"status": AccountStatus.BARRED}, Effect.LOSS),
        ({"status": AccountStatus.ACTIVE}, Effect.RIGHTS),
        ({"status": AccountStatus.CLOSED}, Effect.CLOSED),
        ({"applies": PERIOD, "amounts": (commands.fee(5),)}, Effect.RIGHTS),
        ({"ends": commands.ProductEnd(6, NOW_NS)}, Effect.LOSS),
        ({"ends": commands.ProductEnd(6, NOW_NS + 1)}, Effect(0)),
        ({"applies": PERIOD, "ends": commands.ProductEnd(6, NOW_NS)}, Effect.RIGHTS | Effect.LOSS),
    ],
)
def test_what_a_change_means_for_open_sessions(parts: dict[str, Any], effect: Effect) -> None:
    assert effect_of(commands.Change("a", 1, 1, **parts), NOW_NS) == effect


def test_the_journal_says_what_a_command_asked() -> None:
    """Each row's own, wherever its texts lie; a session's rows have texts as well."""
    barred = commands.Change("bar", 1, 1, status=AccountStatus.BARRED, reason="lost phone")
    debit = commands.Change("adjust", 1, 1, amounts=(commands.Debit(Unit.MONEY, 5),))
    entry = entry_of(
        [
            AskedRow(session=ONE, type=INITIAL, session_id=b"a;b", service_information=b"xyz"),
            AskedRow(kind=KIND_COMMAND, type=0, command=COMMAND_CHANGE, service_information=encode_command(barred)),
            AskedRow(kind=KIND_COMMAND, type=0, command=COMMAND_CHANGE, service_information=encode_command(debit)),
            AskedRow(kind=KIND_COMMAND, type=0, command=COMMAND_CHANGE, service_information=b"of another release"),
        ]
    )
    rows = EntryReader(USAGE_DTYPE).read(entry)
    book = NoticeBook()
    assert list(events_of(rows, book, book.highs())) == [Changed(1, 1, Effect.LOSS), Changed(1, 1, Effect.CREDIT)]
    assert command_in(rows, 1) == barred
    assert command_in(rows, 2) == debit
    assert command_in(rows, 3) is None


def test_what_an_entry_owes_and_settles_itself_is_both_said(engine: EngineAlone) -> None:
    engine.decide([said(ONE, INITIAL, 0)], NOW_NS)
    requests: list[Request] = [AskSessions(1, NOW_NS, COMMAND_REAUTHORIZE, ONE), said(ONE, UPDATE, 1, 5)]
    engine.decide(requests, NOW_NS)
    entry = EntryReader(USAGE_DTYPE).read(engine.entries[-1][1])
    book, found = NoticeBook(), []
    for event in events_of(entry, book, book.highs()):
        found.append(event)
        if isinstance(event, Asked) and event.session is not None:
            book.put(Notice(event.session, 1, 1, event.kind, (), 0, 0))
    assert [type(event) for event in found] == [Asked, Reported]


def test_an_end_by_command_is_an_end(engine: EngineAlone) -> None:
    engine.decide([said(ONE, INITIAL, 0)], NOW_NS)
    assert events(engine, [AskSessions(1, NOW_NS, COMMAND_END_SESSION, ONE)], ONE) == [Ended(SessionName(*ONE))]


def test_no_rows_and_no_commands_say_nothing(engine: EngineAlone) -> None:
    engine.decide([said(ONE, INITIAL, 0)], NOW_NS)
    assert events(engine, [said(ONE, UPDATE, 1, 5)]) == []
    assert NoticeBook().highs().dtype == np.uint64
