"""One-time events that tell of use alone: charged by what they say, and on record where nothing charges it."""

import pytest

from balances.journal import decode_entry
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
CHARGED, DENIED, UNPRICED = 10, 30, 99
MONEY, OCTETS, SECONDS = int(Unit.MONEY), int(Unit.OCTETS), int(Unit.SECONDS)

pytestmark = pytest.mark.usefixtures("warm_engine")


@pytest.mark.parametrize(
    ("group", "used", "outcome", "row"),
    [
        (CHARGED, {Unit.OCTETS: 5}, Outcome.GRANTED, (OCTETS, 5, 0, 5)),
        (CHARGED, {Unit.OCTETS: 0}, Outcome.GRANTED, (OCTETS, 0, 0, 0)),
        (CHARGED, {}, Outcome.GRANTED, (OCTETS, 1, 0, 1)),
        (CHARGED, {Unit.SECONDS: 30}, Outcome.GRANTED, (SECONDS, 30, 30, 0)),
        (DENIED, {Unit.OCTETS: 5}, Outcome.END_USER_SERVICE_DENIED, (OCTETS, 5, 5, 0)),
        (UNPRICED, {Unit.SECONDS: 5}, Outcome.RATING_FAILED, (SECONDS, 5, 5, 0)),
        (UNPRICED, {}, Outcome.RATING_FAILED, (MONEY, 0, 0, 0)),
    ],
    ids=["units", "0 units", "none named", "other units", "denied", "without a price", "without anything"],
)
def test_what_they_tell_of(group: int, used: dict[Unit, int], outcome: Outcome, row: tuple[int, ...]) -> None:
    """(unit, used, uncharged, micros) of the usage row."""
    prices = (Price(CHARGED, price_micros=1, number=1), Price(DENIED, control=Control.DENIED, number=3))
    account = Account(1, products=[Product(1, 0)], buckets=[Bucket(1, remaining=1000)])
    sides = SideBySide(Catalogue((Release(1, offers={1: prices}),)), (account,))
    event = CreditControl(
        1, (1 << 40, 1), EVENT, 0, 1, START_NS, msccs=(Mscc(group, None, None, used),), requested_action=0
    )
    (answer,) = sides.decide([event], START_NS)
    assert answer.msccs[0].outcome == outcome
    usages = decode_entry(sides.engine.entries[-1][1]).usages
    names = ("unit", "used_units", "uncharged_units", "charged_micros")
    assert tuple(usages[name].item() for name in names) == row
    assert sides.twin.accounts[1].bucket(1).remaining == 1000 - row[3]
