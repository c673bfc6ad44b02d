"""One-time events that name an amount which is none in the unit of their price."""

import pytest

from charging.batch import EVENT
from charging.tariff_tables import Control
from tests.reference.account import Account, Bucket, Product
from tests.reference.requests import CreditControl, Mscc
from tests.reference.side_by_side import SideBySide
from tests.reference.tariffs import Catalogue, Price, Release
from vocabulary.instants import NS_PER_S
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

START_NS = 1_790_000_000 * NS_PER_S
CHARGED, FREE, DENIED, UNPRICED = 10, 20, 30, 99
SOMETHING = Mscc(CHARGED, 1, {Unit.EVENTS: 2}, None)

pytestmark = pytest.mark.usefixtures("warm_engine")


def decided(*msccs: Mscc) -> tuple[Outcome, int, int]:
    """(outcome, AVP at fault, money that it cost) of an event with these, at prices of service-specific units."""
    prices = (
        Price(CHARGED, price_micros=7, unit=Unit.EVENTS, number=1),
        Price(FREE, unit=Unit.EVENTS, control=Control.FREE, number=2),
        Price(DENIED, unit=Unit.EVENTS, control=Control.DENIED, number=3),
    )
    account = Account(1, products=[Product(1, 0)], buckets=[Bucket(1, remaining=1000)])
    sides = SideBySide(Catalogue((Release(1, offers={1: prices}),)), (account,))
    event = CreditControl(1, (1 << 40, 1), EVENT, 0, 1, START_NS, msccs=msccs, requested_action=0)
    (answer,) = sides.decide([event], START_NS)
    (again,) = sides.decide([event], START_NS)
    assert again.outcome == answer.outcome
    return answer.outcome, answer.failed_code, 1000 - sides.twin.accounts[1].bucket(1).remaining


@pytest.mark.parametrize(
    "msccs",
    [
        (Mscc(CHARGED, None, {Unit.EVENTS: 0, Unit.OCTETS: 140}, None),),
        (Mscc(CHARGED, None, {Unit.EVENTS: 0, Unit.SECONDS: 1}, {Unit.OCTETS: 140}),),
        (Mscc(FREE, None, {Unit.EVENTS: 0, Unit.OCTETS: 140}, None),),
        (SOMETHING, Mscc(CHARGED, None, {Unit.EVENTS: 0, Unit.OCTETS: 140}, None)),
    ],
    ids=["of others more", "and used of others", "free", "beside something"],
)
def test_an_amount_of_nothing_is_refused_whole(msccs: tuple[Mscc, ...]) -> None:
    assert decided(*msccs) == (Outcome.INVALID_AVP_VALUE, 437, 0)


@pytest.mark.parametrize(
    ("msccs", "cost"),
    [
        ((Mscc(CHARGED, None, {Unit.OCTETS: 140}, None),), 7),
        ((Mscc(CHARGED, None, {Unit.EVENTS: 2, Unit.OCTETS: 0}, None),), 14),
        ((Mscc(CHARGED, None, {Unit.EVENTS: 0}, {Unit.EVENTS: 3}),), 21),
        ((Mscc(DENIED, None, {Unit.EVENTS: 0, Unit.OCTETS: 140}, None), SOMETHING), 14),
        ((Mscc(UNPRICED, None, {Unit.EVENTS: 0, Unit.OCTETS: 140}, None), SOMETHING), 14),
    ],
    ids=["the price's isn't named", "of another none", "what was used", "denied", "without a price"],
)
def test_others_are_decided(msccs: tuple[Mscc, ...], cost: int) -> None:
    assert decided(*msccs) == (Outcome.GRANTED, 0, cost)
