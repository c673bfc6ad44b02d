"""TMF654: top-ups and adjustments, decided by an engine at once, refused by it, or pending while it is away."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from balances.queries import AccountView
from bss.access import Caller
from bss.api.apis import APIS
from bss.api.prepay_balance import ADJUSTMENTS, PREPAY_BALANCE_API, TOP_UPS
from bss.api.serving import Apis, application
from bss.api.tokens import Tokens
from bss.edge.database import Database
from bss.orchestration.order_placing import AskedItem
from bss.orchestration.run import RESOURCE_ID
from bss.orders.queries import show
from bss.orders.records import Action
from tests.bss.api import kit
from tests.bss.api.conftest import PUBLIC_URL, Server, sqlite_alone
from tests.bss.api.generated_requests import Conversation
from tests.bss.orchestration.plain_run import PlainRun
from tests.bss.orchestration.world import World

TOP_UPS_AT = f"{PREPAY_BALANCE_API.path}/topupBalance"
ADJUSTMENTS_AT = f"{PREPAY_BALANCE_API.path}/adjustBalance"
EURO = 1_000_000


@pytest.fixture
def world(server: Server, client: httpx.Client, database: Database, caller: Caller, tokens: Tokens) -> World:
    """A small operator; `client` reaches the APIs before its engine."""
    world = World(database, caller)
    shared = Apis(database, tokens, now_ns=database.now_ns, public_url=PUBLIC_URL, engine=world.engine)
    server.application = application(APIS, shared, tokens)
    return world


@pytest.fixture
def product_id(world: World) -> str:
    """A line that was ordered."""
    item = AskedItem(action=Action.ADD, offering_id="monthly")
    order = world.place(item, billing_account_id=world.billing_account_id)
    world.flows["order"](PlainRun(world.database, tenant=world.caller.tenant), {RESOURCE_ID: order.id})
    found = world.do(show, order_id=order.id).items[0].product_id
    assert found
    return str(found)


@pytest.fixture
def body(world: World, product_id: str) -> Callable[..., dict[str, Any]]:
    """Bodies of top-ups."""

    def make(**members: Any) -> dict[str, Any]:
        return {
            "amount": {"units": "EUR", "amount": 10},
            "usageType": "monetary",
            "bucket": {"id": "money"},
            "product": [{"id": product_id}],
            "partyAccount": {"id": world.billing_account_id},
        } | members

    return make


def adjustment(said: dict[str, Any], **members: Any) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name != "partyAccount"} | {"reason": "asked"} | members


def money(world: World) -> int:
    view = world.engine.read_account(1, 1)
    assert isinstance(view, AccountView)
    return view.total()[0]


def test_as_the_kit_checks_it(client: httpx.Client, body: Callable[..., dict[str, Any]]) -> None:
    top_up = kit.check_creation(client, PREPAY_BALANCE_API, TOP_UPS, body())
    kit.check_reading(client, PREPAY_BALANCE_API, TOP_UPS, top_up, not_filters=("usageType",))
    kit.check_what_isnt_there(client, PREPAY_BALANCE_API, TOP_UPS)
    corrected = kit.check_creation(client, PREPAY_BALANCE_API, ADJUSTMENTS, adjustment(body()))
    kit.check_reading(client, PREPAY_BALANCE_API, ADJUSTMENTS, corrected, not_filters=("usageType", "reason"))
    kit.check_what_isnt_there(client, PREPAY_BALANCE_API, ADJUSTMENTS)
    assert client.get(f"{TOP_UPS_AT}/{corrected['id']}").status_code == 404, "an adjustment is no top-up"
    kit.check_hub(client, PREPAY_BALANCE_API)


def test_money_is_added_and_taken(
    client: httpx.Client, world: World, product_id: str, body: Callable[..., dict[str, Any]]
) -> None:
    before = money(world)
    said = body(amount={"units": "EUR", "amount": 12.5}, reason="at the counter", channel={"id": "shop"})
    answer = client.post(TOP_UPS_AT, json=said)
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert {name: found[name] for name in ("amount", "usageType", "bucket", "reason", "channel")} == {
        name: said[name] for name in ("amount", "usageType", "bucket", "reason", "channel")
    }
    assert (found["status"], found["product"][0]["id"]) == ("completed", product_id)
    assert found["partyAccount"]["id"] == world.billing_account_id
    assert found["confirmationDate"]
    taken = client.post(ADJUSTMENTS_AT, json=adjustment(said, amount={"units": "EUR", "amount": -2.25}))
    assert (taken.json()["status"], taken.json()["amount"]["amount"]) == ("completed", -2.25)
    assert money(world) == before + 10_250_000
    by_customer = client.get(TOP_UPS_AT, params={"relatedParty.id": world.customer_id, "status": "completed"})
    assert by_customer.json() == [found]


def test_while_the_engine_is_away_a_top_up_is_written_down_and_done_once(
    client: httpx.Client, world: World, body: Callable[..., dict[str, Any]]
) -> None:
    before, key = money(world), {"Idempotency-Key": "till-7"}
    world.engine.is_away = True
    pending = client.post(TOP_UPS_AT, json=body(), headers=key)
    assert (pending.status_code, pending.json()["status"]) == (201, "created")
    assert "confirmationDate" not in pending.json()
    assert [one["id"] for one in client.get(TOP_UPS_AT, params={"status": "created"}).json()] == [pending.json()["id"]]
    world.engine.is_away = False
    for _ in range(2):
        again = client.post(TOP_UPS_AT, json=body(), headers=key)
        assert (again.json()["id"], again.json()["status"]) == (pending.json()["id"], "completed")
    assert money(world) == before + 10 * EURO


def test_what_the_engine_refuses_failed_and_says_why(
    client: httpx.Client, world: World, body: Callable[..., dict[str, Any]]
) -> None:
    most = {"units": "EUR", "amount": 1_000_000_000_000}
    answers = [client.post(TOP_UPS_AT, json=body(amount=most)).json() for _ in range(10)]
    failed = [one for one in answers if one.get("status") == "failed"]
    assert failed, answers
    assert failed[0]["description"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"usageType": "data"}, "usageType: allowances come with products"),
        ({"bucket": {"id": "data"}}, "Write money"),
        ({"product": [{"id": "none"}]}, "there is no product"),
        ({"product": []}, "Name one"),
        ({"partyAccount": {"id": "other"}}, "another account pays"),
        ({"amount": {"units": "USD", "amount": 1}}, "amount.units: the account is in EUR"),
        ({"amount": {"units": "EUR", "amount": -1}}, "above zero"),
        ({"amount": {"unit": "EUR", "value": 1}}, '{"units": "EUR", "amount": 9.99}'),
        ({"voucher": "1234"}, "vouchers are not kept"),
    ],
)
@sqlite_alone
def test_top_ups_that_cant_be(
    client: httpx.Client, body: Callable[..., dict[str, Any]], change: dict[str, Any], says: str
) -> None:
    answer = client.post(TOP_UPS_AT, json=body(**change))
    assert (answer.status_code, says in answer.json()["message"]) == (400, True), answer.text
    assert client.get(TOP_UPS_AT).json() == []


@pytest.mark.timeout(180)
@sqlite_alone
def test_every_answer_is_one_of_the_document(
    server: Server, client: httpx.Client, body: Callable[..., dict[str, Any]]
) -> None:
    def made(at: str, said: dict[str, Any]) -> str:
        return str(client.post(at, json=said).json()["id"])

    creates = {
        "topupBalance": lambda: made(TOP_UPS_AT, body()),
        "adjustBalance": lambda: made(ADJUSTMENTS_AT, adjustment(body())),
        "hub": lambda: made(f"{PREPAY_BALANCE_API.path}/hub", {"callback": kit.CALLBACK}),
    }
    whole = {"topupBalance": body(), "adjustBalance": adjustment(body())}
    headers = {"Authorization": client.headers["authorization"]}
    conversation = Conversation(PREPAY_BALANCE_API, server.url, headers, creates, whole=whole)
    conversation.go_on(12)
    conversation.check_shares()
    assert len({operation for operation, _ in conversation.statuses}) == 8
