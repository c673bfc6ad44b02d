"""What a customer may add beside what they have: orders that are under way or wait count as their products do, and an order
that waited is judged anew.
"""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import msgspec
import pytest

from bss.access import Caller
from bss.catalog.operations import change_resource
from bss.catalog.queries import resources
from bss.catalog.records import Offering, Relationship
from bss.edge.database import Database
from bss.errors import Conflict
from bss.inventory.queries import products_of_customer
from bss.orchestration.catalog_publication import Published, publish_catalog
from bss.orchestration.order_placing import AskedItem, place_order, preview_order
from bss.orders.operations import cancel
from bss.orders.records import Action, Order
from tests.bss.conftest import TestClock
from tests.bss.customers import a_customer
from tests.bss.orchestration.world import World

DAY_NS = 86_400_000_000_000
ROUNDS = 8


@pytest.fixture
def world(database: Database, anyone: Caller) -> World:
    return World(database, anyone)


def edit(world: World, offering_id: str, **changes: Any) -> None:
    """Publish another state of an offering."""
    (old,) = [each for each in world.do(resources, kind=Offering) if each.id == offering_id]
    world.do(change_resource, resource=msgspec.structs.replace(old, **changes))
    assert isinstance(publish_catalog(world.database, world.caller, world.engine, migrations={}), Published)


def relate(world: World, relationship_type: str, other: str = "monthly") -> None:
    """Insurance excludes or requires another offering."""
    edit(world, "insurance", relationships=(Relationship(relationship_type=relationship_type, id=other),))


def adding(offering_id: str) -> AskedItem:
    return AskedItem(action=Action.ADD, offering_id=offering_id)


def order(world: World, offering_id: str, days: float = 0) -> Order:
    start_ns = world.database.now_ns() + int(days * DAY_NS) if days else None
    return world.place(adding(offering_id), requested_start_ns=start_ns)


def pass_days(world: World, clock: TestClock, days: int) -> None:
    clock.advance(days=days)
    world.run_due()
    world.relay()


def outcome(world: World, placed: Order) -> tuple[str, str]:
    found = world.view(placed.id).order
    return found.state, found.cancellation_reason


@pytest.mark.parametrize(("first", "second"), [("monthly", "insurance"), ("insurance", "monthly")])
def test_an_order_that_is_under_way_stands_against_another(world: World, first: str, second: str) -> None:
    relate(world, "excludes")
    begun = order(world, first)
    with pytest.raises(Conflict, match=f"{first}, order {begun.id}.*farebox order cancel {begun.id}") as refused:
        order(world, second)
    assert refused.value.field == "items[0].offering_id"
    with pytest.raises(Conflict, match=f"order {begun.id}"):
        world.do(preview_order, customer_id=world.customer_id, items=[adding(second)])
    world.do(cancel, order_id=begun.id)
    assert world.run(order(world, second).id).order.state == "completed"
    (product,) = world.do(products_of_customer, world.customer_id)
    with pytest.raises(Conflict, match=f"{second}, product {product.id}"):
        order(world, first)


def test_a_condition_sees_orders_that_are_under_way(world: World) -> None:
    edit(world, "insurance", eligibility="!('monthly' in products)")
    begun = order(world, "monthly")
    with pytest.raises(Conflict, match=f"condition does not hold.*; there is monthly, order {begun.id}"):
        order(world, "insurance")


def test_orders_that_wait_count_by_their_dates(world: World) -> None:
    relate(world, "excludes")
    waits = order(world, "insurance", days=2)
    for days in (2, 3):
        with pytest.raises(Conflict, match=f"insurance, order {waits.id} from 20.* on, excludes it"):
            order(world, "monthly", days=days)
    assert order(world, "monthly", days=1).id


def test_what_an_offering_requires_may_be_ordered_for_an_earlier_date(world: World, clock: TestClock) -> None:
    relate(world, "requires")
    required = order(world, "monthly", days=2)
    with pytest.raises(Conflict, match="it requires monthly"):
        order(world, "insurance", days=1)
    beside = order(world, "insurance", days=2)
    pass_days(world, clock, 2)
    assert [outcome(world, each) for each in (required, beside)] == [("completed", "")] * 2


def test_of_two_that_exclude_each_other_the_earlier_is_had(world: World, clock: TestClock) -> None:
    relate(world, "excludes")
    waits = order(world, "insurance", days=1)
    world.run(order(world, "monthly").id)
    (product,) = world.do(products_of_customer, world.customer_id)
    pass_days(world, clock, 1)
    why = f"as it fell due insurance could not be added: it excludes monthly, product {product.id}"
    assert outcome(world, waits) == ("cancelled", why)
    assert [each.offering_id for each in world.do(products_of_customer, world.customer_id)] == ["monthly"]


def test_of_two_that_fall_due_at_once_the_earlier_is_had(world: World, clock: TestClock) -> None:
    relate(world, "excludes")
    later, earlier = order(world, "insurance", days=2), order(world, "monthly", days=1)
    pass_days(world, clock, 30)
    assert outcome(world, earlier) == ("completed", "")
    assert outcome(world, later)[0] == "cancelled"


def test_what_was_required_and_has_ended_meanwhile(world: World, clock: TestClock) -> None:
    relate(world, "requires")
    product_id = world.ordered().items[0].product_id or ""
    waits = order(world, "insurance", days=1)
    world.ordered(Action.TERMINATE, product_id)
    pass_days(world, clock, 1)
    assert outcome(world, waits) == ("cancelled", "as it fell due insurance could not be added: it requires monthly")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"lifecycle_status": "retired"}, "it is retired"),
        ({"eligibility": f"channel == '{'agent' * 150}'"}, "the offering's condition does not hold: channel == 'agent"),
    ],
)
def test_what_is_not_sold_any_more(world: World, clock: TestClock, changes: dict[str, Any], says: str) -> None:
    waits = order(world, "insurance", days=1)
    edit(world, "insurance", **changes)
    pass_days(world, clock, 1)
    state, why = outcome(world, waits)
    assert state == "cancelled"
    assert why.startswith(f"as it fell due insurance could not be added: {says}")
    assert {step.state for step in world.view(waits.id).steps} == {"undone"}


def test_of_two_orders_at_once_one_is_placed(world: World) -> None:
    relate(world, "excludes")
    together = Barrier(2, timeout=30)

    def place(customer_id: str, offering_id: str) -> None:
        together.wait()
        world.do(place_order, customer_id=customer_id, items=[adding(offering_id)])

    with ThreadPoolExecutor(2) as threads:
        for _ in range(ROUNDS):
            customer_id = world.do(a_customer).id
            tries = [threads.submit(place, customer_id, each) for each in ("monthly", "insurance")]
            (refused,) = [error for each in tries if (error := each.exception(timeout=60)) is not None]
            assert isinstance(refused, Conflict)
            assert "excludes" in refused.reason
