"""Events that others are told of: rows written in the transaction of what they tell, spread and delivered later by the relay.
They hold ids, never personal data.
"""

from typing import Final

import sqlalchemy as sa

from bss.tables import identifier, instant, plain_table, secret, tenant_table

OUTBOX: Final = plain_table(
    "outbox",
    # an event's place; on PostgreSQL one may become visible after a higher one, so `relayed_ns` says what is done, no cursor
    sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    identifier("id", nullable=False),
    sa.Column("kind", sa.String(80), nullable=False),
    sa.Column("resource", sa.String(64), nullable=False),
    identifier("resource_id", nullable=False),
    sa.Column("ids", sa.JSON, nullable=False),
    instant("occurred_ns", nullable=False),
    instant("relayed_ns"),
    sa.UniqueConstraint("tenant", "id"),
)
"""An event a row. `kind` such as ProductOrderStateChangeEvent, `ids` what it concerns beside the resource."""

sa.Index(
    "ix_outbox_waiting",
    OUTBOX.c.sequence,
    sqlite_where=OUTBOX.c.relayed_ns.is_(None),
    postgresql_where=OUTBOX.c.relayed_ns.is_(None),
)

HUB: Final = tenant_table(
    "hub",
    sa.Column("api", sa.String(64), nullable=False),
    sa.Column("callback", sa.String(2000), nullable=False),
    sa.Column("query", sa.String(2000), nullable=False),
    secret("secrets", sa.JSON, nullable=False),
    sa.Index(None, "tenant", "api"),
)
"""Who is told: a callback registered at an API's /hub. `query` selects kinds (TMF630); `secrets` sign, the newest first."""
