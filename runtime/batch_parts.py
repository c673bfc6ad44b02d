"""A queued batch taken apart: into halves where one of its rows is poisoned, into late requests and the rest."""

import numpy as np
from numpy.typing import NDArray

from charging.batch import KIND_USAGE
from charging.batch_rows import take_rows
from runtime.batch_in_flight import BatchInFlight, BatchPool


def part(batch: BatchInFlight, is_first: NDArray[np.bool_], pool: BatchPool) -> tuple[BatchInFlight, BatchInFlight]:
    """The rows of `is_first`, and the others; the batch goes back to the pool.

    What is to happen when all are done is with the others; where there are none, with the first.
    """
    first, rest = _rows_of(batch, is_first, pool), _rows_of(batch, ~is_first, pool)
    last = rest if rest.request_count else first
    last.commands_position = batch.commands_position
    last.on_finished.extend(batch.on_finished)
    pool.give_back(batch)
    return first, rest


def halve(batch: BatchInFlight, pool: BatchPool) -> tuple[BatchInFlight, BatchInFlight]:
    """Both halves of a batch, in order."""
    return part(batch, np.arange(batch.request_count) < batch.request_count // 2, pool)


def late_usage(batch: BatchInFlight, received_before_ns: int) -> NDArray[np.bool_]:
    """Which requests of peers came before then. Account commands and wake-ups are never late: nobody gives up on them."""
    requests = batch.usage.requests[: batch.request_count]
    is_late: NDArray[np.bool_] = (requests["kind"] == KIND_USAGE) & (requests["received_ns"] < received_before_ns)
    return is_late


def _rows_of(batch: BatchInFlight, is_taken: NDArray[np.bool_], pool: BatchPool) -> BatchInFlight:
    """Some rows of a batch as one of their own."""
    rows = np.flatnonzero(is_taken).astype(np.int32)
    taken_rows = pool.take()
    taken_rows.command_ids.extend(batch.command_ids)
    taken = int(take_rows(taken_rows.usage, batch.usage, rows, 0, rows.shape[0]))
    assert taken == rows.shape[0], "rows of one batch fit into one batch"
    return taken_rows
