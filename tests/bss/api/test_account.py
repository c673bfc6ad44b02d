"""TMF666 billing accounts: as the conformance kit checks it, as schemathesis asks it, and what is ours."""

from typing import Any

import httpx
import pytest

from bss.access import Caller
from bss.api.account import ACCOUNT_API, BILLING_ACCOUNTS
from bss.crm.customer_operations import add_customer
from bss.crm.operations import add_individual
from bss.edge.database import Database
from bss.inventory.queries import product
from bss.orchestration.order_placing import AskedItem
from bss.orchestration.run import RESOURCE_ID
from bss.orders.records import Action
from bss.work import Work
from tests.bss.api import kit
from tests.bss.api.conftest import Server
from tests.bss.api.generated_requests import Conversation, Walk
from tests.bss.orchestration.plain_run import PlainRun
from tests.bss.orchestration.world import World

AT = f"{ACCOUNT_API.path}/billingAccount"
PATCH_TYPE = {"Content-Type": "application/merge-patch+json"}


@pytest.fixture
def body(database: Database, caller: Caller) -> dict[str, Any]:
    """What an account of a customer has to have."""

    def make(work: Work) -> str:
        person = add_individual(work, given_name="Ann", family_name="Lee")
        return add_customer(work, party_id=person.id, name="Ann").id

    customer_id = database.write(caller, make)
    return {
        "name": "Bills",
        "creditLimit": {"unit": "EUR", "value": 50},
        "relatedParty": [{"id": customer_id, "@referredType": "Customer"}],
    }


def patch(client: httpx.Client, account_id: str, change: dict[str, Any], if_match: str = "*") -> httpx.Response:
    return client.patch(f"{AT}/{account_id}", json=change, headers=PATCH_TYPE | {"If-Match": if_match})


def test_as_the_kit_checks_it(client: httpx.Client, body: dict[str, Any]) -> None:
    found = kit.check_creation(client, ACCOUNT_API, BILLING_ACCOUNTS, body)
    kit.check_reading(client, ACCOUNT_API, BILLING_ACCOUNTS, found)
    kit.check_what_isnt_there(client, ACCOUNT_API, BILLING_ACCOUNTS)
    kit.check_hub(client, ACCOUNT_API)


def test_accounts_are_found_by_their_credit_limit(client: httpx.Client, body: dict[str, Any]) -> None:
    limits = [{"unit": "EUR", "value": 10.5}, {"unit": "CHF", "value": 20}]
    ids = [client.post(AT, json=body | {"creditLimit": limit}).json()["id"] for limit in limits]
    for query, found in (
        ("creditLimit.value=10.50", ids[:1]),
        ("creditLimit.value.gt=10.5", ids[1:]),
        ("creditLimit.unit=CHF", ids[1:]),
        ("creditLimit.unit=EUR&creditLimit.value=20", []),
    ):
        assert [one["id"] for one in client.get(f"{AT}?{query}").json()] == found, query


