"""The 5G front end on a real port, in front of an engine that a test writes."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import numpy as np

from charging.batch import AnswerBatch, UsageBatch, new_answer_batch
from charging.batch_rows import hold_answered
from chf_http2.charging_data_ref import Refs
from chf_http2.config import ChfConfig
from chf_http2.edge.server import ChfServer
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

SECRET = np.array([11, 13], np.uint64)
TENANT = 3
ACCOUNT = 4711
PATH = "/nchf-convergedcharging/v3/chargingdata"
REFS = Refs(SECRET, TENANT)

Decide = Callable[[UsageBatch, AnswerBatch], None]


def grant_all(usage: UsageBatch, answers: AnswerBatch) -> None:
    """Every request is granted what it asks for, or 1,000 octets; releases get nothing."""
    count, msccs = int(usage.counts[0]), int(usage.counts[1])
    usage.requests["account_id"][:count] = ACCOUNT
    rows = answers.answers[:count]
    rows["outcome"], rows["is_silent"] = Outcome.GRANTED, 0
    asked = usage.msccs[:msccs]
    said = answers.msccs[:msccs]
    said["outcome"], said["unit"], said["validity_s"], said["final_action"] = Outcome.GRANTED, Unit.OCTETS, 600, 0
    said["has_grant"] = (asked["presence"] & 1) != 0
    said["granted"] = np.where(asked["requested_octets"] > 0, asked["requested_octets"], 1000)


class Served:
    """A running server; `batches` are the sizes of the batches that it offered."""

    def __init__(self, config: ChfConfig, decide: Decide, on_gone: Callable[[], None] | None = None) -> None:
        self.batches: list[int] = []
        self.decide = decide
        self.server = ChfServer(
            config, offer=self._offer, now_ns=time.time_ns, tenant=TENANT, secret=SECRET, on_gone=on_gone
        )

    def _offer(self, batch: UsageBatch) -> int:
        self.batches.append(int(batch.counts[0]))
        answered = hold_answered(batch, new_answer_batch())
        self.decide(*answered.value)
        self.server.deliver(answered)
        return 0

    @property
    def url(self) -> str:
        """Of the collection."""
        return f"http://127.0.0.1:{self.server.port}{PATH}"


@asynccontextmanager
async def serving(decide: Decide = grant_all, **settings: object) -> AsyncIterator[tuple[Served, httpx.AsyncClient]]:
    """A server and a client of it that speaks HTTP/2."""
    served = Served(ChfConfig(port=0, **settings), decide)  # type: ignore[arg-type]
    await served.server.start()
    try:
        async with httpx.AsyncClient(http1=False, http2=True, timeout=20, trust_env=False) as client:
            yield served, client
    finally:
        await served.server.close()
