"""What a TM Forum resource is: a table. Routes, checks, filters, indexes and the OpenAPI document are read off it.

A resource lists every attribute of its TM Forum type, as a field or under `not_served` with the reason; a test compares both
with TM Forum's file. To its domain it is five functions (`Domain`), which run within one `Work`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, NamedTuple

from bss.access import Caller
from bss.api.filters import Filter
from bss.api.kinds import WRONG, Fault, Kind, OneOf, Schema, Text, is_filter_kind
from bss.api.limits import ID_LENGTH_MAX, LIST_LENGTH_MAX
from bss.api.rows import Index, Row, Rows, TableRows
from bss.engine_port import EnginePort
from bss.work import Transactions, Work

Document = dict[str, Any]
Values = Mapping[str, Any]
"""Members that a client sent, by their TM Forum names, as domains take them; None where a patch takes one away."""

EXTENSION: Final = "we serve no types that extend this one"


class Writable(Enum):
    """When a client may say a member."""

    ALWAYS = "create and change"
    ONCE = "create"
    NEVER = "read"


class NotServed(NamedTuple):
    """An attribute of TM Forum's type that we don't serve, and why."""

    name: str
    reason: str


OF_SUBTYPES: Final = (NotServed("@baseType", EXTENSION), NotServed("@schemaLocation", EXTENSION))
"""What every TM Forum resource has for subtypes beside `@type`, which is served."""
OF_SUBTYPES_WITHIN: Final = (*OF_SUBTYPES, NotServed("@type", EXTENSION))
"""The same of objects within resources, whose type is never another."""


@dataclass(frozen=True, slots=True)
class Field:
    """One member of a resource or of a structure in it.

    column     of the row; "" where the domain's `fill` gives it. Of plain kinds the name in snake case unless said.
    required   has to be there, in every body that creates and in every answer
    is_filter  a list may be filtered and sorted by it; the column needs an index (`indexes`)
    """

    name: str
    kind: Kind
    column: str | None = None
    required: bool = False
    writable: Writable = Writable.ALWAYS
    is_filter: bool = False
    meaning: str = ""

    @property
    def row_name(self) -> str:
        """The row's column; "" where there is none."""
        if self.column is not None:
            return self.column
        return _snake(self.name) if is_filter_kind(self.kind) else ""


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name.lstrip("@")).lower()


@dataclass(frozen=True, slots=True)
class Structure:
    """An object within a resource, by its TM Forum name."""

    name: str
    fields: tuple[Field, ...]
    not_served: tuple[NotServed, ...] = ()

    def schema(self) -> Schema:
        """A reference; the document has the object under its name."""
        return {"$ref": f"#/components/schemas/{self.name}"}

    def object_schema(self) -> Schema:
        """JSON Schema of the object itself."""
        found: Schema = {
            "type": "object",
            "additionalProperties": False,
            "properties": {one.name: described(one) for one in self.fields},
        }
        required = [one.name for one in self.fields if one.required and one.writable is not Writable.NEVER]
        if required:
            found["required"] = required
        return found

    def read(self, value: Any, path: str, faults: list[Fault]) -> Any:
        """The members by their names, as domains take them. Read-only ones (href) are taken and left out."""
        if not isinstance(value, dict):
            faults.append(Fault(path, "has to be an object"))
            return WRONG
        count = len(faults)
        found = read_members(self.fields, self.not_served, value, f"{path}.", faults)
        for one in self.fields:
            if one.writable is Writable.NEVER:
                found.pop(one.name, None)
        return found if len(faults) == count else WRONG

    def write(self, value: Values) -> Document:
        """The object with what is there of it."""
        return {one.name: one.kind.write(value[one.name]) for one in self.fields if value.get(one.name) is not None}


@dataclass(frozen=True, slots=True)
class Many:
    """A list of one kind."""

    kind: Kind
    count_max: int = LIST_LENGTH_MAX

    def schema(self) -> Schema:
        """JSON Schema."""
        return {"type": "array", "maxItems": self.count_max, "items": self.kind.schema()}

    def read(self, value: Any, path: str, faults: list[Fault]) -> Any:
        """The list."""
        if not isinstance(value, list) or len(value) > self.count_max:
            faults.append(Fault(path, f"has to be a list of at most {self.count_max}"))
            return WRONG
        found = [self.kind.read(one, f"{path}[{index}]", faults) for index, one in enumerate(value)]
        return WRONG if any(one is WRONG for one in found) else found

    def write(self, value: Sequence[Any]) -> list[Any]:
        """The list."""
        return [self.kind.write(one) for one in value]


def described(one: Field) -> Schema:
    """The field's schema with what is said of it."""
    schema = dict(one.kind.schema())
    if one.meaning:
        schema["description"] = one.meaning
    if one.writable is Writable.NEVER:
        schema["readOnly"] = True
    return schema


