"""A fake NRF on a real port, and the client under test in front of it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from chf_http2.config import ChfConfig
from chf_http2.edge.listener import Listener
from chf_http2.edge.nrf_client import NrfClient
from chf_http2.nrf_config import NrfConfig
from tests.chf_http2.fake_nrf import FakeNrf
from tests.chf_http2.token_signing import NF_INSTANCE_ID

NOTIFY_URL = "http://127.0.0.1:7778"


class Registered:
    """A client that runs; `load` is what it is told of us, `asked` what it asked with the status of each answer."""

    def __init__(self, nrf: FakeNrf, url: str, chf: ChfConfig, **settings: Any) -> None:
        self.nrf = nrf
        self.load: int | None = 5
        self.asked: list[tuple[str, int]] = []
        self.stopping = asyncio.Event()
        self.client = NrfClient(
            NrfConfig(url=url, **settings),
            chf,
            NF_INSTANCE_ID,
            notify_url=NOTIFY_URL,
            load=lambda: self.load,
            now_ns=time.time_ns,
            observe=lambda asked, status: self.asked.append((asked, status)),
        )
        self.running = asyncio.ensure_future(self.client.run(self.stopping))

    @property
    def profile(self) -> dict[str, Any]:
        """What the NRF has of us; {}: nothing."""
        return self.nrf.profiles.get(NF_INSTANCE_ID, {})

    async def until(self, is_true: Callable[[], Any], what: str) -> None:
        """Wait; AssertionError says what didn't come about."""
        try:
            async with asyncio.timeout(20):
                while not is_true():
                    if self.running.done():
                        self.running.result()
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"{what}; asked were {self.asked}, faults {self.nrf.faults}") from None

    async def stop(self) -> None:
        """Tell it to stop, and wait until it has."""
        self.stopping.set()
        await asyncio.wait_for(self.running, 20)


@asynccontextmanager
async def nrf_listening(nrf: FakeNrf, port: int = 0) -> AsyncIterator[str]:
    """Its apiRoot; within, it answers."""
    listener = Listener(nrf.answer, ChfConfig(port=port), now_ns=time.time_ns)
    await listener.start()
    try:
        yield f"http://127.0.0.1:{listener.port}"
    finally:
        await listener.close()


@asynccontextmanager
async def registering(chf: ChfConfig | None = None, **settings: Any) -> AsyncIterator[Registered]:
    """A fake NRF and a client; what either side says against the specification fails in the end."""
    nrf = FakeNrf()
    async with nrf_listening(nrf) as url:
        client = Registered(nrf, url, chf or ChfConfig(), **settings)
        try:
            yield client
        finally:
            await client.stop()
    assert nrf.faults == []
