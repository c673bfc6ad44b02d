"""Messages of a stream: what is whole, what isn't yet, and what never will be, alike in plain Python and in the kernel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gy_interface.ccr import NEEDS_OCTETS, NOT_FRAMED
from gy_interface.errors import PeerError
from gy_interface.framing import (
    HEADER_OCTETS,
    Header,
    check_framing,
    check_request_bits,
    next_message,
    read_header,
    write_message,
)
from tests.gy_interface.codec import Codec
from tests.gy_interface.diameter_octets import ccr, message, u32
from vocabulary.limits import DIAMETER_MESSAGE_OCTETS_MAX


def test_header_there_and_back() -> None:
    octets = message(u32(268, 1), flags=0x91, command=0xABCDEF, application=2**32 - 1, hop_by_hop=7, end_to_end=2**31)
    header = read_header(octets)
    assert header == Header(32, 0x91, 0xABCDEF, 2**32 - 1, 7, 2**31)
    assert header.is_request
    assert write_message(header._replace(length=0), octets[HEADER_OCTETS:]) == octets


def test_reserved_bits_are_ignored_and_the_error_bit_is_not() -> None:
    check_request_bits(read_header(message(flags=0x8F)))
    with pytest.raises(PeerError) as refused:
        check_request_bits(read_header(message(flags=0xA0)))
    assert refused.value.result_code == 3008


@pytest.mark.parametrize(
    ("start", "code", "says"),
    [
        ("02000014", 5011, "version 2 is not 1"),
        ("00000014", 5011, "version 0"),
        ("01000013", 5015, "19 octets"),
        ("01000000", 5015, "0 octets"),
        ("01000016", 5015, "multiple of 4"),
        ("01010000", 5015, "65536 octets"),
        ("01ffffff", 5015, "16777215 octets"),
    ],
)
def test_what_cannot_be_framed_says_so(start: str, code: int, says: str) -> None:
    octets = bytes.fromhex(start) + message()[4:]
    with pytest.raises(PeerError, match=says) as refused:
        next_message(octets)
    assert refused.value.result_code == code
    codec = Codec()
    codec.append(octets)
    assert (codec.why, codec.consumed) == (NOT_FRAMED, 0)


@pytest.mark.parametrize("size", [HEADER_OCTETS, DIAMETER_MESSAGE_OCTETS_MAX])
def test_limits_themselves_are_taken(size: int) -> None:
    check_framing(1, Header(size, 0, 0, 0, 0, 0))


def test_message_comes_when_its_last_octet_does() -> None:
    octets = ccr()
    for cut in range(len(octets)):
        assert next_message(octets[:cut]) is None
    found = next_message(b"before" + octets + b"behind", 6)
    assert found is not None
    assert found.octets == octets


@given(
    st.sampled_from([0, 1, 2, 255]),
    st.one_of(st.integers(0, 2**24 - 1), st.sampled_from([16, 19, 20, 21, 24, 40, 65532, 65536])),
    st.integers(0, 60),
)
def test_kernel_and_plain_python_frame_alike(version: int, length: int, there: int) -> None:
    octets = (bytes((version,)) + length.to_bytes(3, "big") + message(command=280)[4:] + bytes(60))[:there]
    codec = Codec()
    codec.append(octets)
    try:
        found = next_message(octets)
    except PeerError:
        assert (codec.why, codec.consumed, codec.others_count) == (NOT_FRAMED, 0, 0)
        return
    if found is None:
        assert (codec.why, codec.consumed) == (NEEDS_OCTETS, 0)
    else:
        assert codec.others.tolist()[0] == [0, found.header.length]
        assert int(codec.consumed) >= found.header.length
    assert isinstance(codec.others, np.ndarray)
