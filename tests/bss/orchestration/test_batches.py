"""A release's migrations move products: by orders, each product once, its period and money untouched until it is renewed."""

from typing import Any

import msgspec
import pytest

from bss.access import Caller
from bss.catalog.faults import CatalogFaulty
from bss.catalog.operations import change_head, change_resource
from bss.catalog.queries import resources
from bss.catalog.records import Offering
from bss.due import due_of
from bss.edge.database import Database
from bss.engine_port import NoEngine
from bss.errors import Conflict
from bss.inventory.operations import block, release
from bss.inventory.queries import product
from bss.inventory.renewals import RENEWAL_DUE
from bss.inventory.states import ProductStatus
from bss.orchestration import batch_flow
from bss.orchestration.catalog_publication import Published, publish_catalog
from bss.orchestration.order_placing import AskedItem
from bss.orders.batches import BATCH_DUE, batches, go_on
from bss.orders.fallout import retry
from bss.orders.operations import cancel
from bss.orders.queries import list_orders
from bss.orders.records import Action, BatchProgress
from bss.views.assurance import find_differences
from tests.bss.conftest import TestClock
from tests.bss.orchestration.world import World
from vocabulary.ids import number_of_name
from vocabulary.instants import NS_PER_S
from vocabulary.units import Unit

_DAY_NS = 86_400 * NS_PER_S


@pytest.fixture
def world(database: Database, anyone: Caller) -> World:
    return World(database, anyone, lines=8)


def edit(world: World, offering_id: str, **changes: Any) -> None:
    (old,) = [each for each in world.do(resources, kind=Offering) if each.id == offering_id]
    world.do(change_resource, resource=msgspec.structs.replace(old, **changes))


def publish(world: World, **migrations: str) -> None:
    published = publish_catalog(
        world.database,
        world.caller,
        world.engine,
        migrations=migrations,
    )
    assert isinstance(published, Published)


def only_batch(world: World) -> BatchProgress:
    (batch,) = world.do(batches)
    return batch  # type: ignore[no-any-return]


def offers(world: World, product_id: str) -> set[int]:
    """Offers that the product's account has now."""
    account = world.engine.read_account(1, world.do(product, product_id).engine_account_id)
    assert account is not None
    assert not isinstance(account, NoEngine)
    now_ns = world.database.now_ns()
    return {each.offer for each in account.products if each.from_ns <= now_ns < each.to_ns}


def money(world: World, product_id: str) -> int:
    account = world.engine.read_account(1, world.do(product, product_id).engine_account_id)
    assert account is not None
    assert not isinstance(account, NoEngine)
    return sum(bucket.remaining for bucket in account.buckets if bucket.unit == Unit.MONEY)


def differences(world: World) -> list[Any]:
    return list(
        find_differences(
            lambda query: world.database.read(world.caller, query), world.engine, world.network, tenant="default"
        )
    )


def test_products_of_a_retired_offering_are_moved(world: World, clock: TestClock, monkeypatch: Any) -> None:
    monkeypatch.setattr(batch_flow, "CHUNK", 2)
    monkeypatch.setattr(batch_flow, "CHUNKS", 1)
    ids = [world.ordered().items[0].product_id or "" for _ in range(4)]
    world.ordered(Action.SUSPEND, ids[1])
    world.ordered(Action.TERMINATE, ids[3])
    before = money(world, ids[0])
    (due,) = world.do(due_of, ids[0])
    clock.advance(days=3)
    edit(world, "monthly", lifecycle_status="retired")
    edit(world, "dear", price_ids=("monthly-fee",))
    publish(world, monthly="dear")
    world.relay()
    progress = only_batch(world)
    assert (progress.batch.state, progress.batch.placed_count, progress.batch.left_count) == ("done", 3, 0)
    assert progress.orders == {"completed": 3}
    assert [world.do(product, each).offering_id for each in ids] == ["dear"] * 3 + ["monthly"]
    assert world.do(product, ids[1]).status == ProductStatus.SUSPENDED
    assert offers(world, ids[0]) == {number_of_name("dear")}
    assert money(world, ids[0]) == before, "a move costs nothing and gives nothing"
    assert [each.at_ns for each in world.do(due_of, ids[0])] == [due.at_ns], "the period ends when it would have"
    assert differences(world) == []
    clock.advance(days=30)
    world.run_due()
    world.relay()
    assert money(world, ids[0]) == before - 5_000_000
    assert offers(world, ids[0]) == {number_of_name("dear")}


