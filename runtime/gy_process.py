"""`farebox gy`: Diameter sockets and codec in a process of its own, which hands requests to the engine and holds no money."""

import asyncio
import gc
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import uvloop

from balances.edge.embedded_socket import socket_path
from balances.edge.redis_store import RedisStore
from charging.answer_tally import TALLY_OPENED, new_tally, tally_answers
from charging.batch import AnsweredBatch
from gy_interface.edge.server import GyServer
from runtime.clock import SystemClock
from runtime.data_folder import DataFolder
from runtime.handoff_client import EngineLink
from runtime.handoff_server import SOCKET_NAME
from runtime.kill_points import reached
from runtime.serving import serve
from runtime.settings import Settings
from runtime.telemetry import GY, Health, Telemetry
from runtime.warm import forbid_compiling, warm
from vocabulary.held import Held
from vocabulary.instants import NS_PER_S
from vocabulary.outcomes import RESULT_CODES


class GyProcess:
    """Gy server, engine link and telemetry of one process, wired; see ServingProcess."""

    name: ClassVar = GY
    ready_line: ClassVar = "front end ready"

    def __init__(self, settings: Settings, store_url: str) -> None:
        self.settings = settings
        self.telemetry = Telemetry(self.name)
        self.clock = SystemClock()
        self.gy: GyServer | None = None
        self.link: EngineLink | None = None
        self._store_url = store_url
        self._tally, self._counted = new_tally(), new_tally()
        self._link_counted = (0, 0, 0)
        self.telemetry.before_scrape(self._count)

    def health(self) -> Health:
        """See ServingProcess: ready while an engine takes what is handed over."""
        if self.link is None or not self.link.is_up:
            return Health(False, ("starting" if self.link is None else self.link.why_down,))
        return Health(True, ())

    async def start(self, stopping: asyncio.Event) -> dict[str, int] | None:
        """Ask the store who it is, link up, listen. See ServingProcess."""
        store = RedisStore(self._store_url)
        try:
            meta = await store.open()
            tenants = {peer.tenant: await store.add_tenant(peer.tenant) for peer in self.settings.gy.peers.values()}
        finally:
            await store.close()
        self.link = EngineLink(
            socket_path(DataFolder(self.settings.store.data_dir).run, SOCKET_NAME),
            store=meta.created_ns,
            name=self.name,
            deliver=self._deliver,
            now_ns=self.clock.now_ns,
            on_change=lambda is_up: self.telemetry.gauge("gy_link_up").set(int(is_up)),
            reached=reached,
        )
        await self.link.start()
        if not await _is_up_first(self.link, stopping):
            return None
        self.gy = GyServer(
            self.settings.gy,
            offer=self.link.offer,
            answered=self._tally_answers,
            now_ns=self.clock.now_ns,
            tenants=tenants,
            secret=meta.secret,
            origin_state_id=meta.created_ns // NS_PER_S,
            on_connections=lambda peer, count: self.telemetry.gauge("gy_connections", peer).set(count),
        )
        gy_port = await self.gy.start()
        gc.collect()
        gc.freeze()
        return {"gy_port": gy_port}

    async def run(self, stopping: asyncio.Event) -> None:
        """Until told to stop. See ServingProcess."""
        await stopping.wait()

    def _deliver(self, answered: Held[AnsweredBatch]) -> None:
        """Answers of a tick to the wire."""
        assert self.gy is not None
        self.gy.deliver(answered)

    def _tally_answers(self, answered: Held[AnsweredBatch]) -> None:
        """Answers that leave, those that no engine decided among them; once a delivery."""
        tally_answers(answered.octets, self._tally)

    def _count(self) -> None:
        """Raise the metrics by what was counted since they were read last."""
        tally = (self._tally - self._counted).tolist()
        self._counted[:] = self._tally
        for outcome, count in enumerate(tally[:TALLY_OPENED]):
            if count:
                self.telemetry.counter("gy_answers_total", str(RESULT_CODES[outcome])).inc(count)
        if self.link is None:
            return
        self.telemetry.gauge("gy_waiting_requests").set(self.link.waiting_rows)
        totals = (self.link.refused_total, self.link.moved_total, self.link.given_up_total)
        names = ("gy_refused_total", "gy_moved_total", "gy_given_up_total")
        for name, total, counted in zip(names, totals, self._link_counted, strict=True):
            self.telemetry.counter(name).inc(total - counted)
        self._link_counted = totals

    async def close(self) -> None:
        """Say good-bye to peers, then wait a little for what is under way."""
        if self.gy is not None:
            await self.gy.close()
        if self.link is not None:
            await self.link.close()


async def _is_up_first(link: EngineLink, stopping: asyncio.Event) -> bool:
    """Wait until the link is up; False where the process is told to stop before."""
    ends = [asyncio.ensure_future(link.wait_up()), asyncio.ensure_future(stopping.wait())]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for task in ends:
        task.cancel()
    return not stopping.is_set()


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
