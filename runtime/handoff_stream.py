"""One end of a link: octets received into one buffer, whole frames taken from it where they lie."""

from collections.abc import Callable
from typing import Final

import numpy as np

from runtime.handoff_frames import HEADER_OCTETS, Header, read_header
from vocabulary.limits import HANDOFF_FRAME_OCTETS_MAX

RECEIVE_OCTETS: Final = 2 * HANDOFF_FRAME_OCTETS_MAX
"""Touched only as far as frames reach: while each is taken as it comes, that is the length of one."""
_ROOM_OCTETS: Final = 1 << 18


class FrameBuffer:
    """Octets of a stream of frames: received[start:end] are those of frames that aren't taken yet."""

    def __init__(self) -> None:
        self._received = np.zeros(RECEIVE_OCTETS, np.uint8)
        self._view = self._received.data
        self._start = 0
        self._end = 0
        self._header: Header | None = None
        """of the frame at `start`, once it is read"""

    def room(self) -> memoryview:
        """Where the next octets go."""
        if self._start == self._end:
            self._start = self._end = 0
        elif RECEIVE_OCTETS - self._end < _ROOM_OCTETS:
            left = self._end - self._start
            self._received[:left] = self._received[self._start : self._end].copy()
            self._start, self._end = 0, left
        return self._view[self._end :]

    def take(self, octets: int, use: Callable[[Header, memoryview], bool]) -> None:
        """So many octets were received: `use` gets each frame that is whole now, until it returns False.

        FrameError where what came is no frame; what `use` raises goes on as well.
        """
        self._end += octets
        while True:
            if self._header is None:
                if self._end - self._start < HEADER_OCTETS:
                    return
                self._header = read_header(self._view, self._start)
            header = self._header
            if self._end - self._start < header.total:
                return
            body = self._view[self._start + HEADER_OCTETS : self._start + header.total]
            self._start += header.total
            self._header = None
            if not use(header, body):
                return
