"""The Huffman code of HPACK beside the package's."""

import numpy as np
from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hypothesis import given
from hypothesis import strategies as st

from bench.generators.huffman import BROKEN, decode_huffman, huffman_code

ENCODER = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)
CODE = huffman_code()


def decoded(octets: bytes, room: int = 256) -> bytes | None:
    """The text, None where it is broken. What is before and behind must not matter."""
    text = np.zeros(room, np.uint8)
    array = np.frombuffer(b"\x55" + octets + b"\xaa", np.uint8)
    length = int(decode_huffman(CODE, array, 1, 1 + len(octets), text))
    return None if length == BROKEN else text[:length].tobytes()


@given(st.binary(max_size=64))
def test_what_the_package_encodes_is_decoded(text: bytes) -> None:
    assert decoded(ENCODER.encode(text)) == text


def test_padding_that_is_none_is_broken() -> None:
    whole = ENCODER.encode(b"0")  # five bits and three ones
    assert decoded(whole) == b"0"
    assert decoded(bytes((whole[0] & 0xF8,))) is None, "zeros are no padding"
    assert decoded(whole + b"\xff") is None, "eight bits are too many"
    assert decoded(b"\xff" * 4) is None, "EOS is not text"


def test_a_text_without_room_is_broken() -> None:
    assert decoded(ENCODER.encode(b"abcd"), room=3) is None
