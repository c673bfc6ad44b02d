"""Tables of what is done to balances by people and partners."""

from typing import Final

import sqlalchemy as sa

from bss.tables import Through, identifier, micros, personal, tenant_table

MONEY_BUCKET: Final = "money"
"""What the bucket of an action is called that names none."""
BALANCE_ACTION: Final = tenant_table(
    "balance_action",
    sa.Column("kind", sa.String(16), nullable=False),
    identifier("customer_id"),
    sa.Column("engine_account_id", sa.BigInteger, nullable=False),
    sa.Column("bucket_id", sa.BigInteger),
    micros("amount_micros", nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    personal("reason", sa.String(200), nullable=False),
    sa.Column("channel", sa.String(64), nullable=False),
    sa.Column("subject", sa.String(200), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("outcome", sa.String(400)),
    micros("remaining_micros"),
    sa.Index(None, "tenant", "engine_account_id", "id"),
    sa.Index(None, "tenant", "customer_id", "id"),
    sa.Index(None, "tenant", "kind", "id"),
    sa.Index(None, "tenant", "kind", "customer_id", "id"),
    sa.Index(None, "tenant", "kind", "state", "id"),
    sa.Index(None, "tenant", "kind", "amount_micros", "id"),
    sa.Index(None, "tenant", "kind", "currency", "id"),
    sa.Index(None, "tenant", "kind", "reason", "id"),
    person=Through("customer_id", "customer"),
)
"""A top-up, an adjustment, or another credit limit. Its id is that of the engine's command: sent again, it is done once.
`bucket_id`: of the account; null: the one of money without an end, or where it is taken, as usage takes it.
"""

_DASH: Final = sa.literal_column("'-'", sa.Text)
ACTION_BUCKET: Final[sa.ColumnElement[str]] = sa.func.coalesce(
    sa.cast(BALANCE_ACTION.c.engine_account_id, sa.Text) + _DASH + sa.cast(BALANCE_ACTION.c.bucket_id, sa.Text),
    sa.literal_column(f"'{MONEY_BUCKET}'", sa.Text),
)
"""The bucket as it is said outside: account and number in it, or MONEY_BUCKET. Texts are in the SQL itself, as its index has
them.
"""
sa.Index(
    "ix_balance_action_tenant_kind_bucket_id",
    BALANCE_ACTION.c.tenant,
    BALANCE_ACTION.c.kind,
    ACTION_BUCKET,
    BALANCE_ACTION.c.id,
)
