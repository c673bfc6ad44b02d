"""Rating groups that are refused before they have quota: what the session knows of them, and what that doesn't change."""

from dataclasses import replace

import pytest

from charging.batch import INITIAL, TERMINATION, UPDATE
from charging.tariff_tables import Control, RoundingScope
from tests.reference.account import Account, Bucket, Product, Service
from tests.reference.requests import Answer, CreditControl, Mscc, MsccAnswer
from tests.reference.side_by_side import SideBySide
from tests.reference.tariffs import Catalogue, Price, Release
from vocabulary.instants import NS_PER_S
from vocabulary.limits import MSCCS_PER_REQUEST_MAX, SERVICES_PER_ACCOUNT_MAX, SERVICES_WITH_REFUSED_MAX
from vocabulary.money import Rounding
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

START_NS = 1_790_000_000 * NS_PER_S
CHANGE_NS = START_NS + 600 * NS_PER_S
MONEY_ID = 1
MONEY = 10_000
GROUP, SERVED, OF_ANOTHER_OFFER, DENIED, NOT_APPLICABLE = 10, 20, 30, 40, 50
FREE_FROM = 1000
SEVEN = {Unit.OCTETS: 7}

pytestmark = pytest.mark.usefixtures("warm_engine")


class Conversation:
    """One session of an account whose release has no price for GROUP until CHANGE_NS, asked of kernels and twin."""

    def __init__(self) -> None:
        served = Price(SERVED, price_micros=1, number=1)
        refusing = (
            Price(DENIED, control=Control.DENIED, number=2),
            Price(NOT_APPLICABLE, control=Control.NOT_APPLICABLE, number=3),
        )
        free = tuple(
            Price(group, control=Control.FREE, number=group)
            for group in range(FREE_FROM, FREE_FROM + SERVICES_PER_ACCOUNT_MAX)
        )
        other = (Price(OF_ANOTHER_OFFER, number=4),)
        later = Price(
            GROUP, price_micros=5, block_units=10, scope=RoundingScope.SESSION, rounding=Rounding.UP, number=5
        )
        before = {1: (served, *refusing, *free), 2: other}
        after = {1: (served, later, replace(later, rating_group=DENIED, number=6)), 2: other}
        account = Account(1, products=[Product(1)], buckets=[Bucket(MONEY_ID, remaining=MONEY)])
        self.sides = SideBySide(Catalogue((Release(1, offers=before), Release(2, CHANGE_NS, offers=after))), (account,))
        self._last: CreditControl | None = None

    def ask(self, request_type: int, number: int, seconds: int, *msccs: Mscc) -> Answer:
        """The answer of a request so long after the start."""
        now_ns = START_NS + seconds * NS_PER_S
        self._last = CreditControl(1, (1 << 40, 1), request_type, number, number + 1, now_ns, msccs=msccs)
        (answer,) = self.sides.decide([self._last], now_ns)
        return answer

    def ask_one(
        self, request_type: int, number: int, seconds: int, used: int | None = None, group: int = GROUP
    ) -> MsccAnswer:
        """The same of one MSCC that asks, unless the session ends."""
        asked = None if request_type == TERMINATION else SEVEN
        mscc = Mscc(group, None, asked, None if used is None else {Unit.OCTETS: used})
        return self.ask(request_type, number, seconds, mscc).msccs[0]

    def repeat(self, seconds: int) -> Answer:
        """The answer of the last request, sent again so long after the start."""
        assert self._last is not None
        now_ns = START_NS + seconds * NS_PER_S
        (answer,) = self.sides.decide([replace(self._last, received_ns=now_ns, is_sent_again=True)], now_ns)
        assert answer.is_duplicate
        return answer

    @property
    def services(self) -> list[Service]:
        """What the session knows."""
        return self.sides.twin.accounts[1].sessions[0].services

    @property
    def charged(self) -> int:
        """Micros."""
        bucket = self.sides.twin.accounts[1].bucket(MONEY_ID)
        return MONEY - bucket.remaining - bucket.reserved


