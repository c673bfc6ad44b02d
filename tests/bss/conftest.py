"""Databases for tests of the business side: each test with `database` runs on SQLite and on a real PostgreSQL server."""

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from bss.access import EVERYTHING, Caller
from bss.all_tables import METADATA
from bss.edge.database import Database, database_url
from bss.identity import passwords
from tests.bss import sample_tables as sample_tables
from tests.bss.postgresql import PostgresServer

NOW_NS = 1_800_000_000_000_000_000
_TEMPLATE = "farebox_tables"
_numbers = itertools.count(1)


class TestClock:
    """An instant that moves only when a test says so."""

    __test__ = False

    def __init__(self) -> None:
        self.at_ns = NOW_NS

    def now_ns(self) -> int:
        return self.at_ns

    def advance(self, *, s: int = 0, days: int = 0) -> None:
        self.at_ns += (s + days * 86_400) * 1_000_000_000


@pytest.fixture(autouse=True, scope="session")
def _hashes_are_cheap() -> Iterator[None]:
    """Most tests of users aren't about the tenth of a second that a guess is to cost."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgresServer]:
    """One server a test process, with a template that has all tables."""
    with tempfile.TemporaryDirectory(prefix="farebox-pg-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        server = PostgresServer(Path(folder) / "s")
        engine = sa.create_engine(server.create(_TEMPLATE), poolclass=sa.NullPool)
        METADATA.create_all(engine)
        try:
            yield server
        finally:
            server.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that has all tables: copying it takes a hundredth of the time of making them."""
    url = database_url("", tmp_path_factory.mktemp("template"))
    engine = sa.create_engine(url)
    METADATA.create_all(engine)
    engine.dispose()
    return Path(str(url.database))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.URL]:
    """URL of an empty database with all tables."""
    if request.param == "sqlite":
        url = database_url("", tmp_path)
        shutil.copyfile(request.getfixturevalue("sqlite_template"), str(url.database))
        yield url
        return
    server = request.getfixturevalue("postgresql")
    name, url = server.take(_TEMPLATE)
    yield url
    server.give_back(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_database_at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.URL]:
    """URL of a database without tables."""
    if request.param == "sqlite":
        yield database_url("", tmp_path)
        return
    server = request.getfixturevalue("postgresql")
    name = f"bare_{next(_numbers)}"
    yield server.create(name)
    server.drop(name)


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def database(database_at: sa.URL, clock: TestClock) -> Iterator[Database]:
    opened = Database(database_at, now_ns=clock.now_ns)
    yield opened
    opened.close()


@pytest.fixture
def caller_of() -> Callable[..., Caller]:
    """A caller of a tenant with these permissions; with all where none are named."""

    def caller(*permissions: str, tenant: str = "default", subject: str = "user:ann") -> Caller:
        return Caller(tenant, subject, frozenset(permissions or (EVERYTHING,)))

    return caller


@pytest.fixture
def anyone(caller_of: Callable[..., Caller]) -> Caller:
    """A caller of the default tenant who may do everything."""
    return caller_of()
