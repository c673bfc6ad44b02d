"""The sample API over a database, and clients that call it."""

import itertools
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import uvicorn
from joserfc.jwk import ECKey
from starlette.types import ASGIApp, Receive, Scope, Send

from bss.access import Caller
from bss.all_tables import METADATA
from bss.api.apis import APIS
from bss.api.serving import Apis, application
from bss.api.tokens import Tokens
from bss.edge.database import Database, database_url
from tests.acceptance import evidence
from tests.bss.api.generated_requests import EXAMPLES, EXAMPLES_MANY, SEED, Conversation, Statuses, Walk, shares_of
from tests.bss.api.sample_api import SAMPLE
from tests.bss.conftest import NOW_NS
from tests.bss.postgresql import PostgresServer

PUBLIC_URL = "https://farebox.example"
KEY = ECKey.generate_key("P-256")
GADGETS_AT = f"{SAMPLE.path}/gadget"


DATABASES = ("sqlite", "postgresql")
SEED_OF_TODAY = int(os.environ.get("FAREBOX_WALK_SEED") or time.time() // 86_400)
_tenants = itertools.count(1)


class EngineAway(Exception):
    """What an operation says when the engine isn't there."""


@pytest.fixture(scope="session")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One for all tests here: each has a tenant of its own in it."""
    url = database_url("", tmp_path_factory.mktemp("apis"))
    engine = sa.create_engine(url)
    METADATA.create_all(engine)
    engine.dispose()
    yield from _opened(url)


@pytest.fixture(scope="session")
def on_postgresql(postgresql: PostgresServer) -> Iterator[Database]:
    """The same on PostgreSQL."""
    yield from _opened(postgresql.create("apis", template="farebox_tables"))


def _opened(url: sa.URL) -> Iterator[Database]:
    opened = Database(url, now_ns=lambda: NOW_NS)
    yield opened
    opened.close()


@pytest.fixture(scope="session", params=DATABASES)
def database(request: pytest.FixtureRequest) -> Database:
    """Each test runs on both."""
    found: Database = request.getfixturevalue(f"on_{request.param}")
    return found


@pytest.fixture
def tenant() -> str:
    """One that nobody else has."""
    return f"tenant-{next(_tenants)}"


@pytest.fixture(scope="session")
def tokens() -> Tokens:
    return Tokens({"1": KEY}, "1")


@pytest.fixture
def authorization(tokens: Tokens, tenant: str) -> Callable[..., dict[str, str]]:
    """Headers of a caller of the test's tenant, or another one, with these permissions; with all where none are named."""

    def headers(*permissions: str, of: str = tenant, subject: str = "client:shop") -> dict[str, str]:
        held = frozenset(permissions or ("*",))
        token = tokens.issue(tenant=of, subject=subject, permissions=held, now_ns=NOW_NS)
        return {"Authorization": f"Bearer {token}"}

    return headers


@pytest.fixture(scope="session")
def shared(database: Database, tokens: Tokens) -> Apis:
    return Apis(database, tokens, now_ns=database.now_ns, public_url=PUBLIC_URL, away=(EngineAway,))


@pytest.fixture(scope="session")
def sample(shared: Apis, tokens: Tokens) -> ASGIApp:
    """The application under test."""
    return application([*APIS, SAMPLE], shared, tokens)


class Server:
    """uvicorn on a free port of loopback, as it runs in production; each test has it serve its own application."""

    def __init__(self) -> None:
        self.application: ASGIApp | None = None
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._server = uvicorn.Server(uvicorn.Config(self._answer, interface="asgi3", log_config=None, lifespan="off"))
        self._thread = threading.Thread(target=self._server.run, args=([self._socket],), daemon=True)
        self._thread.start()

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.application is not None
        await self.application(scope, receive, send)

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.close()


@pytest.fixture
def nobody(server: Server, sample: ASGIApp) -> Iterator[httpx.Client]:
    """A client without a token."""
    server.application = sample
    with httpx.Client(base_url=server.url, timeout=30) as client:
        yield client


@pytest.fixture
def client(nobody: httpx.Client, authorization: Callable[..., dict[str, str]]) -> httpx.Client:
    """A client that may do everything in the default tenant."""
    nobody.headers.update(authorization())
    return nobody


@pytest.fixture
def made(client: httpx.Client) -> Callable[..., dict[str, Any]]:
    """Makes gadgets."""

    def make(**members: Any) -> dict[str, Any]:
        answer = client.post(GADGETS_AT, json={"name": "lamp"} | members)
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    return make


@pytest.fixture(scope="session")
def walked() -> Iterator[dict[tuple[str, str], Statuses]]:
    """Answers of long walks by API and database. Once all are done, they are evidence."""
    found: dict[tuple[str, str], Statuses] = {}
    yield found
    apis = sorted({api.name for api in (*APIS, SAMPLE)})
    if found.keys() == set(itertools.product(apis, DATABASES)):
        rows = []
        for (name, kind), statuses in sorted(found.items()):
            shares = shares_of(statuses)
            rows.append((name, kind, len(shares), statuses.total(), f"{100 * min(shares.values()):.0f} %"))
        says = (
            f"{sum(row[3] for row in rows)} requests that schemathesis made of our own documents, {EXAMPLES_MANY} an"
            f" operation, with ids of what is there, by seed {SEED_OF_TODAY}; each answer is one of its document, none a 5xx."
        )
        head = ("API", "database", "operations", "answers", "successes of an operation, at least")
        evidence.write("apis-schemathesis", "Answers of the APIs", says, head, rows)


@pytest.fixture(
    params=[
        pytest.param((EXAMPLES, SEED), id="few"),
        pytest.param(
            (EXAMPLES_MANY, SEED_OF_TODAY),
            id=f"many-by-seed-{SEED_OF_TODAY}",
            marks=[pytest.mark.acceptance, pytest.mark.timeout(600)],
        ),
    ]
)
def walk(request: pytest.FixtureRequest, database: Database, walked: dict[tuple[str, str], Statuses]) -> Walk:
    """A few requests of each operation, always the same ones; in acceptance many, which are others each day."""
    examples, seed = request.param

    def go(conversation: Conversation, operations: int) -> None:
        conversation.go_on(examples, seed)
        if examples == EXAMPLES_MANY:
            walked[conversation.api.name, database.engine.dialect.name] = conversation.statuses
        conversation.check_shares(operations)

    return go


@pytest.fixture
def caller(tenant: str) -> Caller:
    """Who may do everything in the test's tenant."""
    return Caller(tenant, "user:ann", frozenset({"*"}))
