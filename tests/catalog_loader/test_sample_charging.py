"""The shipped sample serves the clients that ask: what it grants and charges, decided by the engine's own kernels."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from balances.journal import MovementKind
from balances.queries import AccountView, decode_record
from catalog_loader.compile import compile_release, stack
from catalog_loader.opening import opening
from catalog_loader.release import Release
from charging.batch import EVENT, INITIAL, TERMINATION, UPDATE
from tests.catalog_loader.sample_release import POSTPAID, SAMPLE_2, checked_sample
from tests.reference.engine_alone import EngineAlone
from tests.reference.requests import Answer, Credit, CreditControl, Mscc, MsccAnswer, Open
from vocabulary.instants import NS_PER_S, from_rfc3339
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

RELEASE = checked_sample().release
TABLES = stack([compile_release(RELEASE, 1), compile_release(checked_sample(SAMPLE_2).release, 1)])
SPRING_NS = from_rfc3339("2025-03-01T12:00:00Z")
SUMMER_NS = from_rfc3339("2025-07-01T12:00:00Z")
DATA, VOICE, SMS = 32251, 32260, 32274
OCTETS, SECONDS, EVENTS = Unit.OCTETS, Unit.SECONDS, Unit.EVENTS
MIB = 1024**2


@dataclass
class Subscriber:
    """One account with an offer of the sample, and the requests of one session."""

    offer: str
    money_micros: int | None = None
    """instead of the offer's"""
    at_ns: int = SPRING_NS
    number: int = 0
    release: Release | None = None
    """instead of the prepaid ones"""
    engine: EngineAlone = field(init=False)

    def __post_init__(self) -> None:
        self.engine = EngineAlone(TABLES if self.release is None else compile_release(self.release, 1))
        given = opening(self.release or RELEASE, self.offer, self.at_ns)
        credits = tuple(
            Credit(
                grant.amount,
                grant.unit,
                grant.allowance,
                grant.from_ns,
                grant.to_ns,
                grant.priority,
                MovementKind.OPENED,
            )
            for grant in given.grants
            if not (grant.unit == Unit.MONEY and self.money_micros is not None)
        )
        if self.money_micros:
            credits = (Credit(self.money_micros, movement=MovementKind.OPENED), *credits)
        limit = given.credit_limit_micros
        command = Open(1, self.at_ns, offer=given.offer, credit_limit_micros=limit, credits=credits)
        (answer,), _ = self.engine.decide([command], self.at_ns)
        assert answer.outcome == Outcome.GRANTED

    def ask(self, kind: int, context: int, *msccs: Mscc, action: int | None = None) -> Answer:
        self.at_ns += NS_PER_S
        request = CreditControl(
            1,
            (context << 32, 1 << 20),
            kind,
            self.number,
            self.number + 1,
            self.at_ns,
            msccs=msccs,
            service_context=context,
            requested_action=action,
        )
        self.number += 1
        (answer,), _ = self.engine.decide([request], self.at_ns)
        assert answer.outcome == Outcome.GRANTED
        return answer

    def ask_one(self, kind: int, context: int, **mscc: Any) -> MsccAnswer:
        (only,) = self.ask(kind, context, Mscc(**mscc)).msccs
        return only

    @property
    def account(self) -> AccountView:
        return decode_record(self.engine.records[1, 1])

    @property
    def money(self) -> int:
        return self.account.total()[0]

    def left(self, unit: Unit) -> tuple[int, int]:
        return self.account.total(unit)


def test_open5gs_asks_without_rating_group_and_gets_what_it_asks_for() -> None:
    subscriber = Subscriber("prepaid-start")
    first = subscriber.ask_one(INITIAL, DATA, requested={OCTETS: 1_000_000})
    assert (first.outcome, first.unit, first.granted) == (Outcome.GRANTED, OCTETS, 1_000_000)
    assert (first.validity_s, first.final_action) == (1800, 0)
    subscriber.ask_one(UPDATE, DATA, requested={OCTETS: 1_000_000}, used={OCTETS: 900_000, SECONDS: 10})
    subscriber.ask_one(TERMINATION, DATA, used={OCTETS: 500_000, SECONDS: 5})
    assert subscriber.left(OCTETS) == (1024**3 - 1_400_000, 0)
    assert subscriber.money == 10_000_000, "the allowance pays before money"


