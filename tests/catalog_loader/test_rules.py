"""Each rule finds its fault in a release that is otherwise sound, also without files."""

from typing import Any

import msgspec
import pytest

from catalog_loader.check import check_release
from catalog_loader.release import Offer, Release, Renewal, Service, Terms, price_of
from catalog_loader.rules import find_faults
from charging.tariff_tables import ABSENT, ANY
from tests.catalog_loader.sample_release import checked_sample, data_allowance, data_price, small_release
from vocabulary.ids import number_of_name
from vocabulary.limits import (
    BLOCK_UNITS_MAX,
    MICROS_MAX,
    PRICE_MICROS_MAX,
    THRESHOLD_UNITS_MAX,
    UNITS_MAX,
    VALIDITY_S_MAX,
)

OFFER = small_release().offers[0]
# Two ids with one number, found by trying: crc32 is linear, so such pairs are easy to come by.
SAME_NUMBER = ("plumless", "buckeroo")


def with_price(**changes: Any) -> Release:
    return small_release(prices=(data_price(**changes),))


def with_prices(*prices: Any) -> Release:
    """One offer with all of the prices."""
    names = tuple(dict.fromkeys(price.id for price in prices))
    return small_release(prices=prices, offers=(msgspec.structs.replace(OFFER, prices=names),))


def with_allowance(**changes: Any) -> Release:
    return small_release(allowances=(data_allowance(**changes),))


def with_offer(**changes: Any) -> Release:
    return small_release(offers=(msgspec.structs.replace(OFFER, **changes),))


def free(price_id: str, *services: Service) -> Any:
    price = price_of(price_id, services, "octets", price_micros=None)
    return msgspec.structs.replace(price, control="free", final_action="none")


