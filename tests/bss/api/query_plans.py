"""How a database would find the rows of a statement, as its own EXPLAIN says it; and rows by which PostgreSQL chooses: an empty
table it always reads whole.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.sql import visitors

ROWS: Final = 10_000
"""Of a table."""
FOUND_SHARE: Final = 40
"""One row in so many has what is asked for, where many can."""
TENANTS: Final = 10
"""So many have as many rows each."""
_RUN: Final = 200
"""Rows of a tenant that lie side by side: all that is asked for is among them."""
_SQLITE_SEARCH: Final = re.compile(r"SEARCH (?:\S+) USING .*\((.*)\)")
_NO_COLUMN: Final = re.compile(r"'(?:[^']|'')*'|::[a-z ]+(?:\[\])?")
"""In a condition of PostgreSQL: texts, and the types that values are taken as."""
_INDEX_SCANS: Final = ("Index Scan", "Index Only Scan", "Bitmap Index Scan")


class Search(NamedTuple):
    """One look into an index: by which columns, and whether it has all that is read."""

    columns: frozenset[str]
    is_covering: bool


class Plan(NamedTuple):
    """How rows are found: `whole` are tables that are gone through, `sorts` say what has no order by itself."""

    searches: list[Search]
    whole: list[str]
    sorts: list[str]
    text: str

    @property
    def columns(self) -> frozenset[str]:
        """By which indexes are searched, all of them together."""
        return frozenset[str]().union(*(search.columns for search in self.searches))


def plan_of(engine: sa.Engine, statement: sa.Select[Any]) -> Plan:
    """What the database would do, without doing it."""
    with engine.connect() as connection:
        text = str(statement.compile(connection, compile_kwargs={"literal_binds": True}))
        if engine.dialect.name == "sqlite":
            return _of_sqlite([row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}")])
        ((answer,),) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {text}")
        return _of_postgresql(answer[0]["Plan"])


def names_of(engine: sa.Engine, part: sa.ColumnElement[Any]) -> set[str]:
    """What a plan's `columns` call a part of an index. SQLite calls all expressions the same; PostgreSQL writes them out."""
    if isinstance(part, sa.Column):
        return {part.name}
    if engine.dialect.name == "sqlite":
        return {"expr"}
    return {each.name for each in visitors.iterate(part) if isinstance(each, sa.Column)}


def _of_sqlite(steps: Sequence[str]) -> Plan:
    searches = [
        Search(frozenset(re.findall(r"(\w+)[=<>]", found[1])), "COVERING INDEX" in step)
        for step in steps
        if (found := _SQLITE_SEARCH.fullmatch(step))
    ]
    whole = [step for step in steps if step.startswith("SCAN")]
    sorts = [step for step in steps if step.startswith("USE TEMP B-TREE FOR")]
    return Plan(searches, whole, sorts, "\n".join(steps))


def _of_postgresql(root: Mapping[str, Any]) -> Plan:
    nodes = list(_nodes_of(root))
    searches = [
        Search(
            frozenset(re.findall(r"[a-z_]+", _NO_COLUMN.sub("", node.get("Index Cond", "")))),
            node["Node Type"] == "Index Only Scan",
        )
        for node in nodes
        if node["Node Type"] in _INDEX_SCANS
    ]
    whole = [node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"]
    whole += [node["Index Name"] for node in nodes if node["Node Type"] in _INDEX_SCANS and "Index Cond" not in node]
    sorts = [node["Node Type"] for node in nodes if node["Node Type"].endswith("Sort")]
    return Plan(searches, whole, sorts, json.dumps(root, indent=1))


def _nodes_of(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from _nodes_of(below)


# --- rows --------------------------------------------------------------------------------------------------------------


def fill(engine: sa.Engine, tables: Mapping[sa.Table, Mapping[str, Sequence[Any]]]) -> None:
    """Fill tables of a PostgreSQL database that is there for this alone, and have it count what is in them.

    tables   by table and column what is asked for. Of several values each row has one; of one, a row in FOUND_SHARE. Numbers
             lie around the one that is asked for, so that as many are above it
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("SET session_replication_role = replica")  # rows may name others that aren't there
        # else VACUUM can't know that rows are there for everybody, and none would be read in an index alone
        connection.exec_driver_sql("SET synchronous_commit = on")
        for table, asked in tables.items():
            values = [_value(column, asked.get(column.name, ())) for column in table.columns]
            numbers = sa.func.generate_series(1, ROWS).table_valued("n").render_derived()
            rows = sa.select(*values).select_from(numbers)
            connection.execute(sa.insert(table).from_select(list(table.columns), rows))
            connection.exec_driver_sql(f"VACUUM (ANALYZE) {table.name}")


def _value(column: sa.Column[Any], asked: Sequence[Any]) -> sa.ColumnElement[Any]:
    """What a column has in the row of number n."""
    number: sa.ColumnElement[int] = sa.column("n", sa.Integer)
    own = sa.cast(_own_value(column, number, asked), column.type)
    if column.name == "tenant":
        return sa.case((number // _RUN % TENANTS == 0, sa.literal("default")), else_=own)
    if len(asked) > 1:
        place = number // FOUND_SHARE % len(asked)
        return sa.cast(sa.case(*((place == at, each) for at, each in enumerate(asked))), column.type)
    if not asked or isinstance(asked[0], int) or _is_unique(column):
        return own
    return sa.case((number % FOUND_SHARE == 0, sa.cast(sa.literal(asked[0]), column.type)), else_=own)


def _own_value(column: sa.Column[Any], number: sa.ColumnElement[int], asked: Sequence[Any]) -> sa.ColumnElement[Any]:
    """A value that no other row has, where the type has so many."""
    if isinstance(column.type, sa.Boolean):
        return number % FOUND_SHARE == 0
    if isinstance(column.type, sa.Integer):
        first = int(asked[0]) - ROWS * (FOUND_SHARE - 1) // FOUND_SHARE if asked else 0
        return sa.cast(number, sa.BigInteger) + first
    if isinstance(column.type, sa.String):
        return sa.func.to_hex(number)
    return sa.literal_column("'{}'")  # JSON


def _is_unique(column: sa.Column[Any]) -> bool:
    return any(
        column.name in constraint.columns
        for constraint in column.table.constraints
        if isinstance(constraint, sa.PrimaryKeyConstraint | sa.UniqueConstraint)
    ) or any(index.unique and column.name in index.columns for index in column.table.indexes)
