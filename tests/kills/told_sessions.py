"""Sessions of 5G clients beside a load, that are told to ask again, to end, and of new prices, over and over: what the
notifier's kill points are passed by. Each try may meet a process that was just killed; what counts is how it ends.
"""

import asyncio
import json
from collections.abc import Callable
from threading import Event
from typing import Any, Final

import httpx
import msgspec

from balances.edge.redis_store import RedisStore
from bench.workload import OFFER_NAME, SERVICE_CONTEXT, release
from catalog_loader.check import CheckedRelease, check_release
from catalog_loader.edge.publish import NotPublished, Published, publish
from catalog_loader.release import Release, Service
from runtime.bench_store import TENANT
from tests.chf_http2.edge.notify_target import Notification, Reply, notify_target
from tests.kills.loaded_up import LoadedUp
from tests.runtime.notices.told_clients import ToldSmf
from tests.runtime.running_up import invoke, wait_until

SETTINGS: Final = {
    "FAREBOX_NOTIFY_ALLOWED_NETWORKS": "127.0.0.0/8",
    "FAREBOX_NOTIFY_TIMEOUT_S": "5",
    "FAREBOX_NOTIFY_RETRY_MAX_S": "1",
    "FAREBOX_NOTIFY_REPORT_S": "5",
    "FAREBOX_NOTIFY_PRICE_CHANGES_PER_S": "1",
}
"""Of the `farebox up`: tries soon follow each other."""
_IMSIS: Final = tuple(f"26299999900000{number}" for number in range(3))
"""One is asked again, one ended, one does nothing until prices change."""
_SETTLED_S: Final = 90.0
_PAUSE_S: Final = 0.5


def _with_spare_prices(number: int) -> Release:
    """The load's release of this number, with prices that no offer has: the load pays what it did, and prices changed."""
    plain = release(number=number)
    spares = tuple(
        msgspec.structs.replace(
            plain.prices[0], id=f"spare-{each}", services=(Service(SERVICE_CONTEXT, 9_000 + each),), price_micros=each
        )
        for each in range(2, number + 1)
    )
    return msgspec.structs.replace(plain, prices=(*plain.prices, *spares))


async def _publish(url: str, checked: CheckedRelease) -> Published | NotPublished:
    store = RedisStore(url)
    try:
        await store.open()
        return await publish(store.client, checked, await store.add_tenant(TENANT))
    finally:
        await store.close()


class ToldSessions:
    """Three subscribers behind those of the load, with a session each."""

    def __init__(self, farebox: LoadedUp) -> None:
        self._farebox = farebox
        self._url = farebox.up.state.store_url
        self._smf = ToldSmf(farebox.plans[1].port)
        self._numbers: dict[str, int] = {}
        self._uris: dict[str, str] = {}
        self._release_number = 1
        self.told: dict[str, int] = {}
        """Notifications by path."""
        for imsi in _IMSIS:
            added = invoke(
                "subscriber", "add", "--imsi", imsi, "--offer", OFFER_NAME, "--money", "9", "--store", self._url
            )
            assert added.returncode == 0, added.stdout + added.stderr

    def tell_until(self, is_enough: Callable[[], bool]) -> None:
        """Have all three told of something again and again; afterwards each is told to end, and does."""
        with notify_target(self._answer) as target:
            while not is_enough():
                self._try(lambda: self._open(target.uri))
                self._try(lambda: self._ask("reauth", _IMSIS[0]))
                self._try(lambda: self._ask("abort", _IMSIS[1]))
                self._try(self._publish)
                Event().wait(_PAUSE_S)
                self._try(lambda: self._report(_IMSIS[0]))
            self._settle()
        self._smf.close()

    def _answer(self, notification: Notification) -> Reply:
        self.told[notification.path] = self.told.get(notification.path, 0) + 1
        return Reply(204)

    def _try(self, step: Callable[[], None]) -> None:
        """A step that may meet a killed process; the next round tries again."""
        try:
            step()
        except (httpx.HTTPError, AssertionError, OSError):
            self._smf.close()
            self._smf = ToldSmf(self._farebox.plans[1].port)

    def _open(self, uri_of: Callable[[str], str]) -> None:
        for imsi in _IMSIS:
            if imsi not in self._uris and not self._sessions(imsi):  # one that is being ended is waited for
                charging_id = self._numbers[imsi] = self._numbers.get(imsi, 0) + 10
                self._uris[imsi] = self._smf.create(imsi, charging_id + int(imsi[-1]), uri_of(imsi))
                self._numbers[imsi] += 1

    def _ask(self, command: str, imsi: str) -> None:
        done = invoke("session", command, imsi, "--store", self._url)
        assert done.returncode == 0, done.stdout + done.stderr
        if command == "abort":
            self._uris.pop(imsi, None)

    def _report(self, imsi: str) -> None:
        self._numbers[imsi] += 1
        assert self._smf.update(self._uris[imsi], self._numbers[imsi], 0).granted_octets is not None

    def _publish(self) -> None:
        number = self._release_number + 1
        checked = check_release(_with_spare_prices(number)).checked
        assert checked is not None
        result = asyncio.run(_publish(self._url, checked))
        assert isinstance(result, Published), result
        self._release_number = number

    def _settle(self) -> None:
        """Nothing is armed any more: told to end, all sessions do, also those whose creation nobody was answered."""
        for imsi in _IMSIS:
            wait_until("its abort is asked for", lambda imsi=imsi: self._is_asked("abort", imsi), _SETTLED_S)
        try:
            wait_until("the told sessions are ended", lambda: not any(map(self._sessions, _IMSIS)), _SETTLED_S)
        except AssertionError as error:
            left = [session for imsi in _IMSIS for session in self._sessions(imsi)]
            raise AssertionError(f"{error}: {left}\n{self._farebox.up.text()[-6000:]}") from error

    def _is_asked(self, command: str, imsi: str) -> bool:
        return invoke("session", command, imsi, "--store", self._url).returncode == 0 or not self._sessions(imsi)

    def _sessions(self, imsi: str) -> list[dict[str, Any]]:
        done = invoke("session", "list", imsi, "--json", "--store", self._url)
        assert done.returncode == 0, done.stdout + done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return found
