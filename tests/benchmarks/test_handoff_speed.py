"""What handing over costs a CCR of about 700 octets with one MSCC, there and back; run on a quiet machine (`-m acceptance`).

Both sides together, in one process: rows kept, written as a frame, received, checked, stamped and offered, answers
gathered, written as a frame, received, checked and laid into the kept rows. The copies that a socket makes are made
once each way; its system calls are not in the figure, nor is what decides. Ticks are of 100 requests of as many sessions.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from balances.edge.memory_store import MemoryStore
from balances.store import StoreMeta
from charging.batch import AnsweredBatch, UsageBatch, new_usage_batch
from gy_interface.ccr import decode_requests
from gy_interface.codec_rules import new_decode_rules, new_sender
from runtime.engine_links import EngineLinks
from runtime.handoff_client import EngineLink
from runtime.handoff_frames import Header
from runtime.handoff_server import HandoffServer
from runtime.handoff_stream import FrameBuffer
from tests.gy_interface.codec import HOST, KEYS, REALM, RECEIVED_NS, SECRET
from tests.gy_interface.diameter_octets import update_of_700_octets
from vocabulary.held import Held
from vocabulary.outcomes import Outcome

pytestmark = pytest.mark.acceptance

REQUESTS = 100
TICKS = 10
ROUNDS = 70
HANDOFF_US_MAX = 1.0


class Wire:
    """One direction of a link without its system calls; also what the server knows of a link."""

    number, name, is_writable = 1, "gy", True

    def __init__(self, use: Callable[[Header, Any], None]) -> None:
        self._buffer = FrameBuffer()
        self._use = use

    def write(self, frame: bytes) -> None:
        self._buffer.room()[: len(frame)] = frame
        self._buffer.take(len(frame), self._take)

    def _take(self, header: Header, body: Any) -> bool:
        self._use(header, body)
        return True


def a_tick() -> UsageBatch:
    octets = b"".join(update_of_700_octets(1, f"pgw1.example.net;1795032759;{number}") for number in range(REQUESTS))
    batch = new_usage_batch()
    rules = new_decode_rules(SECRET, KEYS, KEYS, HOST, REALM)
    received = np.frombuffer(octets, np.uint8).copy()
    decode_requests(
        received, len(octets), batch, new_sender(0, 1, 0, 1), rules, RECEIVED_NS, np.zeros((64, 2), np.int64)
    )
    return batch


def test_there_and_back(benchmark: Any) -> None:
    batch, delivered = a_tick(), []
    batch.requests["account_id"][:REQUESTS] = np.arange(REQUESTS)  # looked up before

    def decide(usage: UsageBatch) -> int:
        """The engine's place: every row is granted 5 MB, in the memory that the server has for it."""
        answers = server._incoming.value.answers
        answers.answers["outcome"][:REQUESTS] = answers.msccs["outcome"][:REQUESTS] = Outcome.GRANTED
        answers.answers["is_silent"][:REQUESTS] = 0
        answers.msccs["granted"][:REQUESTS] = 5_000_000
        server.deliver(server._incoming)
        return 0

    def deliver(answered: Held[AnsweredBatch]) -> None:
        delivered.append(answered)

    server = HandoffServer(Path("none"), store=1, epochs=np.ones(1, np.int64), offer=decide)
    loop = asyncio.new_event_loop()
    links = EngineLinks(
        Path("none"),
        meta=StoreMeta(1, np.zeros(2, np.uint64), (), "always", 1),
        store=MemoryStore(),
        name="gy",
        deliver=deliver,
        now_ns=lambda: RECEIVED_NS,
    )
    links._loop = loop
    link = links._links[Path("none")] = EngineLink(Path("none"), 1, links._tools, links)
    links._places.append(link)
    back = Wire(link.take_answers)
    server._links[1] = back  # type: ignore[assignment]
    link._stream = Wire(lambda header, body: server.take_rows(back, header, body))  # type: ignore[assignment, arg-type]
    link.owned = {0: 1}
    links.on_owned(link)

    def hand_over() -> int:
        return sum(links.offer(batch) for _ in range(TICKS))

    try:
        assert benchmark.pedantic(hand_over, rounds=ROUNDS, warmup_rounds=3) == 0
    finally:
        loop.close()
    assert links.waiting_rows == 0
    usage, answers = delivered[-1].value
    assert answers.answers["outcome"][:REQUESTS].tolist() == [Outcome.GRANTED] * REQUESTS
    assert (answers.msccs["granted"][:REQUESTS] == 5_000_000).all()
    assert not answers.answers["is_silent"][:REQUESTS].any()
    assert usage.counts[0] == 0, "the tick is used again"
    each: float = benchmark.stats.stats.median / (REQUESTS * TICKS) * 1e6
    benchmark.extra_info["us_each"] = round(each, 3)
    assert each <= HANDOFF_US_MAX