@pytest.mark.parametrize("request_type", [INITIAL, UPDATE])
@pytest.mark.parametrize(
    ("group", "outcome"),
    [
        (GROUP, Outcome.RATING_FAILED),
        (OF_ANOTHER_OFFER, Outcome.AUTHORIZATION_REJECTED),
        (DENIED, Outcome.END_USER_SERVICE_DENIED),
    ],
)
def test_a_group_that_asks_and_is_refused_is_known(group: int, outcome: Outcome, request_type: int) -> None:
    asked = Conversation()
    if request_type == UPDATE:
        asked.ask(INITIAL, 0, 0)
    assert asked.ask_one(request_type, 1, 1, group=group).outcome == outcome
    (service,) = asked.services
    assert (service.rating_group, service.last.outcome, service.last.has_grant) == (group, outcome, False)


def test_what_nothing_puts_right_and_what_asks_for_nothing_is_not_known() -> None:
    """A session without refused groups costs the octets that it cost."""
    asked = Conversation()
    answer = asked.ask(INITIAL, 0, 0, Mscc(NOT_APPLICABLE, None, SEVEN), Mscc(GROUP, None, None, SEVEN), Mscc(DENIED))
    assert [mscc.outcome for mscc in answer.msccs] == [
        Outcome.CREDIT_CONTROL_NOT_APPLICABLE,
        Outcome.RATING_FAILED,
        Outcome.END_USER_SERVICE_DENIED,
    ]
    assert asked.services == []


@pytest.mark.parametrize("group", [GROUP, DENIED])
def test_a_refusal_is_repeated_also_when_it_would_be_a_grant_now(group: int) -> None:
    asked = Conversation()
    refused = asked.ask_one(INITIAL, 0, 0, group=group).outcome
    assert asked.repeat(1).msccs[0].outcome == refused
    assert asked.repeat(700).msccs[0].outcome == refused
    assert asked.ask_one(UPDATE, 1, 701, group=group).granted == 7
    assert asked.repeat(702).msccs[0].granted == 7


@pytest.mark.parametrize("is_refused_first", [False, True])
def test_a_refusal_changes_nothing_of_what_is_charged_later(is_refused_first: bool) -> None:
    """Each report of 7 octets in blocks of 10: what is paid ahead is carried from one to the next, and begins with 0."""
    asked = Conversation()
    asked.ask(INITIAL, 0, 0)
    if is_refused_first:
        assert asked.ask_one(UPDATE, 1, 100).outcome == Outcome.RATING_FAILED
        assert asked.ask_one(UPDATE, 2, 200).outcome == Outcome.RATING_FAILED
    assert asked.ask_one(UPDATE, 3, 700).granted == 7
    charges = []
    for number in range(4, 8):
        asked.ask_one(UPDATE, number, 700 + number, used=7)
        charges.append(asked.charged)
    assert charges == [5, 10, 15, 15]
    asked.ask_one(TERMINATION, 8, 800, used=7)
    assert asked.charged == 20


def test_reports_of_a_refused_group_are_uncharged_and_its_period_goes_on_from_them() -> None:
    asked = Conversation()
    asked.ask_one(INITIAL, 0, 0)
    assert asked.services[0].last_report_ns == START_NS
    assert asked.ask_one(UPDATE, 1, 100, used=50).outcome == Outcome.RATING_FAILED
    assert asked.services[0].last_report_ns == START_NS + 100 * NS_PER_S
    assert asked.ask_one(UPDATE, 2, 700, used=7).granted == 7, "used before there was a price, and reported with one"
    assert asked.charged == 5
    assert asked.services[0].last_report_ns == START_NS + 700 * NS_PER_S


def test_refused_groups_take_no_place_of_those_that_can_be_granted() -> None:
    asked = Conversation()
    numbers = iter(range(100))

    def ask_for(first: int, count: int) -> set[Outcome]:
        found = set[Outcome]()
        for begin in range(first, first + count, MSCCS_PER_REQUEST_MAX):
            some = range(begin, min(begin + MSCCS_PER_REQUEST_MAX, first + count))
            answer = asked.ask(UPDATE, next(numbers), 1, *(Mscc(group, None, SEVEN) for group in some))
            found |= {mscc.outcome for mscc in answer.msccs}
        return found

    asked.ask(INITIAL, next(numbers), 0)
    assert ask_for(100_000, 200) == {Outcome.RATING_FAILED}
    assert len(asked.services) == SERVICES_WITH_REFUSED_MAX
    assert ask_for(FREE_FROM, SERVICES_PER_ACCOUNT_MAX - SERVICES_WITH_REFUSED_MAX) == {Outcome.GRANTED}
    assert ask_for(200_000, 1) == {Outcome.RATING_FAILED}
    assert len(asked.services) == SERVICES_PER_ACCOUNT_MAX
