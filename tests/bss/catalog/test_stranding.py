"""Which changes of a release would strand customers, and what a migration settles."""

import msgspec
import pytest

from bss.catalog.records import Micros, Specification
from bss.catalog.release import CatalogRelease
from bss.catalog.stranding import find_stranded
from tests.bss.catalog.sample import changed_offering, offering_of, replaced, sample_release

IN_USE = {"prepaid-plus": 2, "itemised-usage": 0}


def without(offering_id: str) -> CatalogRelease:
    release = sample_release()
    return msgspec.structs.replace(
        release, offerings=tuple(each for each in release.offerings if each.id != offering_id)
    )


def dearer() -> CatalogRelease:
    (price,) = [each for each in sample_release().offering_prices if each.id == "prepaid-plus-monthly"]
    return replaced(sample_release(), msgspec.structs.replace(price, amount_micros=Micros(12_000_000)))


def retiring(offer: str) -> CatalogRelease:
    engine = msgspec.structs.replace(sample_release().engine, retired_offers=(offer,))
    return msgspec.structs.replace(sample_release(), engine=engine)


def moved_specification() -> CatalogRelease:
    old = sample_release().specification(offering_of(sample_release(), "prepaid-plus").product_specification_id)
    assert old is not None
    release = replaced(sample_release(), Specification(id="other-line", name="Other line", services=old.services))
    return changed_offering(release, "prepaid-plus", product_specification_id="other-line")


STRANDING = {
    "gone": (without("prepaid-plus"), ""),
    "other offer": (changed_offering(sample_release(), "prepaid-plus", offer="prepaid-start"), "offer"),
    "no offer": (changed_offering(sample_release(), "prepaid-plus", offer=None), "offer"),
    "other specification": (moved_specification(), "product_specification_id"),
    "dearer": (dearer(), "price_ids"),
    "offer retired": (retiring("prepaid-plus"), "retires.offers"),
}


def test_what_customers_pay_is_said_in_money() -> None:
    (fault,) = find_stranded(sample_release(), dearer(), IN_USE, {})
    assert "price_ids changes from 9.99 EUR each 30 days to " in fault.problem


@pytest.mark.parametrize("name", STRANDING)
def test_what_strands_customers_is_found_and_a_migration_settles_it(name: str) -> None:
    after, field = STRANDING[name]
    (fault,) = find_stranded(sample_release(), after, IN_USE, {})
    assert fault.field == field
    assert "2 products of customers are of it" in fault.problem
    assert "migrate" in fault.remedy
    target = "prepaid-plus" if after.offering("prepaid-plus") is not None else "prepaid-start"
    unfit = ["that takes msisdn, sim, they have account, msisdn, sim"] if name == "no offer" else []
    found = find_stranded(sample_release(), after, IN_USE, {"prepaid-plus": target})
    assert [fault.problem.rpartition(": ")[2] for fault in found] == unfit
    assert find_stranded(sample_release(), after, {}, {}) == []


@pytest.mark.parametrize(
    "after",
    [
        changed_offering(sample_release(), "prepaid-plus", lifecycle_status="retired"),
        changed_offering(sample_release(), "prepaid-plus", name="Other", eligibility="false", category_ids=()),
        changed_offering(sample_release(), "prepaid-plus", price_ids=("prepaid-plus-monthly",)),
        without("prepaid-start"),
        without("itemised-usage"),
    ],
    ids=["retired", "renamed", "one-time price", "another one gone", "nobody has it"],
)
def test_what_customers_keep_is_no_stranding(after: CatalogRelease) -> None:
    assert find_stranded(sample_release(), after, IN_USE, {}) == []


def test_a_migration_makes_no_bill_of_money_in_advance() -> None:
    (fault,) = find_stranded(sample_release(), sample_release(), IN_USE, {"prepaid-plus": "postpaid-flex"})
    assert "that has a credit limit of 50.00 EUR, they have 0.00 EUR" in fault.problem


@pytest.mark.parametrize(
    ("migrations", "problem"),
    [
        ({"no-such": "prepaid-start"}, "release 1 has no offering no-such"),
        ({"prepaid-plus": "no-such"}, "would go to no-such, which isn't there"),
        ({"prepaid-plus": "prepaid-start"}, "would go to prepaid-start, which is retired"),
    ],
)
def test_a_migration_leads_to_what_is_sold(migrations: dict[str, str], problem: str) -> None:
    after = changed_offering(without("prepaid-plus"), "prepaid-start", lifecycle_status="retired")
    faults = find_stranded(sample_release(), after, {}, migrations)
    assert problem in faults[0].problem
