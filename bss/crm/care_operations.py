"""What is done for customers: what they said (interactions, consents) and what troubles them (tickets)."""

from typing import Any, Final

import sqlalchemy as sa

from bss.access import requires
from bss.crm.checks import check_columns, check_given, check_one_of, check_period
from bss.crm.operations import present_party
from bss.crm.records import Consent, Interaction, Ticket, TicketNote
from bss.crm.states import (
    INTERACTION_NEXT,
    TICKET_DUE_NS,
    TICKET_ENDED,
    TICKET_NEXT,
    InteractionStatus,
    TicketStatus,
    check_next,
)
from bss.crm.tables import CONSENT, CUSTOMER, INTERACTION, TICKET, TICKET_NOTE, TICKET_STATUS
from bss.due import Due, finish, schedule, unschedule
from bss.errors import Conflict, Invalid
from bss.tables import is_about
from bss.work import Row, Work

DIRECTIONS: Final = ("inbound", "outbound")
PURPOSES: Final = ("marketing", "profiling", "third_party", "location", "itemised_bill")
"""What a party can be asked to agree to."""
TICKET_FIELDS: Final = frozenset(
    {
        "assignee",
        "channel",
        "description",
        "due_ns",
        "external_id",
        "name",
        "priority",
        "related_id",
        "related_kind",
        "requested_ns",
        "severity",
        "ticket_type",
    }
)
"""What `change_ticket` may write."""
INTERACTION_FIELDS: Final = frozenset({"channel", "description", "direction", "reason", "to_ns"})
TICKET_DUE: Final = "ticket.due"
_TOLD_OF: Final[dict[TicketStatus, str]] = {
    TicketStatus.RESOLVED: "TroubleTicketResolvedEvent",
    TicketStatus.PENDING: "TroubleTicketInformationRequiredEvent",
}
"""Events that TMF621 has of some statuses, beside the one of each change."""
DUE_KINDS: Final = frozenset({TICKET_DUE})
"""Kinds of due rows that `mark_overdue` handles."""


@requires("customer:write")
def record_consent(
    work: Work, *, party_id: str, purpose: str, is_granted: bool, channel: str, text_version: str
) -> Consent:
    """What a party said about a purpose; it holds until they say otherwise. NotFound, Invalid.

    channel       where they said it, such as console, web, paper
    text_version  which text they were shown
    """
    check_one_of("purpose", purpose, PURPOSES)
    given = {"channel": channel, "text_version": text_version, "is_granted": is_granted}
    check_columns(CONSENT, given, set(given))
    check_given("channel", channel)
    check_given("text_version", text_version)
    present_party(work, party_id)
    row = work.insert(CONSENT, party_id=party_id, purpose=purpose, at_ns=work.now_ns, **given)
    work.event("ConsentChangeEvent", resource="consent", resource_id=row["id"], party_id=party_id)
    return Consent.from_row(row)


@requires("customer:write")
def record_interaction(
    work: Work,
    /,
    *,
    direction: str,
    channel: str,
    reason: str,
    status: InteractionStatus = InteractionStatus.COMPLETED,
    customer_id: str | None = None,
    party_id: str | None = None,
    ticket_id: str | None = None,
    from_ns: int | None = None,
    to_ns: int | None = None,
    description: str | None = None,
) -> Interaction:
    """A contact with a party or a customer (whose party it then is about). NotFound, Invalid, Conflict."""
    given = {"direction": direction, "channel": channel, "reason": reason, "description": description, "to_ns": to_ns}
    check_columns(INTERACTION, given, INTERACTION_FIELDS)
    check_one_of("direction", direction, DIRECTIONS)
    check_one_of("status", status, list(INTERACTION_NEXT))
    check_given("channel", channel)
    check_given("reason", reason)
    begun_ns = work.now_ns if from_ns is None else from_ns
    check_period(begun_ns, to_ns)
    if ticket_id is not None:
        ticket = work.get(TICKET, ticket_id, field="ticket_id")
        customer_id = customer_id or ticket["customer_id"]
    row = work.insert(
        INTERACTION,
        **given,
        **_whom(work, customer_id, party_id),
        ticket_id=ticket_id,
        status=status,
        status_since_ns=work.now_ns,
        from_ns=begun_ns,
        subject=work.caller.subject,
    )
    work.event("PartyInteractionCreateEvent", resource="partyInteraction", resource_id=row["id"])
    return Interaction.from_row(row)


