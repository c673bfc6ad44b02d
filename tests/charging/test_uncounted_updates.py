"""Updates of clients that never count, sent again in any order: what was answered is never charged twice where they say that
it is sent again, nor without that among a session's last four answers. docs/charging.md §3.
"""

from zlib import crc32

import pytest

from charging.batch import INITIAL, UPDATE
from tests.reference.account import Account, Bucket, Product
from tests.reference.requests import Answer, CreditControl, Mscc
from tests.reference.side_by_side import SideBySide
from tests.reference.tariffs import Catalogue, Price, Release
from vocabulary.instants import NS_PER_S
from vocabulary.limits import EVENT_TIME_SKEW_S_MAX
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

START_NS = 1_790_000_000 * NS_PER_S
MONEY_ID = 1
TEN = {Unit.OCTETS: 10}
REFUSED = Outcome.INVALID_AVP_VALUE

pytestmark = pytest.mark.usefixtures("warm_engine")
both = pytest.mark.parametrize("is_digest", [False, True], ids=["gy", "nchf"])


class Conversation:
    """One session at one micro an octet, asked of kernels and twin.

    is_digest   its updates have a number that is made of them (Nchf); else none that is looked at (Gy)
    """

    def __init__(self, *, is_digest: bool, says_time: bool = True) -> None:
        catalogue = Catalogue((Release(1, offers={1: (Price(10, price_micros=1, number=1),)}),))
        account = Account(1, products=[Product(1, 0)], buckets=[Bucket(MONEY_ID, remaining=10_000)])
        self._sides = SideBySide(catalogue, (account,))
        self._is_digest, self._says_time = is_digest, says_time
        self.now_ns = START_NS
        self._send(INITIAL, 0, Mscc(10, None, TEN), is_sent_again=False)

    def update(self, second: int, upf: int | None = None, *, is_sent_again: bool = False) -> Answer:
        """The answer of the update of that second, which reports ten octets."""
        return self._send(UPDATE, second, Mscc(10, None, TEN, TEN, upf=upf), is_sent_again=is_sent_again)

    @property
    def charged(self) -> int:
        """Micros."""
        bucket = self._sides.twin.accounts[1].bucket(MONEY_ID)
        return 10_000 - bucket.remaining - bucket.reserved

    def _send(self, request_type: int, second: int, mscc: Mscc, *, is_sent_again: bool) -> Answer:
        self.now_ns += NS_PER_S // 100
        body_hash = crc32(b"%d %d %d" % (request_type, second, mscc.upf or 0))
        request = CreditControl(
            1,
            (1 << 40, 1),
            request_type,
            body_hash if self._is_digest and request_type == UPDATE else 0,
            body_hash,
            self.now_ns,
            msccs=(mscc,),
            event_ns=START_NS + second * NS_PER_S if self._says_time else None,
            never_counts=not self._is_digest,
            is_sent_again=is_sent_again,
        )
        (answer,) = self._sides.decide([request], self.now_ns)
        return answer


@both
def test_whatever_was_answered_and_says_that_it_is_sent_again_moves_nothing(is_digest: bool) -> None:
    asked = Conversation(is_digest=is_digest)
    for second in range(1, 41):
        assert asked.update(second).outcome == Outcome.GRANTED
    for second in range(1, 41):
        answer = asked.update(second, is_sent_again=True)
        assert answer.outcome == (Outcome.GRANTED if second > 38 else REFUSED)
        assert asked.charged == 400, second
    assert asked.update(41, is_sent_again=True).outcome == Outcome.GRANTED, "a new one whose first copy was lost"
    assert asked.charged == 410


@both
def test_what_was_answered_long_ago_is_known_as_well(is_digest: bool) -> None:
    """By then its instant is too far off to be believed as the end of its usage."""
    asked = Conversation(is_digest=is_digest)
    for second in range(1, 11):
        asked.update(second)
    asked.now_ns += 2 * EVENT_TIME_SKEW_S_MAX * NS_PER_S
    for second in range(1, 11):
        asked.update(second, is_sent_again=True)
        assert asked.charged == 100


@both
@pytest.mark.parametrize("says_time", [True, False])
@pytest.mark.parametrize("is_sent_again", [True, False])
def test_of_the_last_four_answers_each_is_known(is_digest: bool, says_time: bool, is_sent_again: bool) -> None:
    asked = Conversation(is_digest=is_digest, says_time=says_time)
    for second in range(1, 8):
        asked.update(second)
    for _ in range(2):
        known = (4, 5, 6, 7) if says_time or is_sent_again else (6, 7)
        outcomes = [asked.update(second, is_sent_again=is_sent_again).outcome for second in known]
        assert outcomes[-2:] == [Outcome.GRANTED, Outcome.GRANTED]
        assert set(outcomes[:-2]) <= {REFUSED}
        assert asked.charged == 70


def test_equal_reports_of_several_services_in_turn_are_reports_of_their_own() -> None:
    """The same quota used up again, by who says neither when nor whether it is sent again."""
    asked = Conversation(is_digest=False, says_time=False)
    for second in (1, 2, 3, 1, 2, 3):
        assert asked.update(second).outcome == Outcome.GRANTED
    assert asked.charged == 60


@both
@pytest.mark.parametrize("first", [-200, 0], ids=["a clock that is slow", "a clock that is right"])
def test_what_was_lost_and_is_sent_again_is_charged(is_digest: bool, first: int) -> None:
    """The first report of a service, one within the second of the one before, and one of several services."""
    asked = Conversation(is_digest=is_digest)
    assert asked.update(first, is_sent_again=True).outcome == Outcome.GRANTED
    for upf in (None, 1):
        assert asked.update(first + 1, upf, is_sent_again=True).outcome == Outcome.GRANTED
    assert asked.charged == 30


@both
def test_upfs_that_report_at_once_are_charged_once(is_digest: bool) -> None:
    """Each has reports of its own: one that was lost is charged when it is sent again, though others were newer."""
    asked = Conversation(is_digest=is_digest)
    for upf in (1, 2, 3):
        asked.update(1, upf)
    for second, upf in ((2, 2), (3, 3), (3, 2), (4, 3), (5, 2), (6, 3)):
        asked.update(second, upf)
    assert asked.charged == 90
    assert asked.update(2, 1, is_sent_again=True).outcome == Outcome.GRANTED
    assert asked.charged == 100
    for second, upf in ((1, 1), (1, 2), (1, 3), (2, 2), (3, 3)):
        assert asked.update(second, upf, is_sent_again=True).outcome == REFUSED
    assert asked.charged == 100


@both
def test_without_being_sent_again_an_older_report_is_one_that_was_overtaken(is_digest: bool) -> None:
    asked = Conversation(is_digest=is_digest)
    for second in (2, 3, 4, 5, 6, 1):
        assert asked.update(second).outcome == Outcome.GRANTED
    assert asked.charged == 60
