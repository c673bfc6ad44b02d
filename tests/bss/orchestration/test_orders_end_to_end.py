"""Orders over the real steps: inventory, an engine and a network in memory. What each kind of order leaves in all of them."""

from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from balances.record import AccountStatus
from bss.access import Caller
from bss.catalog.pricing import PricePreview
from bss.crm.customer_operations import add_billing_account, set_billing_account_state
from bss.crm.states import BillingAccountState
from bss.due import due_of
from bss.edge.database import Database
from bss.engine_port import Identity
from bss.errors import Conflict, Invalid, NotFound
from bss.inventory.operations import release, reserve
from bss.inventory.queries import product, resource_counts
from bss.inventory.tables import PRODUCT
from bss.network_port import NetworkRefused, SubscriberState
from bss.orchestration.order_placing import AskedItem, place_order, preview_order
from bss.orders.fallout import retry, skip
from bss.orders.operations import cancel
from bss.orders.queries import list_orders
from bss.orders.records import Action, OrderView
from bss.outbox import OUTBOX
from tests.bss.conftest import NOW_NS, TestClock
from tests.bss.orchestration.world import World, with_check_digit
from vocabulary.ids import IdentityKind
from vocabulary.units import Unit

DAY_NS = 86_400_000_000_000


@pytest.fixture
def world(database: Database, anyone: Caller) -> World:
    return World(database, anyone)


def product_of(world: World, view: OrderView) -> Any:
    return world.do(product, view.items[0].product_id)


def account_of(world: World, view: OrderView) -> Any:
    return world.engine.read_account(1, product_of(world, view).engine_account_id)


def money_of(world: World, view: OrderView) -> int:
    return sum(bucket.remaining for bucket in account_of(world, view).buckets if bucket.unit == Unit.MONEY)


def states(world: World) -> dict[tuple[str, str], int]:
    return {(each.kind, each.state): each.row_count for each in world.do(resource_counts)}


def test_the_customers_account_pays_where_none_is_named(world: World) -> None:
    foreign = world.do(add_billing_account, customer_id=world.customer_id, name="abroad", currency="USD")
    closed = world.do(add_billing_account, customer_id=world.customer_id, name="former", currency="EUR")
    world.do(set_billing_account_state, closed.id, state=BillingAccountState.CLOSED)
    assert world.place().billing_account_id == world.billing_account_id
    with pytest.raises(Conflict, match="the billing account is in USD, the catalogue in EUR"):
        world.place(billing_account_id=foreign.id)
    with pytest.raises(Conflict, match="the billing account is closed"):
        world.place(billing_account_id=closed.id)
    world.do(set_billing_account_state, world.billing_account_id, state=BillingAccountState.CLOSED)
    assert world.place().billing_account_id is None


def test_chosen_numbers_are_there_and_can_be_had(world: World) -> None:
    def chosen(number: str, **options: str) -> AskedItem:
        return AskedItem(action=Action.ADD, offering_id="monthly", resources={"msisdn": number}, **options)  # type: ignore[arg-type]

    free, kept, taken = "48600100000", "48600100001", "48600100002"
    with pytest.raises(NotFound, match=r"items\[0\].resources.msisdn: there is no number '111'"):
        world.place(chosen("111"))
    world.do(reserve, "msisdn", reserved_for="counter 4", name=kept)
    world.run(world.place(chosen(taken)).id)
    for number, state in ((kept, "reserved"), (taken, "assigned")):
        with pytest.raises(Conflict, match=rf"items\[0\].resources.msisdn: {number} is {state}"):
            world.place(chosen(number))
    assert world.run(world.place(chosen(kept, reservation="counter 4")).id).order.state == "completed"
    world.place(chosen(taken), requested_start_ns=NOW_NS + DAY_NS)  # it may be free then
    assert world.run(world.place(chosen(free)).id).order.state == "completed"


def test_two_items_are_not_for_one_number_or_sim(world: World) -> None:
    number, sim = "48600100001", with_check_digit(f"894803{2:012d}")
    world.do(reserve, "msisdn", reserved_for="basket 7", name=number)
    named = AskedItem(action=Action.ADD, offering_id="monthly", reservation="basket 7")
    for kind, first, second in (
        ("msisdn", chosen("msisdn", "48600100002"), chosen("msisdn", "48600100002")),
        ("sim", chosen("sim", sim), chosen("sim", sim)),
        ("msisdn", named, replace(named, reservation="", resources={"msisdn": number})),
    ):
        for ask in (place_order, preview_order):
            with pytest.raises(Conflict, match=r"is item 1's already|is reserved") as refused:
                world.do(ask, customer_id=world.customer_id, items=[first, second])
            assert refused.value.field == f"items[1].resources.{kind}"
    both = [chosen("msisdn", "48600100000"), chosen("msisdn", "48600100002")]
    order = world.do(place_order, customer_id=world.customer_id, items=both)
    assert world.run(order.id).order.state == "completed"


