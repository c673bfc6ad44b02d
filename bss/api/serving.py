"""The APIs as an ASGI application (Starlette): octets of HTTP to `requests.answer_to` and back.

The loop's thread reads a body, at most BODY_OCTETS_MAX of it; everything else, SQL too, runs in a pool of threads.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import structlog
from sqlalchemy.exc import IntegrityError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route, Router
from starlette.types import Receive, Scope, Send

from bss.access import Forbidden, Unauthenticated
from bss.api.bodies import check_length
from bss.api.headers import RETRY, bearer_token, not_permitted, unauthenticated, unavailable
from bss.api.hub import answer_to_hub
from bss.api.limits import REQUESTS_AT_ONCE_MAX
from bss.api.pages import pages_of
from bss.api.problems import PROBLEMS, Problem, Refusal, error_body
from bss.api.requests import Answer, Asked, answer_to
from bss.api.resource import Api
from bss.api.served import Served
from bss.api.token_endpoint import TokenEndpoint
from bss.api.tokens import TokenCheck, Tokens
from bss.engine_port import EnginePort
from bss.errors import BusinessError, Conflict, IdempotencyKeyReused, Invalid, NotFound, Stale
from bss.work import DATABASE_AWAY, Transactions
from vocabulary.networks import EVERYWHERE, AllowedNetworks

_METHODS_WITH_BODY: Final = ("POST", "PATCH", "PUT")
_OF_ERRORS: Final[tuple[tuple[type[Exception], Problem], ...]] = (
    (NotFound, Problem.NOT_FOUND),
    (Stale, Problem.STALE),
    (Conflict, Problem.CONFLICT),
    (IdempotencyKeyReused, Problem.IDEMPOTENCY_KEY_REUSED),
    (Invalid, Problem.INVALID_BODY),
    (BusinessError, Problem.CONFLICT),
)
"""What errors of domains are answered as; the first that fits."""
_PLAIN: Final = (
    ("Content-Type", "application/json"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
)
_Handle = Callable[[Asked], Answer]


class Apis:
    """What all endpoints share: who may call, how much at once, how errors are answered."""

    def __init__(
        self,
        store: Transactions,
        tokens: TokenCheck,
        *,
        now_ns: Callable[[], int],
        public_url: str,
        away: tuple[type[Exception], ...] = (),
        engine: EnginePort | None = None,
        networks: AllowedNetworks = EVERYWHERE,
    ) -> None:
        """away    errors that say that the engine or another part isn't there now; they are answered with 503
        engine  asked for live rows, and for top-ups and adjustments at once; None: there are none, and workers ask it
        networks  where hubs' messages may go to
        """
        self.networks: Final = networks
        self.engine: Final = engine
        self.store: Final = store
        self.public_url: Final = public_url.rstrip("/")
        self._tokens = tokens
        self.now_ns: Final = now_ns
        self._away = (*away, *DATABASE_AWAY)
        self.under_way = 0
        self._log = structlog.get_logger(process="web")

    async def answer(self, scope: Scope, receive: Receive, handle: _Handle) -> Response:
        """The answer to a request, whatever becomes of it."""
        if self.under_way >= REQUESTS_AT_ONCE_MAX:
            message = f"{REQUESTS_AT_ONCE_MAX} requests are under way"
            return self.refusal(Refusal(Problem.TOO_MANY_REQUESTS, message, RETRY))
        self.under_way += 1
        try:
            body = await _body_of(scope, receive)
            return await run_in_threadpool(self._answer, scope, body, handle)
        except Refusal as refusal:
            return self.refusal(refusal)
        finally:
            self.under_way -= 1

    def _answer(self, scope: Scope, body: bytes, handle: _Handle) -> Response:
        try:
            headers = _headers_of(scope)
            caller = self._tokens.verify(bearer_token(headers.get("authorization")), self.now_ns())
            method = "GET" if scope["method"] == "HEAD" else scope["method"]
            resource_id = scope["path_params"].get("id")
            answer = handle(Asked(method, resource_id, scope["query_string"], headers, body, caller))
        except Exception as error:
            return self.refusal(self.refusal_of(error))
        return _response(answer)

    def refusal_of(self, error: Exception) -> Refusal:
        """What an error is answered as."""
        if isinstance(error, Refusal):
            return error
        if isinstance(error, Unauthenticated):
            return unauthenticated(Problem.INVALID_TOKEN, str(error))
        if isinstance(error, Forbidden):
            return not_permitted(error.permission)
        if isinstance(error, self._away):
            self._log.warning("a request found something away", error=str(error))
            return unavailable("what this needs is away at the moment: try again")
        for kind, problem in _OF_ERRORS:
            if isinstance(error, kind):
                return Refusal(problem, str(error))
        if isinstance(error, IntegrityError):
            return Refusal(Problem.CONFLICT, "another resource refers to this one, or is the same: read both again")
        self._log.error("a request failed", exc_info=error)
        return Refusal(Problem.INTERNAL, "the request failed here, nothing of it was done")

    def refusal(self, refusal: Refusal) -> Response:
        """The response of a refusal."""
        body = error_body(refusal, self.public_url)
        return _response(Answer(PROBLEMS[refusal.problem].status, refusal.headers, body))


class _Endpoint:
    """One path; all methods reach it, so that each refusal is in TM Forum's form."""

    def __init__(self, apis: Apis, handle: _Handle) -> None:
        self._apis = apis
        self._handle = handle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._apis.answer(scope, receive, self._handle)
        await response(scope, receive, send)


