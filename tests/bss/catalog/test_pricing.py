"""The price of an offering before it is ordered; periods by the calendar."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bss.catalog.periods import add_period
from bss.catalog.pricing import dry_run_lines, preview_price
from bss.catalog.records import Instant, Micros, OfferingPrice
from bss.catalog.release import CatalogRelease
from tests.bss.catalog.sample import changed_offering, offering_of, replaced, sample_release
from vocabulary.instants import NS_PER_S, from_rfc3339, to_rfc3339

AT_NS = from_rfc3339("2026-01-31T10:00:00+01:00")


def with_all_types() -> CatalogRelease:
    release = sample_release()
    for price in (
        OfferingPrice(id="deposit", name="Deposit", price_type="deposit", amount_micros=Micros(25_000_000)),
        OfferingPrice(
            id="monthly",
            name="Line",
            price_type="recurring",
            amount_micros=Micros(10_000_000),
            recurring_charge_period_length=1,
            recurring_charge_period_type="month",
        ),
        OfferingPrice(
            id="old",
            name="Not any more",
            price_type="one_time",
            amount_micros=Micros(1_000_000),
            valid_to_ns=Instant(AT_NS),
        ),
    ):
        release = replaced(release, price)
    ids = ("prepaid-start-fee", "deposit", "monthly", "old", "data-usage")
    return changed_offering(release, "prepaid-start", price_ids=ids)


def test_a_preview_adds_up() -> None:
    release = with_all_types()
    preview = preview_price(release, offering_of(release, "prepaid-start"), at_ns=AT_NS)
    assert [charge.price_id for charge in preview.charges] == ["prepaid-start-fee", "deposit", "monthly"]
    assert (preview.one_time_micros, preview.recurring_micros, preview.deposit_micros) == (
        9_950_000,
        10_000_000,
        25_000_000,
    )
    assert preview.due_now_micros == 44_950_000
    assert preview.period_to_ns == from_rfc3339("2026-02-28T10:00:00+01:00")
    assert [(each.what, each.amount) for each in preview.given] == [("money", "10.00 EUR"), ("1 GiB of data", "1 GiB")]
    assert preview.given[1].expires_ns == AT_NS + 30 * 86_400 * NS_PER_S
    charges = {usage.price_id: usage.charge for usage in preview.usage}
    assert charges["sms-national"] == "0.09 EUR per 1 event, up over the session"


def test_what_takes_no_part_in_charging_gives_nothing() -> None:
    release = sample_release()
    preview = preview_price(release, offering_of(release, "itemised-usage"), at_ns=AT_NS)
    assert (preview.given, preview.usage, preview.due_now_micros) == ((), (), 990_000)


def test_a_dry_run_says_each_step() -> None:
    release = with_all_types()
    offering = offering_of(release, "prepaid-start")
    assert dry_run_lines(release, offering, at_ns=AT_NS, characteristics={"sim_type": "esim"}) == [
        "product: Prepaid Start (prepaid-start), sim_type esim",
        "service: Mobile access, takes msisdn, sim",
        "charging: the account gets offer prepaid-start",
        "gives: money 10.00 EUR",
        "gives: 1 GiB of data 1 GiB until 2026-03-02T09:00:00.000Z",
        "one time: Starter pack 9.95 EUR",
        "deposit: Deposit 25.00 EUR",
        "recurring: Line 10.00 EUR each month",
        "due now: 44.95 EUR",
    ]


def test_a_plan_that_is_paid_by_bill_says_how_much_may_be_owed() -> None:
    release = sample_release()
    offering = offering_of(release, "postpaid-flex")
    preview = preview_price(release, offering, at_ns=AT_NS)
    assert (preview.credit_limit_micros, preview.recurring_micros) == (50_000_000, 19_990_000)
    lines = dry_run_lines(release, offering, at_ns=AT_NS, characteristics={})
    assert "bill: up to 50.00 EUR may be owed" in lines


@pytest.mark.parametrize(
    ("begin", "length", "kind", "end"),
    [
        ("2026-01-31T10:00:00+01:00", 1, "month", "2026-02-28T10:00:00+01:00"),
        ("2028-01-31T10:00:00+01:00", 1, "month", "2028-02-29T10:00:00+01:00"),
        ("2026-12-15T00:00:00+01:00", 2, "month", "2027-02-15T00:00:00+01:00"),
        ("2028-02-29T00:00:00+01:00", 1, "year", "2029-02-28T00:00:00+01:00"),
        ("2026-03-28T12:00:00+01:00", 1, "day", "2026-03-29T12:00:00+02:00"),
        ("2026-10-20T12:00:00+02:00", 1, "week", "2026-10-27T12:00:00+01:00"),
        ("2026-03-29T01:30:00+01:00", 2, "hour", "2026-03-29T04:30:00+02:00"),
    ],
)
def test_periods_follow_the_calendar(begin: str, length: int, kind: str, end: str) -> None:
    assert add_period(from_rfc3339(begin), length, kind, "Europe/Berlin") == from_rfc3339(end)


@given(
    st.integers(0, 4 * 10**9),
    st.integers(1, 1200),
    st.sampled_from(["hour", "day", "week", "month", "year"]),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]),
)
def test_a_period_ends_after_it_begins(begin_s: int, length: int, kind: str, zone: str) -> None:
    begin_ns = begin_s * NS_PER_S + 5
    end_ns = add_period(begin_ns, length, kind, zone)
    assert end_ns > begin_ns, to_rfc3339(begin_ns)
    assert end_ns % NS_PER_S == 5
