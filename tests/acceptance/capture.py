"""A capture file of Diameter exchanges, written by hand: each exchange is a TCP connection of its own over IPv4 Ethernet."""

import struct
from collections.abc import Iterable
from typing import Final

PORT: Final = 3868
_CLIENT, _SERVER = bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2])
_MAC_CLIENT, _MAC_SERVER = bytes([2, 0, 0, 0, 0, 1]), bytes([2, 0, 0, 0, 0, 2])
_FIRST_PORT: Final = 20_000
_SEGMENT_OCTETS: Final = 16_384
_FILE_HEADER: Final = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)
Exchange = tuple[bytes, bytes]
"""(octets of the client, octets of the server); either may be empty"""


def _checksum(octets: bytes) -> int:
    padded = octets + b"\0" * (len(octets) % 2)
    total = sum(struct.unpack(f">{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _frame(port: int, *, from_server: bool, sequence: int, acknowledged: int, data: bytes, flags: int) -> bytes:
    """An Ethernet frame with one TCP segment."""
    addresses = (_SERVER, _CLIENT) if from_server else (_CLIENT, _SERVER)
    ports = (PORT, port) if from_server else (port, PORT)
    macs = _MAC_CLIENT + _MAC_SERVER if from_server else _MAC_SERVER + _MAC_CLIENT
    tcp = struct.pack(">HHIIBBHHH", *ports, sequence, acknowledged, 5 << 4, flags, 65_535, 0, 0)
    pseudo = addresses[0] + addresses[1] + struct.pack(">BBH", 0, 6, len(tcp) + len(data))
    tcp = tcp[:16] + struct.pack(">H", _checksum(pseudo + tcp + data)) + tcp[18:]
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp) + len(data), 0, 0x4000, 64, 6, 0) + addresses[0] + addresses[1]
    ip = ip[:10] + struct.pack(">H", _checksum(ip)) + ip[12:]
    return macs + b"\x08\x00" + ip + tcp + data


_SYN, _ACK, _PUSH_ACK = 0x02, 0x10, 0x18


def _connection(port: int, exchange: Exchange) -> Iterable[bytes]:
    """The frames of an exchange: handshake, then what each side says."""
    yield _frame(port, from_server=False, sequence=0, acknowledged=0, data=b"", flags=_SYN)
    yield _frame(port, from_server=True, sequence=0, acknowledged=1, data=b"", flags=_SYN | _ACK)
    yield _frame(port, from_server=False, sequence=1, acknowledged=1, data=b"", flags=_ACK)
    said = [1, 1]
    for side, octets in enumerate(exchange):
        for first in range(0, len(octets), _SEGMENT_OCTETS):
            data = octets[first : first + _SEGMENT_OCTETS]
            yield _frame(
                port,
                from_server=bool(side),
                sequence=said[side],
                acknowledged=said[1 - side],
                data=data,
                flags=_PUSH_ACK,
            )
            said[side] += len(data)
            yield _frame(
                port, from_server=not side, sequence=said[1 - side], acknowledged=said[side], data=b"", flags=_ACK
            )


def capture_of(exchanges: Iterable[Exchange]) -> bytes:
    """A classic pcap file; connection n has the client's port `port_of(n)`. A frame is a millisecond behind the last."""
    octets = bytearray(_FILE_HEADER)
    instant_ms = 0
    for number, exchange in enumerate(exchanges):
        for frame in _connection(port_of(number), exchange):
            octets += struct.pack("<IIII", *divmod(instant_ms * 1000, 1_000_000), len(frame), len(frame)) + frame
            instant_ms += 1
    return bytes(octets)


def port_of(number: int) -> int:
    """The client's port of an exchange."""
    return _FIRST_PORT + number
