"""Numbers and SIMs from free to retired, on both databases: reservations, assignment, quarantine, and what can't be done."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from bss.access import Caller
from bss.due import DUE, due_of
from bss.edge.database import Database
from bss.edge.due_rows import DueRows
from bss.errors import Conflict, Invalid, NotFound
from bss.inventory.digits import luhn_digit
from bss.inventory.kinds import name_of
from bss.inventory.operations import (
    DUE_KINDS,
    QUARANTINE_S,
    add_number,
    add_sim,
    assign,
    block,
    end_due_state,
    quarantine,
    release,
    reserve,
    retire,
    unassign,
)
from bss.inventory.queries import product, product_of_imsi, product_of_number, resource
from bss.inventory.states import RESOURCE_CHANGES, ResourceState
from bss.outbox import OUTBOX
from bss.work import Work
from tests.bss.conftest import NOW_NS, TestClock
from tests.bss.customers import a_product

NUMBER = "491700000001"
ICCID = "894411006850000000" + luhn_digit("894411006850000000")
Callers = Callable[..., Caller]


def due_rows(database: Database) -> DueRows:
    handlers = {kind: (end_due_state, frozenset({"inventory:write"})) for kind in DUE_KINDS}
    return DueRows(database, handlers, holder="test")


def add_three(work: Work) -> None:
    for place in (3, 1, 2):
        add_number(work, number=f"49170000000{place}")


def state_of(database: Database, caller: Caller, number: str = NUMBER) -> str:
    return database.read(caller, lambda work: resource(work, "msisdn", number)).state


def test_the_lowest_free_number_is_reserved_and_kept_when_asked_again(database: Database, anyone: Caller) -> None:
    database.write(anyone, add_three)
    first = database.write(anyone, lambda work: reserve(work, "msisdn", reserved_for="item-1"))
    again = database.write(anyone, lambda work: reserve(work, "msisdn", reserved_for="item-1", for_s=7200))
    second = database.write(anyone, lambda work: reserve(work, "msisdn", reserved_for="item-2"))
    assert (first.number, again.number, second.number) == (NUMBER, NUMBER, "491700000002")  # type: ignore[union-attr]
    assert again.state_until_ns == NOW_NS + 7200 * 10**9


def test_a_certain_number_is_reserved_once(database: Database, anyone: Caller) -> None:
    database.write(anyone, add_three)
    database.write(anyone, lambda work: reserve(work, "msisdn", reserved_for="a", name="491700000002"))
    with pytest.raises(Conflict, match="reserve of number 491700000002 can't be done while it is reserved"):
        database.write(anyone, lambda work: reserve(work, "msisdn", reserved_for="b", name="491700000002"))


def test_an_empty_pool_says_so(database: Database, anyone: Caller) -> None:
    database.write(anyone, add_three)
    with pytest.raises(Conflict, match="pool 'gold' has no free number of category 'standard'"):
        database.write(anyone, lambda work: reserve(work, "msisdn", reserved_for="a", pool="gold"))
    with pytest.raises(Conflict, match="category 'golden'"):
        database.write(anyone, lambda work: reserve(work, "msisdn", reserved_for="a", variant="golden"))


def test_a_reservation_ends_by_itself_and_no_sooner(database: Database, anyone: Caller, clock: TestClock) -> None:
    database.write(anyone, add_three)
    database.write(anyone, lambda work: reserve(work, "msisdn", reserved_for="a", for_s=60))
    clock.advance(s=59)
    assert due_rows(database).run_due() == 0
    clock.advance(s=1)
    assert due_rows(database).run_due() == 1
    assert state_of(database, anyone) == ResourceState.FREE
    assert due_rows(database).run_due() == 0


def test_a_renewed_reservation_outlives_its_first_end(database: Database, anyone: Caller, clock: TestClock) -> None:
    database.write(anyone, add_three)
    for for_s in (60, 120):
        database.write(anyone, lambda work, s=for_s: reserve(work, "msisdn", reserved_for="a", for_s=s))
    clock.advance(s=60)
    assert due_rows(database).run_due() == 0
    assert state_of(database, anyone) == ResourceState.RESERVED


def test_an_assigned_number_stays_when_its_reservation_would_end(
    database: Database, anyone: Caller, clock: TestClock
) -> None:
    database.write(anyone, add_three)
    product_id = database.write(anyone, lambda work: a_product(work).id)
    database.write(anyone, lambda work: reserve(work, "msisdn", reserved_for="a", for_s=60))
    database.write(anyone, lambda work: assign(work, "msisdn", name=NUMBER, product_id=product_id, reserved_for="a"))
    clock.advance(days=1)
    assert due_rows(database).run_due() == 0
    assert state_of(database, anyone) == ResourceState.ASSIGNED
    shown = database.read(anyone, lambda work: (product(work, product_id), product_of_number(work, NUMBER)))
    assert shown[0].number == NUMBER
    assert shown[1] == shown[0]


def test_assigning_again_is_done_once(database: Database, anyone: Caller) -> None:
    database.write(anyone, add_three)
    product_id = database.write(anyone, lambda work: a_product(work).id)
    once = database.write(anyone, lambda work: assign(work, "msisdn", name=NUMBER, product_id=product_id))
    twice = database.write(anyone, lambda work: assign(work, "msisdn", name=NUMBER, product_id=product_id))
    assert once == twice


def test_without_a_name_what_is_reserved_is_assigned_else_what_is_free(database: Database, anyone: Caller) -> None:
    database.write(anyone, add_three)
    first, second, third, fourth = (database.write(anyone, lambda work: a_product(work).id) for _ in range(4))

    def give(product_id: str, **options: Any) -> str:
        given = database.write(anyone, lambda work: assign(work, "msisdn", product_id=product_id, **options))
        return name_of(given)

    kept = database.write(anyone, lambda work: reserve(work, "msisdn", reserved_for="a", name="491700000002"))
    assert give(first) == NUMBER
    assert give(second, reserved_for="a") == "491700000002"
    assert database.read(anyone, lambda work: due_of(work, kept.id)) == []
    assert give(third, reserved_for="a") == "491700000003", "what was reserved for it is given already"
    with pytest.raises(Conflict, match="pool 'default' has no free number"):
        give(fourth)
    assert database.read(anyone, lambda work: product(work, fourth)).number is None


def test_what_is_reserved_for_another_is_not_assigned(database: Database, anyone: Caller) -> None:
    database.write(anyone, add_three)
    product_id = database.write(anyone, lambda work: a_product(work).id)
    database.write(anyone, lambda work: reserve(work, "msisdn", reserved_for="a"))
    for reserved_for in ("", "b"):
        with pytest.raises(Conflict, match="reserved for something else"):
            database.write(
                anyone,
                lambda work, r=reserved_for: assign(work, "msisdn", name=NUMBER, product_id=product_id, reserved_for=r),
            )


def test_a_product_has_one_number_and_one_sim(database: Database, anyone: Caller) -> None:
    def prepare(work: Work) -> str:
        add_three(work)
        add_sim(work, iccid=ICCID, imsi="262010000000001")
        made = a_product(work)
        assign(work, "sim", name=ICCID, product_id=made.id)
        assign(work, "msisdn", name=NUMBER, product_id=made.id)
        return made.id

    product_id = database.write(anyone, prepare)
    with pytest.raises(Conflict, match="the product has a number already"):
        database.write(anyone, lambda work: assign(work, "msisdn", name="491700000002", product_id=product_id))
    found = database.read(anyone, lambda work: product_of_imsi(work, "262010000000001"))
    assert found is not None
    assert (found.number, found.iccid, found.imsi) == (NUMBER, ICCID, "262010000000001")


def test_a_number_comes_back_from_quarantine(database: Database, anyone: Caller, clock: TestClock) -> None:
    def prepare(work: Work) -> tuple[str, str]:
        add_three(work)
        had, other = a_product(work).id, a_product(work).id
        assign(work, "msisdn", name=NUMBER, product_id=had)
        quarantine(work, "msisdn", name=NUMBER)
        return had, other

    had, other = database.write(anyone, prepare)
    with pytest.raises(Conflict, match="in quarantine after another product"):
        database.write(anyone, lambda work: assign(work, "msisdn", name=NUMBER, product_id=other))
    database.write(anyone, lambda work: assign(work, "msisdn", name=NUMBER, product_id=had))
    database.write(anyone, lambda work: quarantine(work, "msisdn", name=NUMBER))
    clock.advance(s=QUARANTINE_S)
    assert due_rows(database).run_due() == 1
    freed = database.read(anyone, lambda work: resource(work, "msisdn", NUMBER))
    assert (freed.state, freed.product_id, freed.state_until_ns) == (ResourceState.FREE, None, None)
    assert database.read(anyone, lambda work: product(work, had)).number == NUMBER


def test_an_assignment_is_undone(database: Database, anyone: Caller) -> None:
    def prepare(work: Work) -> str:
        add_three(work)
        made = a_product(work).id
        assign(work, "msisdn", name=NUMBER, product_id=made)
        unassign(work, "msisdn", name=NUMBER, product_id=made)
        unassign(work, "msisdn", name=NUMBER, product_id=made)
        return made

    product_id = database.write(anyone, prepare)
    assert state_of(database, anyone) == ResourceState.FREE
    assert database.read(anyone, lambda work: product(work, product_id)).number is None


def test_a_release_by_who_has_lost_it_changes_nothing(database: Database, anyone: Caller, clock: TestClock) -> None:
    database.write(anyone, add_three)
    database.write(anyone, lambda work: reserve(work, "msisdn", reserved_for="a", for_s=60))
    clock.advance(s=60)
    due_rows(database).run_due()
    database.write(anyone, lambda work: reserve(work, "msisdn", reserved_for="b"))
    kept = database.write(anyone, lambda work: release(work, "msisdn", name=NUMBER, reserved_for="a"))
    assert (kept.state, kept.reserved_for) == (ResourceState.RESERVED, "b")
    assert database.write(anyone, lambda work: release(work, "msisdn", name=NUMBER)).state == ResourceState.FREE
    assert database.read(anyone, lambda work: work.count(sa.select(DUE.c.id))) == 0


def test_each_change_of_the_table_can_be_made_and_no_other(database: Database, anyone: Caller) -> None:
    """Walks every (state, action): what the table has leads where it says, what it hasn't is a Conflict."""
    database.write(anyone, add_three)
    product_id = database.write(anyone, lambda work: a_product(work).id)
    actions = {
        "reserve": lambda work: reserve(work, "msisdn", reserved_for="walk", name=NUMBER),
        "assign": lambda work: assign(work, "msisdn", name=NUMBER, product_id=product_id, reserved_for="walk"),
        "quarantine": lambda work: quarantine(work, "msisdn", name=NUMBER),
        "release": lambda work: release(work, "msisdn", name=NUMBER),
        "block": lambda work: block(work, "msisdn", name=NUMBER),
        "retire": lambda work: retire(work, "msisdn", name=NUMBER),
    }
    ways = {
        ResourceState.FREE: (),
        ResourceState.RESERVED: ("reserve",),
        ResourceState.ASSIGNED: ("assign",),
        ResourceState.QUARANTINED: ("assign", "quarantine"),
        ResourceState.BLOCKED: ("block",),
        ResourceState.RETIRED: ("retire",),
    }

    class _Undone(Exception):
        pass

    def walk(work: Work, way: tuple[str, ...], action: str) -> None:
        for step in way:
            actions[step](work)
        raise _Undone(actions[action](work).state)

    for state, way in ways.items():
        for action in actions:
            after = RESOURCE_CHANGES.get((state, action))
            if (state, action) in ((ResourceState.RESERVED, "reserve"), (ResourceState.ASSIGNED, "assign")):
                after = state  # asked again for the same
            with pytest.raises(_Undone if after else Conflict) as raised:
                database.write(anyone, lambda work, w=way, a=action: walk(work, w, a))
            if after:
                assert str(raised.value) == after, (state, action)


