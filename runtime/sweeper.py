"""What is due and silent: the accounts of past due buckets get an expiry row, so that reservations end without a request.

The due index is a hint: a row finds for itself what of the account is due. A bucket's key goes once all of its rows are in
the store; a sweeper that is killed in between begins the bucket again.
"""

import asyncio
import contextlib
from typing import Final

from balances.store import BalanceStore, StoreError
from runtime.batch_decision import fill_expiry_row
from runtime.batch_in_flight import when_written
from runtime.clock import Clock
from runtime.partition_pipeline import PartitionPipeline
from runtime.pipeline_events import PipelineState
from vocabulary.instants import NS_PER_S

SWEEP_S: Final = 10
LOOK_S: Final = 1.0
"""How soon it is seen that a clock was moved."""
CHUNK_ROWS: Final = 256
_TENANT_SHIFT: Final = 48
_ACCOUNT_MASK: Final = (1 << _TENANT_SHIFT) - 1


async def sweep(store: BalanceStore, pipeline: PartitionPipeline, clock: Clock) -> None:
    """Every ten seconds, work off the partition's due buckets whose time has passed; for ever."""
    while pipeline.state is not PipelineState.LOST:
        with contextlib.suppress(StoreError, OSError):  # the pipeline says that it is away; what is due stays due
            await sweep_once(store, pipeline, clock)
        next_ns = clock.now_ns() + SWEEP_S * NS_PER_S
        while clock.now_ns() < next_ns:
            await asyncio.sleep(LOOK_S)


async def sweep_once(store: BalanceStore, pipeline: PartitionPipeline, clock: Clock) -> int:
    """Work off every past bucket once; how many accounts were looked at."""
    looked_at = 0
    for bucket in await store.due_buckets(pipeline.partition, clock.now_ns() // NS_PER_S):
        members = await store.due_accounts(pipeline.partition, bucket)
        for first in range(0, len(members), CHUNK_ROWS):
            if not await _expire(pipeline, members[first : first + CHUNK_ROWS], clock.now_ns()):
                return looked_at
        await store.forget_due(pipeline.partition, bucket)
        looked_at += len(members)
    return looked_at


async def _expire(pipeline: PartitionPipeline, members: list[int], now_ns: int) -> bool:
    """Have what is due of these accounts expire; True once that is in the store, False where it will not be."""
    if pipeline.state is PipelineState.LOST:
        return False
    batch = pipeline.waiting.for_commands()
    for member in members:
        fill_expiry_row(batch, member >> _TENANT_SHIFT, member & _ACCOUNT_MASK, now_ns)
    pipeline.waiting.queued += len(members)
    written = when_written(batch)
    pipeline.advance()
    return await written
