"""The business side's database, as settings say: opened and brought to the tables of this release."""

from pathlib import Path

import sqlalchemy as sa

from bss.all_tables import METADATA
from bss.edge.database import Database, database_url
from bss.edge.migrate import migrate, revisions
from bss.edge.wake import waker
from runtime.clock import SystemClock
from runtime.data_folder import DataFolder


def open_database(sql: str, data_dir: Path) -> Database:
    """The database at the URL `sql`, bss.sqlite in `data_dir` where that is empty; its commits wake workers of the folder.

    bss.edge.database.DatabaseUnsafe, bss.edge.migrate.DatabaseNewer, sqlalchemy.exc.SQLAlchemyError where it can't be used.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    url = database_url(sql, data_dir)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    try:
        if revisions():
            migrate(engine)
        else:
            METADATA.create_all(engine)
    finally:
        engine.dispose()
    return Database(url, now_ns=SystemClock().now_ns, on_events=waker(DataFolder(data_dir).run))
