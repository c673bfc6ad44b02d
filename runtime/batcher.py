"""Rows of all front ends to the partitions that decide them, and answers back.

A tick's requests find their account in this process's memory of identities; those it doesn't know are looked up in the
store, apart, and come back as a tick of their own (runtime/account_look_up.py). Nothing here costs Python a request.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import numpy as np

from balances.account_finder import AccountFinder
from balances.store import BalanceStore
from charging.batch import UsageBatch
from charging.routing import refuse_excess, route_requests
from runtime.account_look_up import AccountLookUp
from runtime.batch_in_flight import BatchInFlight, BatchPool
from runtime.partition_pipeline import PartitionPipeline
from runtime.pipeline_events import PipelineState
from vocabulary.limits import (
    BATCH_REQUESTS_MAX,
    BATCHES_QUEUED_MAX,
    REQUESTS_QUEUED_MAX,
    REQUESTS_QUEUED_NEW_SESSIONS_MAX,
)


class Batcher:
    """Joins the requests of a process and hands them to the pipelines of its partitions."""

    def __init__(
        self,
        *,
        store: BalanceStore,
        pool: BatchPool,
        deliver: Callable[[BatchInFlight], None],
        spawn: Callable[[Coroutine[Any, Any, None]], object] = asyncio.ensure_future,
    ) -> None:
        self._pipelines: Sequence[PartitionPipeline] = ()
        self._refused = 0
        self._look_up = AccountLookUp(store=store, pool=pool, offer=self.offer, deliver=deliver, spawn=spawn)
        self._rows = np.zeros(4 * BATCH_REQUESTS_MAX, np.int32)
        self._places = np.zeros(1, np.int32)
        self._firsts = np.zeros(4, np.int64)

    @property
    def finder(self) -> AccountFinder:
        """Whose accounts this process remembers."""
        return self._look_up.finder

    @property
    def looked_up_total(self) -> int:
        """Requests whose account the store was asked for."""
        return self._look_up.looked_up_total

    @property
    def refused_total(self) -> int:
        """Requests that were answered TOO_BUSY here."""
        return self._refused + self._look_up.refused_total

    def serve(self, pipelines: Sequence[PartitionPipeline], partition_count: int) -> None:
        """Take these partitions of the store's from now on; requests of the others are refused, to be handed elsewhere."""
        self._pipelines = tuple(pipelines)
        self._places = np.full(partition_count, len(pipelines), np.int32)
        for place, pipeline in enumerate(pipelines):
            self._places[pipeline.partition] = place
        self._firsts = np.zeros(len(pipelines) + 4, np.int64)

    def offer(self, batch: UsageBatch) -> int:
        """Queue the requests of a tick; they are copied, the batch may be used again at once.

        Requests that have an outcome when this returns are not queued, and are the caller's to answer: what the codec
        found wrong, and what is refused here (3004). How many these are.
        """
        refused_before = self.refused_total
        others = len(self._pipelines)
        route_requests(batch, self._look_up.finder, self._places, others + 1, self._rows, self._firsts)
        firsts = self._firsts.tolist()
        for place, pipeline in enumerate(self._pipelines):
            first, count = firsts[place], firsts[place + 1] - firsts[place]
            kept = self._admit(pipeline, batch, first, count) if count else 0
            if kept:
                pipeline.offer(batch, self._rows, first, kept)
        if firsts[others] < firsts[others + 1]:
            self._keep(batch, firsts[others], firsts[others + 1] - firsts[others], refuse_all=True)
        first, count = firsts[others + 1], firsts[others + 2] - firsts[others + 1]
        if count:
            self._look_up.later(batch, self._rows, first, count)
        return firsts[others + 3] - firsts[others + 2] + self.refused_total - refused_before

    def _admit(self, pipeline: PartitionPipeline, batch: UsageBatch, first: int, count: int) -> int:
        """At the queue's limits, or under pressure, new sessions get 3004; then everything. How many rows are let in."""
        is_full = pipeline.state is not PipelineState.READY or _is_full(pipeline.queued + count, len(pipeline.waiting))
        if not is_full and pipeline.takes_new_sessions and pipeline.queued + count <= REQUESTS_QUEUED_NEW_SESSIONS_MAX:
            return count
        is_away = pipeline.state is PipelineState.AWAY and pipeline.queued + count <= REQUESTS_QUEUED_NEW_SESSIONS_MAX
        return self._keep(batch, first, count, refuse_all=is_full and not is_away)

    def _keep(self, batch: UsageBatch, first: int, count: int, *, refuse_all: bool) -> int:
        kept = int(refuse_excess(batch, self._rows, first, count, refuse_all))
        self._refused += count - kept
        return kept


def _is_full(request_count: int, batch_count: int) -> bool:
    """Are these too many to let even a report wait?"""
    return request_count > REQUESTS_QUEUED_MAX or batch_count > BATCHES_QUEUED_MAX
