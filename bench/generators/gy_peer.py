"""The Diameter base messages of a generator: CER, DWA, DPR, DPA, and a refusal of what it doesn't serve."""

from dataclasses import dataclass
from typing import Final

from bench.generators.gy_avps import (
    APPLICATION_CREDIT_CONTROL,
    FLAG_ERROR,
    FLAG_PROXIABLE,
    FLAG_REQUEST,
    VENDOR_3GPP,
    Avp,
    ipv4,
    read_avps,
    text,
    unsigned32,
    write_message,
)

COMMAND_CAPABILITIES: Final = 257
COMMAND_WATCHDOG: Final = 280
COMMAND_DISCONNECT: Final = 282
RESULT_CODE: Final = 268
SUCCESS: Final = 2001
COMMAND_UNSUPPORTED: Final = 3001
_DO_NOT_WANT_TO_TALK_TO_YOU: Final = 2


@dataclass(frozen=True, slots=True)
class PeerName:
    """Who the generator says it is on one connection."""

    origin_host: str
    origin_realm: str
    origin_state_id: int


def _origin(peer: PeerName) -> list[Avp]:
    return [text(264, peer.origin_host), text(296, peer.origin_realm)]


def capabilities_request(peer: PeerName, identifier: int) -> bytes:
    """CER (RFC 6733 §5.3.1) for credit control over 3GPP's AVPs."""
    avps = [
        *_origin(peer),
        ipv4(257, (127, 0, 0, 1)),
        unsigned32(266, VENDOR_3GPP),
        text(269, "Farebox bench", is_mandatory=False),
        unsigned32(278, peer.origin_state_id),
        unsigned32(265, VENDOR_3GPP),
        unsigned32(258, APPLICATION_CREDIT_CONTROL),
    ]
    return write_message(
        COMMAND_CAPABILITIES, FLAG_REQUEST, avps, application=0, hop_by_hop=identifier, end_to_end=identifier
    )[0]


def disconnect_request(peer: PeerName, identifier: int) -> bytes:
    """DPR (RFC 6733 §5.4.1): the run is over."""
    avps = [*_origin(peer), unsigned32(273, _DO_NOT_WANT_TO_TALK_TO_YOU)]
    return write_message(
        COMMAND_DISCONNECT, FLAG_REQUEST, avps, application=0, hop_by_hop=identifier, end_to_end=identifier
    )[0]


def answer_to(peer: PeerName, request: bytes) -> bytes:
    """DWA or DPA with 2001; 3001 for a command that a generator doesn't serve (RAR, ASR)."""
    command = int.from_bytes(request[5:8], "big")
    is_base = command in (COMMAND_WATCHDOG, COMMAND_DISCONNECT)
    result = SUCCESS if is_base else COMMAND_UNSUPPORTED
    avps = [unsigned32(RESULT_CODE, result), *_origin(peer)]
    if command == COMMAND_WATCHDOG:
        avps.append(unsigned32(278, peer.origin_state_id))
    return write_message(
        command,
        (request[4] & FLAG_PROXIABLE) | (0 if is_base else FLAG_ERROR),
        avps,
        application=int.from_bytes(request[8:12], "big"),
        hop_by_hop=int.from_bytes(request[12:16], "big"),
        end_to_end=int.from_bytes(request[16:20], "big"),
    )[0]


def result_code_of(answer: bytes) -> int:
    """Result-Code of a base answer, 0 where it has none."""
    return int.from_bytes(read_avps(answer).get(RESULT_CODE, b""), "big")


def command_of(message: bytes) -> tuple[int, bool]:
    """(command code, is it a request)."""
    return int.from_bytes(message[5:8], "big"), bool(message[4] & FLAG_REQUEST)