def chosen(kind: str, name: str) -> AskedItem:
    return AskedItem(action=Action.ADD, offering_id="monthly", resources={kind: name})


def test_an_order_of_which_an_item_is_done_is_cancelled_in_part(world: World) -> None:
    order = world.do(
        place_order,
        customer_id=world.customer_id,
        items=[chosen("msisdn", "48600100000"), chosen("msisdn", "48600100001")],
    )
    world.do(reserve, "msisdn", reserved_for="counter 4", name="48600100001")
    assert world.run(order.id).order.state == "held"
    world.do(cancel, order_id=order.id)
    view = world.run(order.id)
    assert view.order.state == "partial"
    assert product_of(world, view).status == "active"
    assert view.items[1].product_id is None
    assert states(world)["sim", "assigned"] == 1
    ended = world.ordered(Action.TERMINATE, product_of(world, view).id)
    assert ended.order.state == "completed", "nothing holds the product that stayed"


def test_an_ordered_plan_is_active_everywhere(world: World) -> None:
    view = world.ordered()
    assert (view.order.state, [step.state for step in view.steps]) == ("completed", ["done"] * 5)
    has = product_of(world, view)
    assert (has.status, has.order_id, has.customer_id) == ("active", view.order.id, world.customer_id)
    assert (has.number, has.imsi) == ("48600100000", "260030000000000")
    account = account_of(world, view)
    assert (account.status, len(account.products)) == (AccountStatus.ACTIVE, 1)
    assert money_of(world, view) == 7_000_000  # 12 EUR given, 5 EUR for the first month
    asked = [Identity(IdentityKind.E164, has.number), Identity(IdentityKind.IMSI, has.imsi)]
    assert world.engine.find_accounts(1, asked) == (account.account_id,) * 2
    subscriber = world.network.read_subscriber(has.imsi)
    assert subscriber is not None
    assert (subscriber.msisdn, subscriber.state) == (has.number, SubscriberState.ACTIVE)  # type: ignore[union-attr]
    assert states(world) == {
        ("msisdn", "assigned"): 1,
        ("msisdn", "free"): 2,
        ("sim", "assigned"): 1,
        ("sim", "free"): 2,
    }


def test_a_chosen_number_is_given(world: World) -> None:
    item = AskedItem(action=Action.ADD, offering_id="monthly", resources={"msisdn": "48600100002"})
    first, second = world.place(item), world.place(item)
    assert product_of(world, world.run(first.id)).number == "48600100002"
    other = world.run(second.id)
    assert (other.order.state, other.steps[0].state) == ("held", "failed")
    assert other.steps[0].error_code == "Conflict"


def test_a_product_is_suspended_resumed_and_ended(world: World) -> None:
    added = world.ordered()
    product_id = added.items[0].product_id
    assert product_id is not None
    number, imsi = product_of(world, added).number, product_of(world, added).imsi
    assert world.ordered(Action.SUSPEND, product_id).order.state == "completed"
    assert product_of(world, added).status == "suspended"
    assert account_of(world, added).status == AccountStatus.BARRED
    assert world.network.read_subscriber(imsi).state == SubscriberState.SUSPENDED  # type: ignore[union-attr]
    assert world.ordered(Action.RESUME, product_id).order.state == "completed"
    assert product_of(world, added).status == "active"
    assert account_of(world, added).status == AccountStatus.ACTIVE
    assert world.network.read_subscriber(imsi).state == SubscriberState.ACTIVE  # type: ignore[union-attr]
    ended = world.ordered(Action.TERMINATE, product_id)
    assert ended.order.state == "completed", ended
    assert product_of(world, added).status == "terminated"
    assert account_of(world, added).status == AccountStatus.CLOSED
    assert world.network.read_subscriber(imsi) is None
    assert world.engine.find_accounts(1, [Identity(IdentityKind.E164, number)]) == (None,)
    assert states(world)["msisdn", "quarantined"] == 1
    assert states(world)["sim", "retired"] == 1
    assert world.do(due_of, product_id) == []
    with pytest.raises(Conflict, match="is terminated"):
        world.ordered(Action.SUSPEND, product_id)


