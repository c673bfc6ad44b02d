"""A notifier's turn: one of a store tells clients, the others wait, and one of them goes on when it dies."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog

from balances.edge.redis_store import RedisStore
from balances.notifier_claim import NO_CLAIM, ClaimWatch, NotifierClaim, NotifierLostError
from balances.store import StoreError

BEAT_S: Final = 0.5
LOOK_S: Final = 0.25


class Turn:
    """The claim of one notifier.

    node   whose: no two of a name run at a time
    """

    def __init__(self, store: RedisStore, node: str, *, now_ns: Callable[[], int]) -> None:
        self.claim = NO_CLAIM
        """ours, while it is ours"""
        self._store = store
        self._node = node
        self._now_ns = now_ns
        self._watch = ClaimWatch(node)
        self._log = structlog.get_logger(process="notifier")

    @property
    def is_ours(self) -> bool:
        """Do we tell clients?"""
        return self.claim.node != ""

    @property
    def epoch(self) -> int:
        """Of our claim."""
        return self.claim.epoch

    async def take(self) -> NotifierClaim:
        """Take the turn where it is free; who has it. StoreError."""
        try:
            stored = await self._store.notifier_claim()
            if self._watch.is_free(stored, self._now_ns()):
                mine = NotifierClaim(stored.epoch + 1, self._node, 0)
                if await self._store.swap_notifier_claim(stored, mine):
                    self.claim = stored = mine
        except StoreError:
            self._watch.forget()
            raise
        return stored

    async def wait(self) -> None:
        """Until it is ours."""
        said = ""
        while not self.is_ours:
            try:
                holder = (await self.take()).node
                if self.is_ours:
                    return
                if holder != said:
                    self._log.info("notifier stands by", telling=holder)
                    said = holder
            except StoreError as error:
                self._log.info("notifier waits", reason=str(error))
            await asyncio.sleep(LOOK_S)

    async def keep(self) -> None:
        """Say that we live, for ever. NotifierLostError once another has the turn."""
        while True:
            await asyncio.sleep(BEAT_S)
            fresh = self.claim._replace(beat=self.claim.beat + 1)
            with suppress(StoreError):  # while the store is away the others can't look either
                if not await self._store.swap_notifier_claim(self.claim, fresh):
                    raise NotifierLostError("another notifier tells clients")
                self.claim = fresh

    async def give_up(self) -> None:
        """Leave it to whoever comes; where that can't be said, others wait until we were silent long enough."""
        if self.is_ours:
            mine, self.claim = self.claim, NO_CLAIM
            with suppress(StoreError):
                await self._store.swap_notifier_claim(mine, mine._replace(node=""))
