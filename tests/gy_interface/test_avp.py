"""The plain AVP codec: values of every type there and back, refusals, and the same answer as the kernels' reader."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gy_interface.avp import (
    FAMILY_IPV4,
    FAMILY_IPV6,
    FLAG_MANDATORY,
    FLAG_VENDOR,
    Address,
    Avp,
    Member,
    address_of,
    read_value,
    walk,
    write,
    write_example,
    write_value,
)
from gy_interface.avp_header import BAD_SIZE, read_avp_header
from gy_interface.dictionary import AVPS, AvpType, least_octets_of, name_of
from gy_interface.errors import LocalError, PeerError
from tests.gy_interface.diameter_octets import avp, group, text, u32, u64
from vocabulary.instants import NS_PER_S, from_rfc3339
from vocabulary.limits import DIAMETER_NESTING_MAX

VENDOR_3GPP = 10415
BY_TYPE = {kind: next((row.key for row in AVPS.values() if row.type is kind), None) for kind in AvpType}
INT32, INT64 = st.integers(-(2**31), 2**31 - 1), st.integers(-(2**63), 2**63 - 1)
ASCII = st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=40)
ADDRESSES = st.one_of(
    st.ip_addresses(v=4).map(lambda value: Address(FAMILY_IPV4, value.packed)),
    st.ip_addresses(v=6).map(lambda value: Address(FAMILY_IPV6, value.packed)),
    st.builds(Address, st.integers(3, 65535), st.binary(max_size=20)),
)
VALUES = {
    AvpType.ADDRESS: ADDRESSES,
    AvpType.DIAMETER_IDENTITY: ASCII,
    AvpType.DIAMETER_URI: ASCII,
    AvpType.IP_FILTER_RULE: ASCII,
    AvpType.QOS_FILTER_RULE: ASCII,
    AvpType.UTF8_STRING: st.text(max_size=40),
    AvpType.OCTET_STRING: st.binary(max_size=40),
    AvpType.ENUMERATED: INT32,
    AvpType.INTEGER32: INT32,
    AvpType.INTEGER64: INT64,
    AvpType.UNSIGNED32: st.integers(0, 2**32 - 1),
    AvpType.UNSIGNED64: st.integers(0, 2**64 - 1),
    AvpType.FLOAT32: st.floats(width=32, allow_nan=False),
    AvpType.FLOAT64: st.floats(allow_nan=False),
    AvpType.TIME: st.integers(from_rfc3339("1970-01-01T00:00:00Z") // NS_PER_S, 4_200_000_000).map(
        lambda second: second * NS_PER_S
    ),
}
PRESENT = sorted(
    (kind for kind, key in BY_TYPE.items() if key is not None and kind in VALUES), key=lambda kind: kind.name
)


def only(octets: bytes) -> Avp:
    (found,) = walk(octets)
    return found


@pytest.mark.parametrize("kind", PRESENT, ids=lambda kind: kind.name)
def test_value_there_and_back(kind: AvpType) -> None:
    key = BY_TYPE[kind]
    assert key is not None

    @given(VALUES[kind])
    def check(value: int | float | str | bytes | Address) -> None:
        octets = write_value(key, value)
        assert len(octets) % 4 == 0
        found = only(octets)
        assert (found.key, found.is_mandatory) == (key, AVPS[key].is_mandatory)
        assert bool(found.flags & FLAG_VENDOR) == bool(key >> 32)
        assert read_value(found) == value

    check()


def test_types_that_the_dictionary_uses_are_all_tried() -> None:
    assert set(PRESENT) >= {row.type for row in AVPS.values() if row.is_handled} - {AvpType.GROUPED}


def test_written_octet_for_octet() -> None:
    assert write_value(268, 2001) == u32(268, 2001)
    assert write_value(269, "Farebox") == text(269, "Farebox", flags=0)
    assert write_value(VENDOR_3GPP << 32 | 872, 3) == u32(872, 3, VENDOR_3GPP)
    assert write_value(421, 2**64 - 1) == u64(421, 2**64 - 1)
    assert write_value(257, "192.0.2.1") == avp(257, b"\x00\x01\xc0\x00\x02\x01")
    assert write_value(257, "::ffff:192.0.2.1") == avp(257, b"\x00\x01\xc0\x00\x02\x01")
    assert write_value(257, "2001:db8::1") == avp(257, b"\x00\x02" + bytes.fromhex("20010db8000000000000000000000001"))
    assert write_value(55, from_rfc3339("2036-02-07T06:28:16Z")) == u32(55, 0), "the first second after the wrap"
    assert write_value(55, from_rfc3339("2036-02-07T06:28:15Z")) == u32(55, 2**32 - 1)
    assert write(4711, b"abcde", vendor=9, mandatory=False) == avp(4711, b"abcde", 9, flags=FLAG_VENDOR)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        (268, 2**32, "Result-Code is Unsigned32"),
        (268, -1, "Result-Code is Unsigned32"),
        (268, "2001", "Result-Code is Unsigned32"),
        (264, "h\u00f6st", "Origin-Host is DiameterIdentity"),
        (264, b"host", "takes text"),
        (257, "300.1.1.1", "Host-IP-Address is Address"),
        (55, "now", "takes ns"),
        (456, 3, "takes octets"),
        (9999, b"", "isn't in the dictionary: add its row"),
        (25, bytes(1 << 24), "too long"),
    ],
)
def test_what_an_avp_cannot_hold_is_our_fault(key: int, value: int | str | bytes, says: str) -> None:
    with pytest.raises(LocalError, match=says):
        write_value(key, value)


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (avp(268, b"\0\0\7"), 5014),
        (avp(268, bytes(8)), 5014),
        (avp(421, bytes(4)), 5014),
        (avp(55, b""), 5014),
        (avp(257, b"\0"), 5014),
        (avp(257, b"\0\1abc"), 5014),
        (avp(257, b"\0\2abcd"), 5014),
        (avp(264, b"\xff"), 5004),
        (avp(263, b"\xc3"), 5004),
        (group(456, avp(432, b"\1")), 5014),
    ],
)
def test_what_a_peer_writes_wrongly_is_named(octets: bytes, code: int) -> None:
    found = only(octets)
    with pytest.raises(PeerError) as refused:
        read_value(found)
    assert refused.value.result_code == code
    assert refused.value.failed_avp in octets
    assert refused.value.failed_avp


def test_unknown_and_empty_values_are_octets() -> None:
    assert read_value(only(avp(9999, b"abc"))) == b"abc"
    assert read_value(only(avp(263, b""))) == ""
    assert str(read_value(only(avp(257, b"\0\x08+49")))) == "family 8: 2b3439"
    assert str(read_value(only(avp(257, b"\0\1\x7f\0\0\1")))) == "127.0.0.1"
    assert str(address_of("2001:DB8::1")) == "2001:db8::1"


def test_groups_are_read_with_their_members() -> None:
    value = read_value(only(group(456, group(437, u64(421, 7)), u32(432, 10))))
    assert isinstance(value, tuple)
    requested, rating_group = value
    assert (rating_group.avp.code, rating_group.value) == (432, 10)
    assert isinstance(requested.value, tuple)
    assert [(member.avp.code, member.value) for member in requested.value] == [(421, 7)]
    assert isinstance(requested, Member)


def test_nesting_has_a_limit() -> None:
    def nested(depth: int) -> bytes:
        octets = u32(432, 1)
        for _ in range(depth):
            octets = group(456, octets)
        return octets

    read_value(only(nested(DIAMETER_NESTING_MAX)))
    with pytest.raises(PeerError, match=f"more than {DIAMETER_NESTING_MAX} groups") as refused:
        read_value(only(nested(DIAMETER_NESTING_MAX + 1)))
    assert refused.value.result_code == 5004


@pytest.mark.parametrize(
    ("octets", "failed"),
    [
        (b"\x00\x00\x01\x08", avp(264, b"", flags=0)),
        (b"\x00\x00\x01\x08\x40\x00\x00\x07", avp(264, b"")),
        (b"\x00\x00\x01\x0c\x40\x00\x00\xff", u32(268, 0)),
        (b"\x00\x00\x03\x68\xc0\x00\x00\x0b\x00\x00\x28\xaf", u32(872, 0, VENDOR_3GPP)),
        (b"\x00\x00\x03\x68\xc0\x00\x00\x10", avp(872, b"", 0, flags=0xC0)),
        (b"\x00\x00\x01\xa5\x40\x00\x00\x20" + bytes(8), u64(421, 0)),
    ],
)
def test_length_that_cannot_be_true_gives_an_avp_that_is(octets: bytes, failed: bytes) -> None:
    with pytest.raises(PeerError) as refused:
        list(walk(u32(268, 2001) + octets, 0))
    assert (refused.value.result_code, refused.value.failed_avp) == (5014, failed)
    assert [found.octets for found in walk(failed)] == [failed], "what is sent back can be read"


def test_example_has_the_least_of_its_type() -> None:
    for key, row in AVPS.items():
        example = write_example(key)
        found = only(example + bytes(-len(example) % 4))
        assert (found.key, found.data, found.is_mandatory) == (key, bytes(least_octets_of(key)), row.is_mandatory)
    assert write_example(9 << 32 | 9999) == avp(9999, b"", 9)


# --- against the kernels ----------------------------------------------------------------------------------------------
def kernel_walk(octets: bytes) -> tuple[list[tuple[int, int, int]], int]:
    """[(key, header, size)] as the kernels' reader finds them, and where it stopped; -1 at the end."""
    padded = np.frombuffer(octets + b"\xa5" * 16, np.uint8).copy()
    at, end, found = 0, len(octets), []
    while at < end:
        key, header, size = read_avp_header(padded, at, end)
        if size == BAD_SIZE:
            return found, at
        found.append(
            (int(key) & (1 << 64) - 1, int(header), int(size))
        )  # a vendor from 2**31 on makes the int64 negative
        at += (int(size) + 3) & ~3
    return found, -1


