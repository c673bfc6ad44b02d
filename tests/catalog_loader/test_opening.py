"""What offers and allowances of the release give, with their periods."""

import pytest

from catalog_loader.opening import Grant, UnknownName, allowance_grant, opening
from catalog_loader.release import in_force
from tests.catalog_loader.sample_release import POSTPAID, checked_sample, data_allowance, small_release
from vocabulary.ids import number_of_name
from vocabulary.instants import FOREVER_NS, NS_PER_S
from vocabulary.units import Unit

RELEASE = checked_sample().release
DATA = number_of_name("data-1gib")


def test_an_offer_gives_money_and_allowances() -> None:
    given = opening(RELEASE, "prepaid-start", 5)
    assert (given.currency, given.offer) == (978, number_of_name("prepaid-start"))
    assert given.grants == (
        Grant(Unit.MONEY, 10_000_000, 0, 0, 0, FOREVER_NS),
        Grant(Unit.OCTETS, 1024**3, DATA, 10, 5, 5 + 30 * 86400 * NS_PER_S),
    )


def test_an_offer_gives_credit_where_something_is_settled_by_bill() -> None:
    postpaid = checked_sample(POSTPAID).release
    assert [opening(postpaid, name, 5).credit_limit_micros for name in ("postpaid-m", "hybrid-m")] == [
        50_000_000,
        20_000_000,
    ]
    assert [grant.unit for grant in opening(postpaid, "postpaid-m", 5).grants] == [Unit.OCTETS], "a bill is no grant"
    assert opening(RELEASE, "prepaid-start", 5).credit_limit_micros == 0


def test_an_allowance_without_end_or_beyond_time_ends_never() -> None:
    endless = small_release(allowances=(data_allowance(valid_for_s=None),))
    assert allowance_grant(endless, "data-1gib", 7).to_ns == FOREVER_NS
    assert allowance_grant(small_release(), "data-1gib", FOREVER_NS - 1).to_ns == FOREVER_NS


def test_unknown_names_are_answered_with_near_ones() -> None:
    with pytest.raises(UnknownName, match=r"no offer prepaid-strt. Did you mean prepaid-start\?"):
        opening(RELEASE, "prepaid-strt", 0)
    with pytest.raises(UnknownName, match=r"no allowance zzz. It has data-10gib, data-1gib"):
        allowance_grant(RELEASE, "zzz", 0)


def test_of_several_releases_the_last_that_began_is_in_force() -> None:
    releases = [small_release(number=number, effective_ns=at) for number, at in ((1, 10), (3, 30), (2, 20))]
    found = [in_force(releases, now_ns) for now_ns in (9, 10, 19, 20, 30, 99)]
    assert [release.number if release else 0 for release in found] == [0, 1, 1, 2, 3, 3]
    assert in_force([], 99) is None
