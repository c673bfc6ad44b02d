"""`farebox gy`: Diameter sockets and codec in a process of its own."""

from collections.abc import Mapping
from typing import ClassVar

from balances.edge.embedded_socket import socket_path
from balances.store import StoreMeta
from charging.batch import AnsweredBatch
from charging.final_units import FinalUnit
from gy_interface.edge.server import GyServer
from runtime.engine_links import EngineLinks
from runtime.front_end import FrontEndProcess
from runtime.notices.gy_frames import SOCKET_NAME as NOTICES_SOCKET
from runtime.notices.gy_link import GyLink
from runtime.peer_slots import SLOTS_FILE, PeerSlots
from runtime.settings import Settings
from runtime.telemetry import GY
from vocabulary.held import Held
from vocabulary.instants import NS_PER_S


class GyProcess(FrontEndProcess):
    """A front end for Diameter."""

    name: ClassVar = GY

    def __init__(self, settings: Settings, store_url: str, *, is_listening: bool = True) -> None:
        super().__init__(settings, store_url, is_listening=is_listening)
        self.gy: GyServer | None = None
        self.notices: GyLink | None = None

    async def serve_clients(self, meta: StoreMeta, links: EngineLinks) -> Mapping[str, int]:
        """See FrontEndProcess."""
        peers = self.settings.gy.peers
        tenants = {peer.tenant: await self.store.add_tenant(peer.tenant) for peer in peers.values()}
        self.gy = GyServer(
            self.settings.gy,
            offer=links.offer,
            answered=self.tally,
            now_ns=self.clock.now_ns,
            tenants=tenants,
            secret=meta.secret,
            origin_state_id=meta.created_ns // NS_PER_S,
            on_connections=lambda peer, count: self.telemetry.gauge("gy_connections", peer).set(count),
            slots=PeerSlots(self.run_folder / SLOTS_FILE),
            on_gone=self.note_gone,
        )
        self.gy.use_final_units(self.final_units)
        self.notices = GyLink(
            socket_path(self.run_folder, NOTICES_SOCKET), self.gy.teller, store=meta.created_ns, name=self.name
        )
        self.notices.start()
        if self.is_listening:
            return {"gy_port": await self.gy.start()}
        self.gy.begin()
        await self.take_connections(self.gy.adopt, self.gy.make_room)
        return {}

    def use_final_units(self, units: Mapping[int, FinalUnit]) -> None:
        """See FrontEndProcess."""
        if self.gy is not None:
            self.gy.use_final_units(units)

    def deliver(self, answered: Held[AnsweredBatch]) -> None:
        """See FrontEndProcess: to the wire."""
        if self.gy is not None:
            self.gy.deliver(answered)

    async def stop_clients(self) -> None:
        """See FrontEndProcess: say good-bye to peers, each behind its last answer."""
        if self.notices is not None:
            await self.notices.close()
        await self.take_no_more()
        if self.gy is not None:
            assert self.links is not None
            await self.gy.close(drain=self.links.drain)
