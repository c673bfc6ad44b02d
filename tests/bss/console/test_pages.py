"""Pages over HTTP: who may see them, what they say, how fast they are made. A browser walks them in acceptance."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from bss.automation.queries import list_runs
from bss.console.frame import PLACES
from bss.console.site import COOKIE
from tests.bss.console.served import PASSWORD, Served, served_console

CPU_S_MAX = 0.15
"""Of making a page, its client's part in it included: what a quiet machine takes, since nothing is waited for."""
pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served_console(Path(tmp_path_factory.mktemp("console"))) as running:
        yield running


@contextmanager
def client_of(served: Served, login: str) -> Iterator[httpx.Client]:
    """A browser's place, logged in."""
    with httpx.Client(base_url=served.url, trust_env=False, timeout=20) as client:
        answer = client.post(
            "/console/login", data={"login": login, "password": PASSWORD, "tenant": "default", "to": ""}
        )
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
    for part in ("Ann Nowak", "EUR", "GiB", "Asked about roaming", "ann@example.org", "Monthly"):
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
