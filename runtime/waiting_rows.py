"""The rows of a partition that wait until they are loaded or decided, in order, in batches."""

from collections import deque
from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from charging.batch import UsageBatch
from charging.batch_rows import take_rows
from runtime.batch_in_flight import BatchInFlight, BatchPool
from runtime.batch_parts import late_usage, part

_SHARE_FOR_COMMANDS: Final = 2
"""Commands and wake-ups go into a batch that is at most half full: they cost more than requests."""


class WaitingRows:
    """Batches behind one another; rows join the last, the first is taken."""

    def __init__(self, pool: BatchPool) -> None:
        self.queued = 0
        """rows that wait; whoever appends to `for_commands` counts them here"""
        self._pool = pool
        self._batches: deque[BatchInFlight] = deque()

    def __iter__(self) -> Iterator[BatchInFlight]:
        return iter(self._batches)

    def __len__(self) -> int:
        return len(self._batches)

    def append(self, source: UsageBatch, rows: NDArray[np.int32], first: int, count: int) -> None:
        """Copy rows[first:first + count] of `source` behind those that wait."""
        self.queued += count
        while count:
            taken = int(take_rows(self._last().usage, source, rows, first, count))
            if taken == 0:
                self._batches.append(self._pool.take())
            first += taken
            count -= taken

    def for_commands(self) -> BatchInFlight:
        """The batch that account commands and expiry rows are appended to."""
        batch = self._last()
        if batch.request_count * _SHARE_FOR_COMMANDS > batch.usage.requests.shape[0]:
            self._batches.append(self._pool.take())
        return self._batches[-1]

    def _last(self) -> BatchInFlight:
        if not self._batches:
            self._batches.append(self._pool.take())
        return self._batches[-1]

    def take(self) -> BatchInFlight | None:
        """The first batch; None where no row waits."""
        if not self._batches or not self._batches[0].request_count:
            return None
        batch = self._batches.popleft()
        self.queued -= batch.request_count
        return batch

    def put_back(self, batch: BatchInFlight) -> None:
        """Put a batch in front of those that wait."""
        self.queued += batch.request_count
        self._batches.appendleft(batch)

    def take_late(self, received_before_ns: int) -> list[BatchInFlight]:
        """Requests of peers that came before then, apart from the others, which wait on."""
        found = []
        for _ in range(len(self._batches)):
            batch = self._batches.popleft()
            is_late = late_usage(batch, received_before_ns)
            if is_late.any():
                late, batch = part(batch, is_late, self._pool)
                self.queued -= late.request_count
                found.append(late)
            if batch.request_count:
                self._batches.append(batch)
            else:
                self._pool.give_back(batch)
        return found

    def take_all(self) -> list[BatchInFlight]:
        """Every batch."""
        batches = list(self._batches)
        self._batches.clear()
        self.queued = 0
        return batches
