"""The header of an AVP in a receive buffer, checked against what is left of the group or message around it."""

from gy_interface.avp import FLAG_VENDOR
from gy_interface.octets import load32
from vocabulary.kernel import kernel

_HEADER_OCTETS = 8
_VENDOR_HEADER_OCTETS = 12
BAD_SIZE = -1


@kernel
def read_avp_header(octets, at, end):
    """(key, header, size) of the AVP at `at` of a group that ends at `end` (RFC 6733 §4.1).

    key      vendor << 32 | code
    header   8, or 12 with a Vendor-Id
    size     octets of header and payload, without padding; BAD_SIZE where it can't be true
    """
    room = end - at
    if room < _HEADER_OCTETS:
        return 0, _HEADER_OCTETS, BAD_SIZE
    key = load32(octets, at)
    word = load32(octets, at + 4)
    size = word & 0xFFFFFF
    header = _HEADER_OCTETS
    if (word >> 24) & FLAG_VENDOR:
        header = _VENDOR_HEADER_OCTETS
        if room < header:
            return 0, header, BAD_SIZE
        key |= load32(octets, at + 8) << 32
    if size < header or size > room:
        return key, header, BAD_SIZE
    return key, header, size
