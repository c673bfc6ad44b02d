"""A small world in which everything that can go wrong does, in an order that a seed draws.

One store in memory, engines that claim its partitions from one another, and a queue of exchanges that are executed in
any order. Engines are the real batcher, pipelines, commands reader and sweeper; time stands still unless the simulation
moves it. An engine that was killed keeps what it had sent: the store may still execute it, nobody goes on with the reply.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from balances.arena import new_arena
from balances.commands import CommandRow
from balances.edge.memory_partition import Fault, PartitionState
from balances.edge.memory_store import MemoryStore
from balances.store import Commit, EntryId, Exchanged, Load, Ownership, PartitionConnection
from charging.batch import (
    COUNT_REQUESTS,
    AnswerBatch,
    UsageBatch,
    new_answer_batch,
    new_recorded_answers,
    new_usage_batch,
)
from charging.batch_rows import answer_refused
from charging.tariff_tables import TariffTables
from runtime.batch_decision import Deciding
from runtime.batch_in_flight import BatchInFlight, BatchPool
from runtime.batcher import Batcher
from runtime.commands_reader import read_commands
from runtime.gathering import Gathering
from runtime.partition_pipeline import PartitionPipeline
from runtime.pipeline_events import PipelineState
from runtime.sweeper import sweep_once
from tests.reference.engine_alone import fill_batch, read_answers
from tests.reference.requests import Answer, CreditControl
from vocabulary.instants import NS_PER_S
from vocabulary.limits import RECORD_WORDS_MAX

PARTITIONS: Final = 2
BATCH_ROWS: Final = 16
"""Small batches, so that a few requests already make several."""
START_NS: Final = 1_790_000_000 * NS_PER_S
GATHERED_ROWS: Final = 4
"""Batches from which on rows gather; so both happen often."""
KEPT_OCTETS: Final = (0, 1_600, 1_000_000)
"""Room for kept records: none, for a few that drive one another out, for all."""
_NS_PER_MS: Final = 1_000_000


@dataclass(slots=True)
class SimulatedClock:
    """Stands still unless the simulation moves it."""

    at_ns: int = START_NS

    def now_ns(self) -> int:
        """See runtime.clock.Clock."""
        return self.at_ns

    def now_s(self) -> float:
        """The same for the store."""
        return self.at_ns / NS_PER_S


def small_batch() -> BatchInFlight:
    """A batch of a few rows."""
    return BatchInFlight(
        arena=new_arena(BATCH_ROWS, BATCH_ROWS * RECORD_WORDS_MAX),
        usage=new_usage_batch(BATCH_ROWS, 4 * BATCH_ROWS, 4096),
        answers=new_answer_batch(BATCH_ROWS, 4 * BATCH_ROWS),
        recorded=new_recorded_answers(BATCH_ROWS),
    )


@dataclass(slots=True)
class World:
    """The store, the clock, what is under way, and the engines."""

    random: Random
    tariffs: TariffTables
    answered: Callable[[int, Answer], None]
    """called with a request's tag and its answer"""
    clock: SimulatedClock = field(default_factory=SimulatedClock)
    store: MemoryStore = field(init=False)
    posts: list[Callable[[], None]] = field(default_factory=list)
    engines: list["SimulatedEngine"] = field(default_factory=list)
    archive: list[dict[EntryId, bytes]] = field(default_factory=lambda: [{} for _ in range(PARTITIONS)])
    """every entry that ever was in the journal, in the order in which it came"""
    started: int = 0
    kept_octets: tuple[int, ...] = KEPT_OCTETS
    """room for kept records, drawn for each partition of an engine"""

    def __post_init__(self) -> None:
        self.store = MemoryStore(post=self.posts.append, now_s=self.clock.now_s, random=self.random)

    async def start_engine(self) -> "SimulatedEngine":
        """A new engine that takes every partition from whoever has it."""
        self.started += 1
        engine = SimulatedEngine(self, f"n{self.started}")
        self.engines.append(engine)
        for partition in range(PARTITIONS):
            ownership = await self.store.claim(
                partition, engine.node, wall_ms=self.clock.now_ns() // _NS_PER_MS, last_epoch=0
            )
            await engine.take(ownership)
        engine.serve()
        return engine

    def kill(self, engine: "SimulatedEngine") -> None:
        """End an engine in the middle of whatever it does."""
        engine.is_alive = False
        for task in engine.tasks:
            task.cancel()
        self.engines.remove(engine)

    def run_post(self) -> None:
        """Execute one of the exchanges that are under way."""
        if self.posts:
            self.posts.pop(self.random.randrange(len(self.posts)))()
            self.copy_journal()

    def copy_journal(self) -> None:
        """What an archiver would have copied by now."""
        for partition, archived in enumerate(self.archive):
            journal = self.store.snapshot(partition).journal
            for entry_id in sorted(journal.keys() - archived.keys()):
                archived[entry_id] = journal[entry_id]

    def inject(self) -> None:
        """Have one of the next commits fail."""
        self.store.inject(self.random.randrange(PARTITIONS), self.random.choice(list(Fault)))

    def restore(self, partition: int, state: PartitionState) -> None:
        """Set a partition back; engines other than the newest don't outlive a restored store."""
        for engine in self.engines[:-1]:
            self.kill(engine)
        self.store.restore(partition, state)


