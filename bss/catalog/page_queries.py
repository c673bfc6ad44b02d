"""What a page of the catalogue's resources shows of others, in one query each."""

from collections.abc import Iterable

import sqlalchemy as sa

from bss.access import requires
from bss.catalog.records import Category, Resource
from bss.catalog.tables import CATEGORY, TABLE_OF
from bss.catalog.working_copy import find_copy
from bss.errors import Conflict
from bss.work import Work


@requires("catalog:read")
def names_of(work: Work, *, kind: type[Resource], ids: Iterable[str]) -> dict[str, str]:
    """Names of those of these resources that exist, by id."""
    table = TABLE_OF[kind]
    rows = work.rows(sa.select(table.c.id, table.c.name).where(table.c.id.in_(set(ids))))
    return {row["id"]: row["name"] for row in rows}


@requires("catalog:read")
def categories_below(work: Work, parent_ids: Iterable[str]) -> list[Category]:
    """Categories whose parent is one of these."""
    statement = sa.select(CATEGORY).where(CATEGORY.c.parent_id.in_(set(parent_ids))).order_by(CATEGORY.c.id)
    return [Category.from_row(row) for row in work.rows(statement)]


@requires("catalog:read")
def categories_of_catalogs(work: Work, catalog_ids: Iterable[str]) -> list[Category]:
    """Categories that belong to one of these catalogs."""
    statement = sa.select(CATEGORY).where(CATEGORY.c.catalog_id.in_(set(catalog_ids))).order_by(CATEGORY.c.id)
    return [Category.from_row(row) for row in work.rows(statement)]


@requires("catalog:read")
def catalog_currency(work: Work) -> str:
    """What all prices of the working copy are in. Conflict where there is no working copy."""
    copy = find_copy(work)
    if copy is None:
        raise Conflict(
            "working_copy", "there is no catalogue yet", "Import files first: farebox catalog import says how"
        )
    return copy.currency
