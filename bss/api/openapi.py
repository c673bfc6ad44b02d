"""The OpenAPI document of an API, read off its resource tables: TM Forum's, and the statuses that we add (problems.py).

OpenAPI 3.1. Members of answers are all optional but id, href and @type: `fields` leaves the others out.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from bss.api.bodies import JSON, MERGE_PATCH
from bss.api.filters import OPERATORS, Filter
from bss.api.hub import SUBSCRIPTION, SUBSCRIPTION_INPUT
from bss.api.kinds import Kind, Schema
from bss.api.limits import ID_LENGTH_MAX, OFFSET_MAX, PAGE_DEFAULT, PAGE_MAX
from bss.api.problems import error_schema, rows_of
from bss.api.resource import Api, Field, Many, Resource, Structure, Writable, described
from bss.api.selections import ALWAYS_SHOWN
from bss.idempotency import KEY_CHARACTERS_MAX

_ALL: Final = (400, 401, 403, 429, 500, 503)
_REFUSALS: Final = {
    "list": _ALL,
    "show": (*_ALL, 404),
    "create": (*_ALL, 409, 413, 415, 422),
    "change": (*_ALL, 404, 409, 412, 413, 415, 422, 428),
    "remove": (*_ALL, 404, 409, 412, 422, 428),
    "register": (*_ALL, 413, 415),
    "unregister": (*_ALL, 404),
}
_TEXT: Final = {"type": "string"}
_HEADERS: Final[dict[str, Schema]] = {
    "Allow": {"description": "Methods that there are", "schema": _TEXT},
    "ETag": {"description": "The revision, for If-Match", "schema": {"type": "string", "pattern": '^"[0-9]+"$'}},
    "Location": {"description": "Where the new resource is", "schema": _TEXT},
    "Retry-After": {"description": "Seconds until it makes sense to try again", "schema": {"type": "integer"}},
    "WWW-Authenticate": {"description": "What is wrong with the access token (RFC 6750)", "schema": _TEXT},
    "Webhook-Secret": {
        "description": "Signs deliveries (Standard Webhooks); said this once",
        "schema": {"type": "string", "pattern": "^whsec_"},
    },
    "X-Result-Count": {"description": "Resources in this answer", "schema": {"type": "integer", "minimum": 0}},
    "X-Total-Count": {"description": "Resources that match", "schema": {"type": "integer", "minimum": 0}},
}


def openapi_document(api: Api, public_url: str) -> dict[str, Any]:
    """The document, as JSON has it. `public_url` is where clients reach this installation."""
    return {
        "openapi": "3.1.0",
        "info": {"title": f"{api.number} {api.title}", "version": api.version},
        "servers": [{"url": public_url.rstrip("/") + api.path}],
        "security": [{"oauth2": []}],
        "paths": dict(_paths(api)),
        "components": {
            "schemas": dict(sorted(_schemas(api))),
            "headers": _HEADERS,
            "securitySchemes": {
                "oauth2": {
                    "type": "oauth2",
                    "flows": {
                        "clientCredentials": {"tokenUrl": f"{public_url.rstrip('/')}/oauth2/token", "scopes": {}}
                    },
                }
            },
        },
    }


def _paths(api: Api) -> Iterator[tuple[str, Any]]:
    for resource in api.resources:
        methods = resource.methods
        collection = {"get": _list(resource)} | ({"post": _create(resource)} if "POST" in methods else {})
        one = {"get": _show(resource)}
        if "PATCH" in methods:
            one["patch"] = _change(resource)
        if "DELETE" in methods:
            one["delete"] = _remove(resource)
        yield f"/{resource.name}", collection
        yield f"/{resource.name}/{{id}}", {"parameters": [_id_parameter()], **one}
    yield "/hub", {"post": _register()}
    yield "/hub/{id}", {"parameters": [_id_parameter()], "delete": _unregister()}


def _id_parameter() -> Schema:
    schema = {"type": "string", "minLength": 1, "maxLength": ID_LENGTH_MAX}
    return {"name": "id", "in": "path", "required": True, "schema": schema}


def _operation(name: str, kind: str, says: str, done: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"operationId": name, "summary": says, **more, "responses": done | _refusals(_REFUSALS[kind])}


def _refusals(statuses: Sequence[int]) -> dict[str, Any]:
    found = {}
    for status in sorted(statuses):
        rows = rows_of([status])
        names = {name for row in rows for name in row.headers}
        answer: dict[str, Any] = {
            "description": "; ".join(f"{row.problem.value}: {row.reason}" for row in rows),
            "content": {JSON: {"schema": _reference("Error")}},
        }
        if names:
            answer["headers"] = _headers(*sorted(names))
        found[str(status)] = answer
    return found


def _headers(*names: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _done(description: str, schema: Schema, *headers: str) -> dict[str, Any]:
    return {"description": description, "headers": _headers(*headers), "content": {JSON: {"schema": schema}}}


def _list(resource: Resource) -> dict[str, Any]:
    page = {"type": "array", "maxItems": PAGE_MAX, "items": _reference(resource.type_name)}
    done = {
        "200": _done("All that match", page, "X-Total-Count", "X-Result-Count"),
        "206": _done("Some of those that match", page, "X-Total-Count", "X-Result-Count"),
    }
    parameters = [
        _fields_parameter(resource),
        _query("offset", {"type": "integer", "minimum": 0, "maximum": OFFSET_MAX, "default": 0}, "of the first one"),
        _query("limit", {"type": "integer", "minimum": 1, "maximum": PAGE_MAX, "default": PAGE_DEFAULT}, "at most"),
        _sort_parameter(resource),
        *(parameter for one in resource.all_filters().values() for parameter in _filter_parameters(one)),
    ]
    return _operation(f"list_{resource.name}", "list", resource.meaning, done, parameters=parameters)


def _query(name: str, schema: Schema, description: str, **more: Any) -> Schema:
    return {"name": name, "in": "query", "schema": schema, "description": description, **more}


def _fields_parameter(resource: Resource) -> Schema:
    names = sorted({one.name for one in resource.fields} - ALWAYS_SHOWN)
    schema = {"type": "array", "items": {"type": "string", "enum": ["none", *names]}}
    return _query("fields", schema, "members that are shown beside id and href", style="form", explode=False)


def _sort_parameter(resource: Resource) -> Schema:
    names = [path for path, one in resource.all_filters().items() if one.is_sorted_by]
    enum = [sign + name for name in names for sign in ("", "-")]
    return _query("sort", {"type": "string", "enum": enum}, "by this; with - the last first")


def _filter_parameters(one: Filter) -> Iterator[Schema]:
    schema = one.kind.schema()
    yield _query(one.path, schema, "equal to this, or to one of several between commas")
    for operator in OPERATORS if one.kind.is_ordered else ():
        if operator != "eq":
            yield _query(f"{one.path}.{operator}", schema, f"{operator} this")


def _show(resource: Resource) -> dict[str, Any]:
    done = {"200": _done("It", _reference(resource.type_name), "ETag")}
    says = f"One {resource.name}"
    return _operation(f"show_{resource.name}", "show", says, done, parameters=[_fields_parameter(resource)])


def _create(resource: Resource) -> dict[str, Any]:
    done = {"201": _done("Created", _reference(resource.type_name), "ETag", "Location")}
    body = {"required": True, "content": {JSON: {"schema": _reference(f"{resource.type_name}_Create")}}}
    parameters = [_key_parameter()]
    says = f"Create a {resource.name}"
    return _operation(f"create_{resource.name}", "create", says, done, parameters=parameters, requestBody=body)


def _change(resource: Resource) -> dict[str, Any]:
    done = {"200": _done("Changed", _reference(resource.type_name), "ETag")}
    body = {"required": True, "content": {MERGE_PATCH: {"schema": _reference(f"{resource.type_name}_Update")}}}
    parameters = [_if_match_parameter(), _key_parameter()]
    says = f"Change a {resource.name}: lists are replaced, objects merged, null removes"
    return _operation(f"change_{resource.name}", "change", says, done, parameters=parameters, requestBody=body)


def _remove(resource: Resource) -> dict[str, Any]:
    parameters = [_if_match_parameter(), _key_parameter()]
    done = {"204": {"description": "Removed"}}
    return _operation(f"remove_{resource.name}", "remove", f"Remove a {resource.name}", done, parameters=parameters)


def _if_match_parameter() -> Schema:
    schema = {"type": "string", "pattern": r'^(\*|"[0-9]{1,18}")$'}
    return {"name": "If-Match", "in": "header", "required": True, "schema": schema, "description": "ETag, or *"}


def _key_parameter() -> Schema:
    schema = {"type": "string", "pattern": f"^[!-~]{{1,{KEY_CHARACTERS_MAX}}}$"}
    says = "with the same key the same request is done once, however often it is sent"
    return {"name": "Idempotency-Key", "in": "header", "schema": schema, "description": says}


def _register() -> dict[str, Any]:
    done = {"201": _done("Registered", _reference(SUBSCRIPTION.name), "Location", "Webhook-Secret")}
    body = {"required": True, "content": {JSON: {"schema": _reference(SUBSCRIPTION_INPUT.name)}}}
    return _operation("register_callback", "register", "Be told of events", done, requestBody=body)


def _unregister() -> dict[str, Any]:
    return _operation("unregister_callback", "unregister", "Be told no more", {"204": {"description": "Removed"}})


def _schemas(api: Api) -> Iterator[tuple[str, Schema]]:
    yield "Error", error_schema()
    for structure in (SUBSCRIPTION, SUBSCRIPTION_INPUT):
        yield structure.name, structure.object_schema()
    for resource in api.resources:
        yield resource.type_name, _answer_schema(resource)
        if "POST" in resource.methods:
            yield f"{resource.type_name}_Create", _body_schema(resource, (Writable.ALWAYS, Writable.ONCE), False)
        if "PATCH" in resource.methods:
            yield f"{resource.type_name}_Update", _body_schema(resource, (Writable.ALWAYS,), True)
        for one in structures_of(resource.fields):
            yield one.name, one.object_schema()


def structures_of(fields: Sequence[Field]) -> Iterator[Structure]:
    """Every structure within some fields, those within structures too."""
    for one in fields:
        kind: Kind = one.kind
        while isinstance(kind, Many):
            kind = kind.kind
        if isinstance(kind, Structure):
            yield kind
            yield from structures_of(kind.fields)


def _answer_schema(resource: Resource) -> Schema:
    return {
        "type": "object",
        "additionalProperties": False,
        "description": resource.meaning,
        "required": sorted(ALWAYS_SHOWN),
        "properties": {one.name: described(one) for one in resource.fields},
    }


def _body_schema(resource: Resource, writable: Sequence[Writable], is_patch: bool) -> Schema:
    fields = [one for one in resource.fields if one.writable in writable]
    found: Schema = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            one.name: _removable(one) if is_patch and not one.required else described(one) for one in fields
        },
    }
    required = [one.name for one in fields if one.required]
    if required and not is_patch:
        found["required"] = required
    return found


def _removable(one: Field) -> Schema:
    return {"anyOf": [described(one), {"type": "null"}]}
