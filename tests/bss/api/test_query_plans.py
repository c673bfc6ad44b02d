"""No list reads a whole table: of every filter and every order of every API, the database says how it would find the rows."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from bss.api.apis import APIS
from bss.api.filters import Filter, Selection
from bss.api.resource import Api, Resource
from bss.api.rows import EngineRows, TableRows
from bss.api.selections import read_selection
from bss.edge.database import Database
from bss.tenant_rows import of_tenant
from tests.bss.api.query_plans import Plan, fill, names_of, plan_of
from tests.bss.api.sample_api import GADGET, SAMPLE
from tests.bss.postgresql import PostgresServer

RESOURCES = [(api, resource) for api in (*APIS, SAMPLE) for resource in api.resources]
each_resource = pytest.mark.parametrize(
    ("api", "resource"), RESOURCES, ids=[f"{api.name}-{resource.name}" for api, resource in RESOURCES]
)
VALUES = {"string": "x", "integer": "1", "number": "1", "boolean": "true"}
PAGE, FAR = "&limit=10", "&limit=10&offset=1000"


def asked_for(resource: Resource, path: str, one: Filter) -> str:
    """A value of a filter, as a client writes it."""
    schema = one.kind.schema()
    if isinstance(resource.domain.rows, EngineRows) and path in resource.domain.rows.by_ids:
        return "1-1"
    if schema.get("format") == "date-time":
        return "2026-01-01T00:00:00Z"
    return str(schema["enum"][0]) if "enum" in schema else VALUES[schema["type"]]


def selected(resource: Resource, query: str) -> Selection:
    return read_selection(query.encode(), resource.all_filters(), frozenset())


@pytest.fixture(scope="module")
def filled(postgresql: PostgresServer) -> Iterator[sa.Engine]:
    """A database of PostgreSQL with rows in every table that a filter looks into."""
    engine = sa.create_engine(postgresql.create("plans", template="farebox_tables"), poolclass=sa.NullPool)
    tables: dict[sa.Table, dict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for _, resource in RESOURCES:
        rows = resource.domain.rows
        for name, value in rows.only.items() if isinstance(rows, TableRows) else ():
            values = tables[rows.table][name]
            values.extend({value} - set(values))
        for path, one in resource.all_filters().items():
            (condition,) = selected(resource, f"{path}={asked_for(resource, path, one)}").conditions
            for column in (one.column, *one.also):
                if isinstance(column, sa.Column) and column.name not in getattr(rows, "only", {}):
                    tables[column.table][column.name] = [condition.values[0]]
    fill(engine, tables)
    yield engine
    engine.dispose()
    postgresql.drop("plans")


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> sa.Engine:
    """SQLite goes by its rules where it never counted; PostgreSQL by what is there."""
    if request.param == "sqlite":
        database: Database = request.getfixturevalue("on_sqlite")
        return database.engine
    found: sa.Engine = request.getfixturevalue("filled")
    return found


def checked(engine: sa.Engine, statement: sa.Select[Any]) -> Plan:
    """The plan, in which no table is read whole."""
    plan = plan_of(engine, of_tenant(statement, "default"))
    assert plan.searches, plan.text
    assert not plan.whole, plan.text
    return plan


def listed(resource: Resource, selection: Selection) -> sa.Select[Any]:
    """What is asked of SQL for a list: its rows, or the accounts of the engine that have them."""
    rows = resource.domain.rows
    if isinstance(rows, EngineRows):
        return rows.statement(rows.where(selection.conditions))
    assert isinstance(rows, TableRows)
    return rows.statement(selection)


def searched(engine: sa.Engine, resource: Resource, one: Filter) -> set[str]:
    """The columns by which SQL finds what a filter wants; where it is no column of SQL, the accounts that are looked at."""
    if not resource.domain.rows.indexes_of(one):
        assert isinstance(resource.domain.rows, EngineRows)
        return {resource.domain.rows.account.name}
    return {*names_of(engine, one.column if one.head is None else one.head), *(each.name for each in one.also)}


def test_what_has_no_index_is_noticed(engine: sa.Engine) -> None:
    statement = sa.select(GADGET.c.id).where(GADGET.c.serial == "x").order_by(GADGET.c.serial, GADGET.c.price_micros)
    plan = plan_of(engine, of_tenant(statement, "default"))
    assert "serial" not in plan.columns, plan.text
    assert plan.sorts, plan.text
    assert plan_of(engine, sa.select(GADGET)).whole


@each_resource
def test_a_filter_finds_rows_by_an_index_of_its_own(api: Api, resource: Resource, engine: sa.Engine) -> None:
    for path, one in resource.all_filters().items():
        query = f"{path}={asked_for(resource, path, one)}"
        for page in ("", PAGE, FAR):
            plan = checked(engine, listed(resource, selected(resource, query + page)))
            assert plan.columns >= searched(engine, resource, one), plan.text


@each_resource
def test_what_a_filter_finds_is_counted_in_its_index(api: Api, resource: Resource, engine: sa.Engine) -> None:
    rows = resource.domain.rows
    for path, one in resource.all_filters().items() if isinstance(rows, TableRows) else ():
        assert isinstance(rows, TableRows)
        plan = checked(engine, rows.counted(selected(resource, f"{path}={asked_for(resource, path, one)}")))
        assert plan.columns >= searched(engine, resource, one), plan.text
        if one.is_sorted_by and one.column is not rows.table.c.id:  # rows themselves aren't read
            assert all(search.is_covering for search in plan.searches), plan.text


@each_resource
def test_rows_come_in_order_without_being_sorted(api: Api, resource: Resource, engine: sa.Engine) -> None:
    """Else the first page would cost what all of them do."""
    for path, one in resource.all_filters().items() if isinstance(resource.domain.rows, TableRows) else ():
        if not one.is_sorted_by:
            continue
        value = asked_for(resource, path, one)
        queries = [f"{path}={value}", f"sort={path}", f"sort=-{path}"]
        queries += [f"{path}.gt={value}", f"{path}.lte={value}"] if one.kind.is_ordered else []
        for query in queries:
            plan = checked(engine, listed(resource, selected(resource, query + PAGE)))
            assert not plan.sorts, f"{query}\n{plan.text}"
