"""Due rows on both databases: leased by one, done once, tried again after a failure, of every tenant."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from bss.access import Caller
from bss.due import DUE, PAUSE_NS, Due, due_of, finish, lease_due, next_instant_ns, schedule, unschedule
from bss.edge.database import Database
from bss.edge.due_rows import LEASE_NS, ROWS_A_LEASE, DueRows
from bss.errors import Stale
from bss.work import Work
from tests.bss.conftest import NOW_NS, TestClock

Callers = Callable[..., Caller]
KIND = "order.begin"


class Doer:
    """A handler that notes what it was asked."""

    def __init__(self) -> None:
        self.done: list[tuple[str, str, str]] = []
        self.fails = False

    def __call__(self, work: Work, due: Due) -> None:
        finish(work, due)
        if self.fails:
            raise ValueError("the engine is away")
        self.done.append((work.caller.tenant, due.resource_id, work.caller.subject))


def a_due(work: Work, resource_id: str = "o1", *, in_s: int = 0, kind: str = KIND) -> None:
    schedule(work, kind, resource_id=resource_id, at_ns=work.now_ns + in_s * 10**9, customer="c1")


def worker(database: Database, doer: Doer, holder: str = "worker-1") -> DueRows:
    return DueRows(database, {KIND: (doer, frozenset({"order:write"}))}, holder=holder)


def lease(database: Database, holder: str) -> list[Due]:
    return database.across_tenants(
        lambda connection: lease_due(
            connection,
            now_ns=database.now_ns(),
            lease_ns=LEASE_NS,
            holder=holder,
            kinds=[KIND],
            count_max=ROWS_A_LEASE,
        )
    )


def test_what_is_due_is_done_once_of_every_tenant(
    database: Database, anyone: Caller, caller_of: Callers, clock: TestClock
) -> None:
    database.write(anyone, lambda work: a_due(work, in_s=5))
    database.write(caller_of(tenant="brand-2"), lambda work: a_due(work, in_s=3))
    database.write(anyone, lambda work: a_due(work, "x", kind="nobody.does"))
    doer = Doer()
    assert worker(database, doer).run_due() == 0
    clock.advance(s=5)
    assert worker(database, doer).run_due() == 2
    assert worker(database, doer).run_due() == 0
    assert doer.done == [("brand-2", "o1", f"due:{KIND}"), ("default", "o1", f"due:{KIND}")]
    assert [due.kind for due in database.read(anyone, lambda work: due_of(work, "x"))] == ["nobody.does"]


def test_a_row_that_is_scheduled_again_is_moved(database: Database, anyone: Caller, clock: TestClock) -> None:
    database.write(anyone, lambda work: a_due(work, in_s=5))
    database.write(anyone, lambda work: a_due(work, in_s=50))
    clock.advance(s=5)
    doer = Doer()
    assert worker(database, doer).run_due() == 0
    assert database.across_tenants(next_instant_ns) == NOW_NS + 50 * 10**9
    database.write(anyone, lambda work: unschedule(work, KIND, resource_id="o1"))
    database.write(anyone, lambda work: unschedule(work, KIND, resource_id="o1"))
    clock.advance(s=50)
    assert worker(database, doer).run_due() == 0
    assert database.across_tenants(next_instant_ns) is None


def test_what_failed_is_tried_again_after_a_pause_that_grows(
    database: Database, anyone: Caller, clock: TestClock
) -> None:
    database.write(anyone, a_due)
    doer = Doer()
    doer.fails = True
    for attempt in range(3):
        assert worker(database, doer).run_due() == 1
        (due,) = database.read(anyone, lambda work: due_of(work, "o1"))
        assert (due.attempts, due.error, due.at_ns) == (attempt + 1, "ValueError: the engine is away", NOW_NS)
        clock.at_ns += (PAUSE_NS << attempt) - 1
        assert worker(database, doer).run_due() == 0
        clock.at_ns += 1
    doer.fails = False
    assert worker(database, doer).run_due() == 1
    assert len(doer.done) == 1


def test_a_leased_row_is_nobody_elses_until_the_lease_ends(
    database: Database, anyone: Caller, clock: TestClock
) -> None:
    database.write(anyone, a_due)
    (mine,) = lease(database, "worker-1")
    assert lease(database, "worker-2") == []
    clock.at_ns += LEASE_NS
    (theirs,) = lease(database, "worker-2")
    assert theirs.revision > mine.revision
    with pytest.raises(Stale):
        database.write(anyone, lambda work: finish(work, mine))
    database.write(anyone, lambda work: finish(work, theirs))


def test_a_row_that_was_moved_while_leased_is_not_done(database: Database, anyone: Caller) -> None:
    database.write(anyone, a_due)
    (mine,) = lease(database, "worker-1")
    database.write(anyone, lambda work: a_due(work, in_s=60))
    with pytest.raises(Stale):
        database.write(anyone, lambda work: finish(work, mine))
    assert database.read(anyone, lambda work: work.count(sa.select(DUE.c.id))) == 1


def test_more_rows_than_a_lease_takes_are_all_done(database: Database, anyone: Caller) -> None:
    database.write(anyone, lambda work: [a_due(work, f"o{place}") for place in range(ROWS_A_LEASE + 1)])
    doer = Doer()
    assert worker(database, doer).run_due() == ROWS_A_LEASE + 1
    assert len(set(doer.done)) == ROWS_A_LEASE + 1
