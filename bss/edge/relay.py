"""The relay: takes events out of the outbox, tells who listens here, spreads them to hubs and delivers them.

It runs in the worker; several may run on one database. SQL runs in threads of the relay's own, messages on the loop. A
target has TARGET_SLOTS messages under way at most, so that one that hangs holds up nobody else.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, Protocol, TypeVar

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import SQLAlchemyError

from bss.deliveries import (
    DEAD,
    Event,
    Failed,
    GivenUp,
    Leased,
    Outcome,
    lease,
    replay,
    settle,
    spread,
    unspread_events,
)
from bss.edge.database import Database
from bss.retention import KEPT_DAYS, forget_old
from bss.webhook_body import event_body
from bss.webhook_signature import SecretInvalid, signed_headers
from vocabulary.instants import NS_PER_S

TARGET_SLOTS: Final = 4
IN_FLIGHT_MAX: Final = 256
LOOK_S: Final = 1.0
"""How often it looks by itself; a commit wakes it at once."""
_EVENTS_AT_ONCE: Final = 200
_SQL_THREADS: Final = 4
_AWAY_S: Final = 2.0
_FORGET_EVERY_NS: Final = 3600 * NS_PER_S

T = TypeVar("T")


class Post(Protocol):
    """Sends a message: WebhookClient.post."""

    def __call__(self, callback: str, headers: dict[str, str], body: bytes) -> Coroutine[Any, Any, Outcome]: ...


class Relay:
    """See the module.

    node        name of this relay in leases, as no other one has it
    api_of      the API whose hubs are told of a resource; '' where none has it
    kept_days   how long what is forgotten by age is kept (bss/retention.py)
    listeners   called in order with each event before it is spread, in a thread; an event may come again, with its id
    reached     kill points (runtime/kill_points.py)
    """

    def __init__(
        self,
        database: Database,
        post: Post,
        *,
        node: str,
        api_of: Callable[[str], str],
        listeners: Sequence[Callable[[Event], None]] = (),
        body_of: Callable[[Event], bytes] = event_body,
        kept_days: Mapping[str, int] = KEPT_DAYS,
        reached: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._database = database
        self._post = post
        self._node = node
        self._api_of = api_of
        self._listeners = listeners
        self._body_of = body_of
        self._kept_days = kept_days
        self._reached = reached
        self._in_flight: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._woken = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._forgot_ns = 0
        self._threads = ThreadPoolExecutor(_SQL_THREADS, thread_name_prefix="relay-sql")
        self._log = structlog.get_logger(process="bss-worker")

    def wake(self) -> None:
        """There may be something to do; from any thread."""
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(self._woken.set)

    async def run(self, stopping: asyncio.Event) -> None:
        """Relay until told to stop; what is under way is waited for."""
        self._loop = asyncio.get_running_loop()
        stopped = asyncio.ensure_future(stopping.wait())
        stopped.add_done_callback(lambda _: self._woken.set())
        try:
            while not stopping.is_set():
                self._woken.clear()
                try:
                    is_idle = not await self._step()
                except SQLAlchemyError as error:
                    self._log.error("the business database can't be used", reason=str(error))
                    await self._wait([stopped], _AWAY_S)
                    continue
                if is_idle:
                    await self._wait([stopped], LOOK_S)
            if self._tasks:
                await asyncio.wait(self._tasks)
        finally:
            self._loop = None
            stopped.cancel()
            self._threads.shutdown(wait=False)

    async def _wait(self, others: Collection["asyncio.Future[Any]"], seconds: float) -> None:
        woken = asyncio.ensure_future(self._woken.wait())
        await asyncio.wait([woken, *others], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        woken.cancel()

    async def _step(self) -> bool:
        """Spread and send what there is; was there anything?"""
        spread_count = await self._in_thread(self._spread)
        self._in_flight = +self._in_flight  # without those that have none
        in_flight, limit = self._in_flight.copy(), IN_FLIGHT_MAX - len(self._tasks)
        leased = await self._in_thread(lambda: self._lease(in_flight, limit)) if limit > 0 else []
        if leased:
            self._reached("relay.leased")
        for each in leased:
            self._in_flight[each.target] += 1
            task = asyncio.ensure_future(self._deliver(each))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return bool(spread_count or leased)

    def _spread(self) -> int:
        """Listeners hear of new events, then hubs get their deliveries, and what is old is forgotten; how much of it there was,
        so that 0 says that there is no more.
        """
        now_ns = self._database.now_ns()
        events = self._heard(
            self._database.across_tenants(lambda connection: unspread_events(connection, _EVENTS_AT_ONCE))
        )
        if events:
            self._reached("relay.listened")
        is_time_to_forget = now_ns - self._forgot_ns >= _FORGET_EVERY_NS

        def write(connection: sa.Connection) -> tuple[int, bool]:
            if events:
                spread(connection, events, now_ns=now_ns, api_of=self._api_of)
            is_more = is_time_to_forget and forget_old(connection, now_ns=now_ns, days=self._kept_days)
            return replay(connection, now_ns=now_ns, api_of=self._api_of), is_more

        replay_count, is_more = self._database.across_tenants(write)
        if is_time_to_forget and not is_more and self._database.forget_log():
            self._forgot_ns = now_ns
        return len(events) + replay_count + is_more

    def _heard(self, events: list[Event]) -> list[Event]:
        """Those that everybody here took. What a listener can't take comes again, and its resource's later ones behind it."""
        taken, held_back = [], set()
        for event in events:
            lane = (event.tenant, event.resource, event.resource_id)
            if lane in held_back:
                continue
            try:
                for listen in self._listeners:
                    listen(event)
                taken.append(event)
            except Exception as error:  # a workflow that can't be started must not end the relay
                held_back.add(lane)
                self._log.error("an event can't be taken", event_id=event.id, kind=event.kind, reason=repr(error))
        return taken

    def _lease(self, in_flight: Mapping[str, int], limit: int) -> list[Leased]:
        return self._database.across_tenants(
            lambda connection: lease(
                connection,
                node=self._node,
                now_ns=self._database.now_ns(),
                room=lambda target: TARGET_SLOTS - in_flight.get(target, 0),
                limit=limit,
            )
        )

    async def _deliver(self, leased: Leased) -> None:
        try:
            outcome = await self._send(leased)
            self._reached("relay.sent")
            state = await self._in_thread(lambda: self._settle(leased, outcome))
            self._reached("relay.settled")
            if state == DEAD:
                self._log.warning(
                    "webhook given up", event_id=leased.event.id, target=leased.target, reason=outcome.said
                )
        except SQLAlchemyError as error:  # the lease lapses, and the message goes out again
            self._log.error("the business database can't be used", reason=str(error))
        finally:
            self._in_flight[leased.target] -= 1
            self._woken.set()

    async def _send(self, leased: Leased) -> Outcome:
        try:
            body = self._body_of(leased.event)
        except Exception as error:  # a mistake of ours in one body must not end the relay
            self._log.error(
                "a webhook can't be written", event_id=leased.event.id, kind=leased.event.kind, reason=repr(error)
            )
            return Failed(f"its body can't be written: {error!r}")
        try:
            headers = signed_headers(leased.event.id, self._database.now_ns() // NS_PER_S, body, leased.secrets)
        except SecretInvalid as error:
            return GivenUp(str(error))
        return await self._post(leased.callback, headers, body)

    def _settle(self, leased: Leased, outcome: Outcome) -> str:
        return self._database.across_tenants(
            lambda connection: settle(connection, leased, outcome, node=self._node, now_ns=self._database.now_ns())
        )

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)
