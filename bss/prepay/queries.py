"""Reads of top-ups and adjustments."""

import sqlalchemy as sa

from bss.access import requires
from bss.prepay.records import BalanceAction
from bss.prepay.tables import BALANCE_ACTION
from bss.work import Work


@requires("balance:read")
def action(work: Work, action_id: str) -> BalanceAction:
    """One action. NotFound."""
    return BalanceAction.from_row(work.get(BALANCE_ACTION, action_id))


@requires("balance:read")
def actions_of_account(work: Work, engine_account_id: int, *, limit: int = 20) -> list[BalanceAction]:
    """What was done to an account's balances, the latest first."""
    return _latest(work, BALANCE_ACTION.c.engine_account_id == engine_account_id, limit)


@requires("balance:read")
def actions_of_customer(work: Work, customer_id: str, *, limit: int = 20) -> list[BalanceAction]:
    """What was done to a customer's balances, the latest first."""
    return _latest(work, BALANCE_ACTION.c.customer_id == customer_id, limit)


def _latest(work: Work, whose: "sa.ColumnElement[bool]", limit: int) -> list[BalanceAction]:
    newest_first = sa.select(BALANCE_ACTION).where(whose).order_by(BALANCE_ACTION.c.id.desc())
    return [BalanceAction.from_row(row) for row in work.rows(newest_first.limit(min(limit, 1000)))]
