"""What a partition's pipeline does when the store, another owner or a record is not as it should be."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from balances.command_octets import decode_answer, encode_command
from balances.commands import Change, Credit, Open, Terms
from balances.edge.memory_partition import Fault
from charging.batch import INITIAL, TERMINATION, UPDATE
from runtime.pipeline_events import PipelineState
from tests.reference.record_octets import canonical_record
from tests.reference.requests import Answer, CreditControl, Mscc
from tests.reference.tariffs import tariff_tables
from tests.simulation.clients import MONEY_GROUP, SIMULATED
from tests.simulation.world import PARTITIONS, SimulatedEngine, World
from vocabulary.instants import NS_PER_S
from vocabulary.limits import ANSWER_DEADLINE_S
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

ACCOUNT = 2
PARTITION = ACCOUNT % PARTITIONS
MICROS = 1000


class Scene:
    """A world with one opened account and answers by tag."""

    def __init__(self) -> None:
        self.answers: dict[int, list[Answer]] = {}
        self.world = World(Random(1), tariff_tables(SIMULATED), self._hear)

    def _hear(self, tag: int, answer: Answer) -> None:
        self.answers.setdefault(tag, []).append(answer)

    async def start(self) -> SimulatedEngine:
        """One engine, one account."""
        await self.world.store.create(PARTITIONS)
        engine = await self.world.start_engine()
        terms = Terms(978, offer=1, credits=(Credit(Unit.MONEY, MICROS),))
        await self.command(Open("open", 1, ACCOUNT, ("1:imsi:1",), terms))
        await self.settle()
        assert await self.answer_of("open") is not None
        return engine

    async def command(self, command: Open | Change) -> None:
        """Append an account command."""
        await self.world.store.append_commands(PARTITION, [encode_command(command)])

    async def answer_of(self, command_id: str) -> object:
        """What the store has as the answer of a command."""
        (octets,) = await self.world.store.command_answers(PARTITION, [command_id])
        return None if octets is None else decode_answer(octets)

    async def settle(self) -> None:
        """Until nothing is under way but what waits to be mended."""
        for _ in range(20):
            while self.world.posts:
                self.world.run_post()
            await asyncio.sleep(0)

    def outcomes(self, tag: int) -> list[Outcome]:
        """Command outcomes of the answers to a request."""
        return [answer.outcome for answer in self.answers.get(tag, [])]

    def money(self) -> tuple[int, int]:
        """(free, reserved) of the account."""
        (record,) = self.world.store.snapshot(PARTITION).accounts.values()
        (bucket,) = canonical_record(record)["buckets"]
        return bucket["remaining"], bucket["reserved"]


def request(
    session: int = 1, type_: int = INITIAL, number: int = 0, used: int | None = None, at_ns: int = 0
) -> CreditControl:
    """A request of the account for 100 units, which hold 70 micros."""
    mscc = Mscc(MONEY_GROUP, requested={}, used=None if used is None else {Unit.OCTETS: used})
    return CreditControl(
        ACCOUNT, (session << 32, session), type_, number, session * 1000 + number, at_ns, msccs=(mscc,)
    )


def play(work: Coroutine[Any, Any, None]) -> None:
    """Run a test's coroutine."""
    asyncio.run(work)


def test_what_may_be_written_is_not_refused_when_the_partition_is_lost() -> None:
    """A commit without reply that then finds another owner gets no answer; the retransmission gets the recorded one."""

    async def work() -> None:
        scene = Scene()
        first = await scene.start()
        scene.world.store.inject(PARTITION, Fault.REPLY_LOST)
        first.offer([(1, request())])
        await scene.settle()
        assert first.pipelines[PARTITION].state is PipelineState.AWAY
        first.offer([(2, request(session=2))])
        second = await scene.world.start_engine()
        second.offer([(3, request(session=3))])
        await scene.settle()
        await first.mend()
        await scene.settle()
        assert first.pipelines[PARTITION].state is PipelineState.LOST
        assert scene.outcomes(1) == []
        assert scene.outcomes(2) == [Outcome.TOO_BUSY]
        second.offer([(1, request())])
        await scene.settle()
        assert [answer.is_duplicate for answer in scene.answers[1]] == [True]
        assert scene.money() == (MICROS - 140, 140)

    play(work())


def test_what_was_never_written_is_refused_when_the_partition_is_lost() -> None:
    """The first send of a commit that meets another owner wrote nothing: its rows and those behind get 3004."""

    async def work() -> None:
        scene = Scene()
        first = await scene.start()
        await scene.world.start_engine()
        first.offer([(1, request())])
        first.offer([(2, request(session=2))])
        await scene.settle()
        assert scene.outcomes(1) == scene.outcomes(2) == [Outcome.TOO_BUSY]
        assert first.pipelines[PARTITION].queued == 0
        assert scene.money() == (MICROS, 0)

    play(work())