def test_products_follow_their_offering(world: World) -> None:
    product_id = world.ordered().items[0].product_id or ""
    edit(world, "monthly", offer="dear")
    publish(world, monthly="monthly")
    world.relay()
    assert offers(world, product_id) == {number_of_name("dear")}
    assert only_batch(world).orders == {"completed": 1}
    world.do(go_on, batch_id=only_batch(world).batch.id)
    world.relay()
    assert only_batch(world).orders == {"completed": 1}, "each product once"


def test_what_another_order_changes_is_moved_by_a_later_pass(world: World, clock: TestClock) -> None:
    product_id = world.ordered().items[0].product_id or ""
    other = world.place(AskedItem(action=Action.SUSPEND, product_id=product_id))
    edit(world, "monthly", lifecycle_status="retired")
    publish(world, monthly="dear")
    world.do(cancel, order_id=other.id)
    batch_id = _open_only(world)
    progress = only_batch(world)
    assert (progress.batch.state, progress.batch.left_count) == ("running", 1)
    assert f"order {other.id} is changing product" in progress.batch.reason
    assert [each.kind for each in world.do(due_of, batch_id)] == [BATCH_DUE]
    world.run(other.id)
    clock.advance(s=61)
    world.run_due()
    world.relay()
    progress = only_batch(world)
    assert (progress.batch.state, progress.batch.left_count, progress.batch.reason) == ("done", 0, "")
    assert world.do(product, product_id).offering_id == "dear"


def _open_only(world: World) -> str:
    """Open the batch and place its first pass, no order is run."""
    from bss.deliveries import unspread_events
    from bss.orchestration.run import RESOURCE_ID
    from tests.bss.orchestration.plain_run import PlainRun

    for kind, name in ((batch_flow.MIGRATION_SAID, batch_flow.MIGRATION), (batch_flow.BATCH_READY, batch_flow.BATCH)):
        for event in world.database.across_tenants(lambda connection: unspread_events(connection, 200)):
            if event.kind == kind:
                ids = {**event.ids, RESOURCE_ID: event.resource_id}
                world.flows[name](PlainRun(world.database, workflow_id=event.id), ids)
    return only_batch(world).batch.id


def test_what_waits_for_its_date_is_made_of_what_its_offering_became(world: World, clock: TestClock) -> None:
    """Through two releases, the second of which lets products follow a change of their own offering."""
    order = world.place(requested_start_ns=clock.now_ns() + 10 * _DAY_NS)
    edit(world, "monthly", lifecycle_status="retired")
    publish(world, monthly="dear")
    world.relay()
    assert only_batch(world).batch.total_count == 0, "a batch finds nothing"
    clock.advance(days=1)
    edit(world, "dear", price_ids=("monthly-fee",))
    publish(world, dear="dear")
    world.relay()
    assert world.view(order.id).items[0].offering_id == "monthly", "it is as it was ordered until then"
    clock.advance(days=10)
    world.run_due()
    world.relay()
    view = world.view(order.id)
    assert (view.order.state, view.items[0].offering_id, view.items[0].release) == ("completed", "dear", 3)
    assert view.steps[0].outcome["ordered_offering"] == "monthly"
    product_id = view.items[0].product_id or ""
    has = world.do(product, product_id)
    assert (has.offering_id, [price["micros"] for price in has.prices]) == ("dear", [5_000_000])
    assert offers(world, product_id) == {number_of_name("dear")}
    before = money(world, product_id)
    clock.advance(days=31)
    world.run_due()
    world.relay()
    assert money(world, product_id) == before - 5_000_000, "it is renewed as the others are"
    assert differences(world) == []


