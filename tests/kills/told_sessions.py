"""Sessions of 5G clients beside a load, that are told to ask again, to end, and of new prices: what the notifier's kill points
are passed by. Each life of the notifier dies at the next point of its plan, so what is done is what passes that one.

Each try may meet a process that was just killed; what counts is how it ends. How often a client is told at most is seen
where the notifier alone dies: tests/runtime/notices/test_killed_notifier.py.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from threading import Event
from typing import Final

import httpx
import msgspec

from balances.session_commands import SessionAction
from balances.store import StoreError
from bench.workload import OFFER_NAME, SERVICE_CONTEXT, release
from catalog_loader.check import CheckedRelease, check_release
from catalog_loader.release import Service
from runtime.bench_store import TENANT
from runtime.kill_points import PROCESS_OF
from tests.chf_http2.edge.notify_target import Notification, NotifyTarget, Reply, notify_target
from tests.kills.loaded_up import LoadedUp
from tests.runtime.notices.told_clients import ToldSmf
from tests.runtime.notices.told_store import ToldStore
from tests.runtime.running_up import invoke
from vocabulary.instants import NS_PER_S

SETTINGS: Final = {
    "FAREBOX_NOTIFY_ALLOWED_NETWORKS": "127.0.0.0/8",
    "FAREBOX_NOTIFY_TIMEOUT_S": "5",
    "FAREBOX_NOTIFY_RETRY_MAX_S": "1",
    "FAREBOX_NOTIFY_REPORT_S": "60",
    "FAREBOX_NOTIFY_TOLD_MAX": "100",
    "FAREBOX_NOTIFY_PRICE_CHANGES_PER_S": "1",
}
"""Of the `farebox up`: tries soon follow each other, and no session is ended for want of a report."""
_ASKED, _ABORTED, _SILENT = _IMSIS = tuple(f"26299999900000{number}" for number in range(3))
"""One is asked again, one ended, one does nothing until prices change."""
_SETTLED_S: Final = 120.0
_PATIENCE_S: Final = 10.0
"""So long a point has until what passes it is done once more: what was asked for may be with a process that was killed."""
_LOOK_S: Final = 0.2


def _changed_release() -> CheckedRelease:
    """The load's second release, with an offer that nobody has at a price of its own: the load pays what it did, and prices
    changed."""
    plain = release(number=2)
    price = msgspec.structs.replace(plain.prices[0], id="spare", services=(Service(SERVICE_CONTEXT, 9_000),))
    offer = msgspec.structs.replace(plain.offers[0], id="spare", name="Spare", prices=("spare",))
    changes = {"prices": (*plain.prices, price), "offers": (*plain.offers, offer), "effective_ns": NS_PER_S}
    report = check_release(msgspec.structs.replace(plain, **changes))
    assert report.checked is not None, report.lines()
    return report.checked


class ToldSessions:
    """Three subscribers behind those of the load, with a session each."""

    def __init__(self, farebox: LoadedUp) -> None:
        self._farebox = farebox
        url = farebox.up.state.store_url
        self._store = ToldStore(url, TENANT)
        self._smf = ToldSmf(farebox.plans[1].port)
        self._charging_ids = 0
        self._uris: dict[str, str] = {}
        self._changed = _changed_release()
        self._is_published = False
        self._passes: dict[str, Callable[[], None]] = {
            "notifier.ended": lambda: self._store.ask(_ABORTED, SessionAction.ABORT),
            "notifier.prices_told": self._publish_once,
        }
        """All other points are passed as somebody is asked again."""
        self._told: set[str] = set()
        """Paths of notifications."""
        for imsi in _IMSIS:
            added = invoke("subscriber", "add", "--imsi", imsi, "--offer", OFFER_NAME, "--money", "9", "--store", url)
            assert added.returncode == 0, added.stdout + added.stderr

    def tell_until_killed(self, points: Sequence[str], is_over: Callable[[], bool]) -> None:
        """Pass these points, as they are armed, one after the other; afterwards each session is told to end, and does."""
        with notify_target(self._answer) as target:
            while (reached := self._reached(points)) < len(points) and not is_over():
                self._try(lambda: self._open(target))
                self._try(self._passes.get(points[reached], self._ask_again))
                self._wait_killed(points, reached)
            self._settle()
            assert {f"/nsmf-callback/{imsi}" for imsi in _IMSIS} == self._told, (
                "each was told, of its end at the latest"
            )
        self._smf.close()
        self._store.close()

    def _reached(self, points: Sequence[str]) -> int:
        killed_at = self._farebox.killed_at()
        return sum(killed_at[point] for point in points)

    def _wait_killed(self, points: Sequence[str], reached: int) -> None:
        ends = time.monotonic() + _PATIENCE_S
        while self._reached(points) == reached and time.monotonic() < ends:
            Event().wait(_LOOK_S)

    def _answer(self, notification: Notification) -> Reply:
        """Who is to end has lost its session, as all have in the end: it is ended here."""
        self._told.add(notification.path)
        return Reply(404 if "ABORT" in str(notification.body) else 204)

    def _try(self, step: Callable[[], None]) -> None:
        """A step that may meet a killed process; it is tried again later."""
        try:
            step()
        except (httpx.HTTPError, AssertionError, OSError, StoreError):
            self._smf.close()
            self._smf = ToldSmf(self._farebox.plans[1].port)

    def _open(self, target: NotifyTarget) -> None:
        for imsi in _IMSIS:
            if not self._store.sessions(imsi):
                self._charging_ids += 1
                self._uris[imsi] = self._smf.create(imsi, self._charging_ids, target.uri(imsi))

    def _ask_again(self) -> None:
        self._store.ask(_ASKED, SessionAction.REAUTHORIZE)

    def _publish_once(self) -> None:
        """Other prices; whichever life of the notifier comes finds them."""
        if not self._is_published:
            self._store.publish(self._changed)
            self._is_published = True

    def _settle(self) -> None:
        """Told to end, all sessions do. One whose creation nobody was answered may be opened behind that: it is told, too."""
        ends, ask_at = time.monotonic() + _SETTLED_S, 0.0
        while left := {imsi: found for imsi in _IMSIS if (found := self._store.sessions(imsi))}:
            assert time.monotonic() < ends, f"sessions end: {left}\n{self._farebox.up.text()[-6000:]}"
            if time.monotonic() >= ask_at:
                ask_at = time.monotonic() + _PATIENCE_S
                for imsi in left:
                    self._store.ask(imsi, SessionAction.ABORT)
            Event().wait(_LOOK_S)


def die_at_each(farebox: LoadedUp, told: ToldSessions, points: Sequence[str], within_s: float) -> None:
    """Until every process died at each of its points, armed once each, the notifier's in this order: it as sessions beside the
    load are told of things, the others by the load meanwhile."""
    ends = time.monotonic() + within_s
    told.tell_until_killed([name for name in points if PROCESS_OF[name] == "notifier"], lambda: time.monotonic() > ends)
    farebox.wait_killed_at(Counter(points), max(ends - time.monotonic(), 1.0))