@pytest.mark.parametrize("fault", list(Fault))
def test_a_commit_is_sent_again_until_it_is_confirmed(fault: Fault) -> None:
    """Done once, answered once, whatever was lost; meanwhile the partition is not ready."""

    async def work() -> None:
        scene = Scene()
        engine = await scene.start()
        scene.world.store.inject(PARTITION, fault, fault)
        engine.offer([(1, request())])
        await scene.settle()
        assert engine.pipelines[PARTITION].state is PipelineState.AWAY
        for _ in range(2):
            assert scene.outcomes(1) == []
            await engine.mend()
            await scene.settle()
        assert scene.outcomes(1) == [Outcome.GRANTED]
        assert engine.pipelines[PARTITION].state is PipelineState.READY
        assert scene.money() == (MICROS - 70, 70)

    play(work())


def test_requests_that_wait_too_long_are_refused_and_commands_wait_on() -> None:
    """With the store away, after eight seconds: 3004 for old requests, younger ones and commands are decided later."""

    async def work() -> None:
        scene = Scene()
        engine = await scene.start()
        scene.world.store.inject(PARTITION, Fault.REQUEST_LOST)
        engine.offer([(1, request(at_ns=scene.world.clock.now_ns()))])
        await scene.settle()
        old = replace(request(session=1, type_=UPDATE, number=1, used=10), received_ns=scene.world.clock.now_ns())
        engine.offer([(2, old)])
        await scene.command(Change("late", 1, ACCOUNT, amounts=(Credit(Unit.MONEY, 5),)))
        await scene.settle()
        scene.world.clock.at_ns += (ANSWER_DEADLINE_S + 1) * NS_PER_S
        young = request(session=1, type_=UPDATE, number=2, used=20, at_ns=scene.world.clock.now_ns())
        engine.offer([(3, young)])
        engine.tick()
        assert scene.outcomes(2) == [Outcome.TOO_BUSY]
        await engine.mend()
        await scene.settle()
        assert scene.outcomes(1) == scene.outcomes(3) == [Outcome.GRANTED]
        assert await scene.answer_of("late") is not None
        assert scene.money() == (MICROS + 5 - 14 - 70, 70)
        assert engine.pipelines[PARTITION].queued == 0

    play(work())


@pytest.mark.parametrize("is_late", [True, False], ids=["refused at its deadline", "decided anew before it"])
def test_what_was_certainly_not_written_waits_like_what_was_not_sent(is_late: bool) -> None:
    """Its commit leaves no trace: the next entry follows the one before it, under the same id."""

    async def work() -> None:
        scene = Scene()
        engine = await scene.start()
        scene.world.store.inject(PARTITION, Fault.NOT_EXECUTED)
        engine.offer([(1, request(at_ns=scene.world.clock.now_ns()))])
        await scene.settle()
        pipeline = engine.pipelines[PARTITION]
        assert (pipeline.state, pipeline.queued, scene.outcomes(1)) == (PipelineState.AWAY, 1, [])
        scene.world.clock.at_ns += (ANSWER_DEADLINE_S + (1 if is_late else -1)) * NS_PER_S
        engine.tick()
        assert scene.outcomes(1) == [Outcome.TOO_BUSY] * is_late
        await engine.mend()
        await scene.settle()
        assert scene.outcomes(1) == [Outcome.TOO_BUSY if is_late else Outcome.GRANTED]
        engine.offer([(1, request(at_ns=scene.world.clock.now_ns()))])
        await scene.settle()
        assert scene.outcomes(1)[-1] == Outcome.GRANTED
        assert scene.money() == (MICROS - 70, 70)
        journal = sorted(scene.world.store.snapshot(PARTITION).journal)
        assert [entry_id.number for entry_id in journal if entry_id.epoch == pipeline.ownership.epoch] == [1, 2]

    play(work())


def test_commands_that_a_store_forgot_are_decided_again() -> None:
    """A store set back to before a command was decided, but after it was appended: it is read and decided again, once."""

    async def work() -> None:
        scene = Scene()
        engine = await scene.start()
        for name in ("first", "second"):
            await scene.command(Change(name, 1, ACCOUNT, amounts=(Credit(Unit.MONEY, 100),)))
        before = scene.world.store.snapshot(PARTITION)
        await scene.settle()
        assert scene.money() == (MICROS + 200, 0)
        scene.world.store.restore(PARTITION, before)
        engine.offer([(1, request())])
        await scene.command(Change("third", 1, ACCOUNT, amounts=(Credit(Unit.MONEY, 1),)))
        await scene.settle()
        await engine.mend()
        await scene.settle()
        assert scene.outcomes(1) == [Outcome.GRANTED]
        assert None not in [await scene.answer_of(name) for name in ("first", "second", "third")]
        assert scene.money() == (MICROS + 201 - 70, 70)

    play(work())


