"""The shipped sample catalogue, read; and ways to change it for tests."""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

import bss.catalog
from bss.access import Caller
from bss.catalog.documents import read_sources
from bss.catalog.publication import import_release
from bss.catalog.queries import import_diff
from bss.catalog.records import Offering, Resource
from bss.catalog.release import LIST_OF, CatalogRelease
from bss.edge.database import Database
from catalog_loader.check import Source

SAMPLE = Path(str(bss.catalog.__file__)).parent / "samples" / "mobile.yaml"


@cache
def sample_release() -> CatalogRelease:
    read = read_sources([Source("mobile.yaml", SAMPLE.read_bytes())])
    assert read.release is not None, [str(fault) for fault in read.faults]
    return read.release


def replaced(release: CatalogRelease, resource: Resource) -> CatalogRelease:
    """The release with this resource in place of the one of its id."""
    name = LIST_OF[type(resource)]
    others = tuple(each for each in getattr(release, name) if each.id != resource.id)
    return msgspec.structs.replace(release, **{name: (*others, resource)})


def changed_offering(release: CatalogRelease, offering_id: str, **changes: Any) -> CatalogRelease:
    return replaced(release, msgspec.structs.replace(offering_of(release, offering_id), **changes))


def offering_of(release: CatalogRelease, offering_id: str) -> Offering:
    offering = release.offering(offering_id)
    assert offering is not None
    return offering


def renumbered(release: CatalogRelease, number: int, **engine: Any) -> CatalogRelease:
    """The release under another number, effective so many days after the sample's."""
    effective_ns = release.engine.effective_ns + (number - 1) * 86_400_000_000_000
    changed = msgspec.structs.replace(release.engine, number=number, effective_ns=effective_ns, **engine)
    return msgspec.structs.replace(release, engine=changed)


def import_into(database: Database, caller: Caller, release: CatalogRelease) -> None:
    """As the CLI does: the diff is shown, then the files are imported."""
    shown = database.read(caller, lambda work: import_diff(work, release=release))
    database.write(caller, lambda work: import_release(work, release=release, shown_against=shown.shown_against))
