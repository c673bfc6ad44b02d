"""Top-ups, adjustments and credit limits from the request to the engine's decision. Whatever happens in between, the action's
id is the command's, so that it is done once; what stays pending is sent again when its due row comes up.
"""

from dataclasses import replace
from typing import NamedTuple

from balances.commands import Change, Credit, adjustment
from bss.access import Caller
from bss.due import Due, schedule
from bss.engine_port import Done, EnginePort, NoEngine, Refused
from bss.orchestration.renewal_flow import PAID_DUE
from bss.prepay.operations import request_action, settle_action
from bss.prepay.queries import action as read_action
from bss.prepay.records import ActionKind, ActionState, BalanceAction
from bss.work import Transactions, Work
from vocabulary.units import Unit


def change_balance(
    database: Transactions,
    engine: EnginePort,
    caller: Caller,
    *,
    kind: ActionKind,
    engine_account_id: int,
    amount_micros: int,
    currency: str,
    reason: str = "",
    channel: str = "console",
    customer_id: str | None = None,
) -> BalanceAction:
    """Have money added or taken, or the credit limit set. The action as it is then: done, refused, or pending where the engine
    didn't answer.
    """
    action = database.write(
        caller,
        lambda work: request_action(
            work,
            kind=kind,
            engine_account_id=engine_account_id,
            amount_micros=amount_micros,
            currency=currency,
            reason=reason,
            channel=channel,
            customer_id=customer_id,
        ),
    )
    return send_action(database, engine, caller, action)


def send_again(database: Transactions, engine: EnginePort, caller: Caller, due: Due) -> BalanceAction:
    """The turn of a pending action's due row. ConnectionError where the engine doesn't answer: it is put off."""
    action = database.read(caller, lambda work: read_action(work, due.resource_id))
    sent = send_action(database, engine, caller, action, due)
    if sent.state == ActionState.PENDING:
        raise ConnectionError("the engine doesn't answer")
    return sent


def send_action(
    database: Transactions, engine: EnginePort, caller: Caller, action: BalanceAction, due: Due | None = None
) -> BalanceAction:
    """Send a pending action to the engine and write down what it says."""
    decision = decide(engine, caller.tenant, action)
    if decision is None:
        return action

    def settle(work: Work) -> BalanceAction:
        settled = settle_action(work, action.id, **decision._asdict(), due=due)
        if settled.state == ActionState.DONE and settled.amount_micros > 0:
            schedule(work, PAID_DUE, resource_id=str(settled.engine_account_id), at_ns=work.now_ns)
        return settled

    return database.write(caller, settle)


class Decision(NamedTuple):
    """What the engine said of an action."""

    state: ActionState
    outcome: str
    remaining_micros: int | None


def decide(engine: EnginePort, tenant_name: str, action: BalanceAction) -> Decision | None:
    """Have the engine decide a pending action, under its id; None where it doesn't say."""
    tenant = engine.tenant_number(tenant_name)
    if isinstance(tenant, NoEngine):
        return None
    result = engine.send(_command(action, tenant))
    if isinstance(result, Done):
        remaining = None if action.kind == ActionKind.CREDIT_LIMIT else result.remaining
        return Decision(ActionState.DONE, "", remaining)
    if isinstance(result, Refused):
        return Decision(ActionState.REFUSED, f"{result.code}: {result.reason}"[:400], None)
    return None


def _command(action: BalanceAction, tenant: int) -> Change:
    micros, account_id = action.amount_micros, action.engine_account_id
    if action.kind == ActionKind.CREDIT_LIMIT:
        return Change(action.id, tenant, account_id, credit_limit_micros=micros, reason=action.reason)
    amount = Credit(Unit.MONEY, micros) if action.kind == ActionKind.TOP_UP else adjustment(micros)
    named = replace(amount, bucket_id=action.bucket_id or 0)
    return Change(action.id, tenant, account_id, amounts=(named,), reason=action.reason)
