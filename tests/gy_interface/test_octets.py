"""Numbers in network order, copies, and the hash of an AVP against the plain twin."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gy_interface.octets import fold_hash, hash_avp, load32, load64, store32, store64
from tests.reference import ccr_twin
from vocabulary.octets import copy_octets


def array(octets: bytes) -> np.ndarray:
    return np.frombuffer(octets, np.uint8).copy()


@settings(max_examples=50)
@given(octets=st.binary(min_size=8, max_size=40), data=st.data())
def test_loads(octets: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(octets) - 8))
    assert load32(array(octets), at) == struct.unpack_from(">I", octets, at)[0]
    assert int(load64(array(octets), at)) == struct.unpack_from(">Q", octets, at)[0]


@settings(max_examples=50)
@given(value=st.integers(0, 2**63 - 1), at=st.integers(0, 12))
def test_stores_write_their_octets_and_no_others(value: int, at: int) -> None:
    out = np.full(20, 0xEE, np.uint8)
    assert store64(out, at, value) == at + 8
    assert out.tobytes() == b"\xee" * at + struct.pack(">Q", value) + b"\xee" * (12 - at)
    assert store32(out, at, value) == at + 4
    assert out.tobytes()[at : at + 4] == struct.pack(">I", value & 0xFFFFFFFF)


@pytest.mark.parametrize("length", [0, 1, 7, 64, 300])
def test_copy_is_of_that_length(length: int) -> None:
    source, target = np.arange(400).astype(np.uint8), np.zeros(400, np.uint8)
    assert copy_octets(source, 50, target, 3, length) == 3 + length
    assert (target[3 : 3 + length] == source[50 : 50 + length]).all()
    assert not target[:3].any()
    assert not target[3 + length :].any()


@settings(max_examples=100)
@given(octets=st.binary(min_size=8, max_size=200).map(lambda octets: octets[: len(octets) & ~3]))
def test_hash_is_that_of_the_twin(octets: bytes) -> None:
    state = int(hash_avp(array(b"\xff" * 4 + octets + b"\xff" * 8), 4, len(octets)))
    assert state == ccr_twin.avp_hash(octets)
    assert fold_hash(np.uint64(state)) == ccr_twin.fold(state)


def test_hash_tells_short_changes_apart() -> None:
    def folded(octets: bytes) -> int:
        return int(fold_hash(np.uint64(hash_avp(array(octets), 0, len(octets)))))

    base = bytes(range(64))
    hashes = {folded(base)}
    for place in range(64):
        for bit in range(8):
            changed = bytearray(base)
            changed[place] ^= 1 << bit
            hashes.add(folded(bytes(changed)))
    assert len(hashes) == 1 + 64 * 8
