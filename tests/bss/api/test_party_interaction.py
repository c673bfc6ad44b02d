"""TMF683 over interactions: as the conformance kit checks it, as schemathesis asks it, and what is ours."""

from typing import Any

import httpx
import pytest

from bss.access import Caller
from bss.api.party_interaction import INTERACTIONS, PARTY_INTERACTION_API
from bss.api.trouble_ticket import TROUBLE_TICKET_API
from bss.edge.database import Database
from tests.bss.api import kit
from tests.bss.api.conftest import Server
from tests.bss.api.generated_requests import Conversation, Walk
from tests.bss.customers import a_customer

AT = f"{PARTY_INTERACTION_API.path}/partyInteraction"
TICKETS_AT = f"{TROUBLE_TICKET_API.path}/troubleTicket"
PATCH_TYPE = {"Content-Type": "application/merge-patch+json"}
BEGUN = "2026-12-01T09:00:00Z"
BODY = {
    "direction": "inbound",
    "reason": "asks about the bill",
    "status": "opened",
    "interactionDate": {"startDateTime": BEGUN},
    "channel": [{"id": "phone"}],
}


@pytest.fixture
def customer(database: Database, caller: Caller) -> dict[str, Any]:
    """A reference to a customer."""
    customer_id = database.write(caller, lambda work: a_customer(work, "Ann", "Lee").id)
    return {"id": customer_id, "@referredType": "Customer"}


def patch(client: httpx.Client, interaction_id: str, change: dict[str, Any], if_match: str = "*") -> httpx.Response:
    return client.patch(f"{AT}/{interaction_id}", json=change, headers=PATCH_TYPE | {"If-Match": if_match})


def test_as_the_kit_checks_it(client: httpx.Client) -> None:
    found = kit.check_creation(client, PARTY_INTERACTION_API, INTERACTIONS, BODY)
    kit.check_reading(client, PARTY_INTERACTION_API, INTERACTIONS, found)
    kit.check_what_isnt_there(client, PARTY_INTERACTION_API, INTERACTIONS)
    kit.check_hub(client, PARTY_INTERACTION_API)


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        (f"reason={BODY['reason']}", True),
        ("reason=another", False),
        ("channel.id=phone", True),
        ("channel.id=store", False),
        ("channel.id=store,phone&direction=outbound,inbound", True),
    ],
)
def test_a_contact_is_found(client: httpx.Client, query: str, is_found: bool) -> None:
    client.post(AT, json=BODY)
    answer = client.get(f"{AT}?{query}")
    assert (answer.status_code, len(answer.json())) == (200, int(is_found))


def test_the_longest_reason_fits_into_its_index(client: httpx.Client) -> None:
    """Characters of four octets, and none twice: nothing that a database could make shorter."""
    longest = "".join(chr(0x20000 + 97 * place) for place in range(400))
    made = client.post(AT, json=BODY | {"reason": longest})
    assert made.status_code == 201, made.text
    assert client.get(AT, params={"reason": longest}).json() == [made.json()]


def test_a_contact_about_a_ticket(client: httpx.Client, customer: dict[str, Any]) -> None:
    ticket = {"description": "x", "severity": "low", "ticketType": "other", "relatedParty": [customer]}
    ticket_id = client.post(TICKETS_AT, json=ticket).json()["id"]
    item = {"item": {"id": ticket_id, "role": "subject", "@referredType": "TroubleTicket"}}
    created = client.post(AT, json=BODY | {"description": "long", "interactionItem": [item]})
    assert created.status_code == 201, created.text
    found = created.json()
    assert {name: found[name] for name in BODY} == BODY
    assert client.get(found["interactionItem"][0]["item"]["href"]).json()["id"] == ticket_id
    assert [one["@referredType"] for one in found["relatedParty"]] == ["Customer", "Individual"], "the ticket's"
    for related in found["relatedParty"]:
        assert client.get(AT, params={"relatedParty.id": related["id"]}).json() == [found]
    assert client.get(f"{AT}?interactionDate.startDateTime.gt={BEGUN}").json() == []
    change = {
        "status": "completed",
        "interactionDate": {"endDateTime": "2026-12-01T09:05:00Z"},
        "channel": [{"id": "chat"}],
    }
    answer = patch(client, found["id"], change, created.headers["etag"])
    assert answer.status_code == 200, answer.text
    assert answer.json()["interactionDate"] == {"startDateTime": BEGUN, "endDateTime": "2026-12-01T09:05:00Z"}
    assert (answer.json()["status"], answer.json()["channel"]) == ("completed", [{"id": "chat"}])
    assert patch(client, found["id"], {"status": "opened"}).status_code == 409
    assert patch(client, found["id"], {"reason": "x"}, created.headers["etag"]).status_code == 412


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"interactionDate": {"startDateTime": "2026-11-01T09:00:00Z"}}, 409, "when a contact began stays"),
        ({"interactionDate": {"endDateTime": "2026-11-01T09:00:00Z"}}, 409, "the end isn't behind the beginning"),
        ({"interactionDate": None}, 400, "interactionDate is missing"),
        ({"channel": []}, 400, "one channel"),
        ({"direction": "sideways"}, 400, "inbound, outbound"),
        ({"status": "open"}, 400, "opened, inProgress"),
        ({"note": []}, 400, "a ticket has notes"),
        ({"interactionItem": [{"item": {"id": "x"}}]}, 400, "as the resource is created"),
    ],
)
def test_changes_that_cant_be(client: httpx.Client, change: dict[str, Any], status: int, says: str) -> None:
    found = client.post(AT, json=BODY).json()
    answer = patch(client, found["id"], change)
    assert (answer.status_code, says in answer.text) == (status, True), answer.text
    assert client.get(f"{AT}/{found['id']}").json() == found


def test_contacts_that_cant_be(client: httpx.Client) -> None:
    nobody = {"item": {"id": "none", "role": "subject", "@referredType": "TroubleTicket"}}
    for change, says in (
        ({"interactionItem": [nobody]}, "interactionItem[0].item.id: there is no trouble_ticket 'none'"),
        ({"interactionItem": [{}]}, "interactionItem[0].item is missing"),
        ({"channel": [{"id": "a"}, {"id": "b"}]}, "a list of at most 1"),
        ({"channel": []}, "one channel"),
        ({"interactionDate": {"startDateTime": "noon"}}, "date and time"),
    ):
        answer = client.post(AT, json=BODY | change)
        assert (answer.status_code, says in answer.json()["message"]) == (400, True), answer.text
    assert client.get(AT).json() == []


def test_every_answer_is_one_of_the_document(
    server: Server, walk: Walk, client: httpx.Client, customer: dict[str, Any]
) -> None:
    headers = {"Authorization": client.headers["authorization"]}
    hub_at = f"{PARTY_INTERACTION_API.path}/hub"
    creates = {
        "partyInteraction": lambda: str(client.post(AT, json=BODY).json()["id"]),
        "hub": lambda: str(client.post(hub_at, json={"callback": kit.CALLBACK}).json()["id"]),
    }
    valid = {"partyInteraction": BODY | {"relatedParty": [customer], "interactionItem": []}}
    whole = {"PATCH partyInteraction": {"description": "x"}}
    walk(Conversation(PARTY_INTERACTION_API, server.url, headers, creates, valid, whole), 6)
