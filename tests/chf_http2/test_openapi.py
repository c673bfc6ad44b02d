"""The document that is served: whole in itself, in the words of OpenAPI 3.0, with every answer that we give."""

import json
from collections.abc import Iterator
from typing import Any

from chf_http2.openapi import as_openapi, openapi_document
from chf_http2.problems import STATUSES
from chf_http2.routes import OPERATIONS, SERVICES, Router

DOCUMENT = openapi_document("https://chf.example/")
KEYWORDS = {
    "$ref",
    "additionalProperties",
    "anyOf",
    "description",
    "enum",
    "format",
    "items",
    "maxLength",
    "maximum",
    "minLength",
    "minimum",
    "pattern",
    "properties",
    "required",
    "type",
}
"""Of a Schema Object of OpenAPI 3.0.3 §4.7.24.1, those in use here; none of JSON Schema 2020-12 alone."""


def schemas(schema: Any) -> Iterator[dict[str, Any]]:
    """A schema and all inside."""
    yield schema
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    inner += [schema[key] for key in ("items", "additionalProperties") if isinstance(schema.get(key), dict)]
    for part in inner:
        yield from schemas(part)


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from references(part)


def test_it_is_json_and_names_the_server() -> None:
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT
    assert DOCUMENT["openapi"] == "3.0.3"
    assert DOCUMENT["servers"] == [{"url": "https://chf.example"}]


def test_references_lead_somewhere_and_every_schema_is_referred_to() -> None:
    components = DOCUMENT["components"]["schemas"]
    assert set(references(DOCUMENT)) == {f"#/components/schemas/{name}" for name in components}


def test_schemas_are_of_openapi_3_0() -> None:
    for name, component in DOCUMENT["components"]["schemas"].items():
        for schema in schemas(component):
            assert set(schema) <= KEYWORDS, name
            assert "$ref" not in schema or len(schema) == 1, name
            assert {"type", "$ref", "anyOf"} & set(schema) or not schema, (name, schema)
            assert schema.get("required") != [], name
            assert schema.get("type") != "array" or "items" in schema, name
            assert set(schema.get("required", ())) <= set(schema.get("properties", {})), name


def test_every_answer_is_there() -> None:
    refusals = {str(status): row for status, row in STATUSES.items()}
    for service in SERVICES:
        for row in OPERATIONS:
            responses = DOCUMENT["paths"][row.path(service)]["post"]["responses"]
            assert set(responses) == {str(row.done_status), *refusals}
            assert all("description" in response for response in responses.values())
            for status, refusal in refusals.items():
                assert list(responses[status]["content"]) == ["application/problem+json"]
                assert tuple(responses[status].get("headers", ())) == refusal.headers
            done = responses[str(row.done_status)]
            assert tuple(done.get("headers", ())) == row.headers
            assert ("content" in done) == row.has_body


def test_every_path_of_it_is_served_and_operations_have_names_of_their_own() -> None:
    router, names = Router(), set()
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            found = router.find(method.upper(), path.replace("{", "").replace("}", ""))
            assert operation["operationId"].startswith(found.operation.value)
            assert (found.ref != "") == ("parameters" in operation)
            names.add(operation["operationId"])
    assert len(names) == len(SERVICES) * len(OPERATIONS)


def test_volumes_are_documented_as_the_specification_has_them() -> None:
    """Though negative ones are read."""
    used = DOCUMENT["components"]["schemas"]["UsedUnitContainer"]["properties"]["totalVolume"]
    assert used == {"type": "integer", "minimum": 0, "maximum": 2**64 - 1}


def test_newer_words_are_converted() -> None:
    assert as_openapi({"anyOf": [{"$ref": "#/a"}, {"type": "null"}], "default": None}) == {"$ref": "#/a"}
    assert as_openapi({"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]}) == {
        "anyOf": [{"type": "integer"}, {"type": "string"}]
    }
    assert as_openapi({"const": "a"}) == {"enum": ["a"], "type": "string"}
    assert as_openapi({"type": "string", "contentEncoding": "base64"}) == {"type": "string", "format": "byte"}
    assert as_openapi(
        {"title": "A", "type": "object", "properties": {"title": {"type": "string"}}, "required": []}
    ) == {
        "type": "object",
        "properties": {"title": {"type": "string"}},
    }
