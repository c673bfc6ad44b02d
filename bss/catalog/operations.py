"""What editors do to the working copy. Each edit is checked for itself and counted; what entries say of each other is checked
when a release is made (bss/catalog/publication.py), and at any time by `queries.working_copy_faults`.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
import sqlalchemy as sa

from bss.access import requires
from bss.catalog.faults import CatalogFaulty, FieldFault, field_faults
from bss.catalog.lifecycle import check_removable, check_step
from bss.catalog.records import (
    Catalog,
    Category,
    LifecycleStatus,
    Offering,
    OfferingPrice,
    Resource,
    Specification,
    WorkingCopy,
)
from bss.catalog.release import LIST_OF
from bss.catalog.rules import check_entry
from bss.catalog.tables import CATALOG, CATEGORY, SPECIFICATION, TABLE_OF, TARIFF_PART, WORKING_COPY, WORKING_COPY_ID
from bss.catalog.working_copy import NO_COPY, get_copy, parse_parts
from bss.errors import Conflict, Invalid, NotFound
from bss.work import Row, Work
from catalog_loader.faults import FaultList
from catalog_loader.write import LISTS

R = TypeVar("R", bound=Resource)


class EventRow(NamedTuple):
    """How a kind of resource is called in events (TMF620 hub)."""

    resource: str
    event: str


EVENTS: Final[dict[type[Resource], EventRow]] = {
    Catalog: EventRow("catalog", "Catalog"),
    Category: EventRow("category", "Category"),
    Specification: EventRow("productSpecification", "ProductSpecification"),
    OfferingPrice: EventRow("productOfferingPrice", "ProductOfferingPrice"),
    Offering: EventRow("productOffering", "ProductOffering"),
}

REFERENCES: Final[dict[type[Resource], tuple[tuple[str, sa.Table], ...]]] = {
    Category: (("catalog_id", CATALOG), ("parent_id", CATEGORY)),
    Offering: (("product_specification_id", SPECIFICATION),),
}
"""Columns that name a row which must be there at each save."""


# --- resources -------------------------------------------------------------------------------------------------------


@requires("catalog:write")
def create_resource(work: Work, *, resource: Resource) -> Row:
    """A new draft in the working copy; its row. CatalogFaulty names fields; Conflict where the id is taken."""
    kind = type(resource)
    resource = msgspec.structs.replace(resource, lifecycle_status=LifecycleStatus.DRAFT)
    _check(work, resource)
    if work.find(TABLE_OF[kind], resource.id) is not None:
        raise Conflict("id", f"there is a {EVENTS[kind].resource} {resource.id} already", "Choose another id")
    row = work.insert(TABLE_OF[kind], **resource.to_row())
    _count_edit(work)
    _tell(work, kind, "CreateEvent", resource.id)
    return row


@requires("catalog:write")
def change_resource(work: Work, *, resource: Resource, if_revision: int | None = None) -> Row:
    """The resource of its id becomes this one; its row. NotFound, Stale, CatalogFaulty, Conflict of the life cycle."""
    kind = type(resource)
    before = kind.from_row(work.get(TABLE_OF[kind], resource.id))
    _check(work, resource)
    check_step(before.lifecycle_status, resource.lifecycle_status)
    values = resource.to_row()
    del values["id"]
    row = work.change(TABLE_OF[kind], resource.id, if_revision=if_revision, **values)
    if resource == before:
        return row
    _count_edit(work)
    is_step = before.lifecycle_status != resource.lifecycle_status
    _tell(work, kind, "StateChangeEvent" if is_step else "AttributeValueChangeEvent", resource.id)
    return row


@requires("catalog:write")
def set_lifecycle_status(
    work: Work, *, kind: type[Resource], resource_id: str, status: str, if_revision: int | None = None
) -> Row:
    """One step in the life cycle (bss/catalog/lifecycle.py); the row."""
    resource = kind.from_row(work.get(TABLE_OF[kind], resource_id))
    changed = msgspec.structs.replace(resource, lifecycle_status=status)
    return change_resource(work, resource=changed, if_revision=if_revision)


@requires("catalog:write")
def remove_resource(work: Work, *, kind: type[Resource], resource_id: str, if_revision: int | None = None) -> None:
    """A draft goes. Conflict where it is no draft, or rows refer to it."""
    resource = kind.from_row(work.get(TABLE_OF[kind], resource_id))
    check_removable(resource.lifecycle_status)
    for other, references in REFERENCES.items():
        for column, table in references:
            users = sa.select(TABLE_OF[other].c.id).where(TABLE_OF[other].c[column] == resource_id).limit(1)
            if table is TABLE_OF[kind] and (user := work.row(users)) is not None:
                raise Conflict("id", f"{EVENTS[other].resource} {user['id']} refers to it", "Change that one first")
    work.remove(TABLE_OF[kind], resource_id, if_revision=if_revision)
    _count_edit(work)
    _tell(work, kind, "DeleteEvent", resource_id)


# --- entries of the engine's part ------------------------------------------------------------------------------------


@requires("catalog:write")
def put_tariff_part(work: Work, *, kind: str, body: dict[str, Any]) -> None:
    """An entry of a release file (docs/catalogue.md), new or in place of the one of its id.

    kind   allowances, prices or offers
    body   as it would stand in the file; CatalogFaulty has what the reader says of it, at the field
    """
    copy = get_copy(work)
    if kind not in LISTS:
        raise Invalid("kind", f'"{kind}" is no list of a release file', f"Write {', '.join(LISTS)}")
    faults = FaultList()
    parse_parts(copy, work.caller.tenant, {kind: [body]}, faults)
    part_id = str(body.get("id", ""))
    inline = [entry for entry in body.get("prices", ()) if isinstance(entry, dict)] if kind == "offers" else []
    if inline:
        faults.add((kind, 0, "prices"), "a price is written out in it", "Put it under prices, and name its id here")
    if len(faults):
        found = field_faults(faults, {kind: [part_id]})
        raise CatalogFaulty([FieldFault(each.kind, each.id, each.field, each.problem, each.remedy) for each in found])
    known = _part(work, kind, part_id)
    if known is None:
        work.insert(TARIFF_PART, kind=kind, part_id=part_id, body=body)
    elif known["body"] != body:
        work.change(TARIFF_PART, known["id"], body=body)
    else:
        return
    _count_edit(work)


@requires("catalog:write")
def remove_tariff_part(work: Work, *, kind: str, part_id: str) -> None:
    """An entry goes; what the release before had must be named under `retires` of the head. NotFound."""
    known = _part(work, kind, part_id)
    if known is None:
        raise NotFound("part_id", f"there is no {part_id!r} in {kind}", "Name one that exists")
    work.remove(TARIFF_PART, known["id"])
    _count_edit(work)


@requires("catalog:write")
def change_head(work: Work, *, values: Mapping[str, Any], if_revision: int | None = None) -> WorkingCopy:
    """Number, name, description, effective_ns, retired_offers, retired_allowances of the next release.

    Currency and time zone are those of the files that it was imported from.
    """
    known = {"number", "name", "description", "effective_ns", "retired_offers", "retired_allowances"}
    for name in values.keys() - known:
        raise Invalid(name, f"{name} of the working copy is not to be changed", f"Known are {', '.join(sorted(known))}")
    get_copy(work)
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    row = work.change(WORKING_COPY, WORKING_COPY_ID, if_revision=if_revision, **plain)
    row = work.change(WORKING_COPY, WORKING_COPY_ID, edit_count=row["edit_count"] + 1)
    return WorkingCopy.from_row(row)


# --- inside ----------------------------------------------------------------------------------------------------------


def _part(work: Work, kind: str, part_id: str) -> Row | None:
    return work.row(sa.select(TARIFF_PART).where(TARIFF_PART.c.kind == kind, TARIFF_PART.c.part_id == part_id))


def _check(work: Work, resource: Resource) -> None:
    """CatalogFaulty with everything that is wrong with the resource for itself, and what it refers to."""
    kind = type(resource)
    findings = [*check_entry(resource)]
    faults = [
        FieldFault(LIST_OF[kind], resource.id, ".".join(map(str, path)), problem, remedy)
        for path, problem, remedy in findings
    ]
    for column, table in REFERENCES.get(kind, ()):
        named = getattr(resource, column)
        if named is not None and named != resource.id and work.find(table, named) is None:
            problem = f"there is no {table.name} {named!r}"
            faults.append(FieldFault(LIST_OF[kind], resource.id, column, problem, "Name one that exists"))
    if faults:
        raise CatalogFaulty(faults)


def _count_edit(work: Work) -> None:
    """The working copy differs from its base from now on; editors that race are serialised by its row."""
    row = work.find(WORKING_COPY, WORKING_COPY_ID)
    if row is None:
        raise NotFound(*NO_COPY)
    work.change(WORKING_COPY, WORKING_COPY_ID, edit_count=row["edit_count"] + 1)


def _tell(work: Work, kind: type[Resource], what: str, resource_id: str) -> None:
    names = EVENTS[kind]
    work.event(f"{names.event}{what}", resource=names.resource, resource_id=resource_id)
