"""Databases of the business side: SQLite (WAL, embedded) or PostgreSQL, by URL. Opens transactions as `Work` and repeats what
the database could not serialise.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DataError, DBAPIError

from bss.access import Caller
from bss.edge.ids import IdSource
from bss.errors import Invalid
from bss.idempotency import Idempotency, find_answer, keep_answer
from bss.work import Work

T = TypeVar("T")

RETRY_S_MAX: Final = 30.0
"""How long a transaction is repeated that the database can't serialise."""
_PAUSE_S_MAX: Final = 0.1
_LOG_BUSY_MS: Final = 100
"""Who writes waits so long at most where a reader keeps the log from beginning anew."""
_BUSY_MS: Final = 30_000
_SERIALISATION_STATES: Final = ("40001", "40P01")
_POOL: Final = 20
_READING: Final = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
"""Options of PostgreSQL's connections that read a snapshot and can't write."""
_LINE: Final = 0xFA2E
"""The advisory lock of PostgreSQL behind which transactions that met others stand in line."""


class DatabaseUnsafe(Exception):
    """The URL names something that can't hold the business side's rows."""


def database_url(text: str, data_dir: Path) -> sa.URL:
    """The URL to open: of `bss.sqlite` in the data folder where `text` is empty. DatabaseUnsafe names what to write instead."""
    if not text:
        return sa.URL.create("sqlite+pysqlite", database=str(data_dir / "bss.sqlite"))
    url = sa.make_url(text)
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:"):
        return url.set(drivername="sqlite+pysqlite")
    raise DatabaseUnsafe(f"{url.render_as_string()}: write postgresql://user@host/name or sqlite:///path/of/file")


