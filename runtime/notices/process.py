"""`farebox notifier`: one process that tells clients of open sessions what they are owed.

It holds no truth: rows and its place in the journal are in the store. There it claims its turn (runtime/notices/turn.py): of
several notifiers of a store one tells, the others stand by. A lock on its folder keeps a second one of the directory out.
"""

import asyncio
import os
from pathlib import Path
from typing import ClassVar, Final

import structlog

from balances.edge.embedded_socket import socket_path
from balances.edge.redis_store import RedisStore
from balances.notifier_claim import NotifierLostError
from balances.store import StoreError, StoreMeta
from chf_http2.edge.notify_client import NotifyClient
from runtime.data_folder import DataFolder, lock_notices, notifier_node
from runtime.end_tasks import end_tasks
from runtime.kill_points import reached
from runtime.moved_clock import clock_of
from runtime.notices.gy_frames import SOCKET_NAME
from runtime.notices.gy_hub import GyHub
from runtime.notices.messenger import Messenger, Tried
from runtime.notices.partition import RETRY_S, PartitionNotices, Slots
from runtime.notices.prices import PriceWatch
from runtime.notices.turn import Turn
from runtime.serving import serve
from runtime.settings import Settings
from runtime.store_opening import await_store_until
from runtime.telemetry import NOTIFIER, Health, Telemetry

NICENESS: Final = 12
"""What is owed is safe in the store, and nobody waits for it by the millisecond: behind engine, store and archiver."""


class NotifierProcess:
    """Notices of all partitions, with links to front ends and telemetry; see ServingProcess."""

    name: ClassVar = NOTIFIER
    ready_line: ClassVar = "notifier ready"

    def __init__(self, settings: Settings, store_url: str) -> None:
        self.telemetry = Telemetry(self.name)
        self.partitions: list[PartitionNotices] = []
        self._settings = settings
        self._store = RedisStore(store_url)
        self._clock = clock_of(settings)
        self._hub: GyHub | None = None
        self._client: NotifyClient | None = None
        self._meta: StoreMeta | None = None
        self._turn: Turn | None = None
        self._lock = -1
        self._log = structlog.get_logger(process=self.name)
        self.telemetry.before_scrape(self._count)

    async def start(self, stopping: asyncio.Event) -> dict[str, int] | None:
        """Wait for the store; where no other notifier tells clients, be the one. See ServingProcess."""
        folder = DataFolder(self._settings.store.data_dir)
        meta = await await_store_until(stopping, self._store, self._settings, report=self._log.warning)
        if meta is None:
            return None
        self._meta = meta
        self._lock = lock_notices(folder)
        self._turn = Turn(self._store, notifier_node(self._lock), now_ns=self._clock.now_ns)
        await self._turn.take()
        if self._turn.is_ours:
            await self._begin(meta)
        return {}

    async def _begin(self, meta: StoreMeta) -> None:
        """Read what is owed, listen for front ends. StoreError, NotifierLostError."""
        assert self._turn is not None
        notify, folder = self._settings.notify, DataFolder(self._settings.store.data_dir)
        self._hub = GyHub(socket_path(folder.run, SOCKET_NAME), store=meta.created_ns)
        self._client = NotifyClient(
            notify.networks, timeout_s=notify.timeout_s, now_ns=self._clock.now_ns, tls_ca=notify.tls_ca
        )
        messenger, slots = Messenger(self._hub, self._client, timeout_s=notify.timeout_s), Slots(notify)
        self.partitions = [
            PartitionNotices(
                partition,
                self._turn.epoch,
                self._store,
                messenger,
                slots,
                notify,
                now_ns=self._clock.now_ns,
                observe=self._observe,
                reached=reached,
            )
            for partition in range(meta.partition_count)
        ]
        for each in self.partitions:
            await each.start()
        await self._hub.start()
        self._log.info("notifier tells clients", epoch=self._turn.epoch)

    async def run(self, stopping: asyncio.Event) -> None:
        """Until told to stop; what is under way is noted, and goes on with the next start. See ServingProcess."""
        ends = asyncio.ensure_future(stopping.wait())
        try:
            while not stopping.is_set():
                work = asyncio.ensure_future(self._serve_turn())
                await asyncio.wait([ends, work], return_when=asyncio.FIRST_COMPLETED)
                await end_tasks([work])
                if not work.cancelled():
                    work.result()  # what ended it is raised
        finally:
            ends.cancel()

    async def _serve_turn(self) -> None:
        """Wait for our turn, and tell clients until it is another's."""
        assert self._turn is not None
        assert self._meta is not None
        try:
            await self._turn.wait()
            if not self.partitions:
                await self._begin(self._meta)
            await self._tell()
        except NotifierLostError:
            self._log.warning("another notifier tells clients now: this one stands by")
        except StoreError as error:
            self._log.warning("notifier waits", reason=str(error))
            await asyncio.sleep(RETRY_S)
        finally:
            await self._let_go()

    async def _tell(self) -> None:
        """Follow and send. NotifierLostError once another has the turn."""
        assert self._turn is not None
        watch = PriceWatch(
            self._store,
            self.partitions,
            per_s=self._settings.notify.price_changes_per_s,
            now_ns=self._clock.now_ns,
            reached=reached,
        )
        loops = [loop for partition in self.partitions for loop in (partition.follow(), partition.send())]
        work = [asyncio.ensure_future(loop) for loop in (*loops, watch.run(), self._turn.keep())]
        try:
            done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # what ended it is raised
        finally:
            await end_tasks(work)

    async def _let_go(self) -> None:
        """Tell nobody more, and leave the turn to who comes. Who is cancelled within it calls it again."""
        for partition in self.partitions:
            await partition.end_tries()
        self.partitions = []
        if self._hub is not None:
            await self._hub.close()
        if self._client is not None:
            await self._client.close()
        self._hub = self._client = None
        if self._turn is not None:
            await self._turn.give_up()

    def _observe(self, tried: Tried) -> None:
        """Count a try."""
        self.telemetry.counter("notices_tried_total", tried.interface, tried.result).inc(1)

    def _count(self) -> None:
        """What is owed now, and whether it is ours to tell, before a scrape."""
        self.telemetry.gauge("notifier_tells").set(int(bool(self.partitions)))
        for partition in self.partitions:
            label, book = str(partition.partition), partition.book
            self.telemetry.gauge("notices_owed", label).set(len(book) - book.given_up_count)
            self.telemetry.counter("notices_owed_total", label).inc(partition.take_owed_count())
            self.telemetry.counter("notices_given_up_total", label).inc(partition.take_given_up_count())

    def health(self) -> Health:
        """Ready while the journal is followed, by us or, where we stand by, by another."""
        reasons = tuple(
            f"partition {partition.partition}: {partition.waits_because}"
            for partition in self.partitions
            if partition.waits_because
        )
        return Health(not reasons, reasons)

    async def close(self) -> None:
        """See ServingProcess."""
        await self._let_go()
        await self._store.close()
        if self._lock >= 0:
            os.close(self._lock)


def run_notifier(settings: Settings, store_url: str, *, ready_file: Path | None = None) -> None:
    """Tell clients what they are owed until SIGTERM or SIGINT. Waits for an absent store.

    ready_file   gets `<telemetry port> <pid>` once it works
    StoreError where the store can't be used, or another notifier works for the data directory.
    """
    os.nice(NICENESS)
    asyncio.run(serve(NotifierProcess(settings, store_url), settings.telemetry, ready_file))
