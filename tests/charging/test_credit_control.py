"""Usage that began under another release than the one in force when it is reported: what charges it, what grants."""

import pytest

from charging.batch import INITIAL, TERMINATION, UPDATE
from charging.tariff_tables import Control
from tests.reference.account import Account, Bucket, Product
from tests.reference.requests import CreditControl, Mscc, MsccAnswer
from tests.reference.side_by_side import SideBySide
from tests.reference.tariffs import Catalogue, Price, Release
from vocabulary.instants import NS_PER_S
from vocabulary.limits import CHARGED_MICROS_MAX, MICROS_MAX
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

START_NS = 1_790_000_000 * NS_PER_S
CHANGE_NS = START_NS + 600 * NS_PER_S
MONEY_ID, OCTETS_ID = 1, 2
ALLOWANCE = 11
TEN = {Unit.OCTETS: 10, Unit.SECONDS: 2}

pytestmark = pytest.mark.usefixtures("warm_engine")


def sides_of(*prices_after: Price, pinned: int = 0, remaining: int = 1000, octets: int = 0) -> SideBySide:
    """An account on a release with one micro an octet; at CHANGE_NS these prices come into force."""
    before = Price(10, price_micros=1, number=1, allowances=(ALLOWANCE,))
    catalogue = Catalogue((Release(1, offers={1: (before,)}), Release(2, CHANGE_NS, offers={1: prices_after})))
    buckets = [Bucket(MONEY_ID, remaining=remaining), Bucket(OCTETS_ID, Unit.OCTETS, ALLOWANCE, remaining=octets)]
    return SideBySide(catalogue, (Account(1, products=[Product(1, pinned)], buckets=buckets),))


def ask(
    sides: SideBySide, request_type: int, number: int, seconds: int, used: dict[Unit, int] | None
) -> tuple[MsccAnswer, tuple[int, int]]:
    """(the answer of the MSCC, money free and reserved) of a request that long after the start."""
    now_ns = START_NS + seconds * NS_PER_S
    mscc = Mscc(10, None, None if request_type == TERMINATION else TEN, used)
    (answer,) = sides.decide(
        [CreditControl(1, (1 << 40, 1), request_type, number, number, now_ns, msccs=(mscc,))], now_ns
    )
    bucket = sides.twin.accounts[1].bucket(MONEY_ID)
    return answer.msccs[0], (bucket.remaining, bucket.reserved)


def test_usage_is_charged_as_it_began_and_the_grant_as_it_is_now() -> None:
    """The report after the change at the old price, the next one at the new."""
    sides = sides_of(Price(10, price_micros=3, number=2))
    assert ask(sides, INITIAL, 0, 0, None)[1] == (990, 10)
    answer, money = ask(sides, UPDATE, 1, 700, TEN)
    assert (answer.granted, money) == (10, (960, 30))
    assert ask(sides, TERMINATION, 2, 800, TEN)[1] == (960, 0)


def test_a_pinned_product_does_not_notice() -> None:
    """Its release decides at any instant."""
    sides = sides_of(Price(10, price_micros=3, number=2), pinned=1)
    ask(sides, INITIAL, 0, 0, None)
    assert ask(sides, UPDATE, 1, 700, TEN)[1] == (980, 10)


@pytest.mark.parametrize(
    ("prices", "outcome"),
    [
        ((), Outcome.RATING_FAILED),
        ((Price(10, control=Control.DENIED, number=2),), Outcome.END_USER_SERVICE_DENIED),
        ((Price(10, control=Control.NOT_APPLICABLE, number=2),), Outcome.CREDIT_CONTROL_NOT_APPLICABLE),
    ],
)
def test_a_refusal_comes_after_the_charge(prices: tuple[Price, ...], outcome: Outcome) -> None:
    """What was used while there was a price is paid; there is no more, and the next report is uncharged."""
    sides = sides_of(*prices)
    ask(sides, INITIAL, 0, 0, None)
    answer, money = ask(sides, UPDATE, 1, 700, TEN)
    assert (answer.outcome, answer.granted, money) == (outcome, None, (990, 0))
    assert ask(sides, TERMINATION, 2, 800, TEN)[1] == (990, 0)


def test_a_price_in_another_unit_charges_the_report() -> None:
    """Seconds can't be charged by a price of octets: the new price takes the report, what was held goes back whole."""
    sides = sides_of(Price(10, unit=Unit.SECONDS, price_micros=100, number=2), octets=10)
    assert ask(sides, INITIAL, 0, 0, None)[1] == (1000, 0)
    answer, money = ask(sides, UPDATE, 1, 700, TEN)
    assert (answer.granted, answer.unit, money) == (2, Unit.SECONDS, (600, 200))
    assert sides.twin.accounts[1].bucket(OCTETS_ID).remaining == 10


@pytest.mark.parametrize(("charged", "remaining"), [(CHARGED_MICROS_MAX - 9, 1000), (0, 9 - MICROS_MAX)])
def test_a_charge_beyond_the_limits_moves_nothing(charged: int, remaining: int) -> None:
    """Neither the sum of charges nor the debt may pass its maximum: the usage is answered 5012 and kept as uncharged."""
    sides = sides_of()
    ask(sides, INITIAL, 0, 0, None)
    account = sides.twin.accounts[1]
    account.charged_micros, account.bucket(MONEY_ID).remaining = charged, remaining - 10
    sides = SideBySide(sides.catalogue, (account,))
    answer, money = ask(sides, UPDATE, 1, 10, TEN)
    assert (answer.outcome, answer.granted, money) == (Outcome.UNABLE_TO_COMPLY, None, (remaining, 0))
    assert sides.twin.accounts[1].charged_micros == charged


@pytest.mark.parametrize("upfs", [(None,), (7,), (7, 9), (7, 9, 11)], ids=str)
def test_upfs_that_report_in_turn_without_quota_are_charged_as_their_use_began(upfs: tuple[int | None, ...]) -> None:
    """Of each the first report behind the change is of use that began before it, all others are not."""
    sides = sides_of(Price(10, price_micros=2, number=2))
    first = CreditControl(1, (1 << 40, 1), INITIAL, 0, 0, START_NS)
    sides.decide([first], START_NS)
    reports = 0
    for seconds in (50, 200, 300, 400):
        for upf in upfs:
            reports += 1
            now_ns = START_NS + (4 * seconds + reports) * NS_PER_S
            mscc = Mscc(10, None, None, TEN, upf=upf)
            sides.decide([CreditControl(1, (1 << 40, 1), UPDATE, reports, reports, now_ns, msccs=(mscc,))], now_ns)
    assert sides.twin.accounts[1].bucket(MONEY_ID).remaining == 1000 - len(upfs) * (10 + 10 + 20 + 20)
