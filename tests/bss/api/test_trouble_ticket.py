"""TMF621 over tickets: as the conformance kit checks it, as schemathesis asks it, and what is ours."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bss.access import Caller
from bss.api.trouble_ticket import TROUBLE_TICKET_API, TROUBLE_TICKETS
from bss.crm.care_operations import open_ticket
from bss.crm.operations import add_individual
from bss.edge.database import Database
from bss.outbox import OUTBOX
from bss.work import Work
from tests.bss.api import kit
from tests.bss.api.conftest import Server
from tests.bss.api.generated_requests import Conversation, Walk
from tests.bss.customers import a_customer

AT = f"{TROUBLE_TICKET_API.path}/troubleTicket"
BODY = {"description": "No data since noon", "severity": "major", "ticketType": "incident"}
PATCH_TYPE = {"Content-Type": "application/merge-patch+json"}


@pytest.fixture
def ann(database: Database, caller: Caller) -> dict[str, Any]:
    """References to a customer and its party."""

    def make(work: Work) -> tuple[str, str]:
        made = a_customer(work, "Ann", "Lee")
        return made.id, made.party_id

    customer_id, party_id = database.write(caller, make)
    return {
        "customer": {"id": customer_id, "@referredType": "Customer"},
        "party": {"id": party_id, "@referredType": "Individual"},
    }


def patch(client: httpx.Client, ticket_id: str, change: dict[str, Any], if_match: str = "*") -> httpx.Response:
    return client.patch(f"{AT}/{ticket_id}", json=change, headers=PATCH_TYPE | {"If-Match": if_match})


def test_as_the_kit_checks_it(client: httpx.Client) -> None:
    found = kit.check_creation(client, TROUBLE_TICKET_API, TROUBLE_TICKETS, BODY)
    kit.check_reading(client, TROUBLE_TICKET_API, TROUBLE_TICKETS, found)
    kit.check_what_isnt_there(client, TROUBLE_TICKET_API, TROUBLE_TICKETS)
    kit.check_hub(client, TROUBLE_TICKET_API)


def test_a_ticket_from_the_first_word_to_its_end(
    client: httpx.Client, ann: dict[str, Any], database: Database, caller: Caller
) -> None:
    said = {
        "name": "No data",
        "priority": "high",
        "externalId": "CRM-7",
        "requestedResolutionDate": "2030-01-01T00:00:00Z",
        "channel": {"id": "store"},
        "relatedEntity": [{"id": "p1", "role": "subject", "@referredType": "Product"}],
        "note": [{"text": "tried another phone"}],
    }
    created = client.post(AT, json=BODY | said | {"relatedParty": [ann["customer"]]})
    assert created.status_code == 201, created.text
    ticket = created.json()
    plain = {name: value for name, value in (BODY | said).items() if name != "note"}
    assert {name: ticket[name] for name in plain} == plain
    assert ticket["expectedResolutionDate"] == "2027-01-16T08:00:00Z", "a day, as it is major"
    assert [(one["text"], one["author"]) for one in ticket["note"]] == [("tried another phone", "client:shop")]
    related = [(one["id"], one["@referredType"], one["name"]) for one in ticket["relatedParty"]]
    assert related == [
        (ann["customer"]["id"], "Customer", "Ann Lee"),
        (ann["party"]["id"], "Individual", "Ann Lee"),
    ]
    for one in ticket["relatedParty"]:
        assert client.get(one["href"]).status_code == 200
    change = {
        "status": "inProgress",
        "statusChangeReason": "on it",
        "priority": None,
        "note": [*ticket["note"], {"text": "the cell is down"}],
    }
    answer = patch(client, ticket["id"], change, created.headers["etag"])
    assert answer.status_code == 200, answer.text
    assert patch(client, ticket["id"], {"priority": "low"}, created.headers["etag"]).status_code == 412
    assert [one["text"] for one in answer.json()["note"]] == ["tried another phone", "the cell is down"]
    assert "priority" not in answer.json()
    resolved = patch(client, ticket["id"], {"status": "resolved"}).json()
    assert resolved["resolutionDate"]
    had = [(one["status"], one.get("changeReason")) for one in resolved["statusChange"]]
    assert had == [("acknowledged", None), ("inProgress", "on it"), ("resolved", None)]
    kinds = [row["kind"] for row in database.read(caller, lambda work: work.rows(OUTBOX.select()))]
    assert {"TroubleTicketCreateEvent", "TroubleTicketStatusChangeEvent", "TroubleTicketResolvedEvent"} <= set(kinds)


@pytest.mark.parametrize(
    ("query", "is_found"),
    [
        ("status=acknowledged,held", True),
        ("severity=minor", False),
        ("externalId=CRM-7", True),
        ("relatedParty.id={customer}", True),
        ("relatedParty.id=nobody", False),
        ("expectedResolutionDate.lt=2030-01-01T00:00:00Z&ticketType=incident", True),
    ],
)
def test_tickets_are_found(client: httpx.Client, ann: dict[str, Any], query: str, is_found: bool) -> None:
    client.post(AT, json=BODY | {"externalId": "CRM-7", "relatedParty": [ann["customer"]]})
    answer = client.get(f"{AT}?{query.format(customer=ann['customer']['id'])}")
    assert (answer.status_code, len(answer.json())) == (200, int(is_found))


def test_a_description_finds_its_ticket_by_all_of_it(client: httpx.Client) -> None:
    long = "No data since noon, \N{CJK UNIFIED IDEOGRAPH-20000} and " * 80
    ids = [client.post(AT, json=BODY | {"description": said}).json()["id"] for said in (long + "a", long + "b", "x")]

    def found(*descriptions: str) -> list[str]:
        said = ",".join(each.replace(",", "\\,") for each in descriptions)
        return [one["id"] for one in client.get(AT, params={"description": said}).json()]

    assert found(long + "a") == ids[:1]
    assert found(long + "b", "x") == ids[1:]
    assert found(long) == []
    assert client.get(f"{AT}?sort=description").status_code == 400


def test_whoever_a_ticket_names_finds_it(
    client: httpx.Client, ann: dict[str, Any], database: Database, caller: Caller
) -> None:
    """TMF621 relatedParty: party or party role. A customer by its own id, its party's, and that of who called for it."""
    bo = database.write(caller, lambda work: add_individual(work, given_name="Bo", family_name="Owl")).id
    called = {"id": bo, "@referredType": "Individual"}
    related = {
        "customer": [ann["customer"]],
        "called": [ann["customer"], called],
        "party": [called],
        "nobody": [],
    }
    ids = {
        name: client.post(AT, json=BODY | ({"relatedParty": said} if said else {})).json()["id"]
        for name, said in related.items()
    }

    def found(query: str) -> list[str]:
        answer = client.get(f"{AT}?{query}")
        assert answer.status_code in (200, 206), answer.text
        assert answer.headers["X-Total-Count"] == str(total_of.get(query, len(answer.json())))
        return [one["id"] for one in answer.json()]

    customer_id, party_id = ann["customer"]["id"], ann["party"]["id"]
    by_page = f"relatedParty.id={customer_id},{bo}&limit=1&offset="
    total_of = {f"{by_page}{place}": 3 for place in range(3)}
    assert found(f"relatedParty.id={customer_id}") == [ids["customer"], ids["called"]]
    assert found(f"relatedParty.id={party_id}") == [ids["customer"]]
    assert found(f"relatedParty.id={bo}") == [ids["called"], ids["party"]]
    assert found(f"relatedParty.id={customer_id},{bo}") == [ids["customer"], ids["called"], ids["party"]], "each once"
    assert [each for place in range(3) for each in found(f"{by_page}{place}")] == list(ids.values())[:3]
    assert found(f"relatedParty.id={bo}&severity=minor") == []
    assert client.get(f"{AT}?sort=relatedParty.id").status_code == 400


