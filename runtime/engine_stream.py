"""A front end's connection to an engine: greeting, welcome, what it owns, answers.

What is handed over is runtime/handoff_client.py.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, cast

from charging.final_units import FinalUnit
from runtime.handoff_frames import Frame, FrameError, Header, fingerprint, read_text, read_texts
from runtime.handoff_stream import FrameBuffer

UNWRITTEN_OCTETS_HIGH: Final = 4 << 20
"""With more that the engine hasn't read, further rows gather instead of being written."""


class EngineStream(asyncio.BufferedProtocol):
    """One connection to the engine.

    take_answers   gets each ANSWERS frame; FrameError where it can't be used
    take_texts     gets the texts of each FINAL_UNITS frame, before answers that name them
    take_owned     gets each OWNED frame; the first comes behind the welcome
    on_up          told of the link's number once the engine takes rows
    on_down        told when the connection is gone, and why
    on_writable    told when the engine reads again
    """

    def __init__(
        self,
        *,
        greeting: bytes,
        take_answers: Callable[[Header, memoryview], None],
        take_texts: Callable[[Mapping[int, FinalUnit]], None],
        take_owned: Callable[[Header, memoryview], None],
        on_up: Callable[["EngineStream", int], None],
        on_down: Callable[["EngineStream", str], None],
        on_writable: Callable[[], None],
    ) -> None:
        self.greeted, self.lost = asyncio.Event(), asyncio.Event()
        self.welcomed = self.is_refused = False
        self.is_writable = True
        self._reason = "the engine closed the link"
        self._greeting = greeting
        self._take_answers = take_answers
        self._take_texts = take_texts
        self._take_owned = take_owned
        self._on_up = on_up
        self._on_down = on_down
        self._on_writable = on_writable
        self._frames = FrameBuffer()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=UNWRITTEN_OCTETS_HIGH)
        self._transport.write(self._greeting)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._transport = None
        self.greeted.set()
        self.lost.set()
        self._on_down(self, self._reason)

    def get_buffer(self, sizehint: int) -> memoryview:
        """See asyncio.BufferedProtocol."""
        return self._frames.room()

    def buffer_updated(self, nbytes: int) -> None:
        """See asyncio.BufferedProtocol."""
        try:
            self._frames.take(nbytes, self._use)
        except FrameError as error:
            self._end(f"the engine sent {error}")

    def _use(self, header: Header, body: memoryview) -> bool:
        if self._transport is None or self._transport.is_closing():
            return False
        if header.kind is Frame.ANSWERS and self.welcomed:
            self._take_answers(header, body)
        elif header.kind is Frame.FINAL_UNITS and self.welcomed:
            self._take_texts(read_texts(header, body))
        elif header.kind is Frame.OWNED and self.welcomed:
            self._take_owned(header, body)
        elif header.kind is Frame.WELCOME and not self.welcomed:
            theirs, _ = read_text(header, body)
            if theirs != fingerprint():
                raise FrameError("a welcome of another release")
            self.welcomed = True
            self._on_up(self, header.number)
            self.greeted.set()
        elif header.kind is Frame.REFUSAL:
            self.is_refused = True
            self._end(f"the engine refuses: {read_text(header, body)[1]}")
            return False
        else:
            raise FrameError(f"{header.kind.name}, which is not its turn")
        return True

    def _end(self, reason: str) -> None:
        self._reason = reason
        self.abort()

    def write(self, frame: bytes) -> None:
        """Send a frame."""
        if self._transport is not None:
            self._transport.write(frame)

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        self.is_writable = False

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self.is_writable = True
        self._on_writable()

    def abort(self) -> None:
        """End it at once."""
        if self._transport is not None:
            self._transport.abort()
