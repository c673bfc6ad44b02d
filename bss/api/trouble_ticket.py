"""TMF621 Trouble Ticket: tickets of bss/crm, with their notes and the statuses that they had."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bss.api.concerned import RELATED_PARTY, by_related_party, concerned, put_concerned
from bss.api.filters import Filter
from bss.api.kinds import Instant, OneOf, Text
from bss.api.limits import ID_LENGTH_MAX
from bss.api.resource import (
    OF_SUBTYPES,
    OF_SUBTYPES_WITHIN,
    Api,
    Document,
    Domain,
    EventRow,
    Field,
    Many,
    NotServed,
    Resource,
    Structure,
    Values,
    Writable,
    identity,
)
from bss.api.rows import Row, TableRows
from bss.api.structures import HREF, reference_to
from bss.crm.care_operations import add_ticket_note, change_ticket, open_ticket, set_ticket_status
from bss.crm.queries import ticket_notes, ticket_statuses
from bss.crm.states import TICKET_DUE_NS, TICKET_NEXT, TicketStatus
from bss.crm.tables import TICKET, TICKET_DESCRIPTION_HEAD
from bss.errors import Conflict, Invalid
from bss.work import Work

NOTES_MAX: Final = 50
_DESCRIPTION: Final = Text(4000, length_min=1)
CHANNEL_REF: Final = reference_to(
    "ChannelRef", not_served=(NotServed("@referredType", "it is the type of the member"),)
)
NOTE: Final = Structure(
    "Note",
    (
        Field("id", Text(ID_LENGTH_MAX), meaning="of one that is there; left out of a new one"),
        Field("author", Text(200), writable=Writable.NEVER, meaning="who wrote it: the client or the user"),
        Field("date", Instant(), writable=Writable.NEVER),
        Field("text", Text(4000, length_min=1), required=True),
    ),
    OF_SUBTYPES_WITHIN,
)
STATUS_CHANGE: Final = Structure(
    "StatusChange",
    (Field("status", Text(32)), Field("changeReason", Text(400)), Field("changeDate", Instant())),
    OF_SUBTYPES_WITHIN,
)
RELATED_ENTITY: Final = Structure(
    "RelatedEntity",
    (
        Field("id", Text(ID_LENGTH_MAX, length_min=1), required=True),
        HREF,
        Field("role", OneOf(("subject",)), required=True),
        Field("@referredType", Text(64, length_min=1), required=True, meaning="such as Product or ProductOrder"),
    ),
    (NotServed("name", "what it refers to has one"), *OF_SUBTYPES_WITHIN),
)
_COLUMNS: Final = {
    "description": "description",
    "expectedResolutionDate": "due_ns",
    "externalId": "external_id",
    "name": "name",
    "priority": "priority",
    "requestedResolutionDate": "requested_ns",
    "severity": "severity",
    "ticketType": "ticket_type",
}


def _columns(values: Values) -> dict[str, Any]:
    found = {column: values[name] for name, column in _COLUMNS.items() if name in values}
    if "channel" in values:
        found["channel"] = values["channel"] and values["channel"]["id"]
    if "relatedEntity" in values:
        entity = values["relatedEntity"][0] if values["relatedEntity"] else {}
        found |= {"related_kind": entity.get("@referredType"), "related_id": entity.get("id")}
    return found


def _create(work: Work, values: Values) -> str:
    whom = concerned(work, values.get("relatedParty"))
    ticket = open_ticket(work, **_columns(values), **whom)
    _move(work, ticket.id, None, values)
    _add_notes(work, ticket.id, values.get("note") or ())
    return ticket.id


def _change(work: Work, ticket_id: str, if_revision: int | None, values: Values) -> None:
    if _move(work, ticket_id, if_revision, values):
        if_revision = None  # the next change is of the revision that this one made
    if columns := _columns(values):
        change_ticket(work, ticket_id, if_revision=if_revision, **columns)
    if "note" in values:
        _add_notes(work, ticket_id, values["note"] or ())


def _move(work: Work, ticket_id: str, if_revision: int | None, values: Values) -> bool:
    """Give it the status that is said; is one said?"""
    reason = values.get("statusChangeReason")
    if "status" not in values:
        if "statusChangeReason" in values:
            raise Invalid("statusChangeReason", "the status stays", "Say it with another status")
        return False
    if values["status"] is None:
        raise Invalid("status", "a ticket always has one", "Write another status instead of null")
    set_ticket_status(work, ticket_id, status=TicketStatus(values["status"]), reason=reason, if_revision=if_revision)
    return True


def _add_notes(work: Work, ticket_id: str, said: Sequence[Values]) -> None:
    """The notes that are new. Conflict: one that is there is left out or changed; Invalid: an id that none of them has."""
    known = {one.id: one.text for one in ticket_notes(work, [ticket_id])}
    kept = {one["id"]: one["text"] for one in said if "id" in one}
    if unknown := sorted(kept.keys() - known.keys()):
        raise Invalid("note", f"the ticket has no note {unknown[0]}", "Leave the id of a new note out")
    if kept != known:
        raise Conflict("note", "notes that were written stay as they are", "Send them all, and new ones without an id")
    for one in said:
        if "id" not in one:
            add_ticket_note(work, ticket_id, text=one["text"])


def _fill(work: Work, rows: Sequence[Row], documents: Sequence[Document]) -> None:
    put_concerned(work, rows, documents)
    by_id = {document["id"]: document for document in documents}
    for row in rows:
        document = by_id[row["id"]]
        if row["channel"]:
            document["channel"] = CHANNEL_REF.write({"id": row["channel"]})
        if row["related_id"] and row["related_kind"]:
            said: Mapping[str, Any] = {"id": row["related_id"], "role": "subject", "@referredType": row["related_kind"]}
            document["relatedEntity"] = [RELATED_ENTITY.write(said)]
    for note in ticket_notes(work, list(by_id)):
        shown = {"id": note.id, "author": note.author, "date": note.at_ns, "text": note.text or "(erased)"}
        by_id[note.ticket_id].setdefault("note", []).append(NOTE.write(shown))
    for change in ticket_statuses(work, list(by_id)):
        had = {"status": change.status, "changeReason": change.reason, "changeDate": change.at_ns}
        by_id[change.ticket_id].setdefault("statusChange", []).append(STATUS_CHANGE.write(had))


TROUBLE_TICKETS: Final = Resource(
    name="troubleTicket",
    type_name="TroubleTicket",
    meaning="What troubles a customer, until it is resolved",
    fields=(
        *identity("TroubleTicket"),
        Field("name", Text(200)),
        Field("description", _DESCRIPTION, required=True),
        Field("severity", OneOf(tuple(TICKET_DUE_NS)), required=True, is_filter=True),
        Field("ticketType", Text(64, length_min=1), required=True, is_filter=True),
        Field("priority", Text(32)),
        Field("externalId", Text(100), is_filter=True, meaning="the client's own number of it"),
        Field("status", OneOf(tuple(map(str, TICKET_NEXT))), is_filter=True, meaning="acknowledged unless said"),
        Field("statusChangeReason", Text(400), column="status_reason", meaning="said with another status"),
        Field("statusChangeDate", Instant(), column="status_since_ns", writable=Writable.NEVER),
        Field("statusChange", Many(STATUS_CHANGE), writable=Writable.NEVER, meaning="statuses that it had, in order"),
        Field("creationDate", Instant(), column="created_ns", writable=Writable.NEVER),
        Field("lastUpdate", Instant(), column="updated_ns", writable=Writable.NEVER),
        Field(
            "expectedResolutionDate",
            Instant(),
            column="due_ns",
            is_filter=True,
            meaning="when it is to be resolved: by its severity unless said; later it is overdue",
        ),
        Field("requestedResolutionDate", Instant(), column="requested_ns", meaning="when the customer wants it"),
        Field("resolutionDate", Instant(), column="resolved_ns", writable=Writable.NEVER),
        Field("channel", CHANNEL_REF, meaning="where it comes from"),
        Field("note", Many(NOTE, NOTES_MAX), meaning="new ones are added; those that are there stay"),
        Field("relatedEntity", Many(RELATED_ENTITY, 1), meaning="what it is about"),
        RELATED_PARTY,
    ),
    not_served=(
        NotServed("attachment", "files are not kept"),
        NotServed("troubleTicketRelationship", "tickets have no relationships"),
        *OF_SUBTYPES,
    ),
    filters=(
        by_related_party(TICKET),
        Filter("description", _DESCRIPTION, TICKET.c.description, head=TICKET_DESCRIPTION_HEAD),
    ),
    domain=Domain(TableRows(TICKET), "ticket:read", "ticket:write", fill=_fill, create=_create, change=_change),
    next_states={str(state): tuple(map(str, following)) for state, following in TICKET_NEXT.items()},
    events=tuple(
        EventRow(name, name)
        for name in (
            "TroubleTicketCreateEvent",
            "TroubleTicketAttributeValueChangeEvent",
            "TroubleTicketStatusChangeEvent",
            "TroubleTicketResolvedEvent",
            "TroubleTicketInformationRequiredEvent",
        )
    ),
    methods_not_served={"DELETE": "tickets stay to be read: write the status cancelled"},
)
TROUBLE_TICKET_API: Final = Api("TMF621", "troubleTicket", "Trouble Ticket", "4.0.0", (TROUBLE_TICKETS,))
