"""/docs: a page for people of each API, and the OpenAPI documents. All of it is made once out of the resource tables; a page is
whole by itself, with no script and nothing from elsewhere.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from html import escape
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from bss.api.hub import event_names
from bss.api.kinds import Schema
from bss.api.limits import BODY_OCTETS_MAX, PAGE_MAX, TOKEN_LIFE_S
from bss.api.openapi import openapi_document, structures_of
from bss.api.problems import ERRORS_PAGE, PAGES, PROBLEMS
from bss.api.resource import Api, Field, Many, NotServed, Resource, Structure, Writable

_Page = Callable[[Request], Awaitable[Response]]
_POLICY: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "max-age=60",
}
_STYLE: Final = """
body{font:16px/1.5 system-ui,sans-serif;color:#1b1f24;background:#fff;margin:0 auto;max-width:70rem;padding:1rem}
table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}
th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #d0d7de}
th{background:#f3f5f7}code{background:#f3f5f7;padding:0 .25rem;border-radius:3px}a{color:#0550ae}
.wide{overflow-x:auto}h2{margin-top:2.5rem}
@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}th,code{background:#1c232b}
th,td{border-color:#30363d}a{color:#6cb6ff}}
"""


def pages_of(apis: Sequence[Api], public_url: str) -> Mapping[str, _Page]:
    """Endpoints by path."""
    found = {PAGES: _html(index_page(apis, public_url)), ERRORS_PAGE: _html(errors_page())}
    for api in apis:
        found[f"{PAGES}/{api.name}"] = _html(api_page(api))
        document = msgspec.json.encode(openapi_document(api, public_url))
        found[f"{api.path}/openapi.json"] = _constant(document, "application/json")
    return found


def _html(text: str) -> _Page:
    return _constant(text.encode(), "text/html; charset=utf-8")


def _constant(body: bytes, media_type: str) -> _Page:
    async def answer(request: Request) -> Response:
        return Response(body, 200, _POLICY, media_type)

    return answer


def index_page(apis: Sequence[Api], public_url: str) -> str:
    """What is served."""
    rows = [
        (
            f'<a href="{PAGES}/{api.name}">{escape(api.number)} {escape(api.title)}</a>',
            f"<code>{api.path}</code>",
            ", ".join(resource.name for resource in api.resources),
            f'<a href="{api.path}/openapi.json">OpenAPI</a>',
        )
        for api in apis
    ]
    token = (
        f"<p>Each request carries an access token: <code>POST {escape(public_url)}/oauth2/token</code> with"
        " <code>grant_type=client_credentials</code> and the client's id (<code>name@tenant</code>) and secret by HTTP Basic."
        f" It is valid for {TOKEN_LIFE_S // 60} minutes.</p>"
    )
    return _page("TM Forum APIs", token + _table(("API", "path", "resources", "document"), rows) + _USE)


_USE: Final = f"""
<h2 id="lists">Lists</h2>
<p>A list is filtered by the members that its page names: <code>?status=active</code>, several values between commas, a comma
within a value as <code>\\,</code>. Moments and numbers take <code>.gt</code>, <code>.gte</code>, <code>.lt</code> and
<code>.lte</code>: <code>?birthDate.gt=2000-01-01T00:00:00Z</code>. <code>sort=-name</code>, <code>offset</code>,
<code>limit</code> (at most {PAGE_MAX}), and <code>fields=name,status</code> for some members only. The answer says
<code>X-Total-Count</code> and <code>X-Result-Count</code>; it is 206 where there are more. To go through a long list, ask for
<code>id.gt</code> of the last one seen: that costs the same on the last page as on the first.</p>
<h2 id="changes">Changes</h2>
<p>PATCH takes a merge patch (<code>application/merge-patch+json</code>): a list is replaced, an object merged, null removes.
PATCH and DELETE need <code>If-Match</code> with the ETag that was read, or <code>*</code>. With an <code>Idempotency-Key</code>
a request can be sent again and is done once. A body may have {BODY_OCTETS_MAX // 1024} KiB. Amounts of money are numbers of at
most six decimals and are never rounded.</p>
<p><a href="{ERRORS_PAGE}">Errors</a></p>
"""


def errors_page() -> str:
    """Every code that an answer may have."""
    rows = [
        (
            f'<code id="{row.problem.value}">{row.problem.value}</code>',
            row.status,
            escape(row.reason),
            escape(row.remedy),
        )
        for row in PROBLEMS.values()
    ]
    return _page("Errors", _table(("code", "status", "what it means", "what to do"), rows))


def api_page(api: Api) -> str:
    """One API: its resources, what isn't served and why, its events."""
    parts = [f'<p><a href="/docs">All APIs</a>, <a href="{api.path}/openapi.json">OpenAPI</a></p>']
    parts += [_resource_part(api, resource) for resource in api.resources]
    structures = {one.name: one for resource in api.resources for one in structures_of(resource.fields)}
    if structures:
        parts.append("<h2>Objects within resources</h2>")
        parts += [_structure_part(one) for _, one in sorted(structures.items())]
    if api.resources_not_served:
        parts.append("<h2>Resources that are not served</h2>" + _not_served(api.resources_not_served))
    parts.append(_hub_part(api))
    return _page(f"{api.number} {api.title}", "".join(parts))


def _resource_part(api: Api, resource: Resource) -> str:
    domain = resource.domain
    lines = [
        f'<h2 id="{resource.name}">{resource.name}</h2><p>{escape(resource.meaning)}</p>',
        f"<p>{', '.join(resource.methods)} at <code>{api.path}/{resource.name}</code>; scopes"
        f" <code>{domain.read_permission}</code> and <code>{domain.write_permission}</code></p>",
        _fields_table(resource.fields, is_written=resource.methods != ("GET",)),
        f"<p>Filters: {', '.join(f'<code>{path}</code>' for path in resource.all_filters())}</p>",
    ]
    if resource.next_states:
        rows = [(state, ", ".join(following) or "-") for state, following in resource.next_states.items()]
        lines.append(_table(("state", "goes to"), rows))
    for method, reason in resource.methods_not_served.items():
        lines.append(f"<p>{method} is not served: {escape(reason)}</p>")
    if resource.not_served:
        lines.append("<h3>Members that are not served</h3>" + _not_served(resource.not_served))
    return "".join(lines)


def _structure_part(one: Structure) -> str:
    rest = "<p>Not served:</p>" + _not_served(one.not_served) if one.not_served else ""
    return f'<h3 id="{one.name}">{one.name}</h3>{_fields_table(one.fields)}{rest}'


def _fields_table(fields: Iterable[Field], *, is_written: bool = True) -> str:
    rows = [
        (
            f"<code>{escape(one.name)}</code>",
            _kind_words(one),
            "yes" if one.required and one.writable is not Writable.NEVER else "",
            (one.writable if is_written else Writable.NEVER).value,
            escape(one.meaning),
        )
        for one in fields
    ]
    return _table(("member", "kind", "required", "clients", "meaning"), rows)


def _kind_words(one: Field) -> str:
    kind, prefix = one.kind, ""
    while isinstance(kind, Many):
        kind, prefix = kind.kind, prefix + "list of "
    if isinstance(kind, Structure):
        return f'{prefix}<a href="#{kind.name}">{kind.name}</a>'
    return prefix + escape(_schema_words(kind.schema()))


def _schema_words(schema: Schema) -> str:
    if "enum" in schema:
        return " | ".join(schema["enum"])
    return str(schema.get("format") or schema.get("type") or "text, number or flag")


def _hub_part(api: Api) -> str:
    names = ", ".join(f"<code>{name}</code>" for name in event_names(api)) or "none yet"
    return f"<h2>Events</h2><p>Register a callback at <code>{api.path}/hub</code>. There are {names}.</p>"


def _not_served(rows: Sequence[NotServed]) -> str:
    return _table(("name", "why"), [(f"<code>{escape(row.name)}</code>", escape(row.reason)) for row in rows])


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Cells are HTML already."""
    heads = "".join(f'<th scope="col">{one}</th>' for one in head)
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div>'


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)} - Farebox</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )
