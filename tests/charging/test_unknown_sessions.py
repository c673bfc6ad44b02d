"""Reports of sessions that aren't open: refused, and on record as used and paid by nothing."""

import pytest

from balances.journal import decode_entry
from charging.batch import INITIAL, TERMINATION, UPDATE
from tests.reference.account import Account, Bucket, Product
from tests.reference.requests import CreditControl, Mscc
from tests.reference.side_by_side import SideBySide
from tests.reference.tariffs import Catalogue, Price, Release
from vocabulary.instants import NS_PER_S
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

START_NS = 1_790_000_000 * NS_PER_S
USED = {Unit.OCTETS: 10, Unit.SECONDS: 3}

pytestmark = pytest.mark.usefixtures("warm_engine")


@pytest.mark.parametrize("request_type", [UPDATE, TERMINATION])
def test_what_they_report_is_uncharged(request_type: int) -> None:
    """Three services: one reports octets, one (whose price isn't known) seconds, one nothing."""
    catalogue = Catalogue((Release(1, offers={1: (Price(10, price_micros=1, number=1),)}),))
    account = Account(1, products=[Product(1, 0)], buckets=[Bucket(1, remaining=1000)])
    sides = SideBySide(catalogue, (account,))
    msccs = (Mscc(10, None, USED, USED), Mscc(99, 7, None, {Unit.SECONDS: 5}), Mscc(10, 1, USED, None))
    request = CreditControl(1, (1 << 40, 1), request_type, 1, 1, START_NS, msccs=msccs)
    (answer,) = sides.decide([request], START_NS)
    assert answer.outcome == Outcome.UNKNOWN_SESSION_ID
    assert sides.twin.accounts[1].bucket(1).remaining == 1000
    usages = decode_entry(sides.engine.entries[-1][1]).usages
    assert usages["rating_group"].tolist() == [10, 99]
    assert usages["used_units"].tolist() == usages["uncharged_units"].tolist() == [10, 5]
    assert set(usages["outcome"]) == {Outcome.UNKNOWN_SESSION_ID}
    assert set(usages["to_ns"]) == {START_NS}


def test_a_late_initial_request_reports_nothing() -> None:
    """Of a session that has ended: refused as well, and its record has no line."""
    catalogue = Catalogue((Release(1, offers={1: (Price(10, price_micros=1, number=1),)}),))
    sides = SideBySide(catalogue, (Account(1, products=[Product(1, 0)], buckets=[Bucket(1, remaining=1000)]),))
    first = CreditControl(1, (1 << 40, 1), INITIAL, 0, 1, START_NS, msccs=(Mscc(10, None, USED, None),))
    last = CreditControl(1, (1 << 40, 1), TERMINATION, 1, 2, START_NS, msccs=(Mscc(10, None, None, USED),))
    outcomes = [sides.decide([request], START_NS)[0].outcome for request in (first, last, first)]
    assert outcomes == [Outcome.GRANTED, Outcome.GRANTED, Outcome.UNKNOWN_SESSION_ID]
    assert decode_entry(sides.engine.entries[-1][1]).usages["used_units"].size == 0
