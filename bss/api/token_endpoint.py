"""/oauth2/token: access tokens for client credentials (RFC 6749 §4.4). Errors are those of RFC 6749 §5.2, not TM Forum's."""

import base64
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qs, unquote_plus

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from bss.access import EVERYTHING, Caller
from bss.api.headers import RETRY
from bss.api.limits import TOKEN_LIFE_S
from bss.api.tokens import Tokens
from bss.api_clients import permissions_of_client
from bss.work import DATABASE_AWAY, Transactions

FORM: Final = "application/x-www-form-urlencoded"
FORM_OCTETS_MAX: Final = 4096
_CLIENT_ID: Final = re.compile(r"([^@\0]{1,63})@([^@\0]{1,64})")
_NO_STORE: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="farebox"'}


class _Refused(Exception):
    """A request for a token is refused with this error of RFC 6749 §5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.status = status


class TokenEndpoint:
    """Answers requests for tokens."""

    def __init__(self, store: Transactions, tokens: Tokens, now_ns: Callable[[], int]) -> None:
        self._store = store
        self._tokens = tokens
        self._now_ns = now_ns

    async def __call__(self, request: Request) -> Response:
        """A token, or an error that says what is wrong."""
        try:
            body = await _form_of(request)
            return await run_in_threadpool(self._answer, request, body)
        except DATABASE_AWAY:
            # RFC 6749 has the word for the authorization endpoint alone; the status says it as well.
            found = {"error": "temporarily_unavailable", "error_description": "the database is away: ask again"}
            return Response(msgspec.json.encode(found), 503, _NO_STORE | dict(RETRY), "application/json")
        except _Refused as error:
            found = {"error": error.error, "error_description": str(error)}
            headers = _NO_STORE | (_CHALLENGE if error.status == 401 else {})
            return Response(msgspec.json.encode(found), error.status, headers, "application/json")

    def _answer(self, request: Request, body: bytes) -> Response:
        form = _members_of(body)
        if form.get("grant_type") != "client_credentials":
            raise _Refused("unsupported_grant_type", "grant_type has to be client_credentials")
        client_id, secret = _credentials_of(request.headers.get("authorization"), form)
        tenant, name, permissions = self._client(client_id, secret)
        granted = _granted(form.get("scope", ""), permissions)
        token = self._tokens.issue(tenant=tenant, subject=f"client:{name}", permissions=granted, now_ns=self._now_ns())
        answer = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": TOKEN_LIFE_S,
            "scope": " ".join(sorted(granted)),
        }
        return Response(msgspec.json.encode(answer), 200, _NO_STORE, "application/json")

    def _client(self, client_id: str, secret: str) -> tuple[str, str, frozenset[str]]:
        """(tenant, name, what it may)."""
        found = _CLIENT_ID.fullmatch(client_id)
        if found is None:
            raise _Refused("invalid_client", "the client id has to be name@tenant", 401)
        name, tenant = found[1], found[2]
        caller = Caller(tenant, "token endpoint", frozenset({"client:authenticate"}))
        permissions = self._store.read(caller, lambda work: permissions_of_client(work, name=name, secret=secret))
        if permissions is None:
            raise _Refused("invalid_client", "there is no client of this id and secret, or it is locked", 401)
        return tenant, name, permissions


async def _form_of(request: Request) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise _Refused("invalid_request", f"Content-Type has to be {FORM}")
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > FORM_OCTETS_MAX:
                raise _Refused("invalid_request", f"the body has more than {FORM_OCTETS_MAX} octets", 413)
    except ClientDisconnect:
        raise _Refused("invalid_request", "the connection ended within the body") from None
    return body


def _members_of(body: bytes) -> dict[str, str]:
    try:
        found = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=20, errors="strict")
    except ValueError:
        raise _Refused("invalid_request", f"the body is no {FORM}") from None
    for name, values in found.items():
        if len(values) > 1:
            raise _Refused("invalid_request", f"{name} is there twice")
    return {name: values[0] for name, values in found.items()}


def _credentials_of(authorization: str | None, form: dict[str, str]) -> tuple[str, str]:
    """(client id, secret): HTTP Basic, or members of the form (RFC 6749 §2.3.1); not both."""
    if authorization is None:
        if "client_id" not in form or "client_secret" not in form:
            raise _Refused("invalid_client", "send client id and secret by HTTP Basic", 401)
        return form["client_id"], form["client_secret"]
    if "client_secret" in form:
        raise _Refused("invalid_request", "client id and secret are there twice, by HTTP Basic and in the body")
    scheme, _, text = authorization.partition(" ")
    try:
        client_id, colon, secret = base64.b64decode(text.strip(), validate=True).decode().partition(":")
    except ValueError:
        raise _Refused("invalid_client", "the Authorization header is no HTTP Basic", 401) from None
    if scheme.lower() != "basic" or not colon:
        raise _Refused("invalid_client", "the Authorization header is no HTTP Basic", 401)
    return unquote_plus(client_id), unquote_plus(secret)


def _granted(scope: str, permissions: frozenset[str]) -> frozenset[str]:
    """What is asked for, all of it, or what the client may where nothing is."""
    asked = frozenset(scope.split())
    beyond = set() if EVERYTHING in permissions else asked - permissions
    if beyond:
        raise _Refused("invalid_scope", f"the client may not have {' '.join(sorted(beyond))}")
    return asked or permissions
