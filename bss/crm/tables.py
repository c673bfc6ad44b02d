"""Tables of customers: who they are, what they agreed to, what was said."""

from typing import Final

import sqlalchemy as sa

from bss.tables import (
    Through,
    head_of,
    identifier,
    index,
    instant,
    micros,
    personal,
    reference,
    sorted_text,
    tenant_table,
)

NAME: Final = sa.String(200)
TEXT: Final = sa.String(4000)
WORD: Final = sa.String(32)
NAME_KEY_CHARACTERS_MAX: Final = 200

PARTY: Final = tenant_table(
    "party",
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("status", WORD, nullable=False),
    personal("given_name", NAME),
    personal("family_name", NAME),
    personal("middle_name", NAME),
    personal("title", WORD),
    personal("gender", WORD),
    personal("birth_date", sa.String(10)),
    personal("nationality", sa.String(64)),
    personal("language", sa.String(16)),
    personal("trading_name", NAME),
    personal("legal_name", NAME),
    sa.Column("organization_type", sa.String(64)),
    personal("name_key", sorted_text(NAME_KEY_CHARACTERS_MAX)),
    personal("given_key", sorted_text(NAME_KEY_CHARACTERS_MAX)),
    instant("erased_ns"),
    person="id",
)
"""Individuals and organisations (`kind`). `name_key` is the name as it is searched, family or trading name first, `given_key`
the same with the given name first (bss/crm/names.py).
"""
for _columns in (
    ("name_key",),
    ("given_key",),
    ("kind", "id"),
    ("kind", "family_name", "id"),
    ("kind", "given_name", "id"),
    ("kind", "trading_name", "id"),
    ("kind", "status", "id"),
):
    index(PARTY, *_columns)

IDENTIFICATION: Final = tenant_table(
    "identification",
    identifier("party_id", nullable=False),
    sa.Column("kind", sa.String(64), nullable=False),
    personal("document_number", sa.String(100)),
    personal("issuing_authority", NAME),
    instant("from_ns"),
    instant("to_ns"),
    reference("party_id", "party"),
    sa.Index(None, "tenant", "party_id"),
    person="party_id",
    goes_with_person=True,
)
"""Passport, company register and the like."""

CONTACT_MEDIUM: Final = tenant_table(
    "contact_medium",
    identifier("party_id", nullable=False),
    sa.Column("medium_type", WORD, nullable=False),
    personal("contact_type", sa.String(64)),
    sa.Column("is_preferred", sa.Boolean, nullable=False),
    personal("email_address", sa.String(254)),
    personal("phone_number", WORD),
    personal("fax_number", WORD),
    personal("social_network_id", NAME),
    personal("street1", NAME),
    personal("street2", NAME),
    personal("post_code", WORD),
    personal("city", sa.String(100)),
    personal("state_or_province", sa.String(100)),
    personal("country", sa.String(64)),
    instant("from_ns", nullable=False),
    instant("to_ns"),
    reference("party_id", "party"),
    sa.Index(None, "tenant", "party_id"),
    sa.Index(None, "tenant", "email_address"),
    sa.Index(None, "tenant", "phone_number"),
    person="party_id",
    goes_with_person=True,
)

CUSTOMER: Final = tenant_table(
    "customer",
    personal("name", NAME),
    identifier("party_id", nullable=False),
    sa.Column("status", WORD, nullable=False),
    personal("status_reason", sa.String(400)),
    sa.Column("segment", sa.String(64)),
    instant("from_ns", nullable=False),
    instant("to_ns"),
    personal("characteristics", sa.JSON, nullable=False),
    reference("party_id", "party"),
    person="party_id",
)
"""A party that buys. `name` is what it is called as a customer; `characteristics` name to value."""
for _columns in (("party_id", "id"), ("name", "id"), ("status", "id")):
    index(CUSTOMER, *_columns)

BILLING_ACCOUNT: Final = tenant_table(
    "billing_account",
    personal("name", NAME, nullable=False),
    personal("description", sa.String(2000)),
    identifier("customer_id", nullable=False),
    sa.Column("account_type", WORD, nullable=False),
    sa.Column("state", WORD, nullable=False),
    sa.Column("payment_status", WORD, nullable=False),
    sa.Column("currency", sa.String(3), nullable=False),
    micros("credit_limit_micros", nullable=False),
    sa.Column("bill_cycle_day", sa.Integer),
    sa.Column("bill_format", WORD),
    reference("customer_id", "customer"),
    person=Through("customer_id", "customer"),
)
for _columns in (
    ("customer_id", "id"),
    ("name", "id"),
    ("state", "id"),
    ("credit_limit_micros", "id"),
    ("currency", "id"),
):
    index(BILLING_ACCOUNT, *_columns)

ACCOUNT_LINK: Final = tenant_table(
    "account_link",
    identifier("billing_account_id", nullable=False),
    sa.Column("engine_account_id", sa.BigInteger, nullable=False),
    instant("from_ns", nullable=False),
    instant("to_ns"),
    reference("billing_account_id", "billing_account"),
    sa.UniqueConstraint("tenant", "engine_account_id", "from_ns"),
    sa.Index(None, "tenant", "billing_account_id"),
    sa.Index(
        "uq_account_link_open",
        "tenant",
        "engine_account_id",
        unique=True,
        sqlite_where=sa.text("to_ns IS NULL"),
        postgresql_where=sa.text("to_ns IS NULL"),
    ),
)
"""Which billing account pays for an engine's account, from when to when: one at each instant."""

