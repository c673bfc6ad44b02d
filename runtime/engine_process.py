"""`farebox engine`: one process with the engine and, unless told otherwise, the Gy front end before it, on uvloop.

Front ends that are processes of their own reach it through a socket of the data directory (runtime/handoff_server.py).
"""

import asyncio
import gc
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

import uvloop

from balances.edge.embedded_socket import socket_path
from balances.edge.redis_store import RedisStore
from balances.store import StoreError, StoreMeta
from charging.answer_tally import TALLY_ENDED, TALLY_OPENED, new_tally, tally_answers
from charging.batch import AnsweredBatch
from charging.final_units import FinalUnit
from gy_interface.edge.server import GyServer
from runtime.batch_decision import Deciding
from runtime.batch_in_flight import BatchInFlight
from runtime.config import ConfigError
from runtime.data_folder import DataFolder
from runtime.engine_links import ENGINE_SUFFIX
from runtime.engine_worker import Engine
from runtime.handoff_server import HandoffServer
from runtime.kill_points import reached
from runtime.moved_clock import clock_of
from runtime.notices.gy_frames import SOCKET_NAME as NOTICES_SOCKET
from runtime.notices.gy_link import GyLink
from runtime.pressure import PressureLimits
from runtime.serving import serve
from runtime.settings import Settings
from runtime.telemetry import ENGINE, Health, Telemetry
from runtime.warm import forbid_compiling, warm
from vocabulary.held import Held
from vocabulary.instants import NS_PER_S
from vocabulary.outcomes import RESULT_CODES
from vocabulary.units import OCTETS_PER_MIB


def pressure_limits(settings: Settings) -> PressureLimits:
    """When the engine is to refuse new sessions for its surroundings' sake."""
    folder = DataFolder(settings.store.data_dir)
    return PressureLimits(
        journal_octets_max=settings.store.journal_mib_max * OCTETS_PER_MIB,
        disk_free_octets_min=settings.records.disk_free_min_mib * OCTETS_PER_MIB,
        folders=(folder.store, folder.segments),
    )


