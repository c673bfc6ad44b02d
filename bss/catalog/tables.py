"""Tables of the product catalogue: the working copy (resources, tariff parts, its head) and the releases made of it."""

from typing import Final

import sqlalchemy as sa

from bss.catalog.records import Catalog, Category, Offering, OfferingPrice, Resource, Specification
from bss.tables import identifier, index, instant, micros, reference, tenant_table, unique


def _resource_table(name: str, *parts: sa.schema.SchemaItem) -> sa.Table:
    """A table of resources: what all of them have, and an index for each filter that all of them have."""
    table = tenant_table(
        name,
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("description", sa.String(2000), nullable=False),
        sa.Column("version", sa.String(40), nullable=False),
        sa.Column("lifecycle_status", sa.String(16), nullable=False),
        instant("valid_from_ns"),
        instant("valid_to_ns"),
        *parts,
    )
    index(table, "name", "id")
    index(table, "lifecycle_status", "id")
    return table


CATALOG: Final = _resource_table("product_catalog", sa.Column("catalog_type", sa.String(80), nullable=False))

CATEGORY: Final = _resource_table(
    "product_category",
    identifier("catalog_id"),
    identifier("parent_id"),
    reference("catalog_id", "product_catalog"),
    reference("parent_id", "product_category"),
)
index(CATEGORY, "catalog_id", "id")
index(CATEGORY, "parent_id", "id")

SPECIFICATION: Final = _resource_table(
    "product_specification",
    sa.Column("brand", sa.String(200), nullable=False),
    sa.Column("product_number", sa.String(80), nullable=False),
    sa.Column("characteristics", sa.JSON, nullable=False),
    sa.Column("services", sa.JSON, nullable=False),
)
index(SPECIFICATION, "product_number", "id")

OFFERING: Final = _resource_table(
    "product_offering",
    sa.Column("status_reason", sa.String(500), nullable=False),
    sa.Column("is_sellable", sa.Boolean, nullable=False),
    identifier("product_specification_id", nullable=False),
    identifier("offer"),
    sa.Column("category_ids", sa.JSON, nullable=False),
    sa.Column("price_ids", sa.JSON, nullable=False),
    sa.Column("characteristic_values", sa.JSON, nullable=False),
    sa.Column("relationships", sa.JSON, nullable=False),
    sa.Column("eligibility", sa.String(2000), nullable=False),
    reference("product_specification_id", "product_specification"),
)
index(OFFERING, "product_specification_id", "id")
index(OFFERING, "offer")

OFFERING_PRICE: Final = _resource_table(
    "product_offering_price",
    sa.Column("price_type", sa.String(16), nullable=False),
    micros("amount_micros"),
    sa.Column("recurring_charge_period_length", sa.Integer),
    sa.Column("recurring_charge_period_type", sa.String(16)),
    identifier("price"),
)
index(OFFERING_PRICE, "price_type", "id")

TABLE_OF: Final[dict[type[Resource], sa.Table]] = {
    Catalog: CATALOG,
    Category: CATEGORY,
    Specification: SPECIFICATION,
    OfferingPrice: OFFERING_PRICE,
    Offering: OFFERING,
}
"""Where records of a kind are rows; in an order in which rows can be written (references point backwards)."""

TARIFF_PART: Final = tenant_table(
    "catalog_tariff_part",
    sa.Column("kind", sa.String(16), nullable=False),
    identifier("part_id", nullable=False),
    sa.Column("body", sa.JSON, nullable=False),
    unique("kind", "part_id"),
)
"""An entry of a release file: `kind` is allowances, prices or offers, `body` the mapping as it would stand in the file."""

WORKING_COPY: Final = tenant_table(
    "catalog_working_copy",
    sa.Column("base_release", sa.Integer),
    sa.Column("edit_count", sa.Integer, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("description", sa.String(2000), nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("time_zone", sa.String(64), nullable=False),
    instant("effective_ns", nullable=False),
    sa.Column("retired_offers", sa.JSON, nullable=False),
    sa.Column("retired_allowances", sa.JSON, nullable=False),
)
"""One row a tenant, of the id WORKING_COPY_ID."""
WORKING_COPY_ID: Final = "working-copy"

RELEASE: Final = tenant_table(
    "catalog_release",
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    instant("effective_ns", nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("engine_hash", sa.String(64), nullable=False),
    sa.Column("migrations", sa.JSON, nullable=False),
    sa.Column("edit_count", sa.Integer, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)
"""Releases; a text never changes. A number that the engine refused may be used again, so it isn't unique."""
index(RELEASE, "state", "number")

TABLES: Final = (*TABLE_OF.values(), TARIFF_PART, WORKING_COPY, RELEASE)
