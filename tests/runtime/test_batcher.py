"""The batcher: accounts found by identity and session, unknown ones answered, full queues and lost partitions refused."""

import asyncio
from collections.abc import Callable
from random import Random

import numpy as np
from numpy.typing import NDArray

from balances.keys import identity_key, partition_of
from charging.batch import COUNT_IDENTITIES, COUNT_OCTETS, INITIAL, TERMINATION, UPDATE, UsageBatch, new_usage_batch
from runtime.pipeline_events import PipelineState
from tests.reference.engine_alone import fill_batch
from tests.reference.requests import Answer, CreditControl
from tests.reference.tariffs import tariff_tables
from tests.simulation.clients import SIMULATED
from tests.simulation.world import PARTITIONS, SimulatedEngine, World
from vocabulary.ids import IdentityKind
from vocabulary.limits import REQUESTS_QUEUED_MAX, REQUESTS_QUEUED_NEW_SESSIONS_MAX
from vocabulary.outcomes import Outcome


class Scene:
    """A world whose answers are kept by tag."""

    def __init__(self) -> None:
        self.answers: dict[int, Outcome] = {}
        self.world = World(Random(1), tariff_tables(SIMULATED), self._hear)

    def _hear(self, tag: int, answer: Answer) -> None:
        assert tag not in self.answers, "answered twice"
        self.answers[tag] = answer.outcome

    async def start(self) -> SimulatedEngine:
        """One engine on an empty store."""
        await self.world.store.create(PARTITIONS)
        return await self.world.start_engine()

    async def answered(self, tag: int) -> None:
        """Until the request of this tag has its answer: a look-up waits a moment for others."""
        async with asyncio.timeout(10):
            while tag not in self.answers:
                await self.settle()
                await asyncio.sleep(0.001)

    async def settle(self) -> None:
        """Until nothing is under way."""
        for _ in range(10):
            while self.world.posts:
                self.world.run_post()
            await asyncio.sleep(0)


def offer(engine: SimulatedEngine, rows: list[tuple[int, int, int, list[tuple[IdentityKind, str]]]]) -> None:
    """Offer requests of unknown accounts: (tag, type, session, identities)."""
    usage = new_usage_batch(len(rows), 8, 1024)
    fill_batch(usage, [CreditControl(None, (session, session), type_, 0, 1, 1) for _, type_, session, _ in rows])
    for row, (tag, _, _, identities) in enumerate(rows):
        columns = usage.requests[row]
        columns["end_to_end"] = tag
        columns["message_offset"], columns["identity_first"] = (
            usage.counts[COUNT_OCTETS],
            usage.counts[COUNT_IDENTITIES],
        )
        for kind, value in identities:
            at, place = int(usage.counts[COUNT_OCTETS]), int(usage.counts[COUNT_IDENTITIES])
            octets = value.encode()
            usage.octets[at : at + len(octets)] = np.frombuffer(octets, np.uint8)
            usage.identities[place] = (at, len(octets), int(kind), row)
            usage.counts[COUNT_OCTETS] += len(octets)
            usage.counts[COUNT_IDENTITIES] += 1
            columns["identity_count"] += 1
            columns["message_length"] += len(octets)
        if identities:
            columns["identity_high"] = columns["identity_low"] = hash_of(identities[0][1])
    engine.offer_batch(usage)


def hash_of(value: str) -> int:
    """What stands for the digest of an identity."""
    return sum(value.encode()) + 1


def test_unknown_subscribers_and_sessions_are_answered_as_what_they_are() -> None:
    """5030 for an identity that nobody has, 5002 for a session that nobody knows, 5005 where nothing names the account."""

    async def work() -> None:
        scene = Scene()
        engine = await scene.start()
        nobody = [(IdentityKind.IMSI, "001010000000009")]
        offer(engine, [(1, INITIAL, 1, nobody), (2, UPDATE, 2, []), (3, INITIAL, 3, []), (4, UPDATE, 4, nobody)])
        await scene.settle()
        assert scene.answers == {
            1: Outcome.USER_UNKNOWN,
            2: Outcome.UNKNOWN_SESSION_ID,
            3: Outcome.MISSING_AVP,
            4: Outcome.USER_UNKNOWN,
        }

    asyncio.run(work())


def test_the_first_identity_that_has_an_account_finds_it() -> None:
    """E.164 numbers are known with and without the plus; the next request of the identity asks the store nothing."""

    async def work() -> None:
        scene = Scene()
        engine = await scene.start()
        await scene.world.store.claim_identities([(identity_key(1, "e164", "491700000001"), 4)])
        identities = [(IdentityKind.E164, "+491700000001"), (IdentityKind.IMSI, "001010000000009")]
        for session in (1, 2):
            offer(engine, [(session, INITIAL, session, identities)])
            await scene.settle()
            assert scene.answers[session] == Outcome.USER_UNKNOWN, "account 4 was found, and has no record"
        assert engine.batcher.looked_up_total == 1

    asyncio.run(work())