@pytest.mark.parametrize("failing", ["assign_resources", "provision_network", "open_account", "apply_product"])
def test_an_order_that_fell_out_is_undone_whole(world: World, failing: str) -> None:
    if failing == "assign_resources":
        order = world.place(AskedItem(action=Action.ADD, offering_id="monthly", resources={"msisdn": "48600100002"}))
        world.do(reserve, "msisdn", reserved_for="counter 4", name="48600100002")
    else:
        order = world.place()
    if failing == "provision_network":
        world.network.refuses = NetworkRefused("no_profile", "the network has no such profile")
    world.engine.is_away = failing == "open_account"
    if failing == "apply_product":
        send = world.engine.send
        world.engine.send = lambda command: (  # type: ignore[method-assign]
            refuse(world) if getattr(command, "applies", None) else send(command)
        )
    view = world.run(order.id)
    assert view.order.state == "held"
    assert [step.kind for step in view.steps if step.state == "failed"] == [failing]
    world.engine.is_away = False
    world.do(cancel, order_id=order.id)
    view = world.run(order.id)
    assert (view.order.state, {step.state for step in view.steps}) == ("cancelled", {"undone"})
    if failing == "assign_resources":
        world.do(release, "msisdn", name="48600100002", reserved_for="counter 4")
    assert states(world) == {("msisdn", "free"): 3, ("sim", "free"): 3}
    assert world.network.read_subscriber("260030000000000") is None
    assert world.engine.find_accounts(1, [Identity(IdentityKind.E164, "48600100000")]) == (None,)
    rows = world.do(lambda work: work.rows(sa.select(PRODUCT)))
    assert {row["status"] for row in rows} <= {"cancelled"}


def refuse(world: World) -> Any:
    from bss.engine_port import Refused

    return Refused("credit_limit_reached", "the engine said credit limit reached")


@pytest.mark.parametrize("port", ["network", "engine"])
def test_a_lost_reply_is_asked_again_and_done_once(world: World, clock: TestClock, port: str) -> None:
    order = world.place()
    getattr(world, port).reply_is_lost = True
    view = world.run(order.id)
    assert view.order.state == "held"
    failed = next(step for step in view.steps if step.state == "failed")
    assert failed.error_code == "unknown"
    clock.advance(s=5)
    assert world.run_due() == 1  # by itself, after a pause
    view = world.run(order.id)
    assert view.order.state == "completed"
    assert money_of(world, view) == 7_000_000
    assert world.run_due() == 0


def test_a_lost_reply_that_is_cancelled_leaves_nothing(world: World) -> None:
    order = world.place()
    world.engine.reply_is_lost = True
    assert world.run(order.id).order.state == "held"
    world.do(cancel, order_id=order.id)
    assert world.run(order.id).order.state == "cancelled"
    assert world.engine.find_accounts(1, [Identity(IdentityKind.E164, "48600100000")]) == (None,)


def test_tries_by_itself_end(world: World, clock: TestClock) -> None:
    order = world.place()
    world.engine.is_away = True
    tries = 0
    while True:
        assert world.run(order.id).order.state == "held"
        clock.advance(days=1)
        if world.run_due() == 0:
            break
        tries += 1
    assert tries == 5
    world.engine.is_away = False
    world.do(retry, order_id=order.id)
    assert world.run(order.id).order.state == "completed"


def test_an_order_waits_for_its_date(world: World, clock: TestClock) -> None:
    order = world.place(requested_start_ns=NOW_NS + 3 * DAY_NS)
    assert order.state == "pending"
    assert world.run_due() == 0
    clock.advance(days=3)
    assert world.run_due() == 1
    view = world.run(order.id)
    assert view.order.state == "completed"
    assert product_of(world, view).start_ns == NOW_NS + 3 * DAY_NS


def test_an_order_does_not_begin_long_ago(world: World) -> None:
    assert world.place(requested_start_ns=NOW_NS - DAY_NS).state == "acknowledged"
    for ask in (place_order, preview_order):
        with pytest.raises(Invalid, match=r"requested_start_ns: .* is past, it is .* leave it out"):
            world.do(
                ask,
                customer_id=world.customer_id,
                items=[AskedItem(action=Action.ADD, offering_id="monthly")],
                requested_start_ns=NOW_NS - DAY_NS - 1,
            )


