"""The engine process: owns its partitions, decides what front ends and account commands bring, and mends what breaks.

The pipelines (runtime/partition_pipeline.py) do the work; this module claims, connects, reads account commands, sweeps what
is due, swaps releases, and reconnects. Everything here is once a batch or less.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Final

import structlog

from balances.edge.redis_journal import PartitionMarks
from balances.edge.redis_store import RedisStore
from balances.kept_records import new_kept_records
from balances.store import Ownership, StoreError, StoreMeta
from charging.final_units import FinalUnit, read_final_units
from charging.tariff_tables import TariffTables
from runtime.batch_in_flight import BatchInFlight, BatchPool
from runtime.batcher import Batcher
from runtime.clock import Clock
from runtime.commands_reader import read_commands
from runtime.gathering import Gathering
from runtime.partition_pipeline import PartitionPipeline, PipelineState
from runtime.pressure import Pressure, PressureLimits
from runtime.releases import follow_releases
from runtime.sweeper import sweep
from runtime.telemetry import Health, Telemetry
from vocabulary.instants import NS_PER_S

RECONNECT_S: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
CANCEL_AGAIN_S: Final = 0.1
LOOK_S: Final = 1.0
_NS_PER_MS: Final = 1_000_000


class Engine:
    """All partitions of the store, owned by this process."""

    def __init__(
        self,
        *,
        store: RedisStore,
        clock: Clock,
        telemetry: Telemetry,
        deliver: Callable[[BatchInFlight], None],
        node: str,
        quarantine: Path,
        limits: PressureLimits,
        kept_octets: int,
        reached: Callable[[str], None],
    ) -> None:
        self.meta: StoreMeta | None = None
        self.pipelines: list[PartitionPipeline] = []
        self.final_units: dict[int, FinalUnit] = {}
        """texts that answers may name, by their numbers"""
        self.on_final_units: Callable[[Mapping[int, FinalUnit]], None] = lambda units: None
        self._store = store
        self._clock = clock
        self._telemetry = telemetry
        self._deliver = deliver
        self._node = node
        self._quarantine = quarantine
        self._kept_octets = kept_octets
        self._reached = reached
        self._pressure = Pressure(limits, telemetry)
        self._pool = BatchPool()
        self.batcher = Batcher(store=store, pool=self._pool, deliver=deliver, spawn=self._spawn)
        self._tasks: set[asyncio.Task[None]] = set()
        self._log = structlog.get_logger(process="engine")
        self._is_closing = False
        telemetry.before_scrape(self._count_batcher)
        self.lost = asyncio.Event()
        """set once another engine owns a partition"""
        self.lost_to = ""
        self._counted = (0, 0)
        """refused and looked up, as far as telemetry has them"""

    async def start(self) -> StoreMeta:
        """Claim every partition, connect, load the releases in force, and begin to serve. StoreError says what is wrong."""
        self.meta = await self._store.open()
        tariffs = await self._load_releases()
        self._tell_final_units(tariffs)
        wall_ms = self._clock.now_ns() // _NS_PER_MS
        for partition in range(self.meta.partition_count):
            ownership = await self._store.claim(partition, self._node, wall_ms=wall_ms, last_epoch=0)
            self.pipelines.append(await self._pipeline(ownership, tariffs))
            await self._measure_journal(self.pipelines[-1], ownership)
            self._telemetry.gauge("store_up", str(partition)).set(1)
        self.batcher.serve(self.pipelines)
        for pipeline in self.pipelines:
            self._spawn(read_commands(self._store, pipeline, self._clock))
            self._spawn(sweep(self._store, pipeline, self._clock))
        self._spawn(follow_releases(self._store, self._node, self.use_tariffs))
        self._spawn(self._watch())
        self._spawn(self._watch_store())
        return self.meta

    async def _load_releases(self) -> TariffTables:
        """Without tables that are whole an engine doesn't begin: it would refuse what subscribers have paid for."""
        from catalog_loader.edge.publish import load_published
        from catalog_loader.faults import CatalogError

        try:
            tariffs, _ = await load_published(self._store.client)
        except CatalogError as error:
            raise StoreError(str(error)) from error
        return tariffs

    async def _pipeline(self, ownership: Ownership, tariffs: TariffTables) -> PartitionPipeline:
        return PartitionPipeline(
            ownership=ownership,
            connection=await self._store.connect(ownership),
            tariffs=tariffs,
            clock=self._clock,
            pool=self._pool,
            deliver=self._deliver,
            events=self,
            reached=self._reached,
            gathering=Gathering(asyncio.get_running_loop().call_later),
            kept=new_kept_records(self._kept_octets),
        )

    def use_tariffs(self, tariffs: TariffTables) -> None:
        """Decide with these tables from the next batch on; front ends are told before what its answers may name."""
        self._tell_final_units(tariffs)
        for pipeline in self.pipelines:
            pipeline.use_tariffs(tariffs)

    def _tell_final_units(self, tariffs: TariffTables) -> None:
        units = read_final_units(tariffs.final_units)
        self.final_units |= units
        self.on_final_units(units)

    def health(self) -> Health:
        """Ready while every partition decides, and nothing presses."""
        reasons = tuple(
            f"partition {pipeline.partition}: {pipeline.state.value}"
            for pipeline in self.pipelines
            if pipeline.state is not PipelineState.READY
        )
        if not self.pipelines:
            reasons = ("starting",)
        reasons += self._pressure.reasons()
        return Health(not reasons, reasons)

    # --- PipelineEvents --------------------------------------------------------------------------------------------------

    def on_committed(self, partition: int, request_count: int, now_ns: int) -> None:
        """See PipelineEvents."""
        self._telemetry.counter("requests_total", str(partition)).inc(request_count)
        self._telemetry.histogram("batch_requests", str(partition)).observe(request_count)

    def on_away(self, partition: int, reason: str) -> None:
        """See PipelineEvents."""
        self._telemetry.gauge("store_up", str(partition)).set(0)
        self._log.warning("store away", partition=partition, reason=reason)
        self._spawn(self._reconnect(partition, self._resume))

    def on_diverged(self, partition: int, stored_tail: str) -> None:
        """See PipelineEvents."""
        self._telemetry.counter("divergences_total").inc()
        self._log.error("store is older than this engine knows", partition=partition, stored_tail=stored_tail)
        self._spawn(self._reconnect(partition, self._claim_again))

    def on_lost(self, partition: int, stored_token: str) -> None:
        """See PipelineEvents."""
        self._telemetry.gauge("store_up", str(partition)).set(0)
        self._log.error("another engine owns the partition", partition=partition, owner=stored_token)
        self.lost_to = stored_token
        self.lost.set()

    def on_quarantined(self, partition: int, reason: str, batch: BatchInFlight) -> None:
        """See PipelineEvents."""
        self._telemetry.counter("quarantined_total").inc()
        self._log.error("request quarantined", partition=partition, reason=reason)
        self._quarantine.mkdir(parents=True, exist_ok=True)
        octets = batch.usage.octets[: int(batch.usage.requests[0]["message_length"])]
        name = f"{self._clock.now_ns()}-{partition}.octets"
        (self._quarantine / name).write_bytes(octets.tobytes())

    # --- mending ---------------------------------------------------------------------------------------------------------

    async def _reconnect(
        self, partition: int, resume: Callable[[PartitionPipeline], Coroutine[Any, Any, None]]
    ) -> None:
        """Try again, ever more slowly, until the partition decides again or another owns it."""
        pipeline = self.pipelines[partition]
        attempt = 0
        while not self._is_closing and pipeline.state is PipelineState.AWAY:
            try:
                await resume(pipeline)
            except (StoreError, OSError) as error:
                self._log.info("store still away", partition=partition, reason=str(error))
            else:
                self._telemetry.gauge("store_up", str(partition)).set(1)
                return
            await asyncio.sleep(RECONNECT_S[min(attempt, len(RECONNECT_S) - 1)])
            attempt += 1

    async def _resume(self, pipeline: PartitionPipeline) -> None:
        await self._store.open()
        pipeline.resume(await self._store.connect(pipeline.ownership))

    async def _claim_again(self, pipeline: PartitionPipeline) -> None:
        await self._store.open()
        ownership = await self._store.claim(
            pipeline.partition,
            self._node,
            wall_ms=self._clock.now_ns() // _NS_PER_MS,
            last_epoch=pipeline.ownership.epoch,
        )
        connection = await self._store.connect(ownership)
        await self._measure_journal(pipeline, ownership)
        pipeline.resume_diverged(ownership, connection)

    async def _measure_journal(self, pipeline: PartitionPipeline, ownership: Ownership) -> None:
        """Ask the store, once, how much journal there is of what was written before."""
        octets = await self._store.journal_octets(ownership.partition)
        pipeline.journal_fill.begin(ownership.tail, octets)

    async def _watch(self) -> None:
        """Each second, without asking the store: rows past their deadline, journal and disk, what a scrape shows."""
        while True:
            await asyncio.sleep(LOOK_S)
            now_ns = self._clock.now_ns()
            for pipeline in self.pipelines:
                pipeline.refuse_overdue(now_ns)
                self._telemetry.gauge("queued_requests", str(pipeline.partition)).set(pipeline.queued)
            self._pressure.look_at_disk()
            self._pressure.look_at_journals(self.pipelines)
            self._pressure.apply(self.pipelines)

    async def _watch_store(self) -> None:
        """Each second what the store alone knows: owners, what of the journals may go, the time. One that hangs holds up
        nothing else."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                asked_ns = self._clock.now_ns()
                store_ns = await self._store.server_time_ns()
                self._pressure.look_at_clock(asked_ns, store_ns, self._clock.now_ns())
                for pipeline, marks in zip(self.pipelines, await self._store.partition_marks(), strict=True):
                    self._heed(pipeline, marks)
            except (StoreError, OSError):
                continue  # the pipelines say that the store is away

    def _heed(self, pipeline: PartitionPipeline, marks: PartitionMarks) -> None:
        """What the store says of one partition. An owner of an older epoch is a restored store's: the next commit diverges."""
        self._telemetry.gauge("journal_entries", str(pipeline.partition)).set(marks.entry_count)
        pipeline.journal_fill.release(marks.may_go)
        if marks.owner != pipeline.ownership.token and _epoch_of(marks.owner) > pipeline.ownership.epoch:
            pipeline.lose(marks.owner)

    def _count_batcher(self) -> None:
        """Raise the counters by what the batcher counted since the last time."""
        refused, looked_up = self.batcher.refused_total, self.batcher.looked_up_total
        self._telemetry.counter("refused_total").inc(refused - self._counted[0])
        self._telemetry.counter("looked_up_total").inc(looked_up - self._counted[1])
        self._counted = (refused, looked_up)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_task_done)

    def _on_task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._log.error("background work failed", task=task.get_name(), error=repr(task.exception()))

    async def close(self, *, drain_s: float = 5.0) -> None:
        """Answer what is under way, then end the connections."""
        self._is_closing = True
        deadline_ns = self._clock.now_ns() + int(drain_s * NS_PER_S)
        while self._clock.now_ns() < deadline_ns and not all(pipeline.is_idle for pipeline in self.pipelines):
            await asyncio.sleep(0.01)
        while self._tasks:  # asyncio.wait_for of 3.11 swallows a cancellation that meets a finished write: cancel again
            for task in list(self._tasks):
                task.cancel()
            await asyncio.wait(list(self._tasks), timeout=CANCEL_AGAIN_S)
        for pipeline in self.pipelines:
            pipeline.close()
        await self._store.close()


def _epoch_of(token: str) -> int:
    """Epoch of an owner's token; 0 where nobody owns."""
    return int(token.partition(":")[0] or 0)
