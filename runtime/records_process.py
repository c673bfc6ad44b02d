"""`farebox records`: one process that makes charging records of the segment files (cdr/edge/writer.py)."""

import asyncio
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final

import structlog

from balances.edge.redis_store import RedisStore
from balances.store import StoreError, StoreUnreachable
from cdr.assembly import AssemblyError, warm_kernels
from cdr.edge.record_folder import RecordsLockedError
from cdr.edge.writer import RecordWriter
from cdr.edge.writer_settings import UnknownTenantError, WriterProgress, WriterSettings
from cdr.manifest import FORMATS, FORMATS_OF, MOVEMENTS, RECORDS, ManifestError
from cdr.movement_rows import MovementsDamaged
from runtime.data_folder import DataFolder
from runtime.kill_points import reached
from runtime.moved_clock import clock_of
from runtime.serving import serve
from runtime.settings import Settings
from runtime.store_opening import await_store_until
from runtime.telemetry import RECORDS as RECORDS_PROCESS
from runtime.telemetry import Health, Telemetry
from vocabulary.units import OCTETS_PER_MIB

REST_TIMES: Final = 1.0
"""It rests so many times as long as it worked. Half of a processor is more than twice what the records of one engine take at
its highest rate (docs/performance.md)."""


class RecordsProcess:
    """The record writer with its telemetry; see ServingProcess."""

    name: ClassVar = RECORDS_PROCESS
    ready_line: ClassVar = "record writer ready"

    def __init__(self, settings: Settings, store_url: str) -> None:
        self.telemetry = Telemetry(self.name)
        self._settings = settings
        self._store = RedisStore(store_url)
        self._clock = clock_of(settings)
        self._partition_count = 0
        self._tenant_names: dict[int, str] = {}
        self._seen = WriterProgress()
        self._log = structlog.get_logger(process=self.name)

    async def start(self, stopping: asyncio.Event) -> dict[str, int] | None:
        """Wait for the store. See ServingProcess."""
        meta = await await_store_until(stopping, self._store, self._settings, report=self._log.warning)
        if meta is None:
            return None
        self._partition_count = meta.partition_count
        return {}

    async def run(self, stopping: asyncio.Event) -> None:
        """Write records until told to stop, then what is gathered. Errors of writer and files are raised."""
        settings = self.writer_settings()
        writer = RecordWriter(
            settings, self._tenant_names, now_ns=self._clock.now_ns, reached=reached, observe=self.observe
        )
        try:
            with suppress(StoreUnreachable):  # it may just have died; a name that lacks is looked up where it is needed
                await self._look_up_tenants()
            writer.start()
            while not stopping.is_set():
                began_s = time.monotonic()
                if await self._round(writer):
                    # Work in one go slows what runs on the same core, the engine's answers with it, for as long as it takes.
                    await asyncio.sleep(REST_TIMES * (time.monotonic() - began_s))
                    continue
                try:
                    await asyncio.wait_for(stopping.wait(), settings.poll_ms / 1000)
                except TimeoutError:
                    continue
            with suppress(PermissionError):  # without the right to it the end takes as long as others leave it waiting
                os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
            while await self._round(writer):  # what the archiver, which is stopped before, has left
                pass
            writer.finish()
        finally:
            writer.close()

    async def close(self) -> None:
        """See ServingProcess."""
        await self._store.close()

    def writer_settings(self) -> WriterSettings:
        """What cdr/edge/writer.py is to do."""
        records, folder = self._settings.records, DataFolder(self._settings.store.data_dir)
        return WriterSettings(
            segments=folder.segments,
            folder=folder.records,
            partitions=tuple(range(self._partition_count)),
            partial_after_s=records.partial_after_s,
            file_rows_max=records.file_records_max,
            file_age_s=records.file_age_s,
            file_octets_max=records.file_mib_max * OCTETS_PER_MIB,
            disk_free_octets_min=records.disk_free_min_mib * OCTETS_PER_MIB,
            checkpoint_octets_min=records.checkpoint_mib_min * OCTETS_PER_MIB,
        )

    def observe(self, progress: WriterProgress) -> None:
        """Counters by what was done since the last round; a log line for each set of files, and where work stops or goes on."""
        seen = self._seen
        for partition, count in progress.entry_counts.items():
            more = count - seen.entry_counts.get(partition, 0)
            if more:
                self.telemetry.counter("record_entries_total", str(partition)).inc(more)
        for name, count, before in (
            ("records_total", progress.record_count, seen.record_count),
            ("record_lines_total", progress.row_count, seen.row_count),
            ("movements_total", progress.movement_count, seen.movement_count),
        ):
            if count > before:
                self.telemetry.counter(name).inc(count - before)
        sets = {name: count - seen.set_counts.get(name, 0) for name, count in progress.set_counts.items()}
        if sets.get(RECORDS, 0):
            for word in FORMATS:
                self.telemetry.counter("record_files_total", word).inc(sets[RECORDS])
        if sets.get(MOVEMENTS, 0):
            self.telemetry.counter("movement_files_total").inc(sets[MOVEMENTS])
        files = sum(len(FORMATS_OF[name]) * count for name, count in sets.items())
        if files:
            records, movements = (
                progress.record_count - seen.record_count,
                progress.movement_count - seen.movement_count,
            )
            self._log.info("record files written", files=files, records=records, movements=movements)
        if progress.void_flush_count > seen.void_flush_count:
            self._log.warning(
                "the store went back behind record files: they are void, what counts of them is written again",
                sets=progress.void_flush_count - seen.void_flush_count,
            )
        for what in progress.stopped_because.keys() - seen.stopped_because.keys():
            self._log.warning("records wait", what=what, reason=progress.stopped_because[what])
        for what in seen.stopped_because.keys() - progress.stopped_because.keys():
            self._log.info("records go on", what=what)
        self.telemetry.gauge("sessions_open").set(progress.open_count)
        self.telemetry.gauge("records_working").set(0 if progress.stopped_because else 1)
        self._seen = progress.copy()

    def health(self) -> Health:
        """Ready while nothing is waited for."""
        reasons = tuple(f"{what}: {reason}" for what, reason in sorted(self._seen.stopped_because.items()))
        return Health(not reasons, reasons)

    async def _round(self, writer: RecordWriter) -> bool:
        """One round. Where a new tenant turns up its name is looked up; without the store its records wait for it."""
        try:
            return writer.round()
        except UnknownTenantError as error:
            try:
                await self._look_up_tenants()
            except StoreUnreachable:
                return False
            if not error.numbers <= self._tenant_names.keys():
                raise
            return True

    async def _look_up_tenants(self) -> None:
        self._tenant_names |= {number: name for name, number in (await self._store.tenants()).items()}


def run_records(settings: Settings, store_url: str, *, ready_file: Path | None = None) -> None:
    """Write charging records until SIGTERM or SIGINT. Waits for an absent store and for room on the disk.

    ready_file   gets `<telemetry port> <pid>` once it works
    StoreError where store, segments or records can't be used; the message names what and the remedy.
    """
    warm_kernels()
    # Records may be late by seconds, answers may not: this process takes what the engine and its store leave. Merely nicer, it
    # kept them waiting for whole slices: at half of the highest rate the p99 of answers was twice as long.
    if settings.records.only_idle:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    try:
        asyncio.run(serve(RecordsProcess(settings, store_url), settings.telemetry, ready_file))
    except (ManifestError, AssemblyError, MovementsDamaged, RecordsLockedError, UnknownTenantError) as error:
        raise StoreError(str(error)) from error
