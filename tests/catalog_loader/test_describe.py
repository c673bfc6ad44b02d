"""What people read of a release before they publish it, and what a next one changes."""

import msgspec
from msgspec import UNSET

from catalog_loader.changes import Change, changes
from catalog_loader.describe import DescribedAllowance, DescribedOffer, DescribedPrice, describe
from catalog_loader.release import Band, Renewal, Terms
from tests.catalog_loader.sample_release import (
    POSTPAID,
    SAMPLE_2,
    checked_sample,
    data_allowance,
    data_price,
    small_release,
)

SAMPLE_RELEASE = checked_sample().release


def test_the_sample_reads_as_it_is_written() -> None:
    description = describe(SAMPLE_RELEASE)
    header = dict(description.header)
    assert header["effective"] == "2024-12-31T23:00:00.000Z"
    assert (header["release"], header["tenant"], header["currency"]) == ("1", "default", "EUR")
    assert (
        DescribedOffer("prepaid-plus", "Prepaid Plus", "20.00 EUR", "data-10gib, voice-100min", "-", "-", "10")
        in description.offers
    )
    assert (
        DescribedAllowance("data-booster", "500 MiB booster", "500 MiB", "7 d", "5", "top_up") in description.allowances
    )
    prices = {price.price: price for price in description.prices}
    assert len(prices) == len(description.prices) == len(SAMPLE_RELEASE.prices)
    assert prices["data-general"] == DescribedPrice(
        price="data-general",
        services="data rating_group absent; data rating_group 10; data_5g rating_group absent; data_5g rating_group 10",
        charge="0.02 EUR per 1 MiB, up over the session",
        settled_by="balance",
        allowances="data-booster, data-1gib, data-10gib",
        grant="10 MiB (512 KiB to 100 MiB), 30 min",
        final_action="terminate",
        offers="prepaid-basic, prepaid-plus, prepaid-start",
    )
    assert prices["data-premium"].charge == "0.005 EUR per 100 KiB, half even over the report"
    assert prices["data-premium"].offers == "prepaid-plus"
    assert (prices["data-tethering-denied"].charge, prices["data-tethering-denied"].grant) == ("denied", "-")
    assert (prices["data-portal"].charge, prices["data-portal"].final_action) == ("free", "-")
    expected = "data rating_group 10, service_identifier 5; data_5g rating_group 10, service_identifier 5"
    assert prices["data-portal"].services == expected


def test_a_renewal_says_what_it_costs_and_how_long_it_lasts() -> None:
    (offer,) = small_release().offers
    texts = []
    for renewal in (Renewal(period_s=30 * 86400, fee_micros=9_990_000), Renewal(period_s=3600), UNSET):
        release = small_release(offers=(msgspec.structs.replace(offer, renewal=renewal),))
        texts.append(describe(release).offers[0].renewal)
    assert texts == ["9.99 EUR each 30 d", "free of charge each 1 h", "-"]


def test_many_services_are_counted_and_allowances_may_pay_alone() -> None:
    services = tuple(msgspec.structs.replace(data_price().services[0], rating_group=group) for group in range(9))
    release = small_release(prices=(data_price(services=services, price_micros=None),))
    (price,) = describe(release).prices
    assert price.services.endswith("data rating_group 3; and 5 more")
    assert price.charge == "allowances alone"
    assert dict(describe(small_release(retired_offers=("old",))).header)["retires"] == "old"


def test_a_cheaper_price_is_the_one_change() -> None:
    assert changes(SAMPLE_RELEASE, checked_sample(SAMPLE_2).release) == [
        Change("release", "name", "Prepaid, spring", "Prepaid, summer"),
        Change(
            "price data-general",
            "charge",
            "0.02 EUR per 1 MiB, up over the session",
            "0.01 EUR per 1 MiB, up over the session",
        ),
    ]
    assert changes(SAMPLE_RELEASE, SAMPLE_RELEASE) == []


