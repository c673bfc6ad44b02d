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
    table = BALANCE_ACTION
    rows = work.rows(
        sa.select(table)
        .where(table.c.engine_account_id == engine_account_id)
        .order_by(table.c.id.desc())
        .limit(min(limit, 1000))
    )
    return [BalanceAction.from_row(row) for row in rows]
