"""The sender on a store in memory, with a small engine behind it: races, cut-offs, refusals, and no engine at all."""

import asyncio

import pytest

from balances.commands import (
    Applied,
    Credit,
    IdentityTaken,
    Open,
    Opening,
    Refused,
    Terms,
    TopUp,
    Waiting,
    decode_command,
    encode_answer,
)
from balances.edge import command_sender
from balances.edge.command_sender import CommandSender
from balances.edge.memory_store import MemoryStore
from balances.keys import identity_key, partition_of
from balances.store import Committed, EntryId, Expiring, StoreUnreachable
from tests.balances.edge.commits import after, commit_of, exchange, first_of
from tests.balances.edge.stores import run
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
        elif account_id not in self.balances:
            return Refused(account_id, Outcome.USER_UNKNOWN)
        else:
            self.balances[account_id] += sum(credit.amount for credit in command.credits)
        return Applied(account_id, self.balances[account_id])


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


def test_accounts_are_opened_and_topped_up():
    async def test(store, sender, engine):
        seen = []
        rows = [opening(number) for number in range(50)]
        results = await sender.open_accounts("file", rows, progress=seen.append)
        assert all(isinstance(result, Applied) and result.remaining == 100 for result in results)
        ids = [result.account_id for result in results]
        assert ids == list(range(ids[0], ids[0] + 50)), "numbers follow the rows"
        assert await store.find_accounts([row.identities[0] for row in rows]) == [(number, 0) for number in ids]
        assert seen == sorted(seen)
        assert (seen[0], seen[-1]) == (0, 50)
        top_ups = [TopUp(f"t{number}", 1, number, (Credit(Unit.MONEY, 5),)) for number in (ids[0], ids[1], 10**6)]
        results = await sender.send(top_ups)
        assert results == [Applied(ids[0], 105), Applied(ids[1], 105), Refused(10**6, Outcome.USER_UNKNOWN)]
        assert await sender.send(top_ups) == results, "the same ids get the same answers"
        assert engine.balances[ids[0]] == 105
        assert await sender.open_accounts("none", []) == []

    with_engine(test)


def test_nothing_opens_twice_for_the_same_batch():
    async def test(store, sender, engine):
        rows = [opening(number) for number in range(20)]
        first = await sender.open_accounts("file", rows)
        assert await CommandSender(store, PARTITIONS).open_accounts("file", rows) == first
        assert len(engine.decided) == len(set(engine.decided)) == 20

    with_engine(test)


def test_of_two_who_want_an_identity_one_gets_it():
    """Two batches at once want the same identities, in other orders: each identity leads to one account, which opened."""

    async def test(store, sender, engine):
        ones = [opening(number, 1000 + number) for number in range(30)]
        twos = [opening(number, 2000 + number) for number in reversed(range(30))]
        found = await asyncio.gather(
            sender.open_accounts("one", ones), CommandSender(store, PARTITIONS).open_accounts("two", twos)
        )
        for number in range(30):
            pair = [found[0][number], found[1][29 - number]]
            (won,) = [result for result in pair if isinstance(result, Applied)]
            (lost,) = [result for result in pair if isinstance(result, IdentityTaken)]
            assert lost == IdentityTaken(identity_key(1, "e164", f"49{number:05}"), won.account_id)
            assert await store.find_accounts([lost.identity]) == [(won.account_id, 0)]
        others = [identity_key(1, "imsi", str(base + number)) for base in (1000, 2000) for number in range(30)]
        held = [row for row in await store.find_accounts(others) if row is not None]
        assert len(held) == 30, "who lost gave the others back"
        assert len(engine.balances) == 30

    with_engine(test)


def test_same_identity_twice_in_a_batch_opens_the_first():
    async def test(_, sender, engine):
        results = await sender.open_accounts("file", [opening(1), opening(2), opening(1, 77)])
        assert [type(result) for result in results] == [Applied, Applied, IdentityTaken]
        assert results[2].account_id == results[0].account_id
        assert len(engine.balances) == 2

    with_engine(test)


def test_refused_opening_gives_its_identities_back():
    async def test(store, sender, engine):
        rows = [opening(1), opening(2)]
        engine.refuses = set(rows[1].identities)
        results = await sender.open_accounts("file", rows)
        assert [type(result) for result in results] == [Applied, Refused]
        assert await store.find_accounts([rows[1].identities[0]]) == [None]
        assert await store.find_accounts([rows[0].identities[0]]) == [(results[0].account_id, 0)]

    with_engine(test)


class CutOff(Exception):
    """The sender's process ends here."""


