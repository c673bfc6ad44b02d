"""TMF622: orders placed, read, done by a workflow and cancelled over the API; what is refused names TM Forum's members."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bss.access import Caller
from bss.api.product_inventory import PRODUCT_INVENTORY_API
from bss.api.product_order import CANCELLATIONS, PRODUCT_ORDERING_API, PRODUCT_ORDERS
from bss.edge.database import Database
from bss.inventory.operations import reserve
from bss.network_port import NetworkRefused
from bss.orchestration.run import RESOURCE_ID
from bss.orders.states import StepState, state_of_item
from tests.bss.api import kit
from tests.bss.api.conftest import Server
from tests.bss.api.generated_requests import Conversation, Walk
from tests.bss.orchestration.plain_run import PlainRun
from tests.bss.orchestration.world import World, with_check_digit

AT = f"{PRODUCT_ORDERING_API.path}/productOrder"
CANCEL_AT = f"{PRODUCT_ORDERING_API.path}/cancelProductOrder"
PRODUCTS_AT = f"{PRODUCT_INVENTORY_API.path}/product"
PATCH_TYPE = {"Content-Type": "application/merge-patch+json"}
LATER = "2099-01-01T00:00:00Z"


@pytest.fixture
def world(database: Database, caller: Caller) -> World:
    """A catalogue in force, a customer, three numbers and SIMs in the test's tenant."""
    return World(database, caller)


@pytest.fixture
def body(world: World) -> Callable[..., dict[str, Any]]:
    """Bodies of orders; one that adds a monthly plan where no items are said."""

    def make(*items: dict[str, Any], **members: Any) -> dict[str, Any]:
        said = items or ({"action": "add", "productOffering": {"id": "monthly"}},)
        return {
            "relatedParty": [{"id": world.customer_id, "role": "customer", "@referredType": "Customer"}],
            "productOrderItem": [{"id": str(number)} | item for number, item in enumerate(said, 1)],
        } | members

    return make


def patch(client: httpx.Client, order_id: str, said: dict[str, Any], if_match: str = "*") -> httpx.Response:
    return client.patch(f"{AT}/{order_id}", json=said, headers=PATCH_TYPE | {"If-Match": if_match})


def placed(client: httpx.Client, said: dict[str, Any]) -> dict[str, Any]:
    answer = client.post(AT, json=said)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def done(world: World, client: httpx.Client, order_id: str) -> dict[str, Any]:
    """The order once a workflow has gone as far as it can."""
    world.flows["order"](PlainRun(world.database, tenant=world.caller.tenant), {RESOURCE_ID: order_id})
    found: dict[str, Any] = client.get(f"{AT}/{order_id}").json()
    return found


def test_as_the_kit_checks_it(client: httpx.Client, world: World, body: Callable[..., dict[str, Any]]) -> None:
    said = body({"action": "add", "productOffering": {"id": "insurance"}})
    found = kit.check_creation(client, PRODUCT_ORDERING_API, PRODUCT_ORDERS, said)
    other = kit.check_creation(client, PRODUCT_ORDERING_API, PRODUCT_ORDERS, said)
    kit.check_reading(client, PRODUCT_ORDERING_API, PRODUCT_ORDERS, done(world, client, other["id"]))
    kit.check_what_isnt_there(client, PRODUCT_ORDERING_API, PRODUCT_ORDERS)
    kit.check_hub(client, PRODUCT_ORDERING_API)
    task = kit.check_creation(client, PRODUCT_ORDERING_API, CANCELLATIONS, {"productOrder": {"id": found["id"]}})
    kit.check_reading(client, PRODUCT_ORDERING_API, CANCELLATIONS, task)
    kit.check_what_isnt_there(client, PRODUCT_ORDERING_API, CANCELLATIONS)


