"""TMF629 over the tables of customers: as the conformance kit checks it, as schemathesis asks it, and what is ours."""

from typing import Any

import httpx
import pytest

from bss.access import Caller
from bss.api.customer import CUSTOMER_API, CUSTOMERS
from bss.api.party import PARTY_API
from bss.crm.customer_operations import add_billing_account
from bss.crm.operations import add_role
from bss.crm.queries import billing_account
from bss.edge.database import Database
from bss.inventory.product_operations import set_product_status
from bss.inventory.states import ProductStatus
from bss.orders.operations import cancel, place
from bss.orders.records import Action, NewItem, PlannedStep
from tests.bss.api import kit
from tests.bss.api.conftest import PUBLIC_URL, Server
from tests.bss.api.generated_requests import Conversation, Walk
from tests.bss.conftest import NOW_NS
from tests.bss.customers import a_product
from vocabulary.instants import NS_PER_S

AT = f"{CUSTOMER_API.path}/customer"
PATCH_TYPE = {"Content-Type": "application/merge-patch+json"}


def patch(client: httpx.Client, customer_id: str, body: dict[str, Any], if_match: str = "*") -> httpx.Response:
    return client.patch(f"{AT}/{customer_id}", json=body, headers=PATCH_TYPE | {"If-Match": if_match})


@pytest.fixture
def ann(client: httpx.Client) -> dict[str, Any]:
    """A reference to a person."""
    person = client.post(f"{PARTY_API.path}/individual", json={"givenName": "Ann", "familyName": "Lee"}).json()
    return {"id": person["id"], "@referredType": "Individual"}


def test_as_the_kit_checks_it(client: httpx.Client, ann: dict[str, Any]) -> None:
    found = kit.check_creation(client, CUSTOMER_API, CUSTOMERS, {"name": "Ann", "engagedParty": ann})
    kit.check_creation(client, CUSTOMER_API, CUSTOMERS, {"name": "Ann's firm", "engagedParty": ann})
    kit.check_reading(client, CUSTOMER_API, CUSTOMERS, found)
    kit.check_what_isnt_there(client, CUSTOMER_API, CUSTOMERS)
    kit.check_hub(client, CUSTOMER_API)


def test_a_customer_comes_back_as_said_with_whom_and_what_it_has(
    client: httpx.Client, ann: dict[str, Any], database: Database, caller: Caller
) -> None:
    said = {
        "name": "Ann at home",
        "validFor": {"startDateTime": "2026-01-01T00:00:00Z"},
        "characteristic": [{"name": "segment", "value": "gold"}, {"name": "bonus", "value": 3}],
        "statusReason": "came back",
    }
    answer = client.post(AT, json=said | {"engagedParty": ann})
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert {name: found[name] for name in said} == said
    assert found["status"] == "active"
    href = f"{PARTY_API.path}/individual/{ann['id']}"
    assert found["engagedParty"] == ann | {"name": "Ann Lee", "href": href}
    assert client.get(href).status_code == 200
    account = database.write(
        caller, lambda work: add_billing_account(work, customer_id=found["id"], name="bills", currency="EUR")
    )
    database.write(caller, lambda work: add_role(work, party_id=ann["id"], role="user", customer_id=found["id"]))
    found = client.get(f"{AT}/{found['id']}").json()
    assert [(one["id"], one["name"], one["@referredType"]) for one in found["account"]] == [
        (account.id, "bills", "BillingAccount")
    ]
    assert [(one["id"], one["role"]) for one in found["relatedParty"]] == [(ann["id"], "user")]
    assert found["href"].startswith(PUBLIC_URL)


def test_states_and_other_members_change_together(client: httpx.Client, ann: dict[str, Any]) -> None:
    created = client.post(AT, json={"name": "Ann", "engagedParty": ann})
    customer_id = created.json()["id"]
    body = {
        "name": "Ann Lee",
        "status": "suspended",
        "statusReason": "asked",
        "characteristic": [{"name": "a", "value": True}],
    }
    answer = patch(client, customer_id, body, created.headers["etag"])
    assert answer.status_code == 200, answer.text
    assert {name: answer.json()[name] for name in body} == body
    assert patch(client, customer_id, {"name": "Bob"}, created.headers["etag"]).status_code == 412
    assert patch(client, customer_id, {"status": "closed"}).json()["validFor"].keys() == {
        "startDateTime",
        "endDateTime",
    }
    back = patch(client, customer_id, {"status": "active"})
    assert (back.status_code, back.json()["code"]) == (409, "conflict")
    assert "closed is its end" in back.json()["message"]


def test_who_has_products_isnt_closed(
    client: httpx.Client, ann: dict[str, Any], database: Database, caller: Caller
) -> None:
    created = client.post(AT, json={"name": "Ann", "engagedParty": ann})
    customer_id = created.json()["id"]
    account = database.write(
        caller, lambda work: add_billing_account(work, customer_id=customer_id, name="bills", currency="EUR")
    )
    product = database.write(caller, lambda work: a_product(work, customer_id))
    refused = patch(client, customer_id, {"status": "closed", "name": "gone"})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert "has 1 product that has not ended" in refused.json()["message"]
    assert client.get(f"{AT}/{customer_id}").json()["name"] == "Ann", "nothing of it was done"
    database.write(caller, lambda work: set_product_status(work, product.id, status=ProductStatus.CANCELLED))
    answer = patch(client, customer_id, {"status": "closed", "statusReason": "moved"}, created.headers["etag"])
    assert (answer.status_code, answer.json()["status"]) == (200, "closed"), answer.text
    assert database.read(caller, lambda work: billing_account(work, account.id)).state == "closed"


