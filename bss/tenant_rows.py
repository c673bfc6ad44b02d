"""Adds the tenant to a statement: each table in it, joined and nested ones too, yields rows of that tenant alone. So no query
of a domain can forget it.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.sql import visitors
from sqlalchemy.sql.selectable import Alias, FromClause, Join

AnySelect = sa.Select[Any]


def of_tenant(statement: AnySelect, tenant: str) -> AnySelect:
    """The statement for one tenant. TypeError where a source of rows isn't a table, a join of tables, or a subselect."""
    (source, *others) = _sources(statement) or (None,)
    if isinstance(source, sa.Table) and not others and not _has_selects(statement):
        return statement.where(_is_of(source, tenant))  # most are such; a traversal costs several times their making

    def limit_select(select: AnySelect) -> None:
        conditions = [_is_of(table, tenant) for source in _sources(select) for table in _always_there(source)]
        # A clone of ours; Select.where would make another, which nobody sees. What the clone remembers of itself goes, its
        # cache key above all: under a key without the tenant the next one would get the first one's compiled statement.
        select._where_criteria += tuple(conditions)
        select._reset_memoizations()

    def limit_join(join: Join) -> None:
        if isinstance(join.right, sa.Table | Alias):
            # not in WHERE: rows that an outer join makes up for missing ones have no tenant
            join.onclause = sa.and_(join.onclause, _is_of(join.right, tenant))  # type: ignore[arg-type]
            join._reset_memoizations()

    return visitors.cloned_traverse(statement, {}, {"select": limit_select, "join": limit_join})


_TABLES_OF: dict[object, tuple[FromClause, ...]] = {}
"""Tables that statements of a shape select from: SQLAlchemy compiles a statement to find that out, ten times as dear as the
rest. Only plain tables are remembered; other sources are objects of their statement.
"""
_SHAPES_MAX: Final = 2000


def _sources(select: AnySelect) -> Sequence[FromClause]:
    shape = select._generate_cache_key()
    if shape is None:
        return select.get_final_froms()
    known = _TABLES_OF.get(shape.key)
    if known is not None:
        return known
    found = tuple(select.get_final_froms())
    if all(isinstance(source, sa.Table) for source in found) and len(_TABLES_OF) < _SHAPES_MAX:
        _TABLES_OF[shape.key] = found
    return found


def _has_selects(statement: AnySelect) -> bool:
    """Does it select within itself, in a column or a condition?"""
    return any(isinstance(part, sa.SelectBase) and part is not statement for part in visitors.iterate(statement))


def _always_there(source: FromClause) -> Iterator[FromClause]:
    """The table that each row of the source has; those that are joined to it are limited where they are joined."""
    if isinstance(source, sa.Table | Alias):
        yield source
    elif isinstance(source, Join):
        if isinstance(source.right, Join):
            raise TypeError("a join stands at the right of a join: join the tables one after the other")
        yield from _always_there(source.left)
    elif not isinstance(source, sa.Subquery | sa.CTE):
        raise TypeError(f"rows of a {type(source).__name__} have no tenant: select from tables")


def _is_of(table: FromClause, tenant: str) -> sa.ColumnElement[bool]:
    """KeyError where a table has no tenant."""
    return table.c.tenant == tenant
