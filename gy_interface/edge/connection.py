"""One transport connection of a peer: receives into a fixed buffer and lets the server's tick read it.

A peer that doesn't read its answers is not read from either, so that its answers can't pile up; one that has megabytes
of them unread is closed. Nor is one read from whose buffer the ticks don't keep empty.
"""

import asyncio
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from gy_interface.codec_rules import Sender
from gy_interface.held_codec import HELD_CONNECTION, ConnectionMemory
from gy_interface.peer import Peer
from vocabulary.held import Held
from vocabulary.limits import DIAMETER_MESSAGE_OCTETS_MAX

if TYPE_CHECKING:
    from gy_interface.edge.server import GyServer

RECEIVE_OCTETS: Final = 1 << 20
UNREAD_OCTETS_HIGH: Final = 1 << 20
UNREAD_OCTETS_MAX: Final = 8 << 20
LINGER_S: Final = 2.0
"""How long a peer may take to close its side after we closed ours."""

assert RECEIVE_OCTETS >= 2 * DIAMETER_MESSAGE_OCTETS_MAX, "a whole message and the next one's start must fit"


class GyConnection(asyncio.BufferedProtocol):
    """A slot of the server while a connection lives in it.

    received, length   octets received that no tick has consumed: received[:length]
    is_ending          nothing is taken or sent any more
    is_closed          the transport is gone
    """

    def __init__(self, server: "GyServer", index: int, epoch: int) -> None:
        self.index = index
        self.epoch = epoch
        self.received = np.zeros(RECEIVE_OCTETS, np.uint8)
        self.length = 0
        self.is_ready = False
        self.is_ending = False
        self.is_closed = False
        self.held: Held[ConnectionMemory] | None = None
        """buffer and sender, once it is known who sends"""
        self.peer: Peer | None = None
        self.transport: asyncio.Transport | None = None
        self._server = server
        self._view = self.received.data
        self._is_read = True
        self._is_written = True
        self._linger: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=UNREAD_OCTETS_HIGH)
        self.peer = self._server.accept(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self.is_ending = self.is_closed = True
        if self._linger is not None:
            self._linger.cancel()
        self._server.forget(self)

    def receive_as(self, sender: Sender) -> None:
        """Octets are this sender's from now on."""
        self.held = Held(ConnectionMemory(self.received, sender), HELD_CONNECTION)

    # --- in --------------------------------------------------------------------------------------------------------------

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next octets go: behind those that no tick has read yet."""
        return self._view[self.length :]

    def buffer_updated(self, nbytes: int) -> None:
        """Octets arrived: the next tick reads them, or this call where the buffer is nearly full."""
        if self.is_ending:
            return
        self.length += nbytes
        self._server.mark_ready(self)
        if not self._has_room():
            self._server.tick()
            self._steer_reading()

    def drop_consumed(self, consumed: int) -> None:
        """Move what is left to the buffer's start."""
        left = self.length - consumed
        if left and consumed:
            self.received[:left] = self.received[consumed : self.length].copy()
        self.length = left
        if not self._is_read:
            self._steer_reading()

    def _has_room(self) -> bool:
        return RECEIVE_OCTETS - self.length >= DIAMETER_MESSAGE_OCTETS_MAX

    def _steer_reading(self) -> None:
        """Read from the peer while there is room for what it says and it reads what we answer."""
        wanted = self._is_written and self._has_room()
        if self.transport is None or self.is_ending or self.transport.is_closing() or wanted == self._is_read:
            return
        self._is_read = wanted
        if wanted:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()

    # --- out -------------------------------------------------------------------------------------------------------------

    def write(self, octets: bytes) -> None:
        """Send octets, which nobody may change afterwards; a peer that leaves too many unread is closed."""
        if self.transport is None or self.is_ending or self.transport.is_closing() or not octets:
            return
        self.transport.write(octets)
        if self.transport.get_write_buffer_size() > UNREAD_OCTETS_MAX:
            self.close(abort=True)

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        self._is_written = False
        self._steer_reading()

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self._is_written = True
        self._steer_reading()

    def close(self, *, abort: bool) -> None:
        """End the connection: at once, or with what is unsent sent and the peer given LINGER_S to close its side.

        Closing while octets of the peer are unread would send a reset, which can overtake our last answer; so our side
        is closed alone, and what still comes is dropped.
        """
        if self.transport is None or self.is_closed:
            return
        if abort or self.transport.is_closing():
            self.is_ending = True
            self.transport.abort()
        elif not self.is_ending:
            if not self._is_read:
                self.transport.resume_reading()
            self.is_ending = True
            self.length = 0
            self.transport.write_eof()
            self._linger = asyncio.get_running_loop().call_later(LINGER_S, self.transport.abort)
