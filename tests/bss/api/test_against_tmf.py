"""Every resource table against TM Forum's file: attributes, kinds, required ones, enumerations. What isn't served is listed."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from bss.api.apis import APIS
from bss.api.kinds import Amount, AnyValue, Day, Flag, Instant, Kind, OneOf, Text, Whole
from bss.api.quantities import Number
from bss.api.resource import Api, Field, Many, NotServed, Resource, Structure, Writable
from tests.bss.api import kit
from tests.reference.specifications import specifications

FILES = {
    "TMF620": "TMF620-ProductCatalog-v4.1.0.swagger.json",
    "TMF621": "TMF621-TroubleTicket-v4.0.0.swagger.json",
    "TMF622": "TMF622-ProductOrder-v4.0.0.swagger.json",
    "TMF629": "TMF629-Customer-v4.0.0.swagger.json",
    "TMF632": "TMF632-Party-v4.0.0.swagger.json",
    "TMF637": "TMF637-ProductInventory-v4.0.0.swagger.json",
    "TMF654": "TMF654_Prepay_Balance_Management_API_v4.0.0_swagger.json",
    "TMF666": "TMF666-Account-v4.0.0.swagger.json",
    "TMF683": "TMF683-PartyInteraction-v4.0.0.swagger.json",
}
RESOURCES = [(api, resource) for api in APIS for resource in api.resources]
each_resource = pytest.mark.parametrize(
    ("api", "resource"), RESOURCES, ids=[f"{a.number}-{r.name}" for a, r in RESOURCES]
)


def definitions_of(api: Api) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((specifications() / "tmf" / FILES[api.number]).read_text())["definitions"]
    return found


def kinds_that_fit(schema: dict[str, Any], definitions: dict[str, Any]) -> tuple[type[Kind], ...]:
    """Kinds of ours for a schema of theirs. Where theirs is any text, ours may be one of some words, or a narrower text."""
    name = schema.get("$ref", "").rpartition("/")[2]
    if name == "Money":
        return (Amount,)
    if name == "Quantity":  # of money it is an amount by other names
        return (Amount, Structure)
    if name in ("Any", "AnyValue"):
        return (AnyValue,)
    if name and definitions[name].get("type") == "string" and "enum" in definitions[name]:
        return (OneOf,)
    if name:
        return (Structure,)
    by_type = {"boolean": (Flag,), "integer": (Whole,), "array": (Many,), "number": (Whole, Number)}
    if schema["type"] == "string":
        return (Instant, Day) if schema.get("format") == "date-time" else (Text, OneOf)
    return by_type[schema["type"]]


def faults_of_kind(path: str, one: Kind, schema: dict[str, Any], definitions: dict[str, Any]) -> Iterator[str]:
    """Where a kind isn't theirs, and the same within lists and objects."""
    fitting = kinds_that_fit(schema, definitions)
    name = schema.get("$ref", "").rpartition("/")[2]
    if not isinstance(one, fitting):
        yield f"{path} is a {type(one).__name__}, theirs is {schema}"
    elif isinstance(one, Many):
        yield from faults_of_kind(f"{path}[]", one.kind, schema["items"], definitions)
    elif isinstance(one, Structure):
        if one.name != name:
            yield f"{path} is called {one.name}, theirs {name}"
        yield from faults_of_members(path, one.fields, one.not_served, name, definitions)
    elif isinstance(one, OneOf) and name:
        theirs = {word.strip() for word in definitions[name]["enum"]}
        if set(one.values) != theirs or theirs & set(one.beyond):
            yield f"{path} has the words {one.values} and {one.beyond}, theirs are {sorted(theirs)}"


