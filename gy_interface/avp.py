"""AVPs of the messages that aren't hot, walked, read and written in plain Python; bounds before anything else.

CCRs and CCAs go through the kernels of ccr.py and cca.py; this serves capabilities exchange, watchdog, disconnect and
error answers, a few a minute. Values have the type that the dictionary says; an AVP that isn't recognised is octets.
"""

import struct
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, NamedTuple, TypeAlias, Union

from gy_interface.dictionary import AVPS, LEAST_OCTETS, AvpType, least_octets_of, name_of
from gy_interface.errors import LocalError, PeerError
from vocabulary.instants import from_diameter_time, to_diameter_time
from vocabulary.limits import DIAMETER_NESTING_MAX

FLAG_VENDOR: Final = 0x80
FLAG_MANDATORY: Final = 0x40
INVALID_AVP_VALUE: Final = 5004
INVALID_AVP_LENGTH: Final = 5014

FAMILY_IPV4: Final = 1
FAMILY_IPV6: Final = 2
_HEADER_OCTETS: Final = 8
_VENDOR_HEADER_OCTETS: Final = 12
_LENGTH_MAX: Final = 0xFFFFFF
_NUMBERS: Final = {
    AvpType.ENUMERATED: ">i",
    AvpType.FLOAT32: ">f",
    AvpType.FLOAT64: ">d",
    AvpType.INTEGER32: ">i",
    AvpType.INTEGER64: ">q",
    AvpType.UNSIGNED32: ">I",
    AvpType.UNSIGNED64: ">Q",
}
_TEXTS: Final = {
    AvpType.DIAMETER_IDENTITY: "ascii",
    AvpType.DIAMETER_URI: "ascii",
    AvpType.IP_FILTER_RULE: "ascii",
    AvpType.QOS_FILTER_RULE: "ascii",
    AvpType.UTF8_STRING: "utf-8",
}


class Avp(NamedTuple):
    """One AVP as found: `octets` is all of it without padding, `data` what follows its header."""

    code: int
    vendor: int
    flags: int
    data: bytes
    octets: bytes

    @property
    def key(self) -> int:
        """vendor << 32 | code."""
        return self.vendor << 32 | self.code

    @property
    def is_mandatory(self) -> bool:
        """The M bit."""
        return bool(self.flags & FLAG_MANDATORY)


class Address(NamedTuple):
    """An Address: its family (IANA address family numbers) and the octets behind it (RFC 6733 §4.3.1)."""

    family: int
    octets: bytes

    def __str__(self) -> str:
        if self.family == FAMILY_IPV4:
            return str(IPv4Address(self.octets))
        if self.family == FAMILY_IPV6:
            return str(IPv6Address(self.octets))
        return f"family {self.family}: {self.octets.hex()}"


class Member(NamedTuple):
    """An AVP of a group with its value."""

    avp: Avp
    value: "Value"


Value: TypeAlias = Union[int, float, str, bytes, Address, tuple[Member, ...]]  # noqa: UP007  (it is recursive)
"""int: numbers, and Time as ns since the Unix epoch; str: texts; Members: Grouped; bytes: OctetString, unrecognised."""


# --- walk -------------------------------------------------------------------------------------------------------------
def walk(octets: bytes, start: int = 0) -> Iterator[Avp]:
    """The AVPs of octets[start:], one after the other. PeerError 5014 where a length can't be true, when it is reached."""
    at, end = start, len(octets)
    while at < end:
        if end - at < _HEADER_OCTETS:
            raise _bad_length(octets[at:end])
        code, word = struct.unpack_from(">II", octets, at)
        flags, length = word >> 24, word & 0xFFFFFF
        header = _VENDOR_HEADER_OCTETS if flags & FLAG_VENDOR else _HEADER_OCTETS
        if length < header or length > end - at:
            raise _bad_length(octets[at : min(at + header, end)])
        vendor = struct.unpack_from(">I", octets, at + 8)[0] if flags & FLAG_VENDOR else 0
        yield Avp(code, vendor, flags, octets[at + header : at + length], octets[at : at + length])
        at += (length + 3) & ~3


def _bad_length(octets: bytes) -> PeerError:
    """5014 with the header that `octets` begin, its length mended, and zeroes for the data (RFC 6733 §7.1.5)."""
    cut_off = len(octets) < _HEADER_OCTETS
    header = octets.ljust(_HEADER_OCTETS, b"\0")
    code, word = struct.unpack_from(">II", header)
    flags, length = word >> 24, word & 0xFFFFFF
    vendor = 0
    if flags & FLAG_VENDOR:
        header = header.ljust(_VENDOR_HEADER_OCTETS, b"\0")
        vendor = struct.unpack_from(">I", header, 8)[0]
    key = vendor << 32 | code
    data = b"\0" * least_octets_of(key)
    failed = struct.pack(">II", code, flags << 24 | len(header) + len(data)) + header[8:] + data
    what = f"the last {len(octets)} octets are no AVP" if cut_off else f"{name_of(key)} has the length {length}"
    return PeerError(INVALID_AVP_LENGTH, what, failed)


