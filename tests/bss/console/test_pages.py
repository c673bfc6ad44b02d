"""Pages over HTTP: who may see them, what they say, how fast they are made. A browser walks them in acceptance."""

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from bss.automation.queries import list_runs
from bss.console.frame import PLACES
from bss.console.site import COOKIE
from bss.crm.customer_operations import add_customer
from bss.crm.operations import add_organization
from bss.due import due_of, schedule
from bss.edge.database import database_url
from bss.inventory.kinds import name_of
from bss.inventory.operations import add_number, add_sim, release, reserve
from bss.inventory.queries import products_of_accounts, resources
from bss.inventory.renewals import REFUSED, RENEWAL_DUE
from bss.orchestration.order_placing import AskedItem, place_order
from bss.orders.operations import cancel
from bss.orders.records import Action
from bss.prepay.operations import request_action, settle_action
from bss.prepay.records import ActionKind, ActionState
from bss.views.customer_360 import PRODUCTS_SHOWN
from bss.work import Work
from tests.bss.console.served import EMPTY_TENANT, PASSWORD, Served, Stage
from tests.bss.orchestration.world import with_check_digit

CPU_S_MAX = 0.15
"""Of making a page, its client's part in it included: what a quiet machine takes, since nothing is waited for."""
pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage().serving() as stage:
        yield stage


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def served(request: pytest.FixtureRequest, stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    if request.param == "sqlite":
        url = database_url("", tmp_path_factory.mktemp("console"))
        shutil.copyfile(request.getfixturevalue("sqlite_template"), str(url.database))
    else:
        url = request.getfixturevalue("postgresql").create("console", template="farebox_tables")
    with stage.showing(url) as running:
        yield running


@contextmanager
def client_of(served: Served, login: str, tenant: str = "default") -> Iterator[httpx.Client]:
    """A browser's place, logged in."""
    with httpx.Client(base_url=served.url, trust_env=False, timeout=20) as client:
        answer = client.post("/console/login", data={"login": login, "password": PASSWORD, "tenant": tenant, "to": ""})
        assert (answer.status_code, answer.headers["location"]) == (303, "/console")
        yield client


def test_every_place_is_a_page(served: Served) -> None:
    with client_of(served, "ann") as client:
        for place in PLACES:
            answer = client.get(place.path)
            assert answer.status_code == 200, place
            assert place.title in answer.text
            assert "Not for you" not in answer.text


def test_who_lacks_the_permission_is_told_which(served: Served) -> None:
    with client_of(served, "otto") as client:
        answer = client.get("/console/fallout")
        assert "Not for you" in answer.text
        assert "order:repair" in answer.text
        assert "/console/fallout" not in client.get("/console/orders").text


def test_fallout_offers_what_a_step_admits(served: Served) -> None:
    """The step that makes the product is tried again or undone; nobody can leave it out or do it by hand."""
    words = ("Try again", "Cancel the order", "Skip", "Do it by hand")
    world = served.world
    [free, *_] = world.do(resources, "msisdn", state="free")
    item = AskedItem(action="add", offering_id="monthly", resources={"msisdn": name_of(free)})
    order = world.place(item)
    world.do(reserve, "msisdn", reserved_for="counter 4", name=name_of(free))
    with client_of(served, "ann") as client:
        before = client.get("/console/fallout").text
        assert world.run(order.id).steps[0].state == "failed"
        after = client.get("/console/fallout").text
    assert [after.count(word) - before.count(word) for word in words] == [1, 1, 0, 0]
    world.do(cancel, order_id=order.id)
    assert world.run(order.id).order.state == "cancelled"
    world.do(release, "msisdn", name=name_of(free))


def test_a_run_of_a_rule_is_shown_and_filtered(served: Served) -> None:
    with client_of(served, "ann") as client:
        listed = client.get("/console/automation/runs?state=failed").text
        (failed,) = served.world.do(list_runs, state="failed")
        assert failed.id in listed
        assert "ticket-for-a-held-order" in listed, "rules in force are shown beside the runs"
        assert "No runs" in client.get("/console/automation/runs?state=stopped").text
        shown = client.get(f"/console/automation/runs/{failed.id}").text
        for part in ("place_order", "Replay", "suspend_product", "with.product: it came to nothing"):
            assert part in shown
        assert "there is no automation_run" in client.get("/console/automation/runs/none").text
    with client_of(served, "otto") as client:
        assert "automation:read" in client.get("/console/automation/runs").text


def test_a_customer_page_tells_of_renewals_and_of_money(served: Served) -> None:
    world, account_id, page = served.world, served.account_id, f"/console/customers/{served.world.customer_id}"
    [has] = world.do(products_of_accounts, [account_id])
    [due] = world.do(due_of, has.id)
    asked: dict[str, Any] = {"engine_account_id": account_id, "currency": "EUR", "customer_id": world.customer_id}
    topped_up = world.do(request_action, kind=ActionKind.TOP_UP, amount_micros=12_500_000, **asked)
    world.do(settle_action, topped_up.id, state=ActionState.DONE)
    taken = world.do(request_action, kind=ActionKind.ADJUST, amount_micros=-900_000_000, reason="mistake", **asked)
    world.do(settle_action, taken.id, state=ActionState.REFUSED, outcome="there is no such account")
    with client_of(served, "cara") as client:
        shown = client.get(page).text
        for words in (
            "renews ",
            "Top-up of 12.50 EUR",
            "Adjustment of -900.00 EUR, there is no such account",
            "mistake",
        ):
            assert words in shown, words
        world.do(schedule, RENEWAL_DUE, resource_id=has.id, at_ns=due.at_ns, **{REFUSED: "there is no money"})
        shown = client.get(page).text
        assert "Not renewed: there is no money; asked again " in shown
        assert "renews " not in shown
    world.do(schedule, RENEWAL_DUE, resource_id=has.id, at_ns=due.at_ns)


def test_a_customer_of_many_lines_is_shown_by_parts_and_each_line_is_found(served: Served) -> None:
    world, count = served.world, PRODUCTS_SHOWN + 3

    def join(work: Work) -> str:
        for number in range(count):
            add_number(work, number=f"4860090{number:04d}")
            add_sim(work, iccid=with_check_digit(f"894804{number:012d}"), imsi=f"26009{number:010d}")
        firm = add_organization(work, trading_name="Many Lines")
        return add_customer(work, party_id=firm.id, name="Many Lines").id

    firm_id = world.do(join)
    for number in range(count):
        asked = AskedItem(action=Action.ADD, offering_id="monthly", resources={"msisdn": f"4860090{number:04d}"})
        world.run(world.do(place_order, customer_id=firm_id, items=[asked]).id)
    page = f"/console/customers/{firm_id}"
    with client_of(served, "cara") as client:
        newest = client.get(page).text
        assert [newest.count(f"4860090{number:04d}") > 0 for number in range(count)] == [False] * 3 + [True] * 10
        assert f"{PRODUCTS_SHOWN} of {count}, the newest first" in newest
        assert newest.count("charged so far") == PRODUCTS_SHOWN, "accounts are those of what is shown"
        assert "48600900001" in client.get("/console/customers?q=48600900001").text
        line = client.get(f"{page}?line=48600900001").text
        assert line.count("charged so far") == 1
        assert "48600900001" in line
        older = re.search(r"before=([0-9a-f-]+)", newest)
        assert older is not None
        last = client.get(f"{page}?before={older[1]}").text
        assert last.count("charged so far") == 3
        assert "None begins so" in client.get(f"{page}?line=777").text


def paths(served: Served) -> list[tuple[str, str]]:
    """(path, permission) of each page."""
    customer, ticket = served.world.customer_id, served.ticket_id
    return [
        *((place.path.replace("/customers", "/customers?q=now"), place.permission) for place in PLACES),
        (f"/console/customers/{customer}", "customer:read"),
        (f"/console/customers/{customer}/changes", "audit:read"),
        (f"/console/tickets/{ticket}", "ticket:read"),
        ("/console/automation/runs/any", "automation:read"),
        ("/console/orders/new", "order:write"),
        ("/console/orders/any", "order:read"),
    ]


def test_every_page_says_which_permission_lacks(served: Served) -> None:
    with client_of(served, "guest") as client:
        for path, permission in paths(served):
            text = client.get(path).text
            assert "Not for you" in text, path
            assert permission in text, path


def test_every_page_says_that_the_database_is_away(served: Served) -> None:
    served.pages.is_away = True
    try:
        with client_of(served, "ann") as client:
            for path, _ in paths(served):
                answer = client.get(path)
                assert answer.status_code == 200, path
                assert "The database can" in answer.text or path == "/console", path
                assert "connection refused" in answer.text or path == "/console", path
    finally:
        served.pages.is_away = False


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/console/customers", "Whom do you look for?"),
        ("/console/customers?q=nobody", "Nobody is found"),
        ("/console/tickets", "No ticket is open"),
        ("/console/tickets/none", "there is no trouble_ticket"),
        ("/console/orders", "No orders"),
        ("/console/orders/new", "no catalogue release is in force"),
        ("/console/fallout", "Nothing fell out"),
        ("/console/catalogue", "No catalogue yet"),
        ("/console/inventory", "No numbers and no SIMs"),
        ("/console/automation", "Nothing failed"),
        ("/console/automation/runs", "No runs"),
        ("/console/customers/none/changes", "there is no customer"),
    ],
)
def test_what_a_page_says_of_a_tenant_who_has_nothing(served: Served, path: str, said: str) -> None:
    with client_of(served, "ann", EMPTY_TENANT) as client:
        assert said in client.get(path).text


