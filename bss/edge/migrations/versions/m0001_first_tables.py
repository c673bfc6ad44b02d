"""The tables of the first release."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:  # tidy: as it was generated, a call a table
    """Forward; a database is never taken back."""
    op.create_table(
        "api_client",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("permissions", sa.JSON(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_api_client")),
    )
    op.create_table(
        "audit",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("operation", sa.String(length=200), nullable=False),
        sa.Column("resource", sa.String(length=64), nullable=False),
        sa.Column("resource_id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=True),
        sa.Column("before", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("after", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_audit_tenant_resource_resource_id_id"),
            ["tenant", "resource", "resource_id", "id"],
            unique=False,
        )

    op.create_table(
        "balance_action",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=True),
        sa.Column("engine_account_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_micros", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=400), nullable=True),
        sa.Column("remaining_micros", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_balance_action")),
    )
    with op.batch_alter_table("balance_action", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_balance_action_tenant_customer_id_id"), ["tenant", "customer_id", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_balance_action_tenant_engine_account_id_id"),
            ["tenant", "engine_account_id", "id"],
            unique=False,
        )

    op.create_table(
        "catalog_release",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("effective_ns", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("engine_hash", sa.String(length=64), nullable=False),
        sa.Column("migrations", sa.JSON(), nullable=False),
        sa.Column("edit_count", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_catalog_release")),
    )
    with op.batch_alter_table("catalog_release", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_catalog_release_tenant_state_number"), ["tenant", "state", "number"], unique=False
        )

    op.create_table(
        "catalog_tariff_part",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("part_id", sa.String(length=64), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_catalog_tariff_part")),
        sa.UniqueConstraint("tenant", "kind", "part_id", name=op.f("uq_catalog_tariff_part_tenant_kind_part_id")),
    )
    op.create_table(
        "catalog_working_copy",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("base_release", sa.Integer(), nullable=True),
        sa.Column("edit_count", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=2000), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("effective_ns", sa.BigInteger(), nullable=False),
        sa.Column("retired_offers", sa.JSON(), nullable=False),
        sa.Column("retired_allowances", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_catalog_working_copy")),
    )
    op.create_table(
        "console_user",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("password_until_ns", sa.BigInteger(), nullable=True),
        sa.Column("failed_logins", sa.Integer(), nullable=False),
        sa.Column("locked_until_ns", sa.BigInteger(), nullable=True),
        sa.Column("last_login_ns", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_console_user")),
        sa.UniqueConstraint("tenant", "login", name=op.f("uq_console_user_tenant_login")),
    )
    op.create_table(
        "delivery",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("hub_id", sa.String(length=64), nullable=False),
        sa.Column("event_sequence", sa.BigInteger(), nullable=False),
        sa.Column("lane", sa.String(length=130), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("since_ns", sa.BigInteger(), nullable=False),
        sa.Column("next_ns", sa.BigInteger(), nullable=False),
        sa.Column("leased_until_ns", sa.BigInteger(), nullable=False),
        sa.Column("leased_by", sa.String(length=64), nullable=False),
        sa.Column("said", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_delivery")),
        sa.UniqueConstraint(
            "tenant", "hub_id", "event_sequence", name=op.f("uq_delivery_tenant_hub_id_event_sequence")
        ),
    )
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_delivery_state_next_ns"), ["state", "next_ns"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_delivery_tenant_hub_id_lane_state_event_sequence"),
            ["tenant", "hub_id", "lane", "state", "event_sequence"],
            unique=False,
        )

    op.create_table(
        "due",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("resource_id", sa.String(length=64), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("ids", sa.JSON(), nullable=False),
        sa.Column("not_before_ns", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=500), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_due")),
        sa.UniqueConstraint("tenant", "kind", "resource_id", name=op.f("uq_due_tenant_kind_resource_id")),
    )
    with op.batch_alter_table("due", schema=None) as batch_op:
        batch_op.create_index("ix_due_next", ["not_before_ns"], unique=False)
        batch_op.create_index("ix_due_resource", ["tenant", "resource_id"], unique=False)

    op.create_table(
        "hub",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("api", sa.String(length=64), nullable=False),
        sa.Column("callback", sa.String(length=2000), nullable=False),
        sa.Column("query", sa.String(length=2000), nullable=False),
        sa.Column("secrets", sa.JSON(), nullable=False),
        sa.Column("replay_after", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_hub")),
    )
    with op.batch_alter_table("hub", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_hub_tenant_api"), ["tenant", "api"], unique=False)

    op.create_table(
        "idempotency",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("operation", sa.String(length=200), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("body_hash", sa.String(length=64), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "subject", "operation", "key", name=op.f("pk_idempotency")),
    )
    op.create_table(
        "lease",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("until_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", name=op.f("pk_lease")),
    )
    op.create_table(
        "outbox",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("resource", sa.String(length=64), nullable=False),
        sa.Column("resource_id", sa.String(length=64), nullable=False),
        sa.Column("ids", sa.JSON(), nullable=False),
        sa.Column("occurred_ns", sa.BigInteger(), nullable=False),
        sa.Column("relayed_ns", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_outbox")),
        sa.UniqueConstraint("tenant", "id", name=op.f("uq_outbox_tenant_id")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(
            "ix_outbox_waiting",
            ["sequence"],
            unique=False,
            sqlite_where=sa.text("relayed_ns IS NULL"),
            postgresql_where=sa.text("relayed_ns IS NULL"),
        )

    op.create_table(
        "party",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("given_name", sa.String(length=200), nullable=True),
        sa.Column("family_name", sa.String(length=200), nullable=True),
        sa.Column("middle_name", sa.String(length=200), nullable=True),
        sa.Column("title", sa.String(length=32), nullable=True),
        sa.Column("gender", sa.String(length=32), nullable=True),
        sa.Column("birth_date", sa.String(length=10), nullable=True),
        sa.Column("nationality", sa.String(length=64), nullable=True),
        sa.Column("language", sa.String(length=16), nullable=True),
        sa.Column("trading_name", sa.String(length=200), nullable=True),
        sa.Column("legal_name", sa.String(length=200), nullable=True),
        sa.Column("organization_type", sa.String(length=64), nullable=True),
        sa.Column(
            "name_key",
            sa.String(length=200).with_variant(sa.String(length=200, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "given_key",
            sa.String(length=200).with_variant(sa.String(length=200, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("erased_ns", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_party")),
    )
    with op.batch_alter_table("party", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_party_tenant_given_key"), ["tenant", "given_key"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_party_tenant_kind_family_name_id"), ["tenant", "kind", "family_name", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_party_tenant_kind_given_name_id"), ["tenant", "kind", "given_name", "id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_party_tenant_kind_id"), ["tenant", "kind", "id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_party_tenant_kind_status_id"), ["tenant", "kind", "status", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_party_tenant_kind_trading_name_id"), ["tenant", "kind", "trading_name", "id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_party_tenant_name_key"), ["tenant", "name_key"], unique=False)

    op.create_table(
        "person_key",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.LargeBinary(length=32), nullable=True),
        sa.Column("erased_ns", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "person_id", name=op.f("pk_person_key")),
    )
    op.create_table(
        "product_catalog",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=2000), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("lifecycle_status", sa.String(length=16), nullable=False),
        sa.Column("valid_from_ns", sa.BigInteger(), nullable=True),
        sa.Column("valid_to_ns", sa.BigInteger(), nullable=True),
        sa.Column("catalog_type", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_product_catalog")),
    )
    with op.batch_alter_table("product_catalog", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_product_catalog_tenant_lifecycle_status_id"),
            ["tenant", "lifecycle_status", "id"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_product_catalog_tenant_name_id"), ["tenant", "name", "id"], unique=False)

    op.create_table(
        "product_offering_price",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=2000), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("lifecycle_status", sa.String(length=16), nullable=False),
        sa.Column("valid_from_ns", sa.BigInteger(), nullable=True),
        sa.Column("valid_to_ns", sa.BigInteger(), nullable=True),
        sa.Column("price_type", sa.String(length=16), nullable=False),
        sa.Column("amount_micros", sa.BigInteger(), nullable=True),
        sa.Column("recurring_charge_period_length", sa.Integer(), nullable=True),
        sa.Column("recurring_charge_period_type", sa.String(length=16), nullable=True),
        sa.Column("price", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_product_offering_price")),
    )
    with op.batch_alter_table("product_offering_price", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_product_offering_price_tenant_lifecycle_status_id"),
            ["tenant", "lifecycle_status", "id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_product_offering_price_tenant_name_id"), ["tenant", "name", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_product_offering_price_tenant_price_type_id"), ["tenant", "price_type", "id"], unique=False
        )

    op.create_table(
        "product_order",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("is_cancelling", sa.Boolean(), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=2000), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("billing_account_id", sa.String(length=64), nullable=True),
        sa.Column("requested_start_ns", sa.BigInteger(), nullable=True),
        sa.Column("completed_ns", sa.BigInteger(), nullable=True),
        sa.Column("cancellation_reason", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_product_order")),
    )
    with op.batch_alter_table("product_order", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_product_order_tenant_customer_id"), ["tenant", "customer_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_product_order_tenant_external_id"), ["tenant", "external_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_product_order_tenant_state"), ["tenant", "state"], unique=False)

    op.create_table(
        "product_specification",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=2000), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("lifecycle_status", sa.String(length=16), nullable=False),
        sa.Column("valid_from_ns", sa.BigInteger(), nullable=True),
        sa.Column("valid_to_ns", sa.BigInteger(), nullable=True),
        sa.Column("brand", sa.String(length=200), nullable=False),
        sa.Column("product_number", sa.String(length=80), nullable=False),
        sa.Column("characteristics", sa.JSON(), nullable=False),
        sa.Column("services", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_product_specification")),
    )
    with op.batch_alter_table("product_specification", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_product_specification_tenant_lifecycle_status_id"),
            ["tenant", "lifecycle_status", "id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_product_specification_tenant_name_id"), ["tenant", "name", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_product_specification_tenant_product_number_id"),
            ["tenant", "product_number", "id"],
            unique=False,
        )

    op.create_table(
        "tenant",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_tenant")),
    )
    op.create_table(
        "consent",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("party_id", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("is_granted", sa.Boolean(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("text_version", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "party_id"], ["party.tenant", "party.id"], name=op.f("fk_consent_tenant_party_id")
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_consent")),
    )
    with op.batch_alter_table("consent", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_consent_tenant_party_id_purpose_id"), ["tenant", "party_id", "purpose", "id"], unique=False
        )

    op.create_table(
        "console_session",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.String(length=64), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("seen_ns", sa.BigInteger(), nullable=False),
        sa.Column("expires_ns", sa.BigInteger(), nullable=False),
        sa.Column("ended_ns", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant", "user_id"],
            ["console_user.tenant", "console_user.id"],
            name=op.f("fk_console_session_tenant_user_id"),
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_console_session")),
        sa.UniqueConstraint("tenant", "token_hash", name=op.f("uq_console_session_tenant_token_hash")),
    )
    with op.batch_alter_table("console_session", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_console_session_tenant_user_id_ended_ns"), ["tenant", "user_id", "ended_ns"], unique=False
        )

    op.create_table(
        "contact_medium",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("party_id", sa.String(length=64), nullable=False),
        sa.Column("medium_type", sa.String(length=32), nullable=False),
        sa.Column("contact_type", sa.String(length=64), nullable=True),
        sa.Column("is_preferred", sa.Boolean(), nullable=False),
        sa.Column("email_address", sa.String(length=254), nullable=True),
        sa.Column("phone_number", sa.String(length=32), nullable=True),
        sa.Column("fax_number", sa.String(length=32), nullable=True),
        sa.Column("social_network_id", sa.String(length=200), nullable=True),
        sa.Column("street1", sa.String(length=200), nullable=True),
        sa.Column("street2", sa.String(length=200), nullable=True),
        sa.Column("post_code", sa.String(length=32), nullable=True),
        sa.Column("city", sa.String(length=100), nullable=True),
        sa.Column("state_or_province", sa.String(length=100), nullable=True),
        sa.Column("country", sa.String(length=64), nullable=True),
        sa.Column("from_ns", sa.BigInteger(), nullable=False),
        sa.Column("to_ns", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant", "party_id"], ["party.tenant", "party.id"], name=op.f("fk_contact_medium_tenant_party_id")
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_contact_medium")),
    )
    with op.batch_alter_table("contact_medium", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_contact_medium_tenant_email_address"), ["tenant", "email_address"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_contact_medium_tenant_party_id"), ["tenant", "party_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_contact_medium_tenant_phone_number"), ["tenant", "phone_number"], unique=False
        )

    op.create_table(
        "customer",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("party_id", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("status_reason", sa.String(length=400), nullable=True),
        sa.Column("segment", sa.String(length=64), nullable=True),
        sa.Column("from_ns", sa.BigInteger(), nullable=False),
        sa.Column("to_ns", sa.BigInteger(), nullable=True),
        sa.Column("characteristics", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "party_id"], ["party.tenant", "party.id"], name=op.f("fk_customer_tenant_party_id")
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_customer")),
    )
    with op.batch_alter_table("customer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_customer_tenant_name_id"), ["tenant", "name", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_customer_tenant_party_id_id"), ["tenant", "party_id", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_customer_tenant_status_id"), ["tenant", "status", "id"], unique=False)

    op.create_table(
        "identification",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("party_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("document_number", sa.String(length=100), nullable=True),
        sa.Column("issuing_authority", sa.String(length=200), nullable=True),
        sa.Column("from_ns", sa.BigInteger(), nullable=True),
        sa.Column("to_ns", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant", "party_id"], ["party.tenant", "party.id"], name=op.f("fk_identification_tenant_party_id")
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_identification")),
    )
    with op.batch_alter_table("identification", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_identification_tenant_party_id"), ["tenant", "party_id"], unique=False)

    op.create_table(
        "order_item",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("offering_id", sa.String(length=64), nullable=False),
        sa.Column("release", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.String(length=64), nullable=True),
        sa.Column("resources", sa.JSON(), nullable=False),
        sa.Column("reservation", sa.String(length=64), nullable=False),
        sa.Column("characteristics", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "order_id"],
            ["product_order.tenant", "product_order.id"],
            name=op.f("fk_order_item_tenant_order_id"),
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_order_item")),
        sa.UniqueConstraint("tenant", "order_id", "number", name=op.f("uq_order_item_tenant_order_id_number")),
    )
    with op.batch_alter_table("order_item", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_order_item_tenant_product_id"), ["tenant", "product_id"], unique=False)

    op.create_table(
        "product_category",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=2000), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("lifecycle_status", sa.String(length=16), nullable=False),
        sa.Column("valid_from_ns", sa.BigInteger(), nullable=True),
        sa.Column("valid_to_ns", sa.BigInteger(), nullable=True),
        sa.Column("catalog_id", sa.String(length=64), nullable=True),
        sa.Column("parent_id", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant", "catalog_id"],
            ["product_catalog.tenant", "product_catalog.id"],
            name=op.f("fk_product_category_tenant_catalog_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "parent_id"],
            ["product_category.tenant", "product_category.id"],
            name=op.f("fk_product_category_tenant_parent_id"),
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_product_category")),
    )
    with op.batch_alter_table("product_category", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_product_category_tenant_catalog_id_id"), ["tenant", "catalog_id", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_product_category_tenant_lifecycle_status_id"),
            ["tenant", "lifecycle_status", "id"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_product_category_tenant_name_id"), ["tenant", "name", "id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_product_category_tenant_parent_id_id"), ["tenant", "parent_id", "id"], unique=False
        )

    op.create_table(
        "product_offering",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=2000), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("lifecycle_status", sa.String(length=16), nullable=False),
        sa.Column("valid_from_ns", sa.BigInteger(), nullable=True),
        sa.Column("valid_to_ns", sa.BigInteger(), nullable=True),
        sa.Column("status_reason", sa.String(length=500), nullable=False),
        sa.Column("is_sellable", sa.Boolean(), nullable=False),
        sa.Column("product_specification_id", sa.String(length=64), nullable=False),
        sa.Column("offer", sa.String(length=64), nullable=True),
        sa.Column("category_ids", sa.JSON(), nullable=False),
        sa.Column("price_ids", sa.JSON(), nullable=False),
        sa.Column("characteristic_values", sa.JSON(), nullable=False),
        sa.Column("relationships", sa.JSON(), nullable=False),
        sa.Column("eligibility", sa.String(length=2000), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "product_specification_id"],
            ["product_specification.tenant", "product_specification.id"],
            name=op.f("fk_product_offering_tenant_product_specification_id"),
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_product_offering")),
    )
    with op.batch_alter_table("product_offering", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_product_offering_tenant_lifecycle_status_id"),
            ["tenant", "lifecycle_status", "id"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_product_offering_tenant_name_id"), ["tenant", "name", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_product_offering_tenant_offer"), ["tenant", "offer"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_product_offering_tenant_product_specification_id_id"),
            ["tenant", "product_specification_id", "id"],
            unique=False,
        )

    op.create_table(
        "billing_account",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=2000), nullable=True),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("account_type", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("payment_status", sa.String(length=32), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("credit_limit_micros", sa.BigInteger(), nullable=False),
        sa.Column("bill_cycle_day", sa.Integer(), nullable=True),
        sa.Column("bill_format", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant", "customer_id"],
            ["customer.tenant", "customer.id"],
            name=op.f("fk_billing_account_tenant_customer_id"),
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_billing_account")),
    )
    with op.batch_alter_table("billing_account", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_billing_account_tenant_customer_id_id"), ["tenant", "customer_id", "id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_billing_account_tenant_name_id"), ["tenant", "name", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_billing_account_tenant_state_id"), ["tenant", "state", "id"], unique=False)

    op.create_table(
        "order_step",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("item_id", sa.String(length=64), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("after", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error_code", sa.String(length=80), nullable=False),
        sa.Column("error", sa.String(length=1000), nullable=False),
        sa.Column("compensation", sa.String(length=40), nullable=False),
        sa.Column("is_point_of_no_return", sa.Boolean(), nullable=False),
        sa.Column("is_for_people", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(length=1000), nullable=False),
        sa.Column("outcome", sa.JSON(), nullable=False),
        sa.Column("started_ns", sa.BigInteger(), nullable=True),
        sa.Column("ended_ns", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant", "item_id"], ["order_item.tenant", "order_item.id"], name=op.f("fk_order_step_tenant_item_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "order_id"],
            ["product_order.tenant", "product_order.id"],
            name=op.f("fk_order_step_tenant_order_id"),
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_order_step")),
        sa.UniqueConstraint("tenant", "order_id", "place", name=op.f("uq_order_step_tenant_order_id_place")),
    )
    with op.batch_alter_table("order_step", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_order_step_tenant_state"), ["tenant", "state"], unique=False)

    op.create_table(
        "trouble_ticket",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("description", sa.String(length=4000), nullable=True),
        sa.Column("ticket_type", sa.String(length=64), nullable=False),
        sa.Column("severity", sa.String(length=32), nullable=False),
        sa.Column("priority", sa.String(length=32), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("status_since_ns", sa.BigInteger(), nullable=False),
        sa.Column("status_reason", sa.String(length=400), nullable=True),
        sa.Column("customer_id", sa.String(length=64), nullable=True),
        sa.Column("party_id", sa.String(length=64), nullable=True),
        sa.Column("external_id", sa.String(length=100), nullable=True),
        sa.Column("channel", sa.String(length=64), nullable=True),
        sa.Column("related_kind", sa.String(length=64), nullable=True),
        sa.Column("related_id", sa.String(length=64), nullable=True),
        sa.Column("assignee", sa.String(length=200), nullable=True),
        sa.Column("due_ns", sa.BigInteger(), nullable=True),
        sa.Column("overdue_ns", sa.BigInteger(), nullable=True),
        sa.Column("requested_ns", sa.BigInteger(), nullable=True),
        sa.Column("resolved_ns", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant", "customer_id"],
            ["customer.tenant", "customer.id"],
            name=op.f("fk_trouble_ticket_tenant_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "party_id"], ["party.tenant", "party.id"], name=op.f("fk_trouble_ticket_tenant_party_id")
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_trouble_ticket")),
    )
    with op.batch_alter_table("trouble_ticket", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_trouble_ticket_tenant_assignee_status"), ["tenant", "assignee", "status"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_trouble_ticket_tenant_customer_id_id"), ["tenant", "customer_id", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_trouble_ticket_tenant_external_id"), ["tenant", "external_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_trouble_ticket_tenant_party_id"), ["tenant", "party_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_trouble_ticket_tenant_severity_id"), ["tenant", "severity", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_trouble_ticket_tenant_status_due_ns"), ["tenant", "status", "due_ns"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_trouble_ticket_tenant_ticket_type_id"), ["tenant", "ticket_type", "id"], unique=False
        )

    op.create_table(
        "account_link",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("billing_account_id", sa.String(length=64), nullable=False),
        sa.Column("engine_account_id", sa.BigInteger(), nullable=False),
        sa.Column("from_ns", sa.BigInteger(), nullable=False),
        sa.Column("to_ns", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant", "billing_account_id"],
            ["billing_account.tenant", "billing_account.id"],
            name=op.f("fk_account_link_tenant_billing_account_id"),
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_account_link")),
        sa.UniqueConstraint(
            "tenant", "engine_account_id", "from_ns", name=op.f("uq_account_link_tenant_engine_account_id_from_ns")
        ),
    )
    with op.batch_alter_table("account_link", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_account_link_tenant_billing_account_id"), ["tenant", "billing_account_id"], unique=False
        )
        batch_op.create_index(
            "uq_account_link_open",
            ["tenant", "engine_account_id"],
            unique=True,
            sqlite_where=sa.text("to_ns IS NULL"),
            postgresql_where=sa.text("to_ns IS NULL"),
        )

    op.create_table(
        "interaction",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("party_id", sa.String(length=64), nullable=True),
        sa.Column("customer_id", sa.String(length=64), nullable=True),
        sa.Column("ticket_id", sa.String(length=64), nullable=True),
        sa.Column("direction", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=False),
        sa.Column("description", sa.String(length=4000), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("status_since_ns", sa.BigInteger(), nullable=False),
        sa.Column("from_ns", sa.BigInteger(), nullable=False),
        sa.Column("to_ns", sa.BigInteger(), nullable=True),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "customer_id"],
            ["customer.tenant", "customer.id"],
            name=op.f("fk_interaction_tenant_customer_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "party_id"], ["party.tenant", "party.id"], name=op.f("fk_interaction_tenant_party_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "ticket_id"],
            ["trouble_ticket.tenant", "trouble_ticket.id"],
            name=op.f("fk_interaction_tenant_ticket_id"),
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_interaction")),
    )
    with op.batch_alter_table("interaction", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_interaction_tenant_customer_id_from_ns"), ["tenant", "customer_id", "from_ns"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_interaction_tenant_party_id_from_ns"), ["tenant", "party_id", "from_ns"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_interaction_tenant_ticket_id"), ["tenant", "ticket_id"], unique=False)

    op.create_table(
        "party_role",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("party_id", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=True),
        sa.Column("billing_account_id", sa.String(length=64), nullable=True),
        sa.Column("from_ns", sa.BigInteger(), nullable=False),
        sa.Column("to_ns", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant", "billing_account_id"],
            ["billing_account.tenant", "billing_account.id"],
            name=op.f("fk_party_role_tenant_billing_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "customer_id"], ["customer.tenant", "customer.id"], name=op.f("fk_party_role_tenant_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "party_id"], ["party.tenant", "party.id"], name=op.f("fk_party_role_tenant_party_id")
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_party_role")),
    )
    with op.batch_alter_table("party_role", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_party_role_tenant_billing_account_id"), ["tenant", "billing_account_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_party_role_tenant_customer_id"), ["tenant", "customer_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_party_role_tenant_party_id"), ["tenant", "party_id"], unique=False)

    op.create_table(
        "product",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("description", sa.String(length=2000), nullable=True),
        sa.Column("offering_id", sa.String(length=64), nullable=False),
        sa.Column("offering_name", sa.String(length=200), nullable=True),
        sa.Column("specification_id", sa.String(length=64), nullable=True),
        sa.Column("status", sa.String(length=24), nullable=False),
        sa.Column("status_since_ns", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.String(length=64), nullable=False),
        sa.Column("billing_account_id", sa.String(length=64), nullable=True),
        sa.Column("engine_account_id", sa.BigInteger(), nullable=True),
        sa.Column("parent_id", sa.String(length=64), nullable=True),
        sa.Column("is_bundle", sa.Boolean(), nullable=False),
        sa.Column("is_customer_visible", sa.Boolean(), nullable=False),
        sa.Column(
            "number",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "iccid", sa.String(length=20).with_variant(sa.String(length=20, collation="C"), "postgresql"), nullable=True
        ),
        sa.Column(
            "imsi", sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"), nullable=True
        ),
        sa.Column("order_id", sa.String(length=64), nullable=True),
        sa.Column("order_item_id", sa.String(length=64), nullable=True),
        sa.Column("ordered_ns", sa.BigInteger(), nullable=True),
        sa.Column("start_ns", sa.BigInteger(), nullable=True),
        sa.Column("end_ns", sa.BigInteger(), nullable=True),
        sa.Column("prices", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "billing_account_id"],
            ["billing_account.tenant", "billing_account.id"],
            name=op.f("fk_product_tenant_billing_account_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "customer_id"], ["customer.tenant", "customer.id"], name=op.f("fk_product_tenant_customer_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant", "parent_id"], ["product.tenant", "product.id"], name=op.f("fk_product_tenant_parent_id")
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_product")),
    )
    with op.batch_alter_table("product", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_product_tenant_billing_account_id_id"), ["tenant", "billing_account_id", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_product_tenant_customer_id_id"), ["tenant", "customer_id", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_product_tenant_customer_id_status"), ["tenant", "customer_id", "status"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_product_tenant_engine_account_id"), ["tenant", "engine_account_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_product_tenant_iccid"), ["tenant", "iccid"], unique=False)
        batch_op.create_index(batch_op.f("ix_product_tenant_imsi"), ["tenant", "imsi"], unique=False)
        batch_op.create_index(batch_op.f("ix_product_tenant_name_id"), ["tenant", "name", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_product_tenant_number_id"), ["tenant", "number", "id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_product_tenant_offering_id_id"), ["tenant", "offering_id", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_product_tenant_offering_id_status"), ["tenant", "offering_id", "status"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_product_tenant_order_id"), ["tenant", "order_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_product_tenant_parent_id"), ["tenant", "parent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_product_tenant_start_ns_id"), ["tenant", "start_ns", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_product_tenant_status_id"), ["tenant", "status", "id"], unique=False)

    op.create_table(
        "ticket_note",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.String(length=64), nullable=False),
        sa.Column("party_id", sa.String(length=64), nullable=True),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.String(length=4000), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant", "ticket_id"],
            ["trouble_ticket.tenant", "trouble_ticket.id"],
            name=op.f("fk_ticket_note_tenant_ticket_id"),
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_ticket_note")),
    )
    with op.batch_alter_table("ticket_note", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ticket_note_tenant_party_id"), ["tenant", "party_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_ticket_note_tenant_ticket_id_id"), ["tenant", "ticket_id", "id"], unique=False
        )

    op.create_table(
        "ticket_status",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=400), nullable=True),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "ticket_id"],
            ["trouble_ticket.tenant", "trouble_ticket.id"],
            name=op.f("fk_ticket_status_tenant_ticket_id"),
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_ticket_status")),
    )
    with op.batch_alter_table("ticket_status", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_ticket_status_tenant_ticket_id_id"), ["tenant", "ticket_id", "id"], unique=False
        )

    op.create_table(
        "msisdn",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column(
            "number",
            sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("pool", sa.String(length=64), nullable=False),
        sa.Column("category", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("state_since_ns", sa.BigInteger(), nullable=False),
        sa.Column("state_until_ns", sa.BigInteger(), nullable=True),
        sa.Column("reserved_for", sa.String(length=64), nullable=True),
        sa.Column("product_id", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant", "product_id"], ["product.tenant", "product.id"], name=op.f("fk_msisdn_tenant_product_id")
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_msisdn")),
        sa.UniqueConstraint("tenant", "number", name=op.f("uq_msisdn_tenant_number")),
    )
    with op.batch_alter_table("msisdn", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_msisdn_tenant_product_id"), ["tenant", "product_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_msisdn_tenant_reserved_for"), ["tenant", "reserved_for"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_msisdn_tenant_state_pool_category_number"),
            ["tenant", "state", "pool", "category", "number"],
            unique=False,
        )

    op.create_table(
        "product_characteristic",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("value_type", sa.String(length=24), nullable=False),
        sa.Column("value", sa.String(length=1000), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant", "product_id"],
            ["product.tenant", "product.id"],
            name=op.f("fk_product_characteristic_tenant_product_id"),
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_product_characteristic")),
        sa.UniqueConstraint(
            "tenant", "product_id", "name", name=op.f("uq_product_characteristic_tenant_product_id_name")
        ),
    )
    with op.batch_alter_table("product_characteristic", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_product_characteristic_tenant_name_value"), ["tenant", "name", "value"], unique=False
        )

    op.create_table(
        "service",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("specification_id", sa.String(length=64), nullable=True),
        sa.Column("category", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("start_ns", sa.BigInteger(), nullable=True),
        sa.Column("end_ns", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant", "product_id"], ["product.tenant", "product.id"], name=op.f("fk_service_tenant_product_id")
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_service")),
    )
    with op.batch_alter_table("service", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_service_tenant_product_id"), ["tenant", "product_id"], unique=False)

    op.create_table(
        "sim",
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("updated_ns", sa.BigInteger(), nullable=False),
        sa.Column(
            "iccid",
            sa.String(length=20).with_variant(sa.String(length=20, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "imsi", sa.String(length=15).with_variant(sa.String(length=15, collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("pool", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=24), nullable=False),
        sa.Column("state_since_ns", sa.BigInteger(), nullable=False),
        sa.Column("state_until_ns", sa.BigInteger(), nullable=True),
        sa.Column("reserved_for", sa.String(length=64), nullable=True),
        sa.Column("product_id", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant", "product_id"], ["product.tenant", "product.id"], name=op.f("fk_sim_tenant_product_id")
        ),
        sa.PrimaryKeyConstraint("tenant", "id", name=op.f("pk_sim")),
        sa.UniqueConstraint("tenant", "iccid", name=op.f("uq_sim_tenant_iccid")),
        sa.UniqueConstraint("tenant", "imsi", name=op.f("uq_sim_tenant_imsi")),
    )
    with op.batch_alter_table("sim", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sim_tenant_product_id"), ["tenant", "product_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_sim_tenant_reserved_for"), ["tenant", "reserved_for"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_sim_tenant_state_pool_kind_iccid"),
            ["tenant", "state", "pool", "kind", "iccid"],
            unique=False,
        )