def test_an_order_comes_back_as_said_and_is_done(
    client: httpx.Client, world: World, body: Callable[..., dict[str, Any]]
) -> None:
    chosen = [{"id": "48600100002", "name": "msisdn"}, {"id": with_check_digit(f"894803{2:012d}"), "name": "sim"}]
    product = {"productCharacteristic": [{"name": "sim_type", "value": "esim"}], "realizingResource": chosen}
    members = {"externalId": "shop-1", "description": "by phone", "channel": [{"id": "shop"}]}
    said = body({"action": "add", "productOffering": {"id": "monthly"}, "product": product, "quantity": 1}, **members)
    said["billingAccount"] = {"id": world.billing_account_id}
    found = placed(client, said)
    assert found["state"] == "acknowledged"
    assert {name: found[name] for name in members} == members
    assert found["billingAccount"]["id"] == world.billing_account_id
    (item,) = found["productOrderItem"]
    assert (item["id"], item["action"], item["state"]) == ("1", "add", "acknowledged")
    assert item["product"] == product
    completed = done(world, client, found["id"])
    assert (completed["state"], completed["productOrderItem"][0]["state"]) == ("completed", "completed")
    assert completed["completionDate"]
    bought = client.get(completed["productOrderItem"][0]["product"]["href"]).json()
    assert (bought["status"], bought["productSerialNumber"]) == ("active", "48600100002")
    (of_order,) = bought["productOrderItem"]
    assert client.get(of_order["productOrderHref"]).json()["id"] == of_order["productOrderId"] == found["id"]
    assert of_order["orderItemId"] == item["id"]
    assert [one["id"] for one in client.get(AT, params={"externalId": "shop-1"}).json()] == [found["id"]]
    assert [one["id"] for one in client.get(AT, params={"relatedParty.id": world.customer_id}).json()] == [found["id"]]
    assert client.get(AT, params={"state": "held"}).json() == []


def test_an_order_takes_what_is_reserved_for_what_it_names(
    client: httpx.Client, world: World, body: Callable[..., dict[str, Any]]
) -> None:
    world.do(reserve, "msisdn", reserved_for="basket 7", name="48600100002")
    kept = {"id": "basket 7", "name": "reservation"}

    def item(*resources: dict[str, str], offering: str = "monthly") -> dict[str, Any]:
        product = {"realizingResource": list(resources)}
        return {"action": "add", "productOffering": {"id": offering}, "product": product}

    at = "productOrderItem[0].product.realizingResource"
    for wrong, status, says in (
        (
            item({"id": "basket 8", "name": "reservation"}),
            400,
            f"{at}: nothing that the offering takes is reserved for",
        ),
        (item(kept, {"id": "48600100001", "name": "msisdn"}), 400, f"{at}.msisdn: 48600100001 isn't what is reserved"),
        (item(kept, offering="insurance"), 400, f"{at}: nothing"),
        (item(kept, kept), 400, f"{at}: two of one kind"),
        (item({"id": "x" * 65, "name": "reservation"}), 400, f"{at}[0].id"),
        (item({"id": "", "name": "reservation"}), 400, f"{at}[0].id"),
        (item({"id": "48600100002", "name": "msisdn"}), 409, f"{at}.msisdn: 48600100002 is reserved"),
    ):
        answer = client.post(AT, json=body(wrong))
        assert (answer.status_code, says in answer.json()["message"]) == (status, True), answer.text
    found = placed(client, body(item(kept)))
    shown = found["productOrderItem"][0]["product"]["realizingResource"]
    assert shown == [{"id": "48600100002", "name": "msisdn"}, kept]
    completed = done(world, client, found["id"])
    assert completed["state"] == "completed"
    bought = client.get(completed["productOrderItem"][0]["product"]["href"]).json()
    assert bought["productSerialNumber"] == "48600100002"


def test_a_product_is_suspended_resumed_and_ended(
    client: httpx.Client, world: World, body: Callable[..., dict[str, Any]]
) -> None:
    product_id = done(world, client, placed(client, body())["id"])["productOrderItem"][0]["product"]["id"]
    for status in ("suspended", "active"):
        item = {"action": "modify", "product": {"id": product_id, "status": status}}
        ended = done(world, client, placed(client, body(item))["id"])
        assert ended["state"] == "completed"
        shown = ended["productOrderItem"][0]
        assert (shown["action"], shown["product"]["status"]) == ("modify", status)
        assert client.get(f"{PRODUCTS_AT}/{product_id}").json()["status"] == status
    done(world, client, placed(client, body({"action": "delete", "product": {"id": product_id}}))["id"])
    assert client.get(f"{PRODUCTS_AT}/{product_id}").json()["status"] == "terminated"


