"""Revisions bring an empty database, and each earlier one, to the tables of this release."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest
import sqlalchemy as sa

from bss.all_tables import METADATA
from bss.edge.database import Database
from bss.edge.migrate import DatabaseNewer, differences, migrate, revisions
from tests.bss.conftest import NOW_NS


@pytest.fixture
def empty(bare_database_at: sa.URL) -> sa.Engine:
    return sa.create_engine(bare_database_at, poolclass=sa.NullPool)


def test_revisions_make_the_tables_that_this_release_declares(empty: sa.Engine) -> None:
    migrate(empty)
    assert [found for found in differences(empty) if "test_" not in str(found)] == []
    migrate(empty)


def words_of_indexes(engine: sa.Engine) -> dict[str, str]:
    """By name, what the database itself says that they are."""
    asked = {
        "sqlite": "SELECT name, sql FROM sqlite_master WHERE type = 'index'",
        "postgresql": "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    }
    with engine.connect() as connection:
        return {row[0]: row[1] for row in connection.exec_driver_sql(asked[engine.dialect.name])}


def test_revisions_make_the_indexes_of_expressions_in_the_same_words(empty: sa.Engine) -> None:
    migrate(empty)
    before = words_of_indexes(empty)
    indexes = [one for table in METADATA.tables.values() if table.name[:5] != "test_" for one in table.indexes]
    of_expressions = [one for one in indexes if not all(isinstance(part, sa.Column) for part in one.expressions)]
    assert of_expressions
    for one in of_expressions:
        one.drop(empty)
        one.create(empty)
    assert words_of_indexes(empty) == before


@pytest.mark.parametrize("earlier", revisions()[:-1])
def test_each_earlier_revision_comes_up_to_the_last(empty: sa.Engine, earlier: str) -> None:
    migrate(empty, to=earlier)
    migrate(empty)
    assert [found for found in differences(empty) if "test_" not in str(found)] == []


def test_a_database_of_a_later_release_is_left_alone(empty: sa.Engine) -> None:
    migrate(empty)
    with empty.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseNewer, match="9999"):
        migrate(empty)


def _migrate(url: str) -> str:
    """In a process of its own: Alembic's context is one of a process."""
    database = Database(sa.make_url(url), now_ns=lambda: NOW_NS)
    try:
        migrate(database.engine)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        database.close()
    return ""


def test_several_that_start_at_once_make_the_tables_once(empty: sa.Engine) -> None:
    url = empty.url.render_as_string(hide_password=False)
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as processes:
        assert list(processes.map(_migrate, [url] * 8, timeout=60)) == [""] * 8
    assert [found for found in differences(empty) if "test_" not in str(found)] == []
