"""States of products, numbers and SIMs, and what leads from one to another. What isn't in a table can't happen."""

from enum import StrEnum
from typing import Final

from bss.errors import Conflict


class ProductStatus(StrEnum):
    """TMF637 ProductStatusType."""

    CREATED = "created"
    PENDING_ACTIVE = "pendingActive"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    PENDING_TERMINATE = "pendingTerminate"
    TERMINATED = "terminated"
    CANCELLED = "cancelled"
    ABORTED = "aborted"


class ResourceState(StrEnum):
    """Of a number or a SIM."""

    FREE = "free"
    RESERVED = "reserved"
    ASSIGNED = "assigned"
    QUARANTINED = "quarantined"
    BLOCKED = "blocked"
    RETIRED = "retired"


PRODUCT_CHANGES: Final[frozenset[tuple[ProductStatus, ProductStatus]]] = frozenset(
    {
        (ProductStatus.CREATED, ProductStatus.PENDING_ACTIVE),
        (ProductStatus.CREATED, ProductStatus.ACTIVE),
        (ProductStatus.CREATED, ProductStatus.CANCELLED),
        (ProductStatus.PENDING_ACTIVE, ProductStatus.ACTIVE),
        (ProductStatus.PENDING_ACTIVE, ProductStatus.CANCELLED),
        (ProductStatus.PENDING_ACTIVE, ProductStatus.ABORTED),
        (ProductStatus.ACTIVE, ProductStatus.SUSPENDED),
        (ProductStatus.ACTIVE, ProductStatus.PENDING_TERMINATE),
        (ProductStatus.ACTIVE, ProductStatus.TERMINATED),
        (ProductStatus.ACTIVE, ProductStatus.ABORTED),
        (ProductStatus.SUSPENDED, ProductStatus.ACTIVE),
        (ProductStatus.SUSPENDED, ProductStatus.PENDING_TERMINATE),
        (ProductStatus.SUSPENDED, ProductStatus.TERMINATED),
        (ProductStatus.PENDING_TERMINATE, ProductStatus.ACTIVE),
        (ProductStatus.PENDING_TERMINATE, ProductStatus.SUSPENDED),
        (ProductStatus.PENDING_TERMINATE, ProductStatus.TERMINATED),
    }
)
"""ACTIVE to ABORTED undoes an activation that did not come to its end; PENDING_TERMINATE back is a termination called off."""

PRODUCT_ENDED: Final = frozenset({ProductStatus.TERMINATED, ProductStatus.CANCELLED, ProductStatus.ABORTED})

RESOURCE_CHANGES: Final[dict[tuple[ResourceState, str], ResourceState]] = {
    (ResourceState.FREE, "reserve"): ResourceState.RESERVED,
    (ResourceState.FREE, "assign"): ResourceState.ASSIGNED,
    (ResourceState.FREE, "block"): ResourceState.BLOCKED,
    (ResourceState.FREE, "retire"): ResourceState.RETIRED,
    (ResourceState.RESERVED, "release"): ResourceState.FREE,
    (ResourceState.RESERVED, "assign"): ResourceState.ASSIGNED,
    (ResourceState.ASSIGNED, "quarantine"): ResourceState.QUARANTINED,
    (ResourceState.ASSIGNED, "unassign"): ResourceState.FREE,
    (ResourceState.ASSIGNED, "retire"): ResourceState.RETIRED,
    (ResourceState.QUARANTINED, "release"): ResourceState.FREE,
    (ResourceState.QUARANTINED, "assign"): ResourceState.ASSIGNED,
    (ResourceState.QUARANTINED, "block"): ResourceState.BLOCKED,
    (ResourceState.QUARANTINED, "retire"): ResourceState.RETIRED,
    (ResourceState.BLOCKED, "release"): ResourceState.FREE,
    (ResourceState.BLOCKED, "retire"): ResourceState.RETIRED,
}
"""(state, action) -> state. A number goes from its customer into quarantine; `unassign` is the compensation of an assignment
that nobody used yet. A SIM that was used is retired. A number in quarantine may go back to the product that had it.
"""


SERVICE_STATES: Final = ("designed", "reserved", "inactive", "active", "suspended", "terminated")
"""TMF638 ServiceStateType, those that are used."""


def check_product_change(before: ProductStatus, after: ProductStatus) -> None:
    """Conflict where a product can't go from one status to the other."""
    if (before, after) not in PRODUCT_CHANGES:
        possible = sorted(to for status, to in PRODUCT_CHANGES if status == before)
        remedy = f"From {before} it can become {', '.join(possible)}" if possible else f"{before} is its end"
        raise Conflict("status", f"a product that is {before} can't become {after}", remedy)


def state_after(state: ResourceState, action: str, *, what: str) -> ResourceState:
    """The state that the action leads to; Conflict where it can't be done to `what` in that state."""
    after = RESOURCE_CHANGES.get((state, action))
    if after is None:
        possible = sorted(act for found, act in RESOURCE_CHANGES if found == state)
        remedy = f"What is {state} can be: {', '.join(possible)}" if possible else f"{state} is its end"
        raise Conflict("state", f"{action} of {what} can't be done while it is {state}", remedy)
    return after
