"""Identities change hands whole or not at all, once under an id, and whoever follows hears of each."""

import pytest

from balances.commands import CommandError, CommandIdUsed, IdentityTaken
from balances.edge.memory_store import MemoryStore
from balances.identity_moves import IdentitiesMoved, IdentityNotHeld, MoveIdentities
from tests.balances.edge.stores import Harness, opened, run

NUMBER, OLD_SIM, NEW_SIM, FOREIGN = "1:e164:491701", "1:imsi:262011", "1:imsi:262012", "1:imsi:262019"


def swap(command_id: str = "swap") -> MoveIdentities:
    return MoveIdentities(command_id, 1, 7, add=(NEW_SIM,), remove=(OLD_SIM,))


async def furnish(store: MemoryStore) -> None:
    assert await store.claim_identities([(NUMBER, 7), (OLD_SIM, 7), (FOREIGN, 9)]) == [None] * 3
    assert await store.identity_moves("0-0", 9) == [], "a first claim leads nobody astray"


def test_a_swap_is_done_once_and_said(harness: Harness) -> None:
    async def test() -> None:
        async with opened(harness) as store:
            await furnish(store)
            assert await store.move_identities(swap()) == IdentitiesMoved()
            assert await store.find_accounts([NUMBER, OLD_SIM, NEW_SIM]) == [(7, 0), None, (7, 0)]
            first = await store.identity_moves("0-0", 9)
            assert [move.key for move in first] == [NEW_SIM, OLD_SIM]
            assert await store.last_identity_move() == first[-1].position
            assert await store.identity_moves(first[0].position, 9) == first[1:]
            back = MoveIdentities("back", 1, 7, add=(OLD_SIM,), remove=(NEW_SIM,))
            assert await store.move_identities(back) == IdentitiesMoved()
            assert await store.move_identities(swap()) == IdentitiesMoved(), "it was done; it isn't done again"
            assert await store.find_accounts([OLD_SIM, NEW_SIM]) == [(7, 1), None]
            assert len(await store.identity_moves("0-0", 9)) == 4

    run(test)


def test_what_is_anothers_or_not_ones_own_changes_nothing(harness: Harness) -> None:
    async def test() -> None:
        async with opened(harness) as store:
            await furnish(store)
            taken = MoveIdentities("a", 1, 7, add=(NEW_SIM, FOREIGN), remove=(OLD_SIM,))
            assert await store.move_identities(taken) == IdentityTaken(FOREIGN, 9)
            strange = MoveIdentities("b", 1, 7, add=(NEW_SIM,), remove=(FOREIGN,))
            assert await store.move_identities(strange) == IdentityNotHeld(FOREIGN, 9)
            nobodys = MoveIdentities("c", 1, 7, remove=("1:imsi:1",))
            assert await store.move_identities(nobodys) == IdentityNotHeld("1:imsi:1", 0)
            assert await store.find_accounts([OLD_SIM, NEW_SIM, FOREIGN]) == [(7, 0), None, (9, 0)]
            await store.move_identities(swap())
            with pytest.raises(CommandIdUsed, match="swap"):
                await store.move_identities(MoveIdentities("swap", 1, 7, add=("1:imsi:5",)))
            assert await store.find_accounts(["1:imsi:5"]) == [None]

    run(test)


def test_who_takes_a_left_identity_is_said(harness: Harness) -> None:
    """An opening with a number that was somebody's: who remembers the one before has to ask again."""

    async def test() -> None:
        async with opened(harness) as store:
            await furnish(store)
            await store.move_identities(MoveIdentities("leave", 1, 7, remove=(NUMBER,)))
            position = await store.last_identity_move()
            assert await store.claim_identities([(NUMBER, 8), (NUMBER, 9)]) == [None, 8]
            assert [move.key for move in await store.identity_moves(position, 9)] == [NUMBER]
            await store.release_identities([(NUMBER, 9), (NUMBER, 8), (OLD_SIM, 7)])
            assert await store.find_accounts([NUMBER, OLD_SIM]) == [None, None]
            assert [move.key for move in await store.identity_moves(position, 9)] == [NUMBER] * 2
            assert await store.claim_identities([(NUMBER, 7)]) == [None]

    run(test)


@pytest.mark.parametrize(
    ("add", "remove", "problem"),
    [
        ((), (), "both missing"),
        ((NUMBER,), (NUMBER,), "say one twice"),
        (("2:imsi:1",), (), "not of tenant 1"),
        (("imsi",), (), "no key"),
    ],
)
def test_a_move_that_can_not_be_is_none(add: tuple[str, ...], remove: tuple[str, ...], problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        MoveIdentities("m", 1, 7, add, remove)
