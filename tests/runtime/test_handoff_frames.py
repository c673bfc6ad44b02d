"""Frames: what is written is read; octets that are none are refused, whatever they are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from charging.batch import UsageBatch, new_usage_batch
from charging.final_units import FinalUnit, by_number
from charging.handed_rows import new_handed_answers
from runtime import handoff_frames
from runtime.handoff_frames import (
    FINAL_UNITS_A_FRAME,
    HEADER_OCTETS,
    HELLO_OCTETS_MAX,
    MAGIC,
    Frame,
    FrameError,
    Header,
    answer_columns,
    answers_frame,
    final_units_frames,
    fingerprint,
    owned_frame,
    read_answers,
    read_header,
    read_owned,
    read_rows,
    read_text,
    read_texts,
    row_columns,
    rows_frame,
    text_frame,
)
from runtime.handoff_stream import RECEIVE_OCTETS, FrameBuffer
from tests.charging.test_handed_checks import decoded


def words_of(*words: int) -> memoryview:
    return np.array([*words, *([0] * (8 - len(words)))], np.int64).view(np.uint8).data


octets_of = memoryview


def same(batch: UsageBatch, other: UsageBatch) -> bool:
    requests, msccs, identities, _, octets = batch.counts.tolist()
    return (
        batch.counts.tolist() == other.counts.tolist()
        and batch.requests[:requests].tobytes() == other.requests[:requests].tobytes()
        and batch.msccs[:msccs].tobytes() == other.msccs[:msccs].tobytes()
        and batch.identities[:identities].tobytes() == other.identities[:identities].tobytes()
        and batch.octets[:octets].tobytes() == other.octets[:octets].tobytes()
    )


def test_rows_come_as_they_went() -> None:
    batch, other = decoded(), new_usage_batch()
    frame = octets_of(rows_frame(5, row_columns(batch)))
    header = read_header(frame)
    assert (header.kind, header.number, header.total) == (Frame.ROWS, 5, len(frame))
    read_rows(header, frame[HEADER_OCTETS:], row_columns(other))
    assert same(batch, other)


def test_answers_come_as_they_went() -> None:
    handed, other = new_handed_answers(4, 8), new_handed_answers(4, 8)
    handed.heads["row"], handed.answers["outcome"], handed.msccs["granted"] = [1, 2, 3, 4], [4, 3, 2, 1], range(8)
    handed.counts[:] = 3, 5
    frame = octets_of(answers_frame(answer_columns(handed)))
    read_answers(read_header(frame), frame[HEADER_OCTETS:], answer_columns(other))
    assert other.counts.tolist() == [3, 5]
    assert other.heads["row"].tolist() == [1, 2, 3, 0]
    assert other.answers["outcome"].tolist() == [4, 3, 2, 0]
    assert other.msccs["granted"].tolist() == [0, 1, 2, 3, 4, 0, 0, 0]


def test_texts_of_final_units_come_as_they_went() -> None:
    units = by_number(FinalUnit(f"https://{place}.example", 2) for place in range(FINAL_UNITS_A_FRAME + 1))
    found: dict[int, FinalUnit] = {}
    frames = [octets_of(frame) for frame in final_units_frames(units)]
    for frame in frames:
        found |= read_texts(read_header(frame), frame[HEADER_OCTETS:])
    assert (len(frames), found) == (2, units)
    assert final_units_frames({}) == []
    broken = octets_of(frames[0].tobytes()[:HEADER_OCTETS] + b"[" * (len(frames[0]) - HEADER_OCTETS))
    with pytest.raises(FrameError, match="texts of final units that can't be read"):
        read_texts(read_header(broken), broken[HEADER_OCTETS:])


def test_greetings_come_as_they_went_and_are_cut_where_they_are_long() -> None:
    for text in ("", "gy\n0.1.0", "ü" * HELLO_OCTETS_MAX):
        frame = octets_of(text_frame(Frame.HELLO, 2**62, b"f" * 32, text))
        header = read_header(frame)
        found, words = read_text(header, frame[HEADER_OCTETS:])
        assert (found, header.number) == (b"f" * 32, 2**62)
        assert text.startswith(words.rstrip("\ufffd"))
        assert header.total <= HELLO_OCTETS_MAX


@pytest.mark.parametrize(
    "words",
    [
        (0,),
        (MAGIC, 64, 0),
        (MAGIC, 64, 8),
        (MAGIC, 56, 5),
        (MAGIC, 65, 5),
        (MAGIC, 1 << 40, 5),
        (MAGIC, -64, 5),
        (MAGIC, 64, 4, 0, -1),
        (MAGIC, 64, 4, 0, 1),
        (MAGIC, 72, 4),
        (MAGIC, 64, 4, 0, 2**63 - 1, 2**63 - 1),
    ],
    ids=str,
)
def test_headers_that_are_none(words: tuple[int, ...]) -> None:
    with pytest.raises(FrameError):
        read_header(words_of(*words))


def test_a_greeting_without_a_fingerprint_is_refused() -> None:
    frame = octets_of(text_frame(Frame.HELLO, 0, b"", "short"))
    with pytest.raises(FrameError, match="greeting"):
        read_text(read_header(frame), frame[HEADER_OCTETS:])


def test_more_rows_than_a_batch_holds_are_refused_and_leave_it_empty() -> None:
    batch, small = decoded(), new_usage_batch(2, 8, 4096)
    frame = octets_of(rows_frame(5, row_columns(batch)))
    with pytest.raises(FrameError, match="3 rows of a kind: at most 2"):
        read_rows(read_header(frame), frame[HEADER_OCTETS:], row_columns(small))
    assert not small.counts.any()


def test_another_release_has_another_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = fingerprint()
    assert ours == fingerprint()
    monkeypatch.setattr(handoff_frames, "version", lambda name: "99.0")
    assert fingerprint() != ours


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 4000), min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_frames_are_found_however_they_are_cut(sizes: list[int], random: object) -> None:
    frames = [text_frame(Frame.WELCOME, number, b"f" * 32, "x" * size) for number, size in enumerate(sizes)]
    stream, buffer, found = b"".join(frames), FrameBuffer(), []

    def use(header: Header, body: memoryview) -> bool:
        found.append((header.number, len(read_text(header, body)[1])))
        return True

    while stream:
        size = min(len(stream), random.randint(1, 3000))  # type: ignore[attr-defined]
        buffer.room()[:size] = stream[:size]
        buffer.take(size, use)
        stream = stream[size:]
    assert [number for number, _ in found] == list(range(len(sizes)))


def test_the_buffer_is_used_from_its_start_again() -> None:
    """A frame that lies across its end is moved to the start."""
    buffer, taken = FrameBuffer(), []
    frame = text_frame(Frame.WELCOME, 1, b"f" * 32, "x" * 3900)
    half = len(frame) // 2
    wanted = RECEIVE_OCTETS // len(frame) + 10
    buffer.room()[:half] = frame[:half]
    buffer.take(half, lambda header, body: True)
    for _ in range(wanted):
        octets = frame[half:] + frame[:half]
        buffer.room()[: len(octets)] = octets
        buffer.take(len(octets), lambda header, body: taken.append(read_text(header, body)[1]) is None)
    assert len(taken) == wanted
    assert set(taken) == {taken[0]}


def test_what_an_engine_owns_goes_over_and_comes_back() -> None:
    frame = owned_frame(np.array([0, 1_790_000_000_000, 0, 7], np.int64))
    header = read_header(memoryview(frame))
    body = memoryview(frame)[HEADER_OCTETS:]
    assert read_owned(header, body, 4) == {1: 1_790_000_000_000, 3: 7}
    with pytest.raises(FrameError, match="beyond 3"):
        read_owned(header, body, 3)
