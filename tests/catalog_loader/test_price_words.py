"""A price in words is the price that kernels charge, at any instant, also where clocks are changed."""

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from catalog_loader.amounts import money_text
from catalog_loader.compile import compile_release, stack
from catalog_loader.price_words import PriceOfRelease, charge_at, final_words
from catalog_loader.release import Band, Terms
from charging.rating.time_bands import micros_at
from tests.catalog_loader.sample_release import data_price, small_release
from vocabulary.instants import NS_PER_S, from_rfc3339

BANDS = (
    Band(days=(0, 1, 2, 3, 4), from_min=8 * 60, to_min=20 * 60, price_micros=50_000),
    Band(days=(5, 6), from_min=22 * 60, to_min=2 * 60, price_micros=10_000),
)
PRICE = data_price(by_time=BANDS)
RELEASE = small_release(prices=(PRICE,), time_zone="Europe/Berlin")
TABLES = stack([compile_release(RELEASE, 1)])
SPRING = from_rfc3339("2026-03-29T01:00:00Z")


@given(st.integers(1_700_000_000, 1_900_000_000).map(lambda second: second * NS_PER_S))
@example(SPRING)
@example(SPRING - NS_PER_S)
@example(from_rfc3339("2026-10-25T01:00:00Z"))
def test_words_name_what_kernels_charge(at_ns: int) -> None:
    said = charge_at(PriceOfRelease(PRICE, RELEASE), at_ns)
    micros = int(micros_at(TABLES, TABLES.prices[0], at_ns))
    assert said.block == f"{money_text(micros, 'EUR')} per 1 MiB"
    assert said.band == {20_000: "", 50_000: "mon-fri 08:00-20:00", 10_000: "sat-sun 22:00-02:00"}[micros]


def test_prices_without_money_are_words() -> None:
    free = msgspec.structs.replace(PRICE, control="not_applicable")
    assert charge_at(PriceOfRelease(free, RELEASE), SPRING) == ("not applicable", "")
    alone = msgspec.structs.replace(PRICE, price_micros=None)
    assert charge_at(PriceOfRelease(alone, RELEASE), SPRING) == ("allowances alone", "")


def test_what_follows_the_last_grant() -> None:
    assert final_words(PRICE) == "the client ends the service"
    walled = data_price(
        final_action="restrict", said=Terms(filter_id="walled", filter_rule="permit in ip from any to any")
    )
    assert final_words(walled) == "the user is restricted by filter walled and filter permit in ip from any to any"
