"""Identities that were given back are looked up again, however requests write them; others stay remembered."""

import asyncio

import numpy as np

from balances.account_finder import AccountFinder, new_account_finder
from balances.edge.memory_store import MemoryStore
from balances.keys import identity_key
from balances.store import StoreUnreachable
from charging.batch import INITIAL, new_usage_batch
from charging.batch_rows import name_session_and_identity
from charging.routing import find_accounts, remember_identities
from runtime.freed_identities import forget_freed
from tests.reference.engine_alone import fill_batch
from tests.reference.requests import CreditControl
from vocabulary.ids import IdentityKind
from vocabulary.kernel import kernel

SECRET = np.array([3, 5], np.uint64)


class Requests:
    """A request at a time of somebody, as a front end names him, routed and remembered by the kernels."""

    def __init__(self, finder: AccountFinder) -> None:
        self.finder = finder
        self.batch = new_usage_batch(1, 1, 64)

    def _lay(self, kind: IdentityKind, text: str, tenant: int) -> None:
        fill_batch(self.batch, [CreditControl(None, (1, 1), INITIAL, 0, 1, 1, tenant=tenant)])
        octets = np.frombuffer(text.encode(), np.uint8)
        self.batch.octets[: len(octets)] = octets
        self.batch.identities[0] = (0, len(octets), kind, 0)
        self.batch.requests[0]["identity_count"] = 1
        name_row(self.batch, SECRET)

    def whose(self, kind: IdentityKind, text: str, tenant: int = 1) -> int:
        """The account for this process; -1: it is to be looked up."""
        self._lay(kind, text, tenant)
        find_accounts(self.batch, self.finder)
        return int(self.batch.requests[0]["account_id"])

    def remember(self, kind: IdentityKind, text: str, account_id: int, tenant: int = 1) -> None:
        """As after a look-up."""
        self._lay(kind, text, tenant)
        self.batch.requests[0]["account_id"] = account_id
        remember_identities(self.batch, self.finder)


@kernel
def name_row(batch, secret):  # type: ignore[no-untyped-def]
    name_session_and_identity(batch, batch.requests[0], secret)


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
    requests = Requests(finder)
    for text in ("491701", "+491701", "491702"):
        requests.remember(IdentityKind.E164, text, 7)

    async def follow() -> None:
        store = AwayOnce()
        await store.create(1)
        await store.claim_identities([(identity_key(1, "e164", "491701"), 7), (identity_key(1, "imsi", "26201"), 7)])
        task = asyncio.ensure_future(forget_freed(store, finder, SECRET, look_s=0.001))
        while not store.asked:
            await asyncio.sleep(0)
        assert requests.whose(IdentityKind.E164, "491702") == -1, "what was remembered before the stream's end"
        requests.remember(IdentityKind.E164, "491701", 7)
        requests.remember(IdentityKind.E164, "+491701", 7)
        requests.remember(IdentityKind.IMSI, "26201", 7)
        requests.remember(IdentityKind.E164, "491701", 8, tenant=2)
        await store.release_identities([(identity_key(1, "e164", "491701"), 7)])
        async with asyncio.timeout(10):
            while requests.whose(IdentityKind.E164, "491701") >= 0:
                await asyncio.sleep(0.001)
        task.cancel()

    asyncio.run(follow())
    assert requests.whose(IdentityKind.E164, "+491701") == -1
    assert requests.whose(IdentityKind.IMSI, "26201") == 7
    assert requests.whose(IdentityKind.E164, "491701", tenant=2) == 8
    requests.remember(IdentityKind.E164, "491701", 9)
    assert requests.whose(IdentityKind.E164, "491701") == 9
