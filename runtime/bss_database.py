"""The business side's database, as the settings name it. An engine host has no `[bss]` extra: it is imported late."""

from typing import TYPE_CHECKING

from runtime.bss_extra import REMEDY, BssMissing
from runtime.data_folder import DataFolder
from runtime.moved_clock import clock_of

if TYPE_CHECKING:
    from bss.edge.database import Database
    from runtime.settings import Settings


def open_bss_database(settings: "Settings") -> "Database":
    """The database, with the tables of this release. BssMissing."""
    try:
        import sqlalchemy as sa

        from bss.edge.database import Database, DatabaseUnsafe, database_url
        from bss.edge.migrate import DatabaseNewer, migrate
        from bss.edge.wake import Waker
    except ImportError as error:
        raise BssMissing(f"the business side isn't installed ({error.name} lacks): {REMEDY}") from error
    try:
        url = database_url(settings.bss.url, settings.store.data_dir)
        if not settings.bss.url:
            settings.store.data_dir.mkdir(parents=True, exist_ok=True)
        run = DataFolder(settings.store.data_dir).run
        database = Database(url, now_ns=clock_of(settings).now_ns, on_events=Waker(run).wake)
        migrate(database.engine)
    except (DatabaseUnsafe, DatabaseNewer) as error:
        raise BssMissing(str(error)) from error
    except OSError as error:
        raise BssMissing(f"{settings.store.data_dir} can't be written: {error.strerror}") from error
    except sa.exc.DBAPIError as error:
        raise BssMissing(
            f"the database {url.render_as_string()} can't be opened ({error.orig}): bss.url names it"
        ) from error
    return database
