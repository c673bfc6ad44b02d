"""Top-ups and adjustments name a bucket; tickets and interactions are found by the filters of TMF621 and TMF683 by indexes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TICKET = "trouble_ticket"
_INTERACTION = "interaction"


def upgrade() -> None:
    """Forward; a database is never taken back."""
    op.add_column("balance_action", sa.Column("bucket_id", sa.BigInteger(), nullable=True))
    op.drop_index(f"ix_{_TICKET}_tenant_external_id", table_name=_TICKET)
    for column in ("status", "due_ns", "external_id"):
        op.create_index(f"ix_{_TICKET}_tenant_{column}_id", _TICKET, ["tenant", column, "id"])
    for column in ("customer_id", "from_ns", "direction", "status"):
        op.create_index(f"ix_{_INTERACTION}_tenant_{column}_id", _INTERACTION, ["tenant", column, "id"])