def test_money_pays_each_started_mib_and_the_last_grant_says_so() -> None:
    subscriber = Subscriber("prepaid-basic", money_micros=50_000)  # two MiB and a half
    first = subscriber.ask_one(INITIAL, DATA, requested={OCTETS: 1_000_000})
    assert (first.granted, first.final_action) == (1_000_000, 0)
    assert subscriber.account.total() == (30_000, 20_000)
    last = subscriber.ask_one(UPDATE, DATA, requested={OCTETS: 10 * MIB}, used={OCTETS: 1_000_000})
    assert (last.granted, last.final_action) == (2 * MIB - 1_000_000, 1)
    none = subscriber.ask_one(UPDATE, DATA, requested={OCTETS: 1_000_000}, used={OCTETS: 2 * MIB - 1_000_000})
    assert (none.outcome, none.granted) == (Outcome.CREDIT_LIMIT_REACHED, None)
    assert subscriber.account.total() == (10_000, 0)


def test_an_empty_request_gets_the_sizes_of_the_catalogue() -> None:
    subscriber = Subscriber("prepaid-start")
    (empty, small, huge) = (
        subscriber.ask_one(INITIAL if not number else UPDATE, DATA, rating_group=10, requested=requested).granted
        for number, requested in enumerate(({}, {OCTETS: 1000}, {OCTETS: 10**12}))
    )
    assert (empty, small, huge) == (10 * MIB, 512 * 1024, 100 * MIB)


@pytest.mark.parametrize("rating_group", [100, None])
def test_kamailio_asks_for_thirty_seconds_at_a_time(rating_group: int | None) -> None:
    subscriber = Subscriber("prepaid-basic")
    service = {"rating_group": rating_group, "service_identifier": 1000}
    first = subscriber.ask_one(INITIAL, VOICE, **service, requested={SECONDS: 30})
    assert (first.outcome, first.unit, first.granted, first.validity_s) == (Outcome.GRANTED, SECONDS, 30, 300)
    subscriber.ask_one(UPDATE, VOICE, **service, requested={SECONDS: 30}, used={SECONDS: 30})
    subscriber.ask_one(TERMINATION, VOICE, **service, used={SECONDS: 7})
    assert subscriber.money == 1_000_000 - 37 * 3_000, "per second"


def test_minutes_of_the_offer_pay_before_money() -> None:
    subscriber = Subscriber("prepaid-plus")
    subscriber.ask_one(INITIAL, VOICE, rating_group=100, requested={SECONDS: 30})
    subscriber.ask_one(TERMINATION, VOICE, rating_group=100, used={SECONDS: 25})
    assert (subscriber.money, subscriber.left(SECONDS)) == (20_000_000, (6000 - 25, 0))


def test_kamailio_video_and_calls_abroad_have_prices_of_their_own() -> None:
    subscriber = Subscriber("prepaid-basic")
    assert (
        subscriber.ask_one(INITIAL, VOICE, rating_group=200, service_identifier=1001, requested={SECONDS: 30}).granted
        == 30
    )
    subscriber.ask_one(TERMINATION, VOICE, rating_group=200, service_identifier=1001, used={SECONDS: 30})
    assert subscriber.money == 1_000_000 - 30 * 3_000, "on a Saturday"
    abroad = Subscriber("prepaid-basic")
    assert abroad.ask_one(INITIAL, VOICE, rating_group=300, requested={SECONDS: 30}).granted == 60
    abroad.ask_one(TERMINATION, VOICE, rating_group=300, used={SECONDS: 61})
    assert abroad.money == 1_000_000 - 2 * 290_000


