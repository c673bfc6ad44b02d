"""HTTP/2, with TLS or with prior knowledge, on one port, which other processes may share: nghttp2 in this process's loop.

Requests come to the memory of streams (streams/memory.py), where kernels find them; those that need Python are read from it
here, and answered here.
"""

import asyncio
import ctypes
import socket
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

import msgspec
import numpy as np

from chf_http2.config import ChfConfig
from chf_http2.edge.http2_connection import Http2Connection
from chf_http2.edge.http2_port import Http2Port
from chf_http2.schema import ProblemDetails
from chf_http2.streams.callbacks import callbacks
from chf_http2.streams.library import ENHANCE_YOUR_CALM, LIBRARY, NO_ERROR
from chf_http2.streams.memory import (
    ANSWERED,
    BODY_OCTETS_MAX_COLUMN,
    CLOSED_COUNT,
    COMING,
    FREE,
    HEAD_OCTETS,
    HELD_STREAMS,
    ODD_KEPT,
    ODD_TOO_LARGE,
    ROW_MASK,
    STREAM_OCTETS,
    TOUCHED_COUNT,
    WAITING_COUNT,
    WHOLE_COUNT,
    StreamMemory,
)
from chf_http2.streams.spilled import SpilledOctets
from chf_http2.streams.transfer import answer_ticket, find_overdue, forget_connection, reset
from vocabulary.held import Held
from vocabulary.instants import NS_PER_S

RECEIVE_OCTETS: Final = 256 * 1024
SEND_OCTETS: Final = 512 * 1024
UNREAD_S: Final = 30
"""A client that doesn't take an answer for so long has its connection ended."""
GREETED_WITHIN_S: Final = 10
QUIET_S: Final = 0.5
READ_S: Final = 0.05
"""Some clients lose the answers that they have and haven't looked at when a good-bye comes (hyper-h2)."""
ROUND_TRIP_S: Final = 0.25
"""Time for what we say to reach a client, and for what it had said before to reach us."""
DRAIN_S: Final = 10.0
LINGER_S: Final = 2.0
"""How long a client may take the last of what was written."""
LOOKED_MAX: Final = 4096

PROBLEM: Final = ("content-type", "application/problem+json")
_PSEUDO: Final = (":method", ":path", ":scheme", ":authority")
_ENCODER: Final = msgspec.json.Encoder()

Header = tuple[str, str]


class Request(NamedTuple):
    """A request as Python reads it."""

    method: str
    target: str
    """path and query as they came"""
    scheme: str
    authority: str
    headers: dict[str, str]
    """by their names in lower case; of some with one name the first"""
    body: bytes
    is_too_large: bool

    @property
    def path(self) -> str:
        """As it is behind its percent signs."""
        return unquote(self.target.partition("?")[0])


class Response(NamedTuple):
    """An answer."""

    status: int
    headers: tuple[Header, ...] = ()
    body: bytes = b""


def problem_response(said: ProblemDetails, *headers: Header) -> Response:
    """A refusal with its ProblemDetails."""
    assert said.status is not None
    return Response(said.status, (PROBLEM, *headers), _ENCODER.encode(said))


