"""A front end's way to the engines: each row to the owner of its account's partition, across moves and deaths of engines.

`offer` and `deliver` are what Batcher.offer and the engine's deliver are within one process: a front end can't tell which
it has. Engines say over their links what they own; where two do, the higher epoch does. Rows of a partition whose owner
isn't known wait at place 0. What an engine had when it was lost is handed to the next owner, in order: that one finds what
was committed as repeats and gives the recorded answers. So a row that may have been decided is never refused here: it gets
its answer, or none, and its peer asks again.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import structlog

from balances.store import BalanceStore, StoreMeta
from charging.batch import COUNT_REQUESTS, AnsweredBatch, UsageBatch, new_usage_batch
from charging.final_units import FinalUnit
from charging.handed_rows import REFUSE_ALL, REFUSE_NEW, REFUSE_NONE, refuse_some
from charging.routing import order_by_place, refuse_excess, route_requests
from runtime.account_look_up import AccountLookUp
from runtime.batch_in_flight import BatchPool
from runtime.freed_identities import forget_freed
from runtime.handoff_client import EngineLink, LinkTools, WaitingPlace
from runtime.handoff_frames import Frame, fingerprint, release, text_frame
from vocabulary.held import Held
from vocabulary.instants import NS_PER_S
from vocabulary.limits import (
    ANSWER_DEADLINE_S,
    BATCH_REQUESTS_MAX,
    ENGINES_MAX,
    HANDED_OCTETS_MAX,
    LINK_GRACE_S,
    NODE_SIGNS_MAX,
    REQUESTS_QUEUED_MAX,
    REQUESTS_QUEUED_NEW_SESSIONS_MAX,
)

ENGINE_SUFFIX: Final = ".engine"
"""An engine listens in the run folder of the data directory, at its node's name with this behind."""
LONGEST_SOCKET_NAME: Final = NODE_SIGNS_MAX * "n" + ENGINE_SUFFIX
"""Whether the folder is reached by a shorter way (balances/edge/embedded_socket.py) is decided by this, alike for all."""
LOOK_S: Final = 0.25
FIND_S: Final = 0.05
_DEADLINE_NS: Final = ANSWER_DEADLINE_S * NS_PER_S