@dataclass(slots=True)
class KillableConnection:
    """A connection whose replies nobody takes once its engine was killed."""

    inner: PartitionConnection
    engine: "SimulatedEngine"

    def exchange(self, commit: Commit | None, load: Load | None, done: Callable[[Exchanged], None]) -> None:
        """See PartitionConnection."""

        def on_done(exchanged: Exchanged) -> None:
            if self.engine.is_alive:
                done(exchanged)

        self.inner.exchange(commit, load, on_done)

    def close(self) -> None:
        """See PartitionConnection."""
        self.inner.close()


@dataclass(slots=True)
class ReadableStore:
    """The store as readers of commands see it: asking takes a turn of the loop, as it would on a socket."""

    store: MemoryStore

    async def read_commands(self, partition: int, after: str, count: int, *, wait_ms: int = 0) -> list[CommandRow]:
        """See CommandLog; at most three at a time, so that commands come in chunks."""
        await asyncio.sleep(0)
        return await self.store.read_commands(partition, after, min(count, 3))


class SimulatedEngine:
    """What runtime.engine_worker.Engine does around its pipelines, in turns that the simulation gives it."""

    def __init__(self, world: World, node: str) -> None:
        self.world = world
        self.node = node
        self.is_alive = True
        self.pipelines: list[PartitionPipeline] = []
        self.mending: dict[int, bool] = {}
        """partitions that wait for a new connection; True: for a new claim, too"""
        self.tasks: set[asyncio.Task[Any]] = set()
        self.pool = BatchPool(small_batch)
        self.batcher = Batcher(store=world.store, pool=self.pool, deliver=self.deliver, spawn=self.spawn)

    async def take(self, ownership: Ownership) -> None:
        """Make the pipeline of a claimed partition."""
        connection = await self._connect(ownership)
        self.pipelines.append(
            PartitionPipeline(
                ownership=ownership,
                connection=connection,
                tariffs=self.world.tariffs,
                clock=self.world.clock,
                pool=self.pool,
                deliver=self.deliver,
                events=self,
                reached=lambda point: None,
                gathering=Gathering(self.call_later, worth_requests=GATHERED_ROWS),
                deciding=Deciding(self.world.random.choice(self.world.kept_octets)),
            )
        )

    def call_later(self, after_s: float, go_on: Callable[[], None]) -> None:
        """Have rows gather until the simulation draws this wait from what is under way."""
        self.world.posts.append(lambda: go_on() if self.is_alive else None)

    async def _connect(self, ownership: Ownership) -> PartitionConnection:
        return KillableConnection(await self.world.store.connect(ownership), self)

    def serve(self) -> None:
        """Begin to take requests and account commands."""
        self.batcher.serve(self.pipelines, len(self.pipelines))
        readable: Any = ReadableStore(self.world.store)
        for pipeline in self.pipelines:
            self.spawn(read_commands(readable, pipeline, self.world.clock))

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run something beside."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._on_task_done)

    def _on_task_done(self, task: "asyncio.Task[Any]") -> None:
        self.tasks.discard(task)
        if not task.cancelled():
            task.result()

    def offer(self, requests: list[tuple[int, CreditControl]]) -> None:
        """Take requests with their tags, as from a front end."""
        usage: UsageBatch = new_usage_batch(len(requests), 8 * len(requests), 64)
        fill_batch(usage, [request for _, request in requests])
        usage.requests["end_to_end"][: len(requests)] = [tag for tag, _ in requests]
        self.offer_batch(usage)

    def offer_batch(self, usage: UsageBatch) -> None:
        """A front end's tick: what nobody will decide is answered by the front end itself."""
        count = self.batcher.offer(usage)
        refusals = new_answer_batch(usage.requests.shape[0], usage.msccs.shape[0])
        assert answer_refused(usage, refusals) == count
        if count:
            self._answer(usage, refusals)

    def deliver(self, batch: BatchInFlight) -> None:
        """Answers to whoever asked, if they can still leave."""
        if self.is_alive:
            self._answer(batch.usage, batch.answers)

    def _answer(self, usage: UsageBatch, answers: AnswerBatch) -> None:
        rows = usage.requests[: int(usage.counts[COUNT_REQUESTS])]
        silent = answers.answers["is_silent"]
        for row, answer in enumerate(read_answers(usage, answers)):
            if rows[row]["end_to_end"] and not silent[row]:
                self.world.answered(int(rows[row]["end_to_end"]), answer)

    async def mend(self) -> None:
        """Connect (and claim) again what waits for it."""
        for partition, is_diverged in list(self.mending.items()):
            del self.mending[partition]
            pipeline = self.pipelines[partition]
            if pipeline.state is not PipelineState.AWAY:
                continue
            if not is_diverged:
                pipeline.resume(await self._connect(pipeline.ownership))
                continue
            ownership = await self.world.store.claim(
                partition,
                self.node,
                wall_ms=self.world.clock.now_ns() // _NS_PER_MS,
                last_epoch=pipeline.ownership.epoch,
            )
            pipeline.resume_diverged(ownership, await self._connect(ownership))

    def tick(self) -> None:
        """What each second brings: requests past their deadline are refused."""
        for pipeline in self.pipelines:
            pipeline.refuse_overdue(self.world.clock.now_ns())

    def sweep(self) -> None:
        """Work off what is due of a partition."""
        pipeline = self.pipelines[self.world.random.randrange(PARTITIONS)]
        self.spawn(sweep_once(self.world.store, pipeline, self.world.clock))

    @property
    def has_lost(self) -> bool:
        """Does it own nothing any more?"""
        return all(pipeline.state is PipelineState.LOST for pipeline in self.pipelines)

    # --- PipelineEvents
    def on_committed(self, partition: int, request_count: int, now_ns: int) -> None:
        """See PipelineEvents."""

    def on_away(self, partition: int, reason: str) -> None:
        """See PipelineEvents."""
        self.mending[partition] = False

    def on_diverged(self, partition: int, stored_tail: str) -> None:
        """See PipelineEvents."""
        self.mending[partition] = True

    def on_lost(self, partition: int, stored_token: str) -> None:
        """See PipelineEvents."""
        self.mending.pop(partition, None)

    def on_quarantined(self, partition: int, reason: str, batch: BatchInFlight) -> None:
        """See PipelineEvents."""
        raise AssertionError(f"nothing here may be quarantined: {reason}")
