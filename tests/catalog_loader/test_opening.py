"""What offers and allowances of the release give, with their periods."""

import msgspec
import pytest

from catalog_loader.opening import Grant, UnknownName, allowance_grant, offer_period, opening
from catalog_loader.release import Renewal, in_force
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


def test_an_offer_that_is_renewed_begins_with_a_period_and_its_allowances_end_with_each() -> None:
    (offer,) = small_release().offers
    renewal = Renewal(period_s=7 * 86400, fee_micros=5_000_000)
    renewed = msgspec.structs.replace(offer, money_micros=3, allowances=("data-1gib",), renewal=renewal)
    release = small_release(offers=(renewed,))
    week_ns = 7 * 86400 * NS_PER_S
    given = opening(release, offer.id, 5)
    assert (given.to_ns, [grant.to_ns for grant in given.grants]) == (5 + week_ns, [FOREVER_NS, 5 + week_ns])
    period = offer_period(release, offer.id, 9)
    assert (period.offer, period.from_ns, period.to_ns, period.fee_micros) == (given.offer, 9, 9 + week_ns, 5_000_000)
    assert [(grant.unit, grant.from_ns, grant.to_ns) for grant in period.grants] == [(Unit.OCTETS, 9, 9 + week_ns)]
    longer = offer_period(release, offer.id, 9, 9 + 60 * 86400 * NS_PER_S)
    assert longer.grants[0].to_ns == 9 + 30 * 86400 * NS_PER_S, "valid_for is less than the period"


def test_an_offer_without_period_lasts_without_end() -> None:
    period = offer_period(RELEASE, "prepaid-start", 9)
    assert (period.to_ns, period.fee_micros, len(period.grants)) == (FOREVER_NS, 0, 1)
    assert opening(RELEASE, "prepaid-start", 9).to_ns == FOREVER_NS
    with pytest.raises(UnknownName, match="no offer prepaid-strt"):
        offer_period(RELEASE, "prepaid-strt", 0)


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
