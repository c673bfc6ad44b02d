"""Kernels and the plain twin, side by side under Hypothesis: same answers, records, journal and money for any traffic.

A test case is a catalogue, a few accounts and a script of moves. Moves are interpreted against what has happened so
far (a report uses what was granted, a repeat repeats what was sent), so that sessions really go on, run dry, expire and
come again; the requests between two `cut` moves are one batch.
"""

import os
from dataclasses import dataclass, field, replace
from typing import Any
from zlib import crc32

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from balances.record import AccountStatus
from charging.batch import (
    COMMAND_ABORT,
    COMMAND_END_SESSION,
    COMMAND_REAUTHORIZE,
    EVENT,
    INITIAL,
    TERMINATION,
    UPDATE,
)
from charging.tariff_tables import ABSENT, ANY, Control, RoundingScope
from tests.reference.account import Account, Bucket, Product
from tests.reference.requests import Answer, AskSessions, Credit, CreditControl, Mscc, Open, Request, TopUp, Wake
from tests.reference.side_by_side import SideBySide
from tests.reference.tariffs import Catalogue, Price, Release
from vocabulary.instants import FOREVER_NS, NS_PER_S
from vocabulary.limits import MICROS_MAX, UNITS_MAX
from vocabulary.money import Rounding
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

EXAMPLES = int(os.environ.get("FAREBOX_EXAMPLES", "180"))
"""Traffic that is tried; acceptance tries thousands."""
START_NS = 1_790_000_000 * NS_PER_S
HOUR_S = 3600
ALLOWANCES = (11, 12)
OFFERS = (1, 2)
RATING_GROUPS: tuple[int | None, ...] = (None, 0, 10, 20, 2**32 - 1)

amounts = st.one_of(st.integers(0, 60), st.sampled_from((99, 100, 101, 1000, 1024, 10**6)))
money = st.one_of(st.integers(0, 300), st.sampled_from((999, 1000, 10**6, MICROS_MAX)))
few = st.integers(1, 60)
ends = st.sampled_from((FOREVER_NS, FOREVER_NS, START_NS + 60 * NS_PER_S, START_NS + HOUR_S * NS_PER_S))
begins = st.sampled_from((0, 0, 0, START_NS + 30 * NS_PER_S))


@st.composite
def prices(draw: st.DrawFn) -> Price:
    """Any price of any unit; most are charged, with blocks that grants don't fill."""
    lowest = draw(st.sampled_from((1, 1, 1, 10, 50)))
    return Price(
        rating_group=draw(st.sampled_from((10, 10, 20, 0, 2**32 - 1, ANY, ABSENT))),
        service_identifier=draw(st.sampled_from((ANY, ANY, ANY, 7))),
        service_context=draw(st.sampled_from((32251, 32251, 32251, 32274))),
        unit=draw(st.sampled_from((Unit.OCTETS, Unit.OCTETS, Unit.SECONDS, Unit.EVENTS))),
        block_units=draw(st.sampled_from((1, 7, 10, 10, 60, 1000, 2**40))),
        price_micros=draw(st.sampled_from((0, 1, 3, 7, 7, 50, 10**12))),
        has_price=draw(st.sampled_from((True, True, True, False))),
        allowances=draw(st.sampled_from(((), (11,), (11,), (11, 12)))),
        grant_units=draw(st.sampled_from((1, 10, 40, 100))),
        grant_units_min=lowest,
        grant_units_max=draw(st.sampled_from((lowest, 100, 2**40))),
        validity_s=draw(st.sampled_from((60, HOUR_S))),
        threshold_units=draw(st.sampled_from((0, 0, 1, 39, 2**32 - 1))),
        threshold_percent=draw(st.sampled_from((0, 0, 1, 20, 99))),
        holding_s=draw(st.sampled_from((0, 0, 1, 60))),
        number=draw(st.integers(1, 2**31 - 1)),
        control=draw(st.sampled_from((Control.CHARGED,) * 8 + (Control.FREE, Control.NOT_APPLICABLE, Control.DENIED))),
        rounding=draw(st.sampled_from(Rounding)),
        scope=draw(st.sampled_from(RoundingScope)),
        final_action=draw(st.sampled_from((1, 1, 0, 2, 3))),  # type: ignore[arg-type]
        final_unit=draw(st.sampled_from((0, 7, 2**31 - 1))),
    )