class Http2Server:
    """Serves until it is closed.

    on_whole   is called when there are requests that came whole, counts[WHOLE_COUNT] of them
    on_gone    is called when a connection has ended that somebody else accepted; None: it listens itself
    """

    def __init__(
        self,
        streams: StreamMemory,
        config: ChfConfig,
        *,
        body_octets_max: int,
        on_whole: Callable[[], None],
        now_ns: Callable[[], int],
        on_gone: Callable[[], None] | None = None,
    ) -> None:
        """OSError: the port can't be had, or certificate and key don't fit."""
        self.memory = Held(streams, HELD_STREAMS)
        self.now_ns = now_ns
        self.received = np.zeros(RECEIVE_OCTETS, np.uint8)
        self.received_view = self.received.data
        self.sent = np.zeros(SEND_OCTETS, np.uint8)
        self.sent_view = self.sent.data
        self.callbacks, self.options = _callbacks(), _options()
        streams.counts[BODY_OCTETS_MAX_COLUMN] = body_octets_max
        streams.provider[1] = callbacks().place("read")
        self._on_whole = on_whole
        self._on_gone = on_gone
        self._connections: dict[int, Http2Connection] = {}
        self._free = list(range(streams.touched.size - 1, -1, -1))
        self.spilled = SpilledOctets()
        self._kept: dict[int, Any] = {}
        self._unread: set[int] = set()
        self._overdue = np.zeros(LOOKED_MAX, np.uint32)
        self._port = Http2Port(config, lambda: Http2Connection(self), is_listening=on_gone is None)
        self.port = self._port.number
        self._is_closing = False

    async def start(self) -> None:
        """Listen."""
        await self._port.start()

    async def adopt(self, accepted: socket.socket) -> None:
        """Serve a connection that somebody else accepted. OSError where it has ended meanwhile."""
        await self._port.adopt(accepted)

    async def close(self) -> None:
        """Take no connection more, then no request, let those under way be answered, end (RFC 9113 §6.8).

        Clients are told twice: that no stream is to follow, and, once all that they had begun before they heard it is here,
        which was the last. So what they sent meanwhile is answered, and they know of the rest that it wasn't taken.
        """
        await self._port.close()
        await self._until(QUIET_S, lambda: not self.streams_count)
        await self._until(READ_S, lambda: not self._connections)
        for connection in list(self._connections.values()):
            connection.give_notice()
        await self._until(ROUND_TRIP_S, lambda: not self._connections)
        self._is_closing = True
        for connection in list(self._connections.values()):
            connection.say_goodbye()
        await self._until(DRAIN_S, lambda: not self.streams_count)
        for connection in list(self._connections.values()):
            connection.finish()
        await self._until(LINGER_S, lambda: not any(one.is_unsent for one in self._connections.values()))
        await self._until(ROUND_TRIP_S, lambda: not self._connections)
        for connection in list(self._connections.values()):
            connection.abort()
        await asyncio.sleep(0)

    async def _until(self, within_s: float, is_done: Callable[[], bool]) -> None:
        ends = asyncio.get_running_loop().time() + within_s
        while not is_done() and asyncio.get_running_loop().time() < ends:
            await asyncio.sleep(0.005)

    # --- connections -------------------------------------------------------------------------------------------------------

    def accept(self, connection: Http2Connection) -> int:
        """The place of a connection; -1: there are too many, or it comes too late."""
        if not self._free or self._is_closing:
            return -1
        index = self._free.pop()
        self._connections[index] = connection
        return index

    def forget(self, connection: Http2Connection) -> None:
        """A connection that is gone: nobody waits for its streams."""
        if self._connections.pop(connection.index, None) is not None:
            forget_connection(self.memory.octets, connection.index)
            self._free.append(connection.index)
            self._forget_closed()
        if self._on_gone is not None:
            self._on_gone()

    def flush(self) -> None:
        """Send the answers that were given."""
        memory = self.memory.value
        count = int(memory.counts[TOUCHED_COUNT])
        if count:
            touched = memory.touched[:count].tolist()
            memory.is_touched[memory.touched[:count]] = 0
            memory.counts[TOUCHED_COUNT] = 0
            for index in touched:
                connection = self._connections.get(index)
                if connection is not None:
                    connection.flush()
        if self._unread:
            self._end_unread()
        self._forget_closed()

    def _end_unread(self) -> None:
        """Clients that were answered before they had sent all need send no more (RFC 9113 §8.1)."""
        streams = self.memory.value.streams
        for ticket in list(self._unread):
            one = streams[ticket & ROW_MASK]
            if one["ticket"] == ticket and one["state"] == ANSWERED and one["response_sent"] < one["response_length"]:
                continue
            self._unread.discard(ticket)
            if reset(self.memory.octets, ticket, NO_ERROR):
                self._connections[int(one["connection"])].flush()

    # --- what spilled ------------------------------------------------------------------------------------------------------

    def drain(self) -> None:
        """Take over what callbacks left, after each time that nghttp2 read."""
        memory = self.memory.value
        for ticket in self.spilled.drain(memory):
            reset(self.memory.octets, ticket, ENHANCE_YOUR_CALM)
        if memory.counts[CLOSED_COUNT]:
            self._forget_closed()
        if memory.counts[WHOLE_COUNT]:
            self._on_whole()

    def _forget_closed(self) -> None:
        memory = self.memory.value
        count = int(memory.counts[CLOSED_COUNT])
        if not count:
            return
        memory.counts[CLOSED_COUNT] = 0
        for ticket in memory.closed[:count].tolist():
            self._kept.pop(ticket, None)
            self.spilled.forget(ticket)

    # --- requests that are Python's ----------------------------------------------------------------------------------------

    @property
    def waiting_count(self) -> int:
        """Requests that wait for an engine."""
        return int(self.memory.value.counts[WAITING_COUNT])

    @property
    def streams_count(self) -> int:
        """Streams that are there, in whatever state."""
        return int((self.memory.value.streams["state"] != FREE).sum())

    def request_of(self, ticket: int) -> Request | None:
        """A request whose stream is still there."""
        memory = self.memory.value
        row = ticket & ROW_MASK
        one = memory.streams[row]
        if one["ticket"] != ticket:
            return None
        first, body_at = row * STREAM_OCTETS, int(one["body_at"])
        texts = memory.texts.data
        spilled = self.spilled.of(ticket)
        head = bytes(texts[first:body_at]) + bytes(spilled.headers)
        headers: dict[str, str] = {}
        for name, value in _read_headers(head):
            headers.setdefault(name, value)
        body = bytes(texts[body_at : first + int(one["text_length"])]) + bytes(spilled.body)
        method, target, scheme, authority = (headers.pop(name, "") for name in _PSEUDO)
        return Request(method, target, scheme, authority, headers, body, bool(one["odd"] & ODD_TOO_LARGE))

    def keep(self, ticket: int, value: Any) -> None:
        """Remember something of a request until its stream ends; its answer is Python's."""
        self.memory.value.streams["odd"][ticket & ROW_MASK] |= ODD_KEPT
        self._kept[ticket] = value

    def kept(self, ticket: int) -> Any:
        """What was remembered; None."""
        return self._kept.get(ticket)

    def all_kept(self) -> list[tuple[int, Any]]:
        """What was remembered of requests, by their tickets."""
        return list(self._kept.items())

    def respond(self, ticket: int, status: int, headers: Iterable[Header], body: bytes = b"") -> None:
        """Answer a request; nothing where its stream is gone, or was answered."""
        said = [(":status", str(status)), *headers]
        head = _write_headers(said)
        memory = self.memory.value
        one = memory.streams[ticket & ROW_MASK]
        if one["ticket"] != ticket or one["state"] == ANSWERED:
            return
        is_unread = one["state"] == COMING or bool(one["odd"] & ODD_TOO_LARGE)
        place = 0
        if body:
            octets = np.frombuffer(body, np.uint8)
            self.keep(ticket, octets)
            place = octets.ctypes.data
        answer_ticket(self.memory.octets, ticket, head, len(said), place, len(body))
        if is_unread:
            self._unread.add(ticket)

    def overdue(self, coming_s: float, waiting_s: float) -> Sequence[tuple[int, int]]:
        """(ticket, state) of requests that have been coming, or waiting for an engine, for longer; ends unread answers."""
        now_ns = self.now_ns()
        for connection in list(self._connections.values()):
            if not connection.is_greeted and now_ns - connection.began_ns > GREETED_WITHIN_S * NS_PER_S:
                connection.abort()
        count = find_overdue(
            self.memory.octets,
            now_ns - int(coming_s * NS_PER_S),
            now_ns - int(waiting_s * NS_PER_S),
            now_ns - UNREAD_S * NS_PER_S,
            self._overdue,
        )
        found = []
        streams = self.memory.value.streams
        for ticket in self._overdue[:count].tolist():
            one = streams[ticket & ROW_MASK]
            if one["ticket"] != ticket:  # its connection was ended a moment ago
                continue
            if one["state"] == ANSWERED or not one["has_headers"]:
                self._connections[int(one["connection"])].abort()
            else:
                found.append((ticket, int(one["state"])))
        return found


