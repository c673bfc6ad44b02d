"""Tables of what is done to balances by people and partners."""

from typing import Final

import sqlalchemy as sa

from bss.tables import Through, identifier, micros, personal, tenant_table

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
    person=Through("customer_id", "customer"),
)
"""A top-up, an adjustment, or another credit limit. Its id is that of the engine's command: sent again, it is done once.
`bucket_id`: of the account; null: the one of money without an end, or where it is taken, as usage takes it.
"""
