"""A client of the APIs and pages as the load needs it: requests are octets that were made before, a connection is kept, and an
answer is read by its length. What the client itself costs is a tenth of what an ordinary one does.
"""

import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

TIMEOUT_S: Final = 60.0


class Reply(NamedTuple):
    """An answer."""

    status: int
    headers: dict[str, str]
    """by name in lower case"""
    body: bytes


class WebGone(Exception):
    """The connection ended within an answer."""


class WebConnection:
    """One kept connection."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), TIMEOUT_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""

    def ask(self, request: bytes) -> Reply:
        """The answer. WebGone, TimeoutError."""
        self._socket.sendall(request)
        head = self._until(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        if headers.get("transfer-encoding") == "chunked":
            return Reply(int(first.split()[1]), headers, self._chunks())
        return Reply(int(first.split()[1]), headers, self._octets(int(headers.get("content-length", "0"))))

    def close(self) -> None:
        """End it."""
        self._socket.close()

    def _chunks(self) -> bytes:
        parts = []
        while count := int(self._until(b"\r\n"), 16):
            parts.append(self._octets(count))
            self._octets(2)
        self._octets(2)
        return b"".join(parts)

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._rest:
            self._receive()
        found, _, self._rest = self._rest.partition(mark)
        return found

    def _octets(self, count: int) -> bytes:
        while len(self._rest) < count:
            self._receive()
        found, self._rest = self._rest[:count], self._rest[count:]
        return found

    def _receive(self) -> None:
        received = self._socket.recv(1 << 16)
        if not received:
            raise WebGone("the web process ended a connection within an answer")
        self._rest += received


def request(method: str, path: str, *, headers: dict[str, str], body: bytes = b"") -> bytes:
    """The octets of a request."""
    lines = [f"{method} {path} HTTP/1.1", "host: farebox", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class Asked(NamedTuple):
    """What became of requests that several connections sent one after the other."""

    seconds: float
    latencies_ms: list[float]
    statuses: dict[int, int]


def ask_all(
    connect: Callable[[], WebConnection], requests: Sequence[bytes], *, connections: int, seconds: float = 0.0
) -> Asked:
    """Each request once; with `seconds`, over and over so long. Errors of a connection are raised."""
    turn = iter(range(len(requests))) if not seconds else None
    latencies: list[float] = []
    statuses: dict[int, int] = {}
    faults: list[BaseException] = []
    lock = threading.Lock()
    began = time.perf_counter()

    def next_request(place: int) -> bytes | None:
        if turn is None:
            return requests[place % len(requests)] if time.perf_counter() - began < seconds else None
        with lock:
            found = next(turn, None)
        return None if found is None else requests[found]

    def work(first: int) -> None:
        place = first
        try:
            connection = connect()
            while (octets := next_request(place)) is not None:
                sent = time.perf_counter()
                reply = connection.ask(octets)
                took_ms = (time.perf_counter() - sent) * 1000
                with lock:
                    latencies.append(took_ms)
                    statuses[reply.status] = statuses.get(reply.status, 0) + 1
                place += connections
            connection.close()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return Asked(time.perf_counter() - began, sorted(latencies), statuses)
