"""Frames of HTTP/2 (RFC 9113) that a generator writes and reads in Python: greeting, settings, pings. A few a run."""

from collections.abc import Mapping
from typing import Final, NamedTuple

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEAD_OCTETS: Final = 9

DATA: Final = 0
HEADERS: Final = 1
RST_STREAM: Final = 3
SETTINGS: Final = 4
PING: Final = 6
GOAWAY: Final = 7
WINDOW_UPDATE: Final = 8
CONTINUATION: Final = 9

FLAG_ACK: Final = 0x1
FLAG_END_STREAM: Final = 0x1
FLAG_END_HEADERS: Final = 0x4
FLAG_PADDED: Final = 0x8
FLAG_PRIORITY: Final = 0x20

HEADER_TABLE_SIZE: Final = 1
ENABLE_PUSH: Final = 2
MAX_CONCURRENT_STREAMS: Final = 3
INITIAL_WINDOW_SIZE: Final = 4

WINDOW_DEFAULT: Final = 65_535
WINDOW_MAX: Final = 2**31 - 1


class Frame(NamedTuple):
    """One frame that came."""

    type: int
    flags: int
    stream: int
    payload: bytes


def write_frame(type_: int, flags: int, stream: int, payload: bytes) -> bytes:
    """A frame's octets."""
    return len(payload).to_bytes(3, "big") + bytes((type_, flags)) + stream.to_bytes(4, "big") + payload


def read_frame(octets: bytes) -> Frame:
    """The frame that `octets` are."""
    return Frame(octets[3], octets[4], int.from_bytes(octets[5:9], "big") & WINDOW_MAX, octets[HEAD_OCTETS:])


def write_settings(values: Mapping[int, int]) -> bytes:
    """SETTINGS of ours."""
    payload = b"".join(name.to_bytes(2, "big") + value.to_bytes(4, "big") for name, value in values.items())
    return write_frame(SETTINGS, 0, 0, payload)


def read_settings(frame: Frame) -> dict[int, int]:
    """What a SETTINGS says."""
    pairs = [frame.payload[at : at + 6] for at in range(0, len(frame.payload), 6)]
    return {int.from_bytes(pair[:2], "big"): int.from_bytes(pair[2:], "big") for pair in pairs}


def write_window_update(stream: int, octets: int) -> bytes:
    """Room for so many octets more."""
    return write_frame(WINDOW_UPDATE, 0, stream, octets.to_bytes(4, "big"))
