"""Brings a database to the tables of this release: Alembic's revisions, run when the business side starts."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from bss.all_tables import METADATA

_REVISIONS: Final = Path(__file__).parent / "migrations"
_LOCK: Final = 0x6661726562
"""Key of the advisory lock that one who migrates holds."""


class DatabaseNewer(Exception):
    """The database was written by a later release than this one."""


def config(connection: sa.Connection | None = None) -> Config:
    """Alembic's configuration, of our revisions."""
    made = Config()
    made.set_main_option("script_location", str(_REVISIONS).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def revisions() -> list[str]:
    """Ids, oldest first."""
    return [script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()][::-1]


def migrate(engine: sa.Engine, *, to: str = "head") -> None:
    """Run what the database lacks; safe to repeat. DatabaseNewer where it has a revision that isn't ours."""
    with _alone(engine), engine.connect() as connection, connection.begin():
        current = MigrationContext.configure(connection).get_current_revision()
        if current is not None and current not in revisions():
            raise DatabaseNewer(
                f"the database has revision {current}, which this release doesn't know: install a later one"
            )
        command.upgrade(config(connection), to)


@contextmanager
def _alone(engine: sa.Engine) -> Iterator[None]:
    """Web and workers start together, and of two that make the first tables at once one would fail. On SQLite the transaction
    itself keeps others out. On PostgreSQL it doesn't, and one that waited within it would look at the tables as of its begin.
    """
    if engine.dialect.name != "postgresql":
        yield
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.select(sa.func.pg_advisory_lock(_LOCK)))
        try:
            yield
        finally:
            connection.execute(sa.select(sa.func.pg_advisory_unlock(_LOCK)))


def differences(engine: sa.Engine) -> list[Any]:
    """What the database's tables and METADATA don't have in common. Indexes of expressions aren't compared: SQLite's can't be
    read, and PostgreSQL writes them in its own words.
    """
    with engine.connect() as connection, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*expression-based index")
        context = MigrationContext.configure(connection, opts={"include_object": _is_compared})
        found: list[Any] = compare_metadata(context, METADATA)
        return found


def _is_compared(item: object, *_: object) -> bool:
    return not isinstance(item, sa.Index) or all(isinstance(part, sa.Column) for part in item.expressions)


def write_revision(engine: sa.Engine, name: str, message: str) -> None:
    """A new revision out of the differences between a migrated database and METADATA, to be read and kept."""
    with engine.connect() as connection, connection.begin():
        command.revision(config(connection), message, autogenerate=True, rev_id=name)
