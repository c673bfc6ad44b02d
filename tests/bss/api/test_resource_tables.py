"""The tables of every API that is served: each filter has its index, each column and member its place."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from bss.api.apis import APIS
from bss.api.filters import Filter, Selection
from bss.api.kinds import is_filter_kind
from bss.api.openapi import structures_of
from bss.api.resource import Api, Resource
from bss.api.rows import EngineRows, TableRows
from bss.api.selections import read_selection
from bss.edge.database import Database
from bss.tenant_rows import of_tenant
from tests.bss.api.sample_api import SAMPLE

RESOURCES = [(api, resource) for api in (*APIS, SAMPLE) for resource in api.resources]
IDS = [f"{api.name}-{resource.name}" for api, resource in RESOURCES]
each_resource = pytest.mark.parametrize(("api", "resource"), RESOURCES, ids=IDS)


def _indexes_of(table: sa.Table) -> Iterator[tuple[str, ...]]:
    for index in table.indexes:
        yield tuple(column.name for column in index.columns)
    for constraint in table.constraints:
        if isinstance(constraint, sa.PrimaryKeyConstraint | sa.UniqueConstraint):
            yield tuple(column.name for column in constraint.columns)


@each_resource
def test_every_filter_has_an_index(api: Api, resource: Resource) -> None:
    for table, columns in resource.indexes():
        found = list(_indexes_of(table))
        assert any(one[: len(columns)] == columns for one in found), (
            f"{table.name} needs an index of {columns}: {found}"
        )


@each_resource
def test_every_plain_member_has_a_column(api: Api, resource: Resource) -> None:
    for one in resource.fields:
        if one.row_name:
            assert resource.domain.rows.column(one.row_name) is not None, f"{resource.name}.{one.name}"
        else:
            assert one.name in ("href", "@type") or resource.domain.fill is not None
        if one.is_filter:
            assert is_filter_kind(one.kind)
            assert one.row_name


@each_resource
def test_what_isnt_served_has_a_reason(api: Api, resource: Resource) -> None:
    for rows in (
        resource.not_served,
        *(one.not_served for one in structures_of(resource.fields)),
        api.resources_not_served,
    ):
        assert all(len(row.reason) > 8 for row in rows)
    for state, following in resource.next_states.items():
        assert set(following) <= set(resource.next_states), state


@each_resource
def test_no_filter_reads_the_whole_table(api: Api, resource: Resource, database: Database) -> None:
    """SQLite says how it would find the rows: by an index of the filter's own, never by looking at each."""
    filters = resource.all_filters()
    values = {"string": "x", "integer": "1", "boolean": "true"}
    for path, one in filters.items():
        schema = one.kind.schema()
        text = schema["enum"][0] if "enum" in schema else values[schema["type"]]
        if path == "id" and isinstance(resource.domain.rows, EngineRows):
            text = "1-1"
        if schema.get("format") == "date-time":
            text = "2026-01-01T00:00:00Z"
        selection = read_selection(f"{path}={text}".encode(), filters, frozenset())
        for sort in (selection, Selection(conditions=selection.conditions, limit=10)):
            columns, rows = _searched(resource, one), resource.domain.rows
            statements = [_statement(resource, sort), _statement(resource, replace(sort, offset=1000))]
            if isinstance(rows, TableRows):
                statements.append(rows.counted(sort))
            for statement in statements:
                plan = _plan(database, of_tenant(statement, "default"))
                assert plan
                assert not [step for step in plan if step.startswith("SCAN")], (path, plan)
                for column in columns:
                    assert any(f"{column}=?" in step or f"{column}>" in step for step in plan), (path, plan)
            if isinstance(rows, TableRows) and one.owner is None and path != "id":  # to be counted, rows aren't read
                searches = [step for step in plan if step.startswith("SEARCH")]
                assert searches, (path, plan)
                assert all("COVERING INDEX" in step for step in searches), (path, plan)


def _plan(database: Database, statement: sa.Select[Any]) -> list[str]:
    """How SQLite would find the rows, step by step."""
    with database.engine.connect() as connection:
        compiled = statement.compile(connection, compile_kwargs={"literal_binds": True})
        return [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}")]


def _statement(resource: Resource, selection: Selection) -> sa.Select[Any]:
    """What is asked of SQL for a list: its rows, or the accounts of the engine that have them."""
    rows = resource.domain.rows
    if isinstance(rows, EngineRows):
        return rows.statement(rows.where(selection.conditions))
    assert isinstance(rows, TableRows)
    return rows.statement(selection)


def _searched(resource: Resource, one: Filter) -> list[str]:
    """The columns by which SQL finds what a filter wants; where it is no column of SQL, the accounts that are looked at."""
    if not resource.domain.rows.indexes_of(one):
        assert isinstance(resource.domain.rows, EngineRows)
        return [resource.domain.rows.account.name]
    assert isinstance(one.column, sa.Column)
    return [one.column.name, *(each.name for each in one.also)]


def test_names_and_paths_are_given_once() -> None:
    names = [api.name for api in APIS]
    assert len(names) == len(set(names))
    for api in APIS:
        assert len({one.name for one in api.resources}) == len(api.resources)
        assert {row.name for row in api.resources_not_served}.isdisjoint(one.name for one in api.resources)
