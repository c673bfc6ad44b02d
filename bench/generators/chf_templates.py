"""Create, update and release as an SMF sends them over HTTP/2, a HEADERS and a DATA frame each, as templates for kernels.

Header blocks refer to the static table alone and leave nothing in the dynamic one (RFC 7541 §6.2.2), so they are the same
octets each time. Bodies are JSON of our own choice of members of TS 32.291, 1,250 to 1,510 octets with
pDUSessionChargingInformation. What varies has a fixed width: numbers have spaces before them, which JSON allows.
"""

import json
import re
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.generators.http2_frames import (
    DATA,
    FLAG_END_HEADERS,
    FLAG_END_STREAM,
    HEAD_OCTETS,
    HEADERS,
    write_frame,
)
from bench.generators.huffman import HuffmanCode, huffman_code
from bench.generators.sessions import INITIAL, TERMINATION, UPDATE
from bench.workload import RATING_GROUPS, SERVICE_CONTEXT_5G, ChfPlan

COLLECTION: Final = "/nchf-convergedcharging/v3/chargingdata"
REF_DIGITS: Final = 64
"""Of the ChargingDataRefs of the server that is loaded: they are patched into a path of fixed length."""
IMSI_DIGITS: Final = 15
MSISDN_DIGITS: Final = 12
STAMP_OCTETS: Final = 20
"""Of 2026-01-01T00:00:00Z."""
NUMBER_WIDTH: Final = 10
CELL_DIGITS: Final = 5

# Columns of marks; 0 where the message has none
MARK_REF: Final = 0
MARK_DATA: Final = 1
"""The DATA frame."""
MARK_IMSI: Final = 2
MARK_STAMP: Final = 3
MARK_NUMBER: Final = 4
MARK_CHARGING_ID: Final = 5
MARK_SESSION_CHARGING_ID: Final = 6
MARK_MSISDN: Final = 7
MARK_CELL: Final = 8
MARK_COUNT: Final = 9

# Columns of mscc_marks
MARK_TIME: Final = 0
MARK_TOTAL: Final = 1
MARK_UPLINK: Final = 2
MARK_DOWNLINK: Final = 3
MARK_CONTAINER: Final = 4
MARK_CONTAINER_STAMP: Final = 5
MSCC_MARK_COUNT: Final = 6
_MSCC_NAMES: Final = ("time", "total", "uplink", "downlink", "container", "container_stamp")

STREAM_PLACES: Final = 1 << 14
"""Streams of a connection are found by their number modulo this, so at most as many are open at a time."""
TEXT_OCTETS_MAX: Final = 1024
BODY_OCTETS_MAX: Final = 4096


class ChfMemory(NamedTuple):
    """Templates (row 0 is create, 1 update, 2 release) and what is known of connections, streams and answers."""

    octets: NDArray[np.uint8]  # (3, longest)
    lengths: NDArray[np.int64]  # (3,)
    body_lengths: NDArray[np.int64]  # (3,)
    marks: NDArray[np.int64]  # (3, MARK_COUNT) offsets into the message
    mscc_marks: NDArray[np.int64]  # (3, MSCCs, MSCC_MARK_COUNT)
    stamp: NDArray[np.uint8]  # (STAMP_OCTETS,) of now
    stamps: NDArray[np.uint8]  # (sessions_open, STAMP_OCTETS) of the request in each slot
    refs: NDArray[np.uint8]  # (sessions_open, REF_DIGITS) of the session in each slot
    heads: NDArray[np.int64]  # (sessions_open, chf_headers.HEAD_COLUMNS) of the answer that has begun
    bodies: NDArray[np.uint8]  # (sessions_open, BODY_OCTETS_MAX) of bodies that come in pieces; taken only then
    streams: NDArray[np.int32]  # (connections, STREAM_PLACES) slot + 1 that waits; 0: none
    next_stream: NDArray[np.int64]  # (connections,)
    open_streams: NDArray[np.int64]  # (connections,)
    streams_max: NDArray[np.int64]  # (connections,) as the server says
    window: NDArray[np.int64]  # (connections,) octets of DATA that the server still takes
    received: NDArray[np.int64]  # (connections,) octets of DATA that came and that it wasn't given room for again
    text: NDArray[np.uint8]  # (TEXT_OCTETS_MAX,) scratch: a header's value
    code: HuffmanCode


