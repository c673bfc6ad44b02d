"""Edits of the working copy: checked at the field, counted, told of; the life cycle is a table."""

from itertools import product

import msgspec
import pytest
import sqlalchemy as sa

from bss.access import Caller, Forbidden
from bss.catalog.faults import CatalogFaulty
from bss.catalog.lifecycle import LIFECYCLE, check_step
from bss.catalog.operations import (
    change_head,
    change_resource,
    create_resource,
    put_tariff_part,
    remove_resource,
    remove_tariff_part,
    set_lifecycle_status,
)
from bss.catalog.queries import resource_row, resources, working_copy_status
from bss.catalog.records import Catalog, Category, Offering, OfferingPrice, Resource, Specification
from bss.catalog.rules import LIFECYCLE_STATUSES
from bss.edge.database import Database
from bss.errors import Conflict, Invalid, NotFound, Stale
from bss.outbox import OUTBOX
from bss.work import Work
from tests.bss.catalog.sample import import_into, offering_of, sample_release

NEW: tuple[Resource, ...] = (
    Catalog(id="partners", name="Partners"),
    Category(id="business", name="Business", catalog_id="shop"),
    Specification(id="router", name="Router"),
    OfferingPrice(id="router-fee", name="Router", price_type="one_time", amount_micros=None),
    Offering(id="router", name="Router", product_specification_id="mobile-line"),
)


@pytest.fixture
def catalogue(database: Database, anyone: Caller) -> Database:
    import_into(database, anyone, sample_release())
    return database


def kinds_of_events(database: Database, caller: Caller) -> list[str]:
    return [
        row["kind"]
        for row in database.read(caller, lambda work: work.rows(sa.select(OUTBOX).order_by(OUTBOX.c.sequence)))
    ]


def edit_count(database: Database, caller: Caller) -> int:
    status = database.read(caller, working_copy_status)
    assert status is not None
    return status.edit_count


def test_a_resource_is_created_changed_and_removed(catalogue: Database, anyone: Caller) -> None:
    made = Offering(id="prepaid-max", name="Max", product_specification_id="mobile-line", offer="prepaid-plus")
    row = catalogue.write(anyone, lambda work: create_resource(work, resource=made))
    assert (row["revision"], row["lifecycle_status"]) == (1, "draft")
    draft = Offering.from_row(row)
    with pytest.raises(Conflict, match="Choose another id"):
        catalogue.write(anyone, lambda work: create_resource(work, resource=made))
    named = msgspec.structs.replace(draft, name="Maximum", category_ids=("prepaid",))
    row = catalogue.write(anyone, lambda work: change_resource(work, resource=named, if_revision=1))
    assert (row["revision"], row["name"], row["category_ids"]) == (2, "Maximum", ["prepaid"])
    with pytest.raises(Stale):
        catalogue.write(anyone, lambda work: change_resource(work, resource=named, if_revision=1))
    catalogue.write(anyone, lambda work: remove_resource(work, kind=Offering, resource_id="prepaid-max"))
    with pytest.raises(NotFound):
        catalogue.read(anyone, lambda work: resource_row(work, kind=Offering, resource_id="prepaid-max"))
    assert kinds_of_events(catalogue, anyone) == [
        "ProductOfferingCreateEvent",
        "ProductOfferingAttributeValueChangeEvent",
        "ProductOfferingDeleteEvent",
    ]
    assert edit_count(catalogue, anyone) == 3


def test_what_changes_nothing_is_no_edit(catalogue: Database, anyone: Caller) -> None:
    same = offering_of(sample_release(), "prepaid-start")
    catalogue.write(anyone, lambda work: change_resource(work, resource=same))
    assert edit_count(catalogue, anyone) == 0
    assert kinds_of_events(catalogue, anyone) == []


def test_faults_of_an_edit_come_at_the_field(catalogue: Database, anyone: Caller) -> None:
    wrong = msgspec.structs.replace(
        offering_of(sample_release(), "prepaid-start"),
        name=" ",
        eligibility="custmer.kind == 1",
        product_specification_id="no-such",
    )
    with pytest.raises(CatalogFaulty) as refused:
        catalogue.write(anyone, lambda work: change_resource(work, resource=wrong))
    assert [(fault.kind, fault.id, fault.field) for fault in refused.value.faults] == [
        ("offerings", "prepaid-start", "name"),
        ("offerings", "prepaid-start", "eligibility"),
        ("offerings", "prepaid-start", "product_specification_id"),
    ]
    assert edit_count(catalogue, anyone) == 0