def test_who_has_an_order_under_way_isnt_closed(
    client: httpx.Client, ann: dict[str, Any], database: Database, caller: Caller
) -> None:
    customer_id = client.post(AT, json={"name": "Ann", "engagedParty": ann}).json()["id"]
    item = NewItem(action=Action.ADD, offering_id="mobile", steps=(PlannedStep(kind="activate"),))
    later_ns = NOW_NS + 3600 * NS_PER_S
    order = database.write(
        caller, lambda work: place(work, customer_id=customer_id, items=[item], requested_start_ns=later_ns)
    )
    refused = patch(client, customer_id, {"status": "closed"})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert f"{order.id} (pending). Cancel it, or wait" in refused.json()["message"]
    database.write(caller, lambda work: cancel(work, order_id=order.id))
    assert patch(client, customer_id, {"status": "closed"}).status_code == 200


def test_an_end_is_taken_away_as_it_is_said(client: httpx.Client, ann: dict[str, Any]) -> None:
    start, end = "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z"
    body = {"name": "Ann", "engagedParty": ann, "validFor": {"startDateTime": start, "endDateTime": end}}
    customer_id = client.post(AT, json=body).json()["id"]
    answer = patch(client, customer_id, {"validFor": {"endDateTime": None}})
    assert answer.json()["validFor"] == {"startDateTime": start}
    assert answer.headers["etag"] == '"2"'


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        (
            {"engagedParty": {"id": "nobody", "@referredType": "Individual"}},
            400,
            "engagedParty.id: there is no party 'nobody'",
        ),
        ({"engagedParty": {"@referredType": "Individual"}}, 400, "engagedParty.id is missing"),
        ({"status": "dormant"}, 400, "initialized, active, suspended, closed"),
        ({"characteristic": [{"name": "a", "value": 1}, {"name": "a", "value": 2}]}, 400, "'a' is there twice"),
        ({"characteristic": [{"name": "a", "value": 1.5}]}, 400, "whole number"),
        ({"characteristic": [{"name": "a"}]}, 400, "characteristic[0].value is missing"),
        ({"account": [{"id": "1"}]}, 400, "account is said by the server"),
        ({"contactMedium": []}, 400, "TMF632"),
        (
            {"validFor": {"startDateTime": "2026-01-02T00:00:00Z", "endDateTime": "2026-01-01T00:00:00Z"}},
            409,
            "the end isn't behind the beginning",
        ),
    ],
)
def test_customers_that_cant_be(
    client: httpx.Client, ann: dict[str, Any], change: dict[str, Any], status: int, says: str
) -> None:
    answer = client.post(AT, json={"name": "Ann", "engagedParty": ann} | change)
    assert answer.status_code == status, answer.text
    assert says in answer.json()["message"]
    assert client.get(AT).json() == []


def test_a_customer_always_has_a_status(client: httpx.Client, ann: dict[str, Any]) -> None:
    customer = client.post(AT, json={"name": "Ann", "engagedParty": ann, "status": "suspended"}).json()
    answer = patch(client, customer["id"], {"status": None})
    assert (answer.status_code, answer.json()["message"].split(".")[0]) == (400, "status: a customer always has one")
    assert client.get(f"{AT}/{customer['id']}").json() == customer


def test_the_party_is_what_it_is(client: httpx.Client, ann: dict[str, Any]) -> None:
    wrong = client.post(AT, json={"name": "Ann", "engagedParty": ann | {"@referredType": "Organization"}})
    assert (wrong.status_code, "an Individual" in wrong.json()["message"]) == (400, True)
    customer_id = client.post(AT, json={"name": "Ann", "engagedParty": ann}).json()["id"]
    other = patch(client, customer_id, {"engagedParty": {"id": "x"}})
    assert (other.status_code, "as the resource is created" in other.json()["message"]) == (400, True)
    gone = client.delete(f"{PARTY_API.path}/individual/{ann['id']}", headers={"If-Match": "*"})
    assert (gone.status_code, gone.json()["code"]) == (409, "conflict")


def test_every_answer_is_one_of_the_document(
    server: Server, walk: Walk, client: httpx.Client, ann: dict[str, Any]
) -> None:
    headers = {"Authorization": client.headers["authorization"]}
    creates = {
        "customer": lambda: str(client.post(AT, json={"name": "Ann", "engagedParty": ann}).json()["id"]),
        "hub": lambda: str(client.post(f"{CUSTOMER_API.path}/hub", json={"callback": kit.CALLBACK}).json()["id"]),
    }
    valid = {
        "customer": {
            "engagedParty": ann,
            "characteristic": [{"name": "a", "value": 1}],
            "validFor": {"startDateTime": "2026-01-01T00:00:00Z"},
            "status": "active",
        }
    }
    walk(Conversation(CUSTOMER_API, server.url, headers, creates, valid), 7)
