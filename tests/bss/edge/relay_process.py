"""A relay as a process of its own, which dies at a kill point."""

import asyncio
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import sqlalchemy as sa

from bss.edge.database import Database
from bss.edge.relay import Relay
from bss.edge.webhooks import WebhookClient
from runtime.kill_points import arm_each, reached
from tests.bss.edge.relaying import LOOPBACK, api_of


async def _run(url: str, node: str) -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    database = Database(sa.make_url(url), now_ns=time.time_ns)
    client = WebhookClient(LOOPBACK)
    relay = Relay(database, client.post, node=node, api_of=api_of, reached=reached)
    await relay.run(stopping)
    await client.close()
    database.close()


def relay(url: str, node: str, log: Path, points: Sequence[str]) -> None:
    """Relay until SIGTERM, or until one of the kill points."""
    with log.open("a") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    arm_each(points)
    asyncio.run(_run(url, node))
