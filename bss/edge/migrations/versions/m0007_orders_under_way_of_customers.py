"""Orders of a customer that haven't ended are found among all that the customer had."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward; a database is never taken back."""
    op.create_index("ix_product_order_tenant_customer_id_state", "product_order", ["tenant", "customer_id", "state"])
