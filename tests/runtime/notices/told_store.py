"""What tests ask of a store directly, without a command line: open sessions, what they are owed, and to be told."""

import asyncio
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, NamedTuple, TypeVar
from uuid import uuid4

from balances.command_octets import encode_command
from balances.edge.redis_store import RedisStore
from balances.keys import partition_of
from balances.queries import SessionView, decode_record
from balances.session_commands import SessionAction, SessionCommand
from catalog_loader.check import CheckedRelease
from catalog_loader.edge.publish import Published, publish
from runtime.notices.notice import Notice, decode_notice
from runtime.notices.sessions import name_of
from runtime.releases import wait_taken_up
from runtime.subscriber_identities import key_of
from tests.runtime.running_up import wait_until

T = TypeVar("T")
TAKEN_UP_S = 20.0


class _Account(NamedTuple):
    tenant: int
    account_id: int
    partition: int


class ToldStore:
    """One store of a running Farebox; of one thread. Subscribers are named by IMSI, of the tenant of that name."""

    def __init__(self, url: str, tenant: str = "default") -> None:
        self._loop = asyncio.new_event_loop()
        self._store = RedisStore(url)
        self._run(self._store.open())
        self._tenant = self._run(self._store.add_tenant(tenant))
        self._accounts: dict[str, _Account] = {}

    def __enter__(self) -> "ToldStore":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._run(self._store.close())
        self._loop.close()

    def ask(self, imsi: str, action: SessionAction) -> None:
        """Something of all open sessions; the notifier finds it in the journal once an engine has decided it."""
        has = self._account(imsi)
        command = SessionCommand(f"asked-{uuid4().hex}", has.tenant, has.account_id, action)
        self._run(self._store.append_commands(has.partition, [encode_command(command)]))

    def sessions(self, imsi: str) -> tuple[SessionView, ...]:
        """That are open now."""
        has = self._account(imsi)
        (octets,) = self._run(self._store.read_accounts(has.partition, [(has.tenant, has.account_id)]))
        assert octets is not None
        return decode_record(octets).sessions

    def owed(self, imsi: str) -> Notice | None:
        """What the only open session's client is owed."""
        (session,) = self.sessions(imsi)
        partition = self._account(imsi).partition
        (octets,) = self._run(self._store.read_notices_of(partition, [str(name_of(session))]))
        return None if octets is None else decode_notice(octets)

    def publish(self, checked: CheckedRelease) -> str:
        """A release; its place in the stream."""
        result = self._run(publish(self._store.client, checked, self._tenant))
        assert isinstance(result, Published), result
        return result.stream_id

    def publish_for_all(self, checked: CheckedRelease) -> None:
        """A release, and each running engine decides by it."""
        taken_up = self._run(wait_taken_up(self._store, self.publish(checked), TAKEN_UP_S))
        assert not taken_up.waiting, taken_up

    def is_watched(self, imsi: str) -> bool:
        """Has the notifier seen what is in force for the subscriber? It tells of changes from then on."""
        has = self._account(imsi)
        return has.tenant in self._run(self._store.read_told_prices(has.partition))

    def _account(self, imsi: str) -> _Account:
        if imsi not in self._accounts:
            key = key_of(self._tenant, "imsi", imsi)
            account_id, _ = wait_until(f"{imsi} has an account", lambda: self._run(self._store.find_accounts([key]))[0])
            partition = partition_of(account_id, self._store.meta.partition_count)
            self._accounts[imsi] = _Account(self._tenant, account_id, partition)
        return self._accounts[imsi]

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._loop.run_until_complete(work)
