"""Orders for a later date beside others of their product: which may be placed, and what becomes of them as they fall due."""

import pytest

from bss.access import Caller
from bss.due import DUE
from bss.edge.database import Database
from bss.errors import Conflict
from bss.inventory.queries import product
from bss.orchestration.order_placing import AskedItem, preview_order
from bss.orders.operations import START_DUE, cancel
from bss.orders.queries import list_orders
from bss.orders.records import Action, Order
from bss.views.assurance import products_to_compare
from tests.bss.conftest import TestClock
from tests.bss.orchestration.world import World

SUSPEND, RESUME, END = Action.SUSPEND, Action.RESUME, Action.TERMINATE
DAY_NS = 86_400_000_000_000
Turns = list[tuple[str, int]]
"""Actions with the days until they begin, in the order in which they are ordered."""


@pytest.fixture
def world(database: Database, anyone: Caller) -> World:
    return World(database, anyone)


@pytest.fixture
def product_id(world: World) -> str:
    """An active product."""
    return world.ordered().items[0].product_id or ""


def order(world: World, product_id: str, action: str, days: int = 0) -> Order:
    """An order that begins in so many days; one that begins now is done."""
    start_ns = world.database.now_ns() + days * DAY_NS if days else None
    placed = world.place(AskedItem(action=action, product_id=product_id), requested_start_ns=start_ns)
    if not days:
        assert world.run(placed.id).order.state == "completed"
    return placed


def status_of(world: World, product_id: str) -> str:
    return str(world.do(product, product_id).status)


def pass_days(world: World, clock: TestClock, *, days: int, s: int = 0) -> None:
    """Have what falls due until then done, as a worker does."""
    clock.advance(days=days, s=s)
    world.run_due()
    world.relay()


@pytest.mark.parametrize(
    ("turns", "ends"),
    [
        ([(END, 3), (SUSPEND, 0)], "terminated"),
        ([(END, 3), (SUSPEND, 1)], "terminated"),
        ([(SUSPEND, 1), (RESUME, 2)], "active"),
        ([(END, 3), (SUSPEND, 1), (RESUME, 2)], "terminated"),
        ([(SUSPEND, 0), (RESUME, 1), (SUSPEND, 2), (RESUME, 2)], "active"),
    ],
)
def test_orders_that_do_not_contradict_each_other_are_all_done(
    world: World, product_id: str, clock: TestClock, turns: Turns, ends: str
) -> None:
    placed = [order(world, product_id, action, days) for action, days in turns]
    for _ in range(3):
        pass_days(world, clock, days=1)
        pass_days(world, clock, days=0, s=6)  # of two that are due at once one waits for the other
    assert [world.view(each.id).order.state for each in placed] == ["completed"] * len(placed)
    assert status_of(world, product_id) == ends


@pytest.mark.parametrize(
    ("waiting", "asked", "says"),
    [
        ([(SUSPEND, 3)], (SUSPEND, 0), "after suspend, product .* would be suspended, and order {0}, suspend at 20"),
        (
            [(SUSPEND, 3)],
            (SUSPEND, 5),
            "is suspended from 20.* on, by order {0}. Cancel that .*: suspend needs one that is active",
        ),
        (
            [(SUSPEND, 3)],
            (END, 0),
            "would be terminated, and order {0}, .*Cancel that order first .farebox order cancel {0}",
        ),
        ([(END, 3)], (END, 0), "would be terminated, and order {0}, delete at"),
        ([(END, 3)], (SUSPEND, 3), "is terminated from .* by order {0}"),
        ([(SUSPEND, 3), (RESUME, 5)], (END, 4), "would be terminated, and order {1}, resume at"),
        ([(SUSPEND, 3), (RESUME, 5)], (RESUME, 4), "would be active, and order {1}, resume at"),
        ([(SUSPEND, 3)], (RESUME, 1), "product .* is active. resume needs one that is suspended"),
    ],
)
def test_an_order_that_contradicts_one_that_waits_names_it_and_what_helps(
    world: World, product_id: str, waiting: Turns, asked: tuple[str, int], says: str
) -> None:
    placed = [order(world, product_id, action, days) for action, days in waiting]
    action, days = asked
    start_ns = world.database.now_ns() + days * DAY_NS if days else None
    items = [AskedItem(action=action, product_id=product_id)]
    said = says.format(*(each.id for each in placed))
    with pytest.raises(Conflict, match=said) as refused:
        world.place(items[0], requested_start_ns=start_ns)
    assert refused.value.field == "items[0].product_id"
    with pytest.raises(Conflict, match=said):  # a dry run refuses what placing does
        world.do(preview_order, customer_id=world.customer_id, items=items, requested_start_ns=start_ns)
    if "{1}" in says or "{0}" in says:
        world.do(cancel, order_id=placed[-1].id)
        assert world.place(items[0], requested_start_ns=start_ns).id


