"""Front ends in processes of their own: what those of all protocols have. Each says what differs: its name, and how it serves.

It finds accounts in the store, hands requests to the engines that own their partitions, and holds no money.
"""

import asyncio
import gc
import socket
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import ClassVar

import uvloop

from balances.edge.embedded_socket import socket_path
from balances.edge.redis_store import RedisStore
from balances.store import StoreMeta
from charging.answer_tally import TALLY_OPENED, new_tally, tally_answers
from charging.batch import AnsweredBatch
from charging.final_units import FinalUnit
from runtime.acceptor import TakenConnections, acceptor_socket
from runtime.data_folder import DataFolder
from runtime.end_tasks import end_tasks
from runtime.engine_links import LONGEST_SOCKET_NAME, EngineLinks
from runtime.identity_moves import follow_identity_moves
from runtime.kill_points import reached
from runtime.moved_clock import clock_of
from runtime.serving import serve
from runtime.settings import Settings
from runtime.telemetry import Health, Telemetry
from runtime.warm import forbid_compiling, warm
from vocabulary.held import Held
from vocabulary.outcomes import RESULT_CODES


class FrontEndProcess(ABC):
    """Protocol server, links to the engines, and telemetry of one process, wired; see ServingProcess.

    name           of the process: its metrics are `<name>_link_up` and so on
    is_listening   False: it takes the connections of the acceptor of its data directory, instead of a port's
    """

    name: ClassVar[str]
    ready_line: ClassVar = "front end ready"

    def __init__(self, settings: Settings, store_url: str, *, is_listening: bool = True) -> None:
        self.settings = settings
        self.is_listening = is_listening
        self._taken: TakenConnections | None = None
        self.telemetry = Telemetry(self.name)
        self.clock = clock_of(settings)
        self.store = RedisStore(store_url)
        self.run_folder = DataFolder(settings.store.data_dir).run
        self.links: EngineLinks | None = None
        self._following: asyncio.Task[None] | None = None
        self.final_units: dict[int, FinalUnit] = {}
        """texts that answers may name, by their numbers, as engines told them"""
        self._tally, self._counted = new_tally(), new_tally()
        self._link_counted = (0, 0, 0)
        self.telemetry.before_scrape(self._count)

    # --- what differs ----------------------------------------------------------------------------------------------------

    @abstractmethod
    async def serve_clients(self, meta: StoreMeta, links: EngineLinks) -> Mapping[str, int]:
        """Take requests, and offer them to the engines; the ports by name."""

    @abstractmethod
    def use_final_units(self, units: Mapping[int, FinalUnit]) -> None:
        """Texts that answers name from now on; clients that aren't served yet get all of `final_units` when they are."""

    @abstractmethod
    def deliver(self, answered: Held[AnsweredBatch]) -> None:
        """Answers to who waits for them."""

    @abstractmethod
    async def stop_clients(self) -> None:
        """Take no request more, and let those under way be answered; also where `serve_clients` was never called."""

    # --- connections that `farebox up` accepts ---------------------------------------------------------------------------

    async def take_connections(
        self, adopt: Callable[[socket.socket], Awaitable[None]], makes_room: Callable[[], bool] = lambda: False
    ) -> None:
        """Serve those that are handed over from now on (TakenConnections). OSError where no acceptor is there."""
        self._taken = TakenConnections(acceptor_socket(self.run_folder, self.name), adopt, self.name, makes_room)
        await self._taken.start()

    def note_gone(self) -> None:
        """A connection ended; where this process listens itself nobody counts it."""
        if self._taken is not None:
            self._taken.note_ended()

    async def take_no_more(self) -> None:
        """Those that come go to other front ends, or wait for the next."""
        if self._taken is not None:
            await self._taken.stop()

    # --- what doesn't ----------------------------------------------------------------------------------------------------

    def health(self) -> Health:
        """See ServingProcess: ready while every partition has an engine that takes what is handed over."""
        if self.links is None or not self.links.is_up:
            return Health(False, ("starting" if self.links is None else self.links.why_down,))
        return Health(True, ())

    async def start(self, stopping: asyncio.Event) -> Mapping[str, int] | None:
        """Ask the store who it is, find the engines, listen. See ServingProcess."""
        meta = await self.store.open()
        self.run_folder.mkdir(parents=True, exist_ok=True)
        self.links = EngineLinks(
            socket_path(self.run_folder, LONGEST_SOCKET_NAME).parent,
            meta=meta,
            store=self.store,
            name=self.name,
            deliver=self.deliver,
            now_ns=self.clock.now_ns,
            take_texts=self._take_texts,
            on_change=lambda is_up: self.telemetry.gauge(f"{self.name}_link_up").set(int(is_up)),
            reached=reached,
        )
        await self.links.start()
        self._following = asyncio.ensure_future(
            follow_identity_moves(self.store, self.links.look_up, process=self.name)
        )
        ends = [asyncio.ensure_future(self.links.wait_up()), asyncio.ensure_future(stopping.wait())]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in ends:
            task.cancel()
        if stopping.is_set():
            return None
        ports = await self.serve_clients(meta, self.links)
        gc.collect()
        gc.freeze()
        return ports

    def _take_texts(self, units: Mapping[int, FinalUnit]) -> None:
        self.final_units |= units
        self.use_final_units(units)

    async def run(self, stopping: asyncio.Event) -> None:
        """Until told to stop. See ServingProcess."""
        await stopping.wait()

    async def close(self) -> None:
        """Answer what is under way, end. See ServingProcess."""
        await self.stop_clients()
        if self._following is not None:
            await end_tasks([self._following])
        if self.links is not None:
            await self.links.close()
        await self.store.close()

    def tally(self, answered: Held[AnsweredBatch]) -> None:
        """Answers that leave, those that no engine decided among them; once a delivery."""
        tally_answers(answered.octets, self._tally)

    def _count(self) -> None:
        """Raise the metrics by what was counted since they were read last."""
        tally = (self._tally - self._counted).tolist()
        self._counted[:] = self._tally
        for outcome, count in enumerate(tally[:TALLY_OPENED]):
            if count:
                self.telemetry.counter(f"{self.name}_answers_total", str(RESULT_CODES[outcome])).inc(count)
        if self.links is None:
            return
        self.telemetry.gauge(f"{self.name}_waiting_requests").set(self.links.waiting_rows)
        totals = (self.links.refused_total, self.links.moved_total, self.links.given_up_total)
        for word, total, counted in zip(("refused", "moved", "given_up"), totals, self._link_counted, strict=True):
            self.telemetry.counter(f"{self.name}_{word}_total").inc(total - counted)
        self._link_counted = totals


def run_front_end(
    process: Callable[[], FrontEndProcess],
    *,
    ready_file: Path | None = None,
    report: Callable[[str], None] = print,
) -> None:
    """Serve until SIGTERM or SIGINT. Kernels are warmed first; from then on nothing compiles.

    ready_file   gets `<ports ...> <telemetry port> <pid>` once engines are linked and requests are taken
    """
    warm(report)
    forbid_compiling()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        made = process()
        runner.run(serve(made, made.settings.telemetry, ready_file))
