"""The front end's side of the hand-off: rows to the engine over its unix socket, answers back, across the engine's deaths.

`offer` and `deliver` are what Batcher.offer and the engine's deliver are within one process: a front end can't tell which
it has. What is handed over is kept until it is answered. When the engine is lost, rows without an answer are handed to the
next one, in order: it finds those that were committed as repeats and gives their recorded answers. So a row that may have
been decided is never refused here: it gets its answer, or none, and its peer asks again.
"""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import structlog

from charging.batch import COUNT_REQUESTS, AnsweredBatch, UsageBatch, new_usage_batch
from charging.final_units import FinalUnit
from charging.handed_checks import FAULTS, SOUND, find_answer_fault
from charging.handed_rows import (
    HELD_HANDED,
    REFUSE_ALL,
    REFUSE_NEW,
    REFUSE_NONE,
    end_overdue,
    mark_sent,
    new_handed_answers,
    place_answers,
    refuse_some,
    skip_answers,
    take_unanswered,
)
from runtime.engine_stream import EngineStream
from runtime.handoff_frames import (
    Frame,
    FrameError,
    Header,
    answer_columns,
    fingerprint,
    read_answers,
    release,
    row_columns,
    rows_frame,
    text_frame,
)
from runtime.kept_ticks import KeptTicks, Tick
from vocabulary.held import Held
from vocabulary.instants import NS_PER_S
from vocabulary.limits import (
    ANSWER_DEADLINE_S,
    HANDED_OCTETS_MAX,
    LINK_GRACE_S,
    REQUESTS_QUEUED_MAX,
    REQUESTS_QUEUED_NEW_SESSIONS_MAX,
)

RECONNECT_S: Final = (0.01, 0.02, 0.05, 0.1, 0.2)
REFUSED_AGAIN_S: Final = 1.0
"""Behind a refusal of the engine, which is nothing that passes by itself."""
GREETING_S: Final = 5.0
LOOK_S: Final = 0.25
UNWRITTEN_OCTETS_HIGH: Final = 4 << 20
"""With more that the engine hasn't read, further rows gather instead of being written."""
_DEADLINE_NS: Final = ANSWER_DEADLINE_S * NS_PER_S


