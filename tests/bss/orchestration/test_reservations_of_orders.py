"""Orders that name a reservation: what is kept is theirs from the moment they are placed, and nobody else's."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from msgspec.structs import replace

from bss.access import Caller
from bss.edge.database import Database
from bss.errors import BusinessError, Conflict, Invalid
from bss.inventory.operations import reserve
from bss.inventory.queries import product, resource
from bss.orchestration.order_placing import AskedItem, place_order
from bss.orchestration.resource_release import release
from bss.orders.operations import cancel
from bss.orders.queries import list_orders
from bss.orders.records import Action, Order, OrderView
from tests.bss.conftest import NOW_NS, TestClock
from tests.bss.orchestration.world import World, with_check_digit

DAY_NS = 86_400_000_000_000
NUMBER, SIM = "48600100001", with_check_digit(f"894803{2:012d}")
NAMED = AskedItem(action=Action.ADD, offering_id="monthly", reservation="basket 7")
ORDERS = 8


@pytest.fixture
def world(database: Database, anyone: Caller) -> World:
    return World(database, anyone)


def keep(world: World, number: str = NUMBER, *, for_s: int = 3 * 86_400) -> None:
    world.do(reserve, "msisdn", reserved_for="basket 7", name=number, for_s=for_s)


def product_of(world: World, view: OrderView) -> Any:
    return world.do(product, view.items[0].product_id)


def test_what_is_reserved_goes_to_the_order_that_names_its_reservation(world: World) -> None:
    keep(world)
    world.do(reserve, "sim", reserved_for="basket 7", name=SIM)
    first = world.place(NAMED)
    assert product_of(world, world.ordered()).number == "48600100000", "nobody else gets it"
    has = product_of(world, world.run(first.id))
    assert (has.number, has.iccid) == (NUMBER, SIM)
    with pytest.raises(Invalid, match="nothing that the offering takes is reserved for"):
        world.place(NAMED)


@pytest.mark.parametrize("starts_ns", [None, NOW_NS + DAY_NS])
def test_a_reservation_is_the_first_orders(world: World, clock: TestClock, starts_ns: int | None) -> None:
    keep(world)
    first = world.place(NAMED, requested_start_ns=starts_ns)
    for asked in (NAMED, replace(NAMED, resources={"msisdn": NUMBER})):
        with pytest.raises(
            Conflict, match=f"{NUMBER} is what order {first.id} is for.*order cancel {first.id}"
        ) as refused:
            world.place(asked)
        assert refused.value.field == "items[0].reservation"
    with pytest.raises(Conflict, match=f"name: number {NUMBER} is what order {first.id} is for"):
        world.do(release, "msisdn", name=NUMBER)
    if starts_ns is not None:
        clock.at_ns = starts_ns
        world.run_due()
    assert product_of(world, world.run(first.id)).number == NUMBER


def test_a_cancelled_order_gives_its_reservation_back(world: World) -> None:
    keep(world)
    first = world.place(NAMED, requested_start_ns=NOW_NS + DAY_NS)
    world.do(cancel, order_id=first.id)
    second = world.place(NAMED, requested_start_ns=NOW_NS + DAY_NS)
    world.do(cancel, order_id=second.id)
    assert world.do(release, "msisdn", name=NUMBER).state == "free"


def test_where_more_is_reserved_for_the_same_each_order_gets_one(world: World) -> None:
    keep(world, "48600100000")
    keep(world)
    first, second = world.place(NAMED), world.place(NAMED)
    with pytest.raises(Conflict, match=f"48600100000 is what order {first.id} is for"):
        world.place(NAMED)
    assert [product_of(world, world.run(each.id)).number for each in (first, second)] == ["48600100000", NUMBER]


def at_once(world: World, *operations: Any) -> list[Any]:
    """What each came to, all of them begun together."""
    gate = Barrier(len(operations))

    def run(operation: Any) -> Any:
        gate.wait(timeout=30)
        try:
            return world.database.write(world.caller, operation)
        except BusinessError as error:
            return error

    with ThreadPoolExecutor(len(operations)) as pool:
        return list(pool.map(run, operations))


def placing(world: World) -> Any:
    return lambda work: place_order(work, customer_id=world.customer_id, items=[NAMED])


def test_of_orders_at_once_one_has_the_reservation(world: World) -> None:
    keep(world)
    came = at_once(world, *[placing(world)] * ORDERS)
    [order] = [each for each in came if isinstance(each, Order)]
    refused = [each for each in came if isinstance(each, Conflict)]
    assert len(refused) == ORDERS - 1
    assert all(order.id in str(each) for each in refused)
    assert [each.id for each in world.do(list_orders)] == [order.id]
    assert product_of(world, world.run(order.id)).number == NUMBER


def test_what_is_released_as_it_is_ordered_is_one_or_the_other(world: World) -> None:
    for _ in range(ORDERS):
        keep(world)
        placed, freed = at_once(world, placing(world), lambda work: release(work, "msisdn", name=NUMBER))
        is_placed = isinstance(placed, Order)
        assert isinstance(freed, Conflict) == is_placed, (placed, freed)
        assert world.do(resource, "msisdn", NUMBER).state == ("reserved" if is_placed else "free")
        if is_placed:
            world.do(cancel, order_id=placed.id)
            assert world.run(placed.id).order.state == "cancelled"


def test_reservations_that_an_order_can_not_name(world: World) -> None:
    number, other = NUMBER, "48600100002"
    world.do(reserve, "msisdn", reserved_for="basket 7", name=number, for_s=3600)
    item = AskedItem(action=Action.ADD, offering_id="monthly", reservation="basket 7")
    insurance = AskedItem(action=Action.ADD, offering_id="insurance", reservation="basket 7")
    for asked, at, says in (
        (replace(item, reservation="basket 8"), "reservation", "nothing that the offering takes is reserved for"),
        (insurance, "reservation", "nothing that the offering takes"),
        (
            replace(item, resources={"msisdn": other}),
            "resources.msisdn",
            f"{other} isn't what is .*Write {number}",
        ),
    ):
        with pytest.raises(Invalid, match=says) as refused:
            world.place(asked)
        assert refused.value.field == f"items[0].{at}"
    with pytest.raises(Invalid, match=r"items\[1\].reservation: another item names it"):
        world.do(place_order, customer_id=world.customer_id, items=[item, item])
    with pytest.raises(Conflict, match=f"{number} is reserved until .*, and the order begins later"):
        world.place(item, requested_start_ns=NOW_NS + DAY_NS)
    assert world.place(item, requested_start_ns=NOW_NS + 60 * 10**9).id
