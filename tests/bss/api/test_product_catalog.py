"""TMF620 over the working copy of the product catalogue: as the conformance kit checks it, as schemathesis asks it."""

from typing import Any

import httpx
import pytest

from bss.access import Caller
from bss.api.product_catalog import CATALOGS, CATEGORIES, OFFERINGS, PRICES, PRODUCT_CATALOG_API, SPECIFICATIONS
from bss.api.resource import Resource
from bss.catalog.tables import WORKING_COPY, WORKING_COPY_ID
from bss.edge.database import Database
from bss.work import Work
from tests.bss.api import kit
from tests.bss.api.conftest import Server
from tests.bss.api.generated_requests import Conversation, Walk
from tests.bss.conftest import NOW_NS

PATH = PRODUCT_CATALOG_API.path
PATCH_TYPE = {"Content-Type": "application/merge-patch+json"}
SPECIFICATION = {
    "name": "Mobile line",
    "brand": "Fare",
    "productNumber": "ML-1",
    "productSpecCharacteristic": [
        {
            "name": "roaming",
            "valueType": "boolean",
            "configurable": True,
            "minCardinality": 1,
            "extensible": False,
            "productSpecCharacteristicValue": [
                {"value": True, "isDefault": False},
                {"value": False, "isDefault": True},
            ],
        },
        {
            "name": "limit",
            "description": "of a month",
            "valueType": "integer",
            "configurable": False,
            "minCardinality": 0,
            "extensible": True,
            "productSpecCharacteristicValue": [{"value": 50, "isDefault": True}],
        },
    ],
}
PRICE = {
    "name": "Monthly fee",
    "priceType": "recurring",
    "price": {"unit": "EUR", "value": 9.99},
    "recurringChargePeriodLength": 1,
    "recurringChargePeriodType": "month",
}


@pytest.fixture(autouse=True)
def working_copy(database: Database, caller: Caller) -> None:
    """The tenant has a working copy, in euros."""

    def insert(work: Work) -> None:
        work.insert(
            WORKING_COPY,
            id=WORKING_COPY_ID,
            base_release=None,
            edit_count=0,
            number=1,
            name="sample",
            description="",
            currency="EUR",
            time_zone="Europe/Vienna",
            effective_ns=NOW_NS,
            retired_offers=[],
            retired_allowances=[],
        )

    database.write(caller, insert)


