"""Octets of a stream to Diameter messages, and message headers (RFC 6733 §3)."""

import struct
from typing import Final, NamedTuple

from gy_interface.errors import PeerError
from vocabulary.limits import DIAMETER_MESSAGE_OCTETS_MAX

HEADER_OCTETS: Final = 20
VERSION: Final = 1
FLAG_REQUEST: Final = 0x80
FLAG_PROXIABLE: Final = 0x40
FLAG_ERROR: Final = 0x20
FLAG_RETRANSMITTED: Final = 0x10

INVALID_HEADER_BITS: Final = 3008
UNSUPPORTED_VERSION: Final = 5011
INVALID_MESSAGE_LENGTH: Final = 5015


class Header(NamedTuple):
    """A message's first 20 octets, without the version."""

    length: int
    flags: int
    command: int
    application: int
    hop_by_hop: int
    end_to_end: int

    @property
    def is_request(self) -> bool:
        """The R bit."""
        return bool(self.flags & FLAG_REQUEST)


class Message(NamedTuple):
    """A whole message."""

    header: Header
    octets: bytes


def read_header(octets: bytes | memoryview, at: int = 0) -> Header:
    """The header of 20 octets at `at`, as it is: `check_framing` says whether it can be true."""
    word, flags_command, application, hop_by_hop, end_to_end = struct.unpack_from(">IIIII", octets, at)
    return Header(word & 0xFFFFFF, flags_command >> 24, flags_command & 0xFFFFFF, application, hop_by_hop, end_to_end)


def check_framing(version: int, header: Header) -> None:
    """PeerError 5011, 5015 where the message can't be framed; where the next one begins isn't known then."""
    if version != VERSION:
        raise PeerError(UNSUPPORTED_VERSION, f"version {version} is not {VERSION}")
    if header.length < HEADER_OCTETS or header.length % 4 or header.length > DIAMETER_MESSAGE_OCTETS_MAX:
        limits = f"{HEADER_OCTETS}..{DIAMETER_MESSAGE_OCTETS_MAX}, a multiple of 4"
        raise PeerError(INVALID_MESSAGE_LENGTH, f"a message of {header.length} octets: it takes {limits}")


def next_message(octets: bytes, at: int = 0) -> Message | None:
    """The whole message at `at`, None where its octets aren't all there. PeerError as `check_framing`."""
    if len(octets) - at < HEADER_OCTETS:
        return None
    header = read_header(octets, at)
    check_framing(octets[at], header)
    if len(octets) - at < header.length:
        return None
    return Message(header, octets[at : at + header.length])


def check_request_bits(header: Header) -> None:
    """PeerError 3008 where the E bit is set in a request. Reserved bits are ignored on receipt (RFC 6733 §3)."""
    if header.flags & FLAG_ERROR:
        raise PeerError(INVALID_HEADER_BITS, "the E bit is set in a request")


def write_message(header: Header, body: bytes) -> bytes:
    """Octets of a message; the length comes from the body."""
    length = HEADER_OCTETS + len(body)
    words = (
        VERSION << 24 | length,
        header.flags << 24 | header.command,
        header.application,
        header.hop_by_hop,
        header.end_to_end,
    )
    return struct.pack(">IIIII", *words) + body
