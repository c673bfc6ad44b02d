"""The engine as the business side sees it (bss/engine_port.py), asked through the store as the command line does.

The business side is synchronous and asks from many threads; the store's client is asynchronous. So one thread has an event
loop, and each call waits for its work there, at most `timeout_s`.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

import uvloop

from balances import identity_moves
from balances.commands import (
    Applied,
    CommandIdUsed,
    CommandResult,
    IdentityTaken,
    Opening,
    Waiting,
)
from balances.commands import Refused as RefusedByEngine
from balances.edge.command_sender import CommandSender
from balances.edge.redis_store import RedisStore
from balances.keys import partition_of
from balances.queries import AccountView, RecordError, decode_record
from balances.store import StoreError, StoreUnreachable
from bss.engine_port import (
    ID_USED,
    IDENTITY_NOT_HELD,
    IDENTITY_TAKEN,
    Done,
    EngineCommand,
    EnginePort,
    Explanation,
    Identity,
    MoveIdentities,
    NoEngine,
    OpenAccount,
    OpenSession,
    Refused,
    ReleasePublished,
    ReleaseRefused,
    SendResult,
    Unknown,
)
from catalog_loader.check import CheckedRelease
from catalog_loader.edge.publish import Published, publish, read_all_releases
from catalog_loader.faults import CatalogError
from catalog_loader.names import CatalogueNames, names_of
from runtime.live_sessions import (
    SERVICE_COLUMNS,
    LiveSession,
    service_row,
    session_of,
    sessions_of_account,
    why_pairs,
)
from runtime.notices.notice import in_words
from runtime.releases import wait_taken_up
from runtime.subscriber_identities import shown_identity
from runtime.subscriber_view import names_of_tenant
from vocabulary.command_refusals import said_of
from vocabulary.outcomes import Outcome

TIMEOUT_S: Final = 10.0
_AT_ONCE: Final = 32
"""Calls that work at once: each has a connection to the store, whose client has 64."""
_ENDS_S: Final = 5.0
_TENANT_KNOWN_S: Final = 1.0
"""How long a tenant's number is used again: two steps of an order ask for it, and a store that goes back takes longer."""

_Result = TypeVar("_Result")


@dataclass(slots=True)
class _Attempt:
    """How far a call came: once something was asked of the store, a time-out leaves it unknown."""

    is_asked: bool = False