@requires("customer:write")
def change_interaction(
    work: Work,
    interaction_id: str,
    /,
    *,
    status: InteractionStatus | None = None,
    if_revision: int | None = None,
    **values: Any,
) -> Interaction:
    """An interaction with other values (INTERACTION_FIELDS) or in another status. NotFound, Stale, Invalid, Conflict."""
    check_columns(INTERACTION, values, INTERACTION_FIELDS)
    before = Interaction.from_row(work.get(INTERACTION, interaction_id))
    if "direction" in values:
        check_one_of("direction", values["direction"], DIRECTIONS)
    check_period(before.from_ns, values.get("to_ns", before.to_ns))
    is_moved = status is not None and status != before.status
    if is_moved and status is not None:
        check_one_of("status", status, list(INTERACTION_NEXT))
        check_next(INTERACTION_NEXT, before.status, status, field="status", what="an interaction")
        values |= {"status": status, "status_since_ns": work.now_ns}
    row = work.change(INTERACTION, interaction_id, if_revision=if_revision, **values)
    kind = "PartyInteractionStatusChangeEvent" if is_moved else "PartyInteractionAttributeValueChangeEvent"
    work.event(kind, resource="partyInteraction", resource_id=interaction_id)
    return Interaction.from_row(row)


@requires("ticket:write")
def open_ticket(
    work: Work,
    /,
    *,
    description: str,
    severity: str,
    ticket_type: str,
    customer_id: str | None = None,
    party_id: str | None = None,
    **values: Any,
) -> Ticket:
    """A trouble ticket, acknowledged. Where no `due_ns` is given it is due by its severity. NotFound, Invalid.

    severity  critical, major, minor or low
    """
    given = {**values, "description": description, "severity": severity, "ticket_type": ticket_type}
    _check_ticket(given)
    for name in ("description", "severity", "ticket_type"):
        check_given(name, given[name])
    due_ns = given.pop("due_ns", None)
    if due_ns is None:
        due_ns = work.now_ns + TICKET_DUE_NS[severity]
    row = work.insert(
        TICKET,
        **given,
        **_whom(work, customer_id, party_id),
        status=TicketStatus.ACKNOWLEDGED,
        status_since_ns=work.now_ns,
        due_ns=due_ns,
    )
    _note_status(work, row, None)
    schedule(work, TICKET_DUE, resource_id=row["id"], at_ns=due_ns)
    _tell_ticket(work, row, "TroubleTicketCreateEvent")
    return Ticket.from_row(row)


@requires("ticket:write")
def change_ticket(work: Work, ticket_id: str, /, *, if_revision: int | None = None, **values: Any) -> Ticket:
    """A ticket with other values, of TICKET_FIELDS. A later due time makes it punctual again. NotFound, Stale, Invalid."""
    _check_ticket(values)
    before = work.get(TICKET, ticket_id)
    if values.get("due_ns", 0) is None:
        raise Invalid("due_ns", "a ticket is always due some time", "Write an instant")
    if "due_ns" in values and before["status"] not in TICKET_ENDED:
        values["overdue_ns"] = None
        schedule(work, TICKET_DUE, resource_id=ticket_id, at_ns=values["due_ns"])
    row = work.change(TICKET, ticket_id, if_revision=if_revision, **values)
    _tell_ticket(work, row, "TroubleTicketAttributeValueChangeEvent")
    return Ticket.from_row(row)


