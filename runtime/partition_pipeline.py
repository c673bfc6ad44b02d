"""One partition's pipeline: load, decide, commit, answer; one commit outstanding, the next load in the same write.

While the store works on `[commit n][load n + 1]`, rows of batch n + 2 gather. When the reply comes, n + 1 is decided and
its commit sent with the load of n + 2, and only then the answers of n are given out: so a batch is always decided on a
confirmed store, and encoding overlaps the store's work.
"""

from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from balances.store import (
    Commit,
    Committed,
    Diverged,
    EntryId,
    Exchanged,
    Load,
    LostOwnership,
    Ownership,
    PartitionConnection,
    Unknown,
)
from charging.batch import COUNT_REQUESTS, UsageBatch
from charging.batch_rows import refuse_undecided, take_rows
from charging.decision import new_scratch
from charging.grouping import new_group_table
from charging.tariff_tables import TariffTables
from runtime.batch_decision import PoisonedBatch, decide_loaded, has_effect, make_commit, prepare_load
from runtime.batch_in_flight import BatchInFlight, BatchPool
from runtime.clock import Clock
from runtime.pipeline_events import PipelineEvents
from vocabulary.instants import NS_PER_S
from vocabulary.limits import ANSWER_DEADLINE_S, BATCH_REQUESTS_MAX
from vocabulary.outcomes import Outcome

_DEADLINE_NS: Final = ANSWER_DEADLINE_S * NS_PER_S


class PipelineState(Enum):
    """Whether the partition decides, waits for its store, or is another's."""

    READY = "ready"
    AWAY = "store away"
    LOST = "owned by another"


