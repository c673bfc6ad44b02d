"""The relay: events in their order, marked once passed on, again after a failure; and who is woken by a commit."""

import threading
from pathlib import Path

import pytest
import sqlalchemy as sa

from bss.access import Caller
from bss.edge.database import Database, database_url
from bss.edge.relay import EVENTS_AT_ONCE, Event, Relay
from bss.edge.wake import Waiting, waker
from bss.outbox import OUTBOX


def tell(database: Database, caller: Caller, *resource_ids: str) -> None:
    for resource_id in resource_ids:
        database.write(caller, lambda work: work.event("kind", resource="order", resource_id=resource_id, other="1"))  # noqa: B023


def test_events_are_passed_on_in_their_order(database: Database, anyone: Caller) -> None:
    names = [str(number) for number in range(EVENTS_AT_ONCE + 1)]
    tell(database, anyone, *names)
    got: list[Event] = []
    relay = Relay(database, got.append)
    assert [relay.pass_on() for _ in range(3)] == [EVENTS_AT_ONCE, 1, 0]
    assert [event.resource_id for event in got] == names
    assert (got[0].tenant, got[0].kind, got[0].ids) == ("default", "kind", {"other": "1"})


def test_what_fails_is_passed_on_again(database: Database, anyone: Caller) -> None:
    tell(database, anyone, "a", "b")
    got: list[str] = []

    def start(event: Event) -> None:
        got.append(event.id)
        if len(got) == 2:
            raise ConnectionError("away")

    relay = Relay(database, start)
    with pytest.raises(ConnectionError):
        relay.pass_on()
    assert relay.pass_on() == 2
    assert got[:2] == got[2:]


def test_what_is_spread_is_marked_in_one_transaction(database: Database, anyone: Caller) -> None:
    tell(database, anyone, "a")

    def spread(connection: sa.Connection, event: Event) -> None:
        raise ValueError("no room")

    relay = Relay(database, lambda event: None, [spread])
    with pytest.raises(ValueError, match="no room"):
        relay.pass_on()
    rows = database.read(anyone, lambda work: work.rows(sa.select(OUTBOX.c.relayed_ns)))
    assert [row["relayed_ns"] for row in rows] == [None]


def test_a_commit_with_an_event_wakes_who_waits(tmp_path: Path, anyone: Caller) -> None:
    url = database_url("", tmp_path)
    database = Database(url, now_ns=lambda: 1, on_events=waker(tmp_path))
    OUTBOX.metadata.create_all(database.engine)
    tell(database, anyone, "nobody waits")
    woken = threading.Event()
    with Waiting(tmp_path, "w") as waiting:

        def wait() -> None:
            waiting.wait(30)
            woken.set()

        threading.Thread(target=wait, daemon=True).start()
        tell(database, anyone, "a")
        assert woken.wait(20)
    assert not (tmp_path / "w.wake").exists()
    database.close()