def test_an_account_and_its_customer(client: httpx.Client, body: dict[str, Any]) -> None:
    created = client.post(AT, json=body | {"accountType": "postpaid", "state": "suspended"})
    assert created.status_code == 201, created.text
    account = created.json()
    assert (account["accountType"], account["state"], account["paymentStatus"]) == (
        "postpaid",
        "suspended",
        "inGoodStanding",
    )
    (customer,) = account["relatedParty"]
    assert (customer["name"], customer["role"]) == ("Ann", "customer")
    shown = client.get(customer["href"]).json()
    assert [(one["id"], one["href"]) for one in shown["account"]] == [(account["id"], f"{AT}/{account['id']}")]
    assert client.get(AT, params={"relatedParty.id": customer["id"]}).json() == [account]
    change = {"creditLimit": {"value": 99.5}, "state": "active", "description": "monthly"}
    answer = patch(client, account["id"], change, created.headers["etag"])
    assert answer.status_code == 200, answer.text
    assert answer.json()["creditLimit"] == {"unit": "EUR", "value": 99.5}
    assert (answer.json()["state"], answer.json()["description"]) == ("active", "monthly")


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"creditLimit": {"unit": "USD"}}, 409, "creditLimit.unit: the account is in EUR"),
        ({"creditLimit": {"value": -1}}, 400, "creditLimit.value"),
        ({"creditLimit": {"value": 0.0000001}}, 400, "six decimals"),
        ({"creditLimit": None}, 400, "creditLimit is missing"),
        ({"accountType": None}, 400, "always has one"),
        ({"state": None}, 400, "state: an account always has one"),
        ({"relatedParty": []}, 400, "as the resource is created"),
        ({"state": "dormant"}, 400, "active, suspended, closed"),
        ({"accountBalance": []}, 400, "TMF654"),
    ],
)
def test_changes_that_cant_be(
    client: httpx.Client, body: dict[str, Any], change: dict[str, Any], status: int, says: str
) -> None:
    account = client.post(AT, json=body).json()
    answer = patch(client, account["id"], change)
    assert answer.status_code == status, answer.text
    assert says in answer.json()["message"]
    assert client.get(f"{AT}/{account['id']}").json() == account


def test_a_credit_limit_that_counts_in_the_engine_is_not_changed_here(
    client: httpx.Client, database: Database, caller: Caller
) -> None:
    """One that was taken here would change nothing: each account of the engine has its own (docs/decisions/0036)."""
    world = World(database, caller)
    account_id = world.billing_account_id

    def ordered(action: str, product_id: str = "") -> str:
        offering_id = "monthly" if action == Action.ADD else ""
        item = AskedItem(action=action, offering_id=offering_id, product_id=product_id)
        order = world.place(item, billing_account_id=account_id)
        world.flows["order"](PlainRun(database, tenant=caller.tenant), {RESOURCE_ID: order.id})
        return str(world.view(order.id).items[0].product_id)

    assert patch(client, account_id, {"creditLimit": {"value": 20}}).json()["creditLimit"]["value"] == 20
    product_id = ordered(Action.ADD)
    paid = world.do(product, product_id).engine_account_id
    answer = patch(client, account_id, {"creditLimit": {"value": 50}, "description": "pays on time"})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict"), answer.text
    for said in ("creditLimit.value: ", f"a credit limit each: {paid}.", "farebox subscriber credit-limit NUMBER --to"):
        assert said in answer.json()["message"]
    same = patch(client, account_id, {"creditLimit": {"unit": "EUR", "value": 20}, "description": "pays on time"})
    assert (same.status_code, same.json()["description"]) == (200, "pays on time")
    ordered(Action.TERMINATE, product_id)
    assert patch(client, account_id, {"creditLimit": {"value": 50}}).json()["creditLimit"]["value"] == 50


def test_accounts_that_cant_be(client: httpx.Client, body: dict[str, Any]) -> None:
    for related in ([], [{"id": "nobody", "@referredType": "Customer"}], [{"id": "1", "@referredType": "Individual"}]):
        assert client.post(AT, json=body | {"relatedParty": related}).status_code == 400
    nobody = client.post(AT, json=body | {"relatedParty": [{"id": "nobody", "@referredType": "Customer"}]})
    assert nobody.json()["message"].startswith("relatedParty[0].id: there is no customer 'nobody'")
    closed = client.post(AT, json=body | {"state": "closed"}).json()
    assert patch(client, closed["id"], {"state": "active"}).status_code == 409


def test_every_answer_is_one_of_the_document(
    server: Server, walk: Walk, client: httpx.Client, body: dict[str, Any]
) -> None:
    headers = {"Authorization": client.headers["authorization"]}
    creates = {
        "billingAccount": lambda: str(client.post(AT, json=body).json()["id"]),
        "hub": lambda: str(client.post(f"{ACCOUNT_API.path}/hub", json={"callback": kit.CALLBACK}).json()["id"]),
    }
    valid = {"billingAccount": body | {"state": "active"}}
    walk(Conversation(ACCOUNT_API, server.url, headers, creates, valid), 7)
