"""A relay that is killed at each of its points: another goes on, nothing is lost, and a repeat carries the same id."""

import multiprocessing
import signal
import time
from collections import Counter
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import sqlalchemy as sa

from bss.access import Caller
from bss.deliveries import DELIVERY, LEASE_NS
from bss.edge.database import Database
from runtime.kill_points import KILL_POINTS, KILLED_LINE
from tests.bss.edge.relay_process import relay
from tests.bss.edge.relaying import deliveries, hub, order_event
from tests.bss.edge.test_relay import wait_until
from tests.bss.edge.webhook_target import webhook_target

POINTS = [point.name for point in KILL_POINTS if point.process == "bss-worker" and point.name.startswith("relay.")]
EVENTS = 3
WAIT_S = 60.0


def start(url: sa.URL, node: str, log: Path, *points: str) -> BaseProcess:
    """A fork of a process that has imported all of it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.bss.edge.relay_process", "tests.bss.orchestration.worker_child"])
    process = context.Process(target=relay, args=(url.render_as_string(hide_password=False), node, log, points))
    process.start()
    return process


def let_leases_lapse(database: Database) -> None:
    """As if the time of a lease had passed."""

    def write(connection: sa.Connection) -> None:
        held = DELIVERY.c.leased_until_ns > 0
        shorter = {"leased_until_ns": DELIVERY.c.leased_until_ns - LEASE_NS}
        connection.execute(sa.update(DELIVERY).where(held).values(shorter))

    database.across_tenants(write)


@pytest.mark.parametrize("point", POINTS)
def test_killed_there_another_goes_on(point: str, database_at: sa.URL, anyone: Caller, tmp_path: Path) -> None:
    database, log = Database(database_at, now_ns=time.time_ns), tmp_path / "relay.log"
    with webhook_target() as target:
        hub(database, anyone, target.url())
        events = [order_event(database, anyone, f"o{number}") for number in range(EVENTS)]
        first = start(database_at, "relay-1", log, point)
        first.join(WAIT_S)
        assert first.exitcode == -signal.SIGKILL, log.read_text()
        assert f"{KILLED_LINE} {point}" in log.read_text()
        let_leases_lapse(database)
        second = start(database_at, "relay-2", log)
        try:
            wait_until(
                "all are delivered",
                lambda: [row["state"] for row in deliveries(database, anyone)] == ["delivered"] * EVENTS,
                WAIT_S,
            )
        finally:
            second.terminate()
            second.join(WAIT_S)
        got = Counter(target.next().id for _ in range(target.got.qsize()))
    assert set(got) == set(events)
    assert max(got.values()) <= 2
    if point == "relay.sent":
        assert max(got.values()) == 2, "what was sent and not noted is sent again, under the same id"
    if point in ("relay.listened", "relay.leased"):
        assert max(got.values()) == 1
    database.close()
