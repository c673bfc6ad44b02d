"""Top-ups and adjustments as others read them."""

from enum import StrEnum

from bss.record import Record


class ActionKind(StrEnum):
    """What is done: money that was paid in, or a correction in either direction."""

    TOP_UP = "top_up"
    ADJUST = "adjust"


class ActionState(StrEnum):
    """PENDING is sent to the engine again and again until it is one of the others."""

    PENDING = "pending"
    DONE = "done"
    REFUSED = "refused"


class BalanceAction(Record, frozen=True):
    """One action. `amount_micros` is below zero where money is taken."""

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
