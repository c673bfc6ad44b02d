"""Records as the store has them: kernels against a plain twin, sizes, and octets that nobody packed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balances.stored_record import (
    CODE_FOREVER,
    CODE_NEGATIVE,
    COUNT_OCTETS,
    ROOM_OCTETS,
    STORED_OCTETS_MAX,
    from_stored,
    pack_record,
    record_or_octets,
    to_stored,
    unpack_record,
)
from vocabulary.instants import FOREVER_NS
from vocabulary.limits import RECORD_WORDS_MAX

words_of_any_length = st.one_of(
    st.sampled_from((0, 1, -1, FOREVER_NS, FOREVER_NS - 1, -(2**31), -(2**31) - 1, -(2**63), 2**62)),
    st.integers(0, 7).flatmap(lambda octets: st.integers(0, 2 ** (8 * octets + 7) - 1)),
    st.integers(-(2**63), 2**63 - 1),
)
records = st.lists(words_of_any_length, max_size=90)


def as_octets(words):
    return b"".join(word.to_bytes(8, "little", signed=True) for word in words)


def plain_code(word):
    if word == FOREVER_NS:
        return CODE_FOREVER, b""
    if -(2**31) <= word < 0:
        return CODE_NEGATIVE, word.to_bytes(4, "little", signed=True)
    octets = (
        word.to_bytes(8, "little", signed=True).rstrip(b"\0") if word >= 0 else word.to_bytes(8, "little", signed=True)
    )
    return len(octets), octets


def plain_stored(words):
    out = bytearray(len(words).to_bytes(2, "little"))
    for first in range(0, len(words), 2):
        coded = [plain_code(word) for word in words[first : first + 2]]
        out.append(sum(code << (4 * place) for place, (code, _) in enumerate(coded)))
        out += b"".join(octets for _, octets in coded)
    return bytes(out)


@settings(max_examples=200)
@given(records)
def test_a_record_is_stored_as_the_page_says_and_comes_back(words):
    stored = to_stored(as_octets(words))
    assert stored == plain_stored(words)
    assert from_stored(stored) == as_octets(words)


@settings(max_examples=100)
@given(records, st.integers(0, 40))
def test_nothing_beyond_its_own_octets_is_touched(words, offset):
    """Records lie one behind the other: what follows is overwritten by at most ROOM_OCTETS, which the caller knows."""
    source = np.array(words, np.int64)
    out = np.full(offset + STORED_OCTETS_MAX + ROOM_OCTETS, 0xEE, np.uint8)
    end = pack_record(source, 0, len(words), out, offset)
    assert (out[:offset] == 0xEE).all()
    assert (out[end + ROOM_OCTETS :] == 0xEE).all()
    back = np.full(len(words) + 4, -7, np.int64)
    assert unpack_record(out, offset, end - offset, back, 2, len(words)) == len(words)
    assert back.tolist() == [-7, -7, *words, -7, -7]
    assert words == [] or unpack_record(out, offset, end - offset, back, 2, len(words) - 1) == -1


@settings(max_examples=100)
@given(records.filter(bool), st.data())
def test_a_torn_record_is_no_record(words, data):
    stored = to_stored(as_octets(words))
    cut = data.draw(st.integers(0, len(stored) - 1))
    with pytest.raises(ValueError, match="no account record"):
        from_stored(stored[:cut])
    assert record_or_octets(stored[:cut]) == stored[:cut]
    with pytest.raises(ValueError, match="no account record"):
        from_stored(stored + b"\0")


@settings(max_examples=200)
@given(st.binary(max_size=300))
def test_any_octets_are_a_record_or_refused(octets):
    """No crash, no over-read: the array ends where the octets do."""
    words = np.zeros(RECORD_WORDS_MAX, np.int64)
    count = unpack_record(
        np.frombuffer(bytearray(octets + b"x")[:-1], np.uint8), 0, len(octets), words, 0, RECORD_WORDS_MAX
    )
    assert -1 <= count <= RECORD_WORDS_MAX
    if count >= 0:
        assert len(octets) >= COUNT_OCTETS
        assert from_stored(octets) == words[:count].tobytes()


def test_the_longest_record_has_room():
    words = [-(2**63)] * RECORD_WORDS_MAX
    assert len(to_stored(as_octets(words))) <= STORED_OCTETS_MAX