def test_bad_input_names_field_and_remedy(database: Database, anyone: Caller) -> None:
    database.write(anyone, add_three)
    for ask, error, field in (
        (lambda work: add_number(work, number="+49170"), Invalid, "number"),
        (lambda work: add_number(work, number=NUMBER), Conflict, "number"),
        (lambda work: add_sim(work, iccid=ICCID, imsi="1"), Invalid, "imsi"),
        (lambda work: reserve(work, "msisdn", reserved_for=""), Invalid, "reserved_for"),
        (lambda work: reserve(work, "msisdn", reserved_for="a", for_s=0), Invalid, "for_s"),
        (lambda work: reserve(work, "msisdn", reserved_for="a", name="1"), NotFound, "name"),
        (lambda work: assign(work, "msisdn", name=NUMBER, product_id="none"), NotFound, "product_id"),
        (lambda work: quarantine(work, "msisdn", name=NUMBER, for_s=-1), Invalid, "for_s"),
    ):
        with pytest.raises(error) as raised:
            database.write(anyone, ask)
        assert raised.value.field == field
        assert raised.value.remedy


def test_another_tenants_number_is_not_there(database: Database, anyone: Caller, caller_of: Callers) -> None:
    database.write(anyone, add_three)
    other = caller_of(tenant="brand-2")
    with pytest.raises(NotFound):
        database.write(other, lambda work: block(work, "msisdn", name=NUMBER))
    database.write(other, lambda work: add_number(work, number=NUMBER))
    assert state_of(database, other) == ResourceState.FREE


def test_changes_are_told(database: Database, anyone: Caller) -> None:
    database.write(anyone, add_three)
    row = database.write(anyone, lambda work: reserve(work, "msisdn", reserved_for="a"))
    told = database.read(anyone, lambda work: work.rows(sa.select(OUTBOX)))
    assert [(event["kind"], event["resource"], event["resource_id"]) for event in told] == [
        ("ResourceStateChangeEvent", "msisdn", row.id)
    ]
    (due,) = database.read(anyone, lambda work: due_of(work, row.id))
    assert (due.kind, due.at_ns) == ("msisdn.reservation_ends", row.state_until_ns)
