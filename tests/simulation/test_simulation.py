"""Runs of the world that Hypothesis draws: sessions, faults, kills and take-overs in random order, then peace, then the audit.

FAREBOX_SIMULATION_SEEDS is how many each test tries, other ones each time; without it the same few. A failure names its
seed, which is tried first the next time.
"""

import asyncio
import gc
import os
from dataclasses import dataclass, field
from random import Random
from typing import Final

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from balances.command_octets import encode_command
from balances.commands import Change, Credit, Open, Terms
from balances.edge.memory_partition import PartitionState
from balances.journal import MovementKind
from tests.reference.tariffs import tariff_tables
from tests.simulation.auditor import (
    Totals,
    charged_once,
    check_books,
    check_chain,
    check_nothing_lost,
    check_records,
    credited_by,
)
from tests.simulation.clients import ALLOWANCE, CREDIT_LIMIT_MICROS, SIMULATED, Clients, drawn_credit
from tests.simulation.world import PARTITIONS, World
from vocabulary.instants import NS_PER_S
from vocabulary.limits import SUPERVISION_DEFAULT_S, SUPERVISION_WITHOUT_QUOTA_S
from vocabulary.units import Unit

ACCOUNTS: Final = (1, 2, 3, 4)
OPENED_MICROS: Final = 900
OPENED_UNITS: Final = 500
STEPS: Final = 600
PEACE_ROUNDS: Final = 400
IS_SEARCH: Final = "FAREBOX_SIMULATION_SEEDS" in os.environ
SEED_COUNT: Final = int(os.environ.get("FAREBOX_SIMULATION_SEEDS", "4"))
SESSION_LIFE_S: Final = SUPERVISION_DEFAULT_S
KINDS: Final = ("faults", "owners", "divergence")