def test_a_product_is_renewed_each_month(world: World, clock: TestClock) -> None:
    view = world.ordered()
    product_id = view.items[0].product_id
    assert product_id is not None
    [due] = world.do(due_of, product_id)
    assert due.at_ns == 1_802_678_400_000_000_000  # 2027-02-15 08:00, a month after 2027-01-15 08:00
    clock.at_ns = due.at_ns
    assert world.run_due() == 1
    event = world.do(lambda work: work.rows(sa.select(OUTBOX).order_by(OUTBOX.c.sequence.desc()).limit(1)))[0]
    assert (event["kind"], event["ids"]) == ("product.renewal_ready", {"from_ns": str(due.at_ns)})
    for _ in range(2):  # a second run is the same command
        world.renew(product_id, due.at_ns)
    assert money_of(world, view) == 2_000_000
    assert len([each for each in account_of(world, view).buckets if each.unit != Unit.MONEY]) == 2
    [following] = world.do(due_of, product_id)
    assert following.at_ns > due.at_ns + 27 * DAY_NS
    clock.at_ns = following.at_ns
    world.run_due()
    world.renew(product_id, following.at_ns)  # 2 EUR don't pay 5
    assert money_of(world, view) == 2_000_000
    [again] = world.do(due_of, product_id)
    assert again.at_ns == following.at_ns + DAY_NS


def test_an_engine_that_is_away_keeps_the_period(world: World, clock: TestClock) -> None:
    view = world.ordered()
    product_id = view.items[0].product_id
    assert product_id is not None
    [due] = world.do(due_of, product_id)
    clock.at_ns = due.at_ns
    world.run_due()
    world.engine.is_away = True
    world.renew(product_id, due.at_ns)
    [again] = world.do(due_of, product_id)
    assert (again.at_ns, again.ids) == (due.at_ns + 60_000_000_000, {"from_ns": str(due.at_ns)})


def test_a_suspended_product_is_not_renewed(world: World, clock: TestClock) -> None:
    view = world.ordered()
    product_id = view.items[0].product_id
    assert product_id is not None
    world.ordered(Action.SUSPEND, product_id)
    [due] = world.do(due_of, product_id)
    clock.at_ns = due.at_ns
    assert world.run_due() == 1
    [later] = world.do(due_of, product_id)
    assert later.at_ns == due.at_ns + DAY_NS


def test_what_takes_no_account_is_only_in_the_inventory(world: World) -> None:
    view = world.run(world.place(AskedItem(action=Action.ADD, offering_id="insurance")).id)
    assert [step.kind for step in view.steps] == ["assign_resources", "activate_product"]
    assert view.order.state == "completed"
    assert world.engine.sent == []


def test_a_dry_run_shows_plan_and_price_and_writes_nothing(world: World) -> None:
    item = AskedItem(action=Action.ADD, offering_id="monthly")
    preview = world.database.read(
        world.caller, lambda work: preview_order(work, customer_id=world.customer_id, items=[item])
    )
    [previewed] = preview
    assert [step.kind for step in previewed.item.steps] == [
        "assign_resources",
        "provision_network",
        "open_account",
        "apply_product",
        "activate_product",
    ]
    assert isinstance(previewed.price, PricePreview)
    assert previewed.price.due_now_micros == 5_000_000
    assert world.do(list_orders) == []


def test_a_billing_account_pays(world: World) -> None:
    from bss.crm.queries import payer_at

    view = world.run(world.place(billing_account_id=world.billing_account_id).id)
    account_id = product_of(world, view).engine_account_id
    assert world.do(payer_at, account_id, at_ns=NOW_NS) == world.billing_account_id


@pytest.mark.parametrize(
    ("item", "error", "field"),
    [
        (AskedItem(action="modify", offering_id="monthly"), Invalid, r"items\[0\].action"),
        (AskedItem(action=Action.ADD, offering_id="nothing"), Conflict, r"items\[0\].offering_id"),
        (AskedItem(action=Action.ADD), Conflict, r"items\[0\].offering_id"),
        (AskedItem(action=Action.SUSPEND), Invalid, r"items\[0\].product_id"),
        (AskedItem(action=Action.SUSPEND, product_id="none"), NotFound, "none"),
        (AskedItem(action=Action.ADD, offering_id="monthly", product_id="p"), Invalid, r"product_id"),
        (AskedItem(action=Action.ADD, offering_id="monthly", resources={"fax": "1"}), Invalid, r"resources.fax"),
        (AskedItem(action=Action.ADD, offering_id="monthly", characteristics={"sim_type": "x"}), Invalid, "sim_type"),
    ],
)
def test_what_can_not_be_ordered(world: World, item: AskedItem, error: type[Exception], field: str) -> None:
    with pytest.raises(error, match=field):
        world.place(item)


def test_a_step_is_skipped_by_a_person(world: World) -> None:
    world.network.refuses = NetworkRefused("no_profile", "the network has no such profile")
    order = world.place()
    world.run(order.id)
    world.do(skip, order_id=order.id, note="the network has it from the migration")
    assert world.run(order.id).order.state == "completed"


def test_no_free_number_is_fallout(database: Database, anyone: Caller) -> None:
    world = World(database, anyone, lines=1)
    world.ordered()
    view = world.ordered()
    assert view.order.state == "held"
    assert "no free number" in view.steps[0].error
