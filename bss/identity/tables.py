"""Tables of those who work with Farebox: tenants, users of the console, their sessions."""

from typing import Final

import sqlalchemy as sa

from bss.tables import identifier, instant, reference, secret, tenant_table, unique

TENANT: Final = tenant_table(
    "tenant",
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("is_active", sa.Boolean, nullable=False),
)
"""One row a tenant, whose id is the tenant's own name."""

USER: Final = tenant_table(
    "console_user",
    sa.Column("login", sa.String(64), nullable=False),
    secret("password_hash", sa.String(200), nullable=False),
    sa.Column("roles", sa.JSON, nullable=False),
    sa.Column("is_active", sa.Boolean, nullable=False),
    sa.Column("must_change_password", sa.Boolean, nullable=False),
    instant("password_until_ns"),
    sa.Column("failed_logins", sa.Integer, nullable=False),
    instant("locked_until_ns"),
    instant("last_login_ns"),
    unique("login"),
)
"""`password_until_ns`: when a one-time password is over; `failed_logins` since the last good one."""

SESSION: Final = tenant_table(
    "console_session",
    identifier("user_id", nullable=False),
    secret("token_hash", sa.String(64), nullable=False),
    instant("seen_ns", nullable=False),
    instant("expires_ns", nullable=False),
    instant("ended_ns"),
    unique("token_hash"),
    reference("user_id", "console_user"),
    sa.Index(None, "tenant", "user_id", "ended_ns"),
    is_audited=False,
)
"""A login that holds until `expires_ns` or `ended_ns`. The token itself is the browser's alone."""

IDENTITY_TABLES: Final = (TENANT, USER, SESSION)
