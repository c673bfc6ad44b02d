"""A consumer that does with a good-bye as RFC 9113 §6.8 says: goes on reading, and asks anew over another connection.

Its frames are made by hand: hyper-h2, and httpx with it, takes GOAWAY for the end of every stream.
"""

import select
import socket
from typing import Final, NamedTuple

import hpack

from bench.generators.http2_frames import (
    DATA,
    FLAG_ACK,
    FLAG_END_HEADERS,
    FLAG_END_STREAM,
    GOAWAY,
    HEAD_OCTETS,
    HEADERS,
    PING,
    PREFACE,
    RST_STREAM,
    SETTINGS,
    WINDOW_DEFAULT,
    WINDOW_MAX,
    Frame,
    read_frame,
    write_frame,
    write_settings,
    write_window_update,
)

WAIT_S: Final = 30.0


class Answer(NamedTuple):
    """What was answered."""

    status: int
    headers: dict[str, str]
    body: bytes


class Http2Consumer:
    """Blocks. It has one connection, and the next where that one is left.

    goodbyes      last streams that good-byes of this connection named
    connections   made so far
    resent        requests that were sent again, since a good-bye said that they weren't taken
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self.connections = 0
        self.resent = 0
        self._connect()

    def _connect(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port), WAIT_S)
        self.connections += 1
        self.goodbyes: list[int] = []
        self._octets = bytearray()
        self._encoder, self._decoder = hpack.Encoder(), hpack.Decoder()
        self._next = 1
        self._heard: dict[int, Answer] = {}
        """by stream: as far as it came"""
        self._whole: set[int] = set()
        self._socket.sendall(PREFACE + write_settings({}) + write_window_update(0, WINDOW_MAX - WINDOW_DEFAULT))

    def post(self, path: str, body: bytes) -> Answer:
        """The answer of a request. ConnectionError where it is lost, which a good-bye mustn't cause."""
        while True:
            while select.select([self._socket], [], [], 0)[0] and not self.goodbyes:
                self._hear()
            if self.goodbyes:
                self.close()
                self._connect()
            stream = self.send(path, body)
            answer = self.answer_to(stream)
            if answer is not None:
                return answer
            self.resent += 1

    def send(self, path: str, body: bytes) -> int:
        """Ask; the stream."""
        stream, self._next = self._next, self._next + 2
        said = {
            ":method": "POST",
            ":scheme": "http",
            ":authority": "chf",
            ":path": path,
            "content-type": "application/json",
        }
        head = write_frame(HEADERS, FLAG_END_HEADERS, stream, self._encoder.encode(said))
        self._socket.sendall(head + write_frame(DATA, FLAG_END_STREAM, stream, body))
        return stream

    def answer_to(self, stream: int) -> Answer | None:
        """Once it is whole; None where a good-bye says that the request wasn't taken."""
        while stream not in self._whole:
            if self.goodbyes and self.goodbyes[-1] < stream:
                return None
            self._hear()
        self._whole.discard(stream)
        return self._heard.pop(stream)

    def hear_goodbye(self) -> int:
        """The last stream that the next good-bye names."""
        count = len(self.goodbyes)
        while len(self.goodbyes) == count:
            self._hear()
        return self.goodbyes[-1]

    def is_ended(self) -> bool:
        """Is the connection ended, and in order? What comes before is dropped."""
        while octets := self._socket.recv(1 << 16):
            self._octets += octets
        return True

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _hear(self) -> None:
        """One frame."""
        frame = self._read()
        answer = self._heard.get(frame.stream, Answer(0, {}, b""))
        if frame.type == HEADERS:
            assert frame.flags & FLAG_END_HEADERS
            headers = {str(name): str(value) for name, value in self._decoder.decode(frame.payload)}
            self._heard[frame.stream] = Answer(int(headers.pop(":status")), headers, b"")
        elif frame.type == DATA:
            self._heard[frame.stream] = answer._replace(body=answer.body + frame.payload)
        elif frame.type == GOAWAY:
            self.goodbyes.append(int.from_bytes(frame.payload[:4], "big") & WINDOW_MAX)
        elif frame.type in (SETTINGS, PING) and not frame.flags & FLAG_ACK:
            payload = frame.payload if frame.type == PING else b""
            self._socket.sendall(write_frame(frame.type, FLAG_ACK, 0, payload))
        assert frame.type != RST_STREAM, f"stream {frame.stream} was reset: {frame.payload.hex()}"
        if frame.type in (HEADERS, DATA) and frame.flags & FLAG_END_STREAM:
            self._whole.add(frame.stream)

    def _read(self) -> Frame:
        while len(self._octets) < HEAD_OCTETS or len(self._octets) < HEAD_OCTETS + int.from_bytes(
            self._octets[:3], "big"
        ):
            octets = self._socket.recv(1 << 16)
            if not octets:
                raise ConnectionError("the connection ended")
            self._octets += octets
        size = HEAD_OCTETS + int.from_bytes(self._octets[:3], "big")
        frame = read_frame(bytes(self._octets[:size]))
        del self._octets[:size]
        return frame