@pytest.mark.parametrize("kind", [Catalog, Category, Specification, OfferingPrice, Offering])
def test_rows_are_records_again(catalogue: Database, anyone: Caller, kind: type[Resource]) -> None:
    expected = sorted(sample_release().resources(kind), key=lambda each: each.id)
    assert catalogue.read(anyone, lambda work: resources(work, kind=kind)) == expected


def test_the_life_cycle_has_no_other_steps(catalogue: Database, anyone: Caller) -> None:
    for before, after in product(LIFECYCLE_STATUSES, repeat=2):
        if before == after or (before, after) in LIFECYCLE:
            check_step(before, after)
        else:
            with pytest.raises(Conflict, match=f"{before} does not become {after}"):
                check_step(before, after)
    catalogue.write(
        anyone,
        lambda work: set_lifecycle_status(work, kind=Offering, resource_id="prepaid-start", status="retired"),
    )
    assert kinds_of_events(catalogue, anyone) == ["ProductOfferingStateChangeEvent"]
    with pytest.raises(Conflict, match="retired does not become draft"):
        catalogue.write(
            anyone,
            lambda work: set_lifecycle_status(work, kind=Offering, resource_id="prepaid-start", status="draft"),
        )
    with pytest.raises(Conflict, match="only drafts are removed"):
        catalogue.write(anyone, lambda work: remove_resource(work, kind=Offering, resource_id="prepaid-start"))


def test_what_others_refer_to_is_not_removed(catalogue: Database, anyone: Caller) -> None:
    def add(work: Work) -> None:
        create_resource(work, resource=Specification(id="router", name="Router"))
        create_resource(work, resource=Offering(id="router", name="Router", product_specification_id="router"))

    catalogue.write(anyone, add)
    with pytest.raises(Conflict, match="productOffering router refers to it"):
        catalogue.write(anyone, lambda work: remove_resource(work, kind=Specification, resource_id="router"))
    catalogue.write(anyone, lambda work: remove_resource(work, kind=Offering, resource_id="router"))
    catalogue.write(anyone, lambda work: remove_resource(work, kind=Specification, resource_id="router"))


def test_entries_of_the_engines_part_are_put_and_removed(catalogue: Database, anyone: Caller) -> None:
    body = {"id": "data-5gib", "amount": "5 GiB", "valid_for": "30 d", "granted_by": "top_up"}
    catalogue.write(anyone, lambda work: put_tariff_part(work, kind="allowances", body=body))
    catalogue.write(anyone, lambda work: put_tariff_part(work, kind="allowances", body=body))
    assert edit_count(catalogue, anyone) == 1
    status = catalogue.read(anyone, working_copy_status)
    assert status is not None
    assert [(fault.kind, fault.id) for fault in status.faults] == [("allowances", "data-5gib")]
    catalogue.write(anyone, lambda work: remove_tariff_part(work, kind="allowances", part_id="data-5gib"))
    status = catalogue.read(anyone, working_copy_status)
    assert status is not None
    assert status.faults == ()
    for write, refusal in (
        (lambda work: remove_tariff_part(work, kind="allowances", part_id="data-5gib"), NotFound),
        (lambda work: put_tariff_part(work, kind="allowance", body=body), Invalid),
        (lambda work: put_tariff_part(work, kind="allowances", body={"amount": "5 GB"}), CatalogFaulty),
        (lambda work: put_tariff_part(work, kind="offers", body={"id": "a", "prices": [{"id": "b"}]}), CatalogFaulty),
        (lambda work: change_head(work, values={"currency": "USD"}), Invalid),
    ):
        with pytest.raises(refusal):
            catalogue.write(anyone, write)


def test_without_a_working_copy_there_is_nothing_to_edit(database: Database, anyone: Caller) -> None:
    with pytest.raises(NotFound, match="farebox catalog import"):
        database.write(anyone, lambda work: create_resource(work, resource=NEW[0]))


def test_who_only_reads_does_not_edit(catalogue: Database, caller_of: "object") -> None:
    reader = caller_of("catalog:read")  # type: ignore[operator]
    catalogue.read(reader, working_copy_status)
    with pytest.raises(Forbidden):
        catalogue.write(reader, lambda work: create_resource(work, resource=NEW[0]))
