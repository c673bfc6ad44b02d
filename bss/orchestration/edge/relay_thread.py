"""The relay in a thread: it is asynchronous, the worker isn't."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import uvloop

from bss.edge.relay import Relay
from bss.edge.wake import WakeListener
from bss.edge.webhooks import WebhookClient

_ENDS_S: Final = 10.0


class RelayThread:
    """Runs what `make` gives, with a client for webhooks, until it is stopped; commits elsewhere wake it.

    client     makes the client of webhooks, on the thread's loop
    wake       folder of the socket that wakes it; OSError of it is raised by `start`
    on_failed  is told of what ended it; it ends the process
    """

    def __init__(
        self,
        make: Callable[[WebhookClient], Relay],
        client: Callable[[], WebhookClient],
        *,
        wake: Path,
        on_failed: Callable[[BaseException], None],
    ) -> None:
        self._make = make
        self._client = client
        self._wake = wake
        self._on_failed = on_failed
        self._loop = uvloop.new_event_loop()
        self._stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._work, name="relay", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._wake.mkdir(parents=True, exist_ok=True)
        self._thread.start()

    def stop(self) -> None:
        """End; messages under way are waited for, some seconds."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(_ENDS_S)

    def _work(self) -> None:
        try:
            self._loop.run_until_complete(self._run())
        except BaseException as error:
            self._on_failed(error)
        finally:
            self._loop.close()

    async def _run(self) -> None:
        client = self._client()
        relay = self._make(client)
        listener = WakeListener(self._wake, relay.wake)
        try:
            await relay.run(self._stopping)
        finally:
            listener.close()
            await client.close()
