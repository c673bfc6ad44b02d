"""A small AVP writer that notes where it put things: messages are written once, kernels patch the noted places.

Not the product's codec on purpose: a fault of that codec must not hide behind the same fault here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

VENDOR_3GPP: Final = 10415
COMMAND_CREDIT_CONTROL: Final = 272
APPLICATION_CREDIT_CONTROL: Final = 4
FLAG_REQUEST: Final = 0x80
FLAG_PROXIABLE: Final = 0x40
FLAG_ERROR: Final = 0x20
FLAG_RETRANSMITTED: Final = 0x10
HEADER_OCTETS: Final = 20


@dataclass(frozen=True, slots=True)
class Avp:
    """One AVP to write: octets, or AVPs inside it. `mark` names the place of its data for kernels."""

    code: int
    data: "bytes | Sequence[Avp]"
    vendor: int = 0
    is_mandatory: bool = True
    mark: str = ""


def unsigned32(code: int, value: int, *, vendor: int = 0, mark: str = "") -> Avp:
    """Unsigned32, Enumerated or Time."""
    return Avp(code, value.to_bytes(4, "big"), vendor, mark=mark)


def unsigned64(code: int, value: int, *, mark: str = "") -> Avp:
    """Unsigned64 such as CC-Total-Octets."""
    return Avp(code, value.to_bytes(8, "big"), mark=mark)


def text(code: int, value: str, *, vendor: int = 0, is_mandatory: bool = True, mark: str = "") -> Avp:
    """UTF8String, DiameterIdentity or an OctetString of readable octets."""
    return Avp(code, value.encode(), vendor, is_mandatory, mark)


def ipv4(code: int, address: Sequence[int], *, vendor: int = 0, mark: str = "") -> Avp:
    """Address of family 1 (RFC 6733 §4.3.1); the mark is where the family stands, the address two octets behind."""
    return Avp(code, b"\x00\x01" + bytes(address), vendor, mark=mark)


def _write(avps: Sequence[Avp], out: bytearray, marks: dict[str, int]) -> None:
    for avp in avps:
        start = len(out)
        flags = (0x80 if avp.vendor else 0) | (0x40 if avp.is_mandatory else 0)
        out += avp.code.to_bytes(4, "big") + bytes((flags, 0, 0, 0))
        if avp.vendor:
            out += avp.vendor.to_bytes(4, "big")
        if avp.mark:
            marks[avp.mark] = len(out)
        if isinstance(avp.data, bytes):
            out += avp.data
        else:
            _write(avp.data, out, marks)
        length = len(out) - start
        out[start + 5 : start + 8] = length.to_bytes(3, "big")
        out += bytes(-length % 4)


def write_message(
    command: int,
    flags: int,
    avps: Sequence[Avp],
    *,
    application: int,
    hop_by_hop: int = 0,
    end_to_end: int = 0,
) -> tuple[bytes, dict[str, int]]:
    """The message and, by mark, the offset of each marked AVP's data in it."""
    out = bytearray(HEADER_OCTETS)
    marks: dict[str, int] = {}
    _write(avps, out, marks)
    out[0] = 1
    out[1:4] = len(out).to_bytes(3, "big")
    out[4] = flags
    out[5:8] = command.to_bytes(3, "big")
    out[8:12] = application.to_bytes(4, "big")
    out[12:16] = hop_by_hop.to_bytes(4, "big")
    out[16:20] = end_to_end.to_bytes(4, "big")
    return bytes(out), marks


def read_avps(message: bytes) -> dict[int, bytes]:
    """Data of the top-level AVPs of a base message by code; of several with one code the first."""
    found: dict[int, bytes] = {}
    at = HEADER_OCTETS
    while at + 8 <= len(message):
        code = int.from_bytes(message[at : at + 4], "big")
        length = int.from_bytes(message[at + 5 : at + 8], "big")
        data = at + (12 if message[at + 4] & 0x80 else 8)
        if length < data - at or at + length > len(message):
            raise ValueError(f"AVP {code} at octet {at} has length {length}, beyond its message of {len(message)}")
        found.setdefault(code, message[data : at + length])
        at += (length + 3) & ~3
    return found