def faults_of_members(
    path: str, fields: Sequence[Field], not_served: Sequence[NotServed], name: str, definitions: dict[str, Any]
) -> Iterator[str]:
    """Members that are missing, unknown, or of another kind; required ones of theirs that aren't required of ours."""
    theirs = dict(definitions[name].get("properties", {}))
    ours = {one.name: one for one in fields}
    left_out = {row.name for row in not_served}
    yield from (
        f"{path}.{one} is theirs and neither served nor listed" for one in theirs if one not in ours.keys() | left_out
    )
    yield from (f"{path}.{one} isn't theirs" for one in (ours.keys() | left_out) if one not in theirs)
    yield from (f"{path}.{one} is both served and not" for one in ours.keys() & left_out)
    for one in ours.values():
        if one.name in theirs and one.name != "@type":
            yield from faults_of_kind(f"{path}.{one.name}", one.kind, theirs[one.name], definitions)
    for required in definitions[name].get("required", ()):
        if required in ours and not (ours[required].required or ours[required].writable is Writable.NEVER):
            yield f"{path}.{required} is required by them"


@each_resource
def test_a_resource_is_tm_forums(api: Api, resource: Resource) -> None:
    definitions = definitions_of(api)
    faults = list(
        faults_of_members(resource.name, resource.fields, resource.not_served, resource.type_name, definitions)
    )
    assert not faults, "\n".join(faults)


@each_resource
def test_what_has_to_be_said_is_what_tm_forum_has(api: Api, resource: Resource) -> None:
    """Members that a body must have: theirs, and those that we say that we need."""
    if "POST" not in resource.methods:
        return
    theirs = set(definitions_of(api)[f"{resource.type_name}_Create"].get("required", ()))
    served = {one.name for one in resource.fields}
    ours = {one.name for one in resource.fields if one.required and one.writable is not Writable.NEVER}
    assert ours == (theirs & served) | resource.required_by_us
    assert theirs <= served, f"what they require has to be served: {theirs - served}"
    assert not theirs & resource.required_by_us


@each_resource
def test_each_mandatory_attribute_is_a_filter(api: Api, resource: Resource) -> None:
    """Theirs, in bodies and in answers, and ours; of one that is an object, members of it."""
    definitions = definitions_of(api)
    kinds = [definitions.get(name, {}) for name in (resource.type_name, f"{resource.type_name}_Create")]
    theirs = {name for kind in kinds for name in kind.get("required", ())}
    mandatory = {one.name for one in resource.fields if one.required or one.name in theirs}
    lacking = sorted(name for name in mandatory - {"href", "@type"} if not kit.filters_of(resource, name))
    assert not lacking, f"{resource.name} has no filter for {lacking}"


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.number)
def test_paths_resources_and_events_are_tm_forums(api: Api) -> None:
    document = json.loads((specifications() / "tmf" / FILES[api.number]).read_text())
    assert document["basePath"].rstrip("/") == api.path
    paths = {path.split("/")[1] for path in document["paths"]} - {"hub", "listener"}
    served = {one.name for one in api.resources}
    assert paths == served | {row.name for row in api.resources_not_served}
    events = {path.rpartition("/")[2].lower() for path in document["paths"] if path.startswith("/listener")}
    for resource in api.resources:
        theirs = {name for name in events if name.startswith(resource.name.lower())}
        assert {row.name.lower() for row in resource.events} <= theirs
        for method in ("POST", "PATCH", "DELETE"):
            path = f"/{resource.name}" if method == "POST" else f"/{resource.name}/{{id}}"
            if method.lower() in document["paths"][path] and method not in resource.methods:
                assert method in resource.methods_not_served, f"{resource.name}: say why {method} isn't served"


def test_the_comparison_would_say_it() -> None:
    definitions = {
        "A": {
            "required": ["x"],
            "properties": {"x": {"type": "string"}, "y": {"type": "integer"}, "z": {"$ref": "#/d/E"}},
        },
        "E": {"type": "string", "enum": ["a", "b"]},
    }
    fields = (Field("x", Flag()), Field("w", Text()), Field("z", OneOf(("a",))))
    faults = " ".join(faults_of_members("a", fields, (NotServed("v", "no"),), "A", definitions))
    for words in (
        "a.y is theirs",
        "a.w isn't theirs",
        "a.v isn't theirs",
        "a.x is a Flag",
        "a.x is required",
        "a.z has the words",
    ):
        assert words in faults
