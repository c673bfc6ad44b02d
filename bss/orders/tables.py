"""Tables of orders: an order, its items, and the steps that do them. Steps are the truth about how far an order is; what
drives them keeps no other.
"""

from typing import Final

import sqlalchemy as sa

from bss.tables import Through, identifier, index, instant, personal, reference, tenant_table, unique

PRODUCT_ORDER: Final = tenant_table(
    "product_order",
    sa.Column("state", sa.String(24), nullable=False),
    sa.Column("is_cancelling", sa.Boolean, nullable=False),
    sa.Column("external_id", sa.String(200), nullable=False),
    personal("description", sa.String(2000), nullable=False),
    identifier("customer_id", nullable=False),
    identifier("billing_account_id"),
    instant("requested_start_ns"),
    instant("completed_ns"),
    personal("cancellation_reason", sa.String(500), nullable=False),
    sa.Column("channel", sa.String(64)),
    person=Through("customer_id", "customer"),
)
"""`state` is TMF622's word. `is_cancelling`: its steps are undone, not done. `channel`: where it comes from, as it was said."""
for _filter in ("state", "customer_id", "external_id", "is_cancelling"):
    index(PRODUCT_ORDER, _filter, "id")
index(PRODUCT_ORDER, "customer_id", "state")

ORDER_ITEM: Final = tenant_table(
    "order_item",
    identifier("order_id", nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("action", sa.String(16), nullable=False),
    identifier("offering_id", nullable=False),
    sa.Column("release", sa.Integer, nullable=False),
    identifier("product_id"),
    sa.Column("resources", sa.JSON, nullable=False),
    personal("reservation", sa.String(64), nullable=False),
    personal("characteristics", sa.JSON, nullable=False),
    reference("order_id", "product_order"),
    unique("order_id", "number"),
    person=Through("order_id", "product_order"),
)
"""`product_id` names the product that an add makes, once it is made, or that another action changes. `release` is the number
of the catalogue release that it was ordered from. `resources` are names of those that were chosen, by kind; others are taken
from the pools. `reservation` is what they are reserved for. `characteristics` are what was chosen of the product, by name."""
index(ORDER_ITEM, "product_id", "order_id")

ORDER_STEP: Final = tenant_table(
    "order_step",
    identifier("order_id", nullable=False),
    identifier("item_id", nullable=False),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(40), nullable=False),
    sa.Column("after", sa.JSON, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("error_code", sa.String(80), nullable=False),
    sa.Column("error", sa.String(1000), nullable=False),
    sa.Column("compensation", sa.String(40), nullable=False),
    sa.Column("is_point_of_no_return", sa.Boolean, nullable=False),
    sa.Column("is_for_people", sa.Boolean, nullable=False),
    personal("note", sa.String(1000), nullable=False),
    sa.Column("outcome", sa.JSON, nullable=False),
    instant("started_ns"),
    instant("ended_ns"),
    reference("order_id", "product_order"),
    reference("item_id", "order_item"),
    unique("order_id", "place"),
    person=Through("order_id", "product_order"),
)
"""`after` are the places of the steps that come before it. `compensation` is what undoes it; empty: nothing is to undo.
`outcome` holds ids of what it made. An `is_for_people` step is done by a person, outside."""
index(ORDER_STEP, "state")

ORDER_BATCH: Final = tenant_table(
    "order_batch",
    sa.Column("release", sa.Integer, nullable=False),
    identifier("source", nullable=False),
    identifier("target", nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    identifier("cursor", nullable=False),
    sa.Column("total_count", sa.Integer, nullable=False),
    sa.Column("placed_count", sa.Integer, nullable=False),
    sa.Column("left_count", sa.Integer, nullable=False),
    sa.Column("reason", sa.String(500), nullable=False),
    instant("ended_ns"),
    unique("release", "source"),
)
"""Orders that move the products of the offering `source` to `target`, once `release` (a catalogue's) is in force. An order of
it has the batch's id as its `external_id`. `cursor`: the last product that was looked at in this pass. `left_count`: products
of this pass that no order could be placed for, such as those that another order changes; `reason` is the last one's. The next
pass tries them again."""

TABLES: Final = (PRODUCT_ORDER, ORDER_ITEM, ORDER_STEP, ORDER_BATCH)
