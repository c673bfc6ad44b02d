"""What others read of the catalogue: the working copy for editors, releases for everyone who sells by them."""

from typing import Any, Final, NamedTuple, TypeVar

import sqlalchemy as sa

from bss.access import requires
from bss.catalog.differences import differences
from bss.catalog.documents import write_file
from bss.catalog.faults import CatalogFaulty, FieldFault
from bss.catalog.records import ReleaseRow, ReleaseState, Resource
from bss.catalog.release import CatalogRelease, catalog_hash, catalog_text, read_catalog
from bss.catalog.tables import RELEASE, TABLE_OF
from bss.catalog.working_copy import (
    compile_copy,
    copy_hash,
    draft_count,
    find_copy,
    get_copy,
    published_release,
)
from bss.errors import NotFound
from bss.tenant_rows import Prepared
from bss.work import Row, Work
from catalog_loader.changes import Change

R = TypeVar("R", bound=Resource)
_PUBLISHED: Final = sa.select(RELEASE.c.text).where(RELEASE.c.state == ReleaseState.PUBLISHED)
_IN_FORCE: Final = Prepared(
    _PUBLISHED.where(RELEASE.c.effective_ns <= sa.bindparam("at_ns")).order_by(RELEASE.c.effective_ns.desc()).limit(1)
)
_LATER: Final = Prepared(
    sa.select(RELEASE.c.number, RELEASE.c.migrations)
    .where(
        RELEASE.c.state == ReleaseState.PUBLISHED,
        RELEASE.c.number > sa.bindparam("release"),
        RELEASE.c.effective_ns <= sa.bindparam("at_ns"),
    )
    .order_by(RELEASE.c.number)
)
_OF_NUMBER: Final = Prepared(_PUBLISHED.where(RELEASE.c.number == sa.bindparam("number")))


class CopyStatus(NamedTuple):
    """Where the working copy stands."""

    base_release: int | None
    edit_count: int
    draft_count: int
    hash: str
    """of the release that it would be; '' where it has faults"""
    faults: tuple[FieldFault, ...]


class Diff(NamedTuple):
    """What an import or a publication would change."""

    rows: tuple[Change, ...]
    shown_against: str
    """for `publication.import_release`"""


# --- the working copy ------------------------------------------------------------------------------------------------


@requires("catalog:read")
def resource_row(work: Work, *, kind: type[Resource], resource_id: str) -> Row:
    """The row of a resource of the working copy, with its revision. NotFound."""
    return work.get(TABLE_OF[kind], resource_id)


@requires("catalog:read")
def resources(work: Work, *, kind: type[R]) -> list[R]:
    """All of a kind in the working copy, by id."""
    table = TABLE_OF[kind]
    return [kind.from_row(row) for row in work.rows(sa.select(table).order_by(table.c.id))]


@requires("catalog:read")
def working_copy_status(work: Work) -> CopyStatus | None:
    """Base, edits, and every fault that publishing would name; None where there is no working copy."""
    copy = find_copy(work)
    if copy is None:
        return None
    read = compile_copy(work)
    hash_ = "" if read.release is None else catalog_hash(catalog_text(read.release))
    return CopyStatus(copy.base_release, copy.edit_count, draft_count(work), hash_, read.faults)


@requires("catalog:read")
def working_copy_file(work: Work) -> dict[str, Any]:
    """The working copy as a file that reads as the same release; drafts are left out. CatalogFaulty."""
    get_copy(work)
    read = compile_copy(work)
    if read.release is None:
        raise CatalogFaulty(read.faults)
    return write_file(read.release)


@requires("catalog:read")
def publication_diff(work: Work) -> list[Change]:
    """What publishing the working copy would change against the newest release. CatalogFaulty."""
    get_copy(work)
    read = compile_copy(work)
    if read.release is None:
        raise CatalogFaulty(read.faults)
    return differences(published_release(work), read.release)


@requires("catalog:read")
def import_diff(work: Work, *, release: CatalogRelease) -> Diff:
    """What importing this release would change of the working copy, for people to look at first."""
    before = compile_copy(work).release if find_copy(work) is not None else None
    return Diff(tuple(differences(before, release)), copy_hash(work))


# --- releases --------------------------------------------------------------------------------------------------------


@requires("catalog:read")
def releases(work: Work) -> list[ReleaseRow]:
    """All of the tenant, the newest first."""
    return [ReleaseRow.from_row(row) for row in work.rows(sa.select(RELEASE).order_by(RELEASE.c.id.desc()))]


@requires("catalog:read")
def release_row(work: Work, *, release_id: str) -> ReleaseRow:
    """A release by its id. NotFound."""
    return ReleaseRow.from_row(work.get(RELEASE, release_id, field="release"))


@requires("catalog:read")
def release_text_of(work: Work, *, release_id: str) -> str:
    """The text of a release, whatever its state. NotFound."""
    text: str = work.get(RELEASE, release_id, field="release")["text"]
    return text


@requires("catalog:read")
def release_in_force(work: Work, *, at_ns: int | None = None) -> CatalogRelease:
    """The release by which is sold at an instant (now where it is left out). NotFound where none is in force."""
    at_ns = work.now_ns if at_ns is None else at_ns
    row = work.row(_IN_FORCE, at_ns=at_ns)
    if row is None:
        remedy = "Publish one: farebox catalog import FILES, then farebox catalog release"
        raise NotFound("release", "no catalogue release is in force", remedy)
    return read_catalog(row["text"])


@requires("catalog:read")
def release_with_offering(work: Work, *, offering_id: str, before: int) -> CatalogRelease:
    """The newest published release of a lower number that has the offering: by it products of it were had. Where none has, the
    release of that number. NotFound.
    """
    rows = work.rows(
        sa.select(RELEASE.c.text)
        .where(RELEASE.c.state == ReleaseState.PUBLISHED, RELEASE.c.number < before)
        .order_by(RELEASE.c.number.desc())
    )
    for row in rows:
        release = read_catalog(row["text"])
        if release.offering(offering_id) is not None:
            return release
    return release_of_number(work, number=before)


@requires("catalog:read")
def successor_of(work: Work, *, offering_id: str, release: int) -> tuple[str, int]:
    """What migrations of releases in force have made of an offering of `release`: (offering id, number of the release that
    said so last); the same two where none did.
    """
    for row in work.rows(_LATER, release=release, at_ns=work.now_ns):
        if offering_id in row["migrations"]:
            offering_id, release = row["migrations"][offering_id], row["number"]
    return offering_id, release


@requires("catalog:read")
def release_of_number(work: Work, *, number: int) -> CatalogRelease:
    """The published release of this number: what was ordered by it is done by it. NotFound."""
    row = work.row(_OF_NUMBER, number=number)
    if row is None:
        raise NotFound("release", f"no catalogue release {number} is published", "Name a published one")
    return read_catalog(row["text"])
