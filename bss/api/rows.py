"""Where the rows of a resource are: in a table (`TableRows`), or in accounts of the engine (`EngineRows`). A new source is a
class with the methods of `Rows`; to routes, filters, pages and documents it makes no difference.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

import sqlalchemy as sa

from balances.queries import AccountView
from bss.access import Caller, check_caller
from bss.api.filters import OPERATORS, Condition, Filter, Selection
from bss.api.headers import unavailable
from bss.api.limits import ACCOUNTS_READ_MAX
from bss.api.problems import Problem, Refusal
from bss.engine_port import EnginePort, NoEngine
from bss.tables import HEAD_CHARACTERS
from bss.work import Transactions, Work

Row = Mapping[str, Any]
T = TypeVar("T")
Show = Callable[[Work, Sequence[Row]], T]
"""Makes documents of some rows."""
Index = tuple[sa.Table, tuple[str, ...]]
"""A table, and the first columns of an index of it (`part_name`)."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What one request reads from, on whose behalf."""

    store: Transactions
    engine: EnginePort | None
    caller: Caller
    permission: str

    def read(self, function: Callable[[Work], T]) -> T:
        """The function's result, on a snapshot, where the caller may read. Unauthenticated, Forbidden."""

        def checked(work: Work) -> T:
            check_caller(work.caller, self.permission, now_ns=work.now_ns)
            return function(work)

        return self.store.read(self.caller, checked)


class Rows(Protocol):
    """A source of rows. Each row has `id` and `revision`, which is its ETag, beside its `columns`."""

    def column(self, name: str) -> sa.ColumnElement[Any] | None:
        """The column of this name; None where rows don't have it."""

    def indexes_of(self, one: Filter) -> tuple[Index, ...]:
        """The indexes by which a filter finds its rows, one a column; none where it looks at few rows in any case."""

    def page(self, reach: Reach, selection: Selection, show: Show[T]) -> tuple[int, T]:
        """(how many rows match, what `show` makes of the page's)."""

    def one(self, reach: Reach, row_id: str, show: Show[T]) -> tuple[Row, T] | None:
        """The row of an id and what `show` makes of it; None where there is none."""


