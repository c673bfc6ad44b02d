"""A relay that works while a test looks, and what tests write for it."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bss.access import Caller
from bss.deliveries import DELIVERY, Event
from bss.edge.database import Database
from bss.edge.relay import Relay
from bss.edge.webhooks import WebhookClient
from bss.hubs import register_hub
from vocabulary.networks import read_networks

KIND = "ProductOrderStateChangeEvent"
API = "productOrderingManagement"
LOOPBACK = read_networks(["127.0.0.0/8"])


def api_of(resource: str) -> str:
    """The API of each resource here."""
    return {"productOrder": API, "customer": "customerManagement"}[resource]


@contextmanager
def relaying(
    database: Database,
    *,
    timeout_s: float = 5.0,
    node: str = "relay-1",
    listeners: tuple[Callable[[Event], None], ...] = (),
    api_of: Callable[[str], str] = api_of,
) -> Iterator[Relay]:
    """A relay in a thread of its own; it ends with the context, what is under way waited for."""
    started = threading.Event()
    made: dict[str, Any] = {}

    async def run() -> None:
        client = WebhookClient(LOOPBACK, timeout_s=timeout_s)
        relay = Relay(database, client.post, node=node, api_of=api_of, listeners=listeners)
        made.update(relay=relay, stopping=asyncio.Event(), loop=asyncio.get_running_loop())
        started.set()
        try:
            await relay.run(made["stopping"])
        finally:
            await client.close()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    assert started.wait(10)
    try:
        yield made["relay"]
    finally:
        made["loop"].call_soon_threadsafe(made["stopping"].set)
        thread.join(20)
        assert not thread.is_alive()


def hub(database: Database, caller: Caller, callback: str, query: str = "") -> dict[str, Any]:
    """A registered hub of API."""
    return database.write(caller, lambda work: register_hub(work, api=API, callback=callback, query=query))


def order_event(database: Database, caller: Caller, order_id: str, kind: str = KIND) -> str:
    """An event of an order; its id."""
    return database.write(caller, lambda work: work.event(kind, resource="productOrder", resource_id=order_id))


def deliveries(database: Database, caller: Caller) -> list[dict[str, Any]]:
    """All that the relay keeps of the tenant, in order."""
    statement = DELIVERY.select().order_by(DELIVERY.c.hub_id, DELIVERY.c.event_sequence)
    return list(database.read(caller, lambda work: work.rows(statement)))