@pytest.mark.parametrize(
    ("begins", "charged"),
    [
        ("2025-03-03T10:00:00+01:00", 60 * 8_000),
        ("2025-03-03T19:00:00+01:00", 60 * 4_000),
        ("2025-03-03T06:59:00+01:00", 60 * 4_000),
        ("2025-03-08T19:00:00+01:00", 60 * 3_000),
        ("2025-03-03T18:59:30+01:00", 30 * 8_000 + 30 * 4_000),
        ("2025-03-10T06:59:18+01:00", 42 * 4_000 + 18 * 8_000),
        ("2025-03-09T23:59:10+01:00", 50 * 3_000 + 10 * 4_000),
    ],
)
def test_a_video_call_costs_what_it_costs_when_it_is_made(begins: str, charged: int) -> None:
    """By day, in the evening, at the weekend, and over a change: the seconds on both sides of it, though nobody splits them."""
    subscriber = Subscriber("prepaid-basic", at_ns=from_rfc3339(begins) - NS_PER_S)
    first = subscriber.ask_one(INITIAL, VOICE, rating_group=200, requested={SECONDS: 60})
    assert (first.granted, first.tariff_change_s) == (60, 0)
    subscriber.at_ns += 59 * NS_PER_S
    subscriber.ask_one(TERMINATION, VOICE, rating_group=200, used={SECONDS: 60})
    assert subscriber.money == 1_000_000 - charged


def test_postpaid_and_hybrid_put_the_same_use_on_the_bill_and_premium_messages_where_they_are_sold() -> None:
    release = checked_sample(POSTPAID).release
    for offer, money, owed in (("postpaid-m", 0, 30 * 2_000 + 70_000 + 1_990_000), ("hybrid-m", 3_010_000, 130_000)):
        subscriber = Subscriber(offer, release=release)
        subscriber.ask(EVENT, SMS, Mscc(1, requested={EVENTS: 1}), Mscc(2, requested={EVENTS: 1}), action=0)
        subscriber.ask_one(INITIAL, VOICE, rating_group=100, requested={SECONDS: 30})
        subscriber.ask_one(TERMINATION, VOICE, rating_group=100, used={SECONDS: 30})
        assert (subscriber.money, subscriber.account.owed_micros) == (money, owed)
        assert subscriber.account.charged_micros == 30 * 2_000 + 70_000 + 1_990_000


@pytest.mark.parametrize("rating_group", [None, 7])
def test_a_message_is_debited_directly(rating_group: int | None) -> None:
    subscriber = Subscriber("prepaid-basic", money_micros=100_000)
    for granted, outcome in ((1, Outcome.GRANTED), (None, Outcome.CREDIT_LIMIT_REACHED)):
        (answer,) = subscriber.ask(EVENT, SMS, Mscc(rating_group, requested={EVENTS: 1}), action=0).msccs
        assert (answer.outcome, answer.granted) == (outcome, granted)
    assert subscriber.money == 10_000


def test_free_denied_and_uncontrolled_services() -> None:
    subscriber = Subscriber("prepaid-start")
    answers = subscriber.ask(
        INITIAL,
        DATA,
        Mscc(20, requested={OCTETS: MIB}),
        Mscc(10, 5, requested={OCTETS: MIB}),
        Mscc(30, requested={OCTETS: MIB}),
        Mscc(50, requested={OCTETS: MIB}),
        Mscc(99, requested={OCTETS: MIB}),
    ).msccs
    assert [(answer.outcome, answer.granted) for answer in answers] == [
        (Outcome.GRANTED, MIB),
        (Outcome.GRANTED, MIB),
        (Outcome.END_USER_SERVICE_DENIED, None),
        (Outcome.AUTHORIZATION_REJECTED, None),
        (Outcome.RATING_FAILED, None),
    ]
    subscriber.ask(TERMINATION, DATA, Mscc(20, used={OCTETS: MIB}), Mscc(10, 5, used={OCTETS: MIB}))
    assert (subscriber.money, subscriber.left(OCTETS)) == (10_000_000, (1024**3, 0))
    call = subscriber.ask_one(INITIAL, VOICE, rating_group=112, requested={SECONDS: 30})
    assert call.outcome == Outcome.CREDIT_CONTROL_NOT_APPLICABLE


@pytest.mark.parametrize(
    ("at_ns", "price_micros"), [(SPRING_NS, 20_000), (SUMMER_NS, 10_000)], ids=["spring", "summer"]
)
def test_the_release_in_force_says_the_price(at_ns: int, price_micros: int) -> None:
    subscriber = Subscriber("prepaid-basic", at_ns=at_ns)
    subscriber.ask_one(INITIAL, DATA, requested={OCTETS: MIB})
    subscriber.ask_one(TERMINATION, DATA, used={OCTETS: 3 * MIB})
    assert subscriber.money == 1_000_000 - 3 * price_micros