@pytest.mark.parametrize("step", ["allot_accounts", "claim_identities", "append_commands", "command_answers"])
@pytest.mark.parametrize("is_done", [False, True])
def test_import_that_was_cut_off_goes_on_where_it_was(monkeypatch, step, is_done):
    """Before or after any step of any chunk; the same rows again open the rest, and nothing twice."""
    monkeypatch.setattr(command_sender, "_CHUNK_ROWS", 4)

    async def test(store, sender, engine):
        rows = [opening(number) for number in range(14)]
        real, calls = getattr(store, step), []

        async def cut(*arguments):
            calls.append(arguments)
            if len(calls) == (1 if step == "allot_accounts" else 2):
                if is_done:
                    await real(*arguments)
                raise CutOff
            return await real(*arguments)

        monkeypatch.setattr(store, step, cut)
        with pytest.raises(CutOff):
            await sender.open_accounts("file", rows)
        monkeypatch.setattr(store, step, real)
        results = await CommandSender(store, PARTITIONS).open_accounts("file", rows)
        assert [type(result) for result in results] == [Applied] * 14
        assert sorted(engine.balances) == [result.account_id for result in results]
        assert set(engine.balances.values()) == {100}
        assert len(engine.decided) == len(set(engine.decided))

    with_engine(test)


@pytest.mark.parametrize("is_done", [False, True])
def test_reply_of_an_append_that_is_lost_is_no_reason_to_stop(monkeypatch, is_done):
    async def test(store, sender, engine):
        real, calls = store.append_commands, []

        async def lose(*arguments):
            calls.append(arguments)
            if len(calls) == 1:
                if is_done:
                    await real(*arguments)
                raise StoreUnreachable("no store answers")
            await real(*arguments)

        monkeypatch.setattr(store, "append_commands", lose)
        results = await sender.open_accounts("file", [opening(number) for number in range(6)])
        assert [type(result) for result in results] == [Applied] * 6
        assert len(engine.decided) == 6

    with_engine(test)


def test_store_that_stays_away_is_told(monkeypatch):
    async def test(store, sender, _):
        async def away(*_):
            raise StoreUnreachable("no store answers at nowhere")

        monkeypatch.setattr(store, "append_commands", away)
        with pytest.raises(StoreUnreachable, match="nowhere"):
            await sender.open_accounts("file", [opening(1)])

    with_engine(test)


def test_without_an_engine_commands_wait_and_are_decided_when_one_starts():
    async def test():
        store = await new_store()
        rows = [opening(number) for number in range(3)]
        sender = CommandSender(store, PARTITIONS, no_owner_s=0.0)
        results = await sender.open_accounts("file", rows)
        for row, result in enumerate(results):
            partition = partition_of(row + 1, PARTITIONS)
            assert isinstance(result, Waiting)
            assert result.reason.startswith(f"no engine runs for partition {partition}: the command waits in the store")
        engine = SmallEngine(store)
        task = asyncio.ensure_future(engine.work())
        results = await CommandSender(store, PARTITIONS).open_accounts("file", rows)
        task.cancel()
        assert [type(result) for result in results] == [Applied] * 3
        assert len(engine.decided) == 3

    run(test)


def test_engine_that_answers_nothing_is_told_apart():
    async def test():
        store = await new_store()
        for partition in range(PARTITIONS):
            await store.connect(await store.claim(partition, "dumb", wall_ms=1, last_epoch=0))
        sender = CommandSender(store, PARTITIONS, no_owner_s=0.0, patience_s=0.02)
        (result,) = await sender.send([TopUp("t", 1, 1, (Credit(Unit.MONEY, 5),))])
        assert isinstance(result, Waiting)
        assert result.reason.startswith("the engine of partition 1 has answered nothing for")

    run(test)


def test_while_an_engine_is_silent_few_answers_are_asked_for():
    """Thousands wait, three of them are asked for at a time; once one of these is there all are taken."""

    async def test():
        store = await new_store()
        await store.claim(0, "silent", wall_ms=1, last_epoch=0)
        await store.claim(1, "silent", wall_ms=1, last_epoch=0)
        real, asked = store.command_answers, []

        async def counted(partition, command_ids):
            asked.append(len(command_ids))
            return await real(partition, command_ids)

        store.command_answers = counted
        sender = CommandSender(store, PARTITIONS, patience_s=0.2)
        results = await sender.open_accounts("file", [opening(number) for number in range(3000)])
        assert {type(result) for result in results} == {Waiting}
        before_appending = [1500, 1500]
        assert sorted(asked)[-2:] == before_appending
        assert set(sorted(asked)[:-2]) == {3}

    run(test)
