"""`farebox gy`: Diameter sockets and codec in a process of its own, which hands requests to the engine and holds no money."""

import asyncio
import gc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

import uvloop

from balances.edge.embedded_socket import socket_path
from balances.edge.redis_store import RedisStore
from charging.batch import AnsweredBatch
from charging.final_units import FinalUnit
from gy_interface.edge.server import GyServer
from runtime.clock import SystemClock
from runtime.data_folder import DataFolder
from runtime.front_end import FrontEnd
from runtime.notices.gy_frames import SOCKET_NAME as NOTICES_SOCKET
from runtime.notices.gy_link import GyLink
from runtime.serving import serve
from runtime.settings import Settings
from runtime.telemetry import GY, Health, Telemetry
from runtime.warm import forbid_compiling, warm
from vocabulary.held import Held
from vocabulary.instants import NS_PER_S


class GyProcess:
    """Gy server, engine link and telemetry of one process, wired; see ServingProcess."""

    name: ClassVar = GY
    ready_line: ClassVar = "front end ready"

    def __init__(self, settings: Settings, store_url: str) -> None:
        self.settings = settings
        self.telemetry = Telemetry(self.name)
        self.clock = SystemClock()
        self.front_end = FrontEnd(self.name, settings, self.telemetry, self.clock)
        self.gy: GyServer | None = None
        self.notices: GyLink | None = None
        self._store_url = store_url

    def health(self) -> Health:
        """See ServingProcess: ready while an engine takes what is handed over."""
        return self.front_end.health()

    async def start(self, stopping: asyncio.Event) -> dict[str, int] | None:
        """Ask the store who it is, link up, listen. See ServingProcess."""
        store = RedisStore(self._store_url)
        try:
            meta = await store.open()
            tenants = {peer.tenant: await store.add_tenant(peer.tenant) for peer in self.settings.gy.peers.values()}
        finally:
            await store.close()
        link = await self.front_end.link_up(meta.created_ns, self._deliver, stopping, self._use_final_units)
        if link is None:
            return None
        self.gy = GyServer(
            self.settings.gy,
            offer=link.offer,
            answered=self.front_end.tally,
            now_ns=self.clock.now_ns,
            tenants=tenants,
            secret=meta.secret,
            origin_state_id=meta.created_ns // NS_PER_S,
            on_connections=lambda peer, count: self.telemetry.gauge("gy_connections", peer).set(count),
        )
        self.gy.use_final_units(self.front_end.final_units)
        gy_port = await self.gy.start()
        run_folder = DataFolder(self.settings.store.data_dir).run
        self.notices = GyLink(
            socket_path(run_folder, NOTICES_SOCKET), self.gy.teller, store=meta.created_ns, name=self.name
        )
        self.notices.start()
        gc.collect()
        gc.freeze()
        return {"gy_port": gy_port}

    def _use_final_units(self, units: Mapping[int, FinalUnit]) -> None:
        """Texts that answers name from now on; a server that isn't there yet gets all of them when it is."""
        if self.gy is not None:
            self.gy.use_final_units(units)

    async def run(self, stopping: asyncio.Event) -> None:
        """Until told to stop. See ServingProcess."""
        await stopping.wait()

    def _deliver(self, answered: Held[AnsweredBatch]) -> None:
        """Answers of a tick to the wire."""
        assert self.gy is not None
        self.gy.deliver(answered)

    async def close(self) -> None:
        """Say good-bye to peers, then wait a little for what is under way."""
        if self.notices is not None:
            await self.notices.close()
        if self.gy is not None:
            await self.gy.close()
        await self.front_end.close()


def run_gy(
    settings: Settings, store_url: str, *, ready_file: Path | None = None, report: Callable[[str], None] = print
) -> None:
    """Serve until SIGTERM or SIGINT. Kernels are warmed first; from then on nothing compiles.

    ready_file   gets `<gy port> <telemetry port> <pid>` once an engine is linked and requests are taken
    """
    warm(report)
    forbid_compiling()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(GyProcess(settings, store_url), settings.telemetry, ready_file))
