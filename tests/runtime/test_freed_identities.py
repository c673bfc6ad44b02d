"""Identities that were given back are looked up again, however requests write them; others stay remembered."""

import asyncio

import numpy as np

from balances.account_finder import AccountFinder, find_account, new_account_finder, remember_account
from balances.edge.memory_store import MemoryStore
from balances.keys import identity_key
from balances.store import StoreUnreachable
from runtime.freed_identities import forget_freed
from vocabulary.digest import digest128
from vocabulary.ids import IdentityKind

SECRET = np.array([3, 5], np.uint64)


def digest(kind: IdentityKind, text: str, tenant: int = 1) -> tuple[int, int]:
    """As a front end names the identity of a request."""
    octets = np.frombuffer(text.encode(), np.uint8)
    high, low = digest128(octets, 0, len(octets), SECRET, tenant * 16 + kind)
    return high, low


def account_of(finder: AccountFinder, kind: IdentityKind, text: str, tenant: int = 1) -> int:
    """Whose it is for this process; -1: it is to be looked up."""
    place = find_account(finder, *digest(kind, text, tenant))
    return int(finder.places[place]["account_id"]) if place >= 0 else -1


def remember(finder: AccountFinder, kind: IdentityKind, text: str, account_id: int, tenant: int = 1) -> None:
    remember_account(finder, *digest(kind, text, tenant), account_id, 0)


class AwayOnce(MemoryStore):
    """A store in memory that is away when it is asked for the second time."""

    asked = 0

    async def freed_identities(self, after: str | None) -> tuple[str, list[str]]:
        self.asked += 1
        if self.asked == 2:
            raise StoreUnreachable("away")
        return await super().freed_identities(after)


def test_what_was_given_back_is_forgotten() -> None:
    finder = new_account_finder(64)
    for text in ("491701", "+491701", "491702"):
        remember(finder, IdentityKind.E164, text, 7)

    async def follow() -> None:
        store = AwayOnce()
        await store.create(1)
        await store.claim_identities([(identity_key(1, "e164", "491701"), 7), (identity_key(1, "imsi", "26201"), 7)])
        task = asyncio.ensure_future(forget_freed(store, finder, SECRET, look_s=0.001))
        while not store.asked:
            await asyncio.sleep(0)
        assert account_of(finder, IdentityKind.E164, "491702") == -1, "what was remembered before the stream's end"
        remember(finder, IdentityKind.E164, "491701", 7)
        remember(finder, IdentityKind.E164, "+491701", 7)
        remember(finder, IdentityKind.IMSI, "26201", 7)
        remember(finder, IdentityKind.E164, "491701", 8, tenant=2)
        await store.release_identities([(identity_key(1, "e164", "491701"), 7)])
        async with asyncio.timeout(10):
            while account_of(finder, IdentityKind.E164, "491701") >= 0:
                await asyncio.sleep(0.001)
        task.cancel()

    asyncio.run(follow())
    assert account_of(finder, IdentityKind.E164, "+491701") == -1
    assert account_of(finder, IdentityKind.IMSI, "26201") == 7
    assert account_of(finder, IdentityKind.E164, "491701", tenant=2) == 8
    remember(finder, IdentityKind.E164, "491701", 9)
    assert account_of(finder, IdentityKind.E164, "491701") == 9
