"""Publishing the catalogue: the working copy becomes a release, the engine takes it, and it is confirmed.

Two transactions with a call of the engine between them. What dies on the way leaves a prepared release, and the same call
again finishes it: the engine does nothing where it has the text already.
"""

from collections.abc import Mapping
from typing import NamedTuple

from bss.access import Caller
from bss.catalog.faults import CatalogFaulty, FieldFault
from bss.catalog.publication import confirm_release, prepare_release, refuse_release
from bss.catalog.queries import release_text_of
from bss.catalog.records import ReleaseRow
from bss.catalog.release import engine_part, read_catalog
from bss.engine_port import EnginePort, ReleasePublished, ReleaseRefused
from bss.views.offerings_in_use import offerings_in_use
from bss.work import Transactions
from catalog_loader.faults import Fault


class Published(NamedTuple):
    """The release is published."""

    release: ReleaseRow
    engines: tuple[str, ...]
    """that decide with it"""
    waiting: tuple[str, ...]
    """that run and don't yet"""


class Waiting(NamedTuple):
    """The engine didn't say: the release stays prepared, and publishing again finishes it."""

    release: ReleaseRow
    reason: str


def publish_catalog(
    database: Transactions,
    caller: Caller,
    engine: EnginePort,
    *,
    migrations: Mapping[str, str],
) -> Published | Waiting:
    """Publish the working copy of the caller's tenant. CatalogFaulty, Conflict where it can't be.

    migrations   offering → offering, for products, ordered ones too, whose offering goes or gets other terms
    """
    release = database.write(
        caller, lambda work: prepare_release(work, in_use=offerings_in_use(work), migrations=migrations)
    )
    return finish_release(database, caller, engine, release)


def finish_release(
    database: Transactions, caller: Caller, engine: EnginePort, release: ReleaseRow
) -> Published | Waiting:
    """Ask the engine for a prepared release, once more where it was asked before. CatalogFaulty where it refuses."""
    text, now_ns = database.read(caller, lambda work: (release_text_of(work, release_id=release.id), work.now_ns))
    answer = engine.publish_release(engine_part(read_catalog(text)), now_ns=now_ns)
    if isinstance(answer, ReleasePublished):
        confirmed = database.write(caller, lambda work: confirm_release(work, release_id=release.id))
        return Published(confirmed, answer.engines, answer.waiting)
    if isinstance(answer, ReleaseRefused):
        database.write(caller, lambda work: refuse_release(work, release_id=release.id))
        raise CatalogFaulty([_refusal(fault) for fault in answer.faults])
    return Waiting(release, answer.reason)


def _refusal(fault: Fault) -> FieldFault:
    field = ".".join(str(part) for part in fault.path[1:])
    return FieldFault(str(fault.path[0]) if fault.path else "release", "", field, fault.problem, fault.remedy)