def test_another_tenants_ids_are_nobodys(served: Served) -> None:
    with client_of(served, "ann", EMPTY_TENANT) as client:
        for path in (f"/console/customers/{served.world.customer_id}", f"/console/tickets/{served.ticket_id}"):
            text = client.get(path).text
            assert "there is no" in text
            assert "Nowak" not in text


def test_a_customers_changes_say_who_did_what(served: Served) -> None:
    with client_of(served, "otto") as client:
        text = client.get(f"/console/customers/{served.world.customer_id}/changes").text
    for part in ("record consent", "text_version", "2025-01", "add contact medium", "ann@example.org"):
        assert part in text
    assert "open ticket" not in text, "an auditor doesn't read tickets"


def test_a_ticket_offers_what_may_follow(served: Served) -> None:
    with client_of(served, "cara") as client:
        text = client.get(f"/console/tickets/{served.ticket_id}").text
    for part in ("No data abroad", "Resolve", "Take it over", "Roaming partner was asked", "acknowledged"):
        assert part in text
    assert "Close" not in text, "it isn't resolved"


def test_nobody_sees_a_page_without_a_login(served: Served) -> None:
    with httpx.Client(base_url=served.url, trust_env=False) as client:
        for cookie in ("", "default.forged", "brand-2.forged", "nonsense"):
            client.cookies.set(COOKIE, cookie, path="/console")
            answer = client.get("/console/customers")
            assert (answer.status_code, answer.headers["location"]) == (303, "/console/login?to=/console/customers")


