"""What is due is in one place: every kind that anything schedules has who does it, and shows until it is done."""

import ast
import importlib

from bss.access import Caller
from bss.crm.care_operations import TICKET_DUE, open_ticket
from bss.due import schedule
from bss.edge.database import Database
from bss.inventory.operations import DUE_KINDS, add_number, reserve
from bss.inventory.queries import product
from bss.inventory.renewals import RENEWAL_DUE
from bss.inventory.states import ProductStatus
from bss.orchestration.worker_tables import asking_handlers, due_handlers
from bss.orders.operations import START_DUE
from bss.orders.records import Action
from bss.views.due_rows import due_counts, due_rows
from tests.bss.conftest import NOW_NS, TestClock
from tests.bss.orchestration.world import World
from tests.tidy.sources import every_source
from vocabulary.instants import NS_PER_S

_DAY_NS = 86_400 * NS_PER_S


def scheduled_kinds() -> set[str]:
    """Kinds that sources of bss schedule under a name of their module; those of numbers and SIMs are made of words."""
    kinds = set()
    for source in every_source():
        if source.package != "bss":
            continue
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "schedule":
                kind = node.args[1]
                if isinstance(kind, ast.Name) and kind.id.isupper():
                    kinds.add(str(getattr(importlib.import_module(source.module), kind.id)))
    return kinds


def test_everything_that_is_scheduled_is_done_by_somebody(database: Database, anyone: Caller) -> None:
    world = World(database, anyone)
    handled = set(due_handlers()) | set(asking_handlers(world.ports))
    assert scheduled_kinds() | set(DUE_KINDS) == handled
    for kind in sorted(handled):
        world.do(schedule, kind, resource_id="r-1", at_ns=NOW_NS + _DAY_NS)
    assert {each.kind for each in world.do(due_counts)} == handled
    assert {each.kind for each in world.do(due_rows)} == handled


def test_what_is_due_shows_and_is_done_when_the_clock_comes_to_it(
    database: Database, anyone: Caller, clock: TestClock
) -> None:
    world = World(database, anyone)
    renewed = world.ordered().items[0].product_id or ""
    ended = world.ordered().items[0].product_id or ""
    world.ordered(Action.TERMINATE, ended)
    later = world.place(requested_start_ns=NOW_NS + _DAY_NS)
    world.do(add_number, number="48600109999")
    world.do(reserve, "msisdn", reserved_for="basket", name="48600109999")
    world.do(open_ticket, description="No data", severity="low", ticket_type="network")
    expected = {RENEWAL_DUE, START_DUE, TICKET_DUE, "msisdn.reservation_ends", "msisdn.quarantine_ends"}
    assert {each.kind for each in world.do(due_counts)} == expected
    clock.advance(days=200)
    world.run_due()
    world.relay()
    left = {each.kind: each.row_count for each in world.do(due_counts)}
    assert left == {RENEWAL_DUE: 2}, "the one of the later order, and the next one of the first product"
    assert world.view(later.id).order.state == "completed"
    assert world.do(product, renewed).status == ProductStatus.ACTIVE