class Database:
    """One database and how its transactions are begun: writers one after the other, readers on a snapshot."""

    def __init__(
        self,
        url: sa.URL,
        *,
        now_ns: Callable[[], int],
        entropy: Callable[[int], bytes] = os.urandom,
        on_events: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_events` is called after a commit that wrote events: it wakes the relay."""
        self.now_ns = now_ns
        self._entropy = entropy
        self._ids = IdSource(entropy)
        self._on_events = on_events
        self._is_sqlite = url.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(url) if self._is_sqlite else _postgresql_engine(url)
        self.readers = _sqlite_readers(url) if self._is_sqlite else self.engine.execution_options(**_READING)

    def write(self, caller: Caller, function: Callable[[Work], T], *, idempotency: Idempotency | None = None) -> T:
        """What `function` returns, committed; it may run several times and leaves nothing where it raises.

        idempotency   the answer (JSON) is kept under its key and given again; IdempotencyKeyReused
        """

        def in_transaction(connection: sa.Connection) -> tuple[T, int]:
            if idempotency is not None:
                is_known, answer = find_answer(connection, caller.tenant, caller.subject, idempotency)
                if is_known:
                    return answer, 0
            work = self.work_on(connection, caller)
            result = function(work)
            if idempotency is not None:
                keep_answer(connection, caller.tenant, caller.subject, idempotency, result, now_ns=work.now_ns)
            return result, work.event_count

        with _unstorable_is_invalid():
            result, event_count = self.across_tenants(in_transaction)
        if event_count:
            self.tell_events()
        return result

    def tell_events(self) -> None:
        """Events were committed: wake who waits for them."""
        self._on_events()

    def read(self, caller: Caller, function: Callable[[Work], T]) -> T:
        """What `function` returns of one snapshot; it can't write."""
        with _unstorable_is_invalid(), self.readers.connect() as connection, connection.begin():
            return function(self.work_on(connection, caller))

    def across_tenants(self, function: Callable[[sa.Connection], T]) -> T:
        """What `function` returns of a writing transaction without caller: for relays and leases, never for domains."""
        give_up_at = time.monotonic() + RETRY_S_MAX
        pause_s = 0.001
        in_line: Callable[[sa.Connection], AbstractContextManager[object]] = nullcontext
        while True:
            try:
                with self.engine.connect() as connection, in_line(connection), connection.begin():
                    return function(connection)
            except DBAPIError as error:
                if not _could_not_serialise(error) or time.monotonic() > give_up_at:
                    raise
            if not self._is_sqlite:
                in_line = _alone
            time.sleep(random.uniform(0, pause_s))
            pause_s = min(2 * pause_s, _PAUSE_S_MAX)

    def forget_log(self) -> bool:
        """SQLite's log begins anew: until then it has the texts that were erased. False where a reader or another process was
        in the way, so that it is to be tried again; PostgreSQL looks after its own.
        """
        if not self._is_sqlite:
            return True
        with self.engine.connect() as connection:
            driver = connection.connection.dbapi_connection
            assert driver is not None
            driver.execute(f"PRAGMA busy_timeout={_LOG_BUSY_MS}")  # type: ignore[attr-defined]
            try:
                ((is_busy, _, _),) = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()  # type: ignore[attr-defined]
            finally:
                driver.execute(f"PRAGMA busy_timeout={_BUSY_MS}")  # type: ignore[attr-defined]
        return not is_busy

    def work_on(self, connection: sa.Connection, caller: Caller) -> Work:
        """A `Work` on a transaction that another edge began and commits; it calls `tell_events` then."""
        return Work(
            connection,
            caller=caller,
            now_ns=self.now_ns(),
            draw_id=self._ids.new_id,
            entropy=self._entropy,
        )

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()
        self.readers.dispose()


@contextmanager
def _unstorable_is_invalid() -> Iterator[None]:
    """A value that no column can hold or be compared with (NUL and half characters in texts, numbers beyond 64 bits) is the
    caller's mistake, wherever it came through.
    """
    try:
        yield
    except (DataError, UnicodeEncodeError, OverflowError) as error:
        raise Invalid(
            "value",
            "it has signs or a size that can't be stored",
            "Leave out control signs, and numbers beyond 64 bits",
        ) from error


@contextmanager
def _alone(connection: sa.Connection) -> Iterator[None]:
    """Meanwhile nobody else is here who repeats a transaction. Else those that met would meet again and again: of 400 racing
    allocations by 16 threads some weren't through after 30 s. The lock is taken before the transaction has its snapshot.
    """
    connection.exec_driver_sql("SELECT pg_advisory_lock(%s)", (_LINE,))
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        connection.exec_driver_sql("SELECT pg_advisory_unlock(%s)", (_LINE,))
        connection.commit()


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    """One connection, which this process's threads get in turn. With several each read anew what another one wrote: of an order
    370 pages of the file, where one reads 70. And SQLite's own waiting, which looks again after ever longer pauses, gave each
    of eight threads less than a transaction a second.
    """
    engine = _sqlite_connections(url, count=1)

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # a writer takes its lock before it reads: with a plain BEGIN, racing "select a free one, update it" gave one twice
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _sqlite_readers(url: sa.URL) -> sa.Engine:
    """Connections that can't write, with a pool of their own: to switch one to and fro took longer than a read."""
    engine = _sqlite_connections(url, "query_only=ON", count=2 * _POOL)

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        driver = connection.connection.dbapi_connection
        assert driver is not None
        driver.execute("BEGIN")  # type: ignore[attr-defined]  # it can't fail, so that SQLAlchemy needn't look after it

    return engine


def _sqlite_connections(url: sa.URL, *more: str, count: int) -> sa.Engine:
    """An engine of so many connections at most, with our settings, and `more`. Errors hide what was to be written: they go to
    logs and rows, where erasing a person doesn't look.
    """
    busy_s = _BUSY_MS / 1000
    engine = sa.create_engine(
        url,
        pool_size=count,
        max_overflow=0,
        pool_use_lifo=True,
        pool_timeout=busy_s,
        hide_parameters=True,
        connect_args={"check_same_thread": False, "timeout": busy_s},
    )
    settings = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_MS}", *more)
    settings += ("secure_delete=ON",)  # what is erased is no longer in the file either, whatever SQLite was built with

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # else the driver begins transactions by itself, and too late
        for pragma in settings:
            connection.execute(f"PRAGMA {pragma}")

    return engine


def _postgresql_engine(url: sa.URL) -> sa.Engine:
    return sa.create_engine(
        url,
        pool_size=_POOL,
        max_overflow=_POOL,
        hide_parameters=True,
        isolation_level="SERIALIZABLE",
        pool_pre_ping=True,
    )


def _could_not_serialise(error: DBAPIError) -> bool:
    """Is it worth another try: two transactions met, or SQLite's lock was held for long?"""
    state = getattr(error.orig, "sqlstate", None)
    return state in _SERIALISATION_STATES or "database is locked" in str(error.orig)
