"""AVPs into an answer: a writer takes the place where to write and returns the place after; the caller made room."""

from gy_interface.avp import FLAG_MANDATORY, FLAG_VENDOR
from gy_interface.avp_codes import FAILED_AVP, PROXY_INFO
from gy_interface.avp_header import BAD_SIZE, read_avp_header
from gy_interface.octets import store32, store64
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.octets import copy_octets

_MANDATORY = FLAG_MANDATORY << 24
_VENDOR = FLAG_VENDOR << 24
_MESSAGE_HEADER_OCTETS = 20


@inlined_kernel
def put_header(out, at, code, size):
    """Header of an IETF AVP with the M bit; `size` with the header, without padding."""
    store32(out, at, code)
    return store32(out, at + 4, _MANDATORY | size)


@inlined_kernel
def put_unsigned32(out, at, code, value):
    """An AVP of four octets."""
    return store32(out, put_header(out, at, code, 12), value)


@inlined_kernel
def put_vendor_unsigned32(out, at, key, value):
    """An AVP of four octets of a vendor; `key` is vendor << 32 | code."""
    store32(out, at, key & 0xFFFFFFFF)
    store32(out, at + 4, _VENDOR | _MANDATORY | 16)
    return store32(out, store32(out, at + 8, key >> 32), value)


@inlined_kernel
def put_unsigned64(out, at, code, value):
    """An AVP of eight octets."""
    return store64(out, put_header(out, at, code, 16), value)


@inlined_kernel
def put_padding(out, at, length):
    """Zero octets up to the next multiple of 4 after `length` octets."""
    for index in range(-length & 3):
        out[at + index] = 0
    return at + (-length & 3)


@inlined_kernel
def put_text(out, at, code, octets, start, length):
    """An AVP that holds octets[start:start + length]."""
    at = put_header(out, at, code, 8 + length)
    return put_padding(out, copy_octets(octets, start, out, at, length), length)


@kernel
def put_failed(out, at, octets, start, size):
    """Failed-AVP with the AVP of `size` octets at `start`, as received."""
    at = put_header(out, at, FAILED_AVP, 8 + ((size + 3) & ~3))
    return put_padding(out, copy_octets(octets, start, out, at, size), size)


@kernel
def put_failed_example(out, at, code, vendor, examples):
    """Failed-AVP with an AVP of that code and vendor and the least zero value of its type (RFC 6733 §7.1.5).

    examples   int64[k, 2]: (vendor << 32 | code, least octets of its payload), sorted; 0 octets for all others
    """
    key = (vendor << 32) | code
    low, high = 0, examples.shape[0]
    while low < high:
        middle = (low + high) >> 1
        if examples[middle, 0] < key:
            low = middle + 1
        else:
            high = middle
    payload = 0
    if low < examples.shape[0] and examples[low, 0] == key:
        payload = examples[low, 1]
    size = (12 if vendor != 0 else 8) + payload
    at = put_header(out, at, FAILED_AVP, 8 + ((size + 3) & ~3))
    at = put_header(out, at, code, size)
    if vendor != 0:
        store32(out, at - 4, _VENDOR | _MANDATORY | size)
        at = store32(out, at, vendor)
    for index in range((payload + 3) & ~3):
        out[at + index] = 0
    return at + ((payload + 3) & ~3)


@kernel
def put_proxy_infos(out, at, octets, start, length):
    """Every Proxy-Info of the message octets[start:start + length], in its order (RFC 6733 §6.2)."""
    place, end = start + _MESSAGE_HEADER_OCTETS, start + length
    while place < end:
        key, _, size = read_avp_header(octets, place, end)
        if size == BAD_SIZE:
            break
        if key == PROXY_INFO:
            at = put_padding(out, copy_octets(octets, place, out, at, size), size)
        place += (size + 3) & ~3
    return at


@kernel
def find_avp(octets, start, length, key):
    """(place, size) of the first AVP `key` of the message octets[start:start + length]; size 0 where it has none."""
    place, end = start + _MESSAGE_HEADER_OCTETS, start + length
    while place < end:
        found, _, size = read_avp_header(octets, place, end)
        if size == BAD_SIZE:
            break
        if found == key:
            return place, size
        place += (size + 3) & ~3
    return place, 0
