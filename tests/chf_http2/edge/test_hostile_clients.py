"""Clients that mean harm, or are broken: raw frames of HTTP/2, after which a well-behaved client is served as ever.

The server is in a process of its own (chf_served.py), so that its memory can be looked at.
"""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import httpx
import psutil
import pytest

from chf_http2.config import BODY_OCTETS_MAX
from tests.chf_http2.charging_bodies import octets, request
from tests.chf_http2.edge.chf_served import PATH
from tests.scenarios.sockets import ROOT

WITHIN_S = 20.0
SILENCE_S = 2.0
"""A server that says nothing for so long takes no more."""
GROWS_OCTETS_MAX = 30 * 2**20
STREAMS = 4000
SLOW_BODIES = 500


class Front:
    """The process of a server."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        assert process.stdout is not None
        self.port = int(process.stdout.readline())

    @property
    def resident_octets(self) -> int:
        """Memory that it has."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def waiting_count(self) -> int:
        """Requests that it has not answered, once what came before was looked at."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def serves(self) -> None:
        """A well-behaved client is."""
        with httpx.Client(http1=False, http2=True, trust_env=False, timeout=WITHIN_S) as client:
            answer = client.post(
                f"http://127.0.0.1:{self.port}{PATH}",
                content=octets(request()),
                headers={"content-type": "application/json"},
            )
        assert answer.status_code == 201


class Raw:
    """A connection whose client writes its frames itself, and reads only when it is told to."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=WITHIN_S)
        config = h2.config.H2Configuration(validate_outbound_headers=False, normalize_outbound_headers=False)
        self.frames = h2.connection.H2Connection(config)
        self.frames.initiate_connection()
        self.send()
        self.read()
        self.headers = [
            (":method", "POST"),
            (":scheme", "http"),
            (":authority", "chf.example"),
            (":path", PATH),
            ("content-type", "application/json"),
        ]

    def send(self) -> None:
        """What was written."""
        self.socket.sendall(self.frames.data_to_send())

    def read(self) -> list[object]:
        """What the server says next; nothing where it hung up."""
        data = self.socket.recv(1 << 16)
        events: list[object] = []
        if data:
            with contextlib.suppress(h2.exceptions.ProtocolError):
                events += self.frames.receive_data(data)
        return events

    def open_stream(self, *more: tuple[str, str], ends: bool = False) -> int:
        """A request without its body."""
        stream = self.frames.get_next_available_stream_id()
        self.frames.send_headers(stream, [*self.headers, *more], end_stream=ends)
        return stream

    def close(self) -> None:
        """Without a word."""
        self.socket.close()


@pytest.fixture
def front() -> Iterator[Front]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.chf_http2.edge.hostile_target"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(Path(ROOT))},
    )
    try:
        served = Front(process)
        served.serves()
        yield served
        served.serves()
        assert served.waiting_count() == 0
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def test_streams_that_are_opened_and_reset_at_once(front: Front) -> None:
    """CVE-2023-44487. nghttp2 ends a connection after some thousand of them; others aren't touched."""
    before, sent, connections = front.resident_octets, 0, 0
    while sent < STREAMS:
        raw, connections = Raw(front.port), connections + 1
        with contextlib.suppress(OSError, h2.exceptions.ProtocolError):
            while sent < STREAMS:
                raw.frames.reset_stream(raw.open_stream())
                raw.send()
                sent += 1
        raw.close()
    assert connections > 1
    front.serves()
    assert front.resident_octets - before < GROWS_OCTETS_MAX


@pytest.mark.parametrize(("count", "size"), [(1, 1 << 15), (1000, 20), (1000, 1000)])
def test_headers_without_measure(front: Front, count: int, size: int) -> None:
    """A block beyond `HEADERS_OCTETS_MAX` is refused by a reset."""
    before = front.resident_octets
    raw = Raw(front.port)
    with contextlib.suppress(OSError, h2.exceptions.ProtocolError):
        raw.open_stream(*((f"x-{number}", "y" * size) for number in range(count)), ends=True)
        raw.send()
        raw.read()
    front.serves()
    raw.close()
    assert front.resident_octets - before < GROWS_OCTETS_MAX


def test_a_body_without_end(front: Front) -> None:
    """It is answered 413 after `BODY_OCTETS_MAX`; then its stream is reset, and what came is kept nowhere."""
    before = front.resident_octets
    raw = Raw(front.port)
    raw.socket.settimeout(SILENCE_S)
    stream = raw.open_stream()
    sent, ends, events = 0, 100 * 2**20, []
    with contextlib.suppress(OSError, h2.exceptions.ProtocolError):
        while sent < ends:
            room = min(raw.frames.local_flow_control_window(stream), raw.frames.max_outbound_frame_size)
            if room == 0:
                events += raw.read()
                continue
            raw.frames.send_data(stream, b" " * room)
            sent += room
            raw.send()
    (answer,) = (event for event in events if isinstance(event, h2.events.ResponseReceived))
    assert dict(answer.headers)[b":status"] == b"413"
    assert BODY_OCTETS_MAX < sent < ends
    front.serves()
    assert front.resident_octets - before < GROWS_OCTETS_MAX
    raw.close()


def test_bodies_that_never_come(front: Front) -> None:
    """Others are served while so many are waited for; when their client goes, nobody waits any more."""
    raw = Raw(front.port)
    for _ in range(SLOW_BODIES):
        stream = raw.open_stream()
        raw.frames.send_data(stream, b"{")
        raw.send()
    front.serves()
    raw.close()
    front.serves()


def test_connections_that_break_in_the_middle(front: Front) -> None:
    """Behind a header, in a body, and while an answer is waited for."""
    body = octets(request())
    for number in range(60):
        raw = Raw(front.port)
        stream = raw.open_stream()
        if number % 3:
            raw.frames.send_data(stream, body if number % 3 == 2 else body[:20], end_stream=number % 3 == 2)
        raw.send()
        raw.close()
    front.serves()
