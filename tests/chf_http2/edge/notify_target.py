"""A network function that is notified: an HTTP/2 server with prior knowledge, in a thread of its own, made of h2 alone."""

import asyncio
import json
import queue
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import h2.config
import h2.connection
import h2.events

WAIT_S = 20.0


class Notification(NamedTuple):
    """One POST."""

    path: str
    headers: dict[str, str]
    body: Any


class Reply(NamedTuple):
    """What it is answered."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


def takes_all(notification: Notification) -> Reply:
    """204."""
    return Reply(204)


class _Connection(asyncio.Protocol):
    def __init__(self, target: "NotifyTarget") -> None:
        self._target = target
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self._headers: dict[int, dict[str, str]] = {}
        self._bodies: dict[int, bytes] = {}
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = transport
        self._target.connection_count += 1
        self._h2.initiate_connection()
        self._transport.write(self._h2.data_to_send())

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        for event in self._h2.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                self._headers[event.stream_id] = {str(name): str(value) for name, value in event.headers}
                self._bodies[event.stream_id] = b""
            elif isinstance(event, h2.events.DataReceived):
                self._bodies[event.stream_id] += event.data or b""
                self._h2.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                self._answer(event.stream_id)
        self._transport.write(self._h2.data_to_send())

    def _answer(self, stream: int) -> None:
        headers = self._headers.pop(stream)
        notification = Notification(headers[":path"], headers, json.loads(self._bodies.pop(stream)))
        reply = self._target.take(notification)
        if reply is None:
            return
        self._h2.send_headers(stream, [(":status", str(reply.status)), *reply.headers], end_stream=not reply.body)
        if reply.body:
            self._h2.send_data(stream, reply.body, end_stream=True)


class NotifyTarget:
    """Listens on loopback.

    answer   what a notification is answered; None: nothing, it hangs
    """

    def __init__(self, answer: Callable[[Notification], Reply | None], tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self._tls = tls
        self.connection_count = 0
        self.port = 0
        self.got: queue.Queue[Notification] = queue.Queue()
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._started.wait(WAIT_S)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, ssl=self._tls)
        )
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        self._loop.run_forever()
        server.close()
        self._loop.close()

    def take(self, notification: Notification) -> Reply | None:
        """Keep it, and what it is answered."""
        self.got.put(notification)
        return self.answer(notification)

    def uri(self, name: str) -> str:
        """A notifyUri here."""
        return f"http://127.0.0.1:{self.port}/nsmf-callback/{name}"

    def next(self, wait_s: float = WAIT_S) -> Notification:
        """The next notification; AssertionError where none comes."""
        try:
            return self.got.get(timeout=wait_s)
        except queue.Empty:
            raise AssertionError(f"no notification within {wait_s:g} s") from None

    def close(self) -> None:
        """End it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WAIT_S)


@contextmanager
def notify_target(
    answer: Callable[[Notification], Reply | None] = takes_all, tls: ssl.SSLContext | None = None
) -> Iterator[NotifyTarget]:
    """A target that ends with the context."""
    target = NotifyTarget(answer, tls)
    try:
        yield target
    finally:
        target.close()
