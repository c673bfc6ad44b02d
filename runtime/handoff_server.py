"""The engine's side of the hand-off: links of front ends on a unix socket, rows in, answers out.

A link is known by a number, which its rows carry through the batches. Frames are checked whole before anything of them is
used (charging/handed_checks.py): one with a fault closes its link, says why in the log, and changes nothing. A front end
that doesn't read its answers is not read from either, and closed when megabytes of them wait.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, cast

import numpy as np
import structlog
from numpy.typing import NDArray

from charging.batch import COUNT_REQUESTS, AnsweredBatch, UsageBatch, new_answer_batch, new_usage_batch
from charging.batch_rows import answer_refused, hold_answered
from charging.final_units import FinalUnit
from charging.handed_checks import FAULTS, SOUND, take_handed
from charging.handed_rows import HELD_HANDED, gather_answers, new_handed_answers
from runtime.handoff_frames import (
    Frame,
    FrameError,
    Header,
    answer_columns,
    answers_frame,
    final_units_frames,
    fingerprint,
    owned_frame,
    read_rows,
    read_text,
    release,
    row_columns,
    text_frame,
)
from runtime.handoff_stream import FrameBuffer
from runtime.private_socket import PrivateSocket, private_socket
from vocabulary.held import Held
from vocabulary.limits import HANDOFF_LINKS_MAX, HANDOFF_UNREAD_OCTETS_MAX

UNREAD_OCTETS_HIGH: Final = 4 << 20
_LINK_NUMBER_MAX: Final = 2**31 - 1


class HandoffServer:
    """Listens, keeps the links, offers what they hand over and returns what is answered.

    path      of the socket; whatever lies there is replaced, in one step
    store     a number that is the store's own: a front end of another store is refused
    offer     Batcher.offer
    answered  is told of rows that were answered here, undecided
    epochs    int64[partitions]: under which the engine owns each, 0 where it doesn't; `announce` says that it changed
    reached   kill points
    """

    def __init__(
        self,
        path: Path,
        *,
        store: int,
        epochs: NDArray[np.int64],
        offer: Callable[[UsageBatch], int],
        answered: Callable[[Held[AnsweredBatch]], None] = lambda answered: None,
        on_links: Callable[[int], None] = lambda count: None,
        reached: Callable[[str], None] = lambda name: None,
    ) -> None:
        self.store = store
        self._epochs = epochs
        self.rows_total = 0
        """rows that were taken from links"""
        self._path = path
        self._socket: PrivateSocket | None = None
        self._offer = offer
        self._answered = answered
        self._on_links = on_links
        self._reached = reached
        self._links: dict[int, _Link] = {}
        self._unnamed: set[_Link] = set()
        self._last_number = 0
        self._final_units: dict[int, FinalUnit] = {}
        self._incoming = hold_answered(new_usage_batch(), new_answer_batch())
        self._incoming_columns = row_columns(self._incoming.value.usage)
        self._outgoing = Held(new_handed_answers(), HELD_HANDED)
        self._outgoing_columns = answer_columns(self._outgoing.value)
        self._server: asyncio.Server | None = None
        self.log = structlog.get_logger(process="engine")

    async def start(self) -> None:
        """Listen. OSError where the socket can't be made."""
        with private_socket(self._path) as made:  # whoever may write here may charge
            self._server = await asyncio.get_running_loop().create_unix_server(
                lambda: _Link(self), sock=made.listening, backlog=HANDOFF_LINKS_MAX
            )
        self._socket = made

    # --- links -----------------------------------------------------------------------------------------------------------

    def accept(self, link: "_Link") -> None:
        """A connection was made; it has no number until it has said who it is."""
        self._unnamed.add(link)
        if len(self._unnamed) + len(self._links) > HANDOFF_LINKS_MAX:
            link.refuse(f"the engine has {HANDOFF_LINKS_MAX} links already")

    def forget(self, link: "_Link") -> None:
        """A connection is gone; answers of its rows go nowhere."""
        self._unnamed.discard(link)
        if self._links.pop(link.number, None) is not None:
            self.log.info("front end gone", front_end=link.name, link=link.number)
            self._on_links(len(self._links))

    def greet(self, link: "_Link", header: Header, body: memoryview) -> None:
        """Take a link up, or refuse it in words."""
        theirs, words = read_text(header, body)
        name, _, their_release = words.partition("\n")
        if theirs != fingerprint():
            link.refuse(
                f"front end {name} is of release {their_release or 'unknown'}, the engine of {release()}, and their rows"
                f" differ: start both from the same release"
            )
            return
        if header.number != self.store:
            link.refuse(f"front end {name} works on another store than the engine: give both the same --store")
            return
        self._last_number = self._last_number % _LINK_NUMBER_MAX + 1
        link.number, link.name = self._last_number, name
        self._unnamed.discard(link)
        self._links[link.number] = link
        link.write(text_frame(Frame.WELCOME, link.number, fingerprint(), release()))
        for frame in final_units_frames(self._final_units):
            link.write(frame)
        link.write(owned_frame(self._epochs))
        self.log.info("front end connected", front_end=name, link=link.number)
        self._on_links(len(self._links))

    def use_final_units(self, units: Mapping[int, FinalUnit]) -> None:
        """Texts that answers may name from now on, by their numbers: links are told before such an answer leaves."""
        fresh = {number: unit for number, unit in units.items() if number not in self._final_units}
        self._final_units |= fresh
        for frame in final_units_frames(fresh):
            for link in self._links.values():
                link.write(frame)

    def announce(self) -> None:
        """Tell every front end which partitions are the engine's now: rows of others are returned from here on."""
        frame = owned_frame(self._epochs)
        for link in list(self._links.values()):
            link.write(frame)

    # --- rows and answers ------------------------------------------------------------------------------------------------

    def take_rows(self, link: "_Link", header: Header, body: memoryview) -> None:
        """Offer a tick's rows. FrameError where they are none, and nothing is changed then."""
        usage, answers = self._incoming.value
        read_rows(header, body, self._incoming_columns)
        try:
            if not 0 <= header.number < 2**31:
                raise FrameError(f"a tick of number {header.number}")
            fault = int(take_handed(self._incoming.octets, link.number, header.number))
            if fault != SOUND:
                raise FrameError(f"a frame that can't be used: {FAULTS[fault]}")
            self.rows_total += int(usage.counts[COUNT_REQUESTS])
            self._reached("engine.rows_taken")
            if self._offer(usage):
                answer_refused(usage, answers)
                self._return_to(link, self._incoming)
                self._answered(self._incoming)
        finally:
            usage.counts[:] = 0

    def deliver(self, answered: Held[AnsweredBatch]) -> None:
        """Return the answers of a batch to the links whose rows it had: one write a link."""
        if self._links:
            for link in list(self._links.values()):
                self._return_to(link, answered)

    def _return_to(self, link: "_Link", answered: Held[AnsweredBatch]) -> None:
        if gather_answers(answered.octets, link.number, self._outgoing.octets, self._epochs):
            link.write(answers_frame(self._outgoing_columns))
            self._reached("engine.answers_returned")

    def stop_reading(self) -> None:
        """Take no link and no rows more; answers still go out. What isn't read is handed to the next engine."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for link in (*self._unnamed, *self._links.values()):
            link.stop_reading()

    def close(self) -> None:
        """Send what is unsent and end the links; front ends look for the engine no more."""
        if self._socket is not None:
            self._socket.remove()
        self.stop_reading()
        for link in (*self._unnamed, *self._links.values()):
            link.close()


class _Link(asyncio.BufferedProtocol):
    """One front end's connection; number 0 until it has said who it is."""

    def __init__(self, server: HandoffServer) -> None:
        self.number = 0
        self.name = "-"
        self._server = server
        self._frames = FrameBuffer()
        self._transport: asyncio.Transport | None = None
        self._is_stopped = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=UNREAD_OCTETS_HIGH)
        self._server.accept(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._transport = None
        self._server.forget(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """See asyncio.BufferedProtocol."""
        return self._frames.room()

    def buffer_updated(self, nbytes: int) -> None:
        """See asyncio.BufferedProtocol."""
        try:
            self._frames.take(nbytes, self._use)
        except FrameError as error:
            self.refuse(str(error))

    def _use(self, header: Header, body: memoryview) -> bool:
        """One frame; False where no more are to be taken."""
        if self._is_stopped or self._transport is None:
            return False
        if header.kind is Frame.HELLO and self.number == 0:
            self._server.greet(self, header, body)
        elif header.kind is Frame.ROWS and self.number:
            self._server.take_rows(self, header, body)
        else:
            raise FrameError(
                f"{header.kind.name} from a front end that has {'' if self.number else 'not '}said who it is"
            )
        return not self._is_stopped

    def write(self, frame: bytes) -> None:
        """Send a frame; a front end that leaves too many unread is closed."""
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(frame)
        if self._transport.get_write_buffer_size() > HANDOFF_UNREAD_OCTETS_MAX:
            self._server.log.error("link closed: its front end reads no answers", front_end=self.name, link=self.number)
            self._transport.abort()

    def refuse(self, reason: str) -> None:
        """Say why, and end the link."""
        self._server.log.error("link closed", front_end=self.name, link=self.number, reason=reason)
        self.write(text_frame(Frame.REFUSAL, 0, fingerprint(), reason))
        self.stop_reading()
        self.close()

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        if self._transport is not None and not self._is_stopped:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        if self._transport is not None and not self._is_stopped:
            self._transport.resume_reading()

    def stop_reading(self) -> None:
        """Take nothing more."""
        self._is_stopped = True
        if self._transport is not None:
            with suppress(RuntimeError):  # it is closing already
                self._transport.pause_reading()

    def close(self) -> None:
        """End it behind what is unsent."""
        if self._transport is not None:
            self._transport.close()
