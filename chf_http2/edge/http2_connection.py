"""One transport connection of an HTTP/2 client: what it sends goes to nghttp2, what nghttp2 wants to send goes to it."""

import asyncio
import ctypes
from collections.abc import Callable
from typing import Any, Final, Protocol, cast

import numpy as np

from chf_http2.streams.library import (
    INITIAL_WINDOW_SIZE,
    LIBRARY,
    MAX_CONCURRENT_STREAMS,
    MAX_HEADER_LIST_SIZE,
    NO_ERROR,
)
from chf_http2.streams.memory import HEADERS_OCTETS_MAX, StreamMemory
from chf_http2.streams.transfer import IS_MORE, IS_OVER, receive, send
from vocabulary.held import Held

CONNECTION_STREAMS_MAX: Final = 1024
"""Streams of one connection at a time; those beyond wait at the client."""
STREAM_WINDOW_OCTETS: Final = 256 * 1024
CONNECTION_WINDOW_OCTETS: Final = 16 << 20
UNREAD_OCTETS_HIGH: Final = 1 << 20
_SETTINGS: Final = (
    (MAX_CONCURRENT_STREAMS, CONNECTION_STREAMS_MAX),
    (INITIAL_WINDOW_SIZE, STREAM_WINDOW_OCTETS),
    (MAX_HEADER_LIST_SIZE, HEADERS_OCTETS_MAX),
)
COUNT_MASK: Final = IS_OVER - 1
GREETING_OCTETS: Final = 24 + 9
"""Preface and head of SETTINGS."""


class Server(Protocol):
    """What a connection needs of its server: memory and buffers that all connections share, and ears."""

    memory: Held[StreamMemory]
    callbacks: int
    options: int
    received: "np.ndarray[Any, np.dtype[np.uint8]]"
    received_view: memoryview
    sent: "np.ndarray[Any, np.dtype[np.uint8]]"
    sent_view: memoryview
    now_ns: Callable[[], int]

    def accept(self, connection: "Http2Connection") -> int:
        """The place of a new connection; -1: there is none."""

    def forget(self, connection: "Http2Connection") -> None:
        """It is gone."""

    def drain(self) -> None:
        """Callbacks may have left something."""


class Http2Connection(asyncio.BufferedProtocol):
    """A connection while it lives.

    A client that doesn't read what it is sent isn't sent more: nghttp2 keeps its streams, and the server ends those that
    are kept too long.
    """

    def __init__(self, server: Server) -> None:
        self.index = -1
        self._server = server
        self._session = 0
        self._words = np.zeros(2, np.int64)
        self._transport: asyncio.Transport | None = None
        self._is_written = True
        self._is_leaving = False
        self._is_ended = False
        """nothing is written any more, and nothing read is looked at"""
        self.began_ns = server.now_ns()
        self.octets_total = 0
        """received"""

    # --- the transport's ---------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=UNREAD_OCTETS_HIGH)
        self.index = self._server.accept(self)
        if self.index < 0:
            self._transport.abort()
            return
        self._words[:] = self._server.memory.octets.ctypes.data, self.index
        session = ctypes.c_void_p()
        LIBRARY.nghttp2_session_server_new2(
            ctypes.byref(session), self._server.callbacks, self._words.ctypes.data, self._server.options
        )
        assert session.value
        self._session = session.value
        settings = np.array(_SETTINGS, np.uint32)
        LIBRARY.nghttp2_submit_settings(self._session, 0, settings.ctypes.data, len(_SETTINGS))
        LIBRARY.nghttp2_session_set_local_window_size(self._session, 0, 0, CONNECTION_WINDOW_OCTETS)
        self.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._transport = None
        self._server.forget(self)
        if self._session:
            LIBRARY.nghttp2_session_del(self._session)
            self._session = 0

    def get_buffer(self, sizehint: int) -> memoryview:
        """See asyncio.BufferedProtocol: nghttp2 reads all of it at once, so that all connections share one."""
        return self._server.received_view

    def buffer_updated(self, nbytes: int) -> None:
        """See asyncio.BufferedProtocol."""
        if not self._session or self._is_ended:
            return
        server = self._server
        self.octets_total += nbytes
        taken = receive(server.memory.octets, self._session, server.received, nbytes, server.now_ns())
        server.drain()
        self.flush()
        if taken < 0:
            self.abort()

    def pause_writing(self) -> None:
        """See asyncio.Protocol."""
        self._is_written = False

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self._is_written = True
        self.flush()

    # --- the server's ------------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Send what nghttp2 has to send, as long as the client reads; close where it has nothing more to say."""
        is_more = True
        while is_more and self._session and self._transport is not None and self._is_written and not self._is_ended:
            told = send(self._server.memory.octets, self._session, self._server.sent)
            count = told & COUNT_MASK
            if count:
                self._transport.write(self._server.sent_view[:count].tobytes())
            if told & IS_OVER:
                self.finish()
            is_more = bool(told & IS_MORE)

    def give_notice(self) -> None:
        """Say that it will end; requests that cross this are still taken (RFC 9113 §6.8)."""
        self._is_leaving = True
        if self._session:
            LIBRARY.nghttp2_submit_shutdown_notice(self._session)
            self.flush()

    def say_goodbye(self) -> None:
        """Take no stream more, and say which was the last; those that are open are answered (RFC 9113 §6.8)."""
        self._is_leaving = True
        if self._session:
            last = LIBRARY.nghttp2_session_get_last_proc_stream_id(self._session)
            LIBRARY.nghttp2_submit_goaway(self._session, 0, last, NO_ERROR, None, 0)
            self.flush()

    @property
    def is_greeted(self) -> bool:
        """Has the client said as much as each does before it asks (RFC 9113 §3.4)?"""
        return self.octets_total >= GREETING_OCTETS

    @property
    def is_unsent(self) -> bool:
        """Does the client leave something untaken?"""
        return self._transport is not None and self._transport.get_write_buffer_size() > 0

    def finish(self) -> None:
        """End once what was written is sent.

        Where it leaves by itself, it hears out the client: octets that reach a closed socket are answered with a reset, by
        which the client's side throws away what it has not read, answers and good-bye.
        """
        if self._transport is None or self._is_ended:
            return
        self._is_ended = True
        if self._is_leaving and self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def abort(self) -> None:
        """End at once."""
        if self._transport is not None:
            self._transport.abort()
