"""`farebox chf`: HTTP/2 and Nchf in a process of its own."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import ClassVar

import structlog

from balances.store import StoreMeta
from charging.batch import AnsweredBatch
from charging.final_units import FinalUnit
from chf_http2.edge.server import ChfServer
from runtime.chf_load import TELL_S, LoadTeller
from runtime.engine_links import EngineLinks
from runtime.front_end import FrontEndProcess
from runtime.nf_instance import nf_instance_id
from runtime.settings import Settings
from runtime.telemetry import CHF
from vocabulary.held import Held


class ChfProcess(FrontEndProcess):
    """A front end for 5G."""

    name: ClassVar = CHF

    def __init__(self, settings: Settings, store_url: str, *, is_listening: bool = True) -> None:
        super().__init__(settings, store_url, is_listening=is_listening)
        self.server: ChfServer | None = None

    async def serve_clients(self, meta: StoreMeta, links: EngineLinks) -> Mapping[str, int]:
        """See FrontEndProcess."""
        self.server = ChfServer(
            self.settings.chf,
            offer=links.offer,
            answered=self.tally,
            now_ns=self.clock.now_ns,
            tenant=await self.store.add_tenant(self.settings.chf.tenant),
            secret=meta.secret,
            nf_instance_id=nf_instance_id(self.settings.chf.nf_instance_id, meta),
            on_gone=None if self.is_listening else self.note_gone,
        )
        self.server.use_final_units(self.final_units)
        if not self.settings.chf.token_keys:
            structlog.get_logger(process=CHF).warning("access tokens aren't checked", remedy="set chf.token_keys")
        await self.server.start()
        if self.is_listening:
            return {"chf_port": self.server.port}
        await self.take_connections(self.server.adopt)
        return {}

    def use_final_units(self, units: Mapping[int, FinalUnit]) -> None:
        """See FrontEndProcess."""
        if self.server is not None:
            self.server.use_final_units(units)

    async def run(self, stopping: asyncio.Event) -> None:
        """Until told to stop; where there is an NRF, it is told our load by another process. See ServingProcess."""
        if not self.settings.nrf.url:
            await stopping.wait()
            return
        assert self.server is not None
        teller = LoadTeller(self.run_folder)
        while not stopping.is_set():
            teller.tell(self.server.waiting_count, self.clock.now_ns())
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), TELL_S)
        teller.end()

    def deliver(self, answered: Held[AnsweredBatch]) -> None:
        """See FrontEndProcess: to who waits for them."""
        if self.server is not None:
            self.server.deliver(answered)

    async def stop_clients(self) -> None:
        """See FrontEndProcess: say good-bye to consumers, each behind its last answer."""
        await self.take_no_more()
        if self.server is not None:
            await self.server.close()
