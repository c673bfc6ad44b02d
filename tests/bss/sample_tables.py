"""Tables that only tests have: a person with a personal column, and a pet that refers to them."""

import sqlalchemy as sa

from bss.tables import identifier, personal, reference, tenant_table

PERSON = tenant_table(
    "test_person",
    personal("name", sa.String(80), nullable=False),
    sa.Column("city", sa.String(80), nullable=False),
    person="id",
)
PET = tenant_table(
    "test_pet",
    identifier("owner_id", nullable=False),
    sa.Column("name", sa.String(80)),
    reference("owner_id", "test_person"),
)
