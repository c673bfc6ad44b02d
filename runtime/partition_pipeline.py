"""One partition's pipeline: load, decide, commit, answer; one commit outstanding, the next load in the same write.

While the store works on commit n, rows gather. When the reply comes, they are decided on the records that are kept
(balances/kept_records.py) and their commit is sent: so a batch is always decided on a confirmed store. The answers of n go
out before that where they are few; those of a large batch after it, so that encoding them overlaps the store's work. Where
records are not kept, the rows that wait are loaded in the same write as a commit, and others gather behind them. Where
many small batches would come of it, rows wait a moment for more (runtime/gathering.py).
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from balances.store import (
    NOTHING_LOADED,
    Commit,
    Committed,
    Diverged,
    Exchanged,
    Load,
    Loaded,
    LostOwnership,
    Ownership,
    PartitionConnection,
    Unknown,
    Unwritten,
)
from charging.batch import UsageBatch
from charging.batch_rows import refuse_undecided
from charging.tariff_tables import TariffTables
from runtime.batch_decision import (
    BatchDecider,
    Deciding,
    PoisonedBatch,
    RecordsForgotten,
    drop_commands,
    has_effect,
    make_commit,
)
from runtime.batch_in_flight import BatchInFlight, BatchPool
from runtime.batch_kernels import HELD_TARIFFS
from runtime.batch_parts import halve
from runtime.clock import Clock
from runtime.gathering import Gathering
from runtime.journal_fill import JournalFill
from runtime.lost_entries import OwnEntries
from runtime.pipeline_events import PipelineEvents, PipelineState
from runtime.waiting_rows import WaitingRows
from vocabulary.held import Held
from vocabulary.instants import NS_PER_S
from vocabulary.limits import ANSWER_DEADLINE_S
from vocabulary.outcomes import Outcome

ANSWERED_FIRST_MAX: Final = 300
"""So many answers are written in a fraction of the time that deciding the next batch takes, for which they needn't wait."""
_DEADLINE_NS: Final = ANSWER_DEADLINE_S * NS_PER_S


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
        deciding: Deciding,
    ) -> None:
        self.use_tariffs(tariffs)
        self.state = PipelineState.READY
        self.waiting = WaitingRows(pool)
        self.takes_new_sessions = True  # False where journal or disk are nearly full; the batcher asks
        self.journal_fill = JournalFill()
        self._entries = OwnEntries(ownership)
        self._connection = connection
        self._clock = clock
        self._pool = pool
        self._deliver = deliver
        self._events = events
        self._reached = reached
        self._loading: BatchInFlight | None = None
        self._committing: BatchInFlight | None = None
        self._is_busy = False
        self._gathering = gathering
        self._is_gathering = False
        self._sent_ns = 0
        self._decider = BatchDecider(deciding)
        self._loads_ahead = False
        """Was something to be loaded for the batch before? Then the next is looked at while a commit is under way."""

    @property
    def partition(self) -> int:
        """Number of the partition."""
        return self.ownership.partition

    @property
    def queued(self) -> int:
        """Rows that wait."""
        return self.waiting.queued

    @property
    def ownership(self) -> Ownership:
        """The claim under which it writes."""
        return self._entries.ownership

    def use_tariffs(self, tariffs: TariffTables) -> None:
        """Decide with these tables from the next batch on."""
        self._tariffs = Held(tariffs, HELD_TARIFFS)

    def offer(self, source: UsageBatch, rows: NDArray[np.int32], first: int, count: int) -> None:
        """Queue rows[first:first + count] of `source`; they are copied."""
        self.waiting.append(source, rows, first, count)
        self.advance()

    def advance(self) -> None:
        """Start an exchange where none is under way and rows wait."""
        if self._is_gathering and self._gathering.wait_ns(self.queued, 0) == 0:
            self._end_gathering()
        if self._is_busy or self.state is not PipelineState.READY:
            return
        self._exchange_waiting()

    def _load_ahead(self) -> None:
        """What waits is loaded beside the commit; where nothing is to be loaded, more may join it meanwhile."""
        batch = self.waiting.take()
        if batch is not None:
            self._loads_ahead = not self._decider.prepare(batch).is_empty
            if self._loads_ahead:
                self._loading = batch
            else:
                self.waiting.put_back(batch)

    def _exchange(self, commit: Commit | None, load: Load | None) -> None:
        self._is_busy = True
        self._sent_ns = self._clock.now_ns()
        self._gathering.note(
            max(batch.request_count for batch in (self._committing, self._loading) if batch is not None)
        )
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
            self._decider.keep(committed)
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
        unwritten = None
        if self._loading is not None and exchanged.loaded is not None:
            batch, self._loading = self._loading, None
            unwritten = self._decide(batch, exchanged.loaded)
        if committed is not None and committed.request_count > ANSWERED_FIRST_MAX:
            self._go_on()
            self._finish(committed)
        else:
            self._finish(committed)
            self._go_on()
        self._finish(unwritten)

    def _decide(self, batch: BatchInFlight, loaded: Loaded) -> BatchInFlight | None:
        """Decide a batch and make its commit; the batch again where it writes nothing and is to be answered.

        What would write nothing, though some of it was kept, is decided again on the store: another owner may be there.
        """
        self._reached("engine.loaded")
        began_ns = self._clock.now_ns()
        try:
            self._decider.decide(batch, loaded, self._tariffs, began_ns)
        except PoisonedBatch as poison:
            self._split(batch, str(poison))
            return None
        except RecordsForgotten:
            self._load_whole(batch)
            return None
        batch.decide_ns = self._clock.now_ns() - began_ns
        self._reached("engine.decided")
        if has_effect(batch):
            self._make_commit(batch)
            return None
        if not self._decider.is_whole(batch):
            self._load_whole(batch)
            return None
        return batch

    def _load_whole(self, batch: BatchInFlight) -> None:
        self._decider.prepare(batch, is_whole=True)
        self._loading = batch

    def _go_on(self) -> None:
        """Send what is decided and what is to be loaded: at once, or when rows for it have gathered."""
        wait_ns = self._gathering.wait_ns(self.queued, self._clock.now_ns() - self._sent_ns)
        if wait_ns == 0:
            self._exchange_waiting()
        elif self._committing is not None or self._loading is not None or self.queued:
            self._is_busy = self._is_gathering = True
            self._gathering.call_after(wait_ns, self._end_gathering)

    def _end_gathering(self) -> None:
        """Send what has gathered."""
        if self._is_gathering:
            self._is_busy = self._is_gathering = False
            self._exchange_waiting()

    def _exchange_waiting(self) -> None:
        """Exchange the commit that isn't confirmed and the next load; without one, decide first what waits."""
        while self._committing is None and self._loading is None:
            batch = self.waiting.take()
            if batch is None:
                break
            self._loads_ahead = not self._decider.prepare(batch).is_empty
            if self._loads_ahead:
                self._loading = batch
            else:
                self._finish(self._decide(batch, NOTHING_LOADED))
        if self._committing is not None and self._loading is None and self._loads_ahead:
            self._load_ahead()
        commit = None if self._committing is None else self._committing.commit
        load = None if self._loading is None else self._loading.load
        if commit is not None or load is not None:
            self._exchange(commit, load)

    def _make_commit(self, batch: BatchInFlight) -> None:
        follows, entry_id, batch.voids = self._entries.next()
        self._committing = batch
        make_commit(batch, self.ownership, follows, entry_id)

    def _finish(self, batch: BatchInFlight | None) -> None:
        """Give out the answers of a batch and keep its memory."""
        if batch is not None:
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
        if not isinstance(result, Unknown | Unwritten):
            self._decider.forget()
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
            self._requeue_loading()
            if isinstance(result, Unwritten) and not self._committing.may_be_written:
                self._take_back()
            else:
                self._committing.may_be_written = True
            reason = result.reason if isinstance(result, Unknown | Unwritten) else "the connection was lost"
            self._on_store_away(reason)

    def lose(self, stored_token: str) -> None:
        """The owner's key names another engine; where something is under way its reply says so, and what became of it."""
        if self.state is PipelineState.READY and not self._is_busy and self._committing is None:
            self.state = PipelineState.LOST
            self._events.on_lost(self.partition, stored_token)
            self._refuse_everything()

    def stop_taking(self) -> None:
        """The partition is to be another's: what waits is refused, to be handed there; what is under way goes on."""
        for batch in self.waiting.take_all():
            self._refuse(batch)

    def leave(self) -> None:
        """The partition is another's from now on; what is under way still may be in the store: it isn't answered."""
        self.state = PipelineState.LOST
        if self._committing is not None:
            self._committing.may_be_written = True
        self._refuse_everything()
        self._connection.close()

    def _on_store_away(self, reason: str) -> None:
        self._requeue_loading()
        self.state = PipelineState.AWAY
        self._events.on_away(self.partition, reason)

    def _requeue_loading(self) -> None:
        """What was being loaded waits again: nothing of it was decided, and its deadline goes on."""
        batch, self._loading = self._loading, None
        if batch is not None:
            self.waiting.put_back(batch)

    def _take_back(self) -> None:
        """The commit that is certainly not in the store is none: its rows wait again, and their deadline goes on."""
        commit = None if self._committing is None else self._committing.commit
        assert commit is not None
        self._entries.take_back(commit.previous_id, commit.entry_id)
        self._undecide()

    def _undecide(self) -> None:
        batch, self._committing = self._committing, None
        if batch is not None:
            batch.voids, batch.commit, batch.may_be_written = (), None, False
            self.waiting.put_back(batch)

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
        batch, last = self._committing, None
        if batch is not None and batch.commit is not None and not batch.may_be_written:
            last = batch.commit.previous_id
        self._entries.claim_again(ownership, last)
        self._undecide()
        for waiting in self.waiting:
            drop_commands(waiting)
        self._replace_connection(connection)
        self.advance()

    def _split(self, batch: BatchInFlight, reason: str) -> None:
        """Decide a poisoned batch again in halves, in order, until the bad row stands alone; that one gets 5012.

        The bad row goes through once more with its outcome: so an account command has an answer and is not read again.
        """
        if batch.request_count == 1:
            self._events.on_quarantined(self.partition, reason, batch)
            batch.usage.requests["outcome"][0] = Outcome.UNABLE_TO_COMPLY
            self.waiting.put_back(batch)
            return
        for half in reversed(halve(batch, self._pool)):
            self.waiting.put_back(half)

    def refuse_overdue(self, now_ns: int) -> None:
        """Answer requests 3004 that were not sent to the store by their deadline; call each second."""
        for batch in self.waiting.take_late(now_ns - _DEADLINE_NS):
            self._refuse(batch)

    def _refuse_everything(self) -> None:
        """Nothing of this partition is decided here any more. What may be in the store is not answered."""
        under_way, self._committing, self._loading = (self._committing, self._loading), None, None
        for batch in (*under_way, *self.waiting.take_all()):
            if batch is not None:
                self._refuse(batch)

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
        return not self._is_busy and self._committing is None and not self.queued

    def close(self) -> None:
        """End the connection; call when idle, or what is under way stays unanswered."""
        self._connection.close()