async def _body_of(scope: Scope, receive: Receive) -> bytes:
    """The body's octets. Refusal: they are too many; the rest isn't read."""
    if scope["method"] not in _METHODS_WITH_BODY:
        return b""
    request = Request(scope, receive)
    said = request.headers.get("content-length", "")
    check_length(int(said) if said.isascii() and said.isdigit() else 0)
    parts, count = [], 0
    try:
        async for part in request.stream():
            count += len(part)
            check_length(count)
            parts.append(part)
    except ClientDisconnect:
        raise Refusal(Problem.MALFORMED_BODY, "the connection ended within the body") from None
    return b"".join(parts)


def _headers_of(scope: Scope) -> Mapping[str, str]:
    """By name in lower case; of a header that is there twice, both between commas (RFC 9110 §5.2)."""
    found: dict[str, str] = {}
    for octets, value in scope["headers"]:
        name, text = octets.decode("latin-1"), value.decode("latin-1")
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found


def _response(answer: Answer) -> Response:
    response = Response(answer.body, answer.status)
    headers = (*(_PLAIN if answer.body else _PLAIN[1:]), *answer.headers)
    response.raw_headers += [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers]
    return response


def application(
    apis: Sequence[Api], shared: Apis, tokens: Tokens | None = None, *, more: Sequence[Any] = ()
) -> Starlette:
    """The application. With `tokens` it has /oauth2/token, too; `more` are routes of others, the console's for one."""
    routes: list[Any] = [Route(path, page) for path, page in pages_of(apis, shared.public_url).items()]
    routes += [Mount(api.path, Router(_routes_of(api, shared), redirect_slashes=False)) for api in apis]
    if tokens is not None:
        routes.append(
            Route("/oauth2/token", TokenEndpoint(shared.store, tokens, shared.now_ns).__call__, methods=["POST"])
        )

    async def not_found(request: Request, error: Exception) -> Response:
        return shared.refusal(Refusal(Problem.NOT_FOUND, f"there is nothing at {request.url.path}; /docs says what is"))

    async def not_served(request: Request, error: Exception) -> Response:
        allow = getattr(error, "headers", None) or {}
        message = f"{request.method} is not served at {request.url.path}"
        return shared.refusal(Refusal(Problem.METHOD_NOT_SERVED, message, tuple(allow.items())))

    found = Starlette(routes=[*routes, *more], exception_handlers={404: not_found, 405: not_served})
    found.router.redirect_slashes = False
    return found


def _routes_of(api: Api, shared: Apis) -> list[Route]:
    found = []
    for resource in api.resources:
        served = Served(api, resource, shared.public_url, shared.engine)
        endpoint = _Endpoint(shared, _bound(served, shared.store))
        found += [Route(f"/{resource.name}", endpoint), Route(f"/{resource.name}/{{id}}", endpoint)]
    hub = _Endpoint(shared, lambda asked: answer_to_hub(api, shared.store, asked, shared.networks))
    return [*found, Route("/hub", hub), Route("/hub/{id}", hub)]


def _bound(served: Served, store: Transactions) -> _Handle:
    return lambda asked: answer_to(served, store, asked)