def make(client: httpx.Client, resource: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(f"{PATH}/{resource}", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    assert client.get(f"{PATH}/{resource}/{found['id']}").json() == found
    return found


def patch(client: httpx.Client, found: dict[str, Any], body: dict[str, Any], if_match: str = "*") -> httpx.Response:
    at = found["href"].partition(PATH)[2]
    return client.patch(PATH + at, json=body, headers=PATCH_TYPE | {"If-Match": if_match})


@pytest.mark.parametrize(
    "resource", [CATALOGS, CATEGORIES, SPECIFICATIONS, OFFERINGS, PRICES], ids=lambda resource: resource.name
)
def test_as_the_kit_checks_it(client: httpx.Client, resource: Resource) -> None:
    body: dict[str, Any] = {"name": "Basic"}
    if resource is OFFERINGS:
        body["productSpecification"] = {"id": make(client, "productSpecification", {"name": "line"})["id"]}
    if resource is PRICES:
        client.post(f"{PATH}/productOfferingPrice", json=PRICE)
        body["priceType"] = "one_time"
        refused = client.post(f"{PATH}/productOfferingPrice", json=body)
        assert (refused.status_code, "amount is missing" in refused.json()["message"]) == (400, True)
        found = make(client, "productOfferingPrice", PRICE)
    else:
        found = kit.check_creation(client, PRODUCT_CATALOG_API, resource, body)
        kit.check_creation(client, PRODUCT_CATALOG_API, resource, body | {"name": "Other"})
    kit.check_reading(client, PRODUCT_CATALOG_API, resource, found)
    kit.check_what_isnt_there(client, PRODUCT_CATALOG_API, resource)
    kit.check_hub(client, PRODUCT_CATALOG_API)


def test_a_specification_comes_back_as_said(client: httpx.Client) -> None:
    found = make(client, "productSpecification", SPECIFICATION)
    assert {name: found[name] for name in SPECIFICATION} == SPECIFICATION
    assert (found["lifecycleStatus"], found["version"]) == ("draft", "1.0")
    answer = patch(client, found, {"productSpecCharacteristic": None, "brand": None, "version": "2"})
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == found.keys() - {"productSpecCharacteristic", "brand"}


def test_an_offering_with_all_that_it_refers_to(client: httpx.Client) -> None:
    specification = make(client, "productSpecification", SPECIFICATION)
    category = make(client, "category", {"name": "Mobile"})
    fee = make(client, "productOfferingPrice", PRICE)
    other = make(client, "productOffering", {"name": "Data", "productSpecification": {"id": specification["id"]}})
    body = {
        "name": "Start",
        "isSellable": True,
        "validFor": {"startDateTime": "2026-01-01T00:00:00Z", "endDateTime": "2027-01-01T00:00:00Z"},
        "productSpecification": {"id": specification["id"]},
        "category": [{"id": category["id"]}],
        "productOfferingPrice": [{"id": fee["id"]}],
        "productOfferingRelationship": [{"id": other["id"], "relationshipType": "excludes"}],
        "prodSpecCharValueUse": [{"name": "roaming", "productSpecCharacteristicValue": [{"value": True}]}],
    }
    found = make(client, "productOffering", body)
    assert found["productSpecification"] == {
        "id": specification["id"],
        "name": "Mobile line",
        "href": f"{PATH}/productSpecification/{specification['id']}",
    }
    assert [(one["id"], one["name"]) for one in found["category"]] == [(category["id"], "Mobile")]
    assert [(one["id"], one["name"]) for one in found["productOfferingPrice"]] == [(fee["id"], "Monthly fee")]
    assert found["productOfferingRelationship"][0]["relationshipType"] == "excludes"
    assert found["prodSpecCharValueUse"] == [
        {"name": "roaming", "productSpecCharacteristicValue": [{"value": "true"}]}
    ], "the type is the specification's to say"
    assert found["validFor"] == body["validFor"]
    assert client.get(f"{PATH}/productOffering", params={"productSpecification.id": specification["id"]}).json() == [
        other,
        found,
    ]


def test_the_life_cycle(client: httpx.Client) -> None:
    found = make(client, "category", {"name": "Mobile", "lifecycleStatus": "active"})
    assert found["lifecycleStatus"] == "active"
    assert client.post(f"{PATH}/category", json={"name": "Old", "lifecycleStatus": "retired"}).status_code == 409
    assert patch(client, found, {"lifecycleStatus": "draft"}).status_code == 409
    assert patch(client, found, {"lifecycleStatus": "retired"}).json()["lifecycleStatus"] == "retired"
    gone = client.delete(f"{PATH}/category/{found['id']}", headers={"If-Match": "*"})
    assert (gone.status_code, "only drafts are removed" in gone.json()["message"]) == (409, True)


def test_a_tree_of_categories_in_a_catalog(client: httpx.Client) -> None:
    root = make(client, "category", {"name": "Mobile"})
    leaf = make(client, "category", {"name": "Prepaid", "parentId": root["id"]})
    shop = make(client, "catalog", {"name": "Shop", "category": [{"id": root["id"]}]})
    assert (leaf["isRoot"], leaf["parentId"]) == (False, root["id"])
    root = client.get(f"{PATH}/category/{root['id']}").json()
    assert (root["isRoot"], [one["name"] for one in root["subCategory"]]) == (True, ["Prepaid"])
    assert [one["name"] for one in shop["category"]] == ["Mobile"]
    assert client.get(f"{PATH}/category", params={"parentId": root["id"]}).json() == [leaf]
    assert "category" not in patch(client, shop, {"category": []}).json()
    assert client.delete(f"{PATH}/category/{root['id']}", headers={"If-Match": "*"}).status_code == 409


def test_a_price_is_in_the_catalogues_currency(client: httpx.Client) -> None:
    found = make(client, "productOfferingPrice", PRICE)
    assert found["price"] == {"unit": "EUR", "value": 9.99}
    assert patch(client, found, {"price": {"value": 10.5}}).json()["price"] == {"unit": "EUR", "value": 10.5}
    dollars = client.post(f"{PATH}/productOfferingPrice", json=PRICE | {"price": {"unit": "USD", "value": 1}})
    assert (dollars.status_code, "the catalogue is in EUR" in dollars.json()["message"]) == (400, True)


@pytest.mark.parametrize(
    ("resource", "body", "says"),
    [
        (
            "productSpecification",
            {"productSpecCharacteristic": [{"name": "a", "valueType": "float"}]},
            "string, integer, boolean",
        ),
        ("productSpecification", {"productSpecCharacteristic": [{"name": "a"}, {"name": "a"}]}, "that of another"),
        ("productSpecification", {"productSpecCharacteristic": [{"name": "a", "extensible": False}]}, "lists no value"),
        (
            "productSpecification",
            {
                "productSpecCharacteristic": [
                    {"name": "a", "extensible": True, "productSpecCharacteristicValue": [{"value": 1}]}
                ]
            },
            "aren't the default",
        ),
        ("productSpecification", {"isBundle": True}, "not bundled"),
        ("productOffering", {"productSpecification": {"id": "nothing"}}, "nothing"),
        ("productOffering", {"productSpecification": {"id": ""}}, "0 characters"),
        ("productOfferingPrice", {"priceType": "usage"}, "price is missing"),
        (
            "productOfferingPrice",
            {"priceType": "one_time", "price": {"unit": "EUR", "value": 0.0000001}},
            "six decimals",
        ),
        ("category", {"parentId": "nothing"}, "nothing"),
        ("catalog", {"category": [{"id": "nothing"}]}, "nothing"),
    ],
)
def test_what_cant_be(client: httpx.Client, resource: str, body: dict[str, Any], says: str) -> None:
    answer = client.post(f"{PATH}/{resource}", json={"name": "x"} | body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalidBody"), answer.text
    assert says in answer.json()["message"]
    assert client.get(f"{PATH}/{resource}").json() == []


def test_every_answer_is_one_of_the_document(server: Server, walk: Walk, client: httpx.Client) -> None:
    headers = {"Authorization": client.headers["authorization"]}
    specification = {"id": make(client, "productSpecification", SPECIFICATION)["id"]}
    bodies = {
        "catalog": {"name": "Shop"},
        "category": {"name": "Mobile"},
        "productSpecification": SPECIFICATION,
        "productOffering": {"name": "Start", "productSpecification": specification},
        "productOfferingPrice": PRICE,
        "hub": {"callback": kit.CALLBACK},
    }

    def creating(name: str) -> Any:
        return lambda: str(client.post(f"{PATH}/{name}", json=bodies[name]).json()["id"])

    whole = {
        "name": "Name",
        "description": "text",
        "version": "1",
        "lifecycleStatus": "draft",
        "validFor": {"startDateTime": "2026-01-01T00:00:00Z"},
        "category": [],
        "parentId": make(client, "category", {"name": "Mobile"})["id"],
        "productOfferingPrice": [],
        "productOfferingRelationship": [],
        "prodSpecCharValueUse": [],
        "statusReason": "none",
        "catalogType": "shop",
    }
    valid = {name: whole | body for name, body in bodies.items() if name != "hub"}
    creates = {name: creating(name) for name in bodies}
    whole_price = {"productOfferingPrice": PRICE}
    walk(Conversation(PRODUCT_CATALOG_API, server.url, headers, creates, valid, whole_price), 27)
