"""Runs of rules are found by when they ended: those that ended long ago are forgotten."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forward; a database is never taken back."""
    op.create_index("ix_automation_run_ended", "automation_run", ["ended_ns"])
