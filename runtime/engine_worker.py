"""The engine process: owns its partitions, decides what front ends and account commands bring, and mends what breaks.

The pipelines (runtime/partition_pipeline.py) do the work, and runtime/partition_shares.py says which partitions are this
engine's; this module claims, connects, reads account commands, sweeps what is due, swaps releases, and reconnects.
Everything here is once a batch or less.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Coroutine, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
import structlog
from numpy.typing import NDArray

from balances.edge.redis_journal import PartitionMarks
from balances.edge.redis_store import RedisStore
from balances.store import Ownership, StoreError, StoreMeta, epoch_of
from charging.final_units import FinalUnit, read_final_units
from charging.tariff_tables import TariffTables
from runtime.batch_decision import Deciding
from runtime.batch_in_flight import BatchInFlight, BatchPool
from runtime.batcher import Batcher
from runtime.clock import Clock
from runtime.commands_reader import read_commands
from runtime.end_tasks import end_tasks
from runtime.gathering import Gathering
from runtime.identity_moves import follow_identity_moves
from runtime.partition_pipeline import PartitionPipeline
from runtime.partition_shares import PartitionShares
from runtime.pipeline_events import PipelineState
from runtime.pressure import Pressure, PressureLimits
from runtime.releases import follow_releases, load_releases
from runtime.sweeper import sweep
from runtime.telemetry import Health, Telemetry

RECONNECT_S: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
GIVE_S: Final = 1.0
"""How long what is under way may take before a partition goes to another engine without it; its rows are handed there."""
LOOK_IDLE_S: Final = 0.01
LOOK_S: Final = 1.0
_NS_PER_MS: Final = 1_000_000


class Engine:
    """The partitions that this process owns: all of the store's, or its share of them.

    is_alone   it takes every partition, from whoever had it, because a front end in its process reaches no other engine
    """

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
        deciding: Deciding,
        reached: Callable[[str], None],
        is_alone: bool = True,
    ) -> None:
        self.meta: StoreMeta | None = None
        self.pipelines: dict[int, PartitionPipeline] = {}
        """by partition, those that it owns"""
        self.epochs: NDArray[np.int64] = np.zeros(0, np.int64)
        """by partition: of its ownership, 0 where it has none"""
        self.on_owned: Callable[[], None] = lambda: None
        """called when `epochs` changed"""
        self.final_units: dict[int, FinalUnit] = {}
        """texts that answers may name, by their numbers"""
        self.on_final_units: Callable[[Mapping[int, FinalUnit]], None] = lambda units: None
        self._is_alone = is_alone
        self._shares: PartitionShares | None = None
        self._sharing: asyncio.Task[None] | None = None
        self._work: dict[int, list[asyncio.Task[None]]] = {}
        """by partition: what goes on beside its pipeline"""
        self._tariffs: TariffTables | None = None
        self._store = store
        self._clock = clock
        self._telemetry = telemetry
        self._deliver = deliver
        self._node = node
        self._quarantine = quarantine
        self._deciding = deciding
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

    async def open(self) -> StoreMeta:
        """Look at the store, and load the releases in force. StoreError says what is wrong."""
        self.meta = await self._store.open()
        self.epochs = np.zeros(self.meta.partition_count, np.int64)
        self.batcher.serve((), self.meta.partition_count)
        self._tariffs = await load_releases(self._store)
        self._tell_final_units(self._tariffs)
        return self.meta

    async def start(self) -> None:
        """Claim partitions, and begin to serve. StoreError says what is wrong."""
        assert self.meta is not None, "open comes first"
        self._shares = PartitionShares(
            self._store,
            self,
            node=self._node,
            began_ns=self._clock.now_ns(),
            partition_count=self.meta.partition_count,
            is_alone=self._is_alone,
            put_out=self._on_put_out,
        )
        if self._is_alone:
            for partition in range(self.meta.partition_count):
                await self.claim(partition)
        await self._shares.join()
        self._sharing = self._spawn(self._shares.run())
        self._pressure.hear(time.monotonic(), self.pipelines.values())
        self._spawn(follow_releases(self._store, self._node, self.use_tariffs))
        self._spawn(follow_identity_moves(self._store, self.batcher.look_up, process="engine"))
        self._spawn(self._watch())
        self._spawn(self._watch_store())

    # --- PartitionHolder -------------------------------------------------------------------------------------------------

    def held(self) -> Collection[int]:
        """See PartitionHolder."""
        return self.pipelines.keys()

    def heed_owner(self, partition: int, token: str) -> None:
        """See PartitionHolder. An owner of an older epoch is a restored store's: the next commit diverges."""
        pipeline = self.pipelines[partition]
        if token != pipeline.ownership.token and epoch_of(token) > pipeline.ownership.epoch:
            pipeline.lose(token)

    async def claim(self, partition: int) -> None:
        """See PartitionHolder."""
        wall_ms = self._clock.now_ns() // _NS_PER_MS
        ownership = await self._store.claim(partition, self._node, wall_ms=wall_ms, last_epoch=0)
        self._reached("engine.partition_claimed")
        pipeline = await self._pipeline(ownership)
        await self._measure_journal(pipeline, ownership)
        self.pipelines[partition] = pipeline
        self._telemetry.gauge("store_up", str(partition)).set(1)
        self._work[partition] = [
            self._spawn(read_commands(self._store, pipeline, self._clock)),
            self._spawn(sweep(self._store, pipeline, self._clock)),
        ]
        self._announce(partition, ownership.epoch)

    async def give(self, partition: int) -> None:
        """See PartitionHolder: front ends hold back first what is the partition's, then what is under way is answered."""
        pipeline = self.pipelines[partition]
        self._announce(partition, 0)
        for task in self._work.pop(partition):
            task.cancel()
        pipeline.stop_taking()
        await self._drained([pipeline], GIVE_S)
        if self.pipelines.get(partition) is pipeline:
            self._let_go(partition)
            pipeline.leave()
        self._reached("engine.partition_given")

    def _announce(self, partition: int, epoch: int) -> None:
        """The engine owns the partition under this epoch now; 0: it doesn't. Front ends hear of it, and the batcher."""
        assert self.meta is not None
        self.epochs[partition] = epoch
        owned = [pipeline for number, pipeline in self.pipelines.items() if self.epochs[number]]
        self.batcher.serve(owned, self.meta.partition_count)
        self._telemetry.gauge("partition_owned", str(partition)).set(int(epoch > 0))
        self.on_owned()

    def _let_go(self, partition: int) -> None:
        """Forget a partition that is another's."""
        self.pipelines.pop(partition, None)
        self._pressure.forget(partition)
        for task in self._work.pop(partition, ()):
            task.cancel()

    def _on_put_out(self, node: str) -> None:
        self._log.error("this engine was put out", by=node)
        self.lost_to = node
        self.lost.set()

    async def _pipeline(self, ownership: Ownership) -> PartitionPipeline:
        assert self._tariffs is not None
        return PartitionPipeline(
            ownership=ownership,
            connection=await self._store.connect(ownership),
            tariffs=self._tariffs,
            clock=self._clock,
            pool=self._pool,
            deliver=self._deliver,
            events=self,
            reached=self._reached,
            gathering=Gathering(asyncio.get_running_loop().call_later),
            deciding=self._deciding,
        )

    def use_tariffs(self, tariffs: TariffTables) -> None:
        """Decide with these tables from the next batch on; front ends are told before what its answers may name."""
        self._tell_final_units(tariffs)
        self._tariffs = tariffs
        for pipeline in self.pipelines.values():
            pipeline.use_tariffs(tariffs)

    def _tell_final_units(self, tariffs: TariffTables) -> None:
        units = read_final_units(tariffs.final_units)
        self.final_units |= units
        self.on_final_units(units)

    def health(self) -> Health:
        """Ready while every partition decides, and nothing presses."""
        reasons = tuple(
            f"partition {pipeline.partition}: {pipeline.state.value}"
            for pipeline in self.pipelines.values()
            if pipeline.state is not PipelineState.READY
        )
        if not self.pipelines:
            reasons = (f"its partitions are engine {self.lost_to}'s" if self.lost_to else "starting",)
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
        if self._is_alone:
            self.lost_to = stored_token
            self.lost.set()
            if self._sharing is not None:
                self._sharing.cancel()
        else:
            asyncio.get_running_loop().call_soon(self.pipelines[partition].close)
            self._announce(partition, 0)
            self._let_go(partition)

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
        pipeline = self.pipelines[partition]  # which is no more tried for once the partition is another's
        attempt = 0
        while not self._is_closing and pipeline.state is PipelineState.AWAY:
            try:
                await resume(pipeline)
            except (StoreError, OSError) as error:
                self._log.info("store still away", partition=partition, reason=str(error))
            else:
                self._telemetry.gauge("store_up", str(partition)).set(1)
                self._pressure.hear(time.monotonic(), self.pipelines.values())
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
        self._announce(pipeline.partition, ownership.epoch)

    async def _measure_journal(self, pipeline: PartitionPipeline, ownership: Ownership) -> None:
        """Ask the store, once, how much journal there is of what was written before."""
        octets = await self._store.journal_octets(ownership.partition)
        pipeline.journal_fill.begin(ownership.tail, octets)

    async def _watch(self) -> None:
        """Each second, without asking the store: rows past their deadline, journal and disk, what a scrape shows."""
        while True:
            await asyncio.sleep(LOOK_S)
            now_ns = self._clock.now_ns()
            pipelines = list(self.pipelines.values())
            for pipeline in pipelines:
                pipeline.refuse_overdue(now_ns)
                self._telemetry.gauge("queued_requests", str(pipeline.partition)).set(pipeline.queued)
            self._pressure.look_at_disk()
            self._pressure.look_at_journals(pipelines)
            self._pressure.look_at_silence(time.monotonic())
            self._pressure.apply(pipelines)

    async def _watch_store(self) -> None:
        """Each second what the store alone knows: owners, what of the journals may go, the time; one that hangs is silent."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                asked_ns = time.time_ns()  # the machine's clock, as the store's is: ours may be moved
                store_ns = await self._store.server_time_ns()
                self._pressure.hear(time.monotonic(), self.pipelines.values())
                self._pressure.look_at_clock(asked_ns, store_ns, time.time_ns())
                marks = await self._store.partition_marks()
                self._pressure.hear(time.monotonic(), self.pipelines.values())
                for partition in list(self.pipelines):
                    self._heed(self.pipelines[partition], marks[partition])
            except (StoreError, OSError):
                continue  # the pipelines say that the store is away

    def _heed(self, pipeline: PartitionPipeline, marks: PartitionMarks) -> None:
        """What the store says of one partition."""
        self._telemetry.gauge("journal_entries", str(pipeline.partition)).set(marks.entry_count)
        self._pressure.look_at_readers(pipeline, marks.read_to)
        pipeline.journal_fill.release(marks.may_go)
        self.heed_owner(pipeline.partition, marks.owner)

    def _count_batcher(self) -> None:
        """Raise the counters by what the batcher counted since the last time."""
        refused, looked_up = self.batcher.refused_total, self.batcher.looked_up_total
        self._telemetry.counter("refused_total").inc(refused - self._counted[0])
        self._telemetry.counter("looked_up_total").inc(looked_up - self._counted[1])
        self._counted = (refused, looked_up)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_task_done)
        return task

    def _on_task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._log.error("background work failed", task=task.get_name(), error=repr(task.exception()))

    async def drain(self, drain_s: float) -> None:
        """Wait so long at most until what was offered is answered."""
        await self._drained(list(self.pipelines.values()), drain_s)

    async def _drained(self, pipelines: list[PartitionPipeline], drain_s: float) -> None:
        deadline_s = time.monotonic() + drain_s
        while time.monotonic() < deadline_s and not all(pipeline.is_idle for pipeline in pipelines):
            await asyncio.sleep(LOOK_IDLE_S)

    async def close(self, *, drain_s: float = 5.0) -> None:
        """Answer what is under way, leave what it owned to others, end the connections."""
        self._is_closing = True
        if self._sharing is not None:
            self._sharing.cancel()
        await self.drain(drain_s)
        await end_tasks(self._tasks)
        for pipeline in self.pipelines.values():
            pipeline.close()
        if self._shares is not None and not self.lost.is_set():
            with suppress(StoreError, OSError):  # then the others find out by themselves
                await self._shares.leave()
        await self._store.close()
