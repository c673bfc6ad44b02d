"""Kernels and twin side by side where prices change every minute: split reports, grants over changes, and their repeats."""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from charging.tariff_tables import RoundingScope
from tests.charging.drawn import EXAMPLES
from tests.charging.traffic import WEEKS, ZONE, Service, Traffic
from tests.reference.account import Account, Bucket, Product
from tests.reference.side_by_side import SideBySide
from tests.reference.tariffs import Catalogue, Price, Release
from vocabulary.money import Rounding
from vocabulary.units import Unit

PLACE = (0, 0)
UNITS = (Unit.OCTETS, Unit.SECONDS, Unit.SECONDS, Unit.EVENTS)

prices = st.builds(
    Price,
    rating_group=st.just(10),
    unit=st.sampled_from(UNITS),
    block_units=st.sampled_from((1, 1, 7, 60)),
    allowances=st.sampled_from(((), (11,))),
    grant_units=st.sampled_from((40, 100)),
    validity_s=st.sampled_from((60, 90, 3600)),
    holding_s=st.sampled_from((0, 45)),
    rounding=st.sampled_from(Rounding),
    scope=st.sampled_from(RoundingScope),
    bands=st.sampled_from(WEEKS),
    zone=st.just(ZONE),
)
services = st.builds(
    Service,
    rating_group=st.just(10),
    identifier=st.none(),
    asked=st.none(),
    wants=st.just(True),
    used=st.sampled_from((50, 100, 100)),
    extra=st.sampled_from((0, 0, 1, 30)),
    before=st.sampled_from((None, None, 0, 40, 100)),
)
steps = st.tuples(
    st.sampled_from((1, 10, 20, 29, 45, 60, 60, 61, 80, 3600)),
    st.one_of(
        st.tuples(st.just("go"), st.just(PLACE), st.lists(services, min_size=1, max_size=1)),
        st.tuples(st.just("go"), st.just(PLACE), st.lists(services, min_size=1, max_size=2)),
        st.tuples(st.just("repeat"), st.just(PLACE), st.integers(1, 2), st.just(False), st.booleans()),
        st.tuples(st.just("repeat"), st.just(PLACE), st.just(1), st.just(False), st.just(False)),
        st.tuples(st.just("event"), st.just((0, 1)), st.lists(services, min_size=1, max_size=1), st.just(0)),
    ),
)


@pytest.mark.usefixtures("warm_engine")
@settings(
    max_examples=EXAMPLES,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    prices,
    st.sampled_from((30, 200, 200, 1000, 10**6)),
    st.sampled_from((0, 30)),
    st.lists(steps, min_size=4, max_size=14),
)
def test_prices_that_change_are_charged_granted_and_repeated_as_the_page_says(
    price: Price, money: int, allowance: int, script: list[tuple[int, tuple[Any, ...]]]
) -> None:
    """Each step is a batch of its own, some seconds after the last."""
    buckets = [Bucket(1, remaining=money), Bucket(2, price.unit, 11, 0, allowance)]
    account = Account(1, products=[Product(1)], buckets=buckets)
    traffic = Traffic(SideBySide(Catalogue((Release(1, 0, 1, {1: (price,)}),)), (account,)), False, False)
    traffic.play(("start", PLACE, [Service(10, None, None, True, None, 0, None)]))
    for seconds, move in script:
        traffic.play(("cut",))
        traffic.play(("clock", seconds))
        traffic.play(move)
    traffic.finish()
