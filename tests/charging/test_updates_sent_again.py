"""Updates that come in another order and are then sent again: what was answered is never charged twice, what was not is
charged once. docs/charging.md §3.
"""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from charging.batch import INITIAL, UPDATE
from tests.reference.account import Account, Bucket, Product
from tests.reference.requests import Answer, CreditControl, Mscc
from tests.reference.side_by_side import SideBySide
from tests.reference.tariffs import Catalogue, Price, Release
from vocabulary.instants import NS_PER_S
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

START_NS = 1_790_000_000 * NS_PER_S
MONEY_ID = 1
TEN = {Unit.OCTETS: 10}
FIRST_NUMBERS = (0, 1, 7, 250, 255, 65_535)

pytestmark = pytest.mark.usefixtures("warm_engine")


class Conversation:
    """One session at one micro an octet, asked of kernels and twin."""

    def __init__(self, first: int) -> None:
        catalogue = Catalogue((Release(1, offers={1: (Price(10, price_micros=1, number=1),)}),))
        account = Account(1, products=[Product(1, 0)], buckets=[Bucket(MONEY_ID, remaining=10_000)])
        self._sides = SideBySide(catalogue, (account,))
        self._first = first
        self._now_ns = START_NS
        self._send(INITIAL, 0, None, is_sent_again=False)

    def update(self, number: int, *, is_sent_again: bool = False) -> Answer:
        """The answer of the update with that number from the initial request's on."""
        return self._send(UPDATE, number, TEN, is_sent_again=is_sent_again)

    @property
    def charged(self) -> int:
        """Micros."""
        bucket = self._sides.twin.accounts[1].bucket(MONEY_ID)
        return 10_000 - bucket.remaining - bucket.reserved

    def _send(self, request_type: int, number: int, used: dict[Unit, int] | None, *, is_sent_again: bool) -> Answer:
        self._now_ns += NS_PER_S
        request = CreditControl(
            1,
            (1 << 40, 1),
            request_type,
            self._first + number,
            self._first + number + 1,
            self._now_ns,
            msccs=(Mscc(10, None, TEN, used),),
            is_sent_again=is_sent_again,
        )
        (answer,) = self._sides.decide([request], self._now_ns)
        return answer


@pytest.mark.parametrize("first", FIRST_NUMBERS)
@pytest.mark.parametrize(
    "order", [(1, 2, 3, 4), (2, 3, 1), (3, 1, 2), (1, 2, 4, 3, 5), (1, 2, 4, 5, 3), (5, 4, 3, 2, 1)]
)
def test_none_is_charged_twice_whatever_the_order(order: tuple[int, ...], first: int) -> None:
    asked = Conversation(first)
    for number in order:
        assert asked.update(number).outcome == Outcome.GRANTED
    assert asked.charged == 10 * len(order)
    for number in order:
        answer = asked.update(number, is_sent_again=True)
        is_kept = number in order[-2:]
        assert answer.outcome == (Outcome.GRANTED if is_kept else Outcome.INVALID_AVP_VALUE)
        assert asked.charged == 10 * len(order), number
    assert asked.update(len(order) + 1, is_sent_again=True).outcome == Outcome.GRANTED, (
        "a new one whose first copy was lost"
    )
    assert asked.charged == 10 * (len(order) + 1)


@pytest.mark.parametrize("first", FIRST_NUMBERS)
def test_one_that_was_lost_and_overtaken_is_charged_once(first: int) -> None:
    asked = Conversation(first)
    for number in (1, 3):
        asked.update(number)
    for _ in range(2):
        assert asked.update(2, is_sent_again=True).outcome == Outcome.GRANTED
        assert asked.charged == 30
    for number in (4, 5):
        asked.update(number)
    for number in (1, 2, 3):
        assert asked.update(number, is_sent_again=True).outcome == Outcome.INVALID_AVP_VALUE
    assert asked.charged == 50


def test_one_that_is_still_missing_hides_no_other() -> None:
    """Number 2 never comes: 3 to 33, which were answered, are known all the same, and 2 is charged if it comes at last."""
    asked = Conversation(0)
    for number in (1, *range(3, 34)):
        asked.update(number)
    for number in range(3, 32):
        assert asked.update(number, is_sent_again=True).outcome == Outcome.INVALID_AVP_VALUE
    assert asked.charged == 320
    assert asked.update(2, is_sent_again=True).outcome == Outcome.GRANTED
    assert asked.charged == 330


def test_of_many_answers_all_are_known() -> None:
    asked = Conversation(0)
    for number in range(1, 400):
        asked.update(number)
    for number in range(1, 398):
        asked.update(number, is_sent_again=True)
        assert asked.charged == 3990


def test_a_number_belongs_to_one_update_whether_it_is_said_to_be_sent_again_or_not() -> None:
    asked = Conversation(0)
    for number in (1, 2, 3, 4):
        asked.update(number)
    assert asked.update(2).outcome == Outcome.INVALID_AVP_VALUE
    assert asked.charged == 40


@pytest.mark.parametrize("straggler", [1, 5, 9])
def test_one_that_comes_very_late_changes_nothing(straggler: int) -> None:
    """A copy that was long on its way, without T flag: neither it nor any other that comes again is charged."""
    asked = Conversation(0)
    for number in range(1, 43):
        asked.update(number)
    assert asked.update(straggler).outcome == Outcome.INVALID_AVP_VALUE
    asked.update(43)
    for number in (41, 42, 43, 20):
        asked.update(number, is_sent_again=True)
        assert asked.charged == 430


def test_updates_may_begin_below_the_initial_number() -> None:
    """As of a client that counts updates alone, from 1."""
    asked = Conversation(100)
    for number in range(-99, -60):
        assert asked.update(number).outcome == Outcome.GRANTED
        assert asked.update(number, is_sent_again=True).outcome == Outcome.GRANTED
    assert asked.charged == 390


def test_whoever_counts_anew_may_be_overtaken() -> None:
    """0 behind 1, where a counter of an octet is over; and updates that begin below the initial number, 2 before 1."""
    asked = Conversation(0)
    for number in (*range(1, 256), 1, 0, 2):
        assert asked.update(number).outcome == Outcome.GRANTED
    assert asked.charged == 2580
    asked = Conversation(100)
    for number in (-98, -99, -97):
        assert asked.update(number).outcome == Outcome.GRANTED
    assert asked.charged == 30


def test_a_client_that_counts_anew_is_charged() -> None:
    """From far below, as one whose counter is an octet: each of its numbers once again."""
    asked = Conversation(0)
    for number in (*range(1, 256), *range(256)):
        assert asked.update(number).outcome == Outcome.GRANTED
    assert asked.charged == 10 * 511


@given(st.permutations(range(1, 12)), st.lists(st.tuples(st.integers(1, 11), st.booleans()), max_size=30), st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_each_number_is_charged_once(order: list[int], again: list[tuple[int, bool]], data: st.DataObject) -> None:
    """Updates in any order, copies of them in between: of each number the first that comes is charged, no other."""
    asked, came = Conversation(0), set[int]()
    copies = {place: [] for place in range(len(order))}
    for number, is_flagged in again:
        copies[data.draw(st.integers(0, len(order) - 1))].append((number, is_flagged))
    for place, number in enumerate(order):
        for each, is_flagged in ((number, False), *copies[place]):
            asked.update(each, is_sent_again=is_flagged)
            came.add(each)
            assert asked.charged == 10 * len(came)
