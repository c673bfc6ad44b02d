"""The same clients and the same audit over a real Valkey: two engines take the partitions from one another, connections break.

Short, and not deterministic in what meets what: the server's replies come when they come. The books must hold all the same.
"""

import asyncio
import contextlib
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from balances.command_octets import encode_command
from balances.commands import Change, Credit, Open, Terms
from balances.edge.memory_partition import PartitionState
from balances.edge.redis_store import RedisStore
from balances.journal import MovementKind
from balances.store import EntryId
from tests.reference.private_valkey import private_valkey
from tests.reference.requests import Answer
from tests.reference.tariffs import tariff_tables
from tests.simulation.auditor import charged_once, check_books, check_nothing_lost, check_records, credited_by
from tests.simulation.clients import ALLOWANCE, CREDIT_LIMIT_MICROS, SIMULATED, Clients, drawn_credit
from tests.simulation.world import PARTITIONS, KillableConnection, SimulatedEngine, World
from vocabulary.units import Unit

ACCOUNTS: Final = (1, 2, 3, 4)
OPENED_MICROS: Final = 900
OPENED_UNITS: Final = 500
SEED: Final = 20
STEPS: Final = 700
UPHEAVAL_STEPS: Final = 70
PEACE_ROUNDS: Final = 2000
TURN_S: Final = 0.02
WITHIN_S: Final = 240.0
"""Each commit waits for the server's disk, which may be everybody's."""


class Stored:
    """What a server holds, in the shape in which the auditor reads a store in memory."""

    def __init__(self, store: RedisStore) -> None:
        self._store = store
        self._states: list[PartitionState] = []

    async def read(self) -> None:
        """Copy journal and records of all partitions."""
        for partition in range(PARTITIONS):
            state = PartitionState()
            rows = await self._store.read_journal(partition, EntryId(0, 0), 100_000)
            state.journal = {row.entry_id: row.octets for row in rows}
            async for accounts in self._store.scan_accounts(partition):
                state.accounts.update({(tenant, account_id): record for tenant, account_id, record in accounts})
            self._states.append(state)

    def snapshot(self, partition: int) -> PartitionState:
        """See MemoryStore."""
        return self._states[partition]

    async def command_answers(self, partition: int, command_ids: list[str]) -> list[bytes | None]:
        """See CommandLog."""
        return await self._store.command_answers(partition, command_ids)


