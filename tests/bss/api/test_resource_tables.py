"""The tables of every API that is served: each filter has its index, each column and member its place."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from bss.api.apis import APIS
from bss.api.kinds import is_filter_kind
from bss.api.openapi import structures_of
from bss.api.resource import Api, Resource
from bss.api.rows import part_name
from tests.bss.api.sample_api import SAMPLE

RESOURCES = [(api, resource) for api in (*APIS, SAMPLE) for resource in api.resources]
IDS = [f"{api.name}-{resource.name}" for api, resource in RESOURCES]
each_resource = pytest.mark.parametrize(("api", "resource"), RESOURCES, ids=IDS)


def _indexes_of(table: sa.Table) -> Iterator[tuple[str, ...]]:
    for index in table.indexes:
        yield tuple(part_name(part) for part in index.expressions if isinstance(part, sa.ColumnElement))
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


def test_names_and_paths_are_given_once() -> None:
    names = [api.name for api in APIS]
    assert len(names) == len(set(names))
    for api in APIS:
        assert len({one.name for one in api.resources}) == len(api.resources)
        assert {row.name for row in api.resources_not_served}.isdisjoint(one.name for one in api.resources)
