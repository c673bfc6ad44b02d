"""One partition's pipeline: load, decide, commit, answer; one commit outstanding, the next load in the same write.

While the store works on `[commit n][load n + 1]`, rows of batch n + 2 gather. When the reply comes, n + 1 is decided and
its commit sent with the load of n + 2, and only then the answers of n are given out: so a batch is always decided on a
confirmed store, and encoding overlaps the store's work. Where many small batches would come of it, a commit and the rows
of the next load wait a moment for more (runtime/gathering.py).
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
from runtime.batch_decision import PoisonedBatch, decide_loaded, drop_commands, has_effect, make_commit, prepare_load
from runtime.batch_in_flight import BatchInFlight, BatchPool
from runtime.batch_parts import halve, late_usage, part
from runtime.clock import Clock
from runtime.gathering import Gathering
from runtime.journal_fill import JournalFill
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
    events       told of what goes wrong; mends it, then calls `resume`, or `resume_diverged` with a new ownership
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
        gathering: Gathering,
    ) -> None:
        self.tariffs = tariffs
        self.state = PipelineState.READY
        self.queued = 0
        self.takes_new_sessions = True  # False where journal or disk are nearly full; the batcher asks
        self.journal_fill = JournalFill()
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
        self._gathering = gathering
        self._is_gathering = False
        self._sent_ns = 0
        self._voids: tuple[str, ...] = ()
        self._scratch = new_scratch()
        self._group_table = new_group_table()

    @property
    def partition(self) -> int:
        """Number of the partition."""
        return self._ownership.partition

    @property
    def queued_batches(self) -> int:
        """Batches that wait."""
        return len(self._pending)

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
        return self._pending[-1]

    def advance(self) -> None:
        """Start an exchange where none is under way and rows wait."""
        if self._is_gathering and self._gathering.wait_ns(self.queued, 0) == 0:
            self._end_gathering()
        if self._is_busy or self.state is not PipelineState.READY:
            return
        self._exchange_waiting()

    def _start_load(self) -> Load | None:
        if not self._pending or not self._pending[0].request_count:
            return None
        batch = self._pending.popleft()
        self.queued -= batch.request_count
        self._loading = batch
        self._gathering.note(batch.request_count)
        return prepare_load(batch, self._group_table)

    def _queue_again(self, batch: BatchInFlight) -> None:
        """Put a batch back in front of those that wait."""
        self.queued += batch.request_count
        self._pending.appendleft(batch)

    def _exchange(self, commit: Commit | None, load: Load | None) -> None:
        self._is_busy = True
        self._sent_ns = self._clock.now_ns()
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
            now_ns = self._clock.now_ns()
            committed.commit_ns = now_ns - self._sent_ns
            assert committed.commit is not None
            self.journal_fill.add(committed.commit.entry_id, len(committed.commit.entry))
            self._events.on_committed(self.partition, committed.request_count, now_ns)
        if self._loading is not None and exchanged.loaded is None:
            self._finish(committed)
            self._on_store_away(exchanged.failed)
            return
        commit = None
        unwritten = None
        if self._loading is not None and exchanged.loaded is not None:
            batch, self._loading = self._loading, None
            self._reached("engine.loaded")
            began_ns = self._clock.now_ns()
            try:
                decide_loaded(batch, exchanged.loaded, self.tariffs, self._scratch, began_ns)
            except PoisonedBatch as poison:
                self._split(batch, str(poison))
            else:
                batch.decide_ns = self._clock.now_ns() - began_ns
                self._reached("engine.decided")
                if has_effect(batch):
                    commit = self._commit_of(batch)
                else:
                    unwritten = batch
        self._go_on(commit)
        self._finish(committed)
        self._finish(unwritten)

    def _go_on(self, commit: Commit | None) -> None:
        """Send what was decided with the next load: at once, or when rows for it have gathered."""
        wait_ns = self._gathering.wait_ns(self.queued, self._clock.now_ns() - self._sent_ns)
        if wait_ns == 0:
            load = self._start_load()
            if commit is not None or load is not None:
                self._exchange(commit, load)
        elif commit is not None or self.queued:
            self._is_busy = self._is_gathering = True
            self._gathering.call_after(wait_ns, self._end_gathering)

    def _end_gathering(self) -> None:
        """Send what has gathered."""
        if self._is_gathering:
            self._is_busy = self._is_gathering = False
            self._exchange_waiting()

    def _exchange_waiting(self) -> None:
        """Exchange the commit that isn't confirmed, if there is one, and the next load, if rows wait."""
        commit = None if self._committing is None else self._committing.commit
        load = self._start_load()
        if commit is not None or load is not None:
            self._exchange(commit, load)

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
        self._close_batch(batch, is_written=True)

    def _close_batch(self, batch: BatchInFlight, *, is_written: bool) -> None:
        for finished in batch.on_finished:
            finished(is_written)
        self._pool.give_back(batch)

    # --- what can go wrong -------------------------------------------------------------------------------------------

    def _on_refused(self, result: object) -> None:
        """The commit was not confirmed."""
        if isinstance(result, LostOwnership):
            self.state = PipelineState.LOST
            self._events.on_lost(self.partition, result.stored_token)
            self._refuse_everything()
        elif isinstance(result, Diverged):
            self._requeue_loading()
            self.state = PipelineState.AWAY
            self._events.on_diverged(self.partition, result.stored_tail)
        else:
            assert self._committing is not None
            self._committing.may_be_written = True
            reason = result.reason if isinstance(result, Unknown) else "the connection was lost"
            self._on_store_away(reason)

    def lose(self, stored_token: str) -> None:
        """The owner's key names another engine; where something is under way its reply says so, and what became of it."""
        if self.state is PipelineState.READY and not self._is_busy and self._committing is None:
            self.state = PipelineState.LOST
            self._events.on_lost(self.partition, stored_token)
            self._refuse_everything()

    def _on_store_away(self, reason: str) -> None:
        self._requeue_loading()
        self.state = PipelineState.AWAY
        self._events.on_away(self.partition, reason)

    def _requeue_loading(self) -> None:
        """What was being loaded waits again: nothing of it was decided, and its deadline goes on."""
        batch, self._loading = self._loading, None
        if batch is not None:
            self._queue_again(batch)

    def resume(self, connection: PartitionConnection) -> None:
        """Go on over a new connection: the same commit again, unchanged, and the next load behind it."""
        self._replace_connection(connection)
        self._exchange_waiting()

    def _replace_connection(self, connection: PartitionConnection) -> None:
        self._connection.close()
        self._connection = connection
        self.state = PipelineState.READY

    def resume_diverged(self, ownership: Ownership, connection: PartitionConnection) -> None:
        """Go on under a higher epoch: the rows of the refused commit are decided again on what the store has now.

        Account commands are not: the store's stream and position are older, too, so they are read again from there.
        """
        batch, self._committing = self._committing, None
        lost = self._lost_ids(batch, ownership.tail)
        if batch is not None:
            lost = (*batch.voids, *lost)  # its commit named them and didn't happen
            batch.voids = ()
            batch.may_be_written = False
            batch.commit = None
            self._queue_again(batch)
        self._voids = (*self._voids, *(name for name in lost if name not in self._voids))
        self._ownership = ownership
        self._last_id = ownership.tail
        self._next_number = 1
        for waiting in self._pending:
            drop_commands(waiting)
        self._replace_connection(connection)
        self.advance()

    def _lost_ids(self, batch: BatchInFlight | None, stored: EntryId) -> tuple[str, ...]:
        """Ids of this owner and of the tail that it found, as far as they are known, that the store has no more."""
        last = self._last_id
        if batch is not None and batch.commit is not None and not batch.may_be_written:
            last = batch.commit.previous_id
        found = self._ownership.tail
        ids: list[EntryId] = []
        if found > stored:
            ids.extend(EntryId(found.epoch, number) for number in range(_first_lost(found, stored), found.number + 1))
        if last.epoch == self._ownership.epoch:
            ids.extend(EntryId(last.epoch, number) for number in range(_first_lost(last, stored), last.number + 1))
        return tuple(map(str, ids))

    def _split(self, batch: BatchInFlight, reason: str) -> None:
        """Decide a poisoned batch again in halves, in order, until the bad row stands alone; that one gets 5012.

        The bad row goes through once more with its outcome: so an account command has an answer and is not read again.
        """
        if batch.request_count == 1:
            self._events.on_quarantined(self.partition, reason, batch)
            batch.usage.requests["outcome"][0] = Outcome.UNABLE_TO_COMPLY
            self._queue_again(batch)
            return
        for half in reversed(halve(batch, self._pool)):
            self._queue_again(half)

    def refuse_overdue(self, now_ns: int) -> None:
        """Answer requests 3004 that were not sent to the store by their deadline; call each second.

        Account commands and wake-ups wait on: nobody gives up on them.
        """
        for _ in range(len(self._pending)):
            batch = self._pending.popleft()
            is_late = late_usage(batch, now_ns - _DEADLINE_NS)
            if is_late.any():
                self.queued -= batch.request_count
                late, batch = part(batch, is_late, self._pool)
                self._refuse(late)
                self.queued += batch.request_count
            if batch.request_count:
                self._pending.append(batch)
            else:
                self._pool.give_back(batch)

    def _refuse_everything(self) -> None:
        """Nothing of this partition is decided here any more. What may be in the store is not answered."""
        for batch in (self._committing, self._loading, *self._pending):
            if batch is not None:
                self._refuse(batch)
        self._committing = self._loading = None
        self._pending.clear()
        self.queued = 0

    def _refuse(self, batch: BatchInFlight) -> None:
        """3004 for requests that are certainly not in the store; silence where that isn't known: they come again."""
        refuse_undecided(batch.usage, batch.answers, int(Outcome.TOO_BUSY))
        if batch.may_be_written:
            batch.answers.answers["is_silent"][: batch.request_count] = 1
        self._deliver(batch)
        self._close_batch(batch, is_written=False)

    @property
    def is_idle(self) -> bool:
        """Nothing waits and nothing is under way."""
        return not self._is_busy and self._committing is None and not any(b.request_count for b in self._pending)

    def close(self) -> None:
        """End the connection; call when idle, or what is under way stays unanswered."""
        self._connection.close()


def _first_lost(last: EntryId, stored: EntryId) -> int:
    """Number of the first entry of `last`'s epoch that a store with the tail `stored` does not have."""
    return stored.number + 1 if stored.epoch == last.epoch else 1