def test_an_order_that_waits_for_its_date_is_cancelled_by_its_state(
    client: httpx.Client, body: Callable[..., dict[str, Any]]
) -> None:
    answer = client.post(AT, json=body(requestedStartDate=LATER))
    assert (answer.json()["state"], answer.json()["requestedStartDate"]) == ("pending", LATER)
    order_id, tag = answer.json()["id"], answer.headers["etag"]
    cancelled = patch(client, order_id, {"state": "cancelled", "cancellationReason": "no longer wanted"}, tag)
    assert cancelled.status_code == 200, cancelled.text
    found = cancelled.json()
    assert (found["state"], found["productOrderItem"][0]["state"]) == ("cancelled", "cancelled")
    assert found["cancellationReason"] == "no longer wanted"
    assert found["cancellationDate"]
    assert "completionDate" not in found
    assert patch(client, order_id, {"state": "cancelled"}, tag).status_code == 412


def test_an_order_that_fell_out_is_undone_by_a_task(
    client: httpx.Client, world: World, body: Callable[..., dict[str, Any]]
) -> None:
    items = ({"action": "add", "productOffering": {"id": name}} for name in ("insurance", "monthly"))
    order_id = placed(client, body(*items))["id"]
    world.network.refuses = NetworkRefused("broken", "the network says no")
    held = done(world, client, order_id)
    assert (held["state"], [one["state"] for one in held["productOrderItem"]]) == ("held", ["completed", "held"])
    task = client.post(CANCEL_AT, json={"productOrder": {"id": order_id}, "cancellationReason": "took too long"})
    assert (task.status_code, task.json()["state"], task.json()["id"]) == (201, "inProgress", order_id)
    undone = done(world, client, order_id)
    assert (undone["state"], [one["state"] for one in undone["productOrderItem"]]) == ("cancelled", ["cancelled"] * 2)
    ended = client.get(f"{CANCEL_AT}/{order_id}").json()
    assert (ended["state"], ended["effectiveCancellationDate"]) == ("done", undone["cancellationDate"])
    assert ended["productOrder"]["href"].endswith(order_id)
    assert client.post(CANCEL_AT, json={"productOrder": {"id": order_id}}).status_code == 409


