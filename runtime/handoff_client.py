"""One front end's link to one engine: rows to it over its unix socket, answers back.

What is handed over is kept until it is answered. Where it goes, and what becomes of it when the engine is lost, is
runtime/engine_links.py.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from charging.batch import COUNT_REQUESTS, AnsweredBatch, UsageBatch, new_usage_batch
from charging.final_units import FinalUnit
from charging.handed_checks import FAULTS, SOUND, find_answer_fault
from charging.handed_rows import (
    HELD_HANDED,
    end_overdue,
    mark_sent,
    new_handed_answers,
    place_answers,
    send_rest,
    skip_answers,
    take_back,
)
from runtime.engine_stream import EngineStream
from runtime.handoff_frames import (
    FrameError,
    Header,
    answer_columns,
    read_answers,
    read_owned,
    row_columns,
    rows_frame,
)
from runtime.kept_ticks import KeptTicks, Tick, TickSource
from vocabulary.held import Held

RECONNECT_S: Final = (0.01, 0.02, 0.05, 0.1, 0.2)
REFUSED_AGAIN_S: Final = 1.0
"""Behind a refusal of the engine, which is nothing that passes by itself."""
GREETING_S: Final = 5.0


class LinkEvents(Protocol):
    """What links tell; whoever has them decides."""

    def on_owned(self, link: "EngineLink") -> None:
        """`owned` of the link changed: its engine said so, or is gone."""

    def on_returned(self, link: "EngineLink") -> None:
        """Rows of the link came back undecided (RETURNED)."""

    def on_down(self, link: "EngineLink", reason: str) -> None:
        """The engine is gone, or can't be reached."""


class LinkTools:
    """What the links of one front end use in turn.

    deliver      gets rows and answers: rows that aren't answered by this call are silent
    take_texts   gets texts of final units, before answers that name them
    reached      kill points
    """

    def __init__(
        self,
        *,
        name: str,
        greeting: Callable[[], bytes],
        partition_count: int,
        deliver: Callable[[Held[AnsweredBatch]], None],
        take_texts: Callable[[Mapping[int, FinalUnit]], None],
        reached: Callable[[str], None],
    ) -> None:
        self.name = name
        self.greeting = greeting
        self.partition_count = partition_count
        self.deliver = deliver
        self.take_texts = take_texts
        self.reached = reached
        self.ticks = TickSource()
        self.incoming = Held(new_handed_answers(), HELD_HANDED)
        self.incoming_columns = answer_columns(self.incoming.value)
        self.rest = new_usage_batch()
        self.rest_columns = row_columns(self.rest)


class WaitingPlace:
    """Where rows of one place wait for their answers; place 0 has no engine, rows there wait for an owner."""

    def __init__(self, place: int, tools: LinkTools) -> None:
        self.place = place
        self.ticks = KeptTicks(tools.ticks)
        self.given_up_total = 0
        """rows that were sent and that no answer came for in time, or behind their last engine"""
        self.refused_total = 0
        """rows that were answered TOO_BUSY because no engine had them in time"""
        self._tools = tools

    def keep(self, batch: UsageBatch, rows: NDArray[np.int32], first: int, count: int, *, is_new: bool) -> None:
        """Keep rows[first:first + count] of a batch; see charging.handed_rows.keep_rows."""
        self.ticks.keep(batch, rows, first, count, is_new=is_new)

    def take_back(
        self, places: NDArray[np.int32], batch: UsageBatch, use: Callable[[], None], *, leaves_all: bool
    ) -> int:
        """Rows that are to wait elsewhere, a tick at a time in `batch`, for which `use` is called; how many these are."""
        moved = 0
        for tick in self.ticks:
            batch.counts[:] = 0
            taken, given_up = take_back(tick.held.octets, batch, places, self.place, leaves_all)
            self.ticks.count_done(tick, taken + given_up)
            self.given_up_total += given_up
            moved += taken
            self.ticks.drop_if_done(tick)
            if taken:
                use()
        return moved

    def end_overdue(self, unsent_before_ns: int, sent_before_ns: int) -> None:
        """Rows past their deadline: refused where no engine can have decided them, given up where one may have."""
        for tick in self.ticks:
            if tick.received_ns >= unsent_before_ns:
                continue  # what moved here stands behind what is younger
            refused, given_up = end_overdue(tick.held.octets, unsent_before_ns, sent_before_ns)
            self.ticks.count_done(tick, refused + given_up)
            self.refused_total += refused
            self.given_up_total += given_up
            if refused:
                self._tools.deliver(tick.answered)
            self.ticks.drop_if_done(tick)


