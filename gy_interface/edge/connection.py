"""One transport connection of a peer: receives into a fixed buffer and lets the server's tick read it.

A peer that doesn't read its answers is not read from either, so that its answers can't pile up; one that has megabytes
of them unread is closed.
"""

import asyncio
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from gy_interface.codec_rules import Sender
from gy_interface.peer import Peer
from vocabulary.limits import DIAMETER_MESSAGE_OCTETS_MAX

if TYPE_CHECKING:
    from gy_interface.edge.server import GyServer

RECEIVE_OCTETS: Final = 1 << 20
UNREAD_OCTETS_HIGH: Final = 1 << 20
UNREAD_OCTETS_MAX: Final = 8 << 20

assert RECEIVE_OCTETS >= 2 * DIAMETER_MESSAGE_OCTETS_MAX, "a whole message and the next one's start must fit"


class GyConnection(asyncio.BufferedProtocol):
    """A slot of the server while a connection lives in it."""

    def __init__(self, server: "GyServer", index: int, epoch: int) -> None:
        self.index = index
        self.epoch = epoch
        self.received = np.zeros(RECEIVE_OCTETS, np.uint8)
        self.length = 0
        self.is_ready = False
        self.is_closed = False
        self.sender: Sender | None = None
        self.peer: Peer | None = None
        self.transport: asyncio.Transport | None = None
        self._server = server
        self._view = memoryview(self.received)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=UNREAD_OCTETS_HIGH)
        self.peer = self._server.accept(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self.is_closed = True
        self._server.forget(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next octets go: behind those that no tick has read yet."""
        return self._view[self.length :]

    def buffer_updated(self, nbytes: int) -> None:
        """Octets arrived: the next tick reads them, or this call where the buffer is nearly full."""
        self.length += nbytes
        self._server.mark_ready(self)
        if RECEIVE_OCTETS - self.length < DIAMETER_MESSAGE_OCTETS_MAX:
            self._server.tick()

    def drop_consumed(self, consumed: int) -> None:
        """Move what is left to the buffer's start."""
        left = self.length - consumed
        if left and consumed:
            self.received[:left] = self.received[consumed : self.length].copy()
        self.length = left

    def write(self, octets: bytes) -> None:
        """Send octets; a peer that leaves too many unread is closed."""
        if self.transport is None or self.is_closed or not octets:
            return
        self.transport.write(octets)
        if self.transport.get_write_buffer_size() > UNREAD_OCTETS_MAX:
            self.transport.abort()

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        if self.transport is not None and not self.is_closed:
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        if self.transport is not None and not self.is_closed:
            self.transport.resume_reading()

    def close(self, *, abort: bool) -> None:
        """End the transport; without `abort` what is unsent is sent first."""
        if self.transport is not None and not self.is_closed:
            if abort:
                self.transport.abort()
            else:
                self.transport.close()
