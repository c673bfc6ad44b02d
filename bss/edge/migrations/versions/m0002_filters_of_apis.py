"""Orders keep their channel; they, top-ups and adjustments are found by the filters of TMF622 and TMF654 by indexes."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TABLE = "product_order"
_FILTERS = ("state", "customer_id", "external_id")
_ACTIONS = "balance_action"


def upgrade() -> None:
    """Forward; a database is never taken back."""
    op.add_column(_TABLE, sa.Column("channel", sa.String(length=64), nullable=True))
    for column in _FILTERS:
        op.drop_index(f"ix_{_TABLE}_tenant_{column}", table_name=_TABLE)
    for column in (*_FILTERS, "is_cancelling"):
        op.create_index(f"ix_{_TABLE}_tenant_{column}_id", _TABLE, ["tenant", column, "id"])
    for columns in (("kind", "id"), ("kind", "customer_id", "id"), ("kind", "state", "id")):
        op.create_index(f"ix_{_ACTIONS}_tenant_{'_'.join(columns)}", _ACTIONS, ["tenant", *columns])
