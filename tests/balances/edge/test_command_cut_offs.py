"""A sender that is cut off, or whose store goes away, at any step: the same rows again open the rest, and nothing twice."""

import pytest

from balances.commands import Applied, Change, IdentityTaken, Waiting
from balances.edge import command_sender
from balances.edge.command_sender import CommandSender
from balances.record import AccountStatus
from balances.store import StoreUnreachable
from tests.balances.edge.small_engine import PARTITIONS, new_store, opening, with_engine
from tests.balances.edge.stores import run


class CutOff(Exception):
    """The sender's process ends here."""


def test_claim_of_an_opening_that_was_cut_off_is_taken_over(monkeypatch):
    """A claim without account or command blocks nobody; one whose command waits does; the one cut off finds itself late."""

    async def test():
        store = await new_store()
        sender = CommandSender(store, PARTITIONS, no_owner_s=0.0, cut_off_s=0.01)
        real = store.append_commands

        async def cut(*_):
            raise CutOff

        monkeypatch.setattr(store, "append_commands", cut)
        with pytest.raises(CutOff):
            await sender.open_accounts("cut", [opening(1, 10)])
        monkeypatch.setattr(store, "append_commands", real)
        (late,) = await sender.open_accounts("next", [opening(1)])
        assert isinstance(late, Waiting), "it has the identity, and no engine runs"
        (owner,) = await store.find_accounts(opening(1).identities)
        assert owner == (2, 0)
        (third,) = await sender.open_accounts("third", [opening(1)])
        assert third == IdentityTaken(opening(1).identities[0], 2), "the second's command waits"
        (again,) = await sender.open_accounts("cut", [opening(1, 10)])
        assert again == IdentityTaken(opening(1, 10).identities[0], 2)

    run(test)


def test_identities_of_a_closed_account_go_to_the_next_that_is_opened_with_them():
    """Until then they lead to the closed one; one that is barred keeps its own; the account's number is not given again."""

    async def test(store, sender, engine):
        (one, two) = await sender.open_accounts("first", [opening(1, 10), opening(2)])
        (result,) = await sender.send([Change("bar", 1, two.account_id, status=AccountStatus.BARRED)])
        assert isinstance(result, Applied)
        await sender.send([Change("close", 1, one.account_id, status=AccountStatus.CLOSED)])
        assert await store.find_accounts(opening(1).identities) == [(one.account_id, 0)]
        place, _ = await store.freed_identities(None)
        new, other = await sender.open_accounts("second", [opening(1), opening(2)])
        assert other == IdentityTaken(opening(2).identities[0], two.account_id)
        assert isinstance(new, Applied)
        assert new.account_id not in (one.account_id, two.account_id)
        assert await store.find_accounts(opening(1, 10).identities) == [(new.account_id, 0), (one.account_id, 0)]
        _, freed = await store.freed_identities(place)
        assert opening(1).identities[0] in freed
        assert opening(1, 10).identities[1] not in freed
        (late,) = await sender.send([Change("close-2", 1, one.account_id, status=AccountStatus.CLOSED)])
        assert isinstance(late, Applied)
        assert await store.find_accounts(opening(1).identities) == [(new.account_id, 0)]

    with_engine(test)


def test_claims_that_were_taken_over_meanwhile_are_seen_before_the_command_is_sent(monkeypatch):
    """A long import claims its last rows long before it sends them: who takes it for cut off gets the identity alone."""

    async def test(store, sender, engine):
        rows = [opening(number) for number in range(3)]
        real, calls = store.claim_identities, []

        async def lose_one(claims):
            calls.append(claims)
            if len(calls) == 2:
                monkeypatch.setattr(store, "claim_identities", real)
                await store.release_identities([(rows[1].identities[0], 2)])
                assert await real([(rows[1].identities[0], 77)]) == [None]
            return await real(claims)

        monkeypatch.setattr(store, "claim_identities", lose_one)
        results = await sender.open_accounts("file", rows)
        assert [type(result) for result in results] == [Applied, IdentityTaken, Applied]
        assert results[1] == IdentityTaken(rows[1].identities[0], 77)
        assert await store.find_accounts(rows[1].identities) == [(77, 0)]
        assert sorted(engine.balances) == [1, 3]

    with_engine(test)


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