# --- of a table ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TableRows:
    """Rows of a table of SQL.

    only   values of columns that the resource's rows have, where the table holds other resources' rows, too
    """

    table: sa.Table
    only: Mapping[str, str | bool] = field(default_factory=dict)

    def column(self, name: str) -> sa.ColumnElement[Any] | None:
        """See Rows."""
        return self.table.c.get(name)

    def indexes_of(self, one: Filter) -> tuple[Index, ...]:
        """See Rows. The id is behind: rows come in its order; without it SQLite goes through all ids and looks at each."""
        column, owner = one.column, one.owner
        if owner is not None:
            assert isinstance(column, sa.Column)
            assert isinstance(column.table, sa.Table)
            if one.named is not None:
                return (column.table, ("tenant", column.name)), (self.table, ("tenant", one.named.name, "id"))
            assert isinstance(owner, sa.Column)
            return ((column.table, ("tenant", column.name, owner.name)),)
        first = column if one.head is None else one.head
        own = [("tenant", *self.only, part_name(each), "id") for each in (first, *one.also)]
        return tuple((self.table, tuple(dict.fromkeys(names))) for names in own)

    def find(self, work: Work, row_id: str) -> Row | None:
        """The tenant's row of an id; None."""
        row = work.find(self.table, row_id)
        return row if row is None or all(row[name] == value for name, value in self.only.items()) else None

    def one(self, reach: Reach, row_id: str, show: Show[T]) -> tuple[Row, T] | None:
        """See Rows."""

        def read(work: Work) -> tuple[Row, T] | None:
            row = self.find(work, row_id)
            return None if row is None else (row, show(work, [row]))

        return reach.read(read)

    def page(self, reach: Reach, selection: Selection, show: Show[T]) -> tuple[int, T]:
        """See Rows. A page that isn't full says the count by itself; else it costs a second statement."""

        def read(work: Work) -> tuple[int, T]:
            rows = work.rows(self.statement(selection))
            if 0 < len(rows) < selection.limit or (not rows and not selection.offset):
                total = selection.offset + len(rows)
            else:
                total = work.count(self.counted(selection))
            return total, show(work, rows)

        return reach.read(read)

    def statement(self, selection: Selection) -> sa.Select[Any]:
        """Rows of one page, in an order that is always the same: equal ones come by id."""
        order = [self.table.c.id]
        if selection.order is not None and selection.order.column is not self.table.c.id:
            order.insert(0, selection.order.column)  # type: ignore[arg-type]
        directed = [one.desc() if selection.is_descending else one.asc() for one in order]
        where = self._where(selection.conditions)
        if not selection.offset:
            return sa.select(self.table).where(*where).order_by(*directed).limit(selection.limit)
        # which rows they are is found in an index: those before them aren't read
        ids = sa.select(self.table.c.id).where(*where).order_by(*directed)
        ids = ids.limit(selection.limit).offset(selection.offset).correlate(None)
        return sa.select(self.table).where(self.table.c.id.in_(ids)).order_by(*directed)

    def counted(self, selection: Selection) -> sa.Select[Any]:
        """Rows of all pages; of the id alone, so that an index that ends with it has all that is read."""
        return sa.select(self.table.c.id).where(*self._where(selection.conditions))

    def _where(self, conditions: Sequence[Condition]) -> list[sa.ColumnElement[bool]]:
        """In SQL. Values are always bound, never written into it; `Work` adds the tenant to each table."""
        only = [self.table.c[name] == value for name, value in self.only.items()]
        return [*only, *(self._matching(one) for one in conditions)]

    def _matching(self, one: Condition) -> sa.ColumnElement[bool]:
        found = in_sql(one)
        if one.filter.owner is not None:
            owners = sa.select(one.filter.owner).where(found)
            if one.filter.named is None:
                return self.table.c.id.in_(owners)
            named = sa.select(self.table.c.id).where(one.filter.named.in_(owners)).correlate(None)
            return self.table.c.id.in_(named)
        if one.filter.head is not None:
            # apart from the column's own condition: SQLite would put its value into the head, and see no index of it then
            heads = [value[:HEAD_CHARACTERS] for value in one.values]
            beginning = sa.select(self.table.c.id).where(one.filter.head.in_(heads)).correlate(None)
            return sa.and_(self.table.c.id.in_(beginning), found)
        if not one.filter.also:
            return found
        # not OR: with that SQLite goes through all ids, as rows come in their order
        matching = [found, *(_on(one, column) for column in one.filter.also)]
        ids = [sa.select(self.table.c.id).where(each).correlate(None) for each in matching]
        return self.table.c.id.in_(sa.union(*ids))


def part_name(part: sa.ColumnElement[Any]) -> str:
    """What a part of an index is called: a column by its name, an expression by itself."""
    return part.name if isinstance(part, sa.Column) else str(part)


def in_sql(one: Condition) -> sa.ColumnElement[bool]:
    """The condition on its own column."""
    return _on(one, one.filter.column)


