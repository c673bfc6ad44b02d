"""What a pipeline asks the store for: nothing that it wrote itself, and everything where somebody else may have written."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

from balances.command_octets import encode_command
from balances.commands import Credit, Open, Terms
from balances.store import Commit, Exchanged, Load, PartitionConnection
from charging.batch import INITIAL, TERMINATION, UPDATE
from tests.reference.engine_alone import fill_batch
from tests.reference.requests import Answer, CreditControl, Mscc
from tests.reference.tariffs import tariff_tables
from tests.simulation.clients import SIMULATED
from tests.simulation.world import PARTITIONS, SimulatedEngine, World
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

ACCOUNTS = (PARTITIONS, 2 * PARTITIONS)
"""Two accounts of partition 0."""


class Listening:
    """A connection that notes what each exchange asks for: (records written, accounts loaded)."""

    def __init__(self, inner: PartitionConnection) -> None:
        self.inner = inner
        self.exchanges: list[tuple[bool, list[int]]] = []

    def exchange(self, commit: Commit | None, load: Load | None, done: Callable[[Exchanged], None]) -> None:
        """See PartitionConnection."""
        loaded = [] if load is None else load.account_ids[: load.slot_count].tolist()
        self.exchanges.append((commit is not None, loaded))
        self.inner.exchange(commit, load, done)

    def close(self) -> None:
        """See PartitionConnection."""
        self.inner.close()


class Scene:
    """One engine with two accounts in partition 0, and what it exchanges."""

    def __init__(self, kept_octets: int) -> None:
        self.answers: dict[int, Outcome] = {}
        self.world = World(Random(1), tariff_tables(SIMULATED), self._hear, kept_octets=(kept_octets,))

    def _hear(self, tag: int, answer: Answer) -> None:
        self.answers[tag] = answer.outcome

    async def start(self) -> SimulatedEngine:
        """Open the accounts; only what comes afterwards is noted."""
        await self.world.store.create(PARTITIONS)
        engine = await self.world.start_engine()
        terms = Terms(978, offer=1, credits=(Credit(Unit.MONEY, 1_000),))
        for account_id in ACCOUNTS:
            command = Open(f"open-{account_id}", 1, account_id, (f"1:imsi:{account_id}",), terms)
            await self.world.store.append_commands(0, [encode_command(command)])
        await self.settle()
        return engine

    def listen(self, engine: SimulatedEngine) -> list[tuple[bool, list[int]]]:
        """The exchanges of partition 0 from now on."""
        pipeline: Any = engine.pipelines[0]
        pipeline._connection = listening = Listening(pipeline._connection)
        return listening.exchanges

    async def settle(self) -> None:
        """Until nothing is under way."""
        for _ in range(20):
            while self.world.posts:
                self.world.run_post()
            await asyncio.sleep(0)

    async def ask(self, engine: SimulatedEngine, tag: int, account_id: int, type_: int, number: int) -> None:
        """One request of the account's one session."""
        asked = CreditControl(account_id, (account_id, 1), type_, number, tag, 1, msccs=(Mscc(1),))
        engine.offer([(tag, asked)])
        await self.settle()


def test_what_the_owner_wrote_is_not_asked_for_again() -> None:
    async def work() -> None:
        scene = Scene(1_000_000)
        engine = await scene.start()
        exchanges = scene.listen(engine)
        for number, type_ in enumerate((INITIAL, UPDATE, TERMINATION)):
            await scene.ask(engine, number + 1, ACCOUNTS[0], type_, number)
        assert scene.answers == dict.fromkeys((1, 2, 3), Outcome.GRANTED)
        assert exchanges == [(True, [])] * 3, "one exchange a request: its commit"

    asyncio.run(work())


def test_a_batch_asks_for_what_it_lacks_alone() -> None:
    """A new engine has nothing; its second batch has the record of the first."""

    async def work() -> None:
        scene = Scene(1_000_000)
        await scene.start()
        engine = await scene.world.start_engine()
        exchanges = scene.listen(engine)
        await scene.ask(engine, 1, ACCOUNTS[0], INITIAL, 0)
        assert exchanges == [(False, [ACCOUNTS[0]]), (True, [])]
        exchanges.clear()
        requests = [CreditControl(account, (account, 2), INITIAL, 0, 9, 1, msccs=(Mscc(1),)) for account in ACCOUNTS]
        engine.offer(list(enumerate(requests, 2)))
        await scene.settle()
        assert exchanges == [(False, [ACCOUNTS[1]]), (True, [])]
        assert scene.answers == dict.fromkeys((1, 2, 3), Outcome.GRANTED)

    asyncio.run(work())


