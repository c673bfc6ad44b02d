"""The notices of one partition: its journal followed, rows kept in the store, due ones sent a few at a time.

What the journal owes is written with the position behind it, in one transaction; a try is noted before the message leaves,
and what it came to afterwards. So who is killed between two of these reads the same entries again and owes the same rows,
or finds a try noted and makes the next after its back-off: nothing is lost, and nothing is repeated without an end.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from typing import Any, Final

import structlog

from balances.command_octets import encode_command
from balances.edge.redis_notices import READER
from balances.edge.redis_store import RedisStore
from balances.journal_chain import NO_ENTRY
from balances.notifier_claim import NotifierLostError
from balances.queries import AccountView, RecordError, SessionView, decode_record
from balances.session_commands import SessionAction, SessionCommand
from balances.store import StoreError
from runtime.end_tasks import end_tasks
from runtime.notices.book import NoticeBook
from runtime.notices.journal import Asked, Changed, Ended, Event, Reported, events_of, warm_reader
from runtime.notices.messenger import Messenger, Tried
from runtime.notices.notice import (
    Notice,
    NoticeKind,
    NoticeRules,
    ServiceName,
    SessionName,
    Stage,
    Told,
    after_end_sent,
    after_report,
    after_try,
    before_try,
    decode_notice,
    end_command_id,
    merged,
    when_due,
)
from runtime.notices.sessions import all_services, holds_quota, name_of, owed_by_change, session_in
from runtime.notify_settings import NotifySettings
from runtime.session_route import RouteError, SessionRoute, decode_route, route_name
from vocabulary.instants import NS_PER_S
from vocabulary.limits import NOTICE_SERVICES_MAX

ENTRIES_PER_READ: Final = 64
WAIT_MS: Final = 1000
WAITING_PARTITIONS_MAX: Final = 16
"""Each that waits takes a connection of the store's client; of more partitions all are looked at now and then."""
GATHER_S: Final = 0.1
"""A read costs as much as several entries, and who waits for a message waits for a network, too."""
LOOK_S: Final = 0.05
RETRY_S: Final = 0.5
BUSY_NS: Final = NS_PER_S // 5
"""How long a row waits whose target has all its slots taken."""
_DUE_PER_LOOK: Final = 256


def rules_of(settings: NotifySettings) -> NoticeRules:
    """What retries go by."""
    return NoticeRules(
        retry_s=settings.retry_s,
        retry_max_s=settings.retry_max_s,
        report_s=settings.report_s,
        attempts_max=settings.attempts_max,
        told_max=settings.told_max,
    )


class Slots:
    """Messages under way, over all partitions: so many in all, and so many a target."""

    def __init__(self, settings: NotifySettings) -> None:
        self._max, self._per_target_max = settings.in_flight_max, settings.in_flight_per_target_max
        self._taken: Counter[str] = Counter()

    def take(self, target: str) -> bool:
        """Take one; False where there is none."""
        if self._taken.total() >= self._max or self._taken[target] >= self._per_target_max:
            return False
        self._taken[target] += 1
        return True

    def free(self, target: str) -> None:
        """Give it back."""
        self._taken[target] -= 1
        if not self._taken[target]:
            del self._taken[target]


