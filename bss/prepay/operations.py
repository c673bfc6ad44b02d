"""Asking for a top-up, an adjustment or another credit limit, and writing down what came of it. The engine is asked between
the two (bss/orchestration/balance_flow.py), so that no transaction is open while it decides.
"""

from collections.abc import Callable
from typing import Final

import sqlalchemy as sa

from bss.access import requires
from bss.due import Due, finish, schedule, unschedule
from bss.errors import Conflict, Invalid
from bss.prepay.records import ActionKind, ActionState, BalanceAction
from bss.prepay.tables import BALANCE_ACTION
from bss.work import Work
from vocabulary.instants import NS_PER_S
from vocabulary.limits import MICROS_MAX

SEND_AGAIN: Final = "balance_action.send_again"
"""The kind of due row that has a pending action sent again."""
SEND_AGAIN_S: Final = 5
REASON_CHARACTERS_MAX: Final = 100
_AMOUNTS: Final[dict[ActionKind, tuple[Callable[[int], bool], str]]] = {
    ActionKind.TOP_UP: (lambda micros: micros > 0, "A top-up is above zero"),
    ActionKind.ADJUST: (lambda micros: micros != 0, "An adjustment isn't zero"),
    ActionKind.CREDIT_LIMIT: (lambda micros: micros >= 0, "A credit limit is zero or above"),
}
"""Which amounts an action can have, and what is said of others."""


@requires("balance:write")
def request_action(
    work: Work,
    *,
    kind: ActionKind,
    engine_account_id: int,
    amount_micros: int,
    currency: str,
    reason: str = "",
    channel: str = "console",
    customer_id: str | None = None,
    bucket_id: int | None = None,
) -> BalanceAction:
    """Write down what is to be done; it is pending, and is sent again by itself until the engine has decided it.

    amount_micros   above zero for a top-up; an adjustment takes where it is below; of a credit limit itself, 0: nothing is owed
    bucket_id       the bucket of the account that it is about; the engine refuses what is no money's
    """
    fits, rule = _AMOUNTS[kind]
    if not fits(amount_micros):
        raise Invalid("amount", f"{amount_micros} micros", rule)
    if abs(amount_micros) > MICROS_MAX:
        raise Invalid("amount", "beyond what an account holds", f"At most {MICROS_MAX} micros")
    if len(reason) > REASON_CHARACTERS_MAX or not reason.isprintable():
        raise Invalid("reason", f"of {len(reason)} characters", f"At most {REASON_CHARACTERS_MAX} printable ones")
    if kind != ActionKind.TOP_UP and not reason.strip():
        raise Invalid("reason", "empty", "Say why it is done: it is kept in the journal")
    if kind == ActionKind.CREDIT_LIMIT:
        _check_no_limit_pending(work, engine_account_id)
    row = work.insert(
        BALANCE_ACTION,
        kind=kind,
        customer_id=customer_id,
        engine_account_id=engine_account_id,
        bucket_id=bucket_id,
        amount_micros=amount_micros,
        currency=currency,
        reason=reason,
        channel=channel,
        subject=work.caller.subject,
        state=ActionState.PENDING,
    )
    schedule(work, SEND_AGAIN, resource_id=row["id"], at_ns=work.now_ns + SEND_AGAIN_S * NS_PER_S)
    return BalanceAction.from_row(row)


def _check_no_limit_pending(work: Work, engine_account_id: int) -> None:
    """Conflict where one is being sent: done after a later one, it would win, since a limit is set and not added."""
    table = BALANCE_ACTION
    pending = sa.select(table.c.id).where(
        table.c.kind == ActionKind.CREDIT_LIMIT,
        table.c.state == ActionState.PENDING,
        table.c.engine_account_id == engine_account_id,
    )
    if work.rows(pending):
        raise Conflict("state", "another credit limit is on its way to the engine", "Wait until it is decided")


@requires("balance:write")
def settle_action(
    work: Work,
    action_id: str,
    *,
    state: ActionState,
    outcome: str = "",
    remaining_micros: int | None = None,
    due: Due | None = None,
) -> BalanceAction:
    """Write down what the engine said: done or refused. The same again changes nothing. NotFound.

    Who listens is told by TMF654's events of it then: created, once the money is there, or failed.

    due   the row whose turn this is; Stale where it is another worker's by now
    """
    before = work.get(BALANCE_ACTION, action_id)
    if due is not None:
        finish(work, due)
    if before["state"] != ActionState.PENDING:
        if before["state"] != state:
            raise Conflict("state", f"action {action_id} is {before['state']} already", "Read it again")
        return BalanceAction.from_row(before)
    row = work.change(
        BALANCE_ACTION, action_id, state=state, outcome=outcome or None, remaining_micros=remaining_micros
    )
    unschedule(work, SEND_AGAIN, resource_id=action_id)
    if row["kind"] == ActionKind.CREDIT_LIMIT:
        if state == ActionState.DONE:  # no TM Forum API has it: rules of ours may
            work.event("CreditLimitChangeEvent", resource="engine_account", resource_id=str(row["engine_account_id"]))
        return BalanceAction.from_row(row)
    word = "TopupBalance" if row["kind"] == ActionKind.TOP_UP else "AdjustBalance"
    happened = "Create" if state == ActionState.DONE else "Failure"
    resource = "topupBalance" if row["kind"] == ActionKind.TOP_UP else "adjustBalance"
    work.event(f"{word}{happened}Event", resource=resource, resource_id=action_id)
    return BalanceAction.from_row(row)
