"""Streams of messages: what is no CCR is named, and decoding stops where octets, sense or room end."""

import numpy as np
import pytest

from charging.batch import (
    new_usage_batch,
)
from gy_interface.ccr import NEEDS_OCTETS, NEEDS_ROOM, NOT_FRAMED
from tests.gy_interface.codec import Codec, decode_one
from tests.gy_interface.diameter_octets import (
    avp,
    ccr,
    essentials,
    group,
    message,
    text,
    u32,
    update_of_700_octets,
)
from vocabulary.limits import (
    DIAMETER_MESSAGE_OCTETS_MAX,
)
from vocabulary.outcomes import Outcome


def test_other_messages_are_passed_by_and_named() -> None:
    watchdog = message(text(264, "a"), command=280, application=0, flags=0x80)
    answer = message(*essentials(), flags=0x40)
    other_application = message(*essentials(), application=16777238)
    broken = message(*essentials(), flags=0xE0)
    stream = watchdog + ccr() + answer + other_application + ccr(number=1) + broken
    codec = Codec()
    rows = codec.decode(stream)
    assert [row.request.request_number for row in rows] == [0, 1]
    spans = [tuple(span) for span in codec.others[: codec.others_count].tolist()]
    assert [stream[at : at + size] for at, size in spans] == [watchdog, answer, other_application, broken]
    assert (codec.consumed, codec.why) == (len(stream), NEEDS_OCTETS)


def test_stream_in_two_pieces_gives_the_same_rows() -> None:
    stream = ccr(group(456, u32(432, 1))) + message(command=280, application=0) + update_of_700_octets(1) + ccr()
    codec = Codec()
    whole = codec.decode(stream)
    whole_octets = codec.batch.octets[: codec.batch.counts[4]].copy()
    for cut in range(len(stream) + 1):
        codec.batch.counts[:] = 0
        codec.append(stream[:cut])
        others, consumed = codec.others_count, codec.consumed
        assert codec.why == NEEDS_OCTETS
        codec.append(stream[consumed:])
        assert consumed + codec.consumed == len(stream)
        assert others + codec.others_count == 1
        assert codec.batch.counts.tolist()[:3] == [3, 2, 2]
        assert (codec.batch.octets[: codec.batch.counts[4]] == whole_octets).all()
    assert len(whole) == 3


@pytest.mark.parametrize(
    "head",
    [
        b"\x02\x00\x00\x14",
        b"\x00\x00\x00\x14",
        b"\x01\x00\x00\x10",
        b"\x01\x00\x00\x15",
        b"\x01\x00\x00\x00",
        b"\x01" + (DIAMETER_MESSAGE_OCTETS_MAX + 4).to_bytes(3, "big"),
    ],
)
def test_stream_that_cannot_be_framed(head: bytes) -> None:
    codec = Codec()
    rows = codec.decode(ccr() + head + bytes(16))
    assert (len(rows), codec.consumed, codec.why) == (1, len(ccr()), NOT_FRAMED)
    assert codec.decode(head) == []
    assert codec.why == NEEDS_OCTETS, "too little to judge, or to answer"


@pytest.mark.parametrize(
    ("sizes", "fit"),
    [((2, 8192, 1 << 20), 2), ((64, 70, 1 << 20), 3), ((64, 2048, 1000), 1), ((64, 31, 1 << 20), 0)],
)
def test_full_batch_stops_before_a_message(sizes: tuple[int, int, int], fit: int) -> None:
    batch = new_usage_batch(*sizes)
    codec = Codec(batch=batch)
    one = update_of_700_octets(1)
    stream = one * 5
    if sizes[1] == 70:
        one = ccr(*[group(456)] * 15)
        stream = one * 5
    rows = codec.decode(stream)
    assert (len(rows), codec.consumed, codec.why) == (fit, fit * len(one), NEEDS_ROOM)


def test_full_others_stop_before_a_message() -> None:
    codec = Codec()
    codec.others = np.zeros((1, 2), np.int64)
    watchdog = message(command=280, application=0)
    codec.decode(ccr() + watchdog + ccr() + watchdog + ccr())
    assert (codec.consumed, codec.others_count, codec.why) == (2 * len(ccr()) + len(watchdog), 1, NEEDS_ROOM)


def test_largest_message_is_taken() -> None:
    padding = DIAMETER_MESSAGE_OCTETS_MAX - len(ccr()) - 8
    octets = ccr(avp(9999, bytes(padding), flags=0))
    assert len(octets) == DIAMETER_MESSAGE_OCTETS_MAX
    assert decode_one(octets).outcome == Outcome.UNDECIDED
