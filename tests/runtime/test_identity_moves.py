"""Who remembers accounts forgets identities that change hands, also where the look-up was under way or the store away."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import numpy as np

from balances.account_finder import find_account, remember_account
from balances.edge.memory_store import MemoryStore
from balances.identity_moves import IdentitiesMoved, IdentityMove, MoveIdentities
from balances.store import StoreUnreachable
from charging.batch import INITIAL, UsageBatch
from runtime.account_look_up import AccountLookUp
from runtime.batch_in_flight import BatchPool
from runtime.identity_moves import follow_identity_moves
from tests.runtime.test_batcher import hash_of, offer
from vocabulary.digest import digest128
from vocabulary.ids import IdentityKind

NUMBER = "491700000001"
KEY = f"1:e164:{NUMBER}"


class Pausing(MemoryStore):
    """A store that lets others run before it says that there is no move, and can be away."""

    is_away = False

    async def identity_moves(self, after: str, count: int, *, wait_ms: int = 0) -> list[IdentityMove]:
        """See IdentityLog."""
        await asyncio.sleep(0)
        if self.is_away:
            raise StoreUnreachable("away")
        return await super().identity_moves(after, count, wait_ms=wait_ms)


class Scene:
    """A look-up that follows a store."""

    def __init__(self) -> None:
        self.store = Pausing()
        self.look_up = AccountLookUp(
            store=self.store, pool=BatchPool(), offer=lambda batch: 0, deliver=lambda batch: None
        )

    def digest(self, text: str) -> tuple[int, int]:
        octets = np.frombuffer(text.encode(), np.uint8).copy()
        high, low = digest128(octets, 0, len(text), self.store.meta.secret, 16 + IdentityKind.E164)
        return np.uint64(high), np.uint64(low)

    def remember(self, text: str, account_id: int) -> None:
        remember_account(self.look_up.finder, *self.digest(text), account_id, 0)

    def remembered(self, text: str) -> int | None:
        place = find_account(self.look_up.finder, *self.digest(text))
        return None if place < 0 else int(self.look_up.finder.places[place]["account_id"])

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


def following(test: Callable[[Scene], Awaitable[None]]) -> None:
    async def run() -> None:
        scene = Scene()
        await scene.store.create(1)
        task = asyncio.ensure_future(follow_identity_moves(scene.store, scene.look_up, process="engine", retry_s=0))
        await scene.settle()
        try:
            await test(scene)
        finally:
            task.cancel()

    asyncio.run(asyncio.wait_for(run(), 30))


def test_a_number_that_leaves_is_forgotten_in_both_forms_and_no_other() -> None:
    async def test(scene: Scene) -> None:
        await scene.store.claim_identities([(KEY, 4), ("1:e164:492", 5)])
        for text, account_id in ((NUMBER, 4), (f"+{NUMBER}", 4), ("492", 5)):
            scene.remember(text, account_id)
        assert await scene.store.move_identities(MoveIdentities("m", 1, 4, remove=(KEY,))) == IdentitiesMoved()
        await scene.settle()
        assert [scene.remembered(text) for text in (NUMBER, f"+{NUMBER}", "492")] == [-1, -1, 5]

    following(test)


def test_after_the_store_was_away_everything_is_asked_anew() -> None:
    async def test(scene: Scene) -> None:
        scene.remember(NUMBER, 4)
        scene.store.is_away = True
        await scene.settle()
        scene.store.is_away = False
        await scene.settle()
        assert scene.remembered(NUMBER) is None

    following(test)


class Front:
    """Takes a tick's requests, whose accounts nobody knows, as a front end does."""

    def __init__(self, look_up: AccountLookUp) -> None:
        self._look_up = look_up

    def offer_batch(self, usage: UsageBatch) -> None:
        """Have them looked up."""
        self._look_up.later(usage, np.zeros(1, np.int32), 0, 1)


def test_what_was_asked_before_a_move_is_not_remembered_behind_it() -> None:
    async def test(scene: Scene) -> None:
        asked, moves = scene.store.find_accounts, [MoveIdentities("m", 1, 4, remove=(KEY,))]

        async def find_then_move(keys: Sequence[str]) -> list[tuple[int, int] | None]:
            found = await asked(keys)
            if moves:
                await scene.store.move_identities(moves.pop())
                await scene.settle()
            return found

        scene.store.find_accounts = find_then_move  # type: ignore[method-assign]
        high = np.uint64(hash_of(NUMBER))

        async def ask() -> int:
            offer(Front(scene.look_up), [(1, INITIAL, 1, [(IdentityKind.E164, NUMBER)])])
            while scene.look_up.waiting:
                await asyncio.sleep(0)
            return int(find_account(scene.look_up.finder, high, high))

        await scene.store.claim_identities([(KEY, 4)])
        assert await ask() < 0, "the answer was of before the move"
        await scene.store.claim_identities([(KEY, 5)])
        await scene.settle()
        assert scene.look_up.finder.places[await ask()]["account_id"] == 5

    following(test)
