"""Tables of the inventory: what an operator has (numbers, SIMs) and what its customers have of it (products, services)."""

from typing import Final

import sqlalchemy as sa

from bss.tables import (
    ID_CHARACTERS_MAX,
    Through,
    identifier,
    index,
    instant,
    personal,
    reference,
    sorted_text,
    tenant_table,
    unique,
)

STATE: Final = sa.String(24)
NUMBER_DIGITS_MAX: Final = 15
ICCID_DIGITS_MAX: Final = 20

PRODUCT: Final = tenant_table(
    "product",
    sa.Column("name", sa.String(200), nullable=False),
    personal("description", sa.String(2000)),
    identifier("offering_id", nullable=False),
    sa.Column("offering_name", sa.String(200)),
    identifier("specification_id"),
    sa.Column("status", STATE, nullable=False),
    instant("status_since_ns", nullable=False),
    identifier("customer_id", nullable=False),
    identifier("billing_account_id"),
    sa.Column("engine_account_id", sa.BigInteger),
    identifier("parent_id"),
    sa.Column("is_bundle", sa.Boolean, nullable=False),
    sa.Column("is_customer_visible", sa.Boolean, nullable=False),
    sa.Column("number", sorted_text(NUMBER_DIGITS_MAX)),
    sa.Column("iccid", sorted_text(ICCID_DIGITS_MAX)),
    sa.Column("imsi", sorted_text(NUMBER_DIGITS_MAX)),
    identifier("order_id"),
    identifier("order_item_id"),
    instant("ordered_ns"),
    instant("start_ns"),
    instant("end_ns"),
    sa.Column("prices", sa.JSON, nullable=False),
    reference("customer_id", "customer"),
    reference("billing_account_id", "billing_account"),
    reference("parent_id", "product"),
    person=Through("customer_id", "customer"),
)
"""What a customer has of an offering. `number`, `iccid`, `imsi` are what it had last, kept when it has ended; who holds a
number now says MSISDN. `prices`: a list of {name, price_type, micros, currency, period}, as agreed when it was ordered.
"""
for _columns in (
    ("customer_id", "id"),
    ("customer_id", "status"),
    ("billing_account_id", "id"),
    ("offering_id", "id"),
    ("offering_id", "status"),
    ("status", "id"),
    ("name", "id"),
    ("number", "id"),
    ("iccid",),
    ("imsi",),
    ("order_id",),
    ("parent_id",),
    ("engine_account_id",),
    ("start_ns", "id"),
):
    index(PRODUCT, *_columns)

PRODUCT_CHARACTERISTIC: Final = tenant_table(
    "product_characteristic",
    identifier("product_id", nullable=False),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("value_type", sa.String(24), nullable=False),
    personal("value", sa.String(1000), nullable=False),
    reference("product_id", "product"),
    unique("product_id", "name"),
    sa.Index(None, "tenant", "name", "value"),
    person=Through("product_id", "product"),
    goes_with_person=True,
)
"""`value` is text, whatever its `value_type` (string, integer, boolean) says it means."""

SERVICE: Final = tenant_table(
    "service",
    identifier("product_id", nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    identifier("specification_id"),
    sa.Column("category", sa.String(8), nullable=False),
    sa.Column("state", STATE, nullable=False),
    instant("start_ns"),
    instant("end_ns"),
    reference("product_id", "product"),
    sa.Index(None, "tenant", "product_id"),
)
"""What realises a product: customer-facing (CFS) and resource-facing (RFS) services."""

MSISDN: Final = tenant_table(
    "msisdn",
    sa.Column("number", sorted_text(NUMBER_DIGITS_MAX), nullable=False),
    sa.Column("pool", sa.String(64), nullable=False),
    sa.Column("category", sa.String(32), nullable=False),
    sa.Column("state", STATE, nullable=False),
    instant("state_since_ns", nullable=False),
    instant("state_until_ns"),
    personal("reserved_for", sa.String(ID_CHARACTERS_MAX)),
    identifier("product_id"),
    unique("number"),
    reference("product_id", "product"),
    sa.Index(None, "tenant", "state", "pool", "category", "number"),
    sa.Index(None, "tenant", "product_id"),
    sa.Index(None, "tenant", "reserved_for"),
    person=Through("product_id", "product"),
)
"""Numbers. `state_until_ns`: when a reservation or a quarantine ends by itself. `reserved_for` is what people say that it is
kept for: an order, or a name. Whose it was once nobody has the number any more, bss/inventory/erasure.py finds."""

SIM: Final = tenant_table(
    "sim",
    sa.Column("iccid", sorted_text(ICCID_DIGITS_MAX), nullable=False),
    sa.Column("imsi", sorted_text(NUMBER_DIGITS_MAX), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("pool", sa.String(64), nullable=False),
    sa.Column("state", STATE, nullable=False),
    instant("state_since_ns", nullable=False),
    instant("state_until_ns"),
    personal("reserved_for", sa.String(ID_CHARACTERS_MAX)),
    identifier("product_id"),
    unique("iccid"),
    unique("imsi"),
    reference("product_id", "product"),
    sa.Index(None, "tenant", "state", "pool", "kind", "iccid"),
    sa.Index(None, "tenant", "product_id"),
    sa.Index(None, "tenant", "reserved_for"),
    person=Through("product_id", "product"),
)
"""SIM cards and profiles. Their keys (Ki, OPc) stay in the HSS/UDM; none is kept here."""

INVENTORY_TABLES: Final = (PRODUCT, PRODUCT_CHARACTERISTIC, SERVICE, MSISDN, SIM)