def _text(name: str, width: int) -> str:
    """A place of `width` octets inside a string."""
    return f"@{name}:{width}@"


def _number(name: str) -> str:
    """A place for a number."""
    return f"#{name}:{NUMBER_WIDTH}#"


_PLACE: Final = re.compile(r"@(?P<text>\w+):(?P<width>\d+)@|\"#(?P<number>\w+):(?P<digits>\d+)#\"")


def _usage(plan: ChfPlan, request_type: int, index: int) -> dict[str, Any]:
    usage: dict[str, Any] = {"ratingGroup": RATING_GROUPS[index]}
    if request_type != TERMINATION:
        usage["requestedUnit"] = {"totalVolume": plan.asked_octets}
    if request_type != INITIAL:
        trigger = "FINAL" if request_type == TERMINATION else "QUOTA_EXHAUSTED"
        usage["usedUnitContainer"] = [
            {
                "localSequenceNumber": _number(f"container{index}"),
                "quotaManagementIndicator": "ONLINE_CHARGING",
                "triggers": [{"triggerType": trigger, "triggerCategory": "IMMEDIATE_REPORT"}],
                "triggerTimestamp": _text(f"container_stamp{index}", STAMP_OCTETS),
                "time": _number(f"time{index}"),
                "totalVolume": _number(f"total{index}"),
                "uplinkVolume": _number(f"uplink{index}"),
                "downlinkVolume": _number(f"downlink{index}"),
            }
        ]
    return usage


def _session_information() -> dict[str, Any]:
    plmn = {"mcc": "001", "mnc": "01"}
    return {
        "chargingId": _number("session_charging_id"),
        "userInformation": {
            "servedGPSI": f"msisdn-{_text('msisdn', MSISDN_DIGITS)}",
            "servedPEI": "imeisv-3534900698733190",
            "unauthenticatedFlag": False,
        },
        "userLocationinfo": {
            "nrLocation": {
                "tai": {"plmnId": plmn, "tac": "001234"},
                "ncgi": {"plmnId": plmn, "nrCellId": "0012" + _text("cell", CELL_DIGITS)},
            }
        },
        "uetimeZone": "+00:00",
        "pduSessionInformation": {
            "networkSlicingInfo": {"sNSSAI": {"sst": 1, "sd": "010203"}},
            "pduSessionID": 5,
            "pduType": "IPV4",
            "sscMode": "SSC_MODE_1",
            "hPlmnId": plmn,
            "servingNetworkFunctionID": {"servingNetworkFunctionInformation": {"nodeFunctionality": "AMF"}},
            "ratType": "NR",
            "dnnId": "internet",
            "chargingCharacteristics": "0800",
            "pduAddress": {"pduIPv4Address": "10.45.0.17"},
        },
    }


def write_body(plan: ChfPlan, request_type: int) -> tuple[bytes, dict[str, int]]:
    """One body with everything that varies left 0 or space, and where in it that is."""
    body = {
        "subscriberIdentifier": f"imsi-{_text('imsi', IMSI_DIGITS)}",
        "nfConsumerIdentification": {
            "nFName": plan.consumer,
            "nFIPv4Address": "192.0.2.33",
            "nFPLMNID": {"mcc": "001", "mnc": "01"},
            "nodeFunctionality": "SMF",
        },
        "invocationTimeStamp": _text("stamp", STAMP_OCTETS),
        "invocationSequenceNumber": _number("number"),
        "chargingId": _number("charging_id"),
        "serviceSpecificationInfo": f"{SERVICE_CONTEXT_5G}@3gpp.org",
        "multipleUnitUsage": [_usage(plan, request_type, index) for index in range(plan.mscc_count)],
        "pDUSessionChargingInformation": _session_information(),
    }
    if request_type == INITIAL:
        body["notifyUri"] = "http://192.0.2.33:8000/nsmf-callback/v1/notify"
    written = b""
    marks: dict[str, int] = {}
    source = json.dumps(body, separators=(",", ":"))
    behind = 0
    for place in _PLACE.finditer(source):
        written += source[behind : place.start()].encode()
        behind = place.end()
        marks[place["text"] or place["number"]] = len(written)
        written += b"0" * int(place["width"]) if place["text"] else b" " * (int(place["digits"]) - 1) + b"0"
    return written + source[behind:].encode(), marks


