"""The working copy: rows that editors change, compiled to the release that would be published of them."""

import json
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from bss.catalog.documents import ReadRelease, make_release
from bss.catalog.faults import FieldFault
from bss.catalog.records import LifecycleStatus, ReleaseState, Resource, WorkingCopy
from bss.catalog.release import (
    KIND_OF,
    LIST_OF,
    CatalogRelease,
    catalog_hash,
    catalog_text,
    read_catalog,
    without_drafts,
)
from bss.catalog.tables import RELEASE, TABLE_OF, TARIFF_PART, WORKING_COPY, WORKING_COPY_ID
from bss.errors import NotFound
from bss.work import Work
from catalog_loader.faults import Fault, FaultList
from catalog_loader.nodes import read_nodes
from catalog_loader.parse import parse_documents
from catalog_loader.release import Release
from catalog_loader.write import LISTS
from vocabulary.instants import NS_PER_S, to_rfc3339

NO_COPY: Final = ("working_copy", "there is no catalogue yet", "Import files: farebox catalog import FILES")
NOTHING_SHOWN: Final = ""
"""Hash of the release that a diff was shown against, where there was none."""


def find_copy(work: Work) -> WorkingCopy | None:
    """The head of the tenant's working copy, or none."""
    row = work.find(WORKING_COPY, WORKING_COPY_ID)
    return None if row is None else WorkingCopy.from_row(row)


def get_copy(work: Work) -> WorkingCopy:
    """The head of the tenant's working copy. NotFound says how one is made."""
    copy = find_copy(work)
    if copy is None:
        raise NotFound(*NO_COPY)
    return copy


def copy_resources(work: Work) -> dict[str, tuple[Resource, ...]]:
    """All its resources, drafts too, by list name and id."""
    return {
        name: tuple(kind.from_row(row) for row in work.rows(sa.select(TABLE_OF[kind]).order_by(TABLE_OF[kind].c.id)))
        for name, kind in KIND_OF.items()
    }


def copy_parts(work: Work) -> dict[str, list[dict[str, Any]]]:
    """Its entries of the engine's file, by list name and id."""
    rows = work.rows(sa.select(TARIFF_PART.c.kind, TARIFF_PART.c.body).order_by(TARIFF_PART.c.part_id))
    return {name: [row["body"] for row in rows if row["kind"] == name] for name in LISTS}


def next_head(copy: WorkingCopy, *, last_number: int, last_effective_ns: int, now_ns: int) -> WorkingCopy:
    """The copy with the number and the instant of the release that would be made of it.

    An unedited copy is its base release again. An edited one follows the last release: by the number and instant that its
    head says where those are later, else by the next number, at once.
    """
    if copy.edit_count == 0:
        return copy
    number = max(copy.number, last_number + 1)
    effective_ns = copy.effective_ns
    if effective_ns <= last_effective_ns:
        effective_ns = max(now_ns - now_ns % NS_PER_S, last_effective_ns + NS_PER_S)
    return msgspec.structs.replace(copy, number=number, effective_ns=effective_ns)


def compile_copy(work: Work) -> ReadRelease:
    """The release that would be published now, or all faults of the working copy. Drafts are no part of it."""
    last = work.row(
        sa.select(RELEASE.c.number, RELEASE.c.effective_ns)
        .where(RELEASE.c.state == ReleaseState.PUBLISHED)
        .order_by(RELEASE.c.number.desc())
        .limit(1)
    )
    number, effective_ns = (0, -1) if last is None else (last["number"], last["effective_ns"])
    head = next_head(get_copy(work), last_number=number, last_effective_ns=effective_ns, now_ns=work.now_ns)
    faults = FaultList()
    engine = parse_parts(head, work.caller.tenant, copy_parts(work), faults)
    faults.places.clear()  # rows have no lines, and in one place two rows with like faults would be one
    resources = without_drafts(copy_resources(work))
    ids = {name: [each.id for each in found] for name, found in resources.items()}
    read = make_release(engine, resources, faults, ids)
    return ReadRelease(read.release, tuple(_without_place(fault) for fault in read.faults))


def parse_parts(head: WorkingCopy, tenant: str, parts: dict[str, list[dict[str, Any]]], faults: FaultList) -> Release:
    """The engine's release of these entries, as its reader reads them from a file."""
    octets = json.dumps({"release": _header(head, tenant), **parts}).encode()
    node = read_nodes("working copy", octets)
    if isinstance(node, Fault):
        faults.add_fault(node)
        node = read_nodes("working copy", json.dumps({"release": _header(head, tenant)}).encode())
        assert not isinstance(node, Fault)
    return msgspec.structs.replace(parse_documents([node], faults), effective_ns=head.effective_ns)


def _header(head: WorkingCopy, tenant: str) -> dict[str, Any]:
    header: dict[str, Any] = {
        "number": head.number,
        "name": head.name,
        "tenant": tenant,
        "currency": head.currency,
        "time_zone": head.time_zone,
        "effective": to_rfc3339(head.effective_ns),
        "retires": {"offers": list(head.retired_offers), "allowances": list(head.retired_allowances)},
    }
    return header | ({"description": head.description} if head.description else {})


def _without_place(fault: FieldFault) -> FieldFault:
    """Rows have no lines."""
    return FieldFault(fault.kind, fault.id, fault.field, fault.problem, fault.remedy)


def copy_hash(work: Work) -> str:
    """Hash of the release that the working copy is; NOTHING_SHOWN where there is none, or it has faults."""
    if find_copy(work) is None:
        return NOTHING_SHOWN
    compiled = compile_copy(work).release
    return NOTHING_SHOWN if compiled is None else catalog_hash(catalog_text(compiled))


def published_release(work: Work) -> CatalogRelease | None:
    """The newest published release, or none."""
    row = work.row(
        sa.select(RELEASE.c.text)
        .where(RELEASE.c.state == ReleaseState.PUBLISHED)
        .order_by(RELEASE.c.number.desc())
        .limit(1)
    )
    return None if row is None else read_catalog(row["text"])


def draft_count(work: Work) -> int:
    """How many of its resources are drafts."""
    return sum(
        work.count(sa.select(table.c.id).where(table.c.lifecycle_status == LifecycleStatus.DRAFT))
        for table in TABLE_OF.values()
    )


def resources_in_order(release: CatalogRelease) -> list[Resource]:
    """Each behind those that it refers to, so that rows can be written one by one."""
    ordered: list[Resource] = []
    for kind in LIST_OF:
        ordered.extend(release.resources(kind))
    parents = {each.id: each.parent_id for each in release.categories}

    def depth(category_id: str) -> int:
        above, steps = parents.get(category_id), 0
        while above is not None and steps < len(parents):
            above, steps = parents.get(above), steps + 1
        return steps

    return sorted(
        ordered, key=lambda each: (list(LIST_OF).index(type(each)), depth(each.id) if each.id in parents else 0)
    )