@dataclass(slots=True)
class Run:
    """One seed."""

    seed: int
    kind: str
    random: Random = field(init=False)
    clients: Clients = field(init=False)
    world: World = field(init=False)
    commands: list[Change] = field(default_factory=list)
    snapshots: list[tuple[int, PartitionState, int]] = field(default_factory=list)
    restores: int = 0

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.clients = Clients(self.random, ACCOUNTS)
        self.world = World(self.random, tariff_tables(SIMULATED), self.clients.hear)

    async def play(self) -> None:
        """War, peace, audit."""
        await self.world.store.create(PARTITIONS)
        await self.world.start_engine()
        await self._open_accounts()
        for step in range(STEPS):
            self.clients.step = step
            await self._act()
            await asyncio.sleep(0)
        await self._make_peace()
        await self._audit()

    async def _open_accounts(self) -> None:
        credits = (
            Credit(Unit.MONEY, OPENED_MICROS // 2, priority=1, kind=MovementKind.OPENED),
            Credit(Unit.MONEY, OPENED_MICROS // 2, priority=0, kind=MovementKind.OPENED),
            Credit(Unit.OCTETS, OPENED_UNITS, allowance=ALLOWANCE, kind=MovementKind.OPENED),
        )
        for account_id in ACCOUNTS:
            opening = Open(
                f"open {account_id}",
                1,
                account_id,
                (f"1:imsi:{account_id}",),
                Terms(978, offer=1, credit_limit_micros=CREDIT_LIMIT_MICROS, credits=credits),
            )
            await self.world.store.append_commands(account_id % PARTITIONS, [encode_command(opening)])
        for account_id in ACCOUNTS:
            while (await self.world.store.command_answers(account_id % PARTITIONS, [f"open {account_id}"])) == [None]:
                self.world.run_post()
                await asyncio.sleep(0)

    async def _act(self) -> None:
        """One thing happens."""
        world, draw = self.world, self.random.random()
        if draw < 0.45:
            world.run_post()
        elif draw < 0.80:
            self._send()
        elif draw < 0.86:
            world.clock.at_ns += self.random.randint(1, 300) * 1_000_000
        elif draw < 0.90:
            for engine in list(world.engines):
                await engine.mend()
        elif draw < 0.93:
            await self._top_up()
        elif draw < 0.95:
            self._wait_long()
        elif draw < 0.98 or self.kind == "faults":
            world.inject()
        elif self.kind == "owners":
            await self._change_owners()
        else:
            await self._set_back()

    def _send(self) -> None:
        sent = self.clients.act(self.world.clock.now_ns())
        engines = [engine for engine in self.world.engines if not engine.has_lost]
        if sent and engines:
            self.random.choice(engines).offer(sent)

    def _wait_long(self) -> None:
        """Sessions run out of supervision, but only where no answer is on its way: clients don't sleep on a request."""
        world = self.world
        if self.clients.is_quiet and not world.posts and self.random.random() < 0.3:
            world.clock.at_ns += (SESSION_LIFE_S + 301) * NS_PER_S
            self.clients.slept_at_step = self.clients.step
        for engine in world.engines:
            engine.tick()
            engine.sweep()

    async def _top_up(self) -> None:
        """A new top-up, or one of the last once more, because its sender is not sure."""
        if self.commands and self.random.random() < 0.3:
            command = self.random.choice(self.commands[-3:])
        else:
            credit = drawn_credit(self.random)
            account_id = self.random.choice(ACCOUNTS)
            command = Change(f"top-up {len(self.commands)}", 1, account_id, amounts=(credit,))
            self.commands.append(command)
        await self.world.store.append_commands(command.account_id % PARTITIONS, [encode_command(command)])

    async def _change_owners(self) -> None:
        """An engine is killed, or another takes the partitions while the first goes on."""
        world = self.world
        if self.random.random() < 0.5:
            world.kill(self.random.choice(world.engines))
        while len(world.engines) > 2:
            world.kill(world.engines[0])
        await world.start_engine()

    async def _set_back(self) -> None:
        """Remember the state of a partition, or bring back one that was remembered."""
        if not self.snapshots or self.random.random() < 0.5:
            partition = self.random.randrange(PARTITIONS)
            self.snapshots.append((partition, self.world.store.snapshot(partition), self.clients.step))
            return
        partition, state, _ = self.snapshots.pop()
        self.snapshots.clear()
        self.world.copy_journal()
        self.world.restore(partition, state)
        self.clients.lost_at_step = self.clients.step
        self.restores += 1

    async def _make_peace(self) -> None:
        """No new faults: every request is answered, every session ended or run out, every command decided."""
        world = self.world
        self.clients.step = STEPS
        if not world.engines or world.engines[-1].has_lost:
            await world.start_engine()
        for engine in world.engines[:-1]:
            world.kill(engine)
        for command in self.commands:
            await world.store.append_commands(command.account_id % PARTITIONS, [encode_command(command)])
        for _ in range(PEACE_ROUNDS):
            await self._turn()
            if self.clients.is_finished and await self._all_answered():
                break
            sent = self.clients.finish(world.clock.now_ns())
            for first in range(0, len(sent), 8):
                world.engines[-1].offer(sent[first : first + 8])
        assert self.clients.is_finished, "a request was never answered"
        world.clock.at_ns += (SUPERVISION_WITHOUT_QUOTA_S + 301) * NS_PER_S
        for _ in range(20):
            world.engines[-1].sweep()
            await self._turn()

    async def _turn(self) -> None:
        """Everything that is under way comes to its end."""
        for _ in range(30):
            await self.world.engines[-1].mend()
            while self.world.posts:
                self.world.run_post()
            await asyncio.sleep(0)

    async def _all_answered(self) -> bool:
        answers = [
            await self.world.store.command_answers(command.account_id % PARTITIONS, [command.command_id])
            for command in self.commands
        ]
        return [None] not in answers

    async def _audit(self) -> None:
        store, clients = self.world.store, self.clients
        counted = charged_once(store, PARTITIONS)
        check_records(store, PARTITIONS)
        check_nothing_lost(clients, counted, clients.lost_at_step)
        credited: Totals = await credited_by(store, PARTITIONS, self.commands)
        for account_id in ACCOUNTS:
            for unit, amount in ((Unit.MONEY, OPENED_MICROS), (Unit.OCTETS, OPENED_UNITS)):
                credited[(account_id, unit)] = credited.get((account_id, unit), 0) + amount
        check_books(store, PARTITIONS, clients, counted, credited)
        check_chain(store, PARTITIONS, self.world.archive)


@pytest.mark.parametrize("kind", KINDS)
def test_no_fault_costs_anybody_a_micro(kind: str) -> None:
    """For each seed: all requests answered once and alike, money conserved, charged as the clients' answers say."""
    requests = repeats = upheavals = 0

    # Smaller seeds are no simpler runs: nothing is shrunk.
    @settings(max_examples=SEED_COUNT, deadline=None, derandomize=not IS_SEARCH, phases=(Phase.reuse, Phase.generate))
    @given(st.integers(0, 2**32 - 1))
    def play_one(seed: int) -> None:
        nonlocal requests, repeats, upheavals
        run = Run(seed, kind)
        asyncio.run(run.play())
        gc.collect()  # engines and their arrays refer to each other
        requests += len(run.clients.asked)
        repeats += run.clients.repeated
        upheavals += run.restores if kind == "divergence" else run.world.started - 1

    play_one()
    assert requests > 20 * SEED_COUNT, "clients hardly sent anything"
    assert repeats > 5 * SEED_COUNT, "nothing was sent twice"
    assert upheavals > 0 or kind == "faults", "no store was set back, no engine was replaced"
