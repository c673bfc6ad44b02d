"""Reports in other units than the price's alone: nothing is charged, and what was reported is on record in its own unit."""

import pytest

from balances.journal import decode_entry
from charging.batch import INITIAL, UPDATE
from charging.tariff_tables import Control
from tests.reference.account import Account, Bucket, Product
from tests.reference.requests import CreditControl, Mscc
from tests.reference.side_by_side import SideBySide
from tests.reference.tariffs import Catalogue, Price, Release
from vocabulary.instants import NS_PER_S
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

START_NS = 1_790_000_000 * NS_PER_S
CHARGED, FREE, DENIED = 10, 20, 30
OCTETS, SECONDS = int(Unit.OCTETS), int(Unit.SECONDS)

pytestmark = pytest.mark.usefixtures("warm_engine")


def recorded(mscc: Mscc, outcome: Outcome) -> tuple[int, int, int, int]:
    """(unit, used, uncharged, granted) of the usage row of an update with it, at prices of octets; money stays whole."""
    prices = (
        Price(CHARGED, price_micros=1, number=1),
        Price(FREE, control=Control.FREE, number=2),
        Price(DENIED, control=Control.DENIED, number=3),
    )
    sides = SideBySide(
        Catalogue((Release(1, offers={1: prices}),)),
        (Account(1, products=[Product(1, 0)], buckets=[Bucket(1, remaining=1000)]),),
    )
    first = CreditControl(1, (1 << 40, 1), INITIAL, 0, 1, START_NS)
    update = CreditControl(1, (1 << 40, 1), UPDATE, 1, 2, START_NS, msccs=(mscc,))
    answers = [sides.decide([request], START_NS)[0] for request in (first, update)]
    assert answers[1].msccs[0].outcome == outcome
    bucket = sides.twin.accounts[1].bucket(1)
    assert bucket.remaining + bucket.reserved == 1000
    (row,) = zip(
        *(
            decode_entry(sides.engine.entries[-1][1]).usages[name].tolist()
            for name in ("unit", "used_units", "uncharged_units", "granted_units")
        ),
        strict=True,
    )
    return tuple(row)


@pytest.mark.parametrize(
    ("mscc", "outcome", "row"),
    [
        (Mscc(CHARGED, None, None, {Unit.SECONDS: 30}), Outcome.GRANTED, (SECONDS, 30, 30, 0)),
        (Mscc(CHARGED, None, {Unit.OCTETS: 7}, {Unit.SECONDS: 30}), Outcome.GRANTED, (SECONDS, 30, 30, 7)),
        (Mscc(CHARGED, None, None, {Unit.EVENTS: 2, Unit.SECONDS: 30}), Outcome.GRANTED, (SECONDS, 30, 30, 0)),
        (Mscc(CHARGED, None, None, {Unit.OCTETS: 0, Unit.SECONDS: 30}), Outcome.GRANTED, (OCTETS, 0, 0, 0)),
        (Mscc(CHARGED, None, None, {Unit.SECONDS: 0}), Outcome.GRANTED, (OCTETS, 0, 0, 0)),
        (Mscc(FREE, None, None, {Unit.SECONDS: 30}), Outcome.GRANTED, (SECONDS, 30, 0, 0)),
        (Mscc(DENIED, None, None, {Unit.SECONDS: 30}), Outcome.END_USER_SERVICE_DENIED, (SECONDS, 30, 30, 0)),
    ],
    ids=["alone", "with a grant", "the first named", "the price's is named", "nothing", "free", "denied"],
)
def test_what_is_in_no_unit_of_the_price(mscc: Mscc, outcome: Outcome, row: tuple[int, int, int, int]) -> None:
    assert recorded(mscc, outcome) == row
