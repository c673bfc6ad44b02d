"""AVPs of the messages that aren't hot, walked and written in plain Python; bounds before anything else.

CCRs and CCAs go through the kernels of ccr.py and cca.py; this serves capabilities exchange, watchdog, disconnect and
error answers, a few a minute.
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from gy_interface.errors import PeerError

FLAG_VENDOR: Final = 0x80
FLAG_MANDATORY: Final = 0x40
INVALID_AVP_LENGTH: Final = 5014
_HEADER_OCTETS: Final = 8
_VENDOR_HEADER_OCTETS: Final = 12


class Avp(NamedTuple):
    """One AVP as found: `octets` is all of it without padding, `data` what follows its header."""

    code: int
    vendor: int
    flags: int
    data: bytes
    octets: bytes


def walk(octets: bytes, start: int = 0) -> Iterator[Avp]:
    """The AVPs of octets[start:]. PeerError 5014 with the offending header where a length does not fit (RFC 6733 §7.1.5)."""
    at, end = start, len(octets)
    while at < end:
        if end - at < _HEADER_OCTETS:
            raise PeerError(INVALID_AVP_LENGTH, "octets behind the last AVP are no AVP", octets[at:].ljust(8, b"\0"))
        code, word = struct.unpack_from(">II", octets, at)
        flags, length = word >> 24, word & 0xFFFFFF
        header = _VENDOR_HEADER_OCTETS if flags & FLAG_VENDOR else _HEADER_OCTETS
        if length < header or at + length > end:
            failed = octets[at : at + header].ljust(header, b"\0")
            raise PeerError(INVALID_AVP_LENGTH, f"AVP {code} has length {length}", failed)
        vendor = struct.unpack_from(">I", octets, at + 8)[0] if flags & FLAG_VENDOR else 0
        yield Avp(code, vendor, flags, octets[at + header : at + length], octets[at : at + length])
        at += (length + 3) & ~3


def write(code: int, data: bytes, *, vendor: int = 0, mandatory: bool = True) -> bytes:
    """One AVP with its padding."""
    flags = (FLAG_VENDOR if vendor else 0) | (FLAG_MANDATORY if mandatory else 0)
    header = _VENDOR_HEADER_OCTETS if vendor else _HEADER_OCTETS
    length = header + len(data)
    head = struct.pack(">II", code, flags << 24 | length) + (struct.pack(">I", vendor) if vendor else b"")
    return head + data + b"\0" * (-length % 4)


def write_unsigned32(code: int, value: int, *, mandatory: bool = True) -> bytes:
    """One Unsigned32 or Enumerated AVP."""
    return write(code, struct.pack(">I", value), mandatory=mandatory)


def write_text(code: int, text: str, *, mandatory: bool = True) -> bytes:
    """One UTF8String or DiameterIdentity AVP."""
    return write(code, text.encode(), mandatory=mandatory)


def write_address(code: int, address: str) -> bytes:
    """One Address AVP: family (1 IPv4, 2 IPv6) and octets (RFC 6733 §4.3.1)."""
    if ":" in address:
        return write(code, b"\0\2" + _ipv6_octets(address))
    return write(code, b"\0\1" + bytes(int(part) for part in address.split(".")))


def _ipv6_octets(address: str) -> bytes:
    from ipaddress import IPv6Address

    return IPv6Address(address.partition("%")[0]).packed


def read_unsigned32(avp: Avp) -> int:
    """The value of an Unsigned32 or Enumerated AVP; PeerError 5014 where it has not four octets."""
    if len(avp.data) != 4:
        raise PeerError(INVALID_AVP_LENGTH, f"AVP {avp.code} has {len(avp.data)} octets, not 4", avp.octets)
    return int(struct.unpack(">I", avp.data)[0])


def read_text(avp: Avp) -> str:
    """The text of a UTF8String or DiameterIdentity AVP; PeerError 5004 where it is not UTF-8."""
    try:
        return avp.data.decode()
    except UnicodeDecodeError:
        raise PeerError(5004, f"AVP {avp.code} is not UTF-8", avp.octets) from None
