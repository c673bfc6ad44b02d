"""Top-ups, adjustments and credit limits: done at once, or by a worker when the engine is back; each once."""

import pytest

from balances.queries import AccountView
from bss.access import Caller
from bss.due import due_of
from bss.edge.database import Database
from bss.errors import Conflict, Invalid
from bss.inventory.queries import product, products_of_accounts
from bss.inventory.renewals import REFUSED
from bss.orchestration.balance_flow import change_balance
from bss.prepay.queries import action
from bss.prepay.records import ActionKind, ActionState, BalanceAction
from tests.bss.conftest import TestClock
from tests.bss.orchestration.world import World
from vocabulary.command_refusals import COMMAND_REFUSALS
from vocabulary.outcomes import Outcome

EURO = 1_000_000
PAID = 1
"""The due row that looks for renewals which lacked money."""
DAY_NS = 86_400_000_000_000


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
    assert world.run_due() == PAID
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
    assert world.run_due() == 1 + PAID
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
    assert world.run_due() == 1 + PAID
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
    assert world.run_due() == 1 + PAID
    assert limit(world, account_id) == 50 * EURO
    assert change(world, account_id, ActionKind.CREDIT_LIMIT, 20 * EURO).state == ActionState.DONE


def test_a_renewal_that_lacked_money_is_asked_for_as_money_comes(
    world: World, account_id: int, clock: TestClock
) -> None:
    [has] = world.do(products_of_accounts, [account_id])
    for _ in range(2):
        [due] = world.do(due_of, has.id)
        clock.at_ns = due.at_ns
        world.run_due()
        world.renew(has.id, due.at_ns)
    [waits] = world.do(due_of, has.id)
    assert waits.ids == {REFUSED: COMMAND_REFUSALS[Outcome.CREDIT_LIMIT_REACHED]}
    before = money(world, account_id)
    clock.advance(s=3600)
    assert change(world, account_id, ActionKind.ADJUST, -1 * EURO).state == ActionState.DONE
    assert world.run_due() == 0, "taking money pays for nothing"
    assert change(world, account_id, ActionKind.TOP_UP, 10 * EURO).state == ActionState.DONE
    assert world.run_due() == PAID + 1
    assert world.do(due_of, has.id) == [], "it is under way"
    world.renew(has.id, clock.at_ns)
    assert money(world, account_id) == before + (-1 + 10 - 5) * EURO
    [following] = world.do(due_of, has.id)
    assert following.at_ns > clock.at_ns + 27 * DAY_NS, "the month begins when it is paid"
    assert change(world, account_id, ActionKind.TOP_UP, EURO).state == ActionState.DONE
    assert world.run_due() == PAID
    assert world.do(due_of, has.id) == [following], "nothing waits for money"
