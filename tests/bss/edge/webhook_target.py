"""A receiver of webhooks: a real HTTP server in threads, whose answers a test chooses."""

import json
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

WAIT_S = 20.0


class Message(NamedTuple):
    """A webhook that arrived."""

    path: str
    headers: dict[str, str]
    octets: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def body(self) -> Any:
        return json.loads(self.octets)


class Reply(NamedTuple):
    """What it is answered."""

    status: int = 204
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


def takes_all(message: Message) -> Reply:
    return Reply()


class WebhookTarget(ThreadingHTTPServer):
    """Listens on loopback. `answer` says what a message gets; None: nothing, it hangs until the target ends."""

    daemon_threads = True

    def __init__(self, answer: Callable[[Message], Reply | None]) -> None:
        self.answer = answer
        self.got: queue.Queue[Message] = queue.Queue()
        self.stopping = threading.Event()
        self.connection_count = 0
        self.hanging = 0
        self.hanging_max = 0
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        self.connection_count += 1
        return super().get_request()  # type: ignore[return-value]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who sent it died; a test says what it expected instead."""

    def url(self, name: str = "hook", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.server_port}/{name}"

    def next(self, wait_s: float = WAIT_S) -> Message:
        """The next message; AssertionError where none comes."""
        try:
            return self.got.get(timeout=wait_s)
        except queue.Empty:
            raise AssertionError(f"no message within {wait_s:g} s") from None

    def hang(self) -> None:
        """Until the target ends; how many hang at once is counted."""
        with self.lock:
            self.hanging += 1
            self.hanging_max = max(self.hanging, self.hanging_max)
        self.stopping.wait(WAIT_S)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: WebhookTarget

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", "0"))
        octets = self.rfile.read(length)
        if len(octets) < length:  # who sent it died within it: a receiver has nothing then
            self.close_connection = True
            return
        message = Message(self.path, {name.lower(): value for name, value in self.headers.items()}, octets)
        self.server.got.put(message)
        reply = self.server.answer(message)
        if reply is None:
            self.server.hang()
            self.close_connection = True
            return
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def webhook_target(answer: Callable[[Message], Reply | None] = takes_all) -> Iterator[WebhookTarget]:
    """A target that ends with the context."""
    target = WebhookTarget(answer)
    thread = threading.Thread(target=target.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield target
    finally:
        target.stopping.set()
        target.shutdown()
        target.server_close()
        thread.join(5)
