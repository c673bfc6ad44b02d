"""Changes in the words of options: periods of products, their ends, adjustments; every mistake is named."""

from dataclasses import replace

import msgspec
import pytest

from balances.commands import Credit, Debit, ProductEnd, ProductPeriod, fee
from balances.journal import MovementKind
from balances.queries import AccountView, decode_record
from catalog_loader.release import Renewal
from runtime.subscriber_changes import (
    WantedAdjustment,
    WantedPeriod,
    adjustment,
    amount_words,
    period_change,
    product_end,
)
from runtime.subscriber_terms import TermsInvalid
from tests.catalog_loader.sample_release import small_release
from tests.reference.account import Account, Bucket, Product
from tests.reference.record_octets import encode_account
from vocabulary.ids import number_of_name
from vocabulary.instants import FOREVER_NS, NS_PER_S, from_rfc3339
from vocabulary.units import Unit

NOW_NS = from_rfc3339("2026-03-01T10:00:00.5Z")
SECOND_NS = NOW_NS // NS_PER_S * NS_PER_S
WEEK_NS = 7 * 86400 * NS_PER_S
START, DATA = number_of_name("start"), number_of_name("data-1gib")
(OFFER,) = small_release().offers
RELEASE = small_release(
    offers=(msgspec.structs.replace(OFFER, renewal=Renewal(period_s=7 * 86400, fee_micros=5_000_000)),)
)
MONEY = Bucket(1, remaining=10_000_000)
UNITS = Bucket(2, Unit.OCTETS, DATA, remaining=5, to_ns=NOW_NS + WEEK_NS)


def account(*products: Product) -> AccountView:
    made = Account(1, products=list(products), buckets=[MONEY, UNITS])
    return decode_record(encode_account(made), {DATA: "data-1gib", START: "start"})


def faults_of(error: "pytest.ExceptionInfo[TermsInvalid]") -> list[str]:
    return [f"{fault.name}: {fault.problem}" for fault in error.value.faults]


def test_a_first_period_begins_now_and_is_as_the_offer_says() -> None:
    change = period_change(RELEASE, account(), WantedPeriod("start"), NOW_NS)
    end_ns = SECOND_NS + WEEK_NS
    assert change.period == ProductPeriod(START, SECOND_NS, end_ns)
    allotted = Credit(Unit.OCTETS, 1024**3, DATA, SECOND_NS, end_ns, 100, MovementKind.ALLOTTED)
    assert change.amounts == (fee(5_000_000), allotted)


@pytest.mark.parametrize(
    ("ends_ns", "starts_ns"),
    [
        (SECOND_NS + WEEK_NS, SECOND_NS + WEEK_NS),
        (SECOND_NS + NS_PER_S // 2 * 3, SECOND_NS + 2 * NS_PER_S),
        (SECOND_NS - WEEK_NS, SECOND_NS),
        (FOREVER_NS, SECOND_NS),
    ],
)
def test_a_next_period_begins_where_the_last_one_ends(ends_ns: int, starts_ns: int) -> None:
    change = period_change(RELEASE, account(Product(START, to_ns=ends_ns)), WantedPeriod("start"), NOW_NS)
    assert change.period.from_ns == starts_ns


def test_begin_end_and_fee_may_be_said() -> None:
    wanted = WantedPeriod("start", "2026-03-01", "2026-04-01T00:00:00Z", "0")
    change = period_change(RELEASE, account(), wanted, NOW_NS)
    assert change.period == ProductPeriod(START, from_rfc3339("2026-03-01"), from_rfc3339("2026-04-01"))
    assert [type(amount) for amount in change.amounts] == [Credit]
    assert period_change(RELEASE, account(), replace(wanted, fee="4.99"), NOW_NS).fee_micros == 4_990_000


def test_every_mistake_in_a_period_is_named() -> None:
    with pytest.raises(TermsInvalid) as error:
        period_change(RELEASE, account(), WantedPeriod("strt", "2026-03-09", "2026-03-01", "4,99"), NOW_NS)
    assert [fault.partition(":")[0] for fault in faults_of(error)] == ["fee", "offer", "until"]
    with pytest.raises(TermsInvalid) as error:
        period_change(RELEASE, account(), WantedPeriod("start", "2026-03-01T00:00:00.5Z"), NOW_NS)
    assert faults_of(error) == ["from: 2026-03-01T00:00:00.5Z is no whole second"]


def test_a_product_ends_alone_or_with_its_allowances() -> None:
    own = account(Product(START))
    assert product_end(RELEASE, own, "start", "", NOW_NS, with_allowances=False) == ProductEnd(START, NOW_NS)
    at_ns = from_rfc3339("2026-04-01")
    end = product_end(RELEASE, own, "start", "2026-04-01", NOW_NS, with_allowances=True)
    assert end == ProductEnd(START, at_ns, ((Unit.OCTETS, DATA),))
    with pytest.raises(TermsInvalid, match=r"the account has no product plus\. It has start"):
        product_end(RELEASE, own, "plus", "", NOW_NS, with_allowances=False)


def test_an_adjustment_gives_or_takes_money_or_units() -> None:
    def adjusted(**wanted: object) -> Credit | Debit:
        return adjustment(RELEASE, account(), WantedAdjustment(**wanted), NOW_NS)  # type: ignore[arg-type]

    given = MovementKind.ADJUSTED_IN
    assert adjusted(give="2.50") == Credit(Unit.MONEY, 2_500_000, kind=given)
    assert adjusted(take="2.50", below_zero=True) == Debit(Unit.MONEY, 2_500_000, may_go_below_zero=True)
    assert adjusted(take="1KiB", allowance="data-1gib") == Debit(Unit.OCTETS, 1024, DATA)
    assert adjusted(take="1KiB", bucket=2) == Debit(Unit.OCTETS, 1024, DATA, bucket_id=2)
    end_ns = SECOND_NS + 30 * 86400 * NS_PER_S
    assert adjusted(give="1KiB", allowance="data-1gib") == Credit(
        Unit.OCTETS, 1024, DATA, SECOND_NS, end_ns, 100, given
    )
    assert amount_words(adjusted(take="1KiB", bucket=2), RELEASE, {DATA: "data-1gib"}) == "1 KiB of data-1gib"


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (WantedAdjustment(), "one of --give and --take is needed"),
        (WantedAdjustment(give="1", take="1"), "one of --give and --take is needed"),
        (WantedAdjustment(give="1", bucket=9), "the account has no balance 9. It has 1, 2"),
        (WantedAdjustment(give="1", allowance="data"), "the release has no allowance data"),
        (WantedAdjustment(take="1KiB", allowance="data-1gib", bucket=1), "balance 1 is of money, not of data-1gib"),
        (WantedAdjustment(give="1", below_zero=True), "only money that is taken can go below zero"),
        (WantedAdjustment(take="1KiB", bucket=2, below_zero=True), "only money that is taken can go below zero"),
        (WantedAdjustment(take="0"), "0 is nothing"),
        (WantedAdjustment(take="1,5"), "take: "),
    ],
)
def test_every_mistake_in_an_adjustment_is_named(wanted: WantedAdjustment, told: str) -> None:
    with pytest.raises(TermsInvalid) as error:
        adjustment(RELEASE, account(), wanted, NOW_NS)
    assert told in str(error.value)
