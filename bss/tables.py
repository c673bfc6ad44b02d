"""How tables of the business side are made: `tenant` is the first column of every primary, unique and foreign key, so that
a reference across tenants can't be stored.
"""

from typing import Any, Final

import sqlalchemy as sa

METADATA: Final = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)
"""All tables of all domains. A table is in it once its domain's tables.py is imported (bss/all_tables.py imports all)."""

ID_CHARACTERS_MAX: Final = 64
LAST_CHARACTER: Final = "\U0010ffff"
"""Sorts behind every character that is assigned."""


def identifier(name: str, **options: Any) -> sa.Column[str]:
    """A column that holds an id."""
    return sa.Column(name, sa.String(ID_CHARACTERS_MAX), **options)


def instant(name: str, **options: Any) -> sa.Column[int]:
    """A column that holds an instant: int64 ns since the Unix epoch."""
    return sa.Column(name, sa.BigInteger, **options)


def micros(name: str, **options: Any) -> sa.Column[int]:
    """A column that holds money: int64 micros of the row's currency."""
    return sa.Column(name, sa.BigInteger, **options)


def personal(name: str, kind: sa.types.TypeEngine[Any], **options: Any) -> sa.Column[Any]:
    """A column that holds personal data: its values in the audit trail are sealed with the person's key."""
    return sa.Column(name, kind, info={"personal": True}, **options)


def secret(
    name: str, kind: sa.types.TypeEngine[Any] | type[sa.types.TypeEngine[Any]], **options: Any
) -> sa.Column[Any]:
    """A column whose value nobody reads but who checks it, such as the hash of a password; the audit trail hasn't got it."""
    return sa.Column(name, kind, info={"secret": True}, **options)


def sorted_text(length: int) -> sa.types.TypeEngine[str]:
    """Text that is compared by its characters' numbers on every database, whatever its locale: for searches by prefix."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def begins_with(column: sa.ColumnElement[str], prefix: str) -> sa.ColumnElement[bool]:
    """The column's text begins with `prefix`: a range of its index. For columns of digits or of `sorted_text`."""
    return sa.and_(column >= prefix, column < prefix + LAST_CHARACTER)


def tenant_table(name: str, *parts: sa.schema.SchemaItem, person: str = "", is_audited: bool = True) -> sa.Table:
    """A table of rows that `Work` writes: tenant and id are its primary key, `revision` is its ETag.

    person      column that names whose personal data a row holds; needed where a column is personal. A row where it is
                null is about nobody that is known: its own id stands for them
    is_audited  False where rows follow from others, whose changes are in the audit trail
    """
    table = sa.Table(
        name,
        METADATA,
        sa.Column("tenant", sa.String(ID_CHARACTERS_MAX), nullable=False),
        identifier("id", nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        instant("created_ns", nullable=False),
        instant("updated_ns", nullable=False),
        *parts,
        sa.PrimaryKeyConstraint("tenant", "id"),
        info={"person": person, "is_audited": is_audited},
    )
    if any(column.info.get("personal") for column in table.columns) and not person:
        raise ValueError(f"table {name} has personal columns: name the column that says whose they are (person=)")
    return table


def plain_table(name: str, *parts: sa.schema.SchemaItem) -> sa.Table:
    """A table with a primary key of its own making: what `Work` or an edge keeps beside the rows of domains."""
    return sa.Table(name, METADATA, sa.Column("tenant", sa.String(ID_CHARACTERS_MAX), nullable=False), *parts)


def reference(column: str, target: str) -> sa.ForeignKeyConstraint:
    """`column` names a row of `target` of the same tenant."""
    return sa.ForeignKeyConstraint(["tenant", column], [f"{target}.tenant", f"{target}.id"])


def unique(*columns: str) -> sa.UniqueConstraint:
    """No two rows of a tenant have the same values there."""
    return sa.UniqueConstraint("tenant", *columns)


def index(table: sa.Table, *columns: str) -> sa.Index:
    """An index for filters by these columns within a tenant."""
    return sa.Index(None, table.c.tenant, *(table.c[column] for column in columns))
