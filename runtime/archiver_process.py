"""`farebox archiver`: one process that copies the journal of every partition into segment files."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Final

import structlog

from balances.edge.archiver import ArchiverProgress, ArchiverSettings, run_archiver
from balances.edge.redis_store import RedisStore
from balances.journal_chain import NO_ENTRY
from balances.store import EMPTY_TAIL, EntryId, StoreError
from runtime.clock import SystemClock
from runtime.data_folder import DataFolder
from runtime.kill_points import reached
from runtime.ready_file import write_ready_file
from runtime.settings import Settings
from runtime.store_opening import await_store_until
from runtime.telemetry import Health, Telemetry, serve_telemetry
from vocabulary.limits import PARTITIONS_MAX

LOOK_S: Final = 1.0
DRAIN_S: Final = 5.0
"""How long a stopping archiver goes on to archive what is in the store: it is safe there, too."""
DRAIN_LOOK_S: Final = 0.02
_OCTETS_PER_MIB: Final = 1 << 20


class ArchiverProcess:
    """The archiver of all partitions with its telemetry."""

    def __init__(self, settings: Settings, store: RedisStore) -> None:
        self.telemetry = Telemetry("archiver")
        self._settings = settings
        self._store = store
        self._seen: dict[int, tuple[int, int, int]] = {}
        self._last_ids: dict[int, EntryId] = {}
        self._stopped_because: dict[int, str] = {}
        self._log = structlog.get_logger(process="archiver")

    def archiver_settings(self, partition_count: int) -> ArchiverSettings:
        """What balances/edge/archiver.py is to do."""
        assert partition_count <= PARTITIONS_MAX
        records = self._settings.records
        return ArchiverSettings(
            folder=DataFolder(self._settings.store.data_dir).segments,
            partitions=tuple(range(partition_count)),
            node=self._settings.engine.node,
            segment_octets_max=records.segment_mib_max * _OCTETS_PER_MIB,
            disk_free_octets_min=records.disk_free_min_mib * _OCTETS_PER_MIB,
        )

    def observe(self, progress: ArchiverProgress) -> None:
        """Counters by what was done since the last round of the partition; a log line where it stops or goes on."""
        partition = progress.partition
        label = str(partition)
        now = (progress.entry_count, progress.octets, progress.voided_count)
        before = self._seen.get(partition, (0, 0, 0))
        for name, value, earlier in zip(
            ("archived_entries_total", "archived_octets_total", "voided_entries_total"), now, before, strict=True
        ):
            if value > earlier:
                self.telemetry.counter(name, label).inc(value - earlier)
        self._seen[partition] = now
        self._last_ids[partition] = progress.last_id
        reason = progress.stopped_because
        if reason != self._stopped_because.get(partition, ""):
            self._stopped_because[partition] = reason
            if reason:
                self._log.warning("archiving waits", partition=partition, reason=reason)
            else:
                self._log.info("archiving goes on", partition=partition, last_id=str(progress.last_id))
        self.telemetry.gauge("archiver_working", label).set(0 if reason else 1)

    async def drain(self, partition_count: int) -> None:
        """Until what the journal holds now is in segment files; no longer than DRAIN_S, and not where work waits."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + DRAIN_S
        try:
            tails = {
                partition: EntryId.parse((value or EMPTY_TAIL.encode()).decode())
                for partition in range(partition_count)
                for value in await self._store.partition_values(partition, ["tail"])
            }
        except (StoreError, OSError):
            return
        while loop.time() < ends and not any(self._stopped_because.values()):
            if all(self._last_ids.get(partition, NO_ENTRY) >= tail for partition, tail in tails.items()):
                return
            await asyncio.sleep(DRAIN_LOOK_S)

    def health(self) -> Health:
        """Ready while every partition is archived."""
        reasons = tuple(
            f"partition {partition}: {reason}" for partition, reason in sorted(self._stopped_because.items()) if reason
        )
        return Health(not reasons, reasons)

    async def watch_journal(self, partition_count: int) -> None:
        """Each second, how much journal the store still holds; for ever."""
        while True:
            try:
                for partition in range(partition_count):
                    octets = await self._store.journal_octets(partition)
                    self.telemetry.gauge("journal_octets", str(partition)).set(octets)
            except (StoreError, OSError):
                pass  # the archiver itself says that the store is away
            await asyncio.sleep(LOOK_S)


async def _serve(settings: Settings, store_url: str, ready_file: Path | None) -> None:
    store = RedisStore(store_url)
    process = ArchiverProcess(settings, store)
    log = structlog.get_logger(process="archiver")
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    meta = await await_store_until(stopping, store, settings, report=log.warning)
    if meta is None:
        await store.close()
        return
    port = 0
    if settings.telemetry.port >= 0:
        server = await serve_telemetry(
            process.telemetry, process.health, settings.telemetry.host, settings.telemetry.port
        )
        port = server.sockets[0].getsockname()[1]
    watch = asyncio.ensure_future(process.watch_journal(meta.partition_count))

    async def stop_when_drained() -> None:
        await stopping.wait()
        await process.drain(meta.partition_count)
        drained.set()

    drained = asyncio.Event()
    stop = asyncio.ensure_future(stop_when_drained())
    if ready_file is not None:
        write_ready_file(ready_file, port)
    log.info("archiver ready", telemetry_port=port, pid=os.getpid())
    try:
        await run_archiver(
            process.archiver_settings(meta.partition_count),
            store,
            now_ns=SystemClock().now_ns,
            stopping=drained,
            reached=reached,
            observe=process.observe,
        )
    finally:
        watch.cancel()
        stop.cancel()
        await store.close()


NICENESS: Final = 3
"""The journal is durable in the store until it is archived, so the engine and its store go first; the record writer last."""


def run_archiver_process(settings: Settings, store_url: str, *, ready_file: Path | None = None) -> None:
    """Archive until SIGTERM or SIGINT. Waits for an absent store; other errors of the store or the files are raised.

    ready_file   gets `<telemetry port> <pid>` once it works
    """
    os.nice(NICENESS)
    asyncio.run(_serve(settings, store_url, ready_file))
