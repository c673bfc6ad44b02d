"""TMF683 Party Interaction: contacts with customers and parties, of bss/crm."""

from collections.abc import Sequence
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
from bss.api.structures import HREF, PERIOD, href_of, period_columns, period_document, reference_to
from bss.api.trouble_ticket import TROUBLE_TICKET_API, TROUBLE_TICKETS
from bss.crm.care_operations import DIRECTIONS, change_interaction, record_interaction
from bss.crm.queries import interaction
from bss.crm.states import INTERACTION_NEXT, InteractionStatus
from bss.crm.tables import INTERACTION
from bss.errors import Conflict, Invalid
from bss.orchestration.order_checks import named_by
from bss.work import Work

_ROLE: Final = "subject"
CHANNEL: Final = reference_to(
    "RelatedChannel",
    not_served=(
        NotServed("@referredType", "it is the type of the member"),
        NotServed("role", "a contact has one channel"),
    ),
)
ENTITY: Final = Structure(
    "RelatedEntityRefOrValue",
    (
        Field("id", Text(ID_LENGTH_MAX, length_min=1), required=True),
        HREF,
        Field("role", OneOf((_ROLE,)), required=True),
        Field("@referredType", OneOf((TROUBLE_TICKETS.type_name,)), required=True),
    ),
    (NotServed("name", "the ticket has one"), *OF_SUBTYPES_WITHIN),
)
_OF_ALL: Final = "the interaction has it"
ITEM: Final = Structure(
    "InteractionItem",
    (Field("item", ENTITY, required=True),),
    (
        NotServed("id", "there is one item"),
        *(NotServed(name, _OF_ALL) for name in ("creationDate", "reason", "channel", "itemDate", "relatedParty")),
        NotServed("attachment", "files are not kept"),
        NotServed("note", "the ticket has notes"),
        NotServed("resolution", "the ticket has it"),
        *OF_SUBTYPES_WITHIN,
    ),
)
_COLUMNS: Final = {"description": "description", "direction": "direction", "reason": "reason"}


def _columns(values: Values) -> dict[str, Any]:
    found = {column: values[name] for name, column in _COLUMNS.items() if name in values}
    if "channel" in values:
        if len(values["channel"]) != 1:
            raise Invalid("channel", "a contact has one channel", "Name one")
        found["channel"] = values["channel"][0]["id"]
    return found


def _create(work: Work, values: Values) -> str:
    whom = concerned(work, values.get("relatedParty"))
    items = values.get("interactionItem")
    given: dict[str, Any] = {**_columns(values), **whom, **period_columns(values["interactionDate"])}
    ticket_id = items[0]["item"]["id"] if items else None
    with named_by("interactionItem[0].item.id"):
        return record_interaction(work, status=InteractionStatus(values["status"]), ticket_id=ticket_id, **given).id


def _change(work: Work, interaction_id: str, if_revision: int | None, values: Values) -> None:
    columns = _columns(values)
    if "interactionDate" in values:
        period = period_columns(values["interactionDate"])
        if period["from_ns"] != interaction(work, interaction_id).from_ns:
            remedy = "Leave startDateTime as it is, and write endDateTime"
            raise Conflict("interactionDate.startDateTime", "when a contact began stays", remedy)
        columns["to_ns"] = period["to_ns"]
    status = InteractionStatus(values["status"]) if "status" in values else None
    change_interaction(work, interaction_id, status=status, if_revision=if_revision, **columns)


def _fill(work: Work, rows: Sequence[Row], documents: Sequence[Document]) -> None:
    put_concerned(work, rows, documents)
    tickets_at = f"{TROUBLE_TICKET_API.path}/{TROUBLE_TICKETS.name}"
    for row, document in zip(rows, documents, strict=True):
        document["channel"] = [CHANNEL.write({"id": row["channel"]})]
        document["interactionDate"] = period_document(row["from_ns"], row["to_ns"])
        if row["ticket_id"]:
            ticket = {"id": row["ticket_id"], "href": href_of(tickets_at, row["ticket_id"]), "role": _ROLE}
            ticket["@referredType"] = TROUBLE_TICKETS.type_name
            document["interactionItem"] = [ITEM.write({"item": ticket})]


INTERACTIONS: Final = Resource(
    name="partyInteraction",
    type_name="PartyInteraction",
    meaning="A contact with a customer or a party: a call, a visit, a letter, a chat",
    fields=(
        *identity("PartyInteraction"),
        Field(
            "direction", OneOf(DIRECTIONS), required=True, is_filter=True, meaning="who began it: inbound, the party"
        ),
        Field("reason", Text(400, length_min=1), required=True, is_filter=True),
        Field("description", Text(4000)),
        Field("status", OneOf(tuple(map(str, INTERACTION_NEXT))), required=True, is_filter=True),
        Field("statusChangeDate", Instant(), column="status_since_ns", writable=Writable.NEVER),
        Field("creationDate", Instant(), column="created_ns", writable=Writable.NEVER),
        Field("interactionDate", PERIOD, required=True, meaning="now, where no startDateTime is said; that stays"),
        Field("channel", Many(CHANNEL, 1), required=True, meaning="where it took place, such as phone, store or web"),
        Field("interactionItem", Many(ITEM, 1), writable=Writable.ONCE, meaning="the ticket that it is about"),
        RELATED_PARTY,
    ),
    not_served=(
        NotServed("attachment", "files are not kept"),
        NotServed("interactionRelationship", "interactions have no relationships"),
        NotServed("note", "its description says all; a ticket has notes"),
        *OF_SUBTYPES,
    ),
    filters=(
        by_related_party(INTERACTION),
        Filter("channel.id", Text(ID_LENGTH_MAX), INTERACTION.c.channel),
        Filter("interactionDate.startDateTime", Instant(), INTERACTION.c.from_ns),
    ),
    domain=Domain(
        TableRows(INTERACTION), "customer:read", "customer:write", fill=_fill, create=_create, change=_change
    ),
    next_states={str(state): tuple(map(str, following)) for state, following in INTERACTION_NEXT.items()},
    events=tuple(
        EventRow(name, name)
        for name in (
            "PartyInteractionCreateEvent",
            "PartyInteractionAttributeValueChangeEvent",
            "PartyInteractionStatusChangeEvent",
        )
    ),
    methods_not_served={"DELETE": "what was said stays, until the person is erased"},
)
PARTY_INTERACTION_API: Final = Api("TMF683", "partyInteraction", "Party Interaction", "4.0.0", (INTERACTIONS,))
