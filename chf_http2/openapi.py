"""The OpenAPI document of what is served: paths of TS 32.291 §6.1.3, made of the types that requests are decoded with.

OpenAPI 3.0.3, as 3GPP publishes: its schemas are an older dialect than the JSON Schema 2020-12 that msgspec writes.
"""

from typing import Any, Final, NamedTuple

import msgspec

from chf_http2.schema import (
    ChargingDataRequest,
    ChargingDataResponse,
    ChargingNotifyRequest,
    ChargingNotifyResponse,
    ProblemDetails,
)
from chf_http2.schema_data_types import INT32_MIN

BASE_PATH: Final = "/nchf-convergedcharging/v3"
_BODIES: Final = (
    ChargingDataRequest,
    ChargingDataResponse,
    ChargingNotifyRequest,
    ChargingNotifyResponse,
    ProblemDetails,
)
_REFERENCE: Final = "#/components/schemas/{name}"


class Operation(NamedTuple):
    """One operation: what it answers with when it was done, and which headers that has."""

    path: str
    name: str
    done: str
    headers: tuple[str, ...]
    answers_with: type | None


OPERATIONS: Final = (
    #         path                                     name      done   headers        answers with
    Operation("/chargingdata", "create", "201", ("Location",), ChargingDataResponse),
    Operation("/chargingdata/{ChargingDataRef}/update", "update", "200", (), ChargingDataResponse),
    Operation("/chargingdata/{ChargingDataRef}/release", "release", "204", (), None),
)
"""All are POST with a ChargingDataRequest."""

REFUSALS: Final = {
    "400": "The body is no ChargingDataRequest, or can't be charged",
    "401": "No token, or none that is valid",
    "403": "The user or the service may not be charged",
    "404": "No such charging data, user or path",
    "411": "Content-Length is missing",
    "413": "The body is too long",
    "415": "The body is not application/json",
    "500": "We failed",
    "503": "Too busy: try again after Retry-After",
    "504": "No decision within the time that the client allows",
}
_HEADERS: Final = {
    "Location": ("Where the charging data is: {apiRoot}" + BASE_PATH + "/chargingdata/{ChargingDataRef}", "string"),
    "Retry-After": ("Seconds until it makes sense to try again", "integer"),
}


def openapi_document(server_url: str) -> dict[str, Any]:
    """The document, as JSON has it. `server_url` is what 3GPP calls apiRoot: https://chf.example, without a path."""
    _, components = msgspec.json.schema_components(_BODIES, ref_template=_REFERENCE)
    return {
        "openapi": "3.0.3",
        "info": {"title": "Nchf_ConvergedCharging", "version": "3.2.0"},
        "servers": [{"url": server_url.rstrip("/") + BASE_PATH}],
        "paths": {operation.path: {"post": _post(operation)} for operation in OPERATIONS},
        "components": {"schemas": {name: as_openapi(schema) for name, schema in sorted(components.items())}},
    }


def as_openapi(schema: Any) -> Any:
    """A schema of JSON Schema 2020-12, as msgspec writes it, in the words of OpenAPI 3.0.

    `X or null` becomes X: null is taken for an absent member, yet no specification offers it. A `const` becomes an `enum`
    of one, base64 a format. An enumeration keeps its `anyOf`, and the type beside it goes: it says the same.
    """
    if isinstance(schema, list):
        return [as_openapi(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    choices = schema.get("anyOf", [])
    some = [choice for choice in choices if choice != {"type": "null"}]
    if len(some) < len(choices):
        return as_openapi(some[0] if len(some) == 1 else {"anyOf": some})
    if "contentEncoding" in schema:
        return {"type": "string", "format": "byte"}
    passed_over = {"title", "default", "const", *(("type",) if choices else ())}
    converted = {key: as_openapi(value) for key, value in schema.items() if key not in passed_over}
    if "properties" in schema:
        converted["properties"] = {name: as_openapi(member) for name, member in schema["properties"].items()}
    if "const" in schema:
        converted["enum"] = [schema["const"]]
    if converted.get("minimum") == INT32_MIN:
        converted["minimum"] = 0  # read for the sake of some clients (ReportedVolume), offered to none
    if "enum" in converted:
        converted["type"] = "string"  # msgspec says it by the values alone
    if not converted.get("required", True):  # 3.0 wants a name at least
        del converted["required"]
    return converted


def _post(operation: Operation) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "Done", **_headers(*operation.headers)}
    if operation.answers_with is not None:
        done["content"] = _content("application/json", operation.answers_with)
    post: dict[str, Any] = {
        "operationId": operation.name,
        "requestBody": {"required": True, "content": _content("application/json", ChargingDataRequest)},
        "responses": {operation.done: done, **{status: _refusal(status) for status in REFUSALS}},
    }
    if "{ChargingDataRef}" in operation.path:
        post["parameters"] = [
            {"name": "ChargingDataRef", "in": "path", "required": True, "schema": {"type": "string"}},
        ]
    else:
        post["callbacks"] = {"chargingNotification": {"{$request.body#/notifyUri}": {"post": _notification()}}}
    return post


def _notification() -> dict[str, Any]:
    """What we send, and what we understand of the answers."""
    return {
        "operationId": "notify",
        "requestBody": {"required": True, "content": _content("application/json", ChargingNotifyRequest)},
        "responses": {
            "200": {"description": "Done", "content": _content("application/json", ChargingNotifyResponse)},
            "204": {"description": "Done"},
            "307": {"description": "Notify there instead", **_headers("Location")},
            "308": {"description": "Notify there instead from now on", **_headers("Location")},
            "400": {"description": "Refused", "content": _content("application/problem+json", ProblemDetails)},
            "404": {"description": "No such session: charging ends", **_problem()},
        },
    }


def _refusal(status: str) -> dict[str, Any]:
    headers = _headers("Retry-After") if status == "503" else {}
    return {"description": REFUSALS[status], **headers, **_problem()}


def _problem() -> dict[str, Any]:
    return {"content": _content("application/problem+json", ProblemDetails)}


def _content(media_type: str, body: type) -> dict[str, Any]:
    return {media_type: {"schema": {"$ref": _REFERENCE.format(name=body.__name__)}}}


def _headers(*names: str) -> dict[str, Any]:
    if not names:
        return {}
    return {
        "headers": {name: {"description": _HEADERS[name][0], "schema": {"type": _HEADERS[name][1]}} for name in names}
    }