def test_what_falls_out_before_it_is_made_follows_as_well(world: World) -> None:
    taken = AskedItem(action=Action.ADD, offering_id="monthly", resources={"msisdn": "48600100002"})
    order = world.place(taken)
    world.do(block, "msisdn", name="48600100002")
    assert world.run(order.id).order.state == "held", "the number was blocked meanwhile"
    edit(world, "monthly", lifecycle_status="retired")
    edit(world, "dear", price_ids=("monthly-fee",))
    publish(world, monthly="dear")
    world.do(release, "msisdn", name="48600100002")
    world.do(retry, order_id=order.id)
    view = world.run(order.id)
    assert (view.order.state, view.items[0].offering_id) == ("completed", "dear")


def test_an_order_keeps_its_offering_until_the_release_is_in_force(world: World, clock: TestClock) -> None:
    order = world.place(requested_start_ns=clock.now_ns() + _DAY_NS)
    edit(world, "monthly", lifecycle_status="retired")
    world.do(change_head, values={"effective_ns": clock.now_ns() + 2 * _DAY_NS})
    publish(world, monthly="dear")
    world.relay()
    clock.advance(days=1)
    world.run_due()
    world.relay()
    view = world.view(order.id)
    assert (view.order.state, view.items[0].offering_id) == ("completed", "monthly")
    clock.advance(days=2)
    world.run_due()
    world.relay()
    assert world.do(product, view.items[0].product_id).offering_id == "dear", "the batch moves it like others"


def test_a_release_owes_to_who_has_ordered(world: World, clock: TestClock) -> None:
    order = world.place(requested_start_ns=clock.now_ns() + _DAY_NS)
    edit(world, "monthly", offer="dear")
    with pytest.raises(CatalogFaulty, match="1 product of customers is of it, or ordered"):
        publish(world)
    world.do(cancel, order_id=order.id)
    publish(world)


def test_a_move_that_is_called_off_leaves_the_product_as_it_was(world: World, clock: TestClock) -> None:
    product_id = world.ordered().items[0].product_id or ""
    (due,) = world.do(due_of, product_id)
    world.engine.is_away = True
    order = world.place(AskedItem(action=Action.MIGRATE, product_id=product_id, offering_id="dear"))
    view = world.run(order.id)
    assert (view.order.state, view.steps[1].error_code) == ("held", "no_engine")
    assert [each.kind for each in world.do(due_of, product_id)] == [], "it isn't renewed meanwhile"
    world.do(cancel, order_id=order.id)
    assert world.run(order.id).order.state == "held", "whether the account was moved is found out first"
    world.engine.is_away = False
    world.do(retry, order_id=order.id)
    assert world.run(order.id).order.state == "cancelled"
    assert [(each.kind, each.at_ns) for each in world.do(due_of, product_id)] == [(RENEWAL_DUE, due.at_ns)]
    clock.advance(s=2)
    assert offers(world, product_id) == {number_of_name("monthly")}
    assert world.do(product, product_id).offering_id == "monthly"
    assert differences(world) == []


def test_a_move_whose_reply_was_lost_is_undone(world: World, clock: TestClock) -> None:
    product_id = world.ordered().items[0].product_id or ""
    clock.advance(days=1)
    world.engine.reply_is_lost = True
    order = world.place(AskedItem(action=Action.MIGRATE, product_id=product_id, offering_id="dear"))
    assert world.run(order.id).steps[1].error_code == "unknown"
    assert offers(world, product_id) == {number_of_name("dear")}, "it was done, and nobody heard of it"
    world.engine.reply_is_lost = False
    world.do(cancel, order_id=order.id)
    assert world.run(order.id).order.state == "cancelled"
    clock.advance(s=2)
    assert offers(world, product_id) == {number_of_name("monthly")}
    assert differences(world) == []


def test_a_move_waits_for_a_person_while_a_renewal_is_under_way(world: World, clock: TestClock) -> None:
    product_id = world.ordered().items[0].product_id or ""
    clock.advance(days=40)
    world.run_due()
    order = world.place(AskedItem(action=Action.MIGRATE, product_id=product_id, offering_id="dear"))
    view = world.run(order.id)
    assert (view.order.state, view.steps[0].error_code) == ("held", Conflict.__name__)
    world.relay()
    world.do(retry, order_id=order.id)
    assert world.run(order.id).order.state == "completed"
    assert world.do(product, product_id).offering_id == "dear"
    assert len(world.do(list_orders, state="held")) == 0