class EngineLinks:
    """One front end's links to the engines of a data directory.

    folder     in which engines have their sockets
    meta       of the store that the front end works on
    store      where it finds accounts
    name       of the front end's kind: for logs, and for kill points (`<name>.rows_kept` and the others)
    deliver    gets rows and answers: rows that aren't answered by this call are silent, account_id is the engine's.
               The memory is used again when it returns
    take_texts gets texts of final units, before answers that name them
    now_ns     the clock that `received_ns` of rows comes from
    on_change  told whether every partition has an owner
    reached    kill points
    """

    def __init__(
        self,
        folder: Path,
        *,
        meta: StoreMeta,
        store: BalanceStore,
        name: str,
        deliver: Callable[[Held[AnsweredBatch]], None],
        now_ns: Callable[[], int],
        take_texts: Callable[[Mapping[int, FinalUnit]], None] = lambda units: None,
        on_change: Callable[[bool], None] = lambda is_up: None,
        reached: Callable[[str], None] = lambda point: None,
        grace_s: float = LINK_GRACE_S,
    ) -> None:
        self.moved_total = 0
        """rows that were handed to a further engine, or waited for one"""
        self._folder = folder
        self._store, self._secret = store, meta.secret
        self._deliver = deliver
        self._now_ns = now_ns
        self._on_change = on_change
        self._reached = reached
        self._name = name
        self._grace_s = grace_s
        self._tools = LinkTools(
            name=name,
            greeting=lambda: text_frame(Frame.HELLO, meta.created_ns, fingerprint(), f"{name}\n{release()}"),
            partition_count=meta.partition_count,
            deliver=self._deliver_answers,
            take_texts=take_texts,
            reached=reached,
        )
        self._look_up = AccountLookUp(
            store=store,
            pool=BatchPool(),
            offer=self.offer,
            deliver=lambda batch: self._deliver_answers(batch.answered),
            spawn=self._spawn,
        )
        self._nobody = WaitingPlace(0, self._tools)
        self._places: list[WaitingPlace] = [self._nobody]
        self._links: dict[Path, EngineLink] = {}
        self._owners = np.zeros(meta.partition_count, np.int32)
        """place of the owner by partition; 0: nobody known"""
        self._rows = np.zeros(4 * BATCH_REQUESTS_MAX, np.int32)
        self._firsts = np.zeros(ENGINES_MAX + 4, np.int64)
        self._again = new_usage_batch()
        self._refused = 0
        self._down_since = 0.0
        self._is_up = False
        self._reasons: dict[Path, str] = {}
        self._went_up, self._emptied = asyncio.Event(), asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._looking: asyncio.TimerHandle | None = None
        self._log = structlog.get_logger(process=name)

    # --- for front ends --------------------------------------------------------------------------------------------------

    @property
    def is_up(self) -> bool:
        """Has every partition an owner that takes rows now?"""
        return self._is_up

    @property
    def why_down(self) -> str:
        """Why not."""
        if self._is_up:
            return ""
        reasons = sorted({reason for reason in self._reasons.values() if reason})
        return "; ".join(reasons) or "the engine isn't found yet"

    @property
    def waiting_rows(self) -> int:
        """Rows that are kept without an answer."""
        return sum(place.ticks.rows for place in self._places) + self._look_up.waiting

    @property
    def refused_total(self) -> int:
        """Rows that were answered TOO_BUSY here."""
        return self._refused + self._look_up.refused_total + sum(place.refused_total for place in self._places)

    @property
    def given_up_total(self) -> int:
        """Rows that an engine may have decided and that no answer came for."""
        return sum(place.given_up_total for place in self._places)

    async def start(self) -> None:
        """Begin to connect, and go on until `close`; `wait_up` says when it is done."""
        self._loop = asyncio.get_running_loop()
        self._down_since = self._loop.time()
        self._spawn(self._find_engines())
        self._spawn(forget_freed(self._store, self._look_up.finder, self._secret))
        self._looking = self._loop.call_later(LOOK_S, self._look)

    async def wait_up(self) -> None:
        """Until every partition has an owner."""
        await self._went_up.wait()

    def offer(self, batch: UsageBatch) -> int:
        """Hand over the undecided requests of a tick; they are copied, the batch may be used again at once.

        As Batcher.offer: requests that have an outcome when this returns are the caller's to answer, among them those that
        are refused here because an owner is missing or too many rows wait (TOO_BUSY). How many these are.
        """
        count = int(batch.counts[COUNT_REQUESTS])
        refusal = self._refusal()
        before = int(refuse_some(batch, REFUSE_NONE))
        answered = int(refuse_some(batch, refusal)) if refusal else before
        self._refused += answered - before
        if answered == count:
            return answered
        refused_before = self._refused + self._look_up.refused_total
        places = len(self._places)
        route_requests(batch, self._look_up.finder, self._owners, places, self._rows, self._firsts)
        firsts = self._firsts[: places + 2].tolist()
        if firsts[1] and self._is_grace_over():
            refuse_excess(batch, self._rows, 0, firsts[1], True)
            self._refused += firsts[1]
            firsts[0] = firsts[1]
        if firsts[places + 1] > firsts[places]:
            self._look_up.later(batch, self._rows, firsts[places], firsts[places + 1] - firsts[places])
        self._keep(batch, firsts, is_new=True)
        return answered + self._refused + self._look_up.refused_total - refused_before

    def _keep(self, batch: UsageBatch, firsts: list[int], *, is_new: bool) -> None:
        """Keep ordered rows at their places, and send what can be sent."""
        kept = []
        for number, place in enumerate(self._places):
            first, count = firsts[number], firsts[number + 1] - firsts[number]
            if count:
                place.keep(batch, self._rows, first, count, is_new=is_new)
                kept.append(place)
        if kept:
            self._reached(f"{self._name}.rows_kept")
        for place in kept:
            if isinstance(place, EngineLink):
                place.send()

    def _refusal(self) -> int:
        """What is refused now: nothing, new sessions, or everything."""
        assert self._loop is not None, "start comes first"
        rows = sum(place.ticks.rows for place in self._places)
        if rows > REQUESTS_QUEUED_MAX or sum(place.ticks.octets for place in self._places) > HANDED_OCTETS_MAX:
            return REFUSE_ALL
        return REFUSE_NEW if rows > REQUESTS_QUEUED_NEW_SESSIONS_MAX else REFUSE_NONE

    def _is_grace_over(self) -> bool:
        """Has a partition been without an owner for longer than rows wait for one?"""
        assert self._loop is not None
        return self._loop.time() - self._down_since > self._grace_s

    async def drain(self, drain_s: float) -> None:
        """Wait a little for the answers that are under way."""
        assert self._loop is not None
        ends = self._loop.time() + drain_s
        while self.waiting_rows and self._loop.time() < ends:
            self._emptied.clear()
            try:
                async with asyncio.timeout_at(min(ends, self._loop.time() + LOOK_S)):
                    await self._emptied.wait()
            except TimeoutError:
                continue

    async def close(self, *, drain_s: float = 2.0) -> None:
        """Wait a little for the answers that are under way, then end the links."""
        if self._loop is None:
            return
        await self.drain(drain_s)
        if self.waiting_rows:
            self._log.warning("requests left without an answer", rows=self.waiting_rows)
        if self._looking is not None:
            self._looking.cancel()
        for link in self._links.values():
            await link.close()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks))
        self._loop = None

    def _deliver_answers(self, answered: Held[AnsweredBatch]) -> None:
        self._deliver(answered)
        if not self.waiting_rows:
            self._emptied.set()

    # --- LinkEvents ------------------------------------------------------------------------------------------------------

    def on_owned(self, link: EngineLink) -> None:
        """See LinkEvents: rows follow their partitions; those of an engine that is gone wait for the next owner."""
        self._owners[:] = self._found_owners()
        if not link.is_up:
            self.moved_total += link.take_back(self._owners, self._again, self._keep_again, leaves_all=True)
        for place in self._places:
            if place.ticks.rows:
                moved = place.take_back(self._owners, self._again, self._keep_again, leaves_all=False)
                self.moved_total += moved if place.place else 0
        self._note_state()
        link.send()

    def on_returned(self, link: EngineLink) -> None:
        """See LinkEvents: whatever the engine said, it doesn't own those rows' partitions until it says so again."""

        def keep_returned() -> None:
            accounts = self._again.requests["account_id"][: self._again.counts[COUNT_REQUESTS]]
            for partition in set((accounts % len(self._owners)).tolist()):
                link.owned.pop(partition, None)
            self._owners[:] = self._found_owners()
            self._keep_again()

        self.moved_total += link.take_back(self._owners, self._again, keep_returned, leaves_all=False)
        self._note_state()

    def on_down(self, link: EngineLink, reason: str) -> None:
        """See LinkEvents: a line for each reason, not for each attempt."""
        if self._reasons.get(link.path) != reason:
            self._reasons[link.path] = reason
            self._log.warning("engine link down", reason=reason, waiting_rows=self.waiting_rows)

    def _found_owners(self) -> list[int]:
        """Place of the owner by partition: of engines that say they own it, that of the highest epoch."""
        best = [(0, 0)] * len(self._owners)
        for link in self._links.values():
            for partition, epoch in link.owned.items():
                best[partition] = max(best[partition], (epoch, link.place))
        return [place for _, place in best]

    def _keep_again(self) -> None:
        """Keep rows that were taken from one place at the place of their owner."""
        places = len(self._places)
        order_by_place(self._again, self._owners, places, self._rows, self._firsts)
        self._keep(self._again, self._firsts[: places + 2].tolist(), is_new=False)

    def _note_state(self) -> None:
        """Say whether every partition has an owner, where that changed."""
        is_up = bool(self._owners.all())
        for link in self._links.values():
            if link.is_up:
                self._reasons.pop(link.path, None)
        if is_up == self._is_up:
            return
        self._is_up = is_up
        if is_up:
            self._went_up.set()
        else:
            assert self._loop is not None
            self._down_since = self._loop.time()
            self._went_up.clear()
        self._on_change(is_up)

    # --- what is looked at now and then ----------------------------------------------------------------------------------

    async def _find_engines(self) -> None:
        """A link for each socket that appears in the folder; an engine that comes back has the same."""
        while True:
            for path in sorted(self._folder.glob(f"*{ENGINE_SUFFIX}")):
                if path not in self._links and len(self._links) < ENGINES_MAX:
                    link = self._links[path] = EngineLink(path, len(self._places), self._tools, self)
                    self._places.append(link)
                    link.start()
            await asyncio.sleep(FIND_S)

    def _look(self) -> None:
        """Rows past their deadline are refused or given up; what waits is sent where the engine reads again."""
        assert self._loop is not None
        self._looking = self._loop.call_later(LOOK_S, self._look)
        unsent_before_ns = self._now_ns() - _DEADLINE_NS
        for place in self._places:
            place.end_overdue(unsent_before_ns, unsent_before_ns - _DEADLINE_NS)
            if isinstance(place, EngineLink):
                place.send()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._loop is not None
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_task_done)

    def _on_task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._log.error("background work failed", error=repr(task.exception()))
