"""What may be ordered, by whom, with what."""

from collections.abc import Sequence
from typing import Any

import pytest

from bss.catalog.eligibility import VARIABLES, is_eligible
from bss.catalog.faults import FieldFault
from bss.catalog.orderable import Holding, characteristic_faults, characteristics_of, order_faults
from bss.catalog.records import Instant, Relationship
from bss.catalog.release import CatalogRelease
from tests.bss.catalog.sample import changed_offering, offering_of, sample_release
from vocabulary.instants import from_rfc3339

AT_NS = from_rfc3339("2026-06-01")


def facts(**changes: Any) -> dict[str, Any]:
    known = {row.name: row.example for row in VARIABLES if row.name != "products"} | {"now": AT_NS}
    return known | {name.replace("__", "."): value for name, value in changes.items()}


def faults(
    *asked: str, release: CatalogRelease | None = None, products: Sequence[str] = (), **changes: Any
) -> list[FieldFault]:
    has = {each: Holding(f"product {each}-1", "End it") for each in products}
    return order_faults(release or sample_release(), asked, facts=facts(**changes), has=has, at_ns=AT_NS)


def problems(*asked: str, **options: Any) -> list[tuple[str, str]]:
    return [(fault.id, fault.field) for fault in faults(*asked, **options)]


def test_what_is_sold_can_be_ordered() -> None:
    assert problems("prepaid-start") == []
    assert problems("postpaid-flex", "itemised-usage") == []
    assert problems("itemised-usage", products=["postpaid-flex"]) == []


def test_relationships_hold_within_the_order_and_with_what_the_customer_has() -> None:
    assert problems("itemised-usage") == [("itemised-usage", "is_sellable"), ("itemised-usage", "relationships")]
    assert problems("prepaid-plus", "prepaid-start") == [("prepaid-plus", "relationships")]
    assert problems("prepaid-plus", products=["prepaid-start"]) == [("prepaid-plus", "relationships")]
    assert problems("prepaid-start", products=["prepaid-plus"]) == [("prepaid-start", "relationships")]


def test_a_fault_names_what_the_customer_has() -> None:
    (excluded,) = faults("prepaid-plus", products=["prepaid-start"])
    assert (excluded.problem, excluded.remedy) == ("it excludes prepaid-start, product prepaid-start-1", "End it")
    (other,) = faults("prepaid-start", products=["prepaid-plus"])
    assert (other.problem, other.remedy) == ("prepaid-plus, product prepaid-plus-1, excludes it", "End it")
    conditional = changed_offering(
        sample_release(), "postpaid-flex", eligibility="!('prepaid-start' in products || 'prepaid' in products)"
    )
    (unfit,) = faults("postpaid-flex", release=conditional, products=["prepaid-plus", "prepaid-start"])
    assert unfit.problem.endswith("in products); there is prepaid-start, product prepaid-start-1")


def test_eligibility_decides_and_doubt_refuses() -> None:
    assert problems("prepaid-plus", customer__kind="organisation") == [("prepaid-plus", "eligibility")]
    undecided = changed_offering(sample_release(), "prepaid-start", eligibility="1 / customer.age_days > 0")
    assert problems("prepaid-start", release=undecided, customer__age_days=0) == [("prepaid-start", "eligibility")]
    old = changed_offering(
        sample_release(),
        "prepaid-start",
        eligibility="customer.age_days >= 30 && now < timestamp('2027-01-01T00:00:00Z')",
    )
    assert problems("prepaid-start", release=old) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"lifecycle_status": "retired"},
        {"valid_from_ns": Instant(AT_NS + 1)},
        {"valid_to_ns": Instant(AT_NS)},
    ],
)
def test_what_is_not_sold_now_is_not_ordered(changes: dict[str, Any]) -> None:
    release = changed_offering(sample_release(), "prepaid-start", **changes)
    assert problems("prepaid-start", release=release) == [("prepaid-start", "lifecycle_status")]


def test_an_unknown_offering_gets_a_suggestion() -> None:
    (fault,) = faults("prepaid-stat")
    assert fault.remedy == "Did you mean prepaid-start?"


def test_an_excluded_offering_may_be_named_by_the_other() -> None:
    release = changed_offering(
        sample_release(),
        "prepaid-start",
        relationships=(Relationship(relationship_type="excludes", id="prepaid-plus"),),
    )
    assert problems("prepaid-start", "prepaid-plus", release=release) == [
        ("prepaid-start", "relationships"),
        ("prepaid-plus", "relationships"),
    ]


@pytest.mark.parametrize(
    ("chosen", "fields"),
    [
        ({}, []),
        ({"sim_type": "esim"}, []),
        ({"sim_type": "paper"}, ["sim_type"]),
        ({"apn": "vpn", "colour": "red"}, ["apn", "colour"]),
    ],
)
def test_characteristics_are_chosen_from_their_values(chosen: dict[str, str], fields: list[str]) -> None:
    release = sample_release()
    offering = offering_of(release, "prepaid-start")
    specification = release.specification(offering.product_specification_id)
    assert specification is not None
    assert [fault.field for fault in characteristic_faults(specification, offering, chosen)] == fields
    if not fields:
        expected = {"sim_type": "card", "apn": "internet"} | chosen
        assert characteristics_of(specification, offering, chosen) == expected


def test_every_variable_of_eligibility_has_its_type() -> None:
    for row in VARIABLES:
        text = f"{row.name} == {row.name}"
        assert is_eligible(text, facts(products=[])) == (True, ""), row.name
    within = "now > timestamp('2026-05-31T23:59:59Z') && now < timestamp('2026-06-01T00:00:01Z')"
    assert is_eligible(within, facts(products=[]))[0]
