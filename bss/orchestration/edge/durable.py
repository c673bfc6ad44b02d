"""Runs workflows with DBOS: what a call came to is kept, and after a death the next worker goes on behind the last one.

It does so where its code is that of the run. A run that other code began is begun anew, from the rows that say how far its
order or product is: what it recorded may be of other calls, in another order, of another form (docs/decisions/0035).

`workflows.db` holds which workflow is whose, and how far it is where no rows of its own say that; what `Run.write` wrote is
checkpointed in the business database, in the same transaction.

A worker is a slot with a fixed name (bss/leases.py): DBOS knows it as executor id. DBOS gives a
workflow to nobody else by itself after a kill, so whoever takes a lapsed slot calls `take_over`.

There is one DBOS a process, so there is one `DurableWorkflows` a process.
"""

import functools
import hashlib
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
import structlog
from dbos import (
    DBOS,
    DBOSConfig,
    DBOSPortableJSONSerializer,
    SetWorkflowID,
    SQLAlchemyDatasource,
    WorkflowHandle,
)

from bss.access import ROLES, Caller
from bss.edge.database import Database
from bss.orchestration.run import Ids, Json, T, Workflow
from bss.work import Work

VERSION: Final = "farebox"
"""DBOS resumes runs of its own version only and would make it a hash of the sources: each deployment would strand what is in
flight. What becomes of the runs of other code is decided here instead, by `code_of`."""
_BSS: Final = Path(__file__).resolve().parents[2]
_CODE_DIGITS: Final = 12
_ANEW: Final = "@"
"""Between the id of a run and the code that begins it anew."""
_QUEUE: Final = "taken-over"
_POLL_S: Final = 1.0
_AT_ONCE: Final = 8
_BUSY_MS: Final = 30_000
_POOL: Final = 16
_MAKES_MAX: Final = 5
_END_S: Final = 10
_WRITING: Final = threading.Lock()
"""Writes of this process's workflows follow each other. On PostgreSQL eight at once met so often (each looks through small
tables) that an order took five times the processor time, and most of it was for nothing; on SQLite they wait in any case."""


