"""A worker in a process of its own, over an engine and a network that the test's process has; it may die at a kill point."""

import os
import signal
import threading
import time
from multiprocessing.managers import BaseManager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bss.api.apis import api_of
from bss.edge.database import Database
from bss.edge.due_rows import DueRows
from bss.edge.relay import Relay
from bss.edge.wake import Waker
from bss.edge.webhooks import WebhookClient
from bss.engine_in_memory import MemoryEngine
from bss.network_in_memory import MemoryNetwork
from bss.orchestration.edge.relay_thread import RelayThread
from bss.orchestration.edge.worker import Worker
from bss.orchestration.ports import Ports
from bss.orchestration.worker_tables import STARTED_BY, due_handlers, read_release, workflows
from runtime import kill_points
from vocabulary.networks import read_networks

LEASE_S = 0.3
"""Short, since one worker is alive at a time: a renewal that comes late counts while nobody else took the slot."""


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


def work(url: sa.URL, folder: Path, name: str, outside: Any, kill_at: str) -> None:
    """Work until SIGTERM, or until the kill point."""
    with (folder / f"{name}.log").open("w") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    kill_points.arm(kill_at, environment="lab")
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    manager = Outside(address=outside, authkey=b"test")
    manager.connect()
    engine, network = manager.engine(), manager.network()  # type: ignore[attr-defined]
    database = Database(url, now_ns=time.time_ns, on_events=Waker(folder).wake)
    Worker(
        database=database,
        name=name,
        folder=folder,
        workflows=workflows(Ports(engine, network, read_release), kill_points.reached),
        started_by=STARTED_BY,
        relay=lambda listeners: RelayThread(
            lambda client: Relay(database, client.post, node=name, api_of=api_of, listeners=listeners),
            lambda: WebhookClient(read_networks(("default",))),
            wake=folder,
            on_failed=lambda error: os._exit(4),
        ),
        run_due=DueRows(database, due_handlers(), holder=name).run_due,
        wall_ns=time.time_ns,
        on_lost=lambda: os._exit(3),
        lease_s=LEASE_S,
        look_s=0.1,
    ).run(stopping)