class PartitionPipeline:
    """The owner's side of one partition.

    deliver      gets each batch once its commit is confirmed, or it is refused
    reconnect    called when the connection is lost; `resume` is called with a new one when there is one
    reclaim      called when the store has diverged; `resume_diverged` follows with the new ownership
    """

    def __init__(
        self,
        *,
        ownership: Ownership,
        connection: PartitionConnection,
        tariffs: TariffTables,
        clock: Clock,
        pool: BatchPool,
        deliver: Callable[[BatchInFlight], None],
        events: PipelineEvents,
        reached: Callable[[str], None],
    ) -> None:
        self.tariffs = tariffs
        self.state = PipelineState.READY
        self.queued = 0
        self._ownership = ownership
        self._connection = connection
        self._clock = clock
        self._pool = pool
        self._deliver = deliver
        self._events = events
        self._reached = reached
        self._last_id = ownership.tail
        self._next_number = 1
        self._pending: deque[BatchInFlight] = deque()
        self._loading: BatchInFlight | None = None
        self._committing: BatchInFlight | None = None
        self._is_busy = False
        self._voids: tuple[str, ...] = ()
        self._scratch = new_scratch()
        self._group_table = new_group_table()

    @property
    def partition(self) -> int:
        """Number of the partition."""
        return self._ownership.partition

    @property
    def ownership(self) -> Ownership:
        """The claim under which it writes."""
        return self._ownership

    def offer(self, source: UsageBatch, rows: NDArray[np.int32], first: int, count: int) -> None:
        """Queue rows[first:first + count] of `source`; they are copied."""
        self.queued += count
        while count:
            batch = self._open_batch()
            taken = int(take_rows(batch.usage, source, rows, first, count))
            if taken == 0:
                self._pending.append(self._pool.take())
                continue
            first += taken
            count -= taken
        self.advance()

    def pending_for_commands(self) -> BatchInFlight:
        """The batch that account commands and expiry rows are appended to; `advance` sends it off."""
        batch = self._open_batch()
        if int(batch.usage.counts[COUNT_REQUESTS]) * 2 > BATCH_REQUESTS_MAX:
            batch = self._pool.take()
            self._pending.append(batch)
        return batch

    def _open_batch(self) -> BatchInFlight:
        if not self._pending:
            self._pending.append(self._pool.take())
        batch = self._pending[-1]
        if batch.oldest_ns == 0:
            batch.oldest_ns = self._clock.now_ns()
        return batch

    def advance(self) -> None:
        """Start an exchange where none is under way and rows wait."""
        if self._is_busy or self.state is not PipelineState.READY:
            return
        load = self._start_load()
        if load is not None:
            self._exchange(None, load)

    def _start_load(self) -> Load | None:
        if not self._pending or not self._pending[0].request_count:
            return None
        batch = self._pending.popleft()
        self.queued -= batch.request_count
        self._loading = batch
        return prepare_load(batch, self._group_table)

    def _exchange(self, commit: Commit | None, load: Load | None) -> None:
        self._is_busy = True
        self._connection.exchange(commit, load, self._on_exchanged)
        if commit is not None:
            self._reached("engine.commit_sent")

    def _on_exchanged(self, exchanged: Exchanged) -> None:
        """The reply of `[commit n][load n + 1]`."""
        self._is_busy = False
        committed, self._committing = self._committing, None
        if committed is not None and not isinstance(exchanged.commit, Committed):
            self._committing = committed
            self._on_refused(exchanged.commit)
            return
        if committed is not None:
            self._reached("engine.commit_done")
            self._events.on_committed(self.partition, committed.request_count, self._clock.now_ns())
        if self._loading is not None and exchanged.loaded is None:
            self._finish(committed)
            self._on_store_away(exchanged.failed)
            return
        commit = None
        unwritten = None
        if self._loading is not None and exchanged.loaded is not None:
            batch, self._loading = self._loading, None
            self._reached("engine.loaded")
            try:
                decide_loaded(batch, exchanged.loaded, self.tariffs, self._scratch, self._clock.now_ns())
            except PoisonedBatch as poison:
                self._split(batch, str(poison))
            else:
                self._reached("engine.decided")
                if has_effect(batch):
                    commit = self._commit_of(batch)
                else:
                    unwritten = batch
        load = self._start_load()
        if commit is not None or load is not None:
            self._exchange(commit, load)
        self._finish(committed)
        self._finish(unwritten)

    def _commit_of(self, batch: BatchInFlight) -> Commit:
        entry_id = EntryId(self._ownership.epoch, self._next_number)
        self._next_number += 1
        batch.voids, self._voids = self._voids, ()
        self._committing = batch
        commit = make_commit(batch, self._ownership, self._last_id, entry_id)
        self._last_id = entry_id
        return commit

    def _finish(self, batch: BatchInFlight | None) -> None:
        """Give out the answers of a batch and keep its memory."""
        if batch is None:
            return
        self._deliver(batch)
        self._reached("engine.answers_sent")
        for finished in batch.on_finished:
            finished()
        self._pool.give_back(batch)

    # --- what can go wrong -------------------------------------------------------------------------------------------

    def _on_refused(self, result: object) -> None:
        """The commit was not confirmed."""
        if isinstance(result, LostOwnership):
            self._events.on_lost(self.partition, result.stored_token)
            self.state = PipelineState.LOST
            self._refuse_everything()
        elif isinstance(result, Diverged):
            self.state = PipelineState.AWAY
            self._events.on_diverged(self.partition, result.stored_tail)
        else:
            reason = result.reason if isinstance(result, Unknown) else "the connection was lost"
            self._on_store_away(reason)

    def _on_store_away(self, reason: str) -> None:
        self.state = PipelineState.AWAY
        self._events.on_away(self.partition, reason)

    def resume(self, connection: PartitionConnection) -> None:
        """Go on over a new connection: the same commit again, unchanged, and the load behind it."""
        self._connection = connection
        self.state = PipelineState.READY
        commit = self._committing.commit if self._committing is not None else None
        load = self._loading.load if self._loading is not None else None
        if commit is None and load is None:
            self.advance()
        else:
            self._exchange(commit, load)

    def resume_diverged(self, ownership: Ownership, connection: PartitionConnection) -> None:
        """Go on under a higher epoch: the rows of the refused commit are decided again on what the store has now."""
        lost_from, lost_to = ownership.tail, self._previous_id()
        if lost_to.epoch == lost_from.epoch:
            self._voids = tuple(
                str(EntryId(lost_to.epoch, number)) for number in range(lost_from.number + 1, lost_to.number + 1)
            )
        else:
            self._voids = tuple(str(EntryId(lost_to.epoch, number)) for number in range(1, lost_to.number + 1))
        self._ownership = ownership
        self._last_id = ownership.tail
        self._next_number = 1
        for batch in (self._loading, self._committing):
            if batch is not None:
                self.queued += batch.request_count
                self._pending.appendleft(batch)
        self._loading = self._committing = None
        self._connection = connection
        self.state = PipelineState.READY
        self.advance()

    def _previous_id(self) -> EntryId:
        """The last id that was confirmed."""
        if self._committing is not None and self._committing.commit is not None:
            return self._committing.commit.previous_id
        return self._last_id

    def _split(self, batch: BatchInFlight, reason: str) -> None:
        """Decide a poisoned batch again in halves, in order, until the bad row stands alone; that one gets 5012."""
        count = batch.request_count
        if count == 1:
            self._events.on_quarantined(self.partition, reason, batch)
            refuse_undecided(batch.usage, batch.answers, int(Outcome.UNABLE_TO_COMPLY))
            self._finish(batch)
            return
        rows = np.arange(count, dtype=np.int32)
        halves = []
        for first, size in ((0, count // 2), (count // 2, count - count // 2)):
            half = self._pool.take()
            half.oldest_ns = batch.oldest_ns
            half.command_ids.extend(batch.command_ids)
            take_rows(half.usage, batch.usage, rows, first, size)
            halves.append(half)
        halves[1].commands_position = batch.commands_position
        halves[1].on_finished.extend(batch.on_finished)
        self._pending.extendleft(reversed(halves))
        self.queued += count
        self._pool.give_back(batch)

    def refuse_overdue(self, now_ns: int) -> None:
        """Answer rows 3004 that wait for an absent store past their deadline; call each second."""
        if self.state is PipelineState.READY:
            return
        while self._pending and self._pending[0].oldest_ns < now_ns - _DEADLINE_NS:
            self._refuse(self._pending.popleft())

    def _refuse_everything(self) -> None:
        """Nothing of this partition is decided here any more."""
        for batch in (self._committing, self._loading):
            if batch is not None:
                self.queued += batch.request_count
                self._refuse(batch)
        self._committing = self._loading = None
        while self._pending:
            self._refuse(self._pending.popleft())

    def _refuse(self, batch: BatchInFlight) -> None:
        self.queued -= batch.request_count
        refuse_undecided(batch.usage, batch.answers, int(Outcome.TOO_BUSY))
        self._finish(batch)

    @property
    def is_idle(self) -> bool:
        """Nothing waits and nothing is under way."""
        return not self._is_busy and self._committing is None and not any(b.request_count for b in self._pending)

    def close(self) -> None:
        """End the connection; call when idle, or what is under way stays unanswered."""
        self._connection.close()
