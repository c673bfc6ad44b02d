"""A next release strands nobody: what accounts hold by name goes on, or is given up on purpose."""

from typing import Any

import msgspec
import pytest

from catalog_loader.check import check_release, succession_faults
from catalog_loader.release import Release
from catalog_loader.succession import find_succession_faults
from tests.catalog_loader.sample_release import SAMPLE_2, checked_sample, data_allowance, data_price, small_release
from vocabulary.limits import RELEASES_MAX

FIRST = small_release()


def next_release(**changes: Any) -> Release:
    return msgspec.structs.replace(FIRST, **({"number": 2, "effective_ns": 2_000} | changes))


def renamed_offer(**changes: Any) -> Release:
    return next_release(offers=(msgspec.structs.replace(FIRST.offers[0], id="other"),), **changes)


def renamed_allowance(**changes: Any) -> Release:
    return next_release(
        allowances=(data_allowance(id="data-2gib"),),
        prices=(data_price(allowances=("data-2gib",)),),
        offers=(msgspec.structs.replace(FIRST.offers[0], allowances=("data-2gib",)),),
        **changes,
    )


def on_bill(number: int = 2, **changes: Any) -> Release:
    """The release with its price on the bill."""
    offer = msgspec.structs.replace(FIRST.offers[0], credit=50_000_000)
    prices = (data_price(settled_by="bill"),)
    return next_release(number=number, offers=(offer,), prices=prices, **changes)


FAULTY = {
    "no bill before": (
        on_bill(),
        "offer start has no credit_limit in release 1: its accounts have no bill",
    ),
    "settled by another": (
        on_bill(),
        "price data-general is settled by bill for services of offer start that are settled by balance in release 1",
    ),
    "same number": (next_release(number=1), "release number 1 is not above 1"),
    "lower number": (next_release(number=0), "release number 0 is not above 1"),
    "same instant": (next_release(effective_ns=1_000), "release 1 is effective from 1970-01-01T00:00:00.000Z too"),
    "currency": (next_release(currency="CHF"), "currency CHF, but release 1 and its accounts have EUR"),
    "offer gone": (renamed_offer(), "offer start of release 1 is missing: its subscribers would have no price"),
    "allowance gone": (renamed_allowance(), "allowance data-1gib of release 1 is missing"),
    "service counted in another unit": (
        next_release(prices=(data_price(unit="seconds", allowances=()),)),
        "price data-general counts seconds of services of offer start that are counted in octets in release 1",
    ),
    "allowance of another unit": (
        next_release(allowances=(data_allowance(unit="seconds"),)),
        "allowance data-1gib counts seconds, in release 1 it counted octets",
    ),
}


@pytest.mark.parametrize(("release", "fault"), FAULTY.values(), ids=FAULTY.keys())
def test_each_fault_is_found(release: Release, fault: str) -> None:
    problems = [finding.problem for finding in find_succession_faults(release, [FIRST])]
    assert any(problem.startswith(fault) for problem in problems), problems


@pytest.mark.parametrize(
    "release",
    [
        next_release(),
        next_release(prices=(data_price(price_micros=1),)),
        renamed_offer(retired_offers=("start",)),
        renamed_allowance(retired_allowances=("data-1gib",)),
    ],
    ids=["the same again", "another price", "offer retired", "allowance retired"],
)
def test_what_may_follow(release: Release) -> None:
    assert list(find_succession_faults(release, [FIRST])) == []
    assert check_release(release, [FIRST]).is_sound


def test_who_settles_a_service_stays() -> None:
    first = on_bill(number=1, effective_ns=1_000)
    dearer = msgspec.structs.replace(first.offers[0], credit=90_000_000)
    assert list(find_succession_faults(on_bill(), [first])) == []
    assert list(find_succession_faults(msgspec.structs.replace(on_bill(), offers=(dearer,)), [first])) == []
    (finding,) = find_succession_faults(next_release(), [first])
    assert finding.path == ("prices", 0, "settled_by")
    assert finding.problem.startswith("price data-general is settled by balance for services of offer start that are")
    last = msgspec.structs.replace(FIRST, number=2, effective_ns=3_000)
    (finding,) = find_succession_faults(on_bill(number=3, effective_ns=2_000), [first, last])
    assert finding.path == ("prices",), "the release behind it would change it"
    assert finding.remedy == "Keep settled_by, or sell it in a new offer"
    elsewhere = msgspec.structs.replace(
        FIRST.offers[0], id="on-bill", prices=("on-bill",), credit=50_000_000, allowances=()
    )
    prices = (data_price(), data_price(id="on-bill", settled_by="bill"))
    beside = next_release(offers=(FIRST.offers[0], elsewhere), prices=prices)
    assert list(find_succession_faults(beside, [FIRST])) == []
    assert check_release(beside, [FIRST]).is_sound


def test_the_first_release_owes_nothing() -> None:
    assert list(find_succession_faults(next_release(number=9), [])) == []


def test_a_release_in_between_is_held_against_both_neighbours() -> None:
    last = renamed_offer(number=2, effective_ns=3_000, retired_offers=("start",))
    between = next_release(number=3, effective_ns=2_000)
    problems = [finding.problem for finding in find_succession_faults(between, [FIRST, last])]
    assert problems == []  # `last` gives up `start` itself
    kept = msgspec.structs.replace(last, retired_offers=())
    (problem,) = [finding.problem for finding in find_succession_faults(between, [FIRST, kept])]
    assert problem.startswith("offer start is missing in release 2, which follows at 1970-01-01T00:00:00.000Z")


def test_a_release_that_would_never_be_in_force_is_refused() -> None:
    now = renamed_offer(number=2, effective_ns=3_000, retired_offers=("start",))
    late = next_release(number=3, effective_ns=2_000)
    (problem,) = [finding.problem for finding in find_succession_faults(late, [FIRST, now], now_ns=3_000)]
    assert problem == "release 2 is in force since 1970-01-01T00:00:00.000Z, so this one would never be"
    assert list(find_succession_faults(late, [FIRST, now], now_ns=2_999)) == [], "it would be until then"


def test_a_number_means_one_id_through_all_releases() -> None:
    first = next_release(number=1, offers=(msgspec.structs.replace(FIRST.offers[0], id="plumless"),))
    after = renamed_offer(effective_ns=3_000, retired_offers=("plumless",))
    after = msgspec.structs.replace(after, offers=(msgspec.structs.replace(after.offers[0], id="buckeroo"),))
    problems = [finding.problem for finding in find_succession_faults(after, [first])]
    assert problems == ["buckeroo has the number of plumless of release 1 in records"]


def test_a_full_store_takes_no_more() -> None:
    (finding,) = find_succession_faults(next_release(), [], RELEASES_MAX)
    assert "its limit" in finding.problem


def test_places_are_named() -> None:
    sample, following = checked_sample(), checked_sample(SAMPLE_2)
    assert succession_faults(following, [sample.release], 1, 0) == ()
    (fault, *_) = succession_faults(sample, [following.release], 1, 0)
    assert fault.place is not None
    assert (fault.place.file.endswith("prepaid.yaml"), fault.place.line) == (True, 6)
