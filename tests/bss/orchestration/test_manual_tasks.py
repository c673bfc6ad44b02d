"""Steps that people do by hand or leave out: what each kind of step admits, and what comes of what they say they made."""

from typing import Any

import pytest

from balances.commands import AccountStatus, Change, Terms
from bss.access import Caller
from bss.crm.queries import payer_at
from bss.edge.database import Database
from bss.engine_port import Done, Identity, OpenAccount
from bss.errors import BusinessError, Conflict, Invalid
from bss.inventory.product_operations import change_product
from bss.inventory.queries import product
from bss.inventory.records import Product
from bss.network_port import NetworkRefused
from bss.orchestration.manual_tasks import MAKING_STEPS, finish_by_hand, skip, take_in_hand
from bss.orchestration.order_placing import AskedItem
from bss.orchestration.order_steps import order_steps
from bss.orchestration.plans import PLAN_ROWS
from bss.orders import fallout
from bss.orders.operations import cancel
from bss.orders.records import Action, Order, OrderView
from tests.bss.conftest import NOW_NS
from tests.bss.orchestration.world import World
from vocabulary.ids import IdentityKind

EUR = 978


@pytest.fixture
def world(database: Database, anyone: Caller) -> World:
    return World(database, anyone)


@pytest.fixture
def operator(caller_of: Any) -> Caller:
    """May repair orders, and change no customer."""
    caller: Caller = caller_of("order:read", "order:repair", "inventory:read", subject="user:otto")
    return caller


def held_without_engine(world: World) -> tuple[OrderView, Product]:
    """An order whose account a person is about to open, and its product."""
    order = world.place(billing_account_id=world.billing_account_id)
    world.engine.is_away = True
    view = world.run(order.id)
    world.engine.is_away = False
    assert [step.kind for step in view.steps if step.state == "failed"] == ["open_account"]
    world.do(take_in_hand, order_id=order.id, note="opened by hand")
    return view, world.do(product, view.items[0].product_id)


def opened(world: World, key: str, *identities: Identity) -> int:
    """An account that somebody opened."""
    assert world.engine.tenant_number("default") == 1
    done = world.engine.send(OpenAccount(key, 1, identities, Terms(currency=EUR, offer=0, credits=())))
    assert isinstance(done, Done)
    return done.account_id


def of_product(has: Product) -> tuple[Identity, ...]:
    return (Identity(IdentityKind.E164, has.number or ""), Identity(IdentityKind.IMSI, has.imsi or ""))


def finish(world: World, order_id: str, caller: Caller | None = None, **made: str) -> Order:
    return finish_by_hand(
        world.database, world.engine, caller or world.caller, order_id=order_id, note="done by hand", made=made
    )


@pytest.mark.parametrize("is_told", [True, False])
def test_an_account_that_was_opened_by_hand_is_the_products(world: World, operator: Caller, is_told: bool) -> None:
    view, has = held_without_engine(world)
    account_id = opened(world, "by-hand", *of_product(has))
    finish(world, view.order.id, operator, **({"account_id": str(account_id)} if is_told else {}))
    view = world.run(view.order.id)
    assert view.order.state == "completed", view.steps
    assert world.do(product, has.id).engine_account_id == account_id
    assert world.do(payer_at, account_id, at_ns=NOW_NS) == world.billing_account_id
    account: Any = world.engine.read_account(1, account_id)
    assert len(account.products) == 1, "the steps behind it charge this one"


def test_an_account_that_was_opened_by_hand_is_closed_as_the_order_is_cancelled(world: World) -> None:
    view, has = held_without_engine(world)
    account_id = opened(world, "by-hand", *of_product(has))
    finish(world, view.order.id)
    world.do(cancel, order_id=view.order.id)
    assert world.run(view.order.id).order.state == "cancelled"
    assert world.engine.read_account(1, account_id).status == AccountStatus.CLOSED  # type: ignore[union-attr]


@pytest.mark.parametrize("told", ["abc", "-1", "0", "7.0", "٣", "9" * 30])
def test_an_account_is_told_by_its_number(world: World, told: str) -> None:
    view, _ = held_without_engine(world)
    with pytest.raises(Invalid, match=r"made.account_id: .* is no account's number"):
        finish(world, view.order.id, account_id=told)
    assert world.view(view.order.id).steps[2].state == "manual"


def test_accounts_that_are_not_the_products(world: World) -> None:
    other = world.do(product, world.ordered().items[0].product_id)
    view, has = held_without_engine(world)
    bare = opened(world, "bare", Identity(IdentityKind.E164, "48999"))
    for made, says in (
        ({}, "it isn't said, and no account has"),
        ({"account_id": "99999"}, f"e164 {has.number}, which the product has, is nobody's, not account 99999's"),
        ({"account_id": str(other.engine_account_id)}, f"e164 {has.number}, .* nobody's"),
        ({"account_id": str(bare)}, f"e164 {has.number}, .* nobody's"),
        ({"acount": "1"}, "made.acount: open_account makes no such thing. Write account_id"),
    ):
        with pytest.raises(BusinessError, match=says):
            finish(world, view.order.id, **made)
    mine = opened(world, "by-hand", of_product(has)[0])
    with pytest.raises(Conflict, match=f"imsi {has.imsi}, which the product has, is nobody's, not account {mine}'s"):
        finish(world, view.order.id)
    world.engine.is_away = True
    with pytest.raises(Conflict, match=r"no engine answers.* Say it once the engine runs"):
        finish(world, view.order.id, account_id=str(mine))
    assert world.do(product, has.id).engine_account_id is None
    assert world.view(view.order.id).order.state == "held"


