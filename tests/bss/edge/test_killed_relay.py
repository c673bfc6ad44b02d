"""A relay that is killed at each of its points: another goes on, nothing is lost, and a repeat carries the same id."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa

from bss.access import Caller
from bss.deliveries import DELIVERY, LEASE_NS
from bss.edge.database import Database
from runtime.kill_points import KILL_POINTS, KILLED_LINE, VARIABLE
from tests.bss.edge.relaying import deliveries, hub, order_event
from tests.bss.edge.test_relay import wait_until
from tests.bss.edge.webhook_target import webhook_target

POINTS = [point.name for point in KILL_POINTS if point.process == "bss-worker" and point.name.startswith("relay.")]
EVENTS = 3
WAIT_S = 60.0


def start(url: sa.URL, node: str, log: Path, kill_at: str = "") -> "subprocess.Popen[bytes]":

    own = {**os.environ, VARIABLE: kill_at} if kill_at else {**os.environ}
    arguments = ("-m", "tests.bss.edge.relay_process", url.render_as_string(hide_password=False), node)
    with log.open("ab") as file:
        return subprocess.Popen([sys.executable, *arguments], env=own, stdout=file, stderr=file)


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
        first = start(database_at, "relay-1", log, kill_at=f"{point}:1")
        assert first.wait(WAIT_S) == -signal.SIGKILL, log.read_text()
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
            second.send_signal(signal.SIGTERM)
            second.wait(WAIT_S)
        got = Counter(target.next().id for _ in range(target.got.qsize()))
    assert set(got) == set(events)
    assert max(got.values()) <= 2
    if point == "relay.sent":
        assert max(got.values()) == 2, "what was sent and not noted is sent again, under the same id"
    if point in ("relay.listened", "relay.leased"):
        assert max(got.values()) == 1
    database.close()