# --- read -------------------------------------------------------------------------------------------------------------
def read_value(avp: Avp, nesting: int = 1) -> Value:
    """The AVP's value in the type that the dictionary says; octets where it isn't recognised.

    nesting   groups around the AVP, itself included if it is one; at most DIAMETER_NESTING_MAX
    PeerError 5014 where the data has not the length of its type, 5004 where it isn't of that type; both name the AVP.
    """
    row = AVPS.get(avp.key)
    if row is None or row.type is AvpType.OCTET_STRING:
        return avp.data
    if row.type is AvpType.GROUPED:
        return _read_members(avp, nesting)
    if row.type is AvpType.ADDRESS:
        return _read_address(avp)
    if row.type in _TEXTS:
        return _read_text(avp, _TEXTS[row.type])
    least = LEAST_OCTETS[row.type]
    if len(avp.data) != least:
        raise PeerError(INVALID_AVP_LENGTH, f"{row.name} has {len(avp.data)} octets, not {least}", avp.octets)
    if row.type is AvpType.TIME:
        return from_diameter_time(struct.unpack(">I", avp.data)[0])
    number: int | float = struct.unpack(_NUMBERS[row.type], avp.data)[0]
    return number


def _read_members(avp: Avp, nesting: int) -> tuple[Member, ...]:
    if nesting > DIAMETER_NESTING_MAX:
        raise PeerError(
            INVALID_AVP_VALUE, f"{name_of(avp.key)} is in more than {DIAMETER_NESTING_MAX} groups", avp.octets
        )
    return tuple(Member(inner, read_value(inner, nesting + 1)) for inner in walk(avp.data))


def _read_address(avp: Avp) -> Address:
    if len(avp.data) < 2:
        raise PeerError(INVALID_AVP_LENGTH, f"{name_of(avp.key)} has no address family", avp.octets)
    address = Address(int.from_bytes(avp.data[:2], "big"), avp.data[2:])
    expected = {FAMILY_IPV4: 4, FAMILY_IPV6: 16}.get(address.family)
    if expected not in (None, len(address.octets)):
        what = f"{name_of(avp.key)} of family {address.family} has {len(address.octets)} octets, not {expected}"
        raise PeerError(INVALID_AVP_LENGTH, what, avp.octets)
    return address


def _read_text(avp: Avp, encoding: str) -> str:
    try:
        return avp.data.decode(encoding)
    except UnicodeDecodeError:
        raise PeerError(INVALID_AVP_VALUE, f"{name_of(avp.key)} is no {encoding} text", avp.octets) from None


# --- write ------------------------------------------------------------------------------------------------------------
def write(code: int, data: bytes, *, vendor: int = 0, mandatory: bool = True) -> bytes:
    """One AVP with its padding. LocalError where it would be longer than 24 bits can say."""
    flags = (FLAG_VENDOR if vendor else 0) | (FLAG_MANDATORY if mandatory else 0)
    header = _VENDOR_HEADER_OCTETS if vendor else _HEADER_OCTETS
    length = header + len(data)
    if length > _LENGTH_MAX:
        raise LocalError(f"{name_of(vendor << 32 | code)} of {len(data)} octets is too long for an AVP")
    head = struct.pack(">II", code, flags << 24 | length) + (struct.pack(">I", vendor) if vendor else b"")
    return head + data + b"\0" * (-length % 4)


def write_value(key: int, value: int | float | str | bytes | Address) -> bytes:
    """The AVP `key` (vendor << 32 | code) with its padding, flags and data as the dictionary says.

    value   numbers for numbers; ns since the Unix epoch for Time; text for texts; text or Address for Address; octets
            for OctetString, and for Grouped those of its AVPs. LocalError where the AVP can't hold it.
    """
    row = AVPS.get(key)
    if row is None:
        raise LocalError(f"{name_of(key)} isn't in the dictionary: add its row")
    try:
        data = _data_of(row.type, value)
    except (struct.error, ValueError, TypeError, OverflowError, AttributeError) as error:
        raise LocalError(f"{row.name} is {row.type.value} and can't hold {value!r}: {error}") from None
    return write(row.code, data, vendor=row.vendor, mandatory=row.is_mandatory)


def _data_of(kind: AvpType, value: int | float | str | bytes | Address) -> bytes:
    if kind in _NUMBERS:
        return struct.pack(_NUMBERS[kind], value)
    if kind in _TEXTS:
        if not isinstance(value, str):
            raise TypeError("it takes text")
        return value.encode(_TEXTS[kind])
    if kind is AvpType.TIME:
        if not isinstance(value, int):
            raise TypeError("it takes ns since the Unix epoch")
        return struct.pack(">I", to_diameter_time(value))
    if kind is AvpType.ADDRESS:
        address = value if isinstance(value, Address) else address_of(str(value))
        return struct.pack(">H", address.family) + address.octets
    if not isinstance(value, bytes):
        raise TypeError("it takes octets")
    return value


def address_of(text: str) -> Address:
    """The Address of an IPv4 or IPv6 address in text; an IPv4 one that is mapped into IPv6 is IPv4. ValueError."""
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        if mapped is None:
            return Address(FAMILY_IPV6, address.packed)
        address = mapped
    return Address(FAMILY_IPV4, address.packed)


def write_text(code: int, text: str, *, mandatory: bool = True) -> bytes:
    """One UTF8String or DiameterIdentity AVP of vendor 0."""
    return write(code, text.encode(), mandatory=mandatory)


def write_example(key: int) -> bytes:
    """The AVP `key` with the shortest data of its type, all zeroes, for a Failed-AVP (RFC 6733 §7.1.5); no padding."""
    row = AVPS.get(key)
    data = b"\0" * least_octets_of(key)
    octets = write(key & 0xFFFFFFFF, data, vendor=key >> 32, mandatory=row is None or row.is_mandatory)
    return octets[: (_VENDOR_HEADER_OCTETS if key >> 32 else _HEADER_OCTETS) + len(data)]