class EngineLink:
    """One front end's link to the engine of a data directory.

    path       of the engine's socket
    store      the number of the store that the front end works on
    name       of the front end's kind: for logs, and for kill points (`<name>.rows_kept` and the others)
    deliver    gets rows and answers: rows that aren't answered by this call are silent, account_id is the engine's.
               The memory is used again when it returns
    take_texts gets texts of final units, before answers that name them
    now_ns     the clock that `received_ns` of rows comes from
    on_change  told when the link is up or down
    reached    kill points
    """

    def __init__(
        self,
        path: Path,
        *,
        store: int,
        name: str,
        deliver: Callable[[Held[AnsweredBatch]], None],
        now_ns: Callable[[], int],
        take_texts: Callable[[Mapping[int, FinalUnit]], None] = lambda units: None,
        on_change: Callable[[bool], None] = lambda is_up: None,
        reached: Callable[[str], None] = lambda point: None,
        grace_s: float = LINK_GRACE_S,
    ) -> None:
        self.refused_total = 0
        """rows that were answered TOO_BUSY here"""
        self.given_up_total = 0
        """rows that were sent and that no answer came for in time"""
        self.moved_total = 0
        """rows that were handed to a further engine"""
        self.why_down = "the engine isn't found yet"
        self._path = path
        self._store = store
        self._name = name
        self._deliver = deliver
        self._now_ns = now_ns
        self._take_texts = take_texts
        self._on_change = on_change
        self._reached = reached
        self._grace_s = grace_s
        self._ticks = KeptTicks()
        self._incoming = Held(new_handed_answers(), HELD_HANDED)
        self._incoming_columns = answer_columns(self._incoming.value)
        self._again = new_usage_batch()
        self._again_columns = row_columns(self._again)
        self._stream: EngineStream | None = None
        self._down_since = 0.0
        self._emptied = asyncio.Event()
        self._went_up = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._looking: asyncio.TimerHandle | None = None
        self._log = structlog.get_logger(process=name)

    # --- for front ends --------------------------------------------------------------------------------------------------

    @property
    def is_up(self) -> bool:
        """Does an engine take rows now?"""
        return self._stream is not None

    @property
    def waiting_rows(self) -> int:
        """Rows that are kept without an answer."""
        return self._ticks.rows

    async def start(self) -> None:
        """Begin to connect, and go on until `close`; `wait_up` says when it is done."""
        self._loop = asyncio.get_running_loop()
        self._down_since = self._loop.time()
        self._connecting = self._loop.create_task(self._stay_connected())
        self._looking = self._loop.call_later(LOOK_S, self._look)

    async def wait_up(self) -> None:
        """Until the link is up."""
        await self._went_up.wait()

    def offer(self, batch: UsageBatch) -> int:
        """Hand over the undecided requests of a tick; they are copied, the batch may be used again at once.

        As Batcher.offer: requests that have an outcome when this returns are the caller's to answer, among them those that
        are refused here because the link is down or too many rows wait (TOO_BUSY). How many these are.
        """
        count = int(batch.counts[COUNT_REQUESTS])
        refusal = self._refusal()
        answered_before = int(refuse_some(batch, REFUSE_NONE)) if refusal else 0
        answered = int(refuse_some(batch, refusal))
        if refusal:
            self.refused_total += answered - answered_before
        if answered < count:
            self._ticks.keep(batch)
            self._reached(f"{self._name}.rows_kept")
            self._send()
        return answered

    async def close(self, *, drain_s: float = 2.0) -> None:
        """Wait a little for the answers that are under way, then end the link."""
        if self._loop is None:
            return
        if self._ticks.rows:
            self._emptied.clear()
            try:
                async with asyncio.timeout(drain_s):
                    await self._emptied.wait()
            except TimeoutError:
                self._log.warning("requests left without an answer", rows=self._ticks.rows)
        if self._looking is not None:
            self._looking.cancel()
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.wait([self._connecting])
        self._loop = None

    def _refusal(self) -> int:
        """What is refused now: nothing, new sessions, or everything."""
        assert self._loop is not None, "start comes first"
        if self._stream is None and self._loop.time() - self._down_since > self._grace_s:
            return REFUSE_ALL
        if self._ticks.rows > REQUESTS_QUEUED_MAX or self._ticks.octets > HANDED_OCTETS_MAX:
            return REFUSE_ALL
        return REFUSE_NEW if self._ticks.rows > REQUESTS_QUEUED_NEW_SESSIONS_MAX else REFUSE_NONE

    # --- rows out ----------------------------------------------------------------------------------------------------------

    def _send(self) -> None:
        """Write the ticks that wait, as far as the engine reads them."""
        stream = self._stream
        while stream is not None and stream.is_writable and (tick := self._ticks.next_to_send()) is not None:
            if tick.is_fresh:
                tick.is_fresh = False
                mark_sent(tick.held.octets)
                stream.write(rows_frame(tick.number, tick.columns))
            else:
                self._send_again(tick, stream)
            self._reached(f"{self._name}.rows_handed")

    def _send_again(self, tick: Tick, stream: EngineStream) -> None:
        """The rows of a tick that wait still, some of which another engine had."""
        again = self._again
        again.counts[:] = 0
        given_up = int(take_unanswered(tick.held.octets, again))
        self._ticks.count_done(tick, given_up)
        self.given_up_total += given_up
        count = int(again.counts[COUNT_REQUESTS])
        self.moved_total += count
        if count:
            stream.write(rows_frame(tick.number, self._again_columns))
        self._drop_if_done(tick)

    # --- answers in ----------------------------------------------------------------------------------------------------------

    def _take_answers(self, header: Header, body: memoryview) -> None:
        """Deliver the answers of a frame, a tick at a time. FrameError where they are none: then nothing is delivered."""
        handed = self._incoming.value
        read_answers(header, body, self._incoming_columns)
        fault = int(find_answer_fault(self._incoming.octets))
        if fault != SOUND:
            raise FrameError(f"answers that can't be used: {FAULTS[fault]}")
        self._reached(f"{self._name}.answers_received")
        at, mscc, end = 0, 0, int(handed.counts[0])
        while at < end:
            tick = self._ticks.find(int(handed.heads["tick"][at]))
            if tick is None:
                at, mscc = skip_answers(self._incoming.octets, at, mscc)
                continue
            at, mscc, done = place_answers(self._incoming.octets, at, mscc, tick.held.octets)
            if done:
                self._ticks.count_done(tick, done)
                self._deliver(tick.answered)
                self._drop_if_done(tick)
        self._reached(f"{self._name}.answers_sent")
        self._send()

    def _drop_if_done(self, tick: Tick) -> None:
        self._ticks.drop_if_done(tick)
        if not self._ticks.rows:
            self._emptied.set()

    def _look(self) -> None:
        """Rows past their deadline: refused where no engine can have decided them, given up where one may have."""
        assert self._loop is not None
        self._looking = self._loop.call_later(LOOK_S, self._look)
        unsent_before_ns = self._now_ns() - _DEADLINE_NS
        for tick in self._ticks:
            if tick.received_ns >= unsent_before_ns:
                break
            refused, given_up = end_overdue(tick.held.octets, unsent_before_ns, unsent_before_ns - _DEADLINE_NS)
            self._ticks.count_done(tick, refused + given_up)
            self.refused_total += refused
            self.given_up_total += given_up
            if refused:
                self._deliver(tick.answered)
            self._drop_if_done(tick)
        self._send()

    # --- the connection ------------------------------------------------------------------------------------------------------

    async def _stay_connected(self) -> None:
        """Connect, and again whenever the link is lost."""
        assert self._loop is not None
        attempt = 0
        while True:
            stream = EngineStream(
                greeting=self._greeting(),
                take_answers=self._take_answers,
                take_texts=self._take_texts,
                on_up=self._on_up,
                on_down=self._on_down,
                on_writable=self._send,
            )
            try:
                await self._loop.create_unix_connection(partial(_itself, stream), str(self._path))
                async with asyncio.timeout(GREETING_S):
                    await stream.greeted.wait()
                if stream.welcomed:
                    attempt = 0
                await stream.lost.wait()
            except (OSError, TimeoutError) as error:
                self._say_down(f"the engine can't be reached at {self._path}: {error or 'it says nothing'}")
            finally:
                stream.abort()
            wait_s = REFUSED_AGAIN_S if stream.is_refused else RECONNECT_S[min(attempt, len(RECONNECT_S) - 1)]
            await asyncio.sleep(wait_s)
            attempt += 1

    def _greeting(self) -> bytes:
        """What is said first."""
        return text_frame(Frame.HELLO, self._store, fingerprint(), f"{self._name}\n{release()}")

    def _on_up(self, stream: EngineStream, link: int) -> None:
        """An engine takes rows: first those that the one before left unanswered."""
        self._stream = stream
        self.why_down = ""
        self._log.info("engine link up", link=link, waiting_rows=self._ticks.rows)
        self._went_up.set()
        self._on_change(True)
        self._ticks.send_all_again()
        self._send()

    def _on_down(self, stream: EngineStream, reason: str) -> None:
        """The link is lost; rows wait for the next engine."""
        if self._loop is None:
            return
        if self._stream is stream:
            self._stream = None
            self._down_since = self._loop.time()
            self._went_up.clear()
            self._on_change(False)
        if self._stream is None:
            self._say_down(reason)

    def _say_down(self, reason: str) -> None:
        """A line for each reason, not for each attempt."""
        if reason != self.why_down:
            self.why_down = reason
            self._log.warning("engine link down", reason=reason, waiting_rows=self._ticks.rows)


def _itself(stream: EngineStream) -> EngineStream:
    return stream
