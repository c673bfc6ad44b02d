"""An engine of a few lines behind a store in memory, for tests of who sends commands; openings and top-ups in few words."""

import asyncio

from balances.command_octets import decode_command, encode_answer
from balances.commands import Applied, Change, Credit, Open, Opening, Refused, Terms
from balances.edge.command_sender import CommandSender
from balances.edge.memory_store import MemoryStore
from balances.keys import identity_key, partition_of
from balances.store import Committed, EntryId, Expiring
from tests.balances.edge.commits import after, commit_of, exchange, first_of
from tests.balances.edge.stores import run
from tests.reference.account import Account
from tests.reference.record_octets import encode_account
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

PARTITIONS = 2
TERMS = Terms(978, credits=(Credit(Unit.MONEY, 100),))


class SmallEngine:
    """Answers the commands of every partition as an engine does: once each by its id, in commits of a few."""

    def __init__(self, store):
        self.store = store
        self.balances = {}
        self.decided = []
        self.refuses = set()

    async def work(self):
        """Decide what is there, for ever."""
        owners = []
        for partition in range(PARTITIONS):
            ownership = await self.store.claim(partition, "small", wall_ms=1, last_epoch=0)
            owners.append([ownership, await self.store.connect(ownership), ownership.tail, ownership.commands_position])
        while True:
            for owner in owners:
                await self._decide(owner)
            await asyncio.sleep(0)

    async def _decide(self, owner):
        ownership, connection, tail, position = owner
        rows = await self.store.read_commands(ownership.partition, position, 7)
        if not rows:
            return
        answers = []
        for row in rows:
            command = decode_command(row.octets)
            (known,) = await self.store.command_answers(ownership.partition, [command.command_id])
            if known is None and all(name != f"command:{command.command_id}" for name, _, _ in answers):
                answer = encode_answer(self._apply(command))
                answers.append(Expiring(f"command:{command.command_id}", answer, 60))
        entry_id = first_of(ownership) if tail == EntryId(0, 0) else after(tail)
        commit = commit_of(ownership, entry_id, tail, expiring=answers, commands_position=rows[-1].position)
        assert (await exchange(connection, commit)).commit == Committed()
        owner[2:] = [entry_id, rows[-1].position]

    def _apply(self, command):
        self.decided.append(command.command_id)
        account_id = command.account_id
        if isinstance(command, Open):
            if account_id in self.balances or set(command.identities) & self.refuses:
                return Refused(account_id, Outcome.UNABLE_TO_COMPLY)
            self.balances[account_id] = sum(credit.amount for credit in command.terms.credits)
            self._write_record(command, command.terms.status)
        elif account_id not in self.balances:
            return Refused(account_id, Outcome.USER_UNKNOWN)
        else:
            self.balances[account_id] += sum(credit.amount for credit in command.credits)
            if command.status:
                self._write_record(command, command.status)
        return Applied(account_id, self.balances[account_id])

    def _write_record(self, command, status):
        """A record of which senders read the status alone."""
        partition = partition_of(command.account_id, PARTITIONS)
        state = self.store.snapshot(partition)
        state.accounts[(command.tenant, command.account_id)] = encode_account(
            Account(command.account_id, command.tenant, status=status)
        )
        self.store.restore(partition, state)


def opening(number, *more):
    keys = (identity_key(1, "e164", f"49{number:05}"), *(identity_key(1, "imsi", str(other)) for other in more))
    return Opening(1, keys, TERMS)


async def new_store():
    store = MemoryStore()
    await store.create(PARTITIONS)
    return store


def with_engine(test):
    """Run `test(store, sender, engine)` while a small engine works."""

    async def whole():
        store = await new_store()
        engine = SmallEngine(store)
        task = asyncio.ensure_future(engine.work())
        try:
            await test(store, CommandSender(store, PARTITIONS), engine)
        finally:
            while not task.done():  # asyncio.wait_for of 3.11 swallows a cancellation that meets a reply: cancel again
                task.cancel()
                await asyncio.wait([task], timeout=0.1)

    run(whole)


def top_up(command_id, account_id, amount, **more):
    return Change(command_id, 1, account_id, amounts=(Credit(Unit.MONEY, amount, **more),))