PARTY_ROLE: Final = tenant_table(
    "party_role",
    identifier("party_id", nullable=False),
    sa.Column("role", sa.String(64), nullable=False),
    identifier("customer_id"),
    identifier("billing_account_id"),
    instant("from_ns", nullable=False),
    instant("to_ns"),
    reference("party_id", "party"),
    reference("customer_id", "customer"),
    reference("billing_account_id", "billing_account"),
    sa.Index(None, "tenant", "party_id"),
    sa.Index(None, "tenant", "customer_id"),
    sa.Index(None, "tenant", "billing_account_id"),
)
"""What a party is to a customer or a billing account: authorised contact, user, payer, billing contact ..."""

CONSENT: Final = tenant_table(
    "consent",
    identifier("party_id", nullable=False),
    sa.Column("purpose", sa.String(64), nullable=False),
    sa.Column("is_granted", sa.Boolean, nullable=False),
    instant("at_ns", nullable=False),
    sa.Column("channel", sa.String(64), nullable=False),
    sa.Column("text_version", sa.String(64), nullable=False),
    reference("party_id", "party"),
    sa.Index(None, "tenant", "party_id", "purpose", "id"),
)
"""What a party said, a row each time; the last row of a purpose holds, those before it are the history."""

INTERACTION: Final = tenant_table(
    "interaction",
    identifier("party_id"),
    identifier("customer_id"),
    identifier("ticket_id"),
    sa.Column("direction", WORD, nullable=False),
    sa.Column("channel", sa.String(64), nullable=False),
    personal("reason", sa.String(400), nullable=False),
    personal("description", TEXT),
    sa.Column("status", WORD, nullable=False),
    instant("status_since_ns", nullable=False),
    instant("from_ns", nullable=False),
    instant("to_ns"),
    sa.Column("subject", sa.String(200), nullable=False),
    reference("party_id", "party"),
    reference("customer_id", "customer"),
    reference("ticket_id", "trouble_ticket"),
    sa.Index(None, "tenant", "customer_id", "from_ns"),
    sa.Index(None, "tenant", "customer_id", "id"),
    sa.Index(None, "tenant", "from_ns", "id"),
    sa.Index(None, "tenant", "direction", "id"),
    sa.Index(None, "tenant", "reason", "id"),
    sa.Index(None, "tenant", "channel", "id"),
    sa.Index(None, "tenant", "status", "id"),
    sa.Index(None, "tenant", "party_id", "id"),
    sa.Index(None, "tenant", "ticket_id"),
    person=("party_id", Through("customer_id", "customer")),
)
"""A call, a visit, a letter, a chat; `subject` is who of ours wrote it down."""

TICKET: Final = tenant_table(
    "trouble_ticket",
    personal("name", NAME),
    personal("description", TEXT),
    sa.Column("ticket_type", sa.String(64), nullable=False),
    sa.Column("severity", WORD, nullable=False),
    sa.Column("priority", WORD),
    sa.Column("status", WORD, nullable=False),
    instant("status_since_ns", nullable=False),
    personal("status_reason", sa.String(400)),
    identifier("customer_id"),
    identifier("party_id"),
    sa.Column("external_id", sa.String(100)),
    sa.Column("channel", sa.String(64)),
    sa.Column("related_kind", sa.String(64)),
    identifier("related_id"),
    sa.Column("assignee", sa.String(200)),
    instant("due_ns"),
    instant("overdue_ns"),
    instant("requested_ns"),
    instant("resolved_ns"),
    reference("customer_id", "customer"),
    reference("party_id", "party"),
    person=("party_id", Through("customer_id", "customer")),
)
"""`due_ns`: when it is to be resolved, `overdue_ns`: since when it is late, `requested_ns`: when the customer wants it."""
for _columns in (
    ("customer_id", "id"),
    ("party_id", "id"),
    ("status", "due_ns"),
    ("status", "id"),
    ("severity", "id"),
    ("ticket_type", "id"),
    ("due_ns", "id"),
    ("assignee", "status"),
    ("external_id", "id"),
):
    index(TICKET, *_columns)
TICKET_DESCRIPTION_HEAD: Final = head_of(TICKET.c.description)
sa.Index(
    "ix_trouble_ticket_tenant_description_head_id",
    TICKET.c.tenant,
    TICKET_DESCRIPTION_HEAD,
    TICKET.c.id,
)

TICKET_STATUS: Final = tenant_table(
    "ticket_status",
    identifier("ticket_id", nullable=False),
    sa.Column("status", WORD, nullable=False),
    personal("reason", sa.String(400)),
    instant("at_ns", nullable=False),
    sa.Column("subject", sa.String(200), nullable=False),
    reference("ticket_id", "trouble_ticket"),
    sa.Index(None, "tenant", "ticket_id", "id"),
    person=Through("ticket_id", "trouble_ticket"),
    is_audited=False,
)
"""Each status that a ticket had, in order."""

TICKET_NOTE: Final = tenant_table(
    "ticket_note",
    identifier("ticket_id", nullable=False),
    identifier("party_id"),
    sa.Column("author", sa.String(200), nullable=False),
    instant("at_ns", nullable=False),
    personal("text", TEXT),
    reference("ticket_id", "trouble_ticket"),
    sa.Index(None, "tenant", "ticket_id", "id"),
    sa.Index(None, "tenant", "party_id"),
    person=("party_id", Through("ticket_id", "trouble_ticket")),
)

CRM_TABLES: Final = (
    PARTY,
    IDENTIFICATION,
    CONTACT_MEDIUM,
    CUSTOMER,
    BILLING_ACCOUNT,
    ACCOUNT_LINK,
    PARTY_ROLE,
    CONSENT,
    INTERACTION,
    TICKET,
    TICKET_STATUS,
    TICKET_NOTE,
)
