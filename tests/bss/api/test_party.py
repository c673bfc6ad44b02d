"""TMF632 over the tables of customers: as the conformance kit checks it, as schemathesis asks it, and what is ours."""

from typing import Any

import httpx
import pytest

from bss.access import Caller
from bss.api.party import INDIVIDUALS, ORGANIZATIONS, PARTY_API
from bss.api.resource import Resource
from bss.crm.operations import add_contact_medium
from bss.edge.database import Database
from bss.orchestration.person_erasure import erase_person
from bss.outbox import OUTBOX
from tests.bss.api import kit
from tests.bss.api.conftest import Server
from tests.bss.api.generated_requests import Conversation, Walk

INDIVIDUALS_AT = f"{PARTY_API.path}/individual"
ORGANIZATIONS_AT = f"{PARTY_API.path}/organization"
ANN = {"givenName": "Ann", "familyName": "Müller"}
PATCH_TYPE = {"Content-Type": "application/merge-patch+json"}
WHOLE = ANN | {
    "middleName": "M.",
    "title": "Dr.",
    "gender": "female",
    "birthDate": "1990-05-17T00:00:00Z",
    "nationality": "AT",
    "status": "validated",
    "languageAbility": [{"languageCode": "de-AT"}],
    "contactMedium": [
        {"mediumType": "email", "preferred": True, "characteristic": {"emailAddress": "ann@example.net"}},
        {"mediumType": "postal", "preferred": False, "characteristic": {"city": "Graz", "street1": "Ring 1"}},
    ],
    "individualIdentification": [
        {
            "identificationType": "passport",
            "identificationId": "P1",
            "validFor": {"startDateTime": "2020-01-01T00:00:00Z", "endDateTime": "2030-01-01T00:00:00Z"},
        }
    ],
}


@pytest.mark.parametrize(("resource", "body"), [(INDIVIDUALS, ANN), (ORGANIZATIONS, {"tradingName": "Acme"})])
def test_as_the_kit_checks_it(client: httpx.Client, resource: Resource, body: dict[str, Any]) -> None:
    found = kit.check_creation(client, PARTY_API, resource, body)
    kit.check_creation(client, PARTY_API, resource, {name: f"{value} 2" for name, value in body.items()})
    kit.check_reading(client, PARTY_API, resource, found)
    kit.check_what_isnt_there(client, PARTY_API, resource)
    kit.check_hub(client, PARTY_API)


def without_validity(document: dict[str, Any]) -> dict[str, Any]:
    media = [{name: value for name, value in one.items() if name != "validFor"} for one in document["contactMedium"]]
    return document | {"contactMedium": media}


def patch(client: httpx.Client, at: str, body: dict[str, Any], if_match: str) -> httpx.Response:
    return client.patch(at, json=body, headers=PATCH_TYPE | {"If-Match": if_match})


def test_a_person_comes_back_as_said(client: httpx.Client) -> None:
    answer = client.post(INDIVIDUALS_AT, json=WHOLE)
    assert answer.status_code == 201, answer.text
    found = without_validity(answer.json())
    assert {name: found[name] for name in WHOLE} == WHOLE
    assert found["fullName"] == "Ann M. Müller"
    assert client.get(f"{INDIVIDUALS_AT}/{found['id']}").json() == answer.json()
    assert client.get(f"{ORGANIZATIONS_AT}/{found['id']}").status_code == 404
    assert client.get(ORGANIZATIONS_AT).json() == []


def test_lists_of_a_person_are_patched_as_a_whole(client: httpx.Client, database: Database, caller: Caller) -> None:
    created = client.post(INDIVIDUALS_AT, json=WHOLE)
    at = f"{INDIVIDUALS_AT}/{created.json()['id']}"
    email, _ = created.json()["contactMedium"]
    phone = {"mediumType": "mobile", "preferred": False, "characteristic": {"phoneNumber": "+43 664 1234567"}}
    body = {"contactMedium": [email, phone], "languageAbility": None, "title": None}
    answer = patch(client, at, body, created.headers["etag"])
    assert answer.status_code == 200, answer.text
    assert answer.json()["contactMedium"][0] == email, "what stays is the same row"
    assert without_validity(answer.json())["contactMedium"][1] == phone
    assert answer.json().keys() == created.json().keys() - {"languageAbility", "title"}
    kinds = [row["kind"] for row in database.read(caller, lambda work: work.rows(OUTBOX.select()))]
    assert kinds == ["IndividualCreateEvent", "IndividualAttributeValueChangeEvent"]
    assert patch(client, at, {"title": "Dr."}, created.headers["etag"]).status_code == 412