@requires("ticket:write")
def set_ticket_status(
    work: Work, ticket_id: str, *, status: TicketStatus, reason: str | None = None, if_revision: int | None = None
) -> Ticket:
    """A ticket in another status; the same again changes nothing. NotFound, Stale, Invalid, Conflict.

    One that is resolved, rejected, cancelled or closed isn't late any more; one that is taken up again is due as before.
    """
    before = Ticket.from_row(work.get(TICKET, ticket_id))
    if before.status == status:
        return before
    check_one_of("status", status, list(TICKET_NEXT))
    check_next(TICKET_NEXT, before.status, status, field="status", what="a ticket")
    check_columns(TICKET, {"status_reason": reason}, {"status_reason"})
    values: dict[str, Any] = {}
    if status == TicketStatus.RESOLVED:
        values["resolved_ns"] = work.now_ns
    elif before.status == TicketStatus.RESOLVED and status == TicketStatus.IN_PROGRESS:
        values["resolved_ns"] = None
    row = work.change(
        TICKET,
        ticket_id,
        if_revision=if_revision,
        status=status,
        status_since_ns=work.now_ns,
        status_reason=reason,
        **values,
    )
    _note_status(work, row, reason)
    if status in TICKET_ENDED:
        unschedule(work, TICKET_DUE, resource_id=ticket_id)
    elif before.status in TICKET_ENDED:
        schedule(work, TICKET_DUE, resource_id=ticket_id, at_ns=row["due_ns"])
    _tell_ticket(work, row, "TroubleTicketStatusChangeEvent")
    if status in _TOLD_OF:
        _tell_ticket(work, row, _TOLD_OF[status])
    return Ticket.from_row(row)


@requires("ticket:write")
def add_ticket_note(work: Work, ticket_id: str, *, text: str) -> TicketNote:
    """Something that the caller writes to a ticket, whose revision it raises. NotFound, Invalid."""
    check_columns(TICKET_NOTE, {"text": text}, {"text"})
    check_given("text", text)
    ticket = work.change(TICKET, ticket_id)
    row = work.insert(
        TICKET_NOTE,
        ticket_id=ticket_id,
        party_id=ticket["party_id"],
        author=work.caller.subject,
        at_ns=work.now_ns,
        text=text,
    )
    _tell_ticket(work, ticket, "TroubleTicketAttributeValueChangeEvent")
    return TicketNote.from_row(row)


@requires("ticket:write")
def mark_overdue(work: Work, due: Due) -> None:
    """What the due row of a ticket asks for: where it isn't ended it is late from now on, and whoever listens is told."""
    finish(work, due)
    row = work.find(TICKET, due.resource_id)
    if row is None or row["status"] in TICKET_ENDED or row["due_ns"] > work.now_ns:
        return
    changed = work.change(TICKET, due.resource_id, overdue_ns=work.now_ns)
    _tell_ticket(work, changed, "TroubleTicketOverdueEvent")


def _check_ticket(values: dict[str, Any]) -> None:
    check_columns(TICKET, values, TICKET_FIELDS)
    if "severity" in values:
        check_one_of("severity", values["severity"] or "", list(TICKET_DUE_NS))
    if "ticket_type" in values:
        check_given("ticket_type", values["ticket_type"])


def _whom(work: Work, customer_id: str | None, party_id: str | None) -> dict[str, str | None]:
    """Customer and party of something: the customer's own party where none is named. NotFound; Conflict: erased."""
    if customer_id is not None:
        customer = work.get(CUSTOMER, customer_id, field="customer_id")
        party_id = party_id or customer["party_id"]
    if party_id is not None:
        present_party(work, party_id)
    return {"customer_id": customer_id, "party_id": party_id}


def _note_status(work: Work, ticket: Row, reason: str | None) -> None:
    work.insert(
        TICKET_STATUS,
        ticket_id=ticket["id"],
        status=ticket["status"],
        reason=reason,
        at_ns=work.now_ns,
        subject=work.caller.subject,
    )


def _tell_ticket(work: Work, ticket: Row, kind: str) -> None:
    ids = {"customer_id": ticket["customer_id"]} if ticket["customer_id"] else {}
    work.event(kind, resource="troubleTicket", resource_id=ticket["id"], status=ticket["status"], **ids)


def check_no_open_ticket(work: Work, party_id: str) -> None:
    """Conflict where a ticket about the party, or what it has as a customer, isn't ended."""
    count = work.count(
        sa.select(TICKET.c.id).where(is_about(TICKET, party_id), TICKET.c.status.not_in(sorted(TICKET_ENDED)))
    )
    if count:
        raise Conflict("id", f"{count} tickets about the person are open", "Resolve or cancel them first")
