"""A customer is closed once nothing is left of it: no product, no order that may still make one."""

import pytest

from bss.access import Caller
from bss.crm.queries import billing_account, customer
from bss.crm.states import CustomerStatus
from bss.edge.database import Database
from bss.errors import Conflict
from bss.orchestration.customer_closing import ORDERS_NAMED_MAX, close_billing_account, close_customer
from bss.orders.operations import cancel
from bss.orders.records import Action
from tests.bss.conftest import NOW_NS
from tests.bss.orchestration.world import World
from vocabulary.instants import NS_PER_S

LATER_NS = NOW_NS + 86_400 * NS_PER_S


@pytest.fixture
def world(database: Database, anyone: Caller) -> World:
    return World(database, anyone)


def test_orders_under_way_keep_a_customer_open(world: World) -> None:
    waits, begins = world.place(requested_start_ns=LATER_NS), world.place()
    named = rf"orders under way: {waits.id} \(pending\), {begins.id} \(acknowledged\)\. Cancel them, or wait"
    with pytest.raises(Conflict, match=named):
        world.do(close_customer, world.customer_id)
    world.do(cancel, order_id=begins.id)
    world.run(begins.id)
    with pytest.raises(Conflict, match=rf"an order under way: {waits.id} \(pending\)\. Cancel it, or wait"):
        world.do(close_customer, world.customer_id)
    world.do(cancel, order_id=waits.id)
    assert world.do(close_customer, world.customer_id, reason="moved").status == CustomerStatus.CLOSED
    assert world.do(billing_account, world.billing_account_id).state == "closed"


def test_of_many_orders_some_are_named(world: World) -> None:
    placed = [world.place(requested_start_ns=LATER_NS) for _ in range(ORDERS_NAMED_MAX + 2)]
    with pytest.raises(Conflict, match=rf"{placed[-3].id} \(pending\) and 2 more\. Cancel them"):
        world.do(close_customer, world.customer_id)
    assert world.do(customer, world.customer_id).status == CustomerStatus.ACTIVE


def test_who_is_closed_orders_nothing(world: World) -> None:
    world.do(close_customer, world.customer_id)
    with pytest.raises(Conflict, match="customer_id: the customer is closed"):
        world.place()


def test_who_pays_for_a_product_stays_open(world: World) -> None:
    product_id = world.ordered().items[0].product_id
    assert product_id is not None
    with pytest.raises(Conflict, match="state: the account pays for 1 product that has not ended"):
        world.do(close_billing_account, world.billing_account_id)
    world.ordered(Action.TERMINATE, product_id)
    assert world.do(close_billing_account, world.billing_account_id).state == "closed"
