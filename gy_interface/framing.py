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

UNSUPPORTED_VERSION: Final = 5011
INVALID_MESSAGE_LENGTH: Final = 5015
INVALID_HEADER_BITS: Final = 3008


class Header(NamedTuple):
    """A message's first 20 octets."""

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


def read_header(octets: bytes | memoryview) -> Header:
    """The header at the start of `octets` (20 or more). PeerError 5011, 5015 ends the connection: the stream is lost."""
    word, flags_command, application, hop_by_hop, end_to_end = struct.unpack_from(">IIIII", octets)
    header = Header(word & 0xFFFFFF, flags_command >> 24, flags_command & 0xFFFFFF, application, hop_by_hop, end_to_end)
    if word >> 24 != VERSION:
        raise PeerError(UNSUPPORTED_VERSION, f"version {word >> 24} is not {VERSION}", ends=True)
    if header.length < HEADER_OCTETS or header.length % 4 or header.length > DIAMETER_MESSAGE_OCTETS_MAX:
        raise PeerError(INVALID_MESSAGE_LENGTH, f"a message of {header.length} octets", ends=True)
    return header


def write_message(header: Header, body: bytes) -> bytes:
    """Octets of a message; the length comes from the body."""
    length = HEADER_OCTETS + len(body)
    return (
        struct.pack(
            ">IIIII",
            VERSION << 24 | length,
            header.flags << 24 | header.command,
            header.application,
            header.hop_by_hop,
            header.end_to_end,
        )
        + body
    )
