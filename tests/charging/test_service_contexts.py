"""Requests of a session that don't say their service: they are of the one that it began with."""

import pytest

from charging.batch import INITIAL, TERMINATION, UPDATE
from tests.reference.account import Account, Bucket, Product
from tests.reference.requests import CreditControl, Mscc
from tests.reference.side_by_side import SideBySide
from tests.reference.tariffs import Catalogue, Price, Release
from vocabulary.instants import NS_PER_S
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

START_NS = 1_790_000_000 * NS_PER_S
TEN = {Unit.OCTETS: 10}

pytestmark = pytest.mark.usefixtures("warm_engine")


def test_reports_without_a_context_are_charged_by_the_sessions() -> None:
    catalogue = Catalogue((Release(1, offers={1: (Price(10, price_micros=1, number=1),)}),))
    account = Account(1, products=[Product(1, 0)], buckets=[Bucket(1, remaining=1000)])
    sides = SideBySide(catalogue, (account,))
    for number, (request_type, context, used) in enumerate(
        [(INITIAL, 32251, None), (UPDATE, -1, TEN), (TERMINATION, -1, TEN)]
    ):
        mscc = Mscc(10, None, None if request_type == TERMINATION else TEN, used)
        request = CreditControl(
            1, (1 << 40, 1), request_type, number, number + 1, START_NS, msccs=(mscc,), service_context=context
        )
        (answer,) = sides.decide([request], START_NS)
        assert answer.msccs[0].outcome == Outcome.GRANTED
    assert sides.twin.accounts[1].bucket(1).remaining == 980
