"""Asking for a top-up or an adjustment, and writing down what came of it. The engine is asked between the two
(bss/orchestration/balance_flow.py), so that no transaction is open while it decides.
"""

from typing import Final

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

    amount_micros   above zero for a top-up; an adjustment takes where it is below
    bucket_id       the bucket of the account that it is about; the engine refuses what is no money's
    """
    if amount_micros == 0 or (kind == ActionKind.TOP_UP and amount_micros < 0):
        raise Invalid("amount", f"{amount_micros} micros", "A top-up is above zero, an adjustment isn't zero")
    if abs(amount_micros) > MICROS_MAX:
        raise Invalid("amount", "beyond what an account holds", f"At most {MICROS_MAX} micros")
    if len(reason) > REASON_CHARACTERS_MAX or not reason.isprintable():
        raise Invalid("reason", f"of {len(reason)} characters", f"At most {REASON_CHARACTERS_MAX} printable ones")
    if kind == ActionKind.ADJUST and not reason.strip():
        raise Invalid("reason", "empty", "Say why the balance is corrected: it is kept in the journal")
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
    word = "TopupBalance" if row["kind"] == ActionKind.TOP_UP else "AdjustBalance"
    happened = "Create" if state == ActionState.DONE else "Failure"
    resource = "topupBalance" if row["kind"] == ActionKind.TOP_UP else "adjustBalance"
    work.event(f"{word}{happened}Event", resource=resource, resource_id=action_id)
    return BalanceAction.from_row(row)
