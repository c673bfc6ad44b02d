"""The business side's database, as settings say: opened and brought to the tables of this release."""

from pathlib import Path

import sqlalchemy as sa

from bss.edge.database import Database, database_url
from bss.edge.migrate import migrate
from runtime.clock import SystemClock


def open_database(sql: str, data_dir: Path) -> Database:
    """The database at the URL `sql`, bss.sqlite in `data_dir` where that is empty.

    bss.edge.database.DatabaseUnsafe, bss.edge.migrate.DatabaseNewer, sqlalchemy.exc.SQLAlchemyError where it can't be used.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    url = database_url(sql, data_dir)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    try:
        migrate(engine)
    finally:
        engine.dispose()
    return Database(url, now_ns=SystemClock().now_ns)