class EngineProcess:
    """Engine, Gy server and telemetry of one process, wired; see ServingProcess."""

    name: ClassVar = ENGINE
    ready_line: ClassVar = "engine ready"

    def __init__(self, settings: Settings, store_url: str, *, ends_when_lost: bool, has_gy: bool = True) -> None:
        self.settings = settings
        self.telemetry = Telemetry(self.name)
        self.store = RedisStore(store_url)
        self.clock = clock_of(settings)
        self.engine = Engine(
            store=self.store,
            clock=self.clock,
            telemetry=self.telemetry,
            deliver=self._deliver,
            node=settings.engine.node,
            quarantine=settings.store.data_dir / "quarantine",
            limits=pressure_limits(settings),
            deciding=Deciding(settings.engine.records_kept_mib * OCTETS_PER_MIB, settings.engine.supervision_s),
            reached=reached,
            is_alone=has_gy,
        )
        self.gy: GyServer | None = None
        self.notices: GyLink | None = None
        self.handoff: HandoffServer | None = None
        self._has_gy = has_gy
        self._handed = 0
        """rows of links, as far as telemetry has them"""
        self._tally, self._counted = new_tally(), new_tally()
        self.telemetry.before_scrape(self._count_answers)
        self._ends_when_lost = ends_when_lost

    def health(self) -> Health:
        """See ServingProcess."""
        return self.engine.health()

    async def start(self, stopping: asyncio.Event) -> dict[str, int] | None:
        """Listen for front ends, which hand over at once what they kept; claim; listen for peers. See ServingProcess."""
        meta = await self.engine.open()
        run_folder = DataFolder(self.settings.store.data_dir).run
        self.handoff = HandoffServer(
            socket_path(run_folder, f"{self.settings.engine.node}{ENGINE_SUFFIX}"),
            store=meta.created_ns,
            epochs=self.engine.epochs,
            offer=self.engine.batcher.offer,
            answered=self._tally_answers,
            on_links=self.telemetry.gauge("links").set,
            reached=reached,
        )
        self.engine.on_owned = self.handoff.announce
        self.engine.on_final_units = self._use_final_units
        self._use_final_units(self.engine.final_units)
        await self.handoff.start()
        claiming = asyncio.ensure_future(self.engine.start())
        told = asyncio.ensure_future(stopping.wait())
        await asyncio.wait([claiming, told], return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if not claiming.done():
            claiming.cancel()
            await asyncio.wait([claiming])
            return None
        claiming.result()
        ports = {"gy_port": await self._start_gy(meta)} if self._has_gy else {}
        gc.collect()
        gc.freeze()
        return ports

    def _use_final_units(self, units: Mapping[int, FinalUnit]) -> None:
        """Texts that answers name from now on, to the front ends in this process and behind links."""
        if self.gy is not None:
            self.gy.use_final_units(units)
        if self.handoff is not None:
            self.handoff.use_final_units(units)

    async def _start_gy(self, meta: StoreMeta) -> int:
        """Listen for packet cores in this process; the port."""
        tenants = {peer.tenant: await self.store.add_tenant(peer.tenant) for peer in self.settings.gy.peers.values()}
        self.gy = GyServer(
            self.settings.gy,
            offer=self.engine.batcher.offer,
            answered=self._tally_answers,
            now_ns=self.clock.now_ns,
            tenants=tenants,
            secret=meta.secret,
            origin_state_id=meta.created_ns // NS_PER_S,
            on_connections=lambda peer, count: self.telemetry.gauge("connections", peer).set(count),
        )
        self.gy.use_final_units(self.engine.final_units)
        port = await self.gy.start()
        run_folder = DataFolder(self.settings.store.data_dir).run
        self.notices = GyLink(
            socket_path(run_folder, NOTICES_SOCKET), self.gy.teller, store=meta.created_ns, name=self.name
        )
        self.notices.start()
        return port

    async def run(self, stopping: asyncio.Event) -> None:
        """Until told to stop, or until a partition is another engine's. See ServingProcess."""
        ends = [asyncio.ensure_future(stopping.wait())]
        if self._ends_when_lost:
            ends.append(asyncio.ensure_future(self.engine.lost.wait()))
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in ends:
            task.cancel()
        if not stopping.is_set():
            raise StoreError(f"another engine ({self.engine.lost_to}) took partitions of this one: it must begin anew")

    def _tally_answers(self, answered: Held[AnsweredBatch]) -> None:
        """Answers that leave, those that nobody decided among them; once a batch."""
        tally_answers(answered.octets, self._tally)

    def _count_answers(self) -> None:
        """Raise the counters by what was answered since they were read last."""
        tally = (self._tally - self._counted).tolist()
        self._counted[:] = self._tally
        for outcome, count in enumerate(tally[:TALLY_OPENED]):
            if count:
                self.telemetry.counter("answers_total", str(RESULT_CODES[outcome])).inc(count)
        if self.handoff is not None:
            handed = self.handoff.rows_total
            self.telemetry.counter("handed_total").inc(handed - self._handed)
            self._handed = handed
        self.telemetry.counter("sessions_opened_total").inc(tally[TALLY_OPENED])
        self.telemetry.counter("sessions_ended_total").inc(tally[TALLY_ENDED])

    def _deliver(self, batch: BatchInFlight) -> None:
        """Answers of a decided batch to the wire, and how long they took; once a batch."""
        if self.handoff is not None:
            self.handoff.deliver(batch.answered)  # first: rows that go back to their front end are no answers
        if self.gy is not None:
            self.gy.deliver(batch.answered)
        else:
            self._tally_answers(batch.answered)
        waited_ns = self.clock.now_ns() - int(batch.usage.requests["received_ns"][0])
        self.telemetry.histogram("answer_seconds").observe(waited_ns / NS_PER_S)
        if batch.decide_ns:
            self.telemetry.histogram("decide_seconds").observe(batch.decide_ns / NS_PER_S)
        if batch.commit_ns:
            self.telemetry.histogram("commit_seconds").observe(batch.commit_ns / NS_PER_S)

    async def close(self) -> None:
        """Answer what is under way, say good-bye, end."""
        if self.handoff is not None:
            self.handoff.stop_reading()
        if self.notices is not None:
            await self.notices.close()
        if self.gy is not None:
            await self.gy.close(drain=self.engine.drain)
        await self.engine.close()
        if self.handoff is not None:
            self.handoff.close()


def _pin(cpu: int) -> None:
    """Have this process run on one processor. ConfigError where there is none of that number."""
    try:
        os.sched_setaffinity(0, {cpu})
    except OSError as error:
        raise ConfigError(
            [
                f"engine.cpu is {cpu}: this machine has no such processor for us, choose 0..{(os.cpu_count() or 1) - 1} or -1"
            ]
        ) from error


def run_engine(
    settings: Settings,
    store_url: str,
    *,
    ready_file: Path | None = None,
    report: Callable[[str], None] = print,
    ends_when_lost: bool = False,
    has_gy: bool = True,
) -> None:
    """Serve until SIGTERM or SIGINT. Kernels are warmed first; from then on nothing compiles.

    ready_file       gets `<gy port> <telemetry port> <pid>` once requests are taken; without Gy no port of it
    has_gy           False: packet cores are front-end processes' alone
    ends_when_lost   end with a StoreError once another engine took a partition: whoever supervises starts it again
    """
    if settings.engine.cpu >= 0:
        _pin(settings.engine.cpu)
    warm(report)
    forbid_compiling()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(
            serve(
                EngineProcess(settings, store_url, ends_when_lost=ends_when_lost, has_gy=has_gy),
                settings.telemetry,
                ready_file,
            )
        )
