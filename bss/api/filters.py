"""What a list may be filtered by, and what one is asked for: words between queries and sources of rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from bss.api.kinds import FilterKind
from bss.api.limits import PAGE_DEFAULT

OPERATORS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {"eq": eq, "gt": gt, "gte": ge, "lt": lt, "lte": le}
"""Suffixes of a filter's name (TMF630 §4.5); without one it is eq."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list may be filtered by beside plain fields: a member of an object in it, such as engagedParty.id.

    column  of the resource's own rows, or an expression of them; or of another table, whose rows name the resource's by `owner`
    also    further columns of the resource's own rows: one of them has the value
    named   by which column of the resource's own rows `owner` names them; by their id unless said
    head    the column's first characters (`bss.tables.head_of`), which the index is of where the column is too long for one
    """

    path: str
    kind: FilterKind
    column: sa.ColumnElement[Any]
    owner: sa.ColumnElement[Any] | None = None
    also: tuple[sa.Column[Any], ...] = ()
    named: sa.Column[Any] | None = None
    head: sa.ColumnElement[str] | None = None

    @property
    def is_sorted_by(self) -> bool:
        """Has each row one value for it, which stands in an index, so that lists can be sorted by it?"""
        is_column = isinstance(self.column, sa.ColumnClause)
        return is_column and self.owner is None and not self.also and self.head is None


class Condition(NamedTuple):
    """One filter of a list: any of `values` where the operator is eq."""

    filter: Filter
    operator: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """What a list is asked for.

    fields  members that are shown; None for all of them
    """

    conditions: tuple[Condition, ...] = ()
    fields: frozenset[str] | None = None
    sort: Filter | None = None
    is_descending: bool = False
    offset: int = 0
    limit: int = PAGE_DEFAULT

    @property
    def order(self) -> Filter | None:
        """What rows are sorted by before their id: as is asked; else what is asked for from or up to; else None, by id alone,
        which is their age.
        """
        if self.sort is not None:
            return self.sort
        return next((one.filter for one in self.conditions if one.operator != "eq" and one.filter.is_sorted_by), None)
