"""More than an engine can take: a store that answers late, queues at their limits, and who is refused first.

Batches are of full size here, ticks are those of a busy server, and what is answered is counted by number of the request.
"""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from charging.batch import COUNT_REQUESTS, INITIAL, UPDATE, UsageBatch, new_usage_batch
from runtime import account_look_up
from runtime.account_look_up import LOOK_UPS_AT_ONCE, LOOK_UPS_MAX
from runtime.batch_decision import Deciding
from runtime.batch_in_flight import BatchInFlight, BatchPool
from runtime.batcher import Batcher
from runtime.gathering import Gathering
from runtime.partition_pipeline import PartitionPipeline
from tests.reference.tariffs import tariff_tables
from tests.simulation.clients import SIMULATED
from tests.simulation.world import World
from vocabulary.ids import IdentityKind
from vocabulary.limits import (
    BATCHES_QUEUED_MAX,
    REQUESTS_LOOKED_UP_MAX,
    REQUESTS_QUEUED_MAX,
    REQUESTS_QUEUED_NEW_SESSIONS_MAX,
)
from vocabulary.outcomes import Outcome

TICK = 2000
FRESH_START = 20_000


class LateStore:
    """Look-ups that nobody answers until the gate is open."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.asked = 0
        self.waiting = 0
        self.waiting_most = 0

    async def find_accounts(self, keys: list[str]) -> list[None]:
        """See BalanceStore: nobody is known."""
        self.asked += 1
        self.waiting += 1
        self.waiting_most = max(self.waiting, self.waiting_most)
        try:
            await self.gate.wait()
        finally:
            self.waiting -= 1
        return [None] * len(keys)

    async def find_sessions(self, digests: NDArray[np.uint64]) -> list[None]:
        """See BalanceStore: no session is known either."""
        return [None] * len(digests)


class Scene:
    """A batcher with one partition whose store executes nothing until `settle`, and what was answered."""

    def __init__(self) -> None:
        self.store = LateStore()
        self.made = 0
        self.outcomes: dict[int, int] = {}
        self.world = World(Random(1), tariff_tables(SIMULATED), lambda tag, answer: None)
        self.pool = BatchPool(self._make)
        self.tasks: list[asyncio.Task[Any]] = []
        store: Any = self.store
        self.batcher = Batcher(store=store, pool=self.pool, deliver=self._deliver, spawn=self._spawn)
        self.usage = new_usage_batch()
        self.tag = 0

    def _make(self) -> BatchInFlight:
        self.made += 1
        return BatchInFlight()

    def _spawn(self, work: Any) -> None:
        self.tasks.append(asyncio.ensure_future(work))

    def _deliver(self, batch: BatchInFlight) -> None:
        count = batch.request_count
        answers = batch.answers.answers[:count]
        columns = (batch.usage.requests["end_to_end"][:count], answers["outcome"], answers["is_silent"])
        for tag, outcome, is_silent in zip(*(column.tolist() for column in columns), strict=True):
            if not is_silent:
                self._hear(tag, outcome)

    def _hear(self, tag: int, outcome: int) -> None:
        assert tag not in self.outcomes, "answered twice"
        self.outcomes[tag] = outcome

    async def start(self) -> PartitionPipeline:
        """Own the one partition."""
        await self.world.store.create(1)
        ownership = await self.world.store.claim(0, "late", wall_ms=1, last_epoch=0)
        events: Any = self
        pipeline = PartitionPipeline(
            ownership=ownership,
            connection=await self.world.store.connect(ownership),
            tariffs=self.world.tariffs,
            clock=self.world.clock,
            pool=self.pool,
            deliver=self._deliver,
            events=events,
            reached=lambda point: None,
            gathering=Gathering(lambda after_s, go_on: self.world.posts.append(go_on)),
            deciding=Deciding(0),
        )
        self.batcher.serve([pipeline], 1)
        return pipeline

    def on_committed(self, partition: int, request_count: int, now_ns: int) -> None:
        """See PipelineEvents."""

    def offer(self, types: NDArray[np.uint8], *, account_id: int = 7, octets: int = 0) -> range:
        """A tick of requests of an account, or of -1 with an identity each that nobody knows; their numbers."""
        count = types.shape[0]
        rows = self.usage.requests[:count]
        rows[:] = np.zeros((), rows.dtype)
        first, self.tag = self.tag + 1, self.tag + count
        rows["outcome"] = Outcome.UNDECIDED
        rows["request_type"] = types
        rows["account_id"] = account_id
        rows["tenant"] = 1
        rows["end_to_end"] = np.arange(first, first + count)
        rows["session_high"] = rows["session_low"] = rows["body_hash"] = np.arange(first, first + count)
        rows["received_ns"] = rows["event_ns"] = self.world.clock.now_ns()
        rows["message_length"] = octets
        if account_id < 0:
            self._identify(self.usage, rows, first)
        self.usage.counts[:] = 0
        self.usage.counts[COUNT_REQUESTS] = count
        self.batcher.offer(self.usage)
        for tag, outcome in zip(rows["end_to_end"].tolist(), rows["outcome"].tolist(), strict=True):
            if outcome != Outcome.UNDECIDED:
                self._hear(tag, outcome)
        return range(first, first + count)

    def _identify(self, usage: UsageBatch, rows: NDArray[np.void], first: int) -> None:
        count = rows.shape[0]
        digits = "".join(f"{first + row:015}" for row in range(count)).encode()
        usage.octets[: len(digits)] = np.frombuffer(digits, np.uint8)
        rows["identity_first"], rows["identity_count"] = np.arange(count), 1
        rows["message_offset"], rows["message_length"] = 15 * np.arange(count), 15
        rows["identity_high"] = rows["identity_low"] = np.arange(first, first + count)
        identities = usage.identities[:count]
        identities["offset"], identities["length"] = rows["message_offset"], 15
        identities["kind"] = int(IdentityKind.IMSI)
        identities["request"] = np.arange(count)

    async def settle(self) -> None:
        """Until everything was executed and looked up."""
        self.store.gate.set()
        for _ in range(10):
            while self.world.posts:
                self.world.posts.pop(0)()
            await asyncio.sleep(0)
            unfinished = [task for task in self.tasks if not task.done()]
            if unfinished:
                await asyncio.wait(unfinished, timeout=10)

    def refused(self, tags: range) -> int:
        """How many of these have 3004 by now."""
        return sum(self.outcomes.get(tag) == Outcome.TOO_BUSY for tag in tags)


def play(work: Callable[[Scene], Awaitable[None]]) -> None:
    """Run a test on a scene of its own."""

    async def whole() -> None:
        await work(Scene())

    asyncio.run(whole())


def types_of(count: int, *types: int) -> NDArray[np.uint8]:
    return np.resize(np.array(types, np.uint8), count)


def test_at_the_first_limit_new_sessions_are_refused_at_once_and_at_the_second_everything() -> None:
    async def work(scene: Scene) -> None:
        pipeline = await scene.start()
        while pipeline.queued + TICK <= REQUESTS_QUEUED_NEW_SESSIONS_MAX:
            scene.offer(types_of(TICK, INITIAL, UPDATE))
        assert scene.outcomes == {}, "below the first limit everything waits"
        while pipeline.queued + TICK <= REQUESTS_QUEUED_MAX:
            before = pipeline.queued
            tags = scene.offer(types_of(TICK, INITIAL, UPDATE))
            assert {tag for tag in tags if tag in scene.outcomes} == set(tags[::2]), "the new sessions, and at once"
            assert scene.refused(tags) == TICK // 2
            assert pipeline.queued == before + TICK // 2
        waiting = pipeline.queued
        for _ in range(20):
            assert scene.refused(scene.offer(types_of(TICK, UPDATE, INITIAL))) == TICK
        assert pipeline.queued == waiting <= REQUESTS_QUEUED_MAX
        assert scene.made <= BATCHES_QUEUED_MAX + 4, "what is refused takes no memory"
        assert scene.batcher.refused_total == len(scene.outcomes)
        await scene.settle()
        assert len(scene.outcomes) == scene.tag, "who was let in is answered once the store goes on"
        assert pipeline.queued == 0
        late = scene.offer(types_of(TICK, INITIAL))
        await scene.settle()
        assert scene.refused(late) == 0

    play(work)


def test_long_messages_fill_no_more_batches_than_short_ones() -> None:
    """At 64 KiB a request a batch is full with a few dozen: batches are limited, too."""

    async def work(scene: Scene) -> None:
        pipeline = await scene.start()
        while not scene.outcomes:
            scene.offer(types_of(50, UPDATE), octets=65_000)
        assert pipeline.queued < REQUESTS_QUEUED_NEW_SESSIONS_MAX
        for _ in range(50):
            assert scene.refused(scene.offer(types_of(50, UPDATE), octets=65_000)) == 50
        assert scene.made <= BATCHES_QUEUED_MAX + 4
        await scene.settle()
        assert len(scene.outcomes) == scene.tag

    play(work)


def test_a_pipeline_that_takes_no_new_sessions_takes_reports() -> None:
    """Journal or disk nearly full: INITIAL and EVENT get 3004, UPDATE and TERMINATION are decided."""

    async def work(scene: Scene) -> None:
        pipeline = await scene.start()
        pipeline.takes_new_sessions = False
        tags = scene.offer(np.array([1, 2, 3, 4], np.uint8))
        assert scene.refused(tags) == 2
        assert set(scene.outcomes) == {tags[0], tags[3]}
        await scene.settle()
        assert len(scene.outcomes) == 4
        pipeline.takes_new_sessions = True
        assert scene.refused(scene.offer(np.array([1, 4], np.uint8))) == 0

    play(work)


def test_twenty_thousand_outstanding_at_a_fresh_start_are_all_served() -> None:
    """Nobody's account is known yet, ticks are of any size, the store answers late: few look-ups, no refusal."""

    async def work(scene: Scene) -> None:
        await scene.start()
        random = Random(7)
        while scene.tag < FRESH_START:
            count = min(random.choice((1, 3, 40, 500)), FRESH_START - scene.tag)
            scene.offer(types_of(count, INITIAL), account_id=-1)
            await asyncio.sleep(0)
        assert scene.outcomes == {}
        assert scene.store.waiting == LOOK_UPS_AT_ONCE
        await scene.settle()
        assert len(scene.outcomes) == FRESH_START
        assert set(scene.outcomes.values()) == {int(Outcome.USER_UNKNOWN)}
        assert scene.store.waiting_most == LOOK_UPS_AT_ONCE
        assert scene.store.asked <= FRESH_START // LOOK_UPS_MAX + LOOK_UPS_AT_ONCE + 2
        assert scene.batcher.looked_up_total == FRESH_START

    play(work)


