"""Top-ups, adjustments, interactions, tickets, billing accounts and orders are found by each mandatory attribute by indexes."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ACTIONS = "balance_action"
_ACTION_BUCKET = "coalesce(CAST(engine_account_id AS TEXT) || '-' || CAST(bucket_id AS TEXT), 'money')"
_FILTERS = (
    ("interaction", "reason"),
    ("interaction", "channel"),
    ("billing_account", "credit_limit_micros"),
    ("billing_account", "currency"),
)


def upgrade() -> None:
    """Forward; a database is never taken back."""
    for column in ("amount_micros", "currency", "reason"):
        op.create_index(f"ix_{_ACTIONS}_tenant_kind_{column}_id", _ACTIONS, ["tenant", "kind", column, "id"])
    bucket = sa.text(_ACTION_BUCKET)
    op.create_index(f"ix_{_ACTIONS}_tenant_kind_bucket_id", _ACTIONS, ["tenant", "kind", bucket, "id"])
    for table, column in _FILTERS:
        op.create_index(f"ix_{table}_tenant_{column}_id", table, ["tenant", column, "id"])
    head = sa.text("substr(description, 1, 100)")
    op.create_index("ix_trouble_ticket_tenant_description_head_id", "trouble_ticket", ["tenant", head, "id"])
    op.drop_index("ix_order_item_tenant_product_id", table_name="order_item")
    op.create_index("ix_order_item_tenant_product_id_order_id", "order_item", ["tenant", "product_id", "order_id"])
