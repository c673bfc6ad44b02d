"""Money in several buckets, which end while they are held: kernels and the plain twin give and pay alike."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charging.tariff_tables import RoundingScope
from tests.charging.drawn import HOUR_S, TRIED, amounts, credits_drawn, move, several_balances
from tests.charging.traffic import WEEKS, ZONE, Service, Traffic
from tests.reference.account import Account, Product
from tests.reference.side_by_side import SideBySide
from tests.reference.tariffs import Catalogue, Price, Release
from vocabulary.money import Rounding
from vocabulary.units import Unit

charged_prices = st.builds(
    Price,
    rating_group=st.just(10),
    block_units=st.sampled_from((1, 1, 7, 10, 60)),
    price_micros=st.sampled_from((1, 3, 7, 50)),
    allowances=st.sampled_from(((), (11,))),
    grant_units=st.sampled_from((40, 1000)),
    grant_units_max=st.sampled_from((1000, 2**40)),
    number=st.just(1),
    settled_by=st.sampled_from((Unit.MONEY, Unit.MONEY, Unit.BILL)),
    rounding=st.sampled_from(Rounding),
    scope=st.sampled_from(RoundingScope),
    bands=st.sampled_from(((), *WEEKS)),
    zone=st.just(ZONE),
)
spenders = st.builds(
    Account,
    st.just(1),
    credit_limit_micros=st.sampled_from((0, 0, 20, 100)),
    products=st.just([Product(1)]),
    buckets=several_balances(),
)
paid_services = st.builds(
    Service,
    rating_group=st.just(10),
    identifier=st.sampled_from((None, None, 7)),
    asked=st.one_of(st.none(), st.none(), st.tuples(st.just(Unit.OCTETS), st.one_of(amounts, st.integers(0, 300)))),
    wants=st.sampled_from((True, True, True, False)),
    used=st.sampled_from((None, 50, 100, 100)),
    extra=st.sampled_from((0, 0, 1, 30, 1000)),
    before=st.sampled_from((None, 0, 40, 100)),
)
whose = st.tuples(st.just(0), st.integers(0, 1))
paid_lists = st.lists(paid_services, min_size=1, max_size=3)
spending = st.one_of(
    move("go", whose, paid_lists),
    move("go", whose, paid_lists),
    move("go", whose, paid_lists),
    move("stop", whose, paid_lists),
    move("start", whose, paid_lists),
    move("event", whose, paid_lists, st.just(0)),
    move("top_up", st.just(0), credits_drawn),
    move("clock", st.sampled_from((1, 29, 31, 60, HOUR_S))),
    move("clock", st.sampled_from((1, 29, 31, 60, HOUR_S))),
)


@pytest.mark.usefixtures("warm_engine")
@TRIED
@given(
    price=charged_prices,
    account=spenders,
    opening=st.tuples(paid_lists, paid_lists),
    script=st.lists(spending, min_size=5, max_size=20),
)
def test_several_money_buckets_give_and_pay_as_the_page_says(
    price: Price, account: Account, opening: tuple[list[Service], list[Service]], script: list[tuple[Any, ...]]
) -> None:
    """Two open sessions spend an account whose money lies in several buckets, which end while they are held."""
    traffic = Traffic(SideBySide(Catalogue((Release(1, 0, 1, {1: (price,)}),)), (account,)), False, False)
    for place, own in enumerate(opening):
        traffic.play(("start", (0, place), own))
    for each in script:
        traffic.play(("cut",))
        traffic.play(each)
    traffic.finish()
