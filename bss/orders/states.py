"""The states of an order and of a step, as tables: (state, what happens) → state. What is absent can't happen."""

from collections.abc import Mapping, Sequence
from typing import Final

from bss.errors import Conflict


class OrderState:
    """TMF622 ProductOrderStateType: the ones that orders here have."""

    ACKNOWLEDGED: Final = "acknowledged"
    """it is placed, its workflow is about to start"""
    PENDING: Final = "pending"
    """it waits for its start date"""
    IN_PROGRESS: Final = "inProgress"
    HELD: Final = "held"
    """a step needs a person: it is in the fallout queue"""
    PENDING_CANCELLATION: Final = "pendingCancellation"
    """its steps are being undone"""
    COMPLETED: Final = "completed"
    CANCELLED: Final = "cancelled"
    """nothing of it is left"""
    PARTIAL: Final = "partial"
    """it was cancelled as items of it were past their point of no return: those are done, nothing of the others is left"""


class StepState:
    """How far a step is."""

    WAITING: Final = "waiting"
    RUNNING: Final = "running"
    DONE: Final = "done"
    SKIPPED: Final = "skipped"
    """a person decided that the order goes on without it"""
    FAILED: Final = "failed"
    MANUAL: Final = "manual"
    """a person has it to do"""
    UNDOING: Final = "undoing"
    UNDONE: Final = "undone"
    UNDO_FAILED: Final = "undo_failed"


ENDED: Final = frozenset({OrderState.COMPLETED, OrderState.CANCELLED, OrderState.PARTIAL})
"""States in which an order stays."""
UNDER_WAY: Final = frozenset(
    {
        OrderState.ACKNOWLEDGED,
        OrderState.PENDING,
        OrderState.IN_PROGRESS,
        OrderState.HELD,
        OrderState.PENDING_CANCELLATION,
    }
)
"""The others; few orders are in them, and an index finds those."""
PASSED: Final = frozenset({StepState.DONE, StepState.SKIPPED})
"""States of a step that let those behind it begin."""
FALLEN: Final = frozenset({StepState.FAILED, StepState.MANUAL, StepState.UNDO_FAILED})
"""States of a step that hold its order."""

_O, _S = OrderState, StepState

ORDER_NEXT: Final[Mapping[tuple[str, str], str]] = {
    (_O.PENDING, "fall due"): _O.ACKNOWLEDGED,
    (_O.PENDING, "cancel"): _O.CANCELLED,
    (_O.ACKNOWLEDGED, "start"): _O.IN_PROGRESS,
    (_O.ACKNOWLEDGED, "cancel"): _O.PENDING_CANCELLATION,
    (_O.IN_PROGRESS, "cancel"): _O.PENDING_CANCELLATION,
    (_O.IN_PROGRESS, "fall out"): _O.HELD,
    (_O.IN_PROGRESS, "complete"): _O.COMPLETED,
    (_O.HELD, "go on"): _O.IN_PROGRESS,
    (_O.HELD, "cancel"): _O.PENDING_CANCELLATION,
    (_O.PENDING_CANCELLATION, "fall out"): _O.HELD,
    (_O.PENDING_CANCELLATION, "complete"): _O.CANCELLED,
    (_O.PENDING_CANCELLATION, "complete in part"): _O.PARTIAL,
}

STEP_NEXT: Final[Mapping[tuple[str, str], str]] = {
    (_S.WAITING, "begin"): _S.RUNNING,
    (_S.WAITING, "hand over"): _S.MANUAL,
    (_S.WAITING, "undo"): _S.UNDONE,
    (_S.RUNNING, "finish"): _S.DONE,
    (_S.RUNNING, "fail"): _S.FAILED,
    (_S.RUNNING, "undo"): _S.UNDOING,
    (_S.FAILED, "retry"): _S.WAITING,
    (_S.FAILED, "skip"): _S.SKIPPED,
    (_S.FAILED, "hand over"): _S.MANUAL,
    (_S.FAILED, "undo"): _S.UNDOING,
    (_S.MANUAL, "finish"): _S.DONE,
    (_S.MANUAL, "retry"): _S.WAITING,
    (_S.MANUAL, "skip"): _S.SKIPPED,
    (_S.MANUAL, "undo"): _S.UNDOING,
    (_S.DONE, "undo"): _S.UNDOING,
    (_S.SKIPPED, "undo"): _S.UNDOING,
    (_S.UNDOING, "finish"): _S.UNDONE,
    (_S.UNDOING, "fail"): _S.UNDO_FAILED,
    (_S.UNDO_FAILED, "retry"): _S.UNDOING,
    (_S.UNDO_FAILED, "skip"): _S.UNDONE,
    (_S.UNDO_FAILED, "undo"): _S.UNDOING,
}
"""A step that failed is undone too: what it came to may not be known, as when a reply was lost."""


def state_of_item(order_state: str, *, is_cancelling: bool, steps: Sequence[str], is_kept: bool = False) -> str:
    """The state of an item: its order's; of a held order it says which items wait for a person, and which are done; of one that
    was cancelled in part, which are kept.

    So it changes only where the order's row does, whose revision is the order's ETag.

    steps    states of the item's steps; looked at where the order is held
    is_kept  the item is past its point of no return: to cancel the order leaves it
    """
    if order_state == OrderState.PARTIAL:
        return OrderState.COMPLETED if is_kept else OrderState.CANCELLED
    if order_state != OrderState.HELD or any(state in FALLEN for state in steps):
        return order_state
    if is_cancelling and not is_kept:
        is_undone = all(state == StepState.UNDONE for state in steps)
        return OrderState.CANCELLED if is_undone else OrderState.PENDING_CANCELLATION
    return OrderState.COMPLETED if all(state in PASSED for state in steps) else OrderState.IN_PROGRESS


def next_order_state(state: str, happens: str) -> str:
    """The order's next state. Conflict where this can't happen to it."""
    following = ORDER_NEXT.get((state, happens))
    if following is None:
        possible = sorted(word for at, word in ORDER_NEXT if at == state)
        raise Conflict("state", f"an order that is {state} can't {happens}", _remedy(possible))
    return following


def next_step_state(state: str, happens: str) -> str:
    """The step's next state. Conflict where this can't happen to it."""
    following = STEP_NEXT.get((state, happens))
    if following is None:
        possible = sorted(word for at, word in STEP_NEXT if at == state)
        raise Conflict("state", f"a step that is {state} can't {happens}", _remedy(possible))
    return following


def _remedy(possible: list[str]) -> str:
    return f"It can {', '.join(possible)}" if possible else "Nothing can happen to it any more"
