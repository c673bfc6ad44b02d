"""How resources of the product catalogue are written and read over TMF620: the same for all five, around a record of each.

Over the API the working copy is edited, as in the console; what is sold changes as a release is published.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from bss.api.kinds import Instant, OneOf, Text
from bss.api.resource import Document, Domain, EventRow, Field, NotServed, Values, Writable, identity
from bss.api.rows import Row, TableRows
from bss.api.structures import PERIOD, period_columns, period_document
from bss.catalog.lifecycle import LIFECYCLE
from bss.catalog.operations import EVENTS, change_resource, create_resource, remove_resource, set_lifecycle_status
from bss.catalog.page_queries import catalog_currency
from bss.catalog.queries import resource_row
from bss.catalog.records import LifecycleStatus, Resource
from bss.catalog.rules import LIFECYCLE_STATUSES
from bss.catalog.tables import TABLE_OF
from bss.work import Work

READ: Final = "catalog:read"
WRITE: Final = "catalog:write"
PATH: Final = "/tmf-api/productCatalogManagement/v4"
NO_BUNDLES: Final = "offerings are tied together by productOfferingRelationship, not bundled"
NEXT_STATES: Final = {
    state: tuple(after for before, after in LIFECYCLE if before == state) for state in LIFECYCLE_STATUSES
}
_COMMON: Final = {"name": "name", "description": "description", "version": "version"}
Columns = Callable[[Work, Values], dict[str, Any]]
After = Callable[[Work, str, Values], None]
Fill = Callable[[Work, Sequence[Row], Mapping[str, Document]], None]


def common_fields(type_name: str) -> tuple[Field, ...]:
    """Members of each resource of the catalogue."""
    return (
        *identity(type_name),
        Field("name", Text(200, length_min=1), required=True, is_filter=True),
        Field("description", Text(2000)),
        Field("version", Text(40), meaning="as people count them; 1.0 unless said"),
        Field(
            "lifecycleStatus",
            OneOf(LIFECYCLE_STATUSES),
            is_filter=True,
            meaning="a draft is in no release; draft unless said",
        ),
        Field("lastUpdate", Instant(), column="updated_ns", writable=Writable.NEVER),
        Field("validFor", PERIOD, meaning="when it can be ordered"),
    )


def not_served(*names: str, reason: str) -> tuple[NotServed, ...]:
    """Several members with one reason."""
    return tuple(NotServed(name, reason) for name in names)


def events_of(kind: type[Resource]) -> tuple[EventRow, ...]:
    """What subscribers are told of a kind."""
    names = ("CreateEvent", "AttributeValueChangeEvent", "StateChangeEvent", "DeleteEvent")
    return tuple(EventRow(EVENTS[kind].event + name, EVENTS[kind].event + name) for name in names)


def domain_of(
    kind: type[Resource], members: Mapping[str, str], columns: Columns | None, fill: Fill, after: After | None = None
) -> Domain:
    """The functions of a kind.

    members  of the record's fields, by TM Forum's name, that are written as they are; the common ones aside
    columns  the record's fields for what is written otherwise
    fill     adds what isn't in the rows, by id
    after    what a save changes in other resources
    """
    names = _COMMON | dict(members)
    defaults = {one.name: one.default for one in msgspec.structs.fields(kind) if one.default is not msgspec.NODEFAULT}

    def said(work: Work, values: Values) -> dict[str, Any]:
        catalog_currency(work)  # there has to be a working copy
        found = {column: values[name] for name, column in names.items() if name in values}
        if "validFor" in values:
            period = period_columns(values["validFor"])
            found |= {"valid_from_ns": period["from_ns"], "valid_to_ns": period["to_ns"]}
        if columns is not None:
            found |= columns(work, values)
        return {name: defaults[name] if value is None else value for name, value in found.items()}

    def create(work: Work, values: Values) -> str:
        record = kind(id=work.new_id(), **said(work, values))
        create_resource(work, resource=record)
        status = values.get("lifecycleStatus", LifecycleStatus.DRAFT)
        if status != LifecycleStatus.DRAFT:
            set_lifecycle_status(work, kind=kind, resource_id=record.id, status=status)
        if after is not None:
            after(work, record.id, values)
        return record.id

    def change(work: Work, resource_id: str, if_revision: int | None, values: Values) -> None:
        found = said(work, values)
        if "lifecycleStatus" in values:
            found["lifecycle_status"] = values["lifecycleStatus"] or LifecycleStatus.DRAFT
        record = kind.from_row(resource_row(work, kind=kind, resource_id=resource_id))
        change_resource(work, resource=msgspec.structs.replace(record, **found), if_revision=if_revision)
        if after is not None:
            after(work, resource_id, values)

    def remove(work: Work, resource_id: str, if_revision: int | None) -> None:
        remove_resource(work, kind=kind, resource_id=resource_id, if_revision=if_revision)

    def fill_all(work: Work, rows: Sequence[Row], documents: Sequence[Document]) -> None:
        by_id = {document["id"]: document for document in documents}
        for row in rows:
            document = by_id[row["id"]]
            for name in [name for name, value in document.items() if value == ""]:
                del document[name]  # columns of texts that nobody said
            if period := period_document(row["valid_from_ns"], row["valid_to_ns"]):
                document["validFor"] = period
        fill(work, rows, by_id)

    return Domain(TableRows(TABLE_OF[kind]), READ, WRITE, fill=fill_all, create=create, change=change, remove=remove)