def test_what_is_added_elsewhere_changes_the_etag(client: httpx.Client, database: Database, caller: Caller) -> None:
    created = client.post(INDIVIDUALS_AT, json=ANN)
    party_id = created.json()["id"]
    database.write(
        caller,
        lambda work: add_contact_medium(work, party_id=party_id, medium_type="email", email_address="a@example.net"),
    )
    answer = patch(client, f"{INDIVIDUALS_AT}/{party_id}", {"contactMedium": []}, created.headers["etag"])
    assert answer.status_code == 412, "the client hasn't seen the address that it would take away"


def test_an_erased_person_is_shown_as_such_and_stays_so(
    client: httpx.Client, database: Database, caller: Caller
) -> None:
    party_id = client.post(INDIVIDUALS_AT, json=WHOLE).json()["id"]
    database.write(caller, lambda work: erase_person(work, party_id))
    at = f"{INDIVIDUALS_AT}/{party_id}"
    shown = client.get(at)
    assert shown.json() == {"id": party_id, "href": shown.json()["href"], "@type": "Individual", "status": "erased"}
    assert patch(client, at, ANN, "*").status_code == 409


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"status": "deceased"}, "initialized, validated, deceaded"),
        ({"status": "erased"}, "status"),
        ({"givenName": "  "}, "given_name: it is empty"),
        ({"birthDate": "1990-05-17"}, "date and time with a zone"),
        ({"maritalStatus": "single"}, "data minimisation"),
        ({"@baseType": "Party"}, "@baseType is not served"),
        ({"contactMedium": [{"mediumType": "pigeon", "characteristic": {}}]}, "contactMedium[0].mediumType"),
        ({"contactMedium": [{"mediumType": "email", "characteristic": {}}]}, "email_address"),
        ({"contactMedium": [{"mediumType": "email", "characteristic": {"emailAddress": "ann"}}]}, "name@domain"),
        ({"languageAbility": [{"languageCode": "de"}, {"languageCode": "en"}]}, "at most 1"),
        (
            {"contactMedium": [{**WHOLE["contactMedium"][0]}, {**WHOLE["contactMedium"][0]}]},
            "several ways are preferred",
        ),  # type: ignore[dict-item]
    ],
)
def test_persons_that_cant_be(client: httpx.Client, body: dict[str, Any], says: str) -> None:
    answer = client.post(INDIVIDUALS_AT, json=ANN | body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalidBody"), answer.text
    assert says in answer.json()["message"]
    assert client.get(INDIVIDUALS_AT).json() == []


def test_an_empty_period_of_a_document_is_a_conflict(client: httpx.Client) -> None:
    period = {"startDateTime": "2030-01-01T00:00:00Z", "endDateTime": "2020-01-01T00:00:00Z"}
    one = {"identificationType": "passport", "identificationId": "P1", "validFor": period}
    assert client.post(INDIVIDUALS_AT, json=ANN | {"individualIdentification": [one]}).status_code == 409


def test_every_answer_is_one_of_the_document(server: Server, walk: Walk, client: httpx.Client) -> None:
    headers = {"Authorization": client.headers["authorization"]}

    def made(path: str, body: dict[str, Any]) -> str:
        return str(client.post(PARTY_API.path + path, json=body).json()["id"])

    creates = {
        "individual": lambda: made("/individual", WHOLE),
        "organization": lambda: made("/organization", {"tradingName": "Acme"}),
        "hub": lambda: made("/hub", {"callback": kit.CALLBACK}),
    }

    media, identification = WHOLE["contactMedium"], WHOLE["individualIdentification"]
    valid = {
        "individual": {
            "contactMedium": media,
            "individualIdentification": identification,
            "birthDate": WHOLE["birthDate"],
            "status": "validated",
        },
        "organization": {"contactMedium": media, "organizationIdentification": identification, "status": "closed"},
    }
    walk(Conversation(PARTY_API, server.url, headers, creates, valid), 12)