class PartitionNotices:
    """One partition's follower and sender.

    epoch     of the notifier's claim: what is written for another one later is not
    observe   told of each try
    reached   kill points
    """

    def __init__(
        self,
        partition: int,
        epoch: int,
        store: RedisStore,
        messenger: Messenger,
        slots: Slots,
        settings: NotifySettings,
        *,
        now_ns: Callable[[], int],
        observe: Callable[[Tried], None] = lambda tried: None,
        reached: Callable[[str], None] = lambda name: None,
    ) -> None:
        self.partition = partition
        self.epoch = epoch
        self.book = NoticeBook()
        self._store = store
        self._messenger = messenger
        self._slots = slots
        self._rules = rules_of(settings)
        self._try_ns = settings.timeout_s * NS_PER_S
        self._now_ns = now_ns
        self._observe = observe
        self._reached = reached
        self._reader = warm_reader()
        self._position = NO_ENTRY
        self._written_position = NO_ENTRY
        self._writing = asyncio.Lock()
        self._tries: set[asyncio.Task[None]] = set()
        self._owed_count = 0
        self._given_up_count = 0
        self._waiting: dict[str, str] = {}
        """why the journal isn't followed, or nothing sent"""
        self._log = structlog.get_logger(process="notifier")

    async def start(self) -> None:
        """Read the rows and the place in the journal; a new reader begins with what the stream still has.

        StoreError, NotifierLostError.
        """
        await self._store.fence_notices(self.partition, self.epoch)
        stored = await self._store.read_notices(self.partition)
        self.book = NoticeBook(decode_notice(octets) for octets in stored.values())
        positions = await self._store.reader_positions(self.partition)
        self._position = self._written_position = positions.get(READER, NO_ENTRY)
        if READER not in positions:
            await self._store.write_notices(self.partition, self.epoch, {}, NO_ENTRY)

    async def follow(self) -> None:
        """Read the journal and note what it owes, for ever. NotifierLostError where another notifier does."""
        await self._again("journal", self._follow)

    async def send(self) -> None:
        """Send what is due, for ever. NotifierLostError where another notifier does."""
        await self._again("sending", self._send_due)

    async def end_tries(self) -> None:
        """Leave what is under way to the next start."""
        await end_tasks(self._tries)

    async def _again(self, what: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do it for ever; where the store is away, after a while."""
        while True:
            try:
                await work()
                if self._waiting.pop(what, ""):
                    self._log.info("notices go on", partition=self.partition, what=what)
            except (StoreError, OSError) as error:
                if what not in self._waiting:
                    self._log.warning("notices wait", partition=self.partition, what=what, reason=str(error))
                self._waiting[what] = str(error)
                await asyncio.sleep(RETRY_S)

    @property
    def waits_because(self) -> str:
        """What is waited for; '' while all works."""
        return "; ".join(self._waiting.values())

    def take_owed_count(self) -> int:
        """How many messages were owed since the last call."""
        count, self._owed_count = self._owed_count, 0
        return count

    def take_given_up_count(self) -> int:
        """How many messages were given up since the last call."""
        count, self._given_up_count = self._given_up_count, 0
        return count

    # --- the journal -------------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        """Read what is new, enter what it owes and settles, write both."""
        wait_ms = WAIT_MS if self._store.meta.partition_count <= WAITING_PARTITIONS_MAX else 0
        rows = await self._store.read_journal(self.partition, self._position, ENTRIES_PER_READ, wait_ms=wait_ms)
        if not rows:
            if not wait_ms:
                await asyncio.sleep(LOOK_S)
            return
        self._reached("notifier.read")
        for row in rows:
            try:
                entry = self._reader.read(row.octets)
            except ValueError as error:
                raise StoreError(f"partition {self.partition}: entry {row.entry_id}: {error}") from error
            for event in events_of(entry, self.book, self.book.highs()):
                await self._take(event)
            self._position = row.entry_id
        await self.flush()
        self._reached("notifier.owed")
        if len(rows) < ENTRIES_PER_READ:
            await asyncio.sleep(GATHER_S)

    async def _take(self, event: Event) -> None:
        if isinstance(event, Ended):
            if self.book.drop(event.session):
                self._log.info("notice settled: the session ended", session=str(event.session))
        elif isinstance(event, Reported):
            known = self.book.get(event.session)
            if known is not None:
                left = after_report(known, event.services)
                self.book.settle(event.session, left)
                if left is None:
                    self._log.info("notice settled: the client has reported", session=str(event.session))
        elif isinstance(event, Changed):
            for session in await self._sessions(event):
                owed = owed_by_change(event.effect, session)
                if owed is not None:
                    self.owe(event, name_of(session), *owed)
        else:
            for session in await self._sessions(event):
                if event.session in (None, name_of(session)):
                    self.owe(event, name_of(session), event.kind, ())

    async def _sessions(self, event: Changed | Asked) -> tuple[SessionView, ...]:
        """The account's open sessions as they are now: what was decided since the entry comes behind it in the journal."""
        account = (await self._accounts([(event.tenant, event.account_id)]))[0]
        return () if account is None else account.sessions

    async def _accounts(self, keys: list[tuple[int, int]]) -> list[AccountView | None]:
        found: list[AccountView | None] = []
        for octets in await self._store.read_accounts(self.partition, keys):
            try:
                found.append(None if octets is None else decode_record(octets))
            except RecordError as error:
                raise StoreError(str(error)) from error
        return found

    def owe(
        self,
        whose: Changed | Asked,
        session: SessionName,
        kind: NoticeKind,
        services: tuple[ServiceName, ...],
        *,
        wait_ns: int = 0,
    ) -> None:
        """Enter that the session's client is owed a message, merged with what it is owed already."""
        now_ns = self._now_ns()
        if len(services) > NOTICE_SERVICES_MAX:
            services = ()
        owed = Notice(session, whose.tenant, whose.account_id, kind, services, now_ns, now_ns + wait_ns)
        self.book.put(merged(self.book.get(session), owed))
        self._owed_count += 1
        self._log.info("notice owed", session=str(session), account=whose.account_id, kind=kind.name.lower())

    async def flush(self) -> None:
        """Write what changed, and how far the journal was read. StoreError: it stays to be written."""
        async with self._writing:
            position = self._position
            changes = self.book.take_changes()
            if not changes and position == self._written_position:
                return
            rows = {str(session): None if row is None else row.encode() for session, row in changes.items()}
            moved = None if position == self._written_position else position
            try:
                await self._store.write_notices(self.partition, self.epoch, rows, moved)
            except BaseException:
                self.book.put_back(changes)
                raise
            self._written_position = position

    # --- sending -----------------------------------------------------------------------------------------------------

    async def _send_due(self) -> None:
        """Begin the tries whose time has come."""
        due = self.book.take_due(self._now_ns(), _DUE_PER_LOOK)
        if not due:
            await asyncio.sleep(LOOK_S)
            return
        try:
            accounts = await self._accounts([(row.tenant, row.account_id) for row in due])
            routes = await self._routes(due)
        except BaseException:
            for row in due:
                self.book.postpone(row.session, row.next_try_ns)
            raise
        for row, account, route in zip(due, accounts, routes, strict=True):
            session = session_in(account, row.session)
            if session is None:
                self.book.drop(row.session)
                self._log.info("notice settled: the session is not open", session=str(row.session))
            else:
                self._begin(row, session, route)
        await self.flush()

    async def _routes(self, due: Iterable[Notice]) -> list[SessionRoute | None]:
        values = await self._store.partition_values(self.partition, [route_name(*row.session) for row in due])
        found: list[SessionRoute | None] = []
        for value in values:
            try:
                found.append(None if value is None else decode_route(value))
            except RouteError:
                found.append(None)
        return found

    def _begin(self, row: Notice, session: SessionView, route: SessionRoute | None) -> None:
        """End the session, or begin a try where its target has a slot. Who was told of what it has no quota for, and wants
        none, has done nothing wrong.
        """
        row = when_due(row, self._now_ns(), self._rules)
        if row.stage is Stage.CLOSING:
            if row.kind is NoticeKind.ABORT or holds_quota(session, row.services):
                self._spawn(self._end(row))
            else:
                self.book.drop(row.session)
                self._log.info("notice settled: the client doesn't ask again", session=str(row.session))
            return
        target = "" if route is None else self._messenger.target(route)
        if not self._slots.take(target):
            self.book.postpone(row.session, self._now_ns() + BUSY_NS)
            return
        self._spawn(self._try(row, all_services(session), route, target))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tries.add(task)
        task.add_done_callback(self._tries.discard)

    async def _try(
        self, row: Notice, services: tuple[ServiceName, ...], route: SessionRoute | None, target: str
    ) -> None:
        """Note the try, make it, note what it came to."""
        try:
            noted = before_try(row, self._now_ns(), self._try_ns, self._rules)
            self.book.put(noted)
            await self.flush()
            self._reached("notifier.noted")
            if route is None:
                tried = Tried(Told.FAILED, "-", "unreachable", "nobody knows how its client is reached")
            else:
                tried = await self._messenger.send(row, services, route)
            self._reached("notifier.told")
            self._observe(tried)
            self._log.info(
                "notice tried",
                session=str(row.session),
                kind=row.kind.name.lower(),
                interface=tried.interface,
                attempt=noted.attempts,
                result=tried.result,
                words=tried.words,
            )
            known = self.book.get(row.session)
            if known is not None and known.owed_ns == row.owed_ns:
                noted = replace(noted, services=known.services)
                left = after_try(noted, tried.told, tried.words, self._now_ns(), self._rules)
                self._given_up_count += left is not None and left.stage is Stage.GIVEN_UP
                self.book.settle(row.session, left)
                await self.flush()
            self._reached("notifier.settled")
        except (StoreError, OSError, NotifierLostError) as error:
            self._log.warning("notice kept for later", session=str(row.session), reason=str(error))
        finally:
            self._slots.free(target)

    async def _end(self, row: Notice) -> None:
        """Have the session ended here: an account command, whose id makes it safe to send again."""
        command = SessionCommand(
            end_command_id(row), row.tenant, row.account_id, SessionAction.END, row.session.high, row.session.low
        )
        try:
            self.book.put(after_end_sent(row, self._now_ns(), self._rules))
            await self.flush()
            await self._store.append_commands(self.partition, [encode_command(command)])
            self._reached("notifier.ended")
            self._log.info("session is being ended", session=str(row.session), reason=row.last)
        except (StoreError, OSError, NotifierLostError) as error:
            self._log.warning("notice kept for later", session=str(row.session), reason=str(error))
