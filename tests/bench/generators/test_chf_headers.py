"""Header blocks as the package hpack and others write them, read by the kernel."""

import numpy as np
import pytest
from hpack import Encoder, NeverIndexedHeaderTuple
from hypothesis import given
from hypothesis import strategies as st

from bench.generators.chf_headers import HEAD_COLUMNS, HEAD_HAS_REF, HEAD_STATUS, read_headers
from bench.generators.chf_templates import REF_DIGITS, build_wire
from bench.generators.fleet import RIGHT, WRONG_FRAME, WRONG_LOCATION
from tests.bench.generators.chf_server import LOCATION, chf_plan, ref_of

WIRE = build_wire(chf_plan())


def read(block: bytes, *, is_create: bool = True) -> tuple[int, int, str]:
    """(what is wrong, status, ref)."""
    head, ref = np.zeros(HEAD_COLUMNS, np.int64), np.zeros(REF_DIGITS if is_create else 0, np.uint8)
    octets = np.frombuffer(b"\0" + block + b"\xff", np.uint8)
    reason = int(read_headers(WIRE, octets, 1, 1 + len(block), head, ref))
    return reason, int(head[HEAD_STATUS]), ref.tobytes().decode() if head[HEAD_HAS_REF] else ""


def encoded(headers: list[tuple[str, str]], huffman: bool) -> bytes:
    encoder = Encoder()
    encoder.header_table_size = 0
    return bytes(encoder.encode(headers, huffman=huffman))


NAMES = st.sampled_from(["server", "date", "content-length", "content-type", "x-trace", "vary", "retry-after"])
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200)


@given(
    status=st.sampled_from([200, 201, 204, 400, 403, 404, 500, 503]),
    before=st.lists(st.tuples(NAMES, VALUES), max_size=4),
    behind=st.lists(st.tuples(NAMES, VALUES), max_size=4),
    number=st.integers(0, 2**250),
    huffman=st.booleans(),
)
def test_status_and_ref_are_found_among_others(
    status: int, before: list[tuple[str, str]], behind: list[tuple[str, str]], number: int, huffman: bool
) -> None:
    headers = [(":status", str(status)), *before, ("location", LOCATION + ref_of(number)), *behind]
    block = encoded(headers, huffman)
    assert read(block) == (RIGHT, status, ref_of(number))
    assert read(block, is_create=False) == (RIGHT, status, "")


def test_fields_that_are_never_indexed_are_read() -> None:
    block = encoded([(":status", "200"), NeverIndexedHeaderTuple("location", LOCATION + ref_of(7))], True)
    assert read(block) == (RIGHT, 200, ref_of(7))


@pytest.mark.parametrize("path", ["short", LOCATION + "0" * (REF_DIGITS - 1), LOCATION + "0" * (REF_DIGITS + 1)])
def test_a_location_without_a_ref_is_wrong(path: str) -> None:
    assert read(encoded([(":status", "201"), ("location", path)], True))[0] == WRONG_LOCATION


def test_what_wants_a_memory_of_blocks_before_is_broken() -> None:
    assert read(b"\xbe")[0] == WRONG_FRAME, "the first entry of a dynamic table"
    assert read(b"\x3f\xe1\x1f")[0] == WRONG_FRAME, "a dynamic table of 4,096 octets"


@given(st.binary(max_size=40))
def test_any_octets_end_well(block: bytes) -> None:
    assert read(block)[0] in (RIGHT, WRONG_FRAME, WRONG_LOCATION)
