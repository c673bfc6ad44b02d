"""A front end's links and engines of few lines behind them, joined by real sockets, for tests of the hand-off."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from balances.edge.memory_store import MemoryStore
from balances.store import StoreMeta
from charging.batch import COUNT_MSCCS, COUNT_REQUESTS, AnsweredBatch, UsageBatch, new_answer_batch, new_usage_batch
from charging.batch_rows import hold_answered, take_rows
from charging.final_units import FinalUnit
from runtime.engine_links import ENGINE_SUFFIX, EngineLinks
from runtime.handoff_server import HandoffServer
from tests.reference.engine_alone import fill_batch
from tests.reference.requests import CreditControl, Mscc
from vocabulary.held import Held
from vocabulary.instants import NS_PER_S
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

STORE = 1_790_000_000_000_000_123
WITHIN_S = 10.0
START_NS = 1_790_000_000 * NS_PER_S


async def until(is_true: Callable[[], Any]) -> None:
    """Let the loop go on until that is so."""
    async with asyncio.timeout(WITHIN_S):
        while not is_true():
            await asyncio.sleep(0.001)


def tick_of(numbers: Sequence[int], *, type_: int = 2, received_ns: int = START_NS) -> UsageBatch:
    """Requests with these numbers, of the accounts with the same ones, with an MSCC for each odd one."""
    batch = new_usage_batch()
    requests = [
        CreditControl(n, (n, 1), type_, n, n, received_ns, msccs=(Mscc(n, used={Unit.OCTETS: n}),) * (n % 2))
        for n in numbers
    ]
    fill_batch(batch, requests)
    return batch


class StubEngine:
    """Takes rows and answers them when a test says so; `taken` has each tick that it got.

    epochs   under which it owns the partitions, 0 where it doesn't
    """

    def __init__(self, folder: Path, name: str = "one", *, store: int = STORE, epochs: Sequence[int] = (1,)) -> None:
        self.epochs = np.array(epochs, np.int64)
        self.taken: list[Held[AnsweredBatch]] = []
        self.links = 0
        self.refuses = False
        self.server = HandoffServer(
            folder / f"{name}{ENGINE_SUFFIX}",
            store=store,
            epochs=self.epochs,
            offer=self._offer,
            on_links=self._count,
        )

    def _count(self, links: int) -> None:
        self.links = links

    def _offer(self, usage: UsageBatch) -> int:
        count = int(usage.counts[COUNT_REQUESTS])
        partitions = usage.requests["account_id"][:count] % len(self.epochs)
        refused = (self.epochs[partitions] == 0) | self.refuses
        usage.requests["outcome"][:count][refused] = Outcome.TOO_BUSY
        if refused.any():
            assert refused.all(), "tests offer ticks of one kind"
            return count
        held = hold_answered(new_usage_batch(), new_answer_batch())
        assert take_rows(held.value.usage, usage, np.arange(count, dtype=np.int32), 0, count) == count
        self.taken.append(held)
        return 0

    def numbers(self, tick: int = -1) -> list[int]:
        """Request numbers of a tick."""
        usage = self.taken[tick].value.usage
        found: list[int] = usage.requests["request_number"][: usage.counts[COUNT_REQUESTS]].tolist()
        return found

    def moves(self, tick: int = -1) -> list[int]:
        """How often each row of a tick moved."""
        usage = self.taken[tick].value.usage
        found: list[int] = usage.requests["moves"][: usage.counts[COUNT_REQUESTS]].tolist()
        return found

    def answer(self, tick: int, outcome: Outcome = Outcome.GRANTED, *, rows: slice = slice(None)) -> None:
        """Answer some rows of a tick: each MSCC is granted its rating group, the account is the request number."""
        usage, answers = self.taken[tick].value
        count, msccs = int(usage.counts[COUNT_REQUESTS]), int(usage.counts[COUNT_MSCCS])
        usage.requests["account_id"][:count] = usage.requests["request_number"][:count]
        answers.answers["is_silent"][:count] = 1
        answers.answers["is_silent"][:count][rows] = 0
        answers.answers["outcome"][:count] = outcome
        answers.msccs["granted"][:msccs] = usage.msccs["rating_group"][:msccs]
        self.server.deliver(self.taken[tick])

    def own(self, *epochs: int) -> None:
        """Own partitions under these epochs from now on."""
        self.epochs[:] = epochs
        self.server.announce()

    def die(self) -> None:
        """As a killed process: links end at once, with what is unsent."""
        self.server.stop_reading()
        for link in list(self.server._links.values()):
            assert link._transport is not None
            link._transport.abort()


class FrontEnd:
    """Links, and what was answered over them: (request number, outcome, account, what its MSCC is granted).

    reached   kill points, as they were passed
    """

    def __init__(self, folder: Path, *, store: int = STORE, grace_s: float = WITHIN_S, partitions: int = 1) -> None:
        self.now_ns = START_NS
        self.answered: list[tuple[int, int, int, int]] = []
        self.reached: list[str] = []
        self.final_units: dict[int, FinalUnit] = {}
        self.store = MemoryStore()
        self.link = EngineLinks(
            folder,
            meta=StoreMeta(partitions, np.zeros(2, np.uint64), (), "always", store),
            store=self.store,
            name="gy",
            deliver=self._deliver,
            now_ns=lambda: self.now_ns,
            take_texts=self.final_units.update,
            reached=self.reached.append,
            grace_s=grace_s,
        )

    def _deliver(self, held: Held[AnsweredBatch]) -> None:
        usage, answers = held.value
        for row in np.flatnonzero(answers.answers["is_silent"][: usage.counts[COUNT_REQUESTS]] == 0).tolist():
            request = usage.requests[row]
            granted = answers.msccs["granted"][request["mscc_first"]] if request["mscc_count"] else 0
            outcome = answers.answers["outcome"][row]
            self.answered.append(
                (int(request["request_number"]), int(outcome), int(request["account_id"]), int(granted))
            )

    def outcomes(self) -> list[tuple[int, int]]:
        """(Request number, outcome) of what was answered, in order."""
        return [answer[:2] for answer in self.answered]

    async def __aenter__(self) -> "FrontEnd":
        await self.link.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.link.close(drain_s=0)