def _key(price: Price) -> tuple[int, int, int]:
    return price.service_context, price.rating_group, price.service_identifier


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    """One or two releases of tenant 1 (the second an hour later), and one of tenant 2."""
    some_prices = st.lists(prices(), max_size=4, unique_by=_key).map(tuple)
    offers = st.dictionaries(st.sampled_from(OFFERS), some_prices, min_size=1)
    releases = [Release(1, 0, 1, draw(offers))]
    if draw(st.booleans()):
        releases.append(Release(2, START_NS + HOUR_S * NS_PER_S, 1, draw(offers)))
    releases.append(Release(1, 0, 2, draw(offers)))
    return Catalogue(tuple(releases))


@st.composite
def buckets(draw: st.DrawFn, bucket_id: int) -> Bucket:
    """Money (maybe below zero) or an allowance, with any period and priority."""
    unit = draw(st.sampled_from((Unit.MONEY, Unit.MONEY, Unit.OCTETS, Unit.OCTETS, Unit.SECONDS, Unit.EVENTS)))
    is_money = unit == Unit.MONEY
    return Bucket(
        bucket_id,
        unit,
        0 if is_money else draw(st.sampled_from(ALLOWANCES)),
        draw(st.integers(0, 2)),
        draw(st.one_of(money, st.integers(-20, 0))) if is_money else draw(amounts),
        0,
        draw(begins),
        draw(ends),
    )


@st.composite
def balances(draw: st.DrawFn, bucket_id: int) -> Bucket:
    """One of several money buckets that are small beside a grant; some end while they are held, and some owe."""
    return Bucket(
        bucket_id,
        priority=draw(st.integers(0, 2)),
        remaining=draw(st.one_of(few, few, few, few, st.sampled_from((-5, 0, 300, 300, 300, MICROS_MAX)))),
        from_ns=draw(st.sampled_from((0, 0, 0, 0, 0, 0, START_NS + 30 * NS_PER_S))),
        to_ns=draw(st.one_of(ends, st.just(START_NS + 60 * NS_PER_S))),
    )


@st.composite
def any_holdings(draw: st.DrawFn) -> list[Bucket]:
    """Up to five buckets of any unit."""
    return [draw(buckets(place + 1)) for place in range(draw(st.integers(0, 5)))]


@st.composite
def several_balances(draw: st.DrawFn) -> list[Bucket]:
    """Money in a few buckets, or in more than a service has places for, and maybe an allowance."""
    of_money = [draw(balances(place + 1)) for place in range(draw(st.sampled_from((2, 2, 3, 3, 6, 14))))]
    return of_money + [draw(buckets(20 + place)) for place in range(draw(st.integers(0, 1)))]


@st.composite
def accounts(draw: st.DrawFn, account_id: int) -> Account:
    """An account with up to two products and any holdings; most may spend."""
    status = draw(st.sampled_from((AccountStatus.ACTIVE,) * 6 + (AccountStatus.BARRED, AccountStatus.CLOSED)))
    offer_rows = draw(st.lists(st.sampled_from(OFFERS), min_size=1, max_size=2))
    return Account(
        account_id,
        tenant=draw(st.sampled_from((1, 1, 1, 2))),
        currency=draw(st.sampled_from((978, 840, 8))),
        status=status,
        credit_limit_micros=draw(st.sampled_from((0, 0, 20, 1000))),
        expires_ns=draw(ends),
        products=[
            Product(offer, draw(st.sampled_from((0, 0, 1, 3))), 0, draw(ends), draw(st.integers(0, 1)))
            for offer in offer_rows
        ],
        buckets=draw(st.one_of(any_holdings(), several_balances())),
    )