class Run:
    """One run against one server."""

    def __init__(self, store: RedisStore) -> None:
        self.random = Random(SEED)
        self.clients = Clients(self.random, ACCOUNTS)
        self.heard = asyncio.Event()
        self.world = World(self.random, tariff_tables(SIMULATED), self._hear)
        self.store = store
        self.world.store = store  # type: ignore[assignment]
        self.commands: list[Change] = []
        self.broken = 0

    def _hear(self, tag: int, answer: Answer) -> None:
        self.clients.hear(tag, answer)
        self.heard.set()

    async def play(self) -> None:
        """War, peace, audit."""
        await self.store.create(PARTITIONS)
        await self.store.open()
        await self.world.start_engine()
        await self._open_accounts()
        for step in range(STEPS):
            self.clients.step = step
            await self._act(step)
        await self._make_peace()
        await self._audit()
        for engine in list(self.world.engines):
            self.world.kill(engine)
            for pipeline in engine.pipelines:
                pipeline.close()

    async def _turn(self) -> None:
        """Until something is heard, or a moment; rows that gathered since the last turn go."""
        self.heard.clear()
        while self.world.posts:
            self.world.posts.pop(0)()
        for engine in self.world.engines:
            await engine.mend()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.heard.wait(), TURN_S)

    async def _open_accounts(self) -> None:
        credits = (
            Credit(Unit.MONEY, OPENED_MICROS // 2, priority=1, kind=MovementKind.OPENED),
            Credit(Unit.MONEY, OPENED_MICROS // 2, priority=0, kind=MovementKind.OPENED),
            Credit(Unit.OCTETS, OPENED_UNITS, allowance=ALLOWANCE, kind=MovementKind.OPENED),
        )
        for account_id in ACCOUNTS:
            terms = Terms(978, offer=1, credit_limit_micros=CREDIT_LIMIT_MICROS, credits=credits)
            opening = Open(f"open {account_id}", 1, account_id, (f"1:imsi:{account_id}",), terms)
            await self.store.append_commands(account_id % PARTITIONS, [encode_command(opening)])
        for account_id in ACCOUNTS:
            while await self.store.command_answers(account_id % PARTITIONS, [f"open {account_id}"]) == [None]:
                await self._turn()

    async def _act(self, step: int) -> None:
        """Clients send; now and then a connection breaks, an engine is killed, or another takes over."""
        sent = self.clients.act(self.world.clock.now_ns())
        engines = [engine for engine in self.world.engines if not engine.has_lost]
        if sent and engines:
            self.random.choice(engines).offer(sent)
        draw = self.random.random()
        if draw < 0.05:
            await self._top_up()
        elif draw < 0.10 and engines:
            self._break(self.random.choice(engines))
        if step % UPHEAVAL_STEPS == UPHEAVAL_STEPS - 1:
            if self.random.random() < 0.5 or len(self.world.engines) > 1:
                self.world.kill(self.world.engines[0])
            await self.world.start_engine()
        if draw < 0.5:
            await self._turn()

    def _break(self, engine: SimulatedEngine) -> None:
        """Cut a partition's connection, whatever is on it."""
        pipeline: Any = engine.pipelines[self.random.randrange(PARTITIONS)]
        connection: KillableConnection = pipeline._connection
        connection.close()
        self.broken += 1

    async def _top_up(self) -> None:
        if self.commands and self.random.random() < 0.3:
            command = self.commands[-1]
        else:
            credit = drawn_credit(self.random)
            command = Change(f"top-up {len(self.commands)}", 1, self.random.choice(ACCOUNTS), amounts=(credit,))
            self.commands.append(command)
        await self.store.append_commands(command.account_id % PARTITIONS, [encode_command(command)])

    async def _make_peace(self) -> None:
        """Everything is answered, every session ends."""
        self.clients.step = STEPS
        for engine in self.world.engines[:-1]:
            self.world.kill(engine)
        for _ in range(PEACE_ROUNDS):
            if self.clients.is_finished and await self._all_answered():
                return
            sent = self.clients.finish(self.world.clock.now_ns())
            for first in range(0, len(sent), 8):
                self.world.engines[-1].offer(sent[first : first + 8])
            await self._turn()
        raise AssertionError("a request or a command was never answered")

    async def _all_answered(self) -> bool:
        answers = [
            await self.store.command_answers(command.account_id % PARTITIONS, [command.command_id])
            for command in self.commands
        ]
        return [None] not in answers

    async def _audit(self) -> None:
        stored: Any = Stored(self.store)
        await stored.read()
        counted = charged_once(stored, PARTITIONS)
        check_records(stored, PARTITIONS)
        check_nothing_lost(self.clients, counted, lost_at_step=-1)
        credited = await credited_by(stored, PARTITIONS, self.commands)
        for account_id in ACCOUNTS:
            for unit, amount in ((Unit.MONEY, OPENED_MICROS), (Unit.OCTETS, OPENED_UNITS)):
                credited[(account_id, unit)] = credited.get((account_id, unit), 0) + amount
        check_books(stored, PARTITIONS, self.clients, counted, credited)
        assert self.broken > 5
        assert self.world.started > 5
        assert len(self.clients.asked) > 100


@pytest.mark.timeout(WITHIN_S + 60)
def test_two_engines_on_one_server_charge_each_request_once(tmp_path: Path) -> None:
    """Take-overs and broken connections on a real server: books, journal and records agree to the last micro."""

    async def work(url: str) -> None:
        store = RedisStore(url)
        try:
            await Run(store).play()
        finally:
            await store.close()

    with private_valkey(tmp_path) as url:
        asyncio.run(asyncio.wait_for(work(url), WITHIN_S))
