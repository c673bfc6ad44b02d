"""A worker in a process of its own, over an engine and a network that the test's process has; it may die at a kill point."""

import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from dbos import Queue

from bss.api.apis import api_of
from bss.deliveries import Event
from bss.edge.database import Database
from bss.edge.due_rows import DueRows
from bss.edge.relay import Relay
from bss.edge.wake import Waker
from bss.edge.webhooks import WebhookClient
from bss.engine_in_memory import MemoryEngine
from bss.network_in_memory import MemoryNetwork
from bss.orchestration.edge import durable
from bss.orchestration.edge.relay_thread import RelayThread
from bss.orchestration.edge.worker import Worker
from bss.orchestration.event_rules import EventRules
from bss.orchestration.ports import Ports
from bss.orchestration.run import Workflow
from bss.orchestration.worker_tables import STARTED_BY, due_handlers, read_release, workflows
from runtime import kill_points
from tests.bss.edge.relaying import LOOPBACK

POLL_S = 0.1
"""A second, as it is elsewhere, is much where fifty die one after another."""
LOST = 3
"""Exit code of a worker whose slot another took."""
FAILED = 4


class Outside(BaseManager):
    """An engine and a network that live on when workers die; all processes see the same."""


ENGINE = MemoryEngine(time.time_ns)
NETWORK = MemoryNetwork()


def the_engine() -> MemoryEngine:
    return ENGINE


def the_network() -> MemoryNetwork:
    return NETWORK


Outside.register("engine", callable=the_engine)
Outside.register("network", callable=the_network)


def same(workflow: Workflow) -> Workflow:
    """This release's."""
    return workflow


class Told(NamedTuple):
    """What a worker is told.

    points   it dies at the first of these that it reaches
    lease_s  how long it may be silent before another takes its slot
    code     see DurableWorkflows
    change   makes of the workflows those of another release
    """

    name: str
    points: Sequence[str] = ()
    lease_s: float = 0.3
    code: str = ""
    change: Callable[[Workflow], Workflow] = same


def work(url: sa.URL, folder: Path, log: Path, outside: Any, told: Told) -> None:
    """Work until SIGTERM, or until the kill point."""
    with log.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    kill_points.arm_each(told.points)
    vars(durable)["_POLL_S"] = POLL_S
    Queue.__init__.__kwdefaults__["polling_interval_sec"] = (
        POLL_S  # of DBOS's own queue, which a restarted slot goes on by
    )
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    manager = Outside(address=outside, authkey=b"test")
    manager.connect()
    engine, network = manager.engine(), manager.network()  # type: ignore[attr-defined]
    database = Database(url, now_ns=time.time_ns, on_events=Waker(folder).wake)
    flows = workflows(Ports(engine, network, read_release), kill_points.reached)

    def relay(listeners: Sequence[Callable[[Event], None]]) -> RelayThread:
        return RelayThread(
            lambda client: Relay(
                database,
                client.post,
                node=told.name,
                api_of=api_of,
                listeners=listeners,
                reached=kill_points.reached,
            ),
            lambda: WebhookClient(LOOPBACK),
            wake=folder,
            on_failed=lambda error: os._exit(FAILED),
        )

    Worker(
        database=database,
        name=told.name,
        folder=folder,
        workflows={name: told.change(flow) for name, flow in flows.items()},
        started_by=STARTED_BY,
        relay=relay,
        run_due=DueRows(database, due_handlers(), holder=told.name).run_due,
        wall_ns=time.time_ns,
        on_lost=lambda: os._exit(LOST),
        hears=EventRules(database, wall_ns=time.time_ns, reached=kill_points.reached),
        code=told.code,
        lease_s=told.lease_s,
        look_s=0.1,
    ).run(stopping)