def test_a_wrong_password_begins_nothing(served: Served) -> None:
    with httpx.Client(base_url=served.url, trust_env=False) as client:
        fields = {"login": "ann", "password": "wrong", "tenant": "default"}
        for wrong in (fields, fields | {"login": "nobody"}, fields | {"tenant": "brand-2"}, {}):
            answer = client.post("/console/login", data=wrong)
            assert answer.status_code == 401
            assert COOKIE not in answer.cookies
            assert "user or password is wrong" in answer.text


@pytest.mark.parametrize("to", ["https://evil.example", "//evil.example", "/console/../x", "/console\\evil", "/other"])
def test_a_login_leads_to_pages_of_ours_alone(served: Served, to: str) -> None:
    with httpx.Client(base_url=served.url, trust_env=False) as client:
        fields = {"login": "ann", "password": PASSWORD, "tenant": "default", "to": to}
        assert client.post("/console/login", data=fields).headers["location"].startswith("/console")
        assert "evil" not in client.post("/console/login", data=fields).headers["location"].replace("/console\\", "x")


def test_a_session_that_was_ended_is_over_at_once(served: Served) -> None:
    with client_of(served, "cara") as client:
        assert "Customers" in client.get("/console/customers").text
        cookie = client.cookies[COOKIE]
        client.get("/console/logout")
        client.cookies.set(COOKIE, cookie, path="/console")
        assert client.get("/console/customers").status_code == 303


def test_a_customer_has_balances_tickets_and_orders_on_one_page(served: Served) -> None:
    with client_of(served, "cara") as client:
        text = client.get(f"/console/customers/{served.world.customer_id}").text
    for part in (
        "Ann Nowak",
        "EUR",
        "GiB",
        "Asked about roaming",
        "ann@example.org",
        "Monthly",
        "data-1gib",
        "withdrawn",
    ):
        assert part in text


def test_who_is_not_there_is_said_with_a_remedy(served: Served) -> None:
    with client_of(served, "cara") as client:
        assert "there is no customer" in client.get("/console/customers/nobody").text


def test_an_engine_that_is_away_leaves_the_rest_of_the_page(served: Served) -> None:
    served.world.engine.is_away = True
    try:
        with client_of(served, "cara") as client:
            text = client.get(f"/console/customers/{served.world.customer_id}").text
        assert "The engine says nothing of this account" in text
        assert "Ann Nowak" in text
    finally:
        served.world.engine.is_away = False


def test_pages_take_little_time_of_a_processor(served: Served) -> None:
    with client_of(served, "ann") as client:
        for path in (
            "/console",
            f"/console/customers/{served.world.customer_id}",
            "/console/orders",
            "/console/catalogue",
        ):
            client.get(path)
            took = []
            for _ in range(3):
                began = time.process_time()
                client.get(path)
                took.append(time.process_time() - began)
            assert min(took) < CPU_S_MAX, path
