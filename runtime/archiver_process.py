"""`farebox archiver`: one process that copies the journal of every partition into segment files."""

import asyncio
import os
from pathlib import Path
from typing import ClassVar, Final

import structlog

from balances.edge.archiver import ArchiverProgress, ArchiverSettings, run_archiver
from balances.edge.redis_store import RedisStore
from balances.journal_chain import NO_ENTRY
from balances.store import EMPTY_TAIL, EntryId, StoreError
from runtime.data_folder import DataFolder
from runtime.kill_points import reached
from runtime.moved_clock import clock_of
from runtime.serving import serve
from runtime.settings import Settings
from runtime.store_opening import await_store_until
from runtime.telemetry import ARCHIVER, Health, Telemetry
from vocabulary.limits import PARTITIONS_MAX
from vocabulary.units import OCTETS_PER_MIB

LOOK_S: Final = 1.0
DRAIN_S: Final = 5.0
"""How long a stopping archiver goes on to archive what is in the store: it is safe there, too."""
DRAIN_LOOK_S: Final = 0.02
NICENESS: Final = 8
"""The journal is durable in the store until it is archived, so the engine and its store go first; the record writer last.
Beside one that never rests it has a seventh of a processor, twice of what it needs at the highest rate."""


class ArchiverProcess:
    """The archiver of all partitions with its telemetry; see ServingProcess."""

    name: ClassVar = ARCHIVER
    ready_line: ClassVar = "archiver ready"

    def __init__(self, settings: Settings, store_url: str) -> None:
        self.telemetry = Telemetry(self.name)
        self._settings = settings
        self._store = RedisStore(store_url)
        self._partition_count = 0
        self._seen: dict[int, tuple[int, int, int]] = {}
        self._last_ids: dict[int, EntryId] = {}
        self._stopped_because: dict[int, str] = {}
        self._log = structlog.get_logger(process=self.name)

    async def start(self, stopping: asyncio.Event) -> dict[str, int] | None:
        """Wait for the store. See ServingProcess."""
        meta = await await_store_until(stopping, self._store, self._settings, report=self._log.warning)
        if meta is None:
            return None
        assert meta.partition_count <= PARTITIONS_MAX
        self._partition_count = meta.partition_count
        return {}

    async def run(self, stopping: asyncio.Event) -> None:
        """Archive until told to stop, then what is left. See ServingProcess."""
        drained = asyncio.Event()

        async def stop_when_drained() -> None:
            await stopping.wait()
            await self.drain()
            drained.set()

        beside = [asyncio.ensure_future(self.watch_journal()), asyncio.ensure_future(stop_when_drained())]
        try:
            await run_archiver(
                self.archiver_settings(),
                self._store,
                now_ns=clock_of(self._settings).now_ns,
                stopping=drained,
                reached=reached,
                observe=self.observe,
            )
        finally:
            for task in beside:
                task.cancel()

    async def close(self) -> None:
        """See ServingProcess."""
        await self._store.close()

    def archiver_settings(self) -> ArchiverSettings:
        """What balances/edge/archiver.py is to do."""
        records = self._settings.records
        return ArchiverSettings(
            folder=DataFolder(self._settings.store.data_dir).segments,
            partitions=tuple(range(self._partition_count)),
            node=self._settings.engine.node,
            segment_octets_max=records.segment_mib_max * OCTETS_PER_MIB,
            disk_free_octets_min=records.disk_free_min_mib * OCTETS_PER_MIB,
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

    async def drain(self) -> None:
        """Until what the journal holds now is in segment files; no longer than DRAIN_S, and not where work waits."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + DRAIN_S
        try:
            tails = {
                partition: EntryId.parse((value or EMPTY_TAIL.encode()).decode())
                for partition in range(self._partition_count)
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

    async def watch_journal(self) -> None:
        """Each second, how much journal the store still holds; for ever."""
        while True:
            try:
                for partition in range(self._partition_count):
                    octets = await self._store.journal_octets(partition)
                    self.telemetry.gauge("journal_octets", str(partition)).set(octets)
            except (StoreError, OSError):
                pass  # the archiver itself says that the store is away
            await asyncio.sleep(LOOK_S)


def run_archiver_process(settings: Settings, store_url: str, *, ready_file: Path | None = None) -> None:
    """Archive until SIGTERM or SIGINT. Waits for an absent store; other errors of the store or the files are raised.

    ready_file   gets `<telemetry port> <pid>` once it works
    """
    os.nice(NICENESS)
    asyncio.run(serve(ArchiverProcess(settings, store_url), settings.telemetry, ready_file))
