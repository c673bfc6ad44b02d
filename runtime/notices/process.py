"""`farebox notifier`: one process that tells clients of open sessions what they are owed.

It holds no truth: rows and its place in the journal are in the store. A lock on its folder keeps a second one of this machine
out; two of different machines would tell clients twice, and charge nothing twice.
"""

import asyncio
import os
from pathlib import Path
from typing import ClassVar, Final

import structlog

from balances.edge.embedded_socket import socket_path
from balances.edge.redis_store import RedisStore
from chf_http2.edge.notify_client import NotifyClient
from runtime.clock import SystemClock
from runtime.data_folder import DataFolder, lock_notices
from runtime.kill_points import reached
from runtime.notices.gy_frames import SOCKET_NAME
from runtime.notices.gy_hub import GyHub
from runtime.notices.messenger import Messenger, Tried
from runtime.notices.partition import PartitionNotices, Slots
from runtime.notices.prices import PriceWatch
from runtime.serving import serve
from runtime.settings import Settings
from runtime.store_opening import await_store_until
from runtime.telemetry import NOTIFIER, Health, Telemetry

NICENESS: Final = 3
"""As the archiver: what is owed is safe in the store, so the engine and its store go first."""


class NotifierProcess:
    """Notices of all partitions, with links to front ends and telemetry; see ServingProcess."""

    name: ClassVar = NOTIFIER
    ready_line: ClassVar = "notifier ready"

    def __init__(self, settings: Settings, store_url: str) -> None:
        self.telemetry = Telemetry(self.name)
        self.partitions: list[PartitionNotices] = []
        self._settings = settings
        self._store = RedisStore(store_url)
        self._clock = SystemClock()
        self._hub: GyHub | None = None
        self._client: NotifyClient | None = None
        self._lock = -1
        self._log = structlog.get_logger(process=self.name)
        self.telemetry.before_scrape(self._count)

    async def start(self, stopping: asyncio.Event) -> dict[str, int] | None:
        """Wait for the store, read what is owed, listen for front ends. See ServingProcess."""
        notify, folder = self._settings.notify, DataFolder(self._settings.store.data_dir)
        meta = await await_store_until(stopping, self._store, self._settings, report=self._log.warning)
        if meta is None:
            return None
        self._lock = lock_notices(folder)
        self._hub = GyHub(socket_path(folder.run, SOCKET_NAME), store=meta.created_ns)
        self._client = NotifyClient(
            notify.networks, timeout_s=notify.timeout_s, now_ns=self._clock.now_ns, tls_ca=notify.tls_ca
        )
        messenger, slots = Messenger(self._hub, self._client, timeout_s=notify.timeout_s), Slots(notify)
        self.partitions = [
            PartitionNotices(
                partition,
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
        for partition in self.partitions:
            await partition.start()
        await self._hub.start()
        return {}

    async def run(self, stopping: asyncio.Event) -> None:
        """Until told to stop; what is under way is noted, and goes on with the next start. See ServingProcess."""
        watch = PriceWatch(
            self._store,
            self.partitions,
            per_s=self._settings.notify.price_changes_per_s,
            now_ns=self._clock.now_ns,
            reached=reached,
        )
        work = [asyncio.ensure_future(partition.run()) for partition in self.partitions]
        work.append(asyncio.ensure_future(watch.run()))
        ends = asyncio.ensure_future(stopping.wait())
        try:
            done, _ = await asyncio.wait([ends, *work], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {ends}:
                task.result()  # what ended it is raised
        finally:
            for task in (ends, *work):
                task.cancel()
            await asyncio.gather(ends, *work, return_exceptions=True)

    def _observe(self, tried: Tried) -> None:
        """Count a try."""
        self.telemetry.counter("notices_tried_total", tried.interface, tried.result).inc(1)

    def _count(self) -> None:
        """What is owed now, before a scrape."""
        for partition in self.partitions:
            self.telemetry.gauge("notices_owed", str(partition.partition)).set(len(partition.book))
            self.telemetry.counter("notices_owed_total", str(partition.partition)).inc(partition.take_owed_count())

    def health(self) -> Health:
        """Ready while the journal is followed."""
        reasons = tuple(
            f"partition {partition.partition}: {partition.waits_because}"
            for partition in self.partitions
            if partition.waits_because
        )
        return Health(not reasons, reasons)

    async def close(self) -> None:
        """See ServingProcess."""
        if self._hub is not None:
            await self._hub.close()
        if self._client is not None:
            await self._client.close()
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
