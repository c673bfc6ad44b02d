"""From files to the working copy, and from it to releases: import, discard, prepare, confirm.

Publishing calls the engine between two transactions. `prepare_release` fixes the text and its number; then the engine is
asked (bss/orchestration/catalog_publication.py); `confirm_release` or `refuse_release` says what came of it. A release that is
prepared is finished before another one is made: asking the engine again with the same text is safe.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa

from bss.access import requires
from bss.catalog.faults import CatalogFaulty, FieldFault
from bss.catalog.records import Category, ReleaseRow, ReleaseState
from bss.catalog.release import (
    CatalogRelease,
    catalog_hash,
    catalog_text,
    engine_part,
    read_catalog,
)
from bss.catalog.stranding import find_stranded
from bss.catalog.tables import RELEASE, TABLE_OF, TARIFF_PART, WORKING_COPY, WORKING_COPY_ID
from bss.catalog.working_copy import (
    compile_copy,
    copy_hash,
    draft_count,
    find_copy,
    get_copy,
    published_release,
    resources_in_order,
)
from bss.errors import Conflict, NotFound, Stale
from bss.work import Row, Work
from catalog_loader.check import succession_faults
from catalog_loader.write import LISTS, file_of

# --- files to the working copy ---------------------------------------------------------------------------------------


@requires("catalog:write")
def import_release(work: Work, *, release: CatalogRelease, shown_against: str) -> None:
    """The working copy becomes this release of files. Conflict where edits since its base release would be lost.

    shown_against   hash of the release in the working copy that the diff was shown against; Stale where it has become another
    """
    copy = find_copy(work)
    if copy is not None:
        drafts = draft_count(work)
        if copy.edit_count or drafts:
            lost = f"{copy.edit_count} edits since release {copy.base_release or 'none'} and {drafts} drafts"
            raise Conflict("working_copy", f"{lost} would be lost", "Publish them, or discard them first")
    if shown_against != copy_hash(work):
        raise Stale("shown_against", "the working copy was changed since the diff was shown", "Look at the diff again")
    engine = msgspec.structs.replace(release.engine, tenant=work.caller.tenant)
    release = msgspec.structs.replace(release, engine=engine)
    _replace_copy(work, release, base_release=copy.base_release if copy is not None else None)


@requires("catalog:write")
def discard_edits(work: Work) -> None:
    """The working copy becomes its base release again; drafts and edits go. Conflict before the first release."""
    copy = get_copy(work)
    if copy.base_release is None:
        raise Conflict("working_copy", "there is no release to go back to", "Publish one, or import other files")
    _replace_copy(work, _text_of(work, copy.base_release), base_release=copy.base_release)


@requires("catalog:write")
def discard_everything(work: Work) -> None:
    """A working copy that has no base release goes, so that other files can be imported. Conflict where it has one."""
    if get_copy(work).base_release is not None:
        raise Conflict("working_copy", "it has a base release", "Discard the edits since then")
    for table in (TARIFF_PART, *reversed(TABLE_OF.values())):
        for row in _children_first(work, table):
            work.remove(table, row["id"])
    work.remove(WORKING_COPY, WORKING_COPY_ID)


# --- the working copy to a release -----------------------------------------------------------------------------------


@requires("catalog:publish")
def prepare_release(
    work: Work, *, in_use: Mapping[str, int], migrations: Mapping[str, str] | None = None
) -> ReleaseRow:
    """The release of the working copy, its text fixed. CatalogFaulty with what compiler, succession and customers say.

    in_use       products of customers that aren't terminated, by offering id
    migrations   offering → offering: what happens to products whose offering goes or gets other terms
    Again before it is confirmed it gives the same release; Conflict where the working copy has changed since.
    """
    migrations = dict(migrations or {})
    read = compile_copy(work)
    if read.release is None:
        raise CatalogFaulty(read.faults)
    text = catalog_text(read.release)
    for row in work.rows(sa.select(RELEASE).where(RELEASE.c.state == ReleaseState.PREPARED)):
        if row["hash"] == catalog_hash(text) and row["migrations"] == migrations:
            return ReleaseRow.from_row(row)
        problem = f"release {row['number']} is prepared, and the engine has not answered for it"
        raise Conflict("release", problem, "Finish it first: farebox catalog release --finish")
    copy = get_copy(work)
    if copy.base_release is not None and _text_row(work, copy.base_release)["text"] == text:
        problem = f"nothing was edited since release {copy.base_release}"
        raise Conflict("working_copy", problem, "Edit it, or import files")
    faults = _check_succession(work, read.release)
    current = published_release(work)
    if current is not None:
        faults += find_stranded(current, read.release, in_use, migrations)
    if faults:
        raise CatalogFaulty(faults)
    row = work.insert(
        RELEASE,
        number=read.release.engine.number,
        name=read.release.engine.name,
        state=ReleaseState.PREPARED,
        effective_ns=read.release.engine.effective_ns,
        hash=catalog_hash(text),
        engine_hash=engine_part(read.release).hash,
        migrations=migrations,
        edit_count=copy.edit_count,
        text=text,
    )
    return ReleaseRow.from_row(row)


@requires("catalog:read")
def stranded_by_publishing(
    work: Work, *, in_use: Mapping[str, int], migrations: Mapping[str, str] | None = None
) -> list[FieldFault]:
    """Whom publishing the working copy would strand, and which migrations can't be: what `prepare_release` would refuse for
    its customers' sake. CatalogFaulty where the working copy can't be published in any case.
    """
    read = compile_copy(work)
    if read.release is None:
        raise CatalogFaulty(read.faults)
    current = published_release(work)
    return [] if current is None else find_stranded(current, read.release, in_use, dict(migrations or {}))


@requires("catalog:publish")
def confirm_release(work: Work, *, release_id: str) -> ReleaseRow:
    """The engine has it: it is published, and the base of the working copy, edits made meanwhile aside. Safe to repeat."""
    row = work.get(RELEASE, release_id, field="release")
    if row["state"] == ReleaseState.PUBLISHED:
        return ReleaseRow.from_row(row)
    if row["state"] != ReleaseState.PREPARED:
        raise Conflict("release", f"release {row['number']} is {row['state']}", "Publish the working copy anew")
    changed = work.change(RELEASE, release_id, state=ReleaseState.PUBLISHED)
    copy = get_copy(work)
    work.change(
        WORKING_COPY,
        WORKING_COPY_ID,
        base_release=row["number"],
        edit_count=max(copy.edit_count - row["edit_count"], 0),
        number=row["number"],
        effective_ns=row["effective_ns"],
    )
    work.event("CatalogReleasePublishEvent", resource="catalogRelease", resource_id=release_id)
    for source, target in sorted(row["migrations"].items()):
        work.event(
            "ProductOfferingMigrationEvent",
            resource="productOffering",
            resource_id=source,
            target=target,
            release=release_id,
        )
    return ReleaseRow.from_row(changed)


@requires("catalog:publish")
def refuse_release(work: Work, *, release_id: str) -> None:
    """The engine refused it: its number is free again, and the working copy is as it was."""
    row = work.get(RELEASE, release_id, field="release")
    if row["state"] != ReleaseState.PREPARED:
        raise Conflict("release", f"release {row['number']} is {row['state']}", "Publish the working copy anew")
    work.change(RELEASE, release_id, state=ReleaseState.REFUSED)


# --- inside ----------------------------------------------------------------------------------------------------------


def _check_succession(work: Work, release: CatalogRelease) -> list[FieldFault]:
    rows = work.rows(sa.select(RELEASE.c.text).where(RELEASE.c.state == ReleaseState.PUBLISHED))
    published = [read_catalog(row["text"]).engine for row in rows]
    faults = succession_faults(engine_part(release), published, 0, work.now_ns)
    ids = {name: [each.id for each in getattr(release.engine, name)] for name in LISTS}
    return [
        FieldFault(
            str(fault.path[0]) if fault.path else "release",
            ids[str(fault.path[0])][index] if len(fault.path) > 1 and isinstance(index := fault.path[1], int) else "",
            ".".join(str(part) for part in fault.path[1:] if not isinstance(part, int)),
            fault.problem,
            fault.remedy,
        )
        for fault in faults
    ]


def _text_row(work: Work, number: int) -> Row:
    row = work.row(sa.select(RELEASE).where(RELEASE.c.number == number, RELEASE.c.state == ReleaseState.PUBLISHED))
    if row is None:
        raise NotFound("release", f"there is no published release {number}", "Name one that exists")
    return row


def _text_of(work: Work, number: int) -> CatalogRelease:
    return read_catalog(_text_row(work, number)["text"])


def _replace_copy(work: Work, release: CatalogRelease, *, base_release: int | None) -> None:
    """The rows become those of the release; what stays the same isn't touched."""
    wanted = resources_in_order(release)
    known = {table.name: {row["id"]: row for row in work.rows(sa.select(table))} for table in TABLE_OF.values()}
    for resource in wanted:
        table = TABLE_OF[type(resource)]
        _write_row(work, table, resource.to_row(), known[table.name].get(resource.id))
    kept = {(TABLE_OF[type(each)].name, each.id) for each in wanted}
    for table in reversed(TABLE_OF.values()):
        for row in _children_first(work, table):
            if (table.name, row["id"]) not in kept:
                work.remove(table, row["id"])
    _replace_parts(work, release)
    engine = release.engine
    head: dict[str, Any] = {
        "base_release": base_release,
        "edit_count": 0,
        "number": engine.number,
        "name": engine.name,
        "description": engine.description,
        "currency": engine.currency,
        "time_zone": engine.time_zone,
        "effective_ns": engine.effective_ns,
        "retired_offers": list(engine.retired_offers),
        "retired_allowances": list(engine.retired_allowances),
    }
    _write_row(work, WORKING_COPY, {"id": WORKING_COPY_ID} | head, work.find(WORKING_COPY, WORKING_COPY_ID))


