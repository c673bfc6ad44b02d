"""TMF654: balances as the engine has them; top-ups and adjustments, decided at once, refused, or pending while it is away."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from balances.queries import AccountView
from bss.access import Caller
from bss.api.apis import APIS
from bss.api.limits import ACCOUNTS_READ_MAX
from bss.api.live_balances import ACCUMULATED_BALANCES, BUCKETS, BUCKETS_AT
from bss.api.prepay_balance import ADJUSTMENTS, PREPAY_BALANCE_API, TOP_UPS
from bss.api.serving import Apis, application
from bss.api.tokens import Tokens
from bss.catalog.release import engine_part
from bss.catalog.working_copy import published_release
from bss.edge.database import Database
from bss.inventory.product_operations import create_product
from bss.inventory.queries import product
from bss.orchestration.order_placing import AskedItem
from bss.orchestration.run import RESOURCE_ID
from bss.orders.queries import show
from bss.orders.records import Action
from bss.work import Work
from tests.bss.api import kit
from tests.bss.api.conftest import PUBLIC_URL, Server
from tests.bss.api.generated_requests import Conversation, Walk
from tests.bss.orchestration.plain_run import PlainRun
from tests.bss.orchestration.world import World

TOP_UPS_AT = f"{PREPAY_BALANCE_API.path}/topupBalance"
ADJUSTMENTS_AT = f"{PREPAY_BALANCE_API.path}/adjustBalance"
TOTALS_AT = f"{PREPAY_BALANCE_API.path}/accumulatedBalance"
EURO = 1_000_000


@pytest.fixture
def world(server: Server, client: httpx.Client, database: Database, caller: Caller, tokens: Tokens) -> World:
    """A small operator; `client` reaches the APIs before its engine."""
    world = World(database, caller)
    published = world.do(published_release)
    assert published is not None
    world.engine.publish_release(engine_part(published), now_ns=database.now_ns())
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


def money(world: World, product_id: str) -> int:
    tenant = world.engine.tenant_number(world.caller.tenant)
    assert isinstance(tenant, int)
    view = world.engine.read_account(tenant, world.do(product, product_id).engine_account_id)
    assert isinstance(view, AccountView)
    return view.total()[0]


def test_as_the_kit_checks_it(client: httpx.Client, body: Callable[..., dict[str, Any]]) -> None:
    top_up = kit.check_creation(client, PREPAY_BALANCE_API, TOP_UPS, body())
    kit.check_reading(client, PREPAY_BALANCE_API, TOP_UPS, top_up)
    kit.check_what_isnt_there(client, PREPAY_BALANCE_API, TOP_UPS)
    corrected = kit.check_creation(client, PREPAY_BALANCE_API, ADJUSTMENTS, adjustment(body()))
    kit.check_reading(client, PREPAY_BALANCE_API, ADJUSTMENTS, corrected)
    kit.check_what_isnt_there(client, PREPAY_BALANCE_API, ADJUSTMENTS)
    assert client.get(f"{TOP_UPS_AT}/{corrected['id']}").status_code == 404, "an adjustment is no top-up"
    kit.check_hub(client, PREPAY_BALANCE_API)


def test_balances_as_the_kit_checks_them(client: httpx.Client, product_id: str) -> None:
    for resource, at in ((BUCKETS, BUCKETS_AT), (ACCUMULATED_BALANCES, TOTALS_AT)):
        for found in client.get(at, params={"product.id": product_id}).json():
            kit.check_reading(client, PREPAY_BALANCE_API, resource, found)
        kit.check_what_isnt_there(client, PREPAY_BALANCE_API, resource)


def test_buckets_are_what_the_engine_has_now(
    client: httpx.Client, world: World, product_id: str, body: Callable[..., dict[str, Any]]
) -> None:
    gib, money_left = client.get(BUCKETS_AT, params={"sort": "name"}).json()
    assert (gib["name"], gib["usageType"], gib["status"]) == ("data-1gib", "data", "active")
    assert gib["remainingValue"] == {"amount": 1024**3, "units": "octets"}
    assert gib["remainingValueName"] == "1 GiB"
    assert set(gib["validFor"]) == {"startDateTime", "endDateTime"}
    assert (money_left["name"], money_left["usageType"]) == ("money", "monetary")
    assert money_left["remainingValue"] == {"amount": 7, "units": "EUR"}
    assert money_left["reservedValue"] == {"amount": 0, "units": "EUR"}
    assert money_left["product"][0]["id"] == product_id
    assert money_left["partyAccount"]["id"] == world.billing_account_id
    assert money_left["relatedParty"][0]["id"] == world.customer_id
    at = f"{BUCKETS_AT}/{money_left['id']}"
    before = client.get(at).headers["etag"]
    client.post(TOP_UPS_AT, json=body(amount={"units": "EUR", "amount": 0.25}))
    after = client.get(at)
    assert '"amount":7.25' in after.text
    assert after.headers["etag"] != before
    totals = {one["name"]: one for one in client.get(TOTALS_AT).json()}
    assert totals.keys() == {"money", "octets"}
    assert totals["money"]["totalBalance"] == {"amount": 7.25, "units": "EUR"}
    assert [one["id"] for one in totals["money"]["bucket"]] == [money_left["id"]]
    assert client.get(totals["octets"]["bucket"][0]["href"]).json() == gib


FOUND_BY: tuple[tuple[str, set[str]], ...] = (
    ("product.id={product}", {"money", "data-1gib"}),
    ("relatedParty.id={customer}&usageType=data", {"data-1gib"}),
    ("partyAccount.id={payer}&name=money", {"money"}),
    ("id={money}", {"money"}),
    ("id={money},9-9,none", {"money"}),
    ("id=none", set()),
    ("id.gt={money}", {"data-1gib"}),
    ("status=expired", set()),
    ("status=active,expired&sort=-id&limit=1", {"data-1gib"}),
    ("offset=1&limit=1", {"data-1gib"}),
    ("offset=7", set()),
    ("product.id=none", set()),
    ("relatedParty.id=x' OR '1'='1", set()),
)


def test_buckets_are_found(client: httpx.Client, world: World, product_id: str) -> None:
    (money_left,) = client.get(BUCKETS_AT, params={"name": "money"}).json()
    ids = {"product": product_id, "customer": world.customer_id, "payer": world.billing_account_id}
    for query, names in FOUND_BY:
        answer = client.get(f"{BUCKETS_AT}?{query.format(money=money_left['id'], **ids)}")
        assert answer.status_code in (200, 206), answer.text
        assert {one["name"] for one in answer.json()} == names, query
        assert answer.headers["x-result-count"] == str(len(names))


def test_totals_are_found(client: httpx.Client, product_id: str) -> None:
    octets, money_left = sorted(client.get(TOTALS_AT).json(), key=lambda one: one["totalBalance"]["units"] == "EUR")
    for query, names in (
        (f"bucket.id={money_left['bucket'][0]['id']}", {"money"}),
        (f"bucket.id={octets['bucket'][0]['id']},9-9", {"octets"}),
        ("bucket.id=9-9", set()),
        ("bucket.id=money", set()),
        ("totalBalance.amount=7.00", {"money"}),
        (f"totalBalance.amount.gte={1024**3}", {"octets"}),
        ("totalBalance.units=EUR", {"money"}),
        ("totalBalance.units=octets&totalBalance.amount.gt=7", {"octets"}),
        ("sort=-totalBalance.amount&limit=1", {"octets"}),
    ):
        answer = client.get(f"{TOTALS_AT}?{query}")
        assert {one["name"] for one in answer.json()} == names, query


def test_balances_that_arent_to_be_seen(
    client: httpx.Client, world: World, product_id: str, authorization: Callable[..., dict[str, str]]
) -> None:
    (money_left,) = client.get(BUCKETS_AT, params={"name": "money"}).json()
    others = authorization(of="somebody else")
    at = f"{BUCKETS_AT}/{money_left['id']}"
    assert client.get(at, headers=others).status_code == 404
    assert client.get(f"{BUCKETS_AT}?product.id={product_id}", headers=others).json() == []
    assert client.get(f"{BUCKETS_AT}?id={money_left['id']}", headers=others).json() == []
    assert client.get(at, headers=authorization("inventory:read")).status_code == 403
    for wrong in ("9999999999999999999-1", "0-1", "-1-1", "1", "1-", "1-99", "money", "1-1-1"):
        assert client.get(f"{BUCKETS_AT}/{wrong}").status_code == 404, wrong
    refused = client.get(BUCKETS_AT, params={"sort": "product.id"})
    assert (refused.status_code, refused.json()["code"]) == (400, "invalidQuery")
    world.engine.is_away = True
    for away in (client.get(at), client.get(BUCKETS_AT)):
        assert (away.status_code, away.json()["code"], away.headers["retry-after"]) == (503, "unavailable", "1")


def test_a_list_of_too_many_accounts_is_refused(client: httpx.Client, world: World, product_id: str) -> None:
    def fill(work: Work) -> None:
        for number in range(ACCOUNTS_READ_MAX):
            create_product(
                work, customer_id=world.customer_id, name="x", offering_id="x", engine_account_id=1000 + number
            )

    world.do(fill)
    refused = client.get(BUCKETS_AT)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalidQuery")
    assert "name a product" in refused.json()["message"]
    assert len(client.get(BUCKETS_AT, params={"product.id": product_id}).json()) == 2


def test_money_is_added_and_taken(
    client: httpx.Client, world: World, product_id: str, body: Callable[..., dict[str, Any]]
) -> None:
    before = money(world, product_id)
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
    assert money(world, product_id) == before + 10_250_000
    by_customer = client.get(TOP_UPS_AT, params={"relatedParty.id": world.customer_id, "status": "completed"})
    assert by_customer.json() == [found]


def test_a_top_up_names_a_bucket_by_its_id(client: httpx.Client, body: Callable[..., dict[str, Any]]) -> None:
    gib, money_left = client.get(BUCKETS_AT, params={"sort": "name"}).json()
    done = client.post(TOP_UPS_AT, json=body(bucket={"id": money_left["id"]})).json()
    assert (done["status"], done["bucket"]["id"]) == ("completed", money_left["id"])
    assert client.get(done["bucket"]["href"]).json()["remainingValue"] == {"amount": 17, "units": "EUR"}
    taken = client.post(
        ADJUSTMENTS_AT,
        json=adjustment(body(), bucket={"id": money_left["id"]}, amount={"units": "EUR", "amount": -7}),
    )
    assert taken.json()["status"] == "completed"
    assert client.get(done["bucket"]["href"]).json()["remainingValue"] == {"amount": 10, "units": "EUR"}
    account = money_left["id"].partition("-")[0]
    for wrong in (gib["id"], f"{account}-77"):
        failed = client.post(TOP_UPS_AT, json=body(bucket={"id": wrong})).json()
        assert (failed["status"], "invalid" in failed["description"]) == ("failed", True)
    for wrong in (f"{int(account) + 1}-1", f"{account}-0", f"{account}-99999999999", "money-1"):
        refused = client.post(TOP_UPS_AT, json=body(bucket={"id": wrong}))
        assert (refused.status_code, "no such bucket" in refused.json()["message"]) == (400, True), wrong


def test_top_ups_are_found_by_what_they_say(
    client: httpx.Client, world: World, product_id: str, body: Callable[..., dict[str, Any]]
) -> None:
    bucket_id = client.get(BUCKETS_AT, params={"name": "money"}).json()[0]["id"]
    ids = {"product": product_id, "payer": world.billing_account_id, "bucket": bucket_id}
    first = client.post(TOP_UPS_AT, json=body(reason="till 7, at noon")).json()["id"]
    second = client.post(TOP_UPS_AT, json=body(amount={"units": "EUR", "amount": 2.5}, bucket={"id": bucket_id})).json()
    for query, found in (
        ("product.id={product}", {first, second["id"]}),
        ("product.id={payer}", set()),
        ("partyAccount.id={payer}&amount.amount.lt=10", {second["id"]}),
        ("partyAccount.id={product}", set()),
        ("bucket.id=money", {first}),
        ("bucket.id={bucket}", {second["id"]}),
        ("bucket.id={bucket},money", {first, second["id"]}),
        ("bucket.id=1-7", set()),
        ("amount.amount=2.50", {second["id"]}),
        ("amount.amount.gt=2.5", {first}),
        ("amount.units=USD", set()),
        ("amount.units=EUR", {first, second["id"]}),
        ("usageType=monetary", {first, second["id"]}),
        ("usageType=data", set()),
        ("usageType=data,monetary", {first, second["id"]}),
        ("reason=till 7%5C, at noon", {first}),
    ):
        answer = client.get(f"{TOP_UPS_AT}?{query.format(**ids)}")
        assert {one["id"] for one in answer.json()} == found, query
    for wrong in ("amount.amount=1e1", "amount.amount=2.1234567", "amount.amount=1000000000001", "usageType=money"):
        assert client.get(f"{TOP_UPS_AT}?{wrong}").json()["code"] == "invalidQuery", wrong
    assert client.get(ADJUSTMENTS_AT, params={"product.id": product_id}).json() == []


def test_while_the_engine_is_away_a_top_up_is_written_down_and_done_once(
    client: httpx.Client, world: World, product_id: str, body: Callable[..., dict[str, Any]]
) -> None:
    before, key = money(world, product_id), {"Idempotency-Key": "till-7"}
    world.engine.is_away = True
    pending = client.post(TOP_UPS_AT, json=body(), headers=key)
    assert (pending.status_code, pending.json()["status"]) == (201, "created")
    assert "confirmationDate" not in pending.json()
    assert [one["id"] for one in client.get(TOP_UPS_AT, params={"status": "created"}).json()] == [pending.json()["id"]]
    world.engine.is_away = False
    for _ in range(2):
        again = client.post(TOP_UPS_AT, json=body(), headers=key)
        assert (again.json()["id"], again.json()["status"]) == (pending.json()["id"], "completed")
    assert money(world, product_id) == before + 10 * EURO


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
        ({"bucket": {"id": "data"}}, "Write money, or the id of a bucket of it"),
        ({"product": [{"id": "none"}]}, "product[0].id: there is no product 'none'"),
        ({"product": []}, "Name one"),
        ({"partyAccount": {"id": "other"}}, "another account pays"),
        ({"amount": {"units": "USD", "amount": 1}}, "amount.units: the account is in EUR"),
        ({"amount": {"units": "EUR", "amount": -1}}, "above zero"),
        ({"amount": {"unit": "EUR", "value": 1}}, '{"units": "EUR", "amount": 9.99}'),
        ({"voucher": "1234"}, "vouchers are not kept"),
    ],
)
def test_top_ups_that_cant_be(
    client: httpx.Client, body: Callable[..., dict[str, Any]], change: dict[str, Any], says: str
) -> None:
    answer = client.post(TOP_UPS_AT, json=body(**change))
    assert (answer.status_code, says in answer.json()["message"]) == (400, True), answer.text
    assert client.get(TOP_UPS_AT).json() == []


def test_every_answer_is_one_of_the_document(
    server: Server, walk: Walk, client: httpx.Client, body: Callable[..., dict[str, Any]]
) -> None:
    def made(at: str, said: dict[str, Any]) -> str:
        return str(client.post(at, json=said).json()["id"])

    creates = {
        "topupBalance": lambda: made(TOP_UPS_AT, body()),
        "adjustBalance": lambda: made(ADJUSTMENTS_AT, adjustment(body())),
        "bucket": lambda: str(client.get(BUCKETS_AT).json()[0]["id"]),
        "accumulatedBalance": lambda: str(client.get(TOTALS_AT).json()[0]["id"]),
        "hub": lambda: made(f"{PREPAY_BALANCE_API.path}/hub", {"callback": kit.CALLBACK}),
    }
    whole = {"topupBalance": body(), "adjustBalance": adjustment(body())}
    headers = {"Authorization": client.headers["authorization"]}
    walk(Conversation(PREPAY_BALANCE_API, server.url, headers, creates, whole=whole), 12)
