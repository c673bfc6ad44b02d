"""A Gy server on a real socket whose engine is canned: each request is granted what it asks for, now or when told."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

import numpy as np
import uvloop

from charging.batch import AnsweredBatch, UsageBatch, new_answer_batch
from charging.batch_rows import hold_answered
from gy_interface.config import GyConfig, PeerConfig
from gy_interface.edge.server import GyServer
from tests.gy_interface.codec import SECRET
from tests.gy_interface.diameter_octets import text, u32
from tests.gy_interface.peer_messages import HOST, REALM, STATE_ID, base, cer, dpr
from vocabulary.held import Held
from vocabulary.outcomes import Outcome

PATIENCE_S: Final = 30
SERVER_DEFAULT_OCTETS: Final = 777


class CannedEngine:
    """What the batcher and the engine are in a real process.

    fails       it raises instead of taking a batch
    held        batches that wait for `release`, where `holds`
    requests    how many it was offered
    """

    def __init__(self) -> None:
        self.deliver: Callable[[Held[AnsweredBatch]], None] | None = None
        self.holds = False
        self.fails = False
        self.held: list[UsageBatch] = []
        self.requests = 0
        self.tenants: set[int] = set()
        self.changed = asyncio.Event()

    def offer(self, batch: UsageBatch) -> int:
        """Answer the requests that aren't answered yet, or keep a copy of them: the batch is the server's again."""
        count = int(batch.counts[0])
        self.requests += count
        self.tenants |= set(batch.requests["tenant"][:count].tolist())
        self.changed.set()
        if self.fails:
            raise RuntimeError("planted")
        if self.holds:
            self.held.append(
                UsageBatch(
                    batch.requests[:count].copy(),
                    batch.msccs[: batch.counts[1]].copy(),
                    batch.identities[:1],
                    batch.credits[:1],
                    batch.changes[:1],
                    batch.octets[: batch.counts[4]].copy(),
                    batch.counts.copy(),
                )
            )
        else:
            self._answer(batch)
        return int(np.count_nonzero(batch.requests["outcome"][:count]))

    def release(self) -> None:
        """Answer what was held."""
        held, self.held = self.held, []
        for batch in held:
            self._answer(batch)

    def _answer(self, batch: UsageBatch) -> None:
        assert self.deliver is not None
        requests, msccs = int(batch.counts[0]), int(batch.counts[1])
        answers = new_answer_batch(max(requests, 1), max(msccs, 1))
        answers.answers["outcome"] = Outcome.GRANTED
        answers.answers["is_silent"][:requests] = batch.requests["outcome"][:requests] != 0
        answers.msccs["outcome"] = Outcome.GRANTED
        answers.msccs["has_grant"] = 1
        asked = batch.msccs["requested_octets"][:msccs]
        answers.msccs["granted"][:msccs] = np.where(asked > 0, asked, SERVER_DEFAULT_OCTETS)
        self.deliver(hold_answered(batch, answers))

    async def has_seen(self, requests: int) -> None:
        """Wait until so many requests were offered in all."""
        while self.requests < requests:
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), PATIENCE_S)


class Served:
    """A server, its engine, its clock, and how many connections each peer has had."""

    def __init__(self, config: GyConfig) -> None:
        self.config = config
        self.engine = CannedEngine()
        self.now_ns = 1_790_000_000_000_000_000
        self.counts: dict[str, int] = {}
        tenants = sorted({peer.tenant for peer in config.peers.values()})
        self.server = GyServer(
            config,
            offer=self.engine.offer,
            now_ns=lambda: self.now_ns,
            tenants={tenant: number for number, tenant in enumerate(tenants)},
            secret=SECRET,
            origin_state_id=STATE_ID,
            on_connections=self.counts.__setitem__,
        )
        self.engine.deliver = self.server.deliver
        self.port = 0

    async def connect(self) -> "Client":
        """A connection without capabilities."""
        return Client(*await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 24))

    async def peer(self, host: str = "pgw1.example.net") -> "Client":
        """A connection on which capabilities were exchanged."""
        client = await self.connect()
        client.send(cer(host=host))
        answer = await client.message()
        assert answer[4:8] == b"\x00\x00\x01\x01"
        assert u32(268, 2001) in answer
        return client


class Client:
    """The other end of a connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, octets: bytes) -> None:
        """Send, some time."""
        self.writer.write(octets)

    async def message(self) -> bytes:
        """The next whole message."""
        head = await asyncio.wait_for(self.reader.readexactly(4), PATIENCE_S)
        size = int.from_bytes(head[1:], "big")
        return head + await asyncio.wait_for(self.reader.readexactly(size - 4), PATIENCE_S)

    async def messages(self, count: int) -> list[bytes]:
        """The next whole messages."""
        return [await self.message() for _ in range(count)]

    async def rest(self) -> bytes:
        """What comes until the server closes; a reset ends it, too."""
        octets = b""
        try:
            while part := await asyncio.wait_for(self.reader.read(1 << 16), PATIENCE_S):
                octets += part
        except ConnectionResetError:
            pass
        return octets

    async def leave(self) -> None:
        """DPR, DPA, and close, as a peer should."""
        self.send(dpr())
        answer = await self.message()
        assert answer == base(282, u32(268, 2001), text(264, HOST), text(296, REALM), flags=0)
        await self.close()

    async def close(self) -> None:
        """Close."""
        self.writer.close()
        await asyncio.wait([asyncio.ensure_future(self.writer.wait_closed())], timeout=PATIENCE_S)

    def drop(self) -> None:
        """Close with a reset."""
        self.writer.transport.abort()


def settings(connections_max: int = 64, watchdog_s: int = 30, cer_timeout_s: int = 10, **peers: PeerConfig) -> GyConfig:
    """Settings of a server on a free port."""
    return GyConfig(
        origin_host=HOST,
        origin_realm=REALM,
        port=0,
        connections_max=connections_max,
        watchdog_s=watchdog_s,
        cer_timeout_s=cer_timeout_s,
        peers=peers or {"any": PeerConfig(origin_hosts=("*",), connections_max=64)},
    )


@asynccontextmanager
async def serving(config: GyConfig | None = None) -> AsyncIterator[Served]:
    """A server that listens."""
    served = Served(config or settings())
    served.port = await served.server.start()
    try:
        yield served
    finally:
        await served.server.close(wait_s=0.2)


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run a test on the loop that the product uses."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(test, 100))
