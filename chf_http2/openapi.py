"""The OpenAPI document of what is served: the tables of routes and statuses, and the types that requests are decoded with.

OpenAPI 3.0.3, as 3GPP publishes: its schemas are an older dialect than the JSON Schema 2020-12 that msgspec writes.
"""

from typing import Any, Final

import msgspec

from chf_http2.problems import STATUSES
from chf_http2.routes import OPERATIONS, SERVICES, OperationRow, Service
from chf_http2.schema import (
    ChargingDataRequest,
    ChargingDataResponse,
    ChargingNotifyRequest,
    ChargingNotifyResponse,
    ProblemDetails,
)
from chf_http2.schema_data_types import INT32_MIN

_BODIES: Final = (
    ChargingDataRequest,
    ChargingDataResponse,
    ChargingNotifyRequest,
    ChargingNotifyResponse,
    ProblemDetails,
)
_REFERENCE: Final = "#/components/schemas/{name}"
_HEADERS: Final = {
    "Location": ("Where the session is: the path of the collection and its ref", "string"),
    "Allow": ("Methods that the path takes", "string"),
    "WWW-Authenticate": ("What is wrong with the access token (RFC 6750)", "string"),
    "3gpp-Sbi-Response-Info": ("no-retry=true where the time that the client gave was over at receipt", "string"),
    "Accept-Encoding": ("gzip, where the body is compressed in another way", "string"),
    "Retry-After": ("Seconds until it makes sense to try again", "integer"),
}


def openapi_document(server_url: str) -> dict[str, Any]:
    """The document, as JSON has it. `server_url` is what 3GPP calls apiRoot, with the prefix: https://chf.example/site-1."""
    _, components = msgspec.json.schema_components(_BODIES, ref_template=_REFERENCE)
    return {
        "openapi": "3.0.3",
        "info": {"title": "Nchf_ConvergedCharging, Nchf_OfflineOnlyCharging", "version": SERVICES[0].full_version},
        "servers": [{"url": server_url.rstrip("/")}],
        "paths": {row.path(service): {"post": _post(row, service)} for service in SERVICES for row in OPERATIONS},
        "security": [{}, {"accessToken": []}],
        "components": {
            "schemas": {name: as_openapi(schema) for name, schema in sorted(components.items())},
            "securitySchemes": {"accessToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
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


def _post(row: OperationRow, service: Service) -> dict[str, Any]:
    done: dict[str, Any] = {"description": "Done", **_headers(*row.headers)}
    if row.has_body:
        done["content"] = _content("application/json", ChargingDataResponse)
    post: dict[str, Any] = {
        "operationId": f"{row.operation.value}-{service.name}-{service.version}",
        "tags": [f"{service.name} {service.version}"],
        "requestBody": {"required": True, "content": _content("application/json", ChargingDataRequest)},
        "responses": {str(row.done_status): done, **{str(status): _refusal(status) for status in STATUSES}},
    }
    if row.last:
        post["parameters"] = [{"name": service.ref_name, "in": "path", "required": True, "schema": {"type": "string"}}]
    elif not service.is_offline_only:
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


def _refusal(status: int) -> dict[str, Any]:
    row = STATUSES[status]
    causes = f" ({', '.join(row.causes)})" if row.causes else ""
    return {"description": row.title + causes, **_headers(*row.headers), **_problem()}


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