def test_what_is_new_and_what_is_gone() -> None:
    before = small_release()
    after = small_release(
        number=2,
        offers=(msgspec.structs.replace(before.offers[0], id="more", allowances=("data-2gib",)),),
        allowances=(data_allowance(id="data-2gib", amount=2 * 1024**3),),
        prices=(data_price(allowances=("data-2gib",), grant_units=5 * 1024**2),),
        retired_offers=("start",),
    )
    found = {(change.thing, change.what): (change.before, change.after) for change in changes(before, after)}
    assert found == {
        ("release", "retires"): ("-", "start"),
        ("offer start", ""): ("10.00 EUR; data-1gib; data-general", ""),
        ("offer more", ""): ("", "10.00 EUR; data-2gib; data-general"),
        ("allowance data-1gib", ""): ("1 GiB; 30 d; 100; opening", ""),
        ("allowance data-2gib", ""): ("", "2 GiB; 30 d; 100; opening"),
        ("price data-general", "allowances"): ("data-1gib", "data-2gib"),
        ("price data-general", "grant"): (
            "10 MiB (64 KiB to 1 GiB), 1 h",
            "5 MiB (64 KiB to 1 GiB), 1 h",
        ),
    }


def test_what_is_settled_by_bill_and_how_much_is_shown() -> None:
    description = describe(checked_sample(POSTPAID).release)
    assert {offer.offer: offer.credit_limit for offer in description.offers} == {
        "hybrid-m": "20.00 EUR",
        "postpaid-m": "50.00 EUR",
    }
    settled_by = {price.price: price.settled_by for price in description.prices}
    assert (settled_by["sms-premium"], settled_by["sms-premium-on-bill"]) == ("balance", "bill")
    assert settled_by["voice-emergency"] == "-"
    before = small_release(
        offers=(msgspec.structs.replace(small_release().offers[0], credit=1_000_000),),
        prices=(data_price(settled_by="bill"),),
    )
    after = msgspec.structs.replace(before, offers=(msgspec.structs.replace(before.offers[0], credit=2_000_000),))
    assert changes(before, after) == [Change("offer start", "credit limit", "1.00 EUR", "2.00 EUR")]
    assert Change("price data-general", "settled by", "balance", "bill") in changes(small_release(), before)


def test_terms_of_grants_are_shown() -> None:
    for said, text in (
        (Terms(threshold_percent=20), ", asked again at 20 %"),
        (Terms(threshold_units=2 * 2**20, holding_s=600), ", asked again at 2 MiB, held unused 10 min"),
    ):
        (price,) = describe(small_release(prices=(data_price(said=said),))).prices
        assert price.grant == "10 MiB (64 KiB to 1 GiB), 1 h" + text


def test_times_of_other_prices_are_shown() -> None:
    bands = (
        Band(days=(5, 6), from_min=0, to_min=1440, price_micros=10_000),
        Band(days=(0, 1, 2, 3, 4), from_min=480, to_min=1200, price_micros=50_000),
        Band(days=(0, 2, 3), from_min=1380, to_min=30, price_micros=0),
    )
    before, after = small_release(prices=(data_price(),)), small_release(prices=(data_price(by_time=bands),))
    text = "0.02 EUR per 1 MiB, up over the session"
    more = "; 0.05 EUR mon-fri 08:00-20:00; 0.00 EUR mon,wed-thu 23:00-00:30; 0.01 EUR sat-sun 00:00-24:00"
    assert changes(before, after) == [Change("price data-general", "charge", text, text + more)]


def test_what_follows_the_last_grant_is_shown() -> None:
    said = Terms(redirect_to="https://a.example", filter_id="garden", filter_rule="permit out ip from any to any")
    (price,) = describe(small_release(prices=(data_price(final_action="redirect", said=said),))).prices
    assert price.final_action == "redirect to https://a.example, filter garden, filter permit out ip from any to any"
