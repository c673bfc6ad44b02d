"""The engine's side takes nothing that a codec couldn't have written: any octets end the link, and change nothing."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from charging.batch import UsageBatch
from runtime.handoff_frames import HEADER_OCTETS, Frame, fingerprint, row_columns, rows_frame, text_frame
from runtime.handoff_server import HandoffServer, _Link
from tests.charging.test_handed_checks import decoded
from tests.reference.handed_checks_twin import is_sound
from tests.runtime.handed_over import STORE, FrontEnd, StubEngine, tick_of, until
from vocabulary.limits import HANDOFF_LINKS_MAX, HANDOFF_UNREAD_OCTETS_MAX

ROWS_FRAME = rows_frame(3, row_columns(decoded()))
HELLO = text_frame(Frame.HELLO, STORE, fingerprint(), "gy\n1")


class Transport:
    """What a link asks of its transport."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.is_closed = False
        self.unread = 0

    def write(self, octets: bytes) -> None:
        self.written.append(octets)

    def get_write_buffer_size(self) -> int:
        return self.unread

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    abort = close

    def set_write_buffer_limits(self, high: int) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    resume_reading = pause_reading


class Side:
    """A server with one link whose octets a test gives."""

    def __init__(self) -> None:
        self.offered: list[tuple[int, bool]] = []
        self.server = HandoffServer(Path("none"), store=STORE, epochs=np.ones(1, np.int64), offer=self._offer)
        self.transport = Transport()
        self.link = _Link(self.server)
        self.link.connection_made(self.transport)  # type: ignore[arg-type]

    def _offer(self, usage: UsageBatch) -> int:
        self.offered.append((int(usage.counts[0]), is_sound(usage)))
        return 0

    def receive(self, octets: bytes) -> None:
        self.link.get_buffer(-1)[: len(octets)] = octets
        self.link.buffer_updated(len(octets))


def changed(frame: bytes, changes: list[tuple[int, int]]) -> bytes:
    octets = bytearray(frame)
    for place, value in changes:
        octets[place % len(octets)] = value
    return bytes(octets)


one_side = Side()
places = st.one_of(
    st.integers(0, HEADER_OCTETS - 1), st.integers(HEADER_OCTETS, HEADER_OCTETS + 900), st.integers(0, 1 << 20)
)


@settings(max_examples=75, deadline=None)
@given(st.lists(st.tuples(places, st.integers(0, 255)), max_size=4), st.binary(max_size=40))
def test_spoiled_frames_end_the_link_or_are_sound(changes: list[tuple[int, int]], behind: bytes) -> None:
    side = one_side  # its buffers are large; a fresh link has none of what the last one said
    side.offered.clear()
    side.transport = Transport()
    side.link = _Link(side.server)
    side.link.connection_made(side.transport)  # type: ignore[arg-type]
    side.receive(HELLO)
    side.receive(changed(ROWS_FRAME, changes) + behind)
    assert all(was_sound for _, was_sound in side.offered)
    assert not side.server._incoming.value.usage.counts.any()
    if not changes:
        assert side.offered == [(3, True)]
    if side.transport.is_closed:
        side.offered.clear()
        side.receive(ROWS_FRAME)
        assert side.offered == [], "nothing is taken from a link that was closed"
    side.link.connection_lost(None)
    assert not side.server._links


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=300))
def test_strangers_are_not_listened_to(octets: bytes) -> None:
    side = one_side
    side.offered.clear()
    transport = Transport()
    link = _Link(side.server)
    link.connection_made(transport)  # type: ignore[arg-type]
    link.get_buffer(-1)[: len(octets)] = octets
    link.buffer_updated(len(octets))
    assert transport.is_closed == (len(octets) >= HEADER_OCTETS)
    link.connection_lost(None)
    assert side.offered == []


def test_rows_before_a_greeting_and_a_second_greeting_are_refused() -> None:
    for frames in ((ROWS_FRAME,), (HELLO, HELLO), (HELLO, text_frame(Frame.WELCOME, 1, fingerprint(), ""))):
        side = Side()
        for frame in frames:
            side.receive(frame)
        assert side.transport.is_closed
        assert side.offered == []


def test_a_front_end_that_reads_no_answers_is_closed() -> None:
    side = Side()
    side.receive(HELLO)
    side.transport.unread = HANDOFF_UNREAD_OCTETS_MAX + 1
    side.link.write(b"x")
    assert side.transport.is_closed


def test_links_have_a_limit() -> None:
    side = Side()
    transports = [Transport() for _ in range(HANDOFF_LINKS_MAX)]
    for transport in transports:
        _Link(side.server).connection_made(transport)  # type: ignore[arg-type]
    assert [transport.is_closed for transport in transports] == [False] * (HANDOFF_LINKS_MAX - 1) + [True]


def test_answers_go_to_the_link_whose_rows_they_are(tmp_path: Path) -> None:
    """Two front ends whose ticks and rows have the same numbers, answered out of one batch."""

    async def play() -> None:
        engine = StubEngine(tmp_path)
        await engine.server.start()
        assert (tmp_path / "one.engine").stat().st_mode & 0o077 == 0, "for this user alone"
        async with FrontEnd(tmp_path) as one, FrontEnd(tmp_path) as other:
            await one.link.wait_up()
            await other.link.wait_up()
            one.link.offer(tick_of([1, 2]))
            other.link.offer(tick_of([11, 12]))
            await until(lambda: len(engine.taken) == 2)
            ticks: list[Any] = [held.value.usage.requests["handed_tick"][0] for held in engine.taken]
            assert ticks[0] == ticks[1]
            engine.answer(1)
            engine.answer(0)
            await until(lambda: len(one.answered) == len(other.answered) == 2)
            assert [number for number, *_ in one.answered] == [1, 2]
            assert [number for number, *_ in other.answered] == [11, 12]
            assert engine.links == 2
        await until(lambda: engine.links == 0)
        engine.server.close()

    asyncio.run(play())