def test_an_account_of_another_product_stays_its_own(world: World) -> None:
    other = world.do(product, world.ordered().items[0].product_id)
    view, has = held_without_engine(world)
    account_id = opened(world, "by-hand", *of_product(has))
    world.do(change_product, other.id, engine_account_id=account_id)
    with pytest.raises(Conflict, match=f"made.account_id: account {account_id} is product {other.id}'s"):
        finish(world, view.order.id, account_id=str(account_id))


@pytest.mark.parametrize(
    ("terms", "says"),
    [
        ({"offer": 7}, "has an offer of its own: the order brings what it gets"),
        ({"expires_ns": 2**60}, "has an end of its own"),
        ({"status": AccountStatus.BARRED}, "is barred"),
    ],
)
def test_an_account_that_the_order_would_not_fit_is_refused(world: World, terms: dict[str, Any], says: str) -> None:
    view, has = held_without_engine(world)
    command = OpenAccount("by hand", 1, of_product(has), Terms(currency=EUR, **terms))
    done = world.engine.send(command)
    assert isinstance(done, Done)
    with pytest.raises(Conflict, match=rf"account {done.account_id} {says}.*--offer -"):
        finish(world, view.order.id, account_id=str(done.account_id))


def test_a_closed_account_is_nobodys(world: World) -> None:
    view, has = held_without_engine(world)
    account_id = opened(world, "by-hand", *of_product(has))
    world.engine.send(Change("close", 1, account_id, status=AccountStatus.CLOSED))
    with pytest.raises(Conflict, match=f"account {account_id} is closed"):
        finish(world, view.order.id)


def test_a_step_that_makes_nothing_is_told_nothing(world: World) -> None:
    world.network.refuses = NetworkRefused("no_profile", "the network has no such profile")
    order = world.place()
    world.run(order.id)
    world.do(take_in_hand, order_id=order.id, note="the network's people do it")
    with pytest.raises(Invalid, match=r"made.account_id: provision_network makes no such thing. Leave it out"):
        finish(world, order.id, account_id="7")
    finish(world, order.id)
    assert world.run(order.id).order.state == "completed"


def test_what_others_need_is_not_left_out(world: World) -> None:
    order = world.place(AskedItem(action=Action.ADD, offering_id="monthly", resources={"msisdn": "48600100002"}))
    world.run(world.place(AskedItem(action=Action.ADD, offering_id="monthly", resources={"msisdn": "48600100002"})).id)
    assert world.run(order.id).steps[0].state == "failed"
    with pytest.raises(Conflict, match=r"assign_resources makes the product.* or cancel the order"):
        world.do(skip, order_id=order.id, note="never mind")
    with pytest.raises(Conflict, match="that can't be done by hand"):
        world.do(take_in_hand, order_id=order.id, note="I do it")
    world.do(fallout.take_in_hand, order_id=order.id, note="as releases before let one")
    with pytest.raises(Conflict, match="that can't be done by hand"):
        finish(world, order.id)
    world.do(cancel, order_id=order.id)
    assert world.run(order.id).order.state == "cancelled"


def test_an_account_is_not_left_out(world: World) -> None:
    view, _ = held_without_engine(world)
    with pytest.raises(Conflict, match=r"open_account makes the account .* do it by hand"):
        world.do(skip, order_id=view.order.id, note="never mind")


def test_a_compensation_is_skipped_whatever_the_step_makes(world: World) -> None:
    """So orders end that an earlier release let go on without their product."""
    order = world.place(AskedItem(action=Action.ADD, offering_id="monthly", resources={"msisdn": "48600100002"}))
    world.run(world.place(AskedItem(action=Action.ADD, offering_id="monthly", resources={"msisdn": "48600100002"})).id)
    world.run(order.id)
    world.do(fallout.skip, order_id=order.id, note="as releases before let one")
    assert world.run(order.id).steps[1].error_code == "AssertionError"
    world.do(cancel, order_id=order.id)
    assert world.run(order.id).steps[1].state == "undo_failed"
    world.do(skip, order_id=order.id, note="there is nothing to undo")
    assert world.run(order.id).order.state == "cancelled"


def test_an_account_of_no_product_is_not_noted(world: World) -> None:
    """Orders that an earlier release let go on without their product, as far as the account."""
    world.engine.is_away = True
    order = world.place(AskedItem(action=Action.ADD, offering_id="monthly", resources={"msisdn": "48600100002"}))
    world.run(world.place(AskedItem(action=Action.ADD, offering_id="monthly", resources={"msisdn": "48600100002"})).id)
    for kind in ("assign_resources", "provision_network"):
        assert next(step for step in world.run(order.id).steps if step.state == "failed").kind == kind
        world.do(fallout.skip, order_id=order.id, note="as releases before let one")
    world.run(order.id)
    world.do(take_in_hand, order_id=order.id, note="opened by hand")
    with pytest.raises(Conflict, match=r"the order has no product .* Cancel it"):
        finish(world, order.id, account_id="7")


def test_steps_that_make_something_are_steps(world: World) -> None:
    assert set(MAKING_STEPS) <= set(order_steps(world.ports)) & {row.kind for row in PLAN_ROWS}
