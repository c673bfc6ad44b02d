"""The sender on a store in memory, with a small engine behind it: races, refusals, ids that are used, and no engine at all."""

import asyncio

import pytest

from balances.commands import (
    GIVEN_ID_OCTETS_MAX,
    Applied,
    Change,
    CommandError,
    CommandIdUsed,
    Credit,
    IdentityTaken,
    Opening,
    Refused,
    Terms,
    Waiting,
)
from balances.edge.command_sender import CommandSender
from balances.keys import identity_key, partition_of
from tests.balances.edge.small_engine import PARTITIONS, SmallEngine, new_store, opening, top_up, with_engine
from tests.balances.edge.stores import run
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit


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
        top_ups = [
            Change(f"t{number}", 1, number, amounts=(Credit(Unit.MONEY, 5),)) for number in (ids[0], ids[1], 10**6)
        ]
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


def test_an_id_is_one_command_in_the_whole_store():
    """Another amount, another account of the same partition or of the other, under an id that is used: nothing moves."""

    async def test(store, sender, engine):
        opened = await sender.open_accounts("file", [opening(number) for number in range(4)])
        ids = [result.account_id for result in opened]
        assert {partition_of(number, PARTITIONS) for number in ids} == {0, 1}
        (paid,) = await sender.send([top_up("pay1", ids[0], 5)])
        assert paid == Applied(ids[0], 105)
        before = dict(engine.balances)
        others = [top_up("pay1", number, 5) for number in ids[1:]]
        for other in (*others, top_up("pay1", ids[0], 50), top_up("pay1", ids[0], 5, priority=3)):
            with pytest.raises(CommandIdUsed, match="id pay1 was used for another command: choose another"):
                await CommandSender(store, PARTITIONS).send([top_up("pay2", ids[0], 1), other])
        assert engine.balances == before
        assert await sender.send([top_up("pay1", ids[0], 5, from_ns=77)]) == [paid], "instants come from the clock"
        assert engine.balances == before

    with_engine(test)


def test_an_id_of_openings_is_these_openings():
    async def test(store, sender, engine):
        (first,) = await sender.open_accounts("order-1", [opening(1)])
        rich = Opening(1, opening(1).identities, Terms(978, credits=(Credit(Unit.MONEY, 9_900),)))
        for other in ([opening(2)], [rich], [opening(1), opening(2)], [opening(1, 5)]):
            with pytest.raises(CommandIdUsed, match="id order-1 was used"):
                await sender.open_accounts("order-1", other)
        keys = [*opening(2).identities, *opening(1, 5).identities[1:]]
        assert await store.find_accounts(keys) == [None, None], "nothing was claimed"
        assert await sender.open_accounts("order-1", [opening(1)]) == [first]
        assert list(engine.balances.values()) == [100]

    with_engine(test)


def test_ids_of_openings_and_of_other_commands_never_meet():
    async def test(_, sender, engine):
        (first,) = await sender.open_accounts("order", [opening(1)])
        for command_id in ("order", "order.0"):
            (result,) = await sender.send([top_up(command_id, first.account_id, 1)])
            assert isinstance(result, Applied)
        assert engine.balances[first.account_id] == 102
        with pytest.raises(CommandError, match="ids of opened accounts begin with opening:"):
            await sender.send([top_up("opening:order.0", first.account_id, 1)])

    with_engine(test)


@pytest.mark.parametrize("command_id", ["", "x" * (GIVEN_ID_OCTETS_MAX + 1), "a\nb"])
def test_an_id_that_does_not_fit_claims_nothing(command_id):
    async def test(store, sender, _):
        with pytest.raises(CommandError, match=f"choose 1..{GIVEN_ID_OCTETS_MAX} printable ones"):
            await sender.open_accounts(command_id, [opening(1)])
        assert await store.find_accounts(opening(1).identities) == [None]
        longest = "x" * GIVEN_ID_OCTETS_MAX
        (result,) = await sender.open_accounts(longest, [opening(1)])
        assert isinstance(result, Applied)

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
        (result,) = await sender.send([Change("t", 1, 1, amounts=(Credit(Unit.MONEY, 5),))])
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
