"""What due rows do in a worker."""

from bss.access import Caller
from bss.crm.care_operations import open_ticket
from bss.crm.queries import ticket
from bss.edge.database import Database
from tests.bss.conftest import TestClock
from tests.bss.orchestration.world import World


def test_a_ticket_that_nobody_resolves_is_overdue_by_itself(
    database: Database, anyone: Caller, clock: TestClock
) -> None:
    world = World(database, anyone, lines=1)
    opened = world.do(open_ticket, description="no data", severity="critical", ticket_type="incident")
    clock.advance(s=4 * 3600 - 1)
    assert world.run_due() == 0
    clock.advance(s=1)
    assert world.run_due() == 1
    assert world.do(ticket, opened.id).overdue_ns == clock.at_ns
