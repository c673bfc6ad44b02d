"""Steps of what workflows do, of orders and of rules' runs: what one came to, and whether it is still in hand. The domain's
rows say how far each is; a workflow (bss/orchestration/step_flow.py) is handed out one at a time.
"""

from collections.abc import Sequence
from typing import Final, Self

import msgspec

from bss.converting import meet
from bss.work import Row
from vocabulary.instants import NS_PER_S

ERROR_CHARACTERS_MAX: Final = 1000
RETRIES_S: Final = (5, 30, 120, 600, 3600)
"""Pauses before each further try; then people decide."""
NO_ENGINE: Final = "no_engine"
UNKNOWN: Final = "unknown"
OUTCOME_UNKNOWN: Final = frozenset({NO_ENGINE, UNKNOWN})
"""Codes of Failed where nobody answered in time: it may be done, or may yet be done."""


class Made(msgspec.Struct, frozen=True, tag=True):
    """It is done, now or when it was asked before; `ids` are what it made."""

    ids: dict[str, str] = {}


class Failed(msgspec.Struct, frozen=True, tag=True):
    """It was refused, or whether it is done couldn't be found out in time. Ids and words: a workflow keeps it."""

    code: str
    reason: str
    is_transient: bool = False
    """it is worth asking again, later and under the same key"""
    redoes: tuple[str, ...] = ()
    """kinds of steps before it in a rule's run, which are done anew with it: under its key it would be refused again"""

    @classmethod
    def by(cls, error: Exception) -> Self:
        """What a step that raised came to."""
        return cls(type(error).__name__, str(error))


Answer = Made | Failed
meet(Answer)


class Overtaken(Exception):
    """The step isn't as it was handed out: another worker, which took its workflow over, has moved it on."""


def in_hand(steps: Sequence[Row], step_id: str, *, revision: int) -> Row:
    """The row among these of a step that was handed out at this revision, and that nobody else has done or let fail. Overtaken.

    Each of these raises its revision. So of two workers that drive an order, since one is believed dead, one writes.
    """
    row = next(row for row in steps if row["id"] == step_id)
    if row["revision"] != revision:
        raise Overtaken(f"step {step_id}")
    return row


def retry_at_ns(failed: Failed, *, attempts: int, now_ns: int) -> int | None:
    """When it is tried again by itself, after so many attempts, where the reason may pass; None: people decide."""
    if not failed.is_transient or attempts > len(RETRIES_S):
        return None
    return now_ns + RETRIES_S[attempts - 1] * NS_PER_S
