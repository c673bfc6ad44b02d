"""Statements that are made once give what SQLAlchemy gives, whoever runs them."""

from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, MultipleResultsFound

from bss.access import Caller
from bss.edge.database import Database
from bss.errors import Stale
from bss.statements import Statement
from bss.tenant_rows import Prepared, prepared_by
from bss.work import Work
from tests.bss.sample_tables import PERSON

BY_CITY = Prepared(sa.select(PERSON).where(PERSON.c.city == sa.bindparam("city")).order_by(PERSON.c.name))
FIRST = Prepared(sa.select(PERSON).where(PERSON.c.city == "Linz").order_by(PERSON.c.name).limit(1))
BY_NAMES = prepared_by(PERSON.c.name, PERSON.c.name)


@pytest.fixture
def people(database: Database, anyone: Caller) -> Database:
    def add(work: Work) -> None:
        for number in range(60):
            work.insert(PERSON, name=f"p{number:02d}", city="Linz" if number % 2 else "Graz")

    database.write(anyone, add)
    database.write(Caller("other", "x", anyone.permissions), lambda work: work.insert(PERSON, name="p00", city="Linz"))
    return database


def names(database: Database, caller: Caller, prepared: Prepared, **values: Any) -> list[str]:
    return [row["name"] for row in database.read(caller, lambda work: work.rows(prepared, **values))]


def test_values_change_and_the_tenant_holds(people: Database, anyone: Caller) -> None:
    assert names(people, anyone, BY_CITY, city="Linz") == [f"p{number:02d}" for number in range(1, 60, 2)]
    assert names(people, anyone, BY_CITY, city="Graz")[0] == "p00"
    assert names(people, anyone, BY_CITY, city="Wien") == []
    assert names(people, anyone, FIRST) == ["p01"]


@pytest.mark.parametrize("count", [0, 1, 2, 60])
def test_lists_of_any_length(people: Database, anyone: Caller, count: int) -> None:
    wanted = [f"p{number:02d}" for number in range(count)]
    assert names(people, anyone, BY_NAMES, values=wanted) == wanted


def test_rows_are_what_sqlalchemy_reads(people: Database, anyone: Caller) -> None:
    plain = sa.select(PERSON).where(PERSON.c.city == "Linz").order_by(PERSON.c.name)
    by_sqlalchemy, prepared = people.read(anyone, lambda work: (work.rows(plain), work.rows(BY_CITY, city="Linz")))
    assert by_sqlalchemy == prepared


def test_a_value_that_lacks_is_a_mistake(people: Database, anyone: Caller) -> None:
    with pytest.raises((KeyError, sa.exc.StatementError)):
        names(people, anyone, BY_CITY)
    with pytest.raises(TypeError, match="city"):
        people.read(anyone, lambda work: work.rows(sa.select(PERSON), city="Linz"))


def test_one_row_is_one(people: Database, anyone: Caller) -> None:
    with pytest.raises(MultipleResultsFound):
        people.read(anyone, lambda work: work.row(BY_CITY, city="Linz"))


def test_errors_are_sqlalchemys(people: Database, anyone: Caller) -> None:
    def twice(work: Work) -> None:
        made = work.insert(PERSON, name="a", city="Linz")
        work.insert(PERSON, id=made["id"], name="b", city="Linz")

    with pytest.raises(IntegrityError):
        people.write(anyone, twice)
    broken = Statement(sa.select(sa.column("no_such")).select_from(PERSON))
    with pytest.raises(sa.exc.DBAPIError), people.engine.connect() as connection:
        broken.rows(connection, {})


def test_a_row_that_was_read_is_changed_at_its_revision_alone(people: Database, anyone: Caller) -> None:
    (row,) = people.read(anyone, lambda work: work.rows(BY_NAMES, values=["p07"]))
    changed = people.write(anyone, lambda work: work.change(PERSON, row, city="Wels"))
    assert (changed["revision"], changed["city"]) == (2, "Wels")
    with pytest.raises(Stale):
        people.write(anyone, lambda work: work.change(PERSON, row, city="Steyr"))
    with pytest.raises(Stale):
        people.write(anyone, lambda work: work.remove(PERSON, row))
    people.write(anyone, lambda work: work.remove(PERSON, changed))
    assert names(people, anyone, BY_NAMES, values=["p07"]) == []
