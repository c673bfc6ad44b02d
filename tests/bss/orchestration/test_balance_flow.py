"""Top-ups, adjustments and credit limits: done at once, or by a worker when the engine is back; each once."""

import pytest

from balances.queries import AccountView
from bss.access import Caller
from bss.edge.database import Database
from bss.errors import Conflict, Invalid
from bss.inventory.queries import product
from bss.orchestration.balance_flow import change_balance
from bss.prepay.queries import action
from bss.prepay.records import ActionKind, ActionState, BalanceAction
from tests.bss.conftest import TestClock
from tests.bss.orchestration.world import World

EURO = 1_000_000


@pytest.fixture
def world(database: Database, anyone: Caller) -> World:
    return World(database, anyone)


@pytest.fixture
def account_id(world: World) -> int:
    """Of a prepaid line that was ordered."""
    product_id = world.ordered().items[0].product_id
    found: int = world.do(product, product_id).engine_account_id
    return found


def change(world: World, account_id: int, kind: ActionKind, micros: int) -> BalanceAction:
    return change_balance(
        world.database,
        world.engine,
        world.caller,
        kind=kind,
        engine_account_id=account_id,
        amount_micros=micros,
        currency="EUR",
        reason="asked for",
    )


def money(world: World, account_id: int) -> int:
    view = world.engine.read_account(1, account_id)
    assert isinstance(view, AccountView)
    return view.total()[0]


def test_what_the_engine_decides_at_once_is_not_sent_again(world: World, account_id: int, clock: TestClock) -> None:
    before = money(world, account_id)
    assert change(world, account_id, ActionKind.TOP_UP, 10 * EURO).state == ActionState.DONE
    assert change(world, account_id, ActionKind.ADJUST, -2 * EURO).state == ActionState.DONE
    refused = change(world, account_id + 1, ActionKind.TOP_UP, EURO)
    assert refused.state == ActionState.REFUSED
    assert refused.outcome
    clock.advance(s=60)
    assert world.run_due() == 0
    assert money(world, account_id) == before + 8 * EURO


def test_a_top_up_while_the_engine_is_away_is_done_once_it_is_back(
    world: World, account_id: int, clock: TestClock
) -> None:
    before = money(world, account_id)
    world.engine.is_away = True
    pending = change(world, account_id, ActionKind.TOP_UP, 10 * EURO)
    assert pending.state == ActionState.PENDING
    assert world.run_due() == 0, "it has just been tried"
    clock.advance(s=5)
    assert world.run_due() == 1
    assert world.do(action, pending.id).state == ActionState.PENDING
    world.engine.is_away = False
    clock.advance(s=5)
    assert world.run_due() == 1
    assert world.do(action, pending.id).state == ActionState.DONE
    clock.advance(days=1)
    assert world.run_due() == 0
    assert money(world, account_id) == before + 10 * EURO


def test_a_reply_that_was_lost_doesnt_add_the_money_twice(world: World, account_id: int, clock: TestClock) -> None:
    before = money(world, account_id)
    world.engine.reply_is_lost = True
    pending = change(world, account_id, ActionKind.TOP_UP, 10 * EURO)
    assert pending.state == ActionState.PENDING
    clock.advance(s=5)
    assert world.run_due() == 1
    assert world.do(action, pending.id).state == ActionState.DONE
    assert money(world, account_id) == before + 10 * EURO


def limit(world: World, account_id: int) -> int:
    view = world.engine.read_account(1, account_id)
    assert isinstance(view, AccountView)
    return view.credit_limit_micros


def test_a_credit_limit_is_set_and_moves_no_money(world: World, account_id: int) -> None:
    before = money(world, account_id)
    for micros in (50 * EURO, 20 * EURO, 0):
        done = change(world, account_id, ActionKind.CREDIT_LIMIT, micros)
        assert (done.state, done.remaining_micros, limit(world, account_id)) == (ActionState.DONE, None, micros)
    assert money(world, account_id) == before
    with pytest.raises(Invalid, match="zero or above"):
        change(world, account_id, ActionKind.CREDIT_LIMIT, -1)


def test_a_credit_limit_on_its_way_isnt_overtaken(world: World, account_id: int, clock: TestClock) -> None:
    """Sent again later it would undo the one that was set meanwhile."""
    world.engine.is_away = True
    assert change(world, account_id, ActionKind.CREDIT_LIMIT, 50 * EURO).state == ActionState.PENDING
    world.engine.is_away = False
    with pytest.raises(Conflict, match="on its way"):
        change(world, account_id, ActionKind.CREDIT_LIMIT, 20 * EURO)
    assert change(world, account_id + 1, ActionKind.CREDIT_LIMIT, 20 * EURO).state == ActionState.REFUSED
    clock.advance(s=5)
    assert world.run_due() == 1
    assert limit(world, account_id) == 50 * EURO
    assert change(world, account_id, ActionKind.CREDIT_LIMIT, 20 * EURO).state == ActionState.DONE
