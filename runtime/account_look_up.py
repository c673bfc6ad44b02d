"""Accounts of requests that this process doesn't know: remembered by identity and session, else asked from the store.

Whoever routes requests has one of these: the batcher of an engine with a front end in its process, and each front-end
process. Requests of unknown accounts gather apart, are looked up together, and are offered again. What costs Python a
request is here, and nowhere else on its way.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from balances.account_finder import AccountFinder, new_account_finder
from balances.keys import identity_key
from balances.store import BalanceStore, StoreError
from charging.batch import (
    COUNT_IDENTITIES,
    COUNT_OCTETS,
    COUNT_REQUESTS,
    EVENT,
    INITIAL,
    TERMINATION,
    UPDATE,
    UsageBatch,
)
from charging.batch_rows import answer_refused, refuse_undecided, take_rows
from charging.routing import forget_identity, refuse_excess, remember_identities, remember_sessions
from runtime.batch_in_flight import BatchInFlight, BatchPool
from vocabulary.ids import IDENTITY_WORDS, IdentityKind
from vocabulary.limits import ANSWER_DEADLINE_S, REQUESTS_LOOKED_UP_MAX, REQUESTS_QUEUED_NEW_SESSIONS_MAX
from vocabulary.outcomes import Outcome

LOOK_UPS_MAX: Final = 512
"""Requests whose identities one look-up asks the store for."""
LOOK_UPS_AT_ONCE: Final = 4
"""Look-ups that are under way at once: the store answers them one after another anyway, the rest gathers meanwhile."""
_LOOK_UP_BATCHES_MAX: Final = 2 * REQUESTS_LOOKED_UP_MAX // LOOK_UPS_MAX
_SUBSCRIPTION_ID_CODE: Final = 443


class AccountLookUp:
    """Finds accounts in the store, and remembers them.

    offer     takes a batch again whose requests have their accounts or an outcome; as Batcher.offer
    deliver   gets requests that are answered here
    spawn     runs a look-up
    """

    def __init__(
        self,
        *,
        store: BalanceStore,
        pool: BatchPool,
        offer: Callable[[UsageBatch], int],
        deliver: Callable[[BatchInFlight], None],
        spawn: Callable[[Coroutine[Any, Any, None]], object] = asyncio.ensure_future,
    ) -> None:
        self.finder: AccountFinder = new_account_finder()
        self.looked_up_total = 0
        self.refused_total = 0
        self._store = store
        self._pool = pool
        self._offer = offer
        self._deliver = deliver
        self._spawn = spawn
        self._to_look_up: deque[tuple[float, BatchInFlight]] = deque()
        """(loop time at which its requests are refused, requests whose account is to be looked up)"""
        self._unknown_count = 0
        """requests that wait for a look-up or are looked up"""
        self._look_up_count = 0
        self._forgotten_count = 0
        """calls of `forget` and `forget_all`: what was asked before the last of them is not remembered"""

    @property
    def waiting(self) -> int:
        """Requests that wait for a look-up or are looked up."""
        return self._unknown_count

    def forget(self, key: str, secret: NDArray[np.uint64]) -> None:
        """The identity of this key of the store changed hands: ask for it anew, in each form in which requests bring it."""
        self._forgotten_count += 1
        tenant, word, value = key.split(":", 2)
        kind = IDENTITY_WORDS.index(word)
        for text in (value, f"+{value}") if kind == IdentityKind.E164 else (value,):
            octets = np.frombuffer(text.encode(), np.uint8).copy()
            forget_identity(self.finder, octets, secret, int(tenant) * 16 + kind)

    def forget_all(self) -> None:
        """Ask for every identity and session anew."""
        self._forgotten_count += 1
        self.finder = new_account_finder()

    def later(self, source: UsageBatch, rows: NDArray[np.int32], first: int, count: int) -> None:
        """Copy rows[first:first + count] of `source` aside until the store is asked for their accounts.

        At the limits new sessions are refused first, then everything (TOO_BUSY), which `refused_total` counts.
        """
        asked = self._unknown_count + count
        if asked > REQUESTS_QUEUED_NEW_SESSIONS_MAX:
            is_full = asked > REQUESTS_LOOKED_UP_MAX or len(self._to_look_up) > _LOOK_UP_BATCHES_MAX
            kept = int(refuse_excess(source, rows, first, count, is_full))
            self.refused_total += count - kept
            count = kept
        self._unknown_count += count
        while count:
            waiting = self._waiting_batch()
            room = LOOK_UPS_MAX - waiting.request_count
            taken = int(take_rows(waiting.usage, source, rows, first, min(count, room)))
            if taken == 0:
                self._append_waiting()
            first, count = first + taken, count - taken
        is_batch_full = self._to_look_up and self._to_look_up[0][1].request_count == LOOK_UPS_MAX
        if self._look_up_count == 0 or (is_batch_full and self._look_up_count < LOOK_UPS_AT_ONCE):
            self._look_up_count += 1
            self._spawn(self._look_up_waiting())

    def _waiting_batch(self) -> BatchInFlight:
        """The batch in which requests gather for the next look-up."""
        if not self._to_look_up or self._to_look_up[-1][1].request_count == LOOK_UPS_MAX:
            self._append_waiting()
        return self._to_look_up[-1][1]

    def _append_waiting(self) -> None:
        deadline = asyncio.get_running_loop().time() + ANSWER_DEADLINE_S
        self._to_look_up.append((deadline, self._pool.take()))

    async def _look_up_waiting(self) -> None:
        """Look up what waits, a batch at a time, until nothing does."""
        try:
            while self._to_look_up:
                deadline, waiting = self._to_look_up.popleft()
                count = waiting.request_count
                try:
                    await self._look_up(waiting, deadline)
                finally:
                    self._unknown_count -= count
                if count < LOOK_UPS_MAX:  # what came in this turn of the loop goes with the next one
                    await asyncio.sleep(0)
        finally:
            self._look_up_count -= 1

    async def _look_up(self, waiting: BatchInFlight, deadline: float) -> None:
        """Find the accounts of a batch of requests in the store, then offer it again; what stays unknown is answered."""
        self.looked_up_total += waiting.request_count
        try:
            async with asyncio.timeout_at(deadline):
                await self._find(waiting.usage)
        except (StoreError, OSError):  # a deadline that is over is an OSError, too
            self.refused_total += waiting.request_count
            self._refuse(waiting, Outcome.TOO_BUSY)
            return
        except Exception:  # a mistake of ours is logged by who runs the task, and nobody waits for it in vain
            self._refuse(waiting, Outcome.UNABLE_TO_COMPLY)
            raise
        requests = waiting.usage.requests[: waiting.request_count]
        for row in np.flatnonzero(requests["account_id"] < 0).tolist():
            if requests["refusal"][row] != Outcome.UNDECIDED:  # there is nobody on whose record it could be
                requests["outcome"][row] = requests["refusal"][row]
                continue
            requests["outcome"][row] = _outcome_of_unknown(requests[row])
            if requests["outcome"][row] == Outcome.MISSING_AVP:
                requests["failed_code"][row] = _SUBSCRIPTION_ID_CODE
        if self._offer(waiting.usage):
            answer_refused(waiting.usage, waiting.answers)
            self._deliver(waiting)
        self._pool.give_back(waiting)

    def _refuse(self, waiting: BatchInFlight, outcome: Outcome) -> None:
        """One outcome for all that waited for a look-up."""
        refuse_undecided(waiting.usage, waiting.answers, int(outcome))
        self._deliver(waiting)
        self._pool.give_back(waiting)

    async def _find(self, usage: UsageBatch) -> None:
        """Find accounts by identity, else by session, and remember them."""
        forgotten_before = self._forgotten_count
        is_of_first = await self._find_by_identity(usage)
        if self._forgotten_count == forgotten_before:
            remember_identities(usage, is_of_first, self.finder)
        await self._find_by_session(usage)
        remember_sessions(usage, is_of_first, self.finder)

    async def _find_by_identity(self, usage: UsageBatch) -> NDArray[np.bool_]:
        """Ask for every identity of every row, and take the first that has an account; of each row: is that its first?"""
        requests = usage.requests[: int(usage.counts[COUNT_REQUESTS])]
        is_of_first = np.zeros(len(requests), np.bool_)
        rows, keys = _identity_keys(usage)
        if not keys:
            return is_of_first
        account_ids, epochs = requests["account_id"].tolist(), requests["identity_epoch"].tolist()
        last = -1
        for row, found in zip(rows, await self._store.find_accounts(keys), strict=True):
            if found is not None and account_ids[row] < 0:
                account_ids[row], epochs[row] = found
                is_of_first[row] = row != last
            last = row
        requests["account_id"], requests["identity_epoch"] = account_ids, epochs
        return is_of_first

    async def _find_by_session(self, usage: UsageBatch) -> None:
        """Updates and terminations whose identities lead nowhere, or that have none: by the session index.

        So who was known at the start of a session is charged for it where a later request names nobody, or a stranger.
        """
        requests = usage.requests[: int(usage.counts[COUNT_REQUESTS])]
        types = requests["request_type"]
        rows = np.flatnonzero((requests["account_id"] < 0) & ((types == UPDATE) | (types == TERMINATION)))
        if rows.size == 0:
            return
        digests = np.stack([requests["session_high"][rows], requests["session_low"][rows]], axis=1)
        found = await self._store.find_sessions(digests)
        requests["account_id"][rows] = [-1 if account_id is None else account_id for account_id in found]


def _identity_keys(usage: UsageBatch) -> tuple[list[int], list[str]]:
    """The store's keys of all identities, and the request row of each. What costs Python an identity is here."""
    requests = usage.requests[: int(usage.counts[COUNT_REQUESTS])]
    identities = usage.identities[: int(usage.counts[COUNT_IDENTITIES])]
    octets = usage.octets[: int(usage.counts[COUNT_OCTETS])].tobytes()
    offsets, lengths, kinds = (identities[name].tolist() for name in ("offset", "length", "kind"))
    columns = (requests[name].tolist() for name in ("tenant", "identity_first", "identity_count"))
    rows: list[int] = []
    keys: list[str] = []
    for row, (tenant, first, count) in enumerate(zip(*columns, strict=True)):
        for at in range(first, first + count):
            kind, offset = kinds[at], offsets[at]
            value = octets[offset : offset + lengths[at]].decode("utf-8", "replace")
            keys.append(identity_key(tenant, IDENTITY_WORDS[kind], normal(kind, value)))
            rows.append(row)
    return rows, keys


def normal(kind: int, value: str) -> str:
    """The form in which an identity is a key: E.164 numbers without the plus."""
    return value.removeprefix("+") if kind == IdentityKind.E164 else value


def _outcome_of_unknown(request: np.void) -> Outcome:
    """Why a request has no account."""
    if request["identity_count"]:
        return Outcome.USER_UNKNOWN
    return Outcome.MISSING_AVP if request["request_type"] in (INITIAL, EVENT) else Outcome.UNKNOWN_SESSION_ID