@functools.cache
def code_of(folder: Path = _BSS) -> str:
    """Which code this is: other sources, other digits. Calls of runs, and what they return, are made by all of them."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(f"{path.relative_to(folder)}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:_CODE_DIGITS]


class DurableRun:
    """See bss/orchestration/run.py."""

    def __init__(self, workflow_id: str, caller: Caller, database: Database, datasource: SQLAlchemyDatasource) -> None:
        self.workflow_id = workflow_id
        self._caller = caller
        self._database = database
        self._datasource = datasource

    def commit(self, function: Callable[[Work], T]) -> T:
        """See Run."""
        with _WRITING:
            return self._database.write(self._caller, function)

    def write(self, name: str, function: Callable[[Work], Json]) -> Json:
        """See Run."""
        event_counts = [0]

        def in_transaction() -> Json:
            work = self._database.work_on(self._datasource.sql_session().connection(), self._caller)
            result = function(work)
            event_counts[0] = work.event_count
            return result

        with _WRITING:
            result = self._datasource.run_tx_step({"name": name}, in_transaction)
        if event_counts[0]:
            self._database.tell_events()
        return result

    def ask(self, name: str, function: Callable[[], Json]) -> Json:
        """See Run."""
        return DBOS.run_step({"name": name}, function)

    def read(self, function: Callable[[Work], T]) -> T:
        """See Run."""
        return self._database.read(self._caller, function)


class DurableWorkflows:
    """The workflows of this process, by name, and their state in `folder`/workflows.db."""

    def __init__(
        self, database: Database, folder: Path, *, slot: str, workflows: Mapping[str, Workflow], code: str = ""
    ) -> None:
        """
        slot   executor id: who has the slot's lease, and nobody else, may give its name
        code   '' is `code_of` these sources
        """
        self.slot = slot
        self._code = code or code_of()
        self._database = database
        self._slots_free = threading.BoundedSemaphore(_AT_ONCE)
        DBOS(config=_config(folder / "workflows.db", slot))
        self._datasource = _datasource(database)
        self._functions = {name: self._registered(name, workflow) for name, workflow in workflows.items()}

    def launch(self) -> None:
        """Begin; what this slot had under way goes on."""
        DBOS.launch()
        DBOS.register_queue(
            _QUEUE, worker_concurrency=_AT_ONCE, polling_interval_sec=_POLL_S, on_conflict="always_update"
        )

    def start(self, name: str, *, workflow_id: str, tenant: str, ids: Ids) -> None:
        """Begin a workflow. One of this id that has begun, or is over, stays as it is. Blocks while many are under way."""
        self._slots_free.acquire()
        try:
            with SetWorkflowID(workflow_id):
                handle = DBOS.start_workflow(self._functions[name], tenant, dict(ids), self._code)
        except BaseException:
            self._slots_free.release()
            raise
        threading.Thread(target=self._await_end, args=(handle,), daemon=True).start()

    def take_over(self, slot: str) -> list[str]:
        """Go on with what another slot had under way; the ids. Only for who has that slot's lease."""
        found = [run.workflow_id for run in DBOS.list_workflows(status=["PENDING"], executor_id=slot)]
        if found:
            DBOS.resume_workflows(found, queue_name=_QUEUE)
        return found

    def count_under_way(self) -> int:
        """How many workflows aren't over, of all slots."""
        return len(DBOS.list_workflows(status=["PENDING", "ENQUEUED"], load_input=False, load_output=False))

    def close(self) -> None:
        """End; what is under way gets a few seconds, then goes on with the next start of the slot."""
        DBOS.destroy(workflow_completion_timeout_sec=_END_S)

    def _await_end(self, handle: WorkflowHandle[None]) -> None:
        try:
            handle.get_result()
        except Exception:  # tidy: what a workflow failed with is kept and shown by DBOS; here it only ends
            pass
        finally:
            self._slots_free.release()

    def _registered(self, name: str, workflow: Workflow) -> Callable[..., None]:
        def run_workflow(tenant: str, ids: dict[str, str], code: str = "") -> None:
            workflow_id = DBOS.workflow_id
            assert workflow_id is not None
            if code != self._code:
                self._begin_anew(name, workflow_id, tenant, ids)
                return
            caller = Caller(tenant, f"workflow:{name}", ROLES["workflow"])
            workflow(DurableRun(workflow_id, caller, self._database, self._datasource), ids)

        run_workflow.__qualname__ = f"run_{name}"
        return DBOS.workflow(name=name)(run_workflow)

    def _begin_anew(self, name: str, workflow_id: str, tenant: str, ids: Ids) -> None:
        """Another run takes the place of one of other code, which ends when that has begun. Its id is the same at each try.

        In a thread of its own, where DBOS doesn't take it for a call of the run that ends.
        """
        anew_id = f"{workflow_id}{_ANEW}{self._code}"
        structlog.get_logger().warning("a workflow of another release begins anew", workflow=workflow_id, anew=anew_id)
        with ThreadPoolExecutor(1) as thread:
            thread.submit(self.start, name, workflow_id=anew_id, tenant=tenant, ids=ids).result()


def _datasource(database: Database) -> SQLAlchemyDatasource:
    """Two workers that start on a new PostgreSQL at once both make DBOS's tables; who hears that they are there looks again."""
    for attempt in range(_MAKES_MAX):
        try:
            return SQLAlchemyDatasource.create(
                database.engine.url.render_as_string(hide_password=False),
                engine=database.engine,
                serializer=DBOSPortableJSONSerializer(),
            )
        except sa.exc.DBAPIError:
            if attempt == _MAKES_MAX - 1:
                raise
    raise AssertionError("the last attempt returns or raises")


def _config(path: Path, slot: str) -> DBOSConfig:
    return {
        "name": "farebox",
        "system_database_url": f"sqlite:///{path}",
        "system_database_engine": _engine(path),
        "executor_id": slot,
        "application_version": VERSION,
        "serializer": DBOSPortableJSONSerializer(),
        "log_level": "WARNING",
        "max_executor_threads": 4 * _AT_ONCE,
        "notification_listener_polling_interval_sec": _POLL_S,
    }


def _engine(path: Path) -> sa.Engine:
    """As DBOS would make it, but in WAL and without a sync a commit: a lost checkpoint is a step that is asked again. The
    connection that was used last is taken first, which has less to read anew.
    """
    engine = sa.create_engine(f"sqlite:///{path}", pool_size=_POOL, max_overflow=_POOL, pool_use_lifo=True)

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = "IMMEDIATE"
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", f"busy_timeout={_BUSY_MS}"):
            connection.execute(f"PRAGMA {pragma}")

    return engine
