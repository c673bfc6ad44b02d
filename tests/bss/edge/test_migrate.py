"""Revisions bring an empty database, and each earlier one, to the tables of this release."""

import pytest
import sqlalchemy as sa

from bss.edge.migrate import DatabaseNewer, differences, migrate, revisions


@pytest.fixture
def empty(bare_database_at: sa.URL) -> sa.Engine:
    return sa.create_engine(bare_database_at, poolclass=sa.NullPool)


def test_revisions_make_the_tables_that_this_release_declares(empty: sa.Engine) -> None:
    migrate(empty)
    assert [found for found in differences(empty) if "test_" not in str(found)] == []
    migrate(empty)


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