def _literal(name_index: int, value: str) -> bytes:
    """A field that is not kept in the dynamic table, its name by the static table (RFC 7541 §6.2.2)."""
    name = bytes((name_index,)) if name_index < 15 else bytes((15, name_index - 15))
    assert name_index < 15 + 127
    assert len(value) < 127
    return name + bytes((len(value),)) + value.encode()


def write_header_block(plan: ChfPlan, path: str, body_length: int) -> bytes:
    """The header block of a POST."""
    return b"".join(
        (
            b"\x83",  # :method POST
            b"\x86",  # :scheme http
            _literal(4, path),
            _literal(1, f"{plan.host}:{plan.port}"),
            _literal(31, "application/json"),
            _literal(28, str(body_length)),
            _literal(19, "application/json, application/problem+json"),
            _literal(58, "SMF"),
        )
    )


def write_request(plan: ChfPlan, request_type: int) -> tuple[bytes, dict[str, int]]:
    """HEADERS and DATA of stream 0 with everything that varies left open, and its marks."""
    ref = "0" * REF_DIGITS
    path = {INITIAL: COLLECTION, UPDATE: f"{COLLECTION}/{ref}/update", TERMINATION: f"{COLLECTION}/{ref}/release"}
    body, marks = write_body(plan, request_type)
    block = write_header_block(plan, path[request_type], len(body))
    headers = write_frame(HEADERS, FLAG_END_HEADERS, 0, block)
    at = {name: len(headers) + HEAD_OCTETS + place for name, place in marks.items()}
    at["data"] = len(headers)
    if request_type != INITIAL:
        at["ref"] = headers.index(ref.encode())
    return headers + write_frame(DATA, FLAG_END_STREAM, 0, body), at


def build_wire(plan: ChfPlan) -> ChfMemory:
    """The templates of a plan, and connections that have not been opened."""
    written = [write_request(plan, request_type) for request_type in (INITIAL, UPDATE, TERMINATION)]
    lengths = np.array([len(message) for message, _ in written], np.int64)
    octets = np.zeros((3, int(lengths.max())), np.uint8)
    marks = np.zeros((3, MARK_COUNT), np.int64)
    mscc_marks = np.zeros((3, plan.mscc_count, MSCC_MARK_COUNT), np.int64)
    names = ("ref", "data", "imsi", "stamp", "number", "charging_id", "session_charging_id", "msisdn", "cell")
    for row, (message, at) in enumerate(written):
        octets[row, : len(message)] = np.frombuffer(message, np.uint8)
        marks[row] = [at.get(name, 0) for name in names]
        for index in range(plan.mscc_count):
            mscc_marks[row, index] = [at.get(f"{name}{index}", 0) for name in _MSCC_NAMES]
    count = plan.connections
    return ChfMemory(
        octets=octets,
        lengths=lengths,
        body_lengths=lengths - marks[:, MARK_DATA] - HEAD_OCTETS,
        marks=marks,
        mscc_marks=mscc_marks,
        stamp=np.zeros(STAMP_OCTETS, np.uint8),
        stamps=np.zeros((plan.sessions_open, STAMP_OCTETS), np.uint8),
        refs=np.zeros((plan.sessions_open, REF_DIGITS), np.uint8),
        heads=np.zeros((plan.sessions_open, 3), np.int64),
        bodies=np.zeros((plan.sessions_open, BODY_OCTETS_MAX), np.uint8),
        streams=np.zeros((count, STREAM_PLACES), np.int32),
        next_stream=np.ones(count, np.int64),
        open_streams=np.zeros(count, np.int64),
        streams_max=np.full(count, STREAM_PLACES, np.int64),
        window=np.zeros(count, np.int64),
        received=np.zeros(count, np.int64),
        text=np.zeros(TEXT_OCTETS_MAX, np.uint8),
        code=huffman_code(),
    )