def _write_row(work: Work, table: sa.Table, values: dict[str, Any], known: Row | None) -> None:
    """A row of this id with these values, new or changed where it differs."""
    if known is None:
        work.insert(table, **values)
    elif any(known[name] != value for name, value in values.items()):
        work.change(table, values["id"], **{name: value for name, value in values.items() if name != "id"})


def _children_first(work: Work, table: sa.Table) -> list[Row]:
    """Rows in an order in which they can be removed."""
    rows = list(work.rows(sa.select(table)))
    if table is not TABLE_OF[Category]:
        return rows
    parents = {row["id"]: row["parent_id"] for row in rows}

    def depth(row_id: str | None) -> int:
        steps = 0
        while row_id is not None and steps <= len(parents):
            row_id, steps = parents.get(row_id), steps + 1
        return steps

    return sorted(rows, key=lambda row: -depth(row["id"]))


def _replace_parts(work: Work, release: CatalogRelease) -> None:
    file = file_of(release.engine)
    wanted = {(kind, str(entry["id"])): entry for kind in LISTS for entry in file[kind]}
    for row in work.rows(sa.select(TARIFF_PART)):
        entry = wanted.pop((row["kind"], row["part_id"]), None)
        if entry is None:
            work.remove(TARIFF_PART, row["id"])
        elif entry != row["body"]:
            work.change(TARIFF_PART, row["id"], body=entry)
    for (kind, part_id), entry in wanted.items():
        work.insert(TARIFF_PART, kind=kind, part_id=part_id, body=entry)