def test_look_ups_at_their_limits_refuse_like_queues() -> None:
    async def work(scene: Scene) -> None:
        await scene.start()
        asked = 0
        while asked + TICK <= REQUESTS_QUEUED_NEW_SESSIONS_MAX:
            asked += TICK
            assert scene.refused(scene.offer(types_of(TICK, INITIAL, UPDATE), account_id=-1)) == 0
        while asked + TICK <= REQUESTS_LOOKED_UP_MAX:
            asked += TICK // 2
            tags = scene.offer(types_of(TICK, INITIAL, UPDATE), account_id=-1)
            assert {tag for tag in tags if tag in scene.outcomes} == set(tags[::2])
        made = scene.made
        for _ in range(20):
            assert scene.refused(scene.offer(types_of(TICK, UPDATE), account_id=-1)) == TICK
        assert scene.made <= made + 1
        await scene.settle()
        assert len(scene.outcomes) == scene.tag
        assert scene.refused(scene.offer(types_of(TICK, INITIAL), account_id=-1)) == 0, "there is room again"
        await scene.settle()

    play(work)


def test_look_ups_that_come_too_late_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that hangs: 3004 at the deadline, for those that are looked up and for those that wait behind them."""
    monkeypatch.setattr(account_look_up, "ANSWER_DEADLINE_S", 0.05)

    async def work(scene: Scene) -> None:
        await scene.start()
        tags = scene.offer(types_of(TICK, INITIAL), account_id=-1)
        more = scene.offer(types_of(TICK, INITIAL), account_id=-1)
        await asyncio.wait(scene.tasks, timeout=20)
        assert scene.refused(tags) == scene.refused(more) == TICK
        assert scene.store.waiting == 0
        scene.store.gate.set()
        monkeypatch.setattr(account_look_up, "ANSWER_DEADLINE_S", 20)
        tags = scene.offer(types_of(10, INITIAL), account_id=-1)
        await scene.settle()
        assert [scene.outcomes[tag] for tag in tags] == [Outcome.USER_UNKNOWN] * 10

    play(work)
