"""Batches of orders: begun by a release of the catalogue, placed in chunks by a workflow (bss/orchestration/batch_flow.py)."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from bss.access import requires
from bss.due import schedule
from bss.orders.operations import WORKFLOW
from bss.orders.records import BatchProgress, OrderBatch
from bss.orders.tables import ORDER_BATCH, ORDER_ITEM, PRODUCT_ORDER
from bss.work import Work
from vocabulary.instants import NS_PER_S

BATCH_READY: Final = "order_batch.ready"
"""Kind of the event that has a chunk of a batch placed."""
BATCH_DUE: Final = "order_batch.next"
"""Kind of the due row by which a batch begins, or tries again what was left."""
RUNNING: Final = "running"
DONE: Final = "done"
LEFT_PAUSE_S: Final = 60
REASON_CHARACTERS_MAX: Final = 500


@requires("order:execute")
def open_batch(work: Work, *, release: int, source: str, target: str, total_count: int, from_ns: int) -> OrderBatch:
    """The batch of a release and an offering: it begins at `from_ns`, or now. One that is there stays as it is."""
    found = work.row(sa.select(ORDER_BATCH).where(ORDER_BATCH.c.release == release, ORDER_BATCH.c.source == source))
    if found is not None:
        return OrderBatch.from_row(found)
    row = work.insert(
        ORDER_BATCH,
        release=release,
        source=source,
        target=target,
        state=RUNNING,
        cursor="",
        total_count=total_count,
        placed_count=0,
        left_count=0,
        reason="",
        ended_ns=None,
    )
    if from_ns > work.now_ns:
        schedule(work, BATCH_DUE, resource_id=row["id"], at_ns=from_ns)
    else:
        work.event(BATCH_READY, resource=WORKFLOW, resource_id=row["id"])
    return OrderBatch.from_row(row)


@requires("order:execute")
def cursor_of(work: Work, *, batch_id: str) -> tuple[OrderBatch, str]:
    """The batch, and the last product that this pass looked at."""
    row = work.get(ORDER_BATCH, batch_id, field="batch_id")
    return OrderBatch.from_row(row), row["cursor"]


@requires("order:execute")
def ordered_products(work: Work, *, batch_id: str, product_ids: Sequence[str]) -> frozenset[str]:
    """Those of the products that the batch has an order for, one that wasn't cancelled."""
    joined = sa.join(
        PRODUCT_ORDER,
        ORDER_ITEM,
        (ORDER_ITEM.c.tenant == PRODUCT_ORDER.c.tenant) & (ORDER_ITEM.c.order_id == PRODUCT_ORDER.c.id),
    )
    rows = work.rows(
        sa.select(ORDER_ITEM.c.product_id)
        .select_from(joined)
        .where(
            PRODUCT_ORDER.c.external_id == batch_id,
            PRODUCT_ORDER.c.is_cancelling.is_(False),
            ORDER_ITEM.c.product_id.in_(list(product_ids)),
        )
    )
    return frozenset(row["product_id"] for row in rows)


@requires("order:execute")
def note_chunk(
    work: Work, *, batch_id: str, cursor: str, placed_count: int, left_count: int, reason: str
) -> OrderBatch:
    """What a chunk came to; `cursor` is the last product that it looked at, '' where there was none left in this pass.

    A pass that left products is followed by another one, LEFT_PAUSE_S later.
    """
    row = work.get(ORDER_BATCH, batch_id, field="batch_id")
    left = row["left_count"] + left_count
    is_over = not cursor
    values = {
        "cursor": cursor,
        "placed_count": row["placed_count"] + placed_count,
        "left_count": left,
        "reason": reason[:REASON_CHARACTERS_MAX] if reason else (row["reason"] if left else ""),
    }
    if is_over and left:
        schedule(work, BATCH_DUE, resource_id=batch_id, at_ns=work.now_ns + LEFT_PAUSE_S * NS_PER_S)
    elif is_over:
        values |= {"state": DONE, "ended_ns": work.now_ns}
    return OrderBatch.from_row(work.change(ORDER_BATCH, batch_id, **values))


@requires("order:write")
def go_on(work: Work, *, batch_id: str) -> OrderBatch:
    """Begin a pass over the batch's products: what has an order already is left out. A batch that is done stays so."""
    row = work.get(ORDER_BATCH, batch_id, field="batch_id")
    if row["state"] == RUNNING:
        row = work.change(ORDER_BATCH, batch_id, cursor="", left_count=0)
        work.event(BATCH_READY, resource=WORKFLOW, resource_id=batch_id)
    return OrderBatch.from_row(row)


@requires("order:read")
def batches(work: Work, *, limit: int = 100) -> list[BatchProgress]:
    """The newest first, each with how many of its orders are in which state."""
    rows = work.rows(sa.select(ORDER_BATCH).order_by(ORDER_BATCH.c.id.desc()).limit(min(limit, 1000)))
    counted = (
        sa.select(PRODUCT_ORDER.c.external_id, PRODUCT_ORDER.c.state, sa.func.count().label("count"))
        .where(PRODUCT_ORDER.c.external_id.in_([row["id"] for row in rows]))
        .group_by(PRODUCT_ORDER.c.external_id, PRODUCT_ORDER.c.state)
    )
    found: dict[str, dict[str, int]] = {}
    for row in work.rows(counted):
        found.setdefault(row["external_id"], {})[row["state"]] = row["count"]
    return [BatchProgress(batch=OrderBatch.from_row(row), orders=found.get(row["id"], {})) for row in rows]