class BssEngine:
    """EnginePort on a store.

    store_url   where the store is; asked again after it was away, as `farebox up` may have moved it
    timeout_s   after so long a call says that there is no engine, or that what it came to isn't known
    """

    def __init__(self, store_url: Callable[[], str], *, timeout_s: float = TIMEOUT_S) -> None:
        self._store_url = store_url
        self._timeout_s = timeout_s
        self._store: RedisStore | None = None
        self._names = CatalogueNames()
        self._tenants: dict[str, tuple[int, float]] = {}
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bss-engine", daemon=True)
        self._thread.start()
        self._opening = self._on_loop(_make(asyncio.Lock))
        self._room = self._on_loop(_make(lambda: asyncio.Semaphore(_AT_ONCE)))

    def close(self) -> None:
        """End the connections and the thread."""
        if self._store is not None:
            self._on_loop(self._store.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_ENDS_S)
        self._loop.close()

    # --- EnginePort
    def tenant_number(self, tenant: str) -> int | NoEngine:
        """See EnginePort."""
        number, asked_s = self._tenants.get(tenant, (0, 0.0))
        if number and time.monotonic() < asked_s + _TENANT_KNOWN_S:
            return number
        asked_s = time.monotonic()
        found = self._read(lambda store: store.add_tenant(tenant))
        if not isinstance(found, NoEngine):
            self._tenants[tenant] = found, asked_s
        return found

    def send(self, command: EngineCommand) -> SendResult:
        """See EnginePort."""
        attempt = _Attempt()
        try:
            return self._wait(self._send(command, attempt))
        except TimeoutError:
            return self._late(attempt)

    def find_accounts(self, tenant: int, identities: Sequence[Identity]) -> tuple[int | None, ...] | NoEngine:
        """See EnginePort."""

        async def find(store: RedisStore) -> tuple[int | None, ...]:
            found = await store.find_accounts([identity.key(tenant) for identity in identities])
            return tuple(None if account is None else account[0] for account in found)

        return self._read(find)

    def read_account(self, tenant: int, account_id: int) -> AccountView | NoEngine | None:
        """See EnginePort."""

        async def read(store: RedisStore) -> AccountView | None:
            partition = partition_of(account_id, store.meta.partition_count)
            (octets,) = await store.read_accounts(partition, [(tenant, account_id)])
            return None if octets is None else decode_record(octets, names_of_tenant(await self._known(store), tenant))

        return self._read(read)

    def open_sessions(self, tenant: int, account_id: int) -> tuple[OpenSession, ...] | NoEngine:
        """See EnginePort."""

        async def read(store: RedisStore) -> tuple[OpenSession, ...]:
            found = await sessions_of_account(store, tenant, account_id, await self._known(store))
            return tuple(map(_session, found))

        return self._read(read)

    def explain(self, session: str) -> Explanation | NoEngine | None:
        """See EnginePort."""

        async def read(store: RedisStore) -> Explanation | None:
            live = await session_of(store, await self._known(store), session)
            return None if live is None else _explanation(live)

        return self._read(read)

    def publish_release(
        self, checked: CheckedRelease, *, now_ns: int
    ) -> ReleasePublished | ReleaseRefused | Unknown | NoEngine:
        """See EnginePort."""
        attempt = _Attempt()
        try:
            return self._wait(self._publish(checked, now_ns, attempt))
        except TimeoutError:
            return self._late(attempt)

    # --- sending
    async def _send(self, command: EngineCommand, attempt: _Attempt) -> SendResult:
        try:
            store = await self._opened()
            partitions = store.meta.partition_count
            if not isinstance(command, OpenAccount):
                partition = partition_of(command.account_id, partitions)
                (record,) = await store.read_accounts(partition, [(command.tenant, command.account_id)])
                if record is None and isinstance(command, MoveIdentities):
                    return _refused(Outcome.USER_UNKNOWN)
        except StoreError as error:
            await self._forget_store()
            return NoEngine(str(error))
        attempt.is_asked = True
        try:
            return await self._ask(store, command)
        except CommandIdUsed as error:
            return Refused(ID_USED, str(error))
        except StoreUnreachable as error:
            await self._forget_store()
            return Unknown(str(error))

    async def _ask(self, store: RedisStore, command: EngineCommand) -> SendResult:
        sender = CommandSender(store, store.meta.partition_count, patience_s=0.8 * self._timeout_s)
        if isinstance(command, MoveIdentities):
            return await _move(sender, command)
        result: CommandResult
        if isinstance(command, OpenAccount):
            keys = tuple(identity.key(command.tenant) for identity in command.identities)
            opening = Opening(command.tenant, keys, command.terms)
            (result,) = await sender.open_accounts(command.command_id, [opening])
        else:
            (result,) = await sender.send([command])
        if isinstance(result, Waiting):
            return await _waiting(store, result)
        return _said(result)

    async def _publish(
        self, checked: CheckedRelease, now_ns: int, attempt: _Attempt
    ) -> ReleasePublished | ReleaseRefused | Unknown | NoEngine:
        try:
            store = await self._opened()
            tenant = await store.add_tenant(checked.release.tenant)
        except StoreError as error:
            await self._forget_store()
            return NoEngine(str(error))
        attempt.is_asked = True
        try:
            result = await publish(store.client, checked, tenant, now_ns=now_ns)
            if not isinstance(result, Published):
                return ReleaseRefused(result.faults)
            taken_up = await wait_taken_up(store, result.stream_id, 0.8 * self._timeout_s)
        except (StoreError, CatalogError) as error:
            return Unknown(str(error))
        return ReleasePublished(result.is_new, taken_up.engines, taken_up.waiting)

    def _late(self, attempt: _Attempt) -> Unknown | NoEngine:
        words = f"nothing was heard within {self._timeout_s:g} s"
        return Unknown(words) if attempt.is_asked else NoEngine(words)

    # --- the store, and the thread that asks it
    def _read(self, ask: Callable[[RedisStore], Coroutine[Any, Any, _Result]]) -> _Result | NoEngine:
        """What a read comes to; NoEngine where the store is away or says what can't be understood."""

        async def read() -> _Result | NoEngine:
            try:
                return await ask(await self._opened())
            except StoreError as error:
                await self._forget_store()
                return NoEngine(str(error))
            except (CatalogError, RecordError) as error:
                return NoEngine(str(error))

        try:
            return self._wait(read())
        except TimeoutError:
            return NoEngine(f"nothing was heard within {self._timeout_s:g} s")

    async def _opened(self) -> RedisStore:
        """The store, opened where it isn't. StoreError."""
        async with self._opening:
            if self._store is None:
                store = RedisStore(self._store_url())
                try:
                    await store.open()
                except BaseException:
                    await store.close()
                    raise
                self._store = store
        return self._store

    async def _forget_store(self) -> None:
        """It is away: end its connections, and open it anew at the next call."""
        store, self._store = self._store, None
        if store is not None:
            await store.close()

    async def _known(self, store: RedisStore) -> CatalogueNames:
        """Names of the published releases, read again where there are more."""
        published = await read_all_releases(store.client, self._names.stream_id)
        if published:
            named = [(each.entry.tenant, each.release, each.entry.hash) for each in published]
            self._names = names_of(named, published[-1].entry.stream_id)
        return self._names

    def _wait(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        async def bounded() -> _Result:
            try:
                async with asyncio.timeout(self._timeout_s), self._room:
                    return await work
            finally:
                work.close()

        return self._on_loop(bounded())

    def _on_loop(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """What the loop's work comes to. TimeoutError, also where redis-py swallowed the cancellation that ends it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(self._timeout_s + _ENDS_S)


async def _make(maker: Callable[[], _Result]) -> _Result:
    """What belongs to the loop is made there."""
    return maker()


async def _move(sender: CommandSender, command: MoveIdentities) -> SendResult:
    tenant = command.tenant
    move = identity_moves.MoveIdentities(
        command.command_id,
        tenant,
        command.account_id,
        tuple(identity.key(tenant) for identity in command.add),
        tuple(identity.key(tenant) for identity in command.remove),
    )
    result = await sender.move_identities(move)
    if isinstance(result, identity_moves.IdentitiesMoved):
        return Done(command.account_id)
    if isinstance(result, IdentityTaken):
        return _said(result)
    whose = f"account {result.account_id}'s" if result.account_id else "nobody's"
    return Refused(
        IDENTITY_NOT_HELD, f"{shown_identity(result.identity)} is {whose}, not account {command.account_id}'s"
    )


async def _waiting(store: RedisStore, result: Waiting) -> SendResult:
    """A command waits: for an engine that is there, or for one that isn't."""
    for partition in range(store.meta.partition_count):
        if not await store.has_owner(partition):
            return NoEngine(result.reason)
    return Unknown(result.reason)


def _said(result: Applied | RefusedByEngine | IdentityTaken) -> SendResult:
    if isinstance(result, Applied):
        return Done(result.account_id, result.remaining, result.was_so)
    if isinstance(result, IdentityTaken):
        return Refused(IDENTITY_TAKEN, f"{shown_identity(result.identity)} belongs to account {result.account_id}")
    return _refused(result.outcome)


def _refused(outcome: Outcome) -> Refused:
    return Refused(outcome.name.lower(), said_of(outcome))


def _session(live: LiveSession) -> OpenSession:
    return OpenSession(
        live.key,
        live.session_id,
        live.account.account_id,
        "" if live.route is None else live.route.origin_host,
        live.session,
        "" if live.notice is None else in_words(live.notice),
    )


def _explanation(live: LiveSession) -> Explanation:
    services = tuple(
        tuple(zip(SERVICE_COLUMNS, service_row(live, service), strict=True)) for service in live.session.services
    )
    return Explanation(_session(live), tuple(why_pairs(live)), services)


if TYPE_CHECKING:
    _KEPT_CONTRACT: type[EnginePort] = BssEngine
