"""The login's form where nobody has proved who they are yet: what it reads of a body, and what it says without a database."""

import asyncio
import html
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.applications import Starlette

from bss.access import Caller
from bss.console.login import BODY_OCTETS_MAX, login_routes
from bss.identity.records import LoggedIn, LoginRefused

FIELDS = {"login": "ann", "password": "x", "tenant": "default", "to": "/console/orders"}


class NoLogins:
    """The database fails each time, with this."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def log_in(self, tenant: str, login: str, password: str) -> LoggedIn | LoginRefused:
        """See Logins."""
        raise self._error

    def caller(self, tenant: str, token: str) -> Caller | None:
        """See Logins."""
        raise self._error

    def seen(self, tenant: str, token: str) -> None:
        """See Logins."""
        raise self._error

    def log_out(self, tenant: str, token: str) -> None:
        """See Logins."""
        raise self._error


async def answer_to(
    error: Exception, method: str, path: str, body: AsyncIterator[bytes] | None = None
) -> httpx.Response:
    application = Starlette(routes=login_routes(NoLogins(error)))
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://farebox", trust_env=False) as client:
        data = FIELDS if body is None and method == "POST" else None
        return await client.request(method, path, data=data, content=body)


@pytest.mark.parametrize(
    "error", [OperationalError("SELECT 1", {}, Exception("connection refused")), PoolTimeout("QueuePool limit")]
)
@pytest.mark.parametrize(("method", "path"), [("POST", "/console/login"), ("GET", "/console/logout")])
def test_without_a_database_it_says_so(error: Exception, method: str, path: str) -> None:
    answer = asyncio.run(answer_to(error, method, path))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "The database can't be used now" in html.unescape(answer.text)
    assert "set-cookie" not in answer.headers, "who was logged in still is"


def test_of_a_body_that_is_no_login_no_more_is_read() -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while taken < 100 * BODY_OCTETS_MAX:
            taken += 1024
            yield b"x" * 1024

    answer = asyncio.run(answer_to(AssertionError("nobody asks"), "POST", "/console/login", endless()))
    assert answer.status_code == 413
    assert "more than a login" in answer.text
    assert taken <= BODY_OCTETS_MAX + 2048
