"""A release's migrations move products: an order a product, placed in chunks. A workflow places CHUNKS chunks, then an event
starts the next; so none is long, and what dies goes on behind the last chunk. Each order is a workflow, with its fallout.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

from bss.catalog.queries import release_row
from bss.due import Due, finish
from bss.errors import BusinessError
from bss.inventory.queries import product_counts_by_offering, products_of_offering
from bss.orchestration.order_placing import AskedItem, place_order
from bss.orchestration.run import RESOURCE_ID, Ids, Run
from bss.orders.batches import BATCH_READY, RUNNING, cursor_of, go_on, note_chunk, open_batch, ordered_products
from bss.orders.operations import WORKFLOW
from bss.orders.records import Action
from bss.work import Work

BATCH: Final = "order_batch"
"""The workflow's name."""
MIGRATION: Final = "migration"
"""The name of the workflow that opens a batch."""
MIGRATION_SAID: Final = "ProductOfferingMigrationEvent"
"""Kind of the event that tells of a release's migration of an offering."""
CHANNEL: Final = "migration"
CHUNK: Final = 50
"""Products a transaction."""
CHUNKS: Final = 20
"""Transactions a workflow."""


def open_migration(run: Run, ids: Ids) -> None:
    """A published release says what becomes of an offering's products: their batch."""

    def open_(work: Work) -> None:
        release = release_row(work, release_id=ids["release"])
        source = ids[RESOURCE_ID]
        open_batch(
            work,
            release=release.number,
            source=source,
            target=ids["target"],
            total_count=product_counts_by_offering(work).get(source, 0),
            from_ns=release.effective_ns,
        )

    run.commit(open_)


class BatchFlow:
    """The workflow. `reached` is told before and after each chunk (runtime/kill_points.py)."""

    def __init__(self, reached: Callable[[str], None] = lambda name: None) -> None:
        self._reached = reached

    def __call__(self, run: Run, ids: Ids) -> None:
        """Place chunks of the batch `ids[RESOURCE_ID]`, from where its row says that it is."""
        batch_id = ids[RESOURCE_ID]
        for number in range(1, CHUNKS + 1):
            place = partial(_place_chunk, batch_id=batch_id, is_last=number == CHUNKS)
            self._reached("batch.before")
            goes_on = run.commit(place)
            self._reached("batch.after")
            if not goes_on:
                return


def batch_due(work: Work, due: Due) -> None:
    """What the due row asks for: the batch begins, or another pass of it."""
    finish(work, due)
    go_on(work, batch_id=due.resource_id)


def _place_chunk(work: Work, *, batch_id: str, is_last: bool) -> bool:
    """Place the next chunk; is there more to look at?"""
    batch, cursor = cursor_of(work, batch_id=batch_id)
    if batch.state != RUNNING:
        return False
    found = products_of_offering(work, batch.source, after=cursor, limit=CHUNK)
    ordered = ordered_products(work, batch_id=batch_id, product_ids=[each.id for each in found])
    placed_count, left_count, reason = 0, 0, ""
    for each in found:
        if each.id in ordered:
            continue
        item = AskedItem(action=Action.MIGRATE, product_id=each.id, offering_id=batch.target)
        try:
            with work.all_or_nothing():
                place_order(
                    work,
                    customer_id=each.customer_id,
                    items=[item],
                    external_id=batch_id,
                    description=f"release {batch.release} moves {batch.source} to {batch.target}",
                    channel=CHANNEL,
                )
            placed_count += 1
        except BusinessError as error:  # such as another order that changes it: the next pass tries again
            left_count, reason = left_count + 1, str(error)
    is_more = len(found) == CHUNK
    note_chunk(
        work,
        batch_id=batch_id,
        cursor=found[-1].id if is_more else "",
        placed_count=placed_count,
        left_count=left_count,
        reason=reason,
    )
    if is_more and is_last:
        work.event(BATCH_READY, resource=WORKFLOW, resource_id=batch_id)
    return is_more