def _read_headers(octets: bytes) -> Iterable[Header]:
    at = 0
    while at < len(octets):
        name, value = int.from_bytes(octets[at : at + 2], "little"), int.from_bytes(octets[at + 2 : at + 4], "little")
        at += HEAD_OCTETS
        yield octets[at : at + name].decode("latin-1"), octets[at + name : at + name + value].decode("latin-1")
        at += name + value


def _write_headers(headers: Iterable[Header]) -> "np.ndarray[Any, np.dtype[np.uint8]]":
    octets = bytearray()
    for name, value in headers:
        said = name.encode("latin-1"), value.encode("latin-1", "replace")
        octets += len(said[0]).to_bytes(2, "little") + len(said[1]).to_bytes(2, "little") + said[0] + said[1]
    return np.frombuffer(octets, np.uint8)


def _callbacks() -> int:
    made = ctypes.c_void_p()
    LIBRARY.nghttp2_session_callbacks_new(ctypes.byref(made))
    for name in ("on_begin_headers", "on_header", "on_data_chunk_recv", "on_frame_recv", "on_stream_close"):
        setter = getattr(LIBRARY, f"nghttp2_session_callbacks_set_{name}_callback")
        setter.argtypes, setter.restype = (ctypes.c_void_p, ctypes.c_void_p), None
        setter(made, callbacks().place(name))
    assert made.value
    return made.value


def _options() -> int:
    made = ctypes.c_void_p()
    LIBRARY.nghttp2_option_new(ctypes.byref(made))
    LIBRARY.nghttp2_option_set_no_closed_streams(made, 1)
    assert made.value
    return made.value
