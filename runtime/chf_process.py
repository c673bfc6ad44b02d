"""`farebox chf`: HTTP/2 and Nchf in a process of its own."""

import gc
from collections.abc import Mapping
from typing import ClassVar, Final

from balances.store import StoreMeta
from charging.batch import AnsweredBatch
from charging.final_units import FinalUnit
from chf_http2.edge.listener import Listener
from chf_http2.edge.server import ChfServer
from runtime.engine_links import EngineLinks
from runtime.front_end import FrontEndProcess
from runtime.settings import Settings
from runtime.telemetry import CHF
from vocabulary.held import Held

GC_OBJECTS: Final = 50_000


class ChfProcess(FrontEndProcess):
    """A front end for 5G."""

    name: ClassVar = CHF

    def __init__(self, settings: Settings, store_url: str) -> None:
        super().__init__(settings, store_url)
        self.server: ChfServer | None = None
        self.listener: Listener | None = None

    async def serve_clients(self, meta: StoreMeta, links: EngineLinks) -> Mapping[str, int]:
        """See FrontEndProcess."""
        self.server = ChfServer(
            self.settings.chf,
            offer=links.offer,
            answered=self.tally,
            now_ns=self.clock.now_ns,
            tenant=await self.store.add_tenant(self.settings.chf.tenant),
            secret=meta.secret,
        )
        self.server.use_final_units(self.final_units)
        self.server.begin()
        self.listener = Listener(self.server, self.settings.chf)
        await self.listener.start()
        gc.set_threshold(GC_OBJECTS)  # tasks and futures come and go by the thousand, and have no circles
        return {"chf_port": self.listener.port}

    def use_final_units(self, units: Mapping[int, FinalUnit]) -> None:
        """See FrontEndProcess."""
        if self.server is not None:
            self.server.use_final_units(units)

    def deliver(self, answered: Held[AnsweredBatch]) -> None:
        """See FrontEndProcess: to who waits for them."""
        if self.server is not None:
            self.server.deliver(answered)

    async def stop_clients(self) -> None:
        """See FrontEndProcess."""
        if self.listener is not None:
            await self.listener.close()