def test_past_its_point_of_no_return_an_order_stays(
    client: httpx.Client, world: World, body: Callable[..., dict[str, Any]]
) -> None:
    order_id = placed(client, body())["id"]
    done(world, client, order_id)
    for answer in (
        patch(client, order_id, {"state": "cancelled"}),
        client.post(CANCEL_AT, json={"productOrder": {"id": order_id}}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
        assert "point of no return" in answer.json()["message"]
    assert client.get(f"{CANCEL_AT}/{order_id}").status_code == 404


@pytest.mark.parametrize(
    ("item", "status", "says"),
    [
        ({"id": "7", "action": "add"}, 400, "productOrderItem[0].id: it is '7'. Number the items: this one is 1"),
        ({"action": "add"}, 400, "productOrderItem[0].productOffering: it is missing"),
        ({"action": "add", "productOffering": {"id": "none"}}, 409, "productOrderItem[0].productOffering.id"),
        ({"action": "noChange"}, 400, "Leave the item out"),
        ({"action": "modify", "product": {"id": "x"}}, 400, "Write suspended or active"),
        ({"action": "modify", "product": {"id": "x", "status": "suspended"}}, 400, "productOrderItem[0].product.id"),
        ({"action": "delete"}, 400, "productOrderItem[0].product.id"),
        ({"action": "delete", "product": {"id": "x"}, "productOffering": {"id": "y"}}, 400, "Leave it out"),
        ({"action": "add", "quantity": 2, "productOffering": {"id": "monthly"}}, 400, "productOrderItem[0].quantity"),
        (
            {
                "action": "add",
                "productOffering": {"id": "monthly"},
                "product": {"productCharacteristic": [{"name": "colour", "value": "red"}]},
            },
            400,
            "productOrderItem[0].product.productCharacteristic.colour",
        ),
        (
            {
                "action": "add",
                "productOffering": {"id": "monthly"},
                "product": {"realizingResource": [{"id": "1", "name": "sim"}, {"id": "2", "name": "sim"}]},
            },
            400,
            "two of one kind",
        ),
    ],
)
def test_items_that_cant_be(
    client: httpx.Client, body: Callable[..., dict[str, Any]], item: dict[str, Any], status: int, says: str
) -> None:
    answer = client.post(AT, json=body(item))
    assert (answer.status_code, says in answer.json()["message"]) == (status, True), answer.text
    assert client.get(AT).json() == []


def test_orders_that_cant_be(client: httpx.Client, body: Callable[..., dict[str, Any]]) -> None:
    nobody = [{"id": "nobody", "role": "customer", "@referredType": "Customer"}]
    for change, says in (
        ({"relatedParty": nobody}, "there is no customer"),
        ({"relatedParty": []}, "Name the customer"),
        ({"state": "held"}, "state: is said as an order is cancelled"),
        ({"billingAccount": {"id": "x"}}, "billingAccount"),
        ({"requestedStartDate": "1999-01-01T00:00:00Z"}, "requestedStartDate: 1999-01-01T00:00:00.000Z is past"),
        ({"priority": "1"}, "orders are done as they come"),
    ):
        answer = client.post(AT, json=body() | change)
        assert (answer.status_code, says in answer.json()["message"]) == (400, True), answer.text
    order_id = placed(client, body())["id"]
    for said in ({"state": "completed"}, {"cancellationReason": "why"}):
        assert "an order can only be cancelled" in patch(client, order_id, said).json()["message"]
    assert "as the resource is created" in patch(client, order_id, {"description": "other"}).json()["message"]


def test_a_client_needs_to_see_what_it_orders(
    client: httpx.Client, body: Callable[..., dict[str, Any]], authorization: Callable[..., dict[str, str]]
) -> None:
    said = body()
    answer = client.post(AT, json=said, headers=authorization("order:write", "order:read"))
    assert (answer.status_code, "customer:read" in answer.json()["message"]) == (403, True)
    enough = ("order:write", "order:read", "customer:read", "catalog:read", "inventory:read")
    assert client.post(AT, json=said, headers=authorization(*enough)).status_code == 201


def test_sent_twice_an_order_is_placed_once(client: httpx.Client, body: Callable[..., dict[str, Any]]) -> None:
    said, key = body(), {"Idempotency-Key": "shop-17"}
    first, again = (client.post(AT, json=said, headers=key) for _ in range(2))
    assert (first.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert len(client.get(AT).json()) == 1


def test_what_a_held_orders_items_are() -> None:
    waiting, finished, failed = StepState.WAITING, StepState.DONE, StepState.FAILED
    for is_cancelling, steps, expected in (
        (False, [finished, failed], "held"),
        (False, [finished, waiting], "inProgress"),
        (False, [finished, StepState.SKIPPED], "completed"),
        (True, [StepState.UNDO_FAILED], "held"),
        (True, [finished], "pendingCancellation"),
        (True, [StepState.UNDONE], "cancelled"),
    ):
        assert state_of_item("held", is_cancelling=is_cancelling, steps=steps) == expected
    for order_state, steps, is_kept, expected in (
        ("held", [finished], True, "completed"),
        ("partial", [finished], True, "completed"),
        ("partial", [StepState.UNDONE], False, "cancelled"),
    ):
        assert state_of_item(order_state, is_cancelling=True, steps=steps, is_kept=is_kept) == expected
    assert state_of_item("inProgress", is_cancelling=False, steps=[]) == "inProgress"


def test_every_answer_is_one_of_the_document(
    server: Server, walk: Walk, client: httpx.Client, body: Callable[..., dict[str, Any]]
) -> None:
    def place() -> str:
        return str(placed(client, body({"action": "add", "productOffering": {"id": "insurance"}}))["id"])

    def cancel() -> str:
        return str(client.post(CANCEL_AT, json={"productOrder": {"id": place()}}).json()["id"])

    creates = {
        "productOrder": place,
        "cancelProductOrder": cancel,
        "hub": lambda: str(
            client.post(f"{PRODUCT_ORDERING_API.path}/hub", json={"callback": kit.CALLBACK}).json()["id"]
        ),
    }
    whole = {
        "POST productOrder": body(externalId="x", channel=[{"id": "shop"}]),
        "PATCH productOrder": {"state": "cancelled"},
        "POST cancelProductOrder": {"productOrder": {"id": place()}},
    }
    headers = {"Authorization": client.headers["authorization"]}
    walk(Conversation(PRODUCT_ORDERING_API, server.url, headers, creates, whole=whole), 9)
