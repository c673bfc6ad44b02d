"""A commit elsewhere wakes the relay at once; nobody there costs nothing."""

import asyncio
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from bss.access import Caller
from bss.deliveries import Event
from bss.edge import relay as relay_module
from bss.edge.database import Database
from bss.edge.wake import NAME, WakeListener, Waker
from tests.bss.edge.relaying import hub, order_event, relaying
from tests.bss.edge.webhook_target import webhook_target


def test_who_listens_hears_and_who_does_not_costs_nothing(tmp_path: Path) -> None:
    async def run() -> int:
        heard = asyncio.Event()
        waker = Waker(tmp_path)
        waker.wake()
        listener = WakeListener(tmp_path, heard.set)
        assert (tmp_path / NAME).stat().st_mode & 0o077 == 0, "for this user alone"
        for _ in range(1000):
            waker.wake()
        await asyncio.wait_for(heard.wait(), 5)
        second = WakeListener(tmp_path, heard.set)
        heard.clear()
        waker.wake()
        await asyncio.wait_for(heard.wait(), 5)
        listener.close()
        second.close()
        waker.wake()
        waker.close()
        return 1

    assert asyncio.run(run()) == 1


def test_a_commit_wakes_the_relay(database_at: sa.URL, anyone: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    """The relay here looks by itself once in an hour."""
    monkeypatch.setattr(relay_module, "LOOK_S", 3600.0)
    database = Database(database_at, now_ns=time.time_ns)
    heard: list[Event] = []
    with webhook_target() as target:
        hub(database, anyone, target.url())
        with relaying(database, listeners=(heard.append,)) as relay:
            order_event(database, anyone, "o0")
            relay.wake()
            target.next()
            woken = Database(database_at, now_ns=time.time_ns, on_events=relay.wake)
            event_id = order_event(woken, anyone, "o1")
            assert target.next().id == event_id
            woken.close()
    database.close()
