"""How tables of the business side are made: `tenant` is the first column of every primary, unique and foreign key, so that
a reference across tenants can't be stored.
"""

from typing import Any, Final, NamedTuple

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


def personal(
    name: str, kind: sa.types.TypeEngine[Any] | type[sa.types.TypeEngine[Any]], **options: Any
) -> sa.Column[Any]:
    """A column that holds personal data, or free text about a person: its values in the audit trail are sealed with the
    person's key, and erasing the person empties it.
    """
    return sa.Column(name, kind, info={"personal": True}, **options)


class Through(NamedTuple):
    """A row is about whom the row of `table` is about that its `column` names."""

    column: str
    table: str


Person = str | Through
"""How a row says whom it is about: by a column with the party's id, or through another row."""


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


HEAD_CHARACTERS: Final = 100
"""Of long text in an index: PostgreSQL takes entries of 2,704 octets at most, and a character may have four."""


def head_of(column: sa.Column[str]) -> sa.ColumnElement[str]:
    """The first characters of a text that is too long for an index. Numbers are in the SQL itself: a database finds the index
    of an expression by its very words.
    """
    return sa.func.substr(column, sa.literal_column("1"), sa.literal_column(str(HEAD_CHARACTERS)))


def tenant_table(
    name: str,
    *parts: sa.schema.SchemaItem,
    person: Person | tuple[Person, ...] = (),
    goes_with_person: bool = False,
    is_audited: bool = True,
) -> sa.Table:
    """A table of rows that `Work` writes: tenant and id are its primary key, `revision` is its ETag.

    person            who a row is about; needed where a column is personal. Of several, the first that names anybody has
                      the key that seals what is audited, and erasing any of them empties the row. A row that names
                      nobody is about nobody that is known: its own id stands for them
    goes_with_person  nothing of a row remains once the person is erased; else its personal columns are emptied
    is_audited        False where rows follow from others, whose changes are in the audit trail
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
        info={
            "person": person if isinstance(person, tuple) and not isinstance(person, Through) else (person,),
            "goes_with_person": goes_with_person,
            "is_audited": is_audited,
        },
    )
    if personal_columns(table) and not person:
        raise ValueError(f"table {name} has personal columns: name the column that says whose they are (person=)")
    return table


def personal_columns(table: sa.Table) -> list[str]:
    """Names of the columns that are personal."""
    return [column.name for column in table.columns if column.info.get("personal")]


def is_about(table: sa.Table, person_id: str) -> sa.ColumnElement[bool]:
    """Rows of the table that are about a person, whichever way they say so."""
    return sa.or_(sa.false(), *(_says(table, way, person_id) for way in table.info["person"]))


def _says(table: sa.Table, way: Person, person_id: str) -> sa.ColumnElement[bool]:
    if isinstance(way, str):
        return table.c[way] == person_id
    owner = table.metadata.tables[way.table]
    return table.c[way.column].in_(sa.select(owner.c.id).where(is_about(owner, person_id)))


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