class EngineLink(WaitingPlace):
    """A front end's link to the engine at a socket, which comes and goes.

    path     of the engine's socket
    place    number of the link, 1 and up
    """

    def __init__(self, path: Path, place: int, tools: LinkTools, events: LinkEvents) -> None:
        super().__init__(place, tools)
        self.owned: dict[int, int] = {}
        """epochs by partition that the engine owns, as it says"""
        self.path = path
        self._events = events
        self._stream: EngineStream | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._log = structlog.get_logger(process=tools.name)

    @property
    def is_up(self) -> bool:
        """Does the engine take rows now?"""
        return self._stream is not None

    def start(self) -> None:
        """Begin to connect, and go on until `close`."""
        self._connecting = asyncio.get_running_loop().create_task(self._stay_connected())

    async def close(self) -> None:
        """End the link."""
        if self._connecting is not None:
            connecting, self._connecting = self._connecting, None
            connecting.cancel()
            await asyncio.wait([connecting])

    # --- rows out ----------------------------------------------------------------------------------------------------------

    def send(self) -> None:
        """Write the ticks that wait, as far as the engine reads them."""
        stream = self._stream
        while stream is not None and stream.is_writable and (tick := self.ticks.next_to_send()) is not None:
            if tick.is_fresh:
                tick.is_fresh = False
                mark_sent(tick.held.octets)
                stream.write(rows_frame(tick.number, tick.columns))
            else:
                self._send_rest(tick, stream)
            self._tools.reached(f"{self._tools.name}.rows_handed")
            if tick.was_handed:
                self._tools.reached(f"{self._tools.name}.rows_handed_again")

    def _send_rest(self, tick: Tick, stream: EngineStream) -> None:
        """The rows of a tick that wait still: others were given up before it could be written."""
        rest = self._tools.rest
        rest.counts[:] = 0
        send_rest(tick.held.octets, rest)
        if rest.counts[COUNT_REQUESTS]:
            stream.write(rows_frame(tick.number, self._tools.rest_columns))

    # --- answers in ----------------------------------------------------------------------------------------------------------

    def take_answers(self, header: Header, body: memoryview) -> None:
        """Deliver the answers of a frame, a tick at a time. FrameError where they are none: then nothing is delivered."""
        incoming = self._tools.incoming
        handed = incoming.value
        read_answers(header, body, self._tools.incoming_columns)
        fault = int(find_answer_fault(incoming.octets))
        if fault != SOUND:
            raise FrameError(f"answers that can't be used: {FAULTS[fault]}")
        self._tools.reached(f"{self._tools.name}.answers_received")
        at, mscc, end, has_returned = 0, 0, int(handed.counts[0]), False
        while at < end:
            tick = self.ticks.find(int(handed.heads["tick"][at]))
            if tick is None:
                at, mscc = skip_answers(incoming.octets, at, mscc)
                continue
            at, mscc, done, returned = place_answers(incoming.octets, at, mscc, tick.held.octets)
            has_returned = has_returned or returned > 0
            if done:
                self.ticks.count_done(tick, done)
                self._tools.deliver(tick.answered)
                self.ticks.drop_if_done(tick)
        self._tools.reached(f"{self._tools.name}.answers_sent")
        if has_returned:
            self._events.on_returned(self)
        self.send()

    # --- the connection ------------------------------------------------------------------------------------------------------

    async def _stay_connected(self) -> None:
        """Connect, and again whenever the link is lost."""
        loop, attempt = asyncio.get_running_loop(), 0
        while True:
            stream = EngineStream(
                greeting=self._tools.greeting(),
                take_answers=self.take_answers,
                take_texts=self._tools.take_texts,
                take_owned=self._take_owned,
                on_up=self._on_up,
                on_down=self._on_down,
                on_writable=self.send,
            )
            try:
                await loop.create_unix_connection(partial(_itself, stream), str(self.path))
                async with asyncio.timeout(GREETING_S):
                    await stream.greeted.wait()
                if stream.welcomed:
                    attempt = 0
                await stream.lost.wait()
            except (OSError, TimeoutError) as error:
                self._events.on_down(self, f"the engine can't be reached at {self.path}: {error or 'it says nothing'}")
            finally:
                stream.abort()
            wait_s = REFUSED_AGAIN_S if stream.is_refused else RECONNECT_S[min(attempt, len(RECONNECT_S) - 1)]
            await asyncio.sleep(wait_s)
            attempt += 1

    def _on_up(self, stream: EngineStream, link: int) -> None:
        """An engine takes rows; which ones it says next."""
        self._stream = stream
        self._log.info("engine link up", link=link, engine=self.path.stem)

    def _take_owned(self, header: Header, body: memoryview) -> None:
        self.owned = read_owned(header, body, self._tools.partition_count)
        self._events.on_owned(self)

    def _on_down(self, stream: EngineStream, reason: str) -> None:
        """The link is lost; its rows wait for the next owner."""
        if self._connecting is None:
            return
        if self._stream is stream:
            self._stream = None
            self.owned = {}
            self._events.on_owned(self)
        if self._stream is None:
            self._events.on_down(self, reason)


def _itself(stream: Any) -> Any:
    return stream
