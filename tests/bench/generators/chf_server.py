"""The server's side of an Nchf generator's connections, of h2: what the kernels queue is read, what they take is written."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import h2.config
import h2.connection
import h2.events
import numpy as np

from bench.generators.chf_answers import take_answers
from bench.generators.chf_connections import OUR_SETTINGS
from bench.generators.chf_generator import ChfWire
from bench.generators.chf_templates import COLLECTION, REF_DIGITS
from bench.generators.fleet import IS_MEASURING, Fleet
from bench.generators.http2_frames import PREFACE, WINDOW_DEFAULT, write_settings
from bench.workload import ChfPlan

NOW_S = 1_790_000_000
LOCATION = f"http://127.0.0.1:7777{COLLECTION}/"


@dataclass(slots=True)
class Received:
    """One request."""

    stream: int
    headers: dict[str, str]
    body: bytes = b""

    @property
    def said(self) -> dict[str, Any]:
        """The body."""
        decoded: dict[str, Any] = json.loads(self.body)
        return decoded

    @property
    def operation(self) -> str:
        """create, update or release."""
        return self.headers[":path"].removeprefix(COLLECTION).rpartition("/")[2] or "create"


def chf_plan(**changes: Any) -> ChfPlan:
    """A plan of one connection and few sessions."""
    values: dict[str, Any] = {"subscribers": 20, "sessions_open": 6, "outstanding": 6, "connections": 1}
    return ChfPlan(**(values | changes))


@dataclass(slots=True)
class ChfServerTwin:
    """A fleet whose only connection leads to an h2 server."""

    plan: ChfPlan
    wire: ChfWire = field(default_factory=ChfWire)
    fleet: Fleet = field(init=False)
    http: h2.connection.H2Connection = field(init=False)

    def __post_init__(self) -> None:
        self.fleet = self.wire.new_fleet(self.plan)
        self.fleet.counters[IS_MEASURING] = 1
        self.fleet.wire.window[:] = WINDOW_DEFAULT
        self.http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self.http.initiate_connection()
        self.http.receive_data(PREFACE + write_settings(OUR_SETTINGS))
        self.http.data_to_send()

    def requests(self, now_ns: int = 0) -> list[Received]:
        """Let the generator queue what may leave, and read it as a server does."""
        self.wire.send_requests(self.fleet, now_ns, NOW_S)
        first, last = self.fleet.outgoing_range[0].tolist()
        octets = self.fleet.outgoing[0, first:last].tobytes()
        self.fleet.outgoing_range[0] = 0
        found: dict[int, Received] = {}
        ended = []
        for event in self.http.receive_data(octets):
            if isinstance(event, h2.events.RequestReceived):
                found[event.stream_id] = Received(event.stream_id, dict(event.headers))  # type: ignore[arg-type]
            elif isinstance(event, h2.events.DataReceived):
                found[event.stream_id].body += event.data
                self.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                ended.append(event.stream_id)
        assert ended == list(found), "each request is whole"
        return list(found.values())

    def answer(
        self, request: Received, status: int, body: bytes = b"", *, pieces: Iterable[bytes] = (), ref: str = ""
    ) -> None:
        """Answer a request, with its body in one DATA frame or in `pieces`."""
        headers = [(":status", str(status)), ("content-type", "application/json"), ("server", "twin")]
        if ref:
            headers.append(("location", LOCATION + ref))
        parts = list(pieces) or ([body] if body else [])
        self.http.send_headers(request.stream, headers, end_stream=not parts)
        for index, part in enumerate(parts, 1):
            self.http.send_data(request.stream, part, end_stream=index == len(parts))

    def deliver(self, pieces: Iterable[int] = (), now_ns: int = 0) -> int:
        """What the server sends goes to the kernels, in pieces of these sizes and a rest; what `take_answers` returned."""
        octets = self.http.data_to_send()
        for size in (*pieces, len(octets)):
            part, octets = octets[:size], octets[size:]
            end = int(self.fleet.incoming_end[0])
            self.fleet.incoming[0, end : end + len(part)] = np.frombuffer(part, np.uint8)
            self.fleet.incoming_end[0] = end + len(part)
            broken = take_answers(self.fleet, now_ns)
            if broken >= 0:
                return int(broken)
        return -1


def ref_of(number: int) -> str:
    """A ChargingDataRef."""
    return f"{number:0{REF_DIGITS}x}"


def granted(request: Received, octets: int, **members: Any) -> bytes:
    """A body that grants each rating group so many octets."""
    units = [
        {
            "ratingGroup": usage["ratingGroup"],
            "resultCode": "SUCCESS",
            "grantedUnit": {"totalVolume": octets},
            **members,
        }
        for usage in request.said["multipleUnitUsage"]
    ]
    return response(request, units)


def response(request: Received, units: list[dict[str, Any]]) -> bytes:
    """A ChargingDataResponse."""
    said = {
        "invocationTimeStamp": "2026-01-01T00:00:00Z",
        "invocationSequenceNumber": request.said["invocationSequenceNumber"],
        "multipleUnitInformation": units,
    }
    return json.dumps(said, separators=(",", ":")).encode()