def plain_walk(octets: bytes) -> tuple[list[tuple[int, int, int]], int]:
    """The same by the plain codec."""
    found: list[tuple[int, int, int]] = []
    at = 0
    try:
        for one in walk(octets):
            found.append((one.key, len(one.octets) - len(one.data), len(one.octets)))
            at += (len(one.octets) + 3) & ~3
    except PeerError:
        return found, at
    return found, -1


PIECES = st.lists(
    st.one_of(
        st.builds(
            avp, st.integers(0, 2**32 - 1), st.binary(max_size=20), st.integers(0, 2**32 - 1), st.integers(0, 255)
        ),
        st.sampled_from([u32(268, 1), group(456, u32(432, 1)), avp(9, b"xyz", VENDOR_3GPP)]),
    ),
    max_size=6,
)


@given(PIECES, st.binary(max_size=15), st.integers(0, 200), st.integers(0, 255))
def test_kernels_and_plain_codec_find_the_same_avps(pieces: list[bytes], tail: bytes, place: int, value: int) -> None:
    octets = bytearray(b"".join(pieces) + tail)
    if place < len(octets):
        octets[place] = value
    assert kernel_walk(bytes(octets)) == plain_walk(bytes(octets))


@given(st.binary(max_size=80))
def test_any_octets_are_walked_alike(octets: bytes) -> None:
    assert kernel_walk(octets) == plain_walk(octets)


def test_flags_are_those_of_the_header() -> None:
    (found,) = walk(struct.pack(">III", 5, (FLAG_VENDOR | FLAG_MANDATORY) << 24 | 12, 77))
    assert (found.vendor, found.is_mandatory, found.data, name_of(found.key)) == (77, True, b"", "AVP 5 of vendor 77")
