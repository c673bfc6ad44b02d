"""Top-ups, adjustments and credit limits as others read them."""

from enum import StrEnum

from bss.record import Record


class ActionKind(StrEnum):
    """What is done: money that was paid in, a correction in either direction, or how much may be owed on the bill."""

    TOP_UP = "top_up"
    ADJUST = "adjust"
    CREDIT_LIMIT = "credit_limit"


class ActionState(StrEnum):
    """PENDING is sent to the engine again and again until it is one of the others."""

    PENDING = "pending"
    DONE = "done"
    REFUSED = "refused"


class BalanceAction(Record, frozen=True):
    """One action. `amount_micros` is below zero where money is taken; of a credit limit it is the new one."""

    id: str
    revision: int
    created_ns: int
    updated_ns: int
    kind: ActionKind
    customer_id: str | None
    engine_account_id: int
    bucket_id: int | None
    amount_micros: int
    currency: str
    reason: str
    channel: str
    subject: str
    state: ActionState
    outcome: str | None
    remaining_micros: int | None
