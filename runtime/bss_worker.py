"""`farebox bss-worker`: one process that relays events and runs workflows and what is due. Several may run on one database;
each takes over from one that dies.
"""

import asyncio
import fcntl
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final

import structlog

from bss.api.apis import api_of
from bss.automation.evaluate import Look
from bss.deliveries import Event
from bss.edge.due_rows import DueRows
from bss.edge.relay import Relay
from bss.edge.webhooks import WebhookClient
from bss.orchestration.edge.relay_thread import RelayThread
from bss.orchestration.edge.worker import SLOTS_MAX, Worker
from bss.orchestration.event_rules import EventRules
from bss.orchestration.worker_tables import STARTED_BY, asking_handlers, due_handlers, workflows
from bss.retention import KEPT_DAYS
from runtime.bss_database import open_bss_database
from runtime.bss_ports import make_ports
from runtime.data_folder import DataFolder
from runtime.kill_points import reached
from runtime.serving import serve
from runtime.settings import Settings
from runtime.telemetry import WORKER, Health, Telemetry

EXIT_LOST: Final = 3
"""The process lost its slot, or its database: what it had under way is another's."""


class BssWorkerProcess:
    """A worker with its telemetry; see ServingProcess."""

    name: ClassVar = WORKER
    ready_line: ClassVar = "worker ready"

    def __init__(self, settings: Settings, store_url: str) -> None:
        self.telemetry = Telemetry(self.name)
        folder = settings.store.data_dir / "bss"
        folder.mkdir(parents=True, exist_ok=True)
        self._lock, name = _take_name(folder)
        self._database = open_bss_database(settings)
        ports = make_ports(settings, lambda: store_url)

        def relay(listeners: Sequence[Callable[[Event], None]]) -> RelayThread:
            return RelayThread(
                lambda client: Relay(
                    self._database,
                    client.post,
                    node=name,
                    api_of=api_of,
                    listeners=listeners,
                    kept_days={setting: getattr(settings.bss, setting) for setting in KEPT_DAYS},
                    reached=reached,
                ),
                lambda: WebhookClient(settings.webhooks.networks, tls_ca=settings.webhooks.tls_ca),
                wake=DataFolder(settings.store.data_dir).run,
                on_failed=self._end,
            )

        self._worker = Worker(
            database=self._database,
            name=name,
            folder=folder,
            workflows=workflows(ports, reached),
            started_by=STARTED_BY,
            relay=relay,
            run_due=DueRows(self._database, due_handlers(), asking_handlers(ports), holder=name).run_due,
            wall_ns=time.time_ns,
            on_lost=lambda: os._exit(EXIT_LOST),
            hears=EventRules(self._database, wall_ns=time.time_ns, reached=reached, noticed=_note_undecided),
        )
        self._ended = threading.Event()
        self._over = asyncio.Event()
        """the thread has ended"""
        self._thread = threading.Thread(target=self._work, name="worker")
        self._failed: BaseException | None = None
        self._on_ready: Callable[[str], None] = lambda slot: None
        self._on_end: Callable[[], None] = lambda: None

    async def start(self, stopping: asyncio.Event) -> dict[str, int] | None:
        """Take a slot, and go on with what it had under way. See ServingProcess."""
        begun = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._on_ready = lambda slot: self._tell(loop, begun)
        self._on_end = lambda: self._tell(loop, begun, self._over)
        self._thread.start()
        await begun.wait()
        if self._failed is not None:
            raise self._failed
        return {}

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until told to stop. See ServingProcess."""
        ends = [asyncio.ensure_future(event.wait()) for event in (stopping, self._over)]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in ends:
            task.cancel()
        self._ended.set()
        await asyncio.to_thread(self._thread.join)
        if self._failed is not None:
            raise self._failed

    async def close(self) -> None:
        """See ServingProcess."""
        self._ended.set()
        self._database.close()
        os.close(self._lock)

    def health(self) -> Health:
        """Ready while it works."""
        is_alive = self._thread.is_alive()
        return Health(is_alive, () if is_alive else ("the worker has ended",))

    @staticmethod
    def _tell(loop: asyncio.AbstractEventLoop, *events: asyncio.Event) -> None:
        with suppress(RuntimeError):  # the loop has ended: nobody waits any more
            for event in events:
                loop.call_soon_threadsafe(event.set)

    def _end(self, error: BaseException) -> None:
        self._failed = error
        self._ended.set()

    def _work(self) -> None:
        try:
            self._worker.run(self._ended, self._on_ready)
        except BaseException as error:
            self._failed = error
        finally:
            self._on_end()


def run_bss_worker(settings: Settings, store_url: str, *, ready_file: Path | None = None) -> None:
    """Work until SIGTERM or SIGINT. NoSlot, and errors of the database, are raised.

    ready_file   gets `<telemetry port> <pid>` once it works
    """
    asyncio.run(serve(BssWorkerProcess(settings, store_url), settings.telemetry, ready_file))


def _note_undecided(event: Event, look: Look) -> None:
    """It does not fire; whoever wrote the rule should know."""
    structlog.get_logger(process=WORKER).info(
        "a rule does not fire", rule=look.rule, event_id=event.id, kind=event.kind, reason=look.reason
    )


def _take_name(folder: Path) -> tuple[int, str]:
    """(descriptor that holds it, name): the same for who is started anew, so that its own slot needn't lapse first."""
    for number in range(1, SLOTS_MAX + 1):
        descriptor = os.open(folder / f"worker-{number}.lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            continue
        return descriptor, f"{socket.gethostname()[:30]}:{os.fstat(descriptor).st_ino:x}"
    raise OSError(f"{SLOTS_MAX} workers run in {folder}: stop one")
