"""A relay as a process of its own, which FAREBOX_KILL_AT may end: URL of the database, and the name of the relay."""

import asyncio
import os
import signal
import sys
import time

import sqlalchemy as sa

from bss.edge.database import Database
from bss.edge.relay import Relay
from bss.edge.webhooks import WebhookClient
from runtime.kill_points import VARIABLE, arm, reached
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


if __name__ == "__main__":
    arm(os.environ.get(VARIABLE), environment="lab", process="bss-worker")
    asyncio.run(_run(sys.argv[1], sys.argv[2]))
