"""What cancelling leaves of orders of which an item is done and another held: inventory, engine and network agree behind it."""

import pytest

from balances.record import AccountStatus
from bss.access import Caller
from bss.edge.database import Database
from bss.errors import Conflict
from bss.inventory.operations import reserve
from bss.inventory.queries import product
from bss.network_port import SubscriberState
from bss.orchestration.order_placing import AskedItem, place_order
from bss.orders.fallout import retry
from bss.orders.operations import cancel
from bss.orders.records import Action, OrderView
from bss.views.assurance import find_differences
from tests.bss.orchestration.world import World

NUMBER = "48600100002"


@pytest.fixture
def world(database: Database, anyone: Caller) -> World:
    return World(database, anyone)


def held_beside(world: World, item: AskedItem) -> OrderView:
    """An order of this item, which is done, and of a line whose number somebody reserves meanwhile."""
    line = AskedItem(action=Action.ADD, offering_id="monthly", resources={"msisdn": NUMBER})
    order = world.do(place_order, customer_id=world.customer_id, items=[item, line])
    world.do(reserve, "msisdn", reserved_for="counter 4", name=NUMBER)
    view = world.run(order.id)
    assert view.order.state == "held"
    return view


def differences(world: World) -> list[str]:
    found = find_differences(
        lambda query: world.database.read(world.caller, query), world.engine, world.network, tenant=world.caller.tenant
    )
    return [str(each) for each in found]


@pytest.mark.parametrize(
    ("first", "action", "status", "account", "subscriber"),
    [
        ((), Action.SUSPEND, "active", AccountStatus.ACTIVE, SubscriberState.ACTIVE),
        ((Action.SUSPEND,), Action.RESUME, "suspended", AccountStatus.BARRED, SubscriberState.SUSPENDED),
    ],
)
def test_a_suspension_or_its_end_is_undone_everywhere(
    world: World, first: tuple[str, ...], action: str, status: str, account: AccountStatus, subscriber: SubscriberState
) -> None:
    product_id = world.ordered().items[0].product_id or ""
    for each in first:
        assert world.ordered(each, product_id).order.state == "completed"
    held = held_beside(world, AskedItem(action=action, product_id=product_id))
    assert world.do(product, product_id).status != status
    world.do(cancel, order_id=held.order.id)
    assert world.run(held.order.id).order.state == "cancelled"
    has = world.do(product, product_id)
    assert has.status == status
    assert world.engine.read_account(1, has.engine_account_id).status == account  # type: ignore[union-attr]
    assert world.network.read_subscriber(has.imsi).state == subscriber  # type: ignore[union-attr]
    assert differences(world) == []


def test_a_product_that_is_ended_stays_so(world: World) -> None:
    insurance = world.do(
        place_order, customer_id=world.customer_id, items=[AskedItem(action=Action.ADD, offering_id="insurance")]
    )
    product_id = world.run(insurance.id).items[0].product_id or ""
    held = held_beside(world, AskedItem(action=Action.TERMINATE, product_id=product_id))
    world.do(cancel, order_id=held.order.id)
    assert world.run(held.order.id).order.state == "partial"
    assert world.do(product, product_id).status == "terminated"


def test_whether_an_account_was_closed_has_to_be_known(world: World) -> None:
    product_id = world.ordered().items[0].product_id or ""
    world.engine.is_away = True
    order = world.place(AskedItem(action=Action.TERMINATE, product_id=product_id))
    assert world.run(order.id).order.state == "held"
    with pytest.raises(Conflict, match="whether close_account was done isn't known"):
        world.do(cancel, order_id=order.id)
    world.engine.is_away = False
    world.do(retry, order_id=order.id, note="it is back")
    assert world.run(order.id).order.state == "completed"
    assert world.do(product, product_id).status == "terminated"
    assert differences(world) == []
