"""The life cycle of what the catalogue holds: a table. What isn't in it can't be done."""

from typing import Final

from bss.catalog.records import LifecycleStatus
from bss.errors import Conflict

DRAFT, ACTIVE, RETIRED = LifecycleStatus.DRAFT, LifecycleStatus.ACTIVE, LifecycleStatus.RETIRED

LIFECYCLE: Final = {
    (DRAFT, ACTIVE): "the next release has it, and it can be ordered from then on",
    (ACTIVE, RETIRED): "it is not ordered any more; who has it keeps it",
    (RETIRED, ACTIVE): "it can be ordered again",
}
"""(status, next status) → what that means. A draft may also be removed; nothing else ever is."""


def check_step(before: str, after: str) -> None:
    """Conflict where the life cycle has no such step."""
    if before != after and (before, after) not in LIFECYCLE:
        steps = ", ".join(to for of, to in LIFECYCLE if of == before)
        raise Conflict("lifecycle_status", f"{before} does not become {after}", f"From {before} it becomes {steps}")


def check_removable(before: str) -> None:
    """Conflict where it was part of a release, so that customers may have it."""
    if before != DRAFT:
        raise Conflict("lifecycle_status", f"it is {before}, and only drafts are removed", "Retire it")