def test_a_command_that_was_skipped_as_answered_is_decided_when_its_answer_is_lost() -> None:
    """A second copy of a command is skipped; the store then loses the first: the copy counts."""

    async def work() -> None:
        scene = Scene()
        engine = await scene.start()
        before = scene.world.store.snapshot(PARTITION)
        top_up = Change("again", 1, ACCOUNT, amounts=(Credit(Unit.MONEY, 100),))
        await scene.command(top_up)
        await scene.settle()
        scene.world.store.restore(PARTITION, before)
        await scene.command(top_up)
        engine.offer([(1, request())])
        await scene.settle()
        await engine.mend()
        await scene.settle()
        assert await scene.answer_of("again") is not None
        assert scene.money() == (MICROS + 100 - 70, 70)

    play(work())


def test_silent_sessions_are_swept_however_often_they_were_prolonged() -> None:
    """The first hint is of the first supervision; a sweep that comes too early says when to come again."""

    async def work() -> None:
        scene = Scene()
        engine = await scene.start()
        engine.offer([(1, request())])
        await scene.settle()
        scene.world.clock.at_ns += 7000 * NS_PER_S
        engine.offer([(2, request(type_=UPDATE, number=1, used=0, at_ns=scene.world.clock.now_ns()))])
        await scene.settle()
        for wait_s, expected in ((600, (MICROS - 70, 70)), (7000, (MICROS, 0))):
            scene.world.clock.at_ns += wait_s * NS_PER_S
            for _ in range(8):
                engine.sweep()
                await scene.settle()
            assert scene.money() == expected
        assert await scene.world.store.due_buckets(PARTITION, scene.world.clock.now_ns() // NS_PER_S) == []

    play(work())


def test_quota_of_a_session_that_began_without_is_swept_in_its_own_time() -> None:
    """The hint of the session's beginning is of a day later."""

    async def work() -> None:
        scene = Scene()
        engine = await scene.start()
        engine.offer([(1, replace(request(), msccs=()))])
        await scene.settle()
        engine.offer([(2, request(type_=UPDATE, number=1, at_ns=scene.world.clock.now_ns()))])
        await scene.settle()
        assert scene.money() == (MICROS - 70, 70)
        scene.world.clock.at_ns += 7300 * NS_PER_S
        for _ in range(8):
            engine.sweep()
            await scene.settle()
        assert scene.money() == (MICROS, 0)

    play(work())


def test_a_record_that_is_no_record_costs_its_own_requests_alone() -> None:
    """Damage in one account: 5012 and a place in quarantine for its request and command, the others go on."""

    async def work() -> None:
        scene = Scene()
        scene.world.kept_octets = (0,)  # an engine that keeps records doesn't meet the damage before it asks the store
        engine = await scene.start()
        other = ACCOUNT + PARTITIONS
        await scene.command(Open("other", 1, other, ("1:imsi:2",), Terms(978, offer=1)))
        await scene.settle()
        quarantined: list[int] = []
        engine.on_quarantined = lambda partition, reason, batch: quarantined.append(batch.request_count)  # type: ignore[method-assign]
        state = scene.world.store.snapshot(PARTITION)
        state.accounts[(1, other)] = b"\xff" * 80
        scene.world.store.restore(PARTITION, state)
        damaged = replace(request(session=9), account_id=other)
        engine.offer([(1, request()), (2, damaged), (3, request(session=3))])
        await scene.command(Change("damaged", 1, other, amounts=(Credit(Unit.MONEY, 5),)))
        await scene.command(Change("sound", 1, ACCOUNT, amounts=(Credit(Unit.MONEY, 5),)))
        await scene.settle()
        assert scene.outcomes(1) == scene.outcomes(3) == [Outcome.GRANTED]
        assert scene.outcomes(2) == [Outcome.UNABLE_TO_COMPLY]
        assert quarantined == [1, 1]
        assert getattr(await scene.answer_of("damaged"), "outcome", None) == Outcome.UNABLE_TO_COMPLY
        assert await scene.answer_of("sound") is not None
        assert scene.world.store.snapshot(PARTITION).commands == []

    play(work())


def test_an_ended_session_leaves_nothing_under_way() -> None:
    """After the last answer the pipeline is idle."""

    async def work() -> None:
        scene = Scene()
        engine = await scene.start()
        engine.offer([(1, request())])
        await scene.settle()
        engine.offer([(2, request(type_=TERMINATION, number=1, used=30))])
        await scene.settle()
        assert engine.pipelines[PARTITION].is_idle
        assert scene.money() == (MICROS - 21, 0)

    play(work())
