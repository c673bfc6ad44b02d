"""States of customers, billing accounts, interactions and tickets, and what leads from one to another."""

from enum import StrEnum
from typing import Final

from bss.errors import Conflict


class CustomerStatus(StrEnum):
    """Of a customer (TMF629 names none)."""

    INITIALIZED = "initialized"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class BillingAccountState(StrEnum):
    """Of a billing account (TMF666 names none)."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class TicketStatus(StrEnum):
    """TMF621 TroubleTicketStatusType."""

    ACKNOWLEDGED = "acknowledged"
    REJECTED = "rejected"
    PENDING = "pending"
    HELD = "held"
    IN_PROGRESS = "inProgress"
    CANCELLED = "cancelled"
    CLOSED = "closed"
    RESOLVED = "resolved"


class InteractionStatus(StrEnum):
    """Of an interaction (TMF683)."""

    OPENED = "opened"
    IN_PROGRESS = "inProgress"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


CUSTOMER_NEXT: Final[dict[str, tuple[str, ...]]] = {
    CustomerStatus.INITIALIZED: (CustomerStatus.ACTIVE, CustomerStatus.CLOSED),
    CustomerStatus.ACTIVE: (CustomerStatus.SUSPENDED, CustomerStatus.CLOSED),
    CustomerStatus.SUSPENDED: (CustomerStatus.ACTIVE, CustomerStatus.CLOSED),
    CustomerStatus.CLOSED: (),
}
"""What a customer may become."""

BILLING_ACCOUNT_NEXT: Final[dict[str, tuple[str, ...]]] = {
    BillingAccountState.ACTIVE: (BillingAccountState.SUSPENDED, BillingAccountState.CLOSED),
    BillingAccountState.SUSPENDED: (BillingAccountState.ACTIVE, BillingAccountState.CLOSED),
    BillingAccountState.CLOSED: (),
}

INTERACTION_NEXT: Final[dict[str, tuple[str, ...]]] = {
    InteractionStatus.OPENED: (
        InteractionStatus.IN_PROGRESS,
        InteractionStatus.COMPLETED,
        InteractionStatus.CANCELLED,
    ),
    InteractionStatus.IN_PROGRESS: (InteractionStatus.COMPLETED, InteractionStatus.CANCELLED),
    InteractionStatus.COMPLETED: (),
    InteractionStatus.CANCELLED: (),
}

TICKET_NEXT: Final[dict[str, tuple[str, ...]]] = {
    TicketStatus.ACKNOWLEDGED: (
        TicketStatus.IN_PROGRESS,
        TicketStatus.PENDING,
        TicketStatus.HELD,
        TicketStatus.RESOLVED,
        TicketStatus.REJECTED,
        TicketStatus.CANCELLED,
    ),
    TicketStatus.IN_PROGRESS: (
        TicketStatus.PENDING,
        TicketStatus.HELD,
        TicketStatus.RESOLVED,
        TicketStatus.CANCELLED,
    ),
    TicketStatus.PENDING: (TicketStatus.IN_PROGRESS, TicketStatus.RESOLVED, TicketStatus.CANCELLED),
    TicketStatus.HELD: (TicketStatus.IN_PROGRESS, TicketStatus.RESOLVED, TicketStatus.CANCELLED),
    TicketStatus.RESOLVED: (TicketStatus.CLOSED, TicketStatus.IN_PROGRESS),
    TicketStatus.REJECTED: (),
    TicketStatus.CANCELLED: (),
    TicketStatus.CLOSED: (),
}
"""RESOLVED back to IN_PROGRESS: the customer says that it isn't."""

TICKET_ENDED: Final = frozenset(
    {TicketStatus.RESOLVED, TicketStatus.CLOSED, TicketStatus.REJECTED, TicketStatus.CANCELLED}
)
"""Such a ticket isn't late."""

_HOUR_NS: Final = 3_600_000_000_000
TICKET_DUE_NS: Final[dict[str, int]] = {
    "critical": 4 * _HOUR_NS,
    "major": 24 * _HOUR_NS,
    "minor": 5 * 24 * _HOUR_NS,
    "low": 10 * 24 * _HOUR_NS,
}
"""How long after its creation a ticket of a severity is due where nobody says when."""


def check_next(table: dict[str, tuple[str, ...]], before: str, after: str, *, field: str, what: str) -> None:
    """Conflict where `what` can't go from one state to the other."""
    possible = table[before]
    if after not in possible:
        remedy = f"From {before} it can become {', '.join(possible)}" if possible else f"{before} is its end"
        raise Conflict(field, f"{what} that is {before} can't become {after}", remedy)