def test_another_tenants_related_party_finds_nothing(
    client: httpx.Client, database: Database, caller_of: Callable[..., Caller]
) -> None:
    def make(work: Work) -> str:
        made = a_customer(work)
        open_ticket(work, description="theirs", severity="low", ticket_type="other", customer_id=made.id)
        return made.party_id

    party_id = database.write(caller_of(tenant="brand-2"), make)
    assert client.get(AT, params={"relatedParty.id": party_id}).json() == []


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"status": "closed"}, 409, "a ticket that is acknowledged can't become closed"),
        ({"status": "done"}, 400, "acknowledged"),
        ({"status": None}, 400, "always has one"),
        ({"statusChangeReason": "because"}, 400, "Say it with another status"),
        ({"severity": "worst"}, 400, "critical, major"),
        ({"expectedResolutionDate": None}, 400, "always due some time"),
        ({"note": []}, 409, "notes that were written stay"),
        ({"note": [{"text": "x", "id": "none"}]}, 400, "has no note none"),
        ({"relatedEntity": [{"id": "p1", "role": "cause", "@referredType": "Product"}]}, 400, "subject"),
        ({"relatedParty": []}, 400, "as the resource is created"),
        ({"attachment": []}, 400, "files are not kept"),
        ({"creationDate": "2020-01-01T00:00:00Z"}, 400, "said by the server"),
    ],
)
def test_changes_that_cant_be(client: httpx.Client, change: dict[str, Any], status: int, says: str) -> None:
    ticket = client.post(AT, json=BODY | {"note": [{"text": "first"}]}).json()
    answer = patch(client, ticket["id"], change)
    assert (answer.status_code, says in answer.json()["message"]) == (status, True), answer.text
    assert client.get(f"{AT}/{ticket['id']}").json() == ticket


def test_whom_a_ticket_cant_concern(client: httpx.Client, ann: dict[str, Any]) -> None:
    for related, says in (
        ([ann["customer"], ann["customer"]], "two Customer"),
        ([ann["party"] | {"@referredType": "Organization"}], "the party is an Individual"),
        ([{"id": "nobody", "@referredType": "Customer"}], "relatedParty[0].id: there is no customer 'nobody'"),
        ([ann["customer"], {"id": "nobody", "@referredType": "Individual"}], "relatedParty[1].id: there is no party"),
        ([{"id": "nobody", "@referredType": "Robot"}], "has to be one of"),
    ):
        answer = client.post(AT, json=BODY | {"relatedParty": related})
        assert (answer.status_code, says in answer.json()["message"]) == (400, True), answer.text
    assert client.get(AT).json() == []


def test_every_answer_is_one_of_the_document(
    server: Server, walk: Walk, client: httpx.Client, ann: dict[str, Any]
) -> None:
    headers = {"Authorization": client.headers["authorization"]}
    creates = {
        "troubleTicket": lambda: str(client.post(AT, json=BODY).json()["id"]),
        "hub": lambda: str(client.post(f"{TROUBLE_TICKET_API.path}/hub", json={"callback": kit.CALLBACK}).json()["id"]),
    }
    valid = {
        "troubleTicket": {
            "status": "acknowledged",
            "note": [{"text": "x"}],
            "relatedParty": [ann["customer"]],
            "expectedResolutionDate": "2027-03-01T00:00:00Z",
        }
    }
    whole = {"PATCH troubleTicket": {"name": "x", "priority": None}}
    walk(Conversation(TROUBLE_TICKET_API, server.url, headers, creates, valid, whole), 6)
