"""`farebox chf`: HTTP/2 and Nchf in a process of its own, which hands requests to the engine and holds no money."""

import asyncio
import gc
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final

import structlog
import uvloop

from balances.edge.redis_store import RedisStore
from charging.batch import AnsweredBatch
from charging.final_units import FinalUnit
from chf_http2.edge.listener import Listener
from chf_http2.edge.server import ChfServer
from runtime.chf_load import TELL_S, LoadTeller
from runtime.clock import SystemClock
from runtime.data_folder import DataFolder
from runtime.front_end import FrontEnd
from runtime.nf_instance import nf_instance_id
from runtime.serving import serve
from runtime.settings import Settings
from runtime.telemetry import CHF, Health, Telemetry
from runtime.warm import forbid_compiling, warm
from vocabulary.held import Held

GC_OBJECTS: Final = 50_000


class ChfProcess:
    """Nchf server, engine link and telemetry of one process, wired; see ServingProcess."""

    name: ClassVar = CHF
    ready_line: ClassVar = "front end ready"

    def __init__(self, settings: Settings, store_url: str) -> None:
        self.settings = settings
        self.telemetry = Telemetry(self.name)
        self.clock = SystemClock()
        self.front_end = FrontEnd(self.name, settings, self.telemetry, self.clock)
        self.server: ChfServer | None = None
        self.listener: Listener | None = None
        self._store_url = store_url

    def health(self) -> Health:
        """See ServingProcess: ready while an engine takes what is handed over."""
        return self.front_end.health()

    async def start(self, stopping: asyncio.Event) -> dict[str, int] | None:
        """Ask the store who it is, link up, listen. See ServingProcess."""
        store = RedisStore(self._store_url)
        try:
            meta = await store.open()
            tenant = await store.add_tenant(self.settings.chf.tenant)
        finally:
            await store.close()
        link = await self.front_end.link_up(meta.created_ns, self._deliver, stopping, self._use_final_units)
        if link is None:
            return None
        self.server = ChfServer(
            self.settings.chf,
            offer=link.offer,
            answered=self.front_end.tally,
            now_ns=self.clock.now_ns,
            tenant=tenant,
            secret=meta.secret,
            nf_instance_id=nf_instance_id(self.settings.chf.nf_instance_id, meta),
        )
        self.server.use_final_units(self.front_end.final_units)
        if not self.settings.chf.token_keys:
            structlog.get_logger(process=CHF).warning("access tokens aren't checked", remedy="set chf.token_keys")
        self.server.begin()
        self.listener = Listener(self.server, self.settings.chf)
        await self.listener.start()
        gc.collect()
        gc.freeze()
        gc.set_threshold(GC_OBJECTS)  # tasks and futures come and go by the thousand, and have no circles
        return {"chf_port": self.listener.port}

    def _use_final_units(self, units: Mapping[int, FinalUnit]) -> None:
        """Texts that answers name from now on; a server that isn't there yet gets all of them when it is."""
        if self.server is not None:
            self.server.use_final_units(units)

    async def run(self, stopping: asyncio.Event) -> None:
        """Until told to stop; where there is an NRF, it is told our load by another process. See ServingProcess."""
        if not self.settings.nrf.url:
            await stopping.wait()
            return
        assert self.server is not None
        teller = LoadTeller(DataFolder(self.settings.store.data_dir).run)
        while not stopping.is_set():
            teller.tell(self.server.waiting_count, self.clock.now_ns())
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), TELL_S)
        teller.end()

    def _deliver(self, answered: Held[AnsweredBatch]) -> None:
        """Answers of a tick to who waits for them."""
        assert self.server is not None
        self.server.deliver(answered)

    async def close(self) -> None:
        """Take no request more, answer what is under way, end."""
        if self.listener is not None:
            await self.listener.close()
        await self.front_end.close()


def run_chf(
    settings: Settings, store_url: str, *, ready_file: Path | None = None, report: Callable[[str], None] = print
) -> None:
    """Serve until SIGTERM or SIGINT. Kernels are warmed first; from then on nothing compiles.

    ready_file   gets `<chf port> <telemetry port> <pid>` once an engine is linked and requests are taken
    """
    warm(report)
    forbid_compiling()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(ChfProcess(settings, store_url), settings.telemetry, ready_file))