BROKEN = {
    "number 0": (small_release(number=0), "release 0: number is 0"),
    "number too high": (small_release(number=2**31), "number is 2147483648"),
    "currency": (small_release(currency="EURO"), "currency EURO is not known"),
    "tenant": (small_release(tenant="T2.x"), "\"T2.x\" is no tenant"),
    "no offers": (small_release(offers=()), "the release has no offer"),
    "retired and present": (small_release(retired_offers=("start",)), "start is retired, but is in the release"),
    "two offers with one id": (small_release(offers=(OFFER, OFFER)), "offer start: another offer has this id too"),
    "same number": (
        small_release(offers=tuple(msgspec.structs.replace(OFFER, id=name) for name in SAME_NUMBER)),
        f"{SAME_NUMBER[1]} and {SAME_NUMBER[0]} have the same number",
    ),
    "empty id": (with_offer(id=""), "the offer has no id"),
    "unknown price": (
        with_offer(prices=("data-general", "data-generel")),
        "there is no price data-generel. Did you mean data-general?",
    ),
    "unknown allowance granted": (with_offer(allowances=("data-1gib", "x")), "there is no allowance x"),
    "unknown allowance of price": (with_price(allowances=("data-1gib", "data-2gib")), "there is no allowance data-2gib"),
    "price named twice": (with_offer(prices=("data-general", "data-general")), "price data-general is named twice"),
    "offer without price": (with_offer(prices=()), "the offer has no price"),
    "money below zero": (with_offer(money_micros=-1), "money is -1 micros"),
    "money too high": (with_offer(money_micros=MICROS_MAX + 1), "money is"),
    "price unsold": (with_offer(prices=()), "unreachable: no offer has this price"),
    "allowance unused": (with_price(allowances=()), "unused: no price takes from this allowance"),
    "allowance never granted": (with_offer(allowances=()), "never granted: no offer gives this allowance"),
    "allowance amount 0": (with_allowance(amount=0), "amount is 0 octets"),
    "allowance amount too high": (with_allowance(amount=UNITS_MAX + 1), "amount is"),
    "allowance priority": (with_allowance(priority=256), "priority is 256"),
    "allowance valid for nothing": (with_allowance(valid_for_s=0), "valid_for is 0 seconds"),
    "allowance of another unit": (with_allowance(unit="seconds"), "counts seconds, the price octets"),
    "no service": (with_price(services=()), "the price is for no service"),
    "context": (with_price(services=(Service(0, 1),)), "context 0 is no number"),
    "rating group too high": (with_price(services=(Service(32251, 2**32),)), "rating_group 4294967296"),
    "identifier below zero": (with_price(services=(Service(32251, 1, ABSENT),)), "service_identifier -1"),
    "identifier with any": (
        with_price(services=(Service(32251, ANY), Service(32251, ANY, 5))),
        "unreachable: a service_identifier",
    ),
    "service twice": (
        with_price(services=(Service(32251, 1), Service(32251, 1))),
        "overlap: data rating_group 1 is named twice",
    ),
    "overlap": (
        with_prices(data_price(), free("other", Service(32251, 10))),
        "price other: overlap: offer start prices data rating_group 10 by data-general already",
    ),
    "gap": (with_price(services=(Service(32251, 10, 5),)), "gap: offer start has no price for data rating_group 10"),
    "nobody pays": (with_price(price_micros=None, allowances=()), "neither a price nor allowances pay"),
    "free with a price": (with_price(control="free"), "control free leaves nothing to pay"),
    "min above max": (with_price(grant_units_min=2, grant_units=2, grant_units_max=1), "grant min 2 is above max 1"),
    "default below min": (with_price(grant_units=1), "grant default 1 is not between"),
    "grant 0": (with_price(grant_units_min=0), "grant min is 0 octets"),
    "grant too high": (with_price(grant_units_max=UNITS_MAX + 1), "grant max is"),
    "grant that nobody can pay": (
        with_price(block_units=1, price_micros=PRICE_MICROS_MAX, grant_units_min=2**20),
        "the smallest grant would cost more than",
    ),
    "period 0": (with_offer(renewal=Renewal(period_s=0)), "period is 0 seconds"),
    "fee below zero": (with_offer(renewal=Renewal(period_s=60, fee_micros=-1)), "fee is -1 micros"),
    "fee too high": (with_offer(renewal=Renewal(period_s=60, fee_micros=MICROS_MAX + 1)), "fee is"),
    "block 0": (with_price(block_units=0), "block is 0 octets"),
    "block too high": (with_price(block_units=BLOCK_UNITS_MAX + 1), "block is"),
    "price below zero": (with_price(price_micros=-1), "price is -1 micros"),
    "price too high": (with_price(price_micros=PRICE_MICROS_MAX + 1), "price is"),
    "validity 0": (with_price(validity_s=0), "validity is 0 seconds"),
    "validity too high": (with_price(validity_s=VALIDITY_S_MAX + 1), "validity is"),
    "threshold above 32 bits": (
        with_price(said=Terms(threshold_units=2**32), grant_units_max=2**40),
        "threshold is 4294967296 octets",
    ),
    "threshold below zero": (with_price(said=Terms(threshold_units=-1)), "threshold is -1 octets"),
    "threshold of the largest grant": (
        with_price(said=Terms(threshold_units=2**30)),
        "threshold 1073741824 is not below the largest grant 1073741824 (octets)",
    ),
    "threshold of all": (with_price(said=Terms(threshold_percent=100)), "threshold is 100 %"),
    "two thresholds": (
        with_price(said=Terms(threshold_percent=9, threshold_units=1)),
        "the threshold is an amount and a share",
    ),
    "held longer than valid": (
        with_price(said=Terms(holding_s=61), validity_s=60),
        "holding_time is 61 s, not in 1 s to the validity of 60 s. Shorten it",
    ),
    "held less than nothing": (with_price(said=Terms(holding_s=-1)), "holding_time is -1 s"),
    "unit": (with_price(unit="bytes"), "the price has no unit"),
    "control": (with_price(control="cheap"), "control cheap is not served"),
    "rounding": (with_price(rounding="away"), "rounding away is not served"),
    "final action": (with_price(final_action="reject"), "final_action reject is not served"),
    "redirected nowhere": (with_price(final_action="redirect"), "redirect_to is missing: final_action is redirect"),
    "redirected to a word": (
        with_price(final_action="redirect", said=Terms(redirect_to="portal")),
        "\"portal\" is no address. Write an URL",
    ),
    "address without redirect": (
        with_price(said=Terms(redirect_to="https://a.example")),
        "redirect_to has no sense where final_action is terminate. Remove it, or write final_action: redirect",
    ),
    "filter without restrict": (
        with_price(said=Terms(filter_id="garden")),
        "filter_id has no sense where final_action is terminate",
    ),
    "filter beyond ASCII": (
        with_price(final_action="restrict", said=Terms(filter_id="gärten")),
        "filter_id has characters beyond ASCII",
    ),
    "long address": (
        with_price(final_action="redirect", said=Terms(redirect_to="http://" + "a" * 249)),
        "redirect_to has characters beyond ASCII, or more than 255",
    ),
    "rule": (
        with_price(final_action="restrict", said=Terms(filter_rule="permit all")),
        "\"permit all\" is no IPFilterRule. Write a rule such as",
    ),
    "settled by a word": (with_price(settled_by="voucher"), "settled_by voucher is not served. Write balance or bill"),
    "settled by bill without credit": (
        with_price(settled_by="bill"),
        "offer start: credit_limit is missing: price data-general is settled by bill, and nothing could be owed. Write",
    ),
    "credit for nothing": (
        with_offer(credit=1),
        "offer start: credit_limit has no sense: no price of the offer is settled by bill. Remove it",
    ),
    "credit below zero": (with_offer(credit=-1), "offer start: credit_limit is -1 micros"),
    "credit that no account can have": (with_offer(credit=MICROS_MAX + 1), "credit_limit is 1000000000000000001 micros"),
}  # fmt: skip