def read_members(
    fields: Sequence[Field], not_served: Sequence[NotServed], body: Document, prefix: str, faults: list[Fault]
) -> dict[str, Any]:
    """Members of an object by their names; faults name unknown, missing and wrong ones."""
    known = {one.name: one for one in fields}
    for name in body:
        if name not in known:
            faults.append(Fault(prefix + name, _why_unknown(name, known, not_served)))
    found = {}
    for name, one in known.items():
        value = body.get(name)
        if value is not None:
            found[name] = one.kind.read(value, prefix + name, faults)
        elif one.required and one.writable is not Writable.NEVER:
            faults.append(Fault(prefix + name, "is missing and has to be given"))
    return found


def _why_unknown(name: str, known: Mapping[str, Field], not_served: Sequence[NotServed]) -> str:
    for one in not_served:
        if one.name == name:
            return f"is not served: {one.reason}"
    return f"is no member here; there are {', '.join(known)}"


class EventRow(NamedTuple):
    """What subscribers of the hub are told: the outbox's kind and TM Forum's name of it."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Domain:
    """A resource in its domain. The functions run within one Work, check the caller's permission, and never commit.

    rows    where the rows are; what is changed or removed is of a table
    fill    adds to the documents of some rows what isn't in the rows: one query for a page, never one a row
    create  gives the id
    send    asks the engine for what was created, by its id, once that is committed; again at a repeat of the request
    """

    rows: Rows
    read_permission: str
    write_permission: str
    fill: Callable[[Work, Sequence[Row], Sequence[Document]], None] | None = None
    create: Callable[[Work, Values], str] | None = None
    change: Callable[[Work, str, int | None, Values], object] | None = None
    remove: Callable[[Work, str, int | None], object] | None = None
    send: Callable[[Transactions, EnginePort, Caller, str], object] | None = None

    def __post_init__(self) -> None:
        if (self.change or self.remove) and not isinstance(self.rows, TableRows):
            raise TypeError("what is changed by a Work is a row of a table")


@dataclass(frozen=True, slots=True)
class Resource:
    """One TM Forum resource."""

    name: str
    """in the path: individual"""
    type_name: str
    """of TM Forum: Individual"""
    meaning: str
    fields: tuple[Field, ...]
    domain: Domain
    not_served: tuple[NotServed, ...] = ()
    filters: tuple[Filter, ...] = ()
    next_states: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """by state, where the resource has some: to which it can go"""
    events: tuple[EventRow, ...] = ()
    methods_not_served: Mapping[str, str] = field(default_factory=dict)
    """why, by method"""
    required_by_us: frozenset[str] = frozenset()
    """members that TM Forum leaves optional and we need"""

    @property
    def methods(self) -> tuple[str, ...]:
        """GET and what the domain does beside."""
        domain = self.domain
        served = {"POST": domain.create, "PATCH": domain.change, "DELETE": domain.remove}
        return ("GET", *(method for method, function in served.items() if function is not None))

    def all_filters(self) -> dict[str, Filter]:
        """By path: fields that are filters, and the others."""
        own = {one.name: self._filter_of(one) for one in self.fields if one.is_filter}
        return own | {one.path: one for one in self.filters}

    def _filter_of(self, one: Field) -> Filter:
        column = self.domain.rows.column(one.row_name)
        assert column is not None, f"{self.name}.{one.name} is a filter and has no column"
        assert is_filter_kind(one.kind)
        return Filter(one.name, one.kind, column)

    def indexes(self) -> list[Index]:
        """What indexes or keys must be there, so that every declared filter is found by one."""
        return [index for one in self.all_filters().values() for index in self.domain.rows.indexes_of(one)]


@dataclass(frozen=True, slots=True)
class Api:
    """Resources that are served under one path, as one of TM Forum's specifications has them."""

    number: str
    """TMF632"""
    name: str
    """in the path: party"""
    title: str
    version: str
    resources: tuple[Resource, ...]
    resources_not_served: tuple[NotServed, ...] = ()

    @property
    def path(self) -> str:
        """Without a slash at its end."""
        return f"/tmf-api/{self.name}/v4"


def identity(type_name: str) -> tuple[Field, ...]:
    """id, href and @type, which every resource has; servers alone say the first two."""
    return (
        Field("id", Text(ID_LENGTH_MAX, is_ordered=True), required=True, writable=Writable.NEVER, is_filter=True),
        Field("href", Text(1024, is_uri=True), column="", required=True, writable=Writable.NEVER),
        Field("@type", OneOf((type_name,)), column="", required=True, writable=Writable.NEVER),
    )