def test_an_account_is_remembered_for_nobody_who_does_not_have_it() -> None:
    """Strangers' identities before those of accounts: a placeholder IMSI that all share, or one that is claimed later."""

    async def work() -> None:
        scene = Scene()
        engine = await scene.start()
        decided: list[tuple[int, int]] = []
        for pipeline in engine.pipelines:
            pipeline.offer = listening(pipeline.offer, decided)  # type: ignore[method-assign]
        claimed = {4: "491700000004", 6: "491700000006"}
        for account, number in claimed.items():
            await scene.world.store.claim_identities([(identity_key(1, "e164", number), account)])
        stranger = (IdentityKind.IMSI, "001010000000009")
        named = {account: [stranger, (IdentityKind.E164, number)] for account, number in claimed.items()}
        for tag, (type_, session, identities) in enumerate(
            [(INITIAL, 1, named[4]), (INITIAL, 2, named[6]), (INITIAL, 3, [stranger])], 1
        ):
            offer(engine, [(tag, type_, session, identities)])
            await scene.answered(tag)
        assert decided == [(1, 4), (2, 6)]
        assert scene.answers[3] == Outcome.USER_UNKNOWN, "nobody has it"
        looked_up = engine.batcher.looked_up_total
        for tag, (session, account) in enumerate([(1, 4), (2, 6)], 4):
            offer(engine, [(tag, UPDATE, session, named[account])])
            await scene.answered(tag)
        assert decided[2:] == [(1, 4), (2, 6)]
        assert engine.batcher.looked_up_total == looked_up, "their sessions are remembered"
        await scene.world.store.claim_identities([(identity_key(1, "imsi", stranger[1]), 9)])
        offer(engine, [(6, INITIAL, 6, named[4])])
        await scene.answered(6)
        assert decided[4:] == [(6, 9)], "the first that has an account, from now on"

    asyncio.run(work())


def listening(offered: Callable[..., None], decided: list[tuple[int, int]]) -> Callable[..., None]:
    """A pipeline's `offer` that notes (session, account) of what it gets."""

    def offer_and_note(batch: UsageBatch, rows: NDArray[np.int32], first: int, count: int) -> None:
        requests = batch.requests[rows[first : first + count]]
        decided.extend(zip(requests["session_high"].tolist(), requests["account_id"].tolist(), strict=True))
        offered(batch, rows, first, count)

    return offer_and_note


def test_an_unknown_identity_of_an_open_session_is_charged_to_the_session() -> None:
    """An update or termination that calls the subscriber otherwise is found by its session; an initial one is not."""

    async def work() -> None:
        scene = Scene()
        engine = await scene.start()
        nobody = [(IdentityKind.IMSI, "001010000000009")]
        asked: list[int] = []

        async def find_sessions(digests: NDArray[np.uint64]) -> list[int | None]:
            asked.extend(digests[:, 0].tolist())
            return [4 if high == 7 else None for high in digests[:, 0].tolist()]

        scene.world.store.find_sessions = find_sessions
        decided: list[tuple[int, int]] = []
        pipeline = engine.pipelines[partition_of(4, PARTITIONS)]
        pipeline.offer = listening(pipeline.offer, decided)  # type: ignore[method-assign]
        offer(engine, [(1, UPDATE, 7, nobody), (2, TERMINATION, 8, nobody), (3, INITIAL, 7, nobody)])
        await scene.settle()
        assert asked == [7, 8]
        assert engine.batcher.looked_up_total == 3
        assert scene.answers[2] == scene.answers[3] == Outcome.USER_UNKNOWN
        assert decided == [(7, 4)], "the update reached the account of its session"

    asyncio.run(work())


def test_a_mistake_in_a_look_up_leaves_nobody_without_an_answer() -> None:
    async def work() -> None:
        scene = Scene()
        engine = await scene.start()

        async def find_accounts(keys: list[str]) -> list[None]:
            raise RuntimeError("planted")

        scene.world.store.find_accounts = find_accounts
        others = set(engine.tasks)
        offer(engine, [(1, INITIAL, 1, [(IdentityKind.IMSI, "001010000000009")])])
        (look_up,) = engine.tasks - others
        await scene.settle()
        assert str(look_up.exception()) == "planted", "whoever runs the task logs it"
        assert scene.answers == {1: Outcome.UNABLE_TO_COMPLY}

    asyncio.run(work())


def test_a_full_queue_refuses_new_sessions_first_and_a_fuller_one_everything() -> None:
    """Reports are taken above the first limit, nothing is above the second or of a lost partition."""

    async def work() -> None:
        scene = Scene()
        engine = await scene.start()
        pipeline = engine.pipelines[0]
        limits = ((REQUESTS_QUEUED_NEW_SESSIONS_MAX, True), (REQUESTS_QUEUED_MAX, False))
        for queued, takes_reports in limits:
            scene.answers.clear()
            pipeline.waiting.queued = queued
            session = (9, 9)
            asked = [(1, CreditControl(2, session, INITIAL, 0, 1, 1)), (2, CreditControl(2, session, UPDATE, 1, 2, 1))]
            engine.offer(asked)
            assert scene.answers.get(1) == Outcome.TOO_BUSY
            assert (2 not in scene.answers) is takes_reports
            await scene.settle()
        pipeline.waiting.queued = 0
        pipeline.state = PipelineState.LOST
        scene.answers.clear()
        engine.offer(asked)
        assert scene.answers == {1: Outcome.TOO_BUSY, 2: Outcome.TOO_BUSY}

    asyncio.run(work())
