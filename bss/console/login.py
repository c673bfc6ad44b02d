"""Logging in and out: a plain form, so that the session's cookie is one that scripts can't read."""

import html
from typing import Final
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from bss.console.site import COOKIE, ROOT, Logins, cookie_of
from bss.identity.records import LoginRefused
from bss.work import DATABASE_AWAY

BODY_OCTETS_MAX: Final = 8192
_COOKIE_TERMS: Final = {"httponly": True, "samesite": "strict", "path": ROOT}


def login_routes(logins: Logins) -> list[Route]:
    """Routes of the form and of the way out."""

    async def show(request: Request) -> Response:
        return HTMLResponse(_form(_target(request.query_params.get("to", "")), ""))

    async def take(request: Request) -> Response:
        body = await _body_of(request)
        if body is None:
            return HTMLResponse(_form(ROOT, "That was more than a login: type it anew"), status_code=413)
        fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
        tenant, login, password, to = (fields.get(name, [""])[0] for name in ("tenant", "login", "password", "to"))
        try:
            found = await run_in_threadpool(logins.log_in, tenant, login, password)
        except DATABASE_AWAY:
            return _away(_target(to))
        if isinstance(found, LoginRefused):
            return HTMLResponse(_form(_target(to), found.reason), status_code=401)
        where = f"{ROOT}/password" if found.must_change_password else _target(to)
        answer = RedirectResponse(where, status_code=303)
        answer.set_cookie(COOKIE, cookie_of(tenant, found.token), secure=request.url.scheme == "https", **_COOKIE_TERMS)  # type: ignore[arg-type]
        return answer

    async def leave(request: Request) -> Response:
        tenant, _, token = request.cookies.get(COOKIE, "").partition(".")
        try:
            await run_in_threadpool(logins.log_out, tenant, token)
        except DATABASE_AWAY:
            return _away(ROOT)
        answer = RedirectResponse(f"{ROOT}/login", status_code=303)
        answer.delete_cookie(COOKIE, path=ROOT)
        return answer

    return [
        Route(f"{ROOT}/login", show, methods=["GET"]),
        Route(f"{ROOT}/login", take, methods=["POST"]),
        Route(f"{ROOT}/logout", leave, methods=["GET"]),
    ]


def _away(to: str) -> Response:
    said = "The database can't be used now, and nothing was done: try again in a moment"
    return HTMLResponse(_form(to, said), status_code=503, headers={"Retry-After": "1"})


async def _body_of(request: Request) -> bytes | None:
    """None where it is longer than a login's: what follows isn't read, whoever sends it."""
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > BODY_OCTETS_MAX:
                return None
    except ClientDisconnect:
        return None
    return body


def _target(path: str) -> str:
    """Where to go behind the login: a page of ours and nothing else."""
    return path if path.startswith(ROOT) and "//" not in path and "\\" not in path else ROOT


def _form(to: str, refusal: str) -> str:
    said = f'<p role="alert" class="refusal">{html.escape(refusal)}</p>' if refusal else ""
    return _PAGE.replace("{said}", said).replace("{to}", html.escape(to, quote=True))


_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Log in - Farebox</title><link rel="icon" href="data:,">
<style>
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; background: #eef3f6; color: #1b2a33; }
main { max-width: 22rem; margin: 12vh auto 0; padding: 2rem; background: #fff; border-radius: .5rem;
  box-shadow: 0 1px 6px #0002; }
h1 { margin: 0 0 1rem; font-size: 1.5rem; color: #0b4f6c; }
label { display: block; margin-top: .8rem; font-weight: 600; }
input { width: 100%; box-sizing: border-box; padding: .6rem; font: inherit; border: 1px solid #8aa0ad; border-radius: .3rem; }
button { margin-top: 1.4rem; width: 100%; padding: .7rem; font: inherit; font-weight: 600; color: #fff; background: #0b4f6c;
  border: 0; border-radius: .3rem; cursor: pointer; }
button:focus-visible, input:focus-visible { outline: 3px solid #f2a541; outline-offset: 1px; }
.refusal { margin: 0; padding: .6rem; background: #fdecea; color: #8a1c12; border-radius: .3rem; }
.hint { color: #4a5c67; font-size: .9rem; margin-bottom: 0; }
</style>
</head>
<body>
<main>
<h1>Farebox</h1>
{said}
<form method="post" action="/console/login">
<input type="hidden" name="to" value="{to}">
<label for="login">User</label><input id="login" name="login" autocomplete="username" required autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<label for="tenant">Tenant</label><input id="tenant" name="tenant" value="default" required>
<button>Log in</button>
</form>
<p class="hint">No user yet? An administrator makes one with <code>farebox user add</code>.</p>
</main>
</body>
</html>
"""
