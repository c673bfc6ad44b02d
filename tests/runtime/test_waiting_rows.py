"""Rows that wait: they leave in order, are counted, and who waits for a batch hears of it whichever way its rows go."""

import numpy as np

from charging.batch import INITIAL, UsageBatch, new_usage_batch
from runtime.batch_in_flight import BatchInFlight, BatchPool
from runtime.waiting_rows import WaitingRows
from tests.reference.engine_alone import fill_batch
from tests.reference.requests import CreditControl
from tests.simulation.world import BATCH_ROWS, small_batch

DEADLINE_NS = 100


def tick(first_ns: int, count: int) -> UsageBatch:
    """Requests received at one instant after the other."""
    usage = new_usage_batch(count, 8, 64)
    fill_batch(usage, [CreditControl(1, (row, 1), INITIAL, 0, row, 1) for row in range(count)])
    usage.requests["received_ns"][:count] = np.arange(first_ns, first_ns + count)
    return usage


def received(batch: BatchInFlight) -> list[int]:
    """When the rows of a batch came."""
    found: list[int] = batch.usage.requests["received_ns"][: batch.request_count].tolist()
    return found


def waiting(*ticks: UsageBatch) -> WaitingRows:
    """Rows of some ticks, in small batches."""
    rows = WaitingRows(BatchPool(small_batch))
    for usage in ticks:
        count = int(usage.counts[0])
        rows.append(usage, np.arange(count, dtype=np.int32), 0, count)
    return rows


def test_rows_leave_in_order_and_are_counted() -> None:
    rows = waiting(tick(0, BATCH_ROWS - 1), tick(50, 4))
    assert (rows.queued, len(rows)) == (BATCH_ROWS + 3, 2)
    first = rows.take()
    assert first is not None
    assert (received(first), rows.queued) == ([*range(BATCH_ROWS - 1), 50], 3)
    rows.put_back(first)
    assert rows.queued == BATCH_ROWS + 3
    assert rows.take() is first
    second = rows.take()
    assert second is not None
    assert (received(second), rows.queued, rows.take()) == ([51, 52, 53], 0, None)


def test_late_rows_are_taken_out_and_the_others_wait_on() -> None:
    rows = waiting(tick(DEADLINE_NS - 2, 4))
    (late,) = rows.take_late(DEADLINE_NS)
    assert received(late) == [DEADLINE_NS - 2, DEADLINE_NS - 1]
    assert rows.queued == 2
    rest = rows.take()
    assert rest is not None
    assert received(rest) == [DEADLINE_NS, DEADLINE_NS + 1]


def test_who_waits_for_a_batch_hears_of_it_with_the_last_of_its_rows() -> None:
    """With the rows that wait on, or with the late ones where none does."""
    for first_ns, is_with_late in ((DEADLINE_NS - 1, False), (DEADLINE_NS - 2, True)):
        rows = waiting(tick(first_ns, 2))
        (batch,) = rows
        batch.on_finished.append(lambda is_written: None)
        (late,) = rows.take_late(DEADLINE_NS)
        rest = rows.take()
        assert len(late.on_finished) == is_with_late
        assert (rest is None) is is_with_late
        assert rest is None or len(rest.on_finished) == 1


def test_everything_can_be_taken_at_once() -> None:
    rows = waiting(tick(0, BATCH_ROWS), tick(50, 4))
    assert [batch.request_count for batch in rows.take_all()] == [BATCH_ROWS, 4]
    assert (rows.queued, len(rows), rows.take()) == (0, 0, None)
