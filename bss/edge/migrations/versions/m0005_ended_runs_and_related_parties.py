"""Runs of rules are found by when they ended, tickets and interactions in the order of their ids by the party that they name."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_REPLACED = (("trouble_ticket", "party_id"), ("interaction", "party_id_from_ns"))


def upgrade() -> None:
    """Forward; a database is never taken back."""
    op.create_index("ix_automation_run_ended", "automation_run", ["ended_ns"])
    for table, columns in _REPLACED:
        op.drop_index(f"ix_{table}_tenant_{columns}", table_name=table)
        op.create_index(f"ix_{table}_tenant_party_id_id", table, ["tenant", "party_id", "id"])