def _on(one: Condition, column: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    if len(one.values) > 1:
        return column.in_(one.values)
    found: sa.ColumnElement[bool] = OPERATORS[one.operator](column, one.values[0])
    return found


_NOBODY: Final = 0
"""No account has this number."""

# --- of the engine's accounts ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EngineRows:
    """Rows out of accounts of the engine, as they are at the moment of the request. No transaction is open while it is asked.

    account      column of a table whose rows say which accounts the tenant has; filters with it as `owner` are columns of that
                 table, and narrow the accounts that are read; others look at the rows of these
    columns      what a row has
    account_of   number of the account whose row has this id; None where no row can have it
    of_account   rows of an account at an instant (ns)
    by_ids       filters whose values say as ids of rows do which account they are of
    """

    account: sa.Column[Any]
    columns: frozenset[str]
    account_of: Callable[[str], int | None]
    of_account: Callable[[AccountView, int], Iterable[Row]]
    by_ids: frozenset[str] = frozenset({"id"})

    def column(self, name: str) -> sa.ColumnElement[Any] | None:
        """See Rows."""
        return sa.column(name) if name in self.columns else None

    def indexes_of(self, one: Filter) -> tuple[Index, ...]:
        """See Rows."""
        if one.owner is None:
            return ()
        assert isinstance(one.column, sa.Column)
        return ((one.column.table, ("tenant", one.column.name)),)

    def one(self, reach: Reach, row_id: str, show: Show[T]) -> tuple[Row, T] | None:
        """See Rows."""
        account = self.account_of(row_id)
        if account is None:
            return None
        rows = self._rows(reach, [self.account == account])
        row = next((row for row in rows if row["id"] == row_id), None)
        return None if row is None else (row, reach.read(lambda work: show(work, [row])))

    def page(self, reach: Reach, selection: Selection, show: Show[T]) -> tuple[int, T]:
        """See Rows. Refusal: more accounts would be read than one request may."""
        conditions = [one for one in selection.conditions if one.filter.owner is None]
        rows = [
            row
            for row in self._rows(reach, self.where(selection.conditions))
            if all(_meets(row, one) for one in conditions)
        ]
        by = "id" if selection.order is None else _name_of(selection.order)
        rows.sort(key=lambda row: (row[by] is not None, row[by], row["id"]), reverse=selection.is_descending)
        shown = rows[selection.offset : selection.offset + selection.limit]
        return len(rows), reach.read(lambda work: show(work, shown))

    def where(self, conditions: Sequence[Condition]) -> list[sa.ColumnElement[bool]]:
        """What narrows the accounts: filters of their table, and ids of rows, which say whose they are."""
        found = [in_sql(one) for one in conditions if one.filter.owner is not None]
        for one in conditions:
            if one.filter.path in self.by_ids and one.operator == "eq":
                accounts = {self.account_of(value) for value in one.values} - {None}
                found.append(self.account.in_(accounts or {_NOBODY}))
        return found

    def statement(self, where: Sequence[sa.ColumnElement[bool]]) -> sa.Select[Any]:
        """Accounts that are read; one more than may be, where there are so many.

        Only without another condition the account has to be there: beside one, SQLite would take the index of accounts.
        """
        return sa.select(self.account).where(*(where or [self.account.is_not(None)])).limit(ACCOUNTS_READ_MAX + 1)

    def _rows(self, reach: Reach, where: Sequence[sa.ColumnElement[bool]]) -> list[Row]:
        now_ns, found = reach.read(lambda work: (work.now_ns, work.rows(self.statement(where))))
        if len(found) > ACCOUNTS_READ_MAX:
            message = (
                f"this would read more than {ACCOUNTS_READ_MAX} accounts: name a product, a customer or an account"
            )
            raise Refusal(Problem.INVALID_QUERY, message)
        accounts = sorted({row[self.account.name] for row in found} - {None})
        return [row for view in _views(reach, accounts) for row in self.of_account(view, now_ns)]


def _views(reach: Reach, accounts: Sequence[int]) -> list[AccountView]:
    """These accounts, those that the engine has. Refusal: it is away."""
    if not accounts:
        return []
    if reach.engine is None:
        raise unavailable("no engine is asked here")
    tenant = reach.engine.tenant_number(reach.caller.tenant)
    if isinstance(tenant, NoEngine):
        raise unavailable(f"the engine is away: {tenant.reason}")
    found = []
    for account in accounts:
        view = reach.engine.read_account(tenant, account)
        if isinstance(view, NoEngine):
            raise unavailable(f"the engine is away: {view.reason}")
        if view is not None:
            found.append(view)
    return found


def _meets(row: Row, one: Condition) -> bool:
    held = row[_name_of(one.filter)]
    values = held if isinstance(held, tuple) else () if held is None else (held,)
    return any(OPERATORS[one.operator](value, wanted) for value in values for wanted in one.values)


def _name_of(one: Filter) -> str:
    assert isinstance(one.column, sa.ColumnClause)
    return str(one.column.name)