@dataclass(frozen=True, slots=True)
class Service:
    """One MSCC of a move: `used` is relative to the last grant (None: no USU), `asked` as in Mscc.requested."""

    rating_group: int | None
    identifier: int | None
    asked: tuple[Unit, int] | None
    wants: bool
    used: int | None
    extra: int


services = st.builds(
    Service,
    rating_group=st.sampled_from((*RATING_GROUPS, 10, 10, 10)),
    identifier=st.sampled_from((None, None, None, 7, 0)),
    asked=st.one_of(st.none(), st.tuples(st.sampled_from((Unit.OCTETS, Unit.SECONDS, Unit.EVENTS)), amounts)),
    wants=st.sampled_from((True, True, True, False)),
    used=st.sampled_from((None, 0, 50, 100, 100, 100)),
    extra=st.sampled_from((0, 0, 0, 1, -1, 30, UNITS_MAX)),
)
service_lists = st.lists(services, max_size=3)
"""MSCCs of a request; now and then two are for the same service."""
who = st.tuples(st.integers(0, 2), st.integers(0, 2))


def _move(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.tuples(st.just(name), *arguments)


credits_drawn = st.lists(
    st.builds(
        lambda unit, allowance, **others: Credit(unit=unit, allowance=allowance * (unit != Unit.MONEY), **others),
        unit=st.sampled_from((Unit.MONEY, Unit.OCTETS)),
        allowance=st.sampled_from(ALLOWANCES),
        amount=st.one_of(money.map(lambda amount: amount + 1), st.sampled_from((1, 1000, 0, UNITS_MAX))),
        from_ns=st.sampled_from((0, START_NS + 30 * NS_PER_S)),
        to_ns=ends,
        priority=st.integers(0, 2),
    ),
    min_size=1,
    max_size=3,
)
moves = st.one_of(
    _move("start", who, service_lists),
    _move("go", who, service_lists),
    _move("go", who, service_lists),
    _move("go", who, service_lists),
    _move("stop", who, service_lists),
    _move("repeat", who, st.integers(1, 4), st.booleans(), st.booleans()),
    _move("event", who, service_lists, st.sampled_from((0, 0, 0, 1, None))),
    _move("top_up", st.integers(0, 3), credits_drawn),
    _move("open", st.integers(0, 4), credits_drawn),
    _move("ask", who, st.sampled_from((COMMAND_REAUTHORIZE, COMMAND_ABORT, COMMAND_END_SESSION)), st.booleans()),
    _move("wake", st.integers(0, 2)),
    _move("clock", st.sampled_from((0, 1, 29, 60, 120, HOUR_S, 2 * HOUR_S, -10))),
    _move("cut"),
    _move("cut"),
)


def session_key(place: tuple[int, int]) -> tuple[int, int]:
    """Both halves of the key of an account's n-th session."""
    return crc32(repr(place).encode()) << 32 | 0xABCD0000 | place[1], place[1]


@dataclass(slots=True)
class Traffic:
    """Turns moves into requests and sends the batches to both sides."""

    sides: SideBySide
    never_counts: bool
    command_level_limit: bool
    now_ns: int = START_NS
    waiting: list[Request] = field(default_factory=list)
    sent: dict[tuple[int, int], list[CreditControl]] = field(default_factory=dict)
    granted: dict[tuple[int, tuple[int, int], int | None, int | None], int] = field(default_factory=dict)
    count: int = 0

    def play(self, move: tuple[Any, ...]) -> None:
        """One move."""
        name, arguments = move[0], move[1:]
        getattr(self, f"_{name}")(*arguments)

    def _start(self, place: tuple[int, int], own: list[Service]) -> None:
        self._send(place, INITIAL, 0, own)

    def _go(self, place: tuple[int, int], own: list[Service]) -> None:
        self._send(place, UPDATE, len(self.sent.get(place, ())), own)

    def _stop(self, place: tuple[int, int], own: list[Service]) -> None:
        self._send(place, TERMINATION, len(self.sent.get(place, ())), own)

    def _event(self, place: tuple[int, int], own: list[Service], action: int | None) -> None:
        self._send(place, EVENT, len(self.sent.get(place, ())), own, action)

    def _repeat(self, place: tuple[int, int], back: int, contradicts: bool, is_marked: bool) -> None:
        sent = self.sent.get(place, [])
        if len(sent) >= back:
            again = replace(sent[-back], received_ns=self.now_ns, is_sent_again=is_marked)
            if contradicts:
                again = replace(again, body_hash=again.body_hash ^ 0x10001)
            self.waiting.append(again)

    def _top_up(self, account: int, credits_given: list[Credit]) -> None:
        self.waiting.append(TopUp(account + 1, self.now_ns, self._tenant(account + 1), tuple(credits_given)))

    def _open(self, account: int, credits_given: list[Credit]) -> None:
        known = self.sides.twin.accounts.get(account + 1)
        tenant = known.tenant if known is not None else 1
        opening = Open(account + 1, self.now_ns, tenant, 1, currency=756, credits=tuple(credits_given))
        self.waiting.append(opening)

    def _ask(self, place: tuple[int, int], command: int, is_of_one: bool) -> None:
        account_id = place[0] + 1
        session = session_key(place) if is_of_one else None
        self.waiting.append(AskSessions(account_id, self.now_ns, command, session, self._tenant(account_id)))

    def _wake(self, account: int) -> None:
        self.waiting.append(Wake(account + 1, self.now_ns, self._tenant(account + 1)))

    def _clock(self, seconds: int) -> None:
        self.now_ns += seconds * NS_PER_S

    def _tenant(self, account_id: int) -> int:
        account = self.sides.twin.accounts.get(account_id)
        return account.tenant if account is not None and self.count % 16 else 1

    def _send(
        self, place: tuple[int, int], request_type: int, number: int, own: list[Service], action: int | None = None
    ) -> None:
        self.count += 1
        account_id = place[0] + 1
        session = session_key(place)
        request = CreditControl(
            account_id,
            session,
            request_type,
            0 if self.never_counts else number,
            crc32(b"body %d" % self.count),
            self.now_ns,
            self._tenant(account_id),
            tuple(self._mscc(account_id, session, service) for service in own),
            event_ns=None if self.count % 3 else self.now_ns - (self.count % 700) * NS_PER_S,
            requested_action=action,
            never_counts=self.never_counts,
            command_level_limit=self.command_level_limit,
        )
        self.sent.setdefault(place, []).append(request)
        self.waiting.append(request)

    def _mscc(self, account_id: int, session: tuple[int, int], own: Service) -> Mscc:
        last = self.granted.get((account_id, session, own.rating_group, own.identifier), 0)
        used = None
        if own.used is not None:
            units = min(max(last * own.used // 100 + own.extra, 0), UNITS_MAX)
            used = {Unit.OCTETS: units, Unit.SECONDS: units, Unit.EVENTS: units}
        asked = dict([own.asked]) if own.asked is not None else {}
        return Mscc(own.rating_group, own.identifier, asked if own.wants else None, used)

    def _cut(self) -> None:
        if not self.waiting:
            return
        answers = self.sides.decide(self.waiting, self.now_ns)
        for request, answer in zip(self.waiting, answers, strict=True):
            if isinstance(request, CreditControl):
                self._note(request, answer)
        self.waiting = []

    def _note(self, request: CreditControl, answer: Answer) -> None:
        assert request.account_id is not None
        for mscc, given_back in zip(request.msccs, answer.msccs, strict=True):
            key = (request.account_id, request.session, mscc.rating_group, mscc.service_identifier)
            self.granted[key] = given_back.granted or 0

    def finish(self) -> None:
        """Send what waits."""
        self._cut()


@pytest.mark.usefixtures("warm_engine")
@settings(
    max_examples=EXAMPLES,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    catalogue=catalogues(),
    first=accounts(1),
    second=accounts(2),
    never_counts=st.booleans(),
    command_level_limit=st.booleans(),
    script=st.lists(moves, min_size=5, max_size=40),
)
def test_any_traffic_is_decided_as_the_page_says(
    catalogue: Catalogue,
    first: Account,
    second: Account,
    never_counts: bool,
    command_level_limit: bool,
    script: list[tuple[Any, ...]],
) -> None:
    """Answers, records, journal rows and movements are equal, and every bucket changes by its movements alone."""
    traffic = Traffic(SideBySide(catalogue, (first, second)), never_counts, command_level_limit)
    for move in script:
        traffic.play(move)
    traffic.finish()


charged_prices = st.builds(
    Price,
    rating_group=st.just(10),
    block_units=st.sampled_from((1, 1, 7, 10, 60)),
    price_micros=st.sampled_from((1, 3, 7, 50)),
    allowances=st.sampled_from(((), (11,))),
    grant_units=st.sampled_from((40, 1000)),
    grant_units_max=st.sampled_from((1000, 2**40)),
    number=st.just(1),
    rounding=st.sampled_from(Rounding),
    scope=st.sampled_from(RoundingScope),
)
spenders = st.builds(
    Account,
    st.just(1),
    credit_limit_micros=st.sampled_from((0, 0, 20, 100)),
    products=st.just([Product(1)]),
    buckets=several_balances(),
)
paid_services = st.builds(
    Service,
    rating_group=st.just(10),
    identifier=st.sampled_from((None, None, 7)),
    asked=st.one_of(st.none(), st.none(), st.tuples(st.just(Unit.OCTETS), st.one_of(amounts, st.integers(0, 300)))),
    wants=st.sampled_from((True, True, True, False)),
    used=st.sampled_from((None, 50, 100, 100)),
    extra=st.sampled_from((0, 0, 1, 30, 1000)),
)
whose = st.tuples(st.just(0), st.integers(0, 1))
paid_lists = st.lists(paid_services, min_size=1, max_size=3)
spending = st.one_of(
    _move("go", whose, paid_lists),
    _move("go", whose, paid_lists),
    _move("go", whose, paid_lists),
    _move("stop", whose, paid_lists),
    _move("start", whose, paid_lists),
    _move("event", whose, paid_lists, st.just(0)),
    _move("top_up", st.just(0), credits_drawn),
    _move("clock", st.sampled_from((1, 29, 31, 60, HOUR_S))),
    _move("clock", st.sampled_from((1, 29, 31, 60, HOUR_S))),
)


@pytest.mark.usefixtures("warm_engine")
@settings(
    max_examples=EXAMPLES,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(
    price=charged_prices,
    account=spenders,
    opening=st.tuples(paid_lists, paid_lists),
    script=st.lists(spending, min_size=5, max_size=20),
)
def test_several_money_buckets_give_and_pay_as_the_page_says(
    price: Price, account: Account, opening: tuple[list[Service], list[Service]], script: list[tuple[Any, ...]]
) -> None:
    """Two open sessions spend an account whose money lies in several buckets, which end while they are held."""
    traffic = Traffic(SideBySide(Catalogue((Release(1, 0, 1, {1: (price,)}),)), (account,)), False, False)
    for place, own in enumerate(opening):
        traffic.play(("start", (0, place), own))
    for move in script:
        traffic.play(("cut",))
        traffic.play(move)
    traffic.finish()


def test_a_request_that_the_codec_refused_is_passed_on() -> None:
    """An outcome that came with the row leaves with it, and nothing moves."""
    sides = SideBySide(Catalogue(), (Account(1, buckets=[Bucket(1, remaining=100)]),))
    request = CreditControl(1, (1, 1), INITIAL, 0, 1, START_NS, outcome=Outcome.INVALID_AVP_VALUE)
    assert sides.decide([request], START_NS)[0].outcome == Outcome.INVALID_AVP_VALUE
