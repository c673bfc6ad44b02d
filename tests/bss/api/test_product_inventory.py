"""TMF637 over the inventory's products, which are read and never written here."""

import httpx
import pytest

from bss.access import Caller
from bss.api.product_inventory import PRODUCT_INVENTORY_API, PRODUCTS
from bss.crm.customer_operations import add_billing_account, add_customer
from bss.crm.operations import add_individual
from bss.edge.database import Database
from bss.inventory.product_operations import create_product
from bss.inventory.states import ProductStatus
from bss.work import Work
from tests.bss.api import kit
from tests.bss.api.conftest import Server
from tests.bss.api.generated_requests import Conversation, Walk

AT = f"{PRODUCT_INVENTORY_API.path}/product"
PRICES = [{"name": "fee", "price_type": "recurring", "micros": 9_990_000, "currency": "EUR", "period": "1 month"}]


@pytest.fixture
def ids(database: Database, caller: Caller) -> dict[str, str]:
    """A customer with two products."""

    def make(work: Work) -> dict[str, str]:
        person = add_individual(work, given_name="Ann", family_name="Lee")
        customer = add_customer(work, party_id=person.id, name="Ann")
        account = add_billing_account(work, customer_id=customer.id, name="bills", currency="EUR")
        line = create_product(
            work,
            customer_id=customer.id,
            name="Mobile line",
            offering_id="start",
            offering_name="Start",
            specification_id="line",
            billing_account_id=account.id,
            status=ProductStatus.ACTIVE,
            prices=PRICES,
            characteristics={"roaming": True, "limit": 50, "colour": "red"},
        )
        other = create_product(work, customer_id=customer.id, name="Data", offering_id="data")
        return {"customer": customer.id, "account": account.id, "line": line.id, "data": other.id}

    return database.write(caller, make)


def test_a_product_with_all_that_it_refers_to(client: httpx.Client, ids: dict[str, str]) -> None:
    found = client.get(f"{AT}/{ids['line']}").json()
    assert found["status"] == "active"
    assert found["productOffering"] == {
        "id": "start",
        "name": "Start",
        "href": "/tmf-api/productCatalogManagement/v4/productOffering/start",
    }
    assert [(one["id"], one["role"], one["@referredType"]) for one in found["relatedParty"]] == [
        (ids["customer"], "customer", "Customer")
    ]
    assert client.get(found["relatedParty"][0]["href"]).json()["name"] == "Ann"
    assert found["billingAccount"]["id"] == ids["account"]
    values = {one["name"]: one["value"] for one in found["productCharacteristic"]}
    assert values == {"roaming": True, "limit": 50, "colour": "red"}
    assert found["productPrice"] == [
        {
            "name": "fee",
            "priceType": "recurring",
            "recurringChargePeriod": "1 month",
            "price": {"taxIncludedAmount": {"unit": "EUR", "value": 9.99}},
        }
    ]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("relatedParty.id={customer}", ["line", "data"]),
        ("billingAccount.id={account}", ["line"]),
        ("productOffering.id=data", ["data"]),
        ("status=created", ["data"]),
        ("status=active,created&sort=name", ["data", "line"]),
        ("name=Mobile+line", ["line"]),
        ("startDate.gt=2020-01-01T00:00:00Z", ["line"]),
        ("productSerialNumber=491700000001", []),
    ],
)
def test_products_are_found(client: httpx.Client, ids: dict[str, str], query: str, expected: list[str]) -> None:
    answer = client.get(f"{AT}?{query.format(**ids)}&fields=name")
    assert [one["id"] for one in answer.json()] == [ids[name] for name in expected]


def test_as_the_kit_checks_it(client: httpx.Client, ids: dict[str, str]) -> None:
    kit.check_reading(client, PRODUCT_INVENTORY_API, PRODUCTS, client.get(f"{AT}/{ids['line']}").json())
    kit.check_what_isnt_there(client, PRODUCT_INVENTORY_API, PRODUCTS)
    kit.check_hub(client, PRODUCT_INVENTORY_API)


def test_products_are_only_read(client: httpx.Client, ids: dict[str, str]) -> None:
    for method, path in (("POST", AT), ("PATCH", f"{AT}/{ids['line']}"), ("DELETE", f"{AT}/{ids['line']}")):
        answer = client.request(method, path, json={})
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
        assert "by orders (TMF622)" in answer.json()["message"]


def test_every_answer_is_one_of_the_document(
    server: Server, walk: Walk, client: httpx.Client, ids: dict[str, str]
) -> None:
    headers = {"Authorization": client.headers["authorization"]}
    creates = {
        "product": lambda: ids["line"],
        "hub": lambda: str(
            client.post(f"{PRODUCT_INVENTORY_API.path}/hub", json={"callback": kit.CALLBACK}).json()["id"]
        ),
    }
    walk(Conversation(PRODUCT_INVENTORY_API, server.url, headers, creates), 4)
