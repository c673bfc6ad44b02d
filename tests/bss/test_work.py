"""The unit of work on both databases: revisions, audit, events, tenants, idempotency, what fails leaves nothing."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from bss.access import Caller
from bss.audit import AUDIT, ERASED, open_sealed
from bss.edge.database import Database
from bss.errors import IdempotencyKeyReused, Invalid, NotFound, Stale
from bss.idempotency import Idempotency
from bss.outbox import HUB, OUTBOX
from bss.work import Work
from tests.bss.sample_tables import PERSON, PET

Callers = Callable[..., Caller]


def add_hub(work: Work, callback: str = "https://one.example") -> str:
    row = work.insert(HUB, api="productOrdering", callback=callback, query="", secrets=["s"])
    return str(row["id"])


def audit_rows(database: Database, caller: Caller) -> list[Any]:
    return list(database.read(caller, lambda work: work.rows(sa.select(AUDIT).order_by(AUDIT.c.id))))


def test_a_row_has_a_revision_that_each_change_raises(database: Database, anyone: Caller) -> None:
    hub = database.write(anyone, add_hub)
    changed = database.write(anyone, lambda work: work.change(HUB, hub, if_revision=1, callback="https://two.example"))
    assert changed["revision"] == 2
    with pytest.raises(Stale, match="has revision 2, not 1"):
        database.write(anyone, lambda work: work.change(HUB, hub, if_revision=1, callback="https://three.example"))
    row = database.read(anyone, lambda work: work.get(HUB, hub))
    assert (row["callback"], row["revision"]) == ("https://two.example", 2)


def test_each_write_is_audited_with_what_was_before_and_after(database: Database, anyone: Caller) -> None:
    hub = database.write(anyone, add_hub)
    database.write(anyone, lambda work: work.change(HUB, hub, callback="https://two.example"))
    database.write(anyone, lambda work: work.remove(HUB, hub))
    added, changed, removed = audit_rows(database, anyone)
    assert added["before"] is None
    assert added["after"]["callback"] == "https://one.example"
    assert (changed["before"], changed["after"]) == (
        {"callback": "https://one.example"},
        {"callback": "https://two.example"},
    )
    assert removed["after"] is None
    assert {row["subject"] for row in (added, changed, removed)} == {"user:ann"}


def test_what_fails_leaves_nothing(database: Database, anyone: Caller) -> None:
    def fail(work: Work) -> None:
        add_hub(work)
        work.event("HubEvent", resource="hub", resource_id="1")
        raise ValueError("after the writes")

    with pytest.raises(ValueError, match="after the writes"):
        database.write(anyone, fail)
    assert database.read(anyone, lambda work: work.count(sa.select(HUB))) == 0
    assert database.read(anyone, lambda work: work.count(sa.select(OUTBOX))) == 0
    assert not audit_rows(database, anyone)


def test_events_are_there_once_the_work_is(database_at: sa.URL, anyone: Caller) -> None:
    woken: list[int] = []
    database = Database(database_at, now_ns=lambda: 7, on_events=lambda: woken.append(1))
    database.write(anyone, lambda work: work.event("OrderEvent", resource="order", resource_id="o1", customer="c1"))
    (row,) = database.read(anyone, lambda work: work.rows(sa.select(OUTBOX)))
    assert (row["kind"], row["resource_id"], row["ids"], row["relayed_ns"]) == (
        "OrderEvent",
        "o1",
        {"customer": "c1"},
        None,
    )
    assert woken == [1]
    database.write(anyone, add_hub)
    assert woken == [1]
    database.close()


def test_rows_of_another_tenant_are_not_there(database: Database, anyone: Caller, caller_of: Callers) -> None:
    hub = database.write(anyone, add_hub)
    stranger = caller_of(tenant="brand-2")
    assert database.read(stranger, lambda work: work.find(HUB, hub)) is None
    assert database.read(stranger, lambda work: work.count(sa.select(HUB))) == 0
    for write in (
        lambda work: work.change(HUB, hub, callback="https://evil.example"),
        lambda work: work.remove(HUB, hub),
    ):
        with pytest.raises(NotFound):
            database.write(stranger, write)
    assert database.read(anyone, lambda work: work.get(HUB, hub))["callback"] == "https://one.example"


def test_a_text_that_no_database_holds_is_the_callers_mistake(database: Database, anyone: Caller) -> None:
    texts = ["half \ud800"] if database.engine.dialect.name == "sqlite" else ["half \ud800", "\0"]
    for text in texts:
        for ask in (
            lambda work, given=text: add_hub(work, given),
            lambda work, given=text: work.rows(sa.select(HUB).where(HUB.c.callback == given)),
        ):
            with pytest.raises(Invalid, match="Leave out control signs"):
                database.write(anyone, ask)


def test_a_number_beyond_64_bits_is_the_callers_mistake(database: Database, anyone: Caller) -> None:
    with pytest.raises(Invalid, match="64 bits"):
        database.read(anyone, lambda work: work.rows(sa.select(HUB).where(HUB.c.revision == 2**63)))


def test_a_reference_across_tenants_cannot_be_stored(database: Database, anyone: Caller, caller_of: Callers) -> None:
    owner = database.write(anyone, lambda work: work.insert(PERSON, name="Ann", city="Bonn"))["id"]
    with pytest.raises(IntegrityError):
        database.write(caller_of(tenant="brand-2"), lambda work: work.insert(PET, owner_id=owner, name="Rex"))


def test_joins_and_subselects_see_one_tenant(database: Database, caller_of: Callers) -> None:
    """Each tenant its own, whoever asked the same before: what is compiled once is compiled for all of them."""

    def add(work: Work) -> None:
        owner = work.insert(PERSON, id="p1", name=f"Ann of {work.caller.tenant}", city="Bonn")["id"]
        work.insert(PET, id="r1", owner_id=owner, name="Rex")
        work.insert(PERSON, id="p2", name="Bob", city="Kiel")

    def rows_of(statement: sa.Select[Any], caller: Caller) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in database.read(caller, lambda work: work.rows(statement))]

    tenants = ("default", "brand-2")
    for tenant in tenants:
        database.write(caller_of(tenant=tenant), add)
    joined = sa.select(PERSON.c.name, PET.c.name.label("pet")).select_from(
        PERSON.outerjoin(PET, PET.c.owner_id == PERSON.c.id)
    )
    nested = sa.select(PERSON.c.name).where(PERSON.c.id.in_(sa.select(PET.c.owner_id)))
    other = PERSON.alias("other")
    crossed = sa.select(other.c.name).select_from(PERSON.join(other, other.c.id == PERSON.c.id)).order_by(other.c.id)
    for tenant in (*tenants, *tenants):
        caller = caller_of(tenant=tenant)
        assert rows_of(joined.order_by(PERSON.c.id), caller) == [(f"Ann of {tenant}", "Rex"), ("Bob", None)]
        assert rows_of(nested, caller) == [(f"Ann of {tenant}",)]
        assert rows_of(crossed, caller) == [(f"Ann of {tenant}",), ("Bob",)]
        assert database.read(caller, lambda work: work.count(crossed)) == 2


def test_a_repeat_gets_the_first_answer(database: Database, anyone: Caller, caller_of: Callers) -> None:
    asked = Idempotency("hub.add", "key-1", "hash-1")

    def add(work: Work) -> dict[str, str]:
        return {"id": add_hub(work)}

    first = database.write(anyone, add, idempotency=asked)
    assert database.write(anyone, add, idempotency=asked) == first
    assert database.read(anyone, lambda work: work.count(sa.select(HUB))) == 1
    with pytest.raises(IdempotencyKeyReused, match="came with another body"):
        database.write(anyone, add, idempotency=Idempotency("hub.add", "key-1", "hash-2"))
    for other in (caller_of(subject="user:bob"), caller_of(tenant="brand-2")):
        assert database.write(other, add, idempotency=asked) != first


def test_personal_values_are_sealed_in_the_audit_until_the_person_is_erased(database: Database, anyone: Caller) -> None:
    person = database.write(anyone, lambda work: work.insert(PERSON, name="Ann Ahn", city="Bonn"))["id"]
    database.write(anyone, lambda work: work.change(PERSON, person, name="Ann Oh"))
    added, changed = audit_rows(database, anyone)
    assert "Ann" not in str(added["after"]) + str(changed["before"]) + str(changed["after"])
    key = database.read(anyone, lambda work: work.person_key(person))
    assert open_sealed(added["after"], key=key) == {"name": "Ann Ahn", "city": "Bonn"}
    assert open_sealed(changed["before"], key=key) == {"name": "Ann Ahn"}
    database.write(anyone, lambda work: work.erase_person(person))
    key = database.read(anyone, lambda work: work.person_key(person))
    assert open_sealed(added["after"], key=key) == {"name": ERASED, "city": "Bonn"}
    database.write(anyone, lambda work: work.change(PERSON, person, name="(gone)"))
    assert audit_rows(database, anyone)[-1]["after"] == {"name": ERASED}


def test_a_reader_cannot_write(database: Database, anyone: Caller) -> None:
    with pytest.raises(sa.exc.DBAPIError):
        database.read(anyone, add_hub)
    database.write(anyone, add_hub)


def test_columns_that_work_writes_are_not_to_be_given(database: Database, anyone: Caller) -> None:
    for wrong in ({"tenant": "brand-2"}, {"revision": 7}, {"no_such": 1}):
        with pytest.raises(TypeError):
            database.write(anyone, lambda work: work.insert(PERSON, name="Ann", city="Bonn", **wrong))  # noqa: B023