@pytest.mark.parametrize(("release", "fault"), BROKEN.values(), ids=BROKEN.keys())
def test_each_fault_is_found(release: Release, fault: str) -> None:
    report = check_release(release)
    assert not report.is_sound
    assert any(fault in line for line in report.lines()), report.lines()


def test_sound_releases_have_no_faults() -> None:
    assert list(find_faults(small_release())) == []
    assert list(find_faults(checked_sample().release)) == []
    at_the_limits = with_price(
        block_units=BLOCK_UNITS_MAX,
        price_micros=PRICE_MICROS_MAX,
        validity_s=VALIDITY_S_MAX,
        grant_units_max=UNITS_MAX,
        said=Terms(threshold_units=THRESHOLD_UNITS_MAX, holding_s=VALIDITY_S_MAX),
        services=(Service(2**31 - 1, 2**32 - 1), Service(32251, 0), Service(32251, 0, 2**32 - 1)),
    )
    assert list(find_faults(at_the_limits)) == []


def test_numbers_of_the_names_do_meet() -> None:
    assert number_of_name(SAME_NUMBER[0]) == number_of_name(SAME_NUMBER[1])


def test_prices_of_two_offers_do_not_overlap() -> None:
    prices = (data_price(), free("other", Service(32251, 10)))
    offers = (OFFER, Offer(id="more", prices=("other",)))
    assert list(find_faults(small_release(prices=prices, offers=offers))) == []


def test_an_identifier_beside_its_rating_group_is_neither_overlap_nor_gap() -> None:
    with_group = with_prices(data_price(), free("portal", Service(32251, 10, 5)))
    assert list(find_faults(with_group)) == []
    with_any = with_prices(data_price(services=(Service(32251, ANY),)), free("portal", Service(32251, 10, 5)))
    assert list(find_faults(with_any)) == []
    other_context = with_prices(data_price(services=(Service(32260, ANY),)), free("portal", Service(32251, 10, 5)))
    assert [finding.problem.split(":")[0] for finding in find_faults(other_context)] == ["gap"]


def test_allowances_stand_in_the_order_of_their_use() -> None:
    first, second = data_allowance(priority=5), data_allowance(id="data-2gib", priority=9)
    offers = (msgspec.structs.replace(OFFER, allowances=("data-1gib", "data-2gib")),)
    right = small_release(
        allowances=(first, second), offers=offers, prices=(data_price(allowances=("data-1gib", "data-2gib")),)
    )
    wrong = msgspec.structs.replace(right, prices=(data_price(allowances=("data-2gib", "data-1gib")),))
    assert list(find_faults(right)) == []
    assert ["is used before" in finding.problem for finding in find_faults(wrong)] == [True]


def test_a_shared_overlap_is_reported_once() -> None:
    release = with_prices(data_price(), free("other", Service(32251, 10)))
    both = (*release.offers, msgspec.structs.replace(release.offers[0], id="second"))
    lines = check_release(msgspec.structs.replace(release, offers=both)).lines()
    assert len([line for line in lines if "overlap" in line]) == 1
