"""Diameter messages octet for octet, for tests: knows the layout of RFC 6733 §3 and §4.1 and nothing of our codec."""

import struct

VENDOR_3GPP = 10415
MANDATORY = 0x40
VENDOR = 0x80
REQUEST_PROXIABLE = 0xC0


def avp(code: int, data: bytes, vendor: int = 0, flags: int | None = None) -> bytes:
    """One AVP with its padding; M by default, V with a vendor."""
    if flags is None:
        flags = MANDATORY | (VENDOR if vendor else 0)
    head = struct.pack(">I", vendor) if flags & VENDOR else b""
    size = 8 + len(head) + len(data)
    return struct.pack(">II", code, flags << 24 | size) + head + data + bytes(-size % 4)


def u32(code: int, value: int, vendor: int = 0, flags: int | None = None) -> bytes:
    """Unsigned32, Enumerated or Time."""
    return avp(code, struct.pack(">I", value & 0xFFFFFFFF), vendor, flags)


def u64(code: int, value: int, vendor: int = 0, flags: int | None = None) -> bytes:
    """Unsigned64."""
    return avp(code, struct.pack(">Q", value & 0xFFFFFFFFFFFFFFFF), vendor, flags)


def text(code: int, value: str, vendor: int = 0, flags: int | None = None) -> bytes:
    """UTF8String or DiameterIdentity."""
    return avp(code, value.encode(), vendor, flags)


def group(code: int, *avps: bytes, vendor: int = 0, flags: int | None = None) -> bytes:
    """Grouped."""
    return avp(code, b"".join(avps), vendor, flags)


def message(
    *avps: bytes,
    flags: int = REQUEST_PROXIABLE,
    command: int = 272,
    application: int = 4,
    hop_by_hop: int = 0x11111111,
    end_to_end: int = 0x22222222,
    length: int | None = None,
) -> bytes:
    """A message; `length` says another length than the true one."""
    body = b"".join(avps)
    size = 20 + len(body) if length is None else length
    return struct.pack(">IIIII", 1 << 24 | size, flags << 24 | command, application, hop_by_hop, end_to_end) + body


def split(octets: bytes) -> list[bytes]:
    """Whole messages of a stream."""
    messages = []
    while octets:
        size = int.from_bytes(octets[1:4], "big")
        messages.append(octets[:size])
        octets = octets[size:]
    return messages


def avps_of(octets: bytes) -> list[tuple[int, int, int, bytes]]:
    """(code, vendor, flags, data) of each AVP of a group's data, or of a message without its header."""
    found = []
    while octets:
        code, word = struct.unpack_from(">II", octets)
        flags, size = word >> 24, word & 0xFFFFFF
        vendor, header = (struct.unpack_from(">I", octets, 8)[0], 12) if flags & VENDOR else (0, 8)
        assert header <= size <= len(octets), "an AVP runs past its group"
        assert not any(octets[size : size + (-size % 4)]), "padding is zero"
        found.append((code, vendor, flags, octets[header:size]))
        octets = octets[size + (-size % 4) :]
    return found


# --- parts of a CCR ---------------------------------------------------------------------------------------------------
SESSION_ID = "pgw1.example.net;1795032759;17"


def subscription(kind: int, value: str) -> bytes:
    """Subscription-Id."""
    return group(443, u32(450, kind), text(444, value))


def essentials(
    request_type: int = 1, number: int = 0, session_id: str = SESSION_ID, context: str = "32251@3gpp.org"
) -> list[bytes]:
    """What every CCR must have, in the order of RFC 8506 §3.1."""
    return [
        text(263, session_id),
        text(264, "pgw1.example.net"),
        text(296, "example.net"),
        text(283, "farebox.example"),
        u32(258, 4),
        text(461, context),
        u32(416, request_type),
        u32(415, number),
    ]


def ccr(*more: bytes, request_type: int = 1, number: int = 0, session_id: str = SESSION_ID) -> bytes:
    """A good CCR with more AVPs behind what it must have."""
    return message(*essentials(request_type, number, session_id), *more)


def ps_information() -> bytes:
    """Service-Information of a packet core, about 300 octets."""
    v = VENDOR_3GPP
    return group(
        873,
        group(
            874,
            avp(2, b"\x0a\x0b\x0c\x0d", v),
            u32(3, 0, v),
            avp(1227, b"\x00\x01\x0a\x2d\x00\x07", v),
            avp(1228, b"\x00\x01\x0a\x0a\x01\x02", v),
            avp(847, b"\x00\x01\x0a\x0a\x04\x05", v),
            u32(2047, 2, v),
            text(8, "00101", v),
            text(9, "00101", v),
            text(10, "5", v),
            text(30, "internet"),
            text(12, "0", v),
            text(13, "0800", v),
            text(18, "00101", v),
            avp(23, b"\x29\x00", v),
            avp(21, b"\x06", v),
            avp(22, b"\x82\x00\xf1\x10\x00\x00\x01\x00\xf1\x10\x00\x00\x0a\x01", v),
            vendor=v,
        ),
        vendor=v,
    )


def update_of_700_octets(number: int, session_id: str = SESSION_ID) -> bytes:
    """A CCR-U as a packet core sends them all day: one MSCC with report and request."""
    return message(
        *essentials(2, number, session_id),
        u32(55, 0xEAEBECED),
        subscription(0, "491700000001"),
        subscription(1, "001010123456789"),
        u32(455, 1),
        group(458, u32(459, 0), text(460, "3505123456789012")),
        group(
            456, group(437, u64(421, 1_000_000)), group(446, u64(421, 700_000)), u32(432, 10), u32(872, 3, VENDOR_3GPP)
        ),
        ps_information(),
    )