def test_a_repeat_is_answered_from_the_store() -> None:
    """It writes nothing, so no commit would notice that another engine owns the partition by now."""

    async def work() -> None:
        scene = Scene(1_000_000)
        engine = await scene.start()
        await scene.ask(engine, 1, ACCOUNTS[0], INITIAL, 0)
        exchanges = scene.listen(engine)
        repeated = CreditControl(ACCOUNTS[0], (ACCOUNTS[0], 1), INITIAL, 0, 1, 1, msccs=(Mscc(1),))
        engine.offer([(2, repeated)])
        await scene.settle()
        assert exchanges == [(False, [ACCOUNTS[0]])]
        assert scene.answers[2] == Outcome.GRANTED

    asyncio.run(work())


def test_a_repeat_beside_a_record_that_is_loaded_is_answered_from_the_store() -> None:
    """The store went back to before the update: it is charged again, not answered from what is kept."""

    async def work() -> None:
        scene = Scene(1_000_000)
        engine = await scene.start()
        await scene.ask(engine, 1, ACCOUNTS[0], INITIAL, 0)
        before = scene.world.store.snapshot(0)
        await scene.ask(engine, 2, ACCOUNTS[0], UPDATE, 1)
        scene.world.store.restore(0, before)
        exchanges = scene.listen(engine)
        nobody = ACCOUNTS[1] + PARTITIONS
        repeated = CreditControl(ACCOUNTS[0], (ACCOUNTS[0], 1), UPDATE, 1, 2, 1, msccs=(Mscc(1),))
        unknown = CreditControl(nobody, (nobody, 1), INITIAL, 0, 3, 1, msccs=(Mscc(1),))
        engine.offer([(2, repeated), (3, unknown)])
        await scene.settle()
        assert exchanges[:2] == [(False, [nobody]), (False, [ACCOUNTS[0], nobody])]
        assert exchanges[2:] == [(True, [])], "the update is decided again, and its commit finds the older store"
        await engine.mend()
        await scene.settle()
        assert scene.answers == {1: Outcome.GRANTED, 2: Outcome.GRANTED, 3: Outcome.USER_UNKNOWN}

    asyncio.run(work())


def test_requests_without_a_record_are_answered_without_the_store() -> None:
    """A damaged request that was set aside has no account any more."""

    async def work() -> None:
        scene = Scene(1_000_000)
        engine = await scene.start()
        pipeline: Any = engine.pipelines[0]
        batch = pipeline.waiting.for_commands()
        fill_batch(batch.usage, [CreditControl(2, (2, 9), INITIAL, 0, 9, 1, outcome=Outcome.UNABLE_TO_COMPLY)])
        batch.usage.requests["end_to_end"][0] = 9
        pipeline.waiting.queued += 1
        pipeline.advance()
        await scene.settle()
        assert scene.answers == {9: Outcome.UNABLE_TO_COMPLY}
        assert pipeline.is_idle

    asyncio.run(work())


def test_nothing_is_kept_of_a_store_that_went_back() -> None:
    async def work() -> None:
        scene = Scene(1_000_000)
        engine = await scene.start()
        before = scene.world.store.snapshot(0)
        await scene.ask(engine, 1, ACCOUNTS[0], INITIAL, 0)
        scene.world.store.restore(0, before)
        await scene.ask(engine, 2, ACCOUNTS[0], UPDATE, 1)
        assert 2 not in scene.answers, "its commit was refused: the store is older"
        await engine.mend()
        await scene.settle()
        assert scene.answers[2] == Outcome.UNKNOWN_SESSION_ID, "the session was lost with the store's tail"

    asyncio.run(work())


def test_an_engine_that_keeps_nothing_loads_every_batch() -> None:
    async def work() -> None:
        scene = Scene(0)
        engine = await scene.start()
        exchanges = scene.listen(engine)
        await scene.ask(engine, 1, ACCOUNTS[0], INITIAL, 0)
        await scene.ask(engine, 2, ACCOUNTS[0], UPDATE, 1)
        assert exchanges == [(False, [ACCOUNTS[0]]), (True, [])] * 2

    asyncio.run(work())
