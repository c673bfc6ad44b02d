"""The connections of an Nchf generator: HTTP/2 with prior knowledge, settings and windows agreed on before the first stream."""

import socket
from collections.abc import Callable
from typing import Final

from bench.generators.chf_requests import repeat_requests
from bench.generators.connections import Connections, GeneratorError, connect_and_greet, receive_exactly
from bench.generators.fleet import Fleet
from bench.generators.http2_frames import (
    ENABLE_PUSH,
    FLAG_ACK,
    GOAWAY,
    HEAD_OCTETS,
    HEADER_TABLE_SIZE,
    INITIAL_WINDOW_SIZE,
    MAX_CONCURRENT_STREAMS,
    PING,
    PREFACE,
    SETTINGS,
    WINDOW_DEFAULT,
    WINDOW_MAX,
    WINDOW_UPDATE,
    Frame,
    read_frame,
    read_settings,
    write_frame,
    write_settings,
    write_window_update,
)
from bench.workload import LoadPlan

OUR_SETTINGS: Final = {HEADER_TABLE_SIZE: 0, ENABLE_PUSH: 0, INITIAL_WINDOW_SIZE: 1 << 20}
"""Without a header table each block can be read by itself."""
GIVE_BACK_OCTETS: Final = 1 << 29
"""So many octets of DATA are taken before the server is given room for them again."""
_ACK: Final = write_frame(SETTINGS, FLAG_ACK, 0, b"")
_GOODBYE: Final = write_frame(GOAWAY, 0, 0, bytes(8))


def receive_frame(stream: socket.socket) -> Frame:
    """One whole frame, blocking."""
    head = receive_exactly(stream, HEAD_OCTETS)
    return read_frame(head + receive_exactly(stream, int.from_bytes(head[:3], "big")))


def agree(stream: socket.socket) -> tuple[dict[int, int], int]:
    """Greet; the server's settings, and how many octets of DATA it takes at first. ValueError: it speaks no HTTP/2."""
    stream.sendall(PREFACE + write_settings(OUR_SETTINGS) + write_window_update(0, WINDOW_MAX - WINDOW_DEFAULT))
    settings: dict[int, int] | None = None
    window, is_agreed = WINDOW_DEFAULT, False
    while settings is None or not is_agreed:
        frame = receive_frame(stream)
        if frame.type == SETTINGS and frame.flags & FLAG_ACK:
            is_agreed = True
        elif frame.type == SETTINGS:
            settings = read_settings(frame)
            stream.sendall(_ACK)
        elif frame.type == WINDOW_UPDATE:
            window += int.from_bytes(frame.payload, "big")
        else:
            raise ValueError(f"a frame of type {frame.type} instead of settings")
    return settings, window


class ChfConnections(Connections):
    """All HTTP/2 connections of a fleet."""

    def __init__(self, plan: LoadPlan, fleet: Fleet, stop: Callable[[str], None]) -> None:
        super().__init__(plan, fleet, stop)
        self._wire = fleet.wire

    def connect(self, index: int, within_s: float) -> socket.socket:
        """Connect, and agree on settings."""
        stream, (settings, window) = connect_and_greet(self._plan, within_s, "the 5G front end", agree)
        self._wire.window[index] = window
        self._keep_settings(index, settings)
        return stream

    def _keep_settings(self, index: int, settings: dict[int, int]) -> None:
        places = self._wire.streams.shape[1]
        streams_max = settings.get(MAX_CONCURRENT_STREAMS, int(self._wire.streams_max[index]))
        self._wire.streams_max[index] = min(streams_max, places)
        body_octets = int(self._wire.body_lengths.max())
        window = settings.get(INITIAL_WINDOW_SIZE, WINDOW_DEFAULT)
        if window < body_octets:
            raise GeneratorError(
                f"{self._plan.host}:{self._plan.port} takes {window} octets of a stream at first, bodies have"
                f" {body_octets}: raise its initial window"
            )

    def answer_to(self, index: int, message: bytes) -> bytes:
        """Pings and settings are acknowledged; a connection that is to end is given up."""
        frame = read_frame(message)
        if frame.type == GOAWAY:
            self.lose(index, f"was ended by the server: GOAWAY {frame.payload.hex()}")
            return b""
        if frame.flags & FLAG_ACK:
            return b""
        if frame.type == PING:
            return write_frame(PING, FLAG_ACK, 0, frame.payload)
        self._keep_settings(index, read_settings(frame))
        return _ACK

    def send(self) -> None:
        """See Connections; servers are given room again for what was taken."""
        for index, octets in enumerate(self._wire.received.tolist()):
            if octets >= GIVE_BACK_OCTETS:
                self.append(index, write_window_update(0, octets))
                self._wire.received[index] -= octets
        super().send()

    def repeat(self, index: int) -> None:
        """With the same numbers and times, on new streams."""
        repeat_requests(self._fleet, index)

    def say_goodbye(self, index: int, stream: socket.socket) -> None:
        """GOAWAY: no stream follows."""
        stream.sendall(_GOODBYE)
