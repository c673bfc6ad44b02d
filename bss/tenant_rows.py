"""Adds the tenant to a statement: each table in it, joined and nested ones too, yields rows of that tenant alone. So no query
of a domain can forget it.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import visitors
from sqlalchemy.sql.selectable import Alias, FromClause, Join

AnySelect = sa.Select[Any]


def of_tenant(statement: AnySelect, tenant: str) -> AnySelect:
    """The statement for one tenant. TypeError where a source of rows isn't a table, a join of tables, or a subselect."""
    (source, *others) = statement.get_final_froms() or (None,)
    if isinstance(source, sa.Table) and not others and not _has_selects(statement):
        return statement.where(_is_of(source, tenant))  # most are such; a traversal costs several times their making

    def limit_select(select: AnySelect) -> None:
        conditions = [_is_of(table, tenant) for source in select.get_final_froms() for table in _always_there(source)]
        select._where_criteria += tuple(
            conditions
        )  # a clone of ours; Select.where would make another, which nobody sees

    def limit_join(join: Join) -> None:
        if isinstance(join.right, sa.Table | Alias):
            # not in WHERE: rows that an outer join makes up for missing ones have no tenant
            join.onclause = sa.and_(join.onclause, _is_of(join.right, tenant))  # type: ignore[arg-type]

    return visitors.cloned_traverse(statement, {}, {"select": limit_select, "join": limit_join})


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