def test_a_product_whose_order_waits_for_its_date_is_compared_with_the_engine(world: World, product_id: str) -> None:
    order(world, product_id, END, 30)
    assert [row["id"] for row in world.do(products_to_compare, after="")] == [product_id]


def test_an_order_that_falls_due_waits_for_one_that_has_begun(world: World, product_id: str, clock: TestClock) -> None:
    dated = order(world, product_id, END, 1)
    begun = world.place(AskedItem(action=SUSPEND, product_id=product_id))
    with pytest.raises(
        Conflict, match=f"order {begun.id} is changing product {product_id}.*farebox order cancel {begun.id}"
    ):
        world.place(AskedItem(action=END, product_id=product_id), requested_start_ns=clock.now_ns() + 2 * DAY_NS)
    clock.advance(days=1)
    world.run_due()
    assert world.view(dated.id).order.state == "pending"
    (due,) = world.do(lambda work: work.rows(DUE.select().where(DUE.c.kind == START_DUE)))
    assert f"order {begun.id} is changing product" in due["error"]
    world.run(begun.id)
    pass_days(world, clock, days=0, s=6)
    assert (world.view(dated.id).order.state, status_of(world, product_id)) == ("completed", "terminated")


def test_what_fell_due_earlier_and_was_put_off_goes_first(world: World, product_id: str, clock: TestClock) -> None:
    suspends, resumes, ends = (
        order(world, product_id, action, days) for action, days in ((SUSPEND, 1), (RESUME, 2), (END, 3))
    )
    begun = world.place(AskedItem(action=SUSPEND, product_id=world.ordered().items[0].product_id or ""))
    assert world.run(begun.id).order.state == "completed", "another product's order keeps nobody waiting"
    (first,) = world.do(lambda work: work.rows(DUE.select().where(DUE.c.resource_id == suspends.id)))
    world.database.across_tenants(
        lambda connection: connection.execute(
            DUE.update().where(DUE.c.id == first["id"]).values(not_before_ns=clock.now_ns() + 4 * DAY_NS)
        )
    )
    pass_days(world, clock, days=3)
    assert {world.view(each.id).order.state for each in (suspends, resumes, ends)} == {"pending"}
    pass_days(world, clock, days=2)
    for _ in range(4):
        pass_days(world, clock, days=1)
    assert [world.view(each.id).order.state for each in (suspends, resumes, ends)] == ["completed"] * 3
    assert status_of(world, product_id) == "terminated"


def test_an_order_whose_product_changed_otherwise_is_cancelled_as_it_falls_due(
    world: World, product_id: str, clock: TestClock
) -> None:
    suspends = order(world, product_id, SUSPEND, 1)
    resumes = order(world, product_id, RESUME, 2)
    world.do(cancel, order_id=suspends.id)
    pass_days(world, clock, days=2)
    found = world.view(resumes.id)
    assert (found.order.state, {step.state for step in found.steps}) == ("cancelled", {"undone"})
    assert found.order.cancellation_reason == (
        f"as it fell due product {product_id} was active: resume needs one that is suspended"
    )
    assert world.do(lambda work: work.rows(DUE.select().where(DUE.c.kind == START_DUE))) == []
    assert status_of(world, product_id) == "active"
    ended = order(world, product_id, END)
    assert world.do(list_orders, state="pending") == []
    assert world.view(ended.id).order.state == "completed"
