"""The console in a real browser (Debian's Chromium, headless): each page, each money action, what is shown where there is
nothing, an error or no permission; nothing is loaded from outside, nothing is logged as an error, axe finds nothing serious.

Screenshots go to docs/images/console when FAREBOX_SCREENSHOTS names that folder.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bss.catalog.operations import change_resource
from bss.catalog.queries import resources
from bss.catalog.records import Offering
from tests.bss.console.served import PASSWORD, Served, served_console

playwright_api = pytest.importorskip(
    "playwright.sync_api", reason="playwright isn't installed: tests/acceptance/run does"
)
axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="axe isn't installed: tests/acceptance/run does"
)

CHROMIUM = shutil.which("chromium") or ""
pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not CHROMIUM, reason="there is no chromium (apt-get install chromium)"),
]
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 800}
SERIOUS = ("serious", "critical")


class Browser:
    """One tab; what it logged and asked of others."""

    def __init__(self, page: Any, served: Served) -> None:
        self.page, self.served = page, served
        self.complaints: list[str] = []
        page.on("console", lambda said: self._note(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self._note(str(error)))
        page.on("request", self._check_request)

    def _note(self, text: str) -> None:
        self.complaints.append(text)

    def _check_request(self, request: Any) -> None:
        if not request.url.startswith((self.served.url, self.served.url.replace("http", "ws"), "data:", "blob:")):
            self._note(f"asked {request.url}")

    def log_in(self, login: str) -> None:
        self.page.goto(f"{self.served.url}/console/login")
        self.page.get_by_label("User").fill(login)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Log in").click()
        self.page.get_by_role("heading", name="Live operations").wait_for()

    def open(self, path: str, heading: str) -> None:
        self.page.goto(f"{self.served.url}{path}")
        self.page.get_by_role("heading", name=heading, exact=True).first.wait_for()

    def sees(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for(timeout=10_000)

    def picture(self, name: str) -> None:
        folder = os.environ.get("FAREBOX_SCREENSHOTS")
        if folder:
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)

    def check(self, name: str) -> None:
        """A picture, and what axe finds."""
        self.picture(name)
        found = axe.Axe().run(self.page).response["violations"]
        serious = [f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found if each["impact"] in SERIOUS]
        assert not serious, f"{name}: " + "\n".join(serious)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served_console(Path(tmp_path_factory.mktemp("console"))) as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield browser
        browser.close()


@pytest.fixture
def browser(chromium: Any, served: Served) -> Iterator[Browser]:
    context = chromium.new_context(viewport=DESK)
    tab = Browser(context.new_page(), served)
    yield tab
    context.close()
    assert not tab.complaints, "\n".join(tab.complaints)


def test_every_page_is_drawn_and_accessible(browser: Browser) -> None:
    browser.page.goto(f"{browser.served.url}/console/login")
    browser.check("login")
    browser.log_in("ann")
    browser.sees("9,000")
    browser.check("live")
    customer = browser.served.world.customer_id
    for path, heading, seen, name in (
        ("/console/customers?q=486", "Customers", "Ann Nowak", "customers"),
        (f"/console/customers/{customer}", "Customer", "Open sessions", "customer"),
        ("/console/orders", "Orders", "completed", "orders"),
        ("/console/fallout", "Fallout", "no such profile", "fallout"),
        ("/console/catalogue", "Catalogue", "monthly", "catalogue"),
        ("/console/inventory", "Inventory", "48600100000", "inventory"),
        ("/console/automation", "Automation", "What will be done by itself", "automation"),
        ("/console/automation/runs", "Automation runs", "ticket-for-a-held-order", "automation-runs"),
        ("/console/password", "Your password", "one-time password", "password"),
    ):
        browser.open(path, heading)
        browser.sees(seen)
        browser.check(name)


def test_an_order_shows_its_graph(browser: Browser) -> None:
    browser.log_in("ann")
    browser.open("/console/orders?state=held", "Orders")
    browser.page.get_by_role("row").nth(1).get_by_role("link").click()
    browser.page.get_by_role("img", name="Steps of the order as a graph").locator("svg").wait_for()
    browser.check("order")


def test_a_top_up_is_asked_again_and_moves_money(browser: Browser) -> None:
    browser.log_in("cara")
    browser.open(f"/console/customers/{browser.served.world.customer_id}", "Customer")
    account = browser.served.account_id
    before = money_of(browser.served)
    browser.page.get_by_role("button", name="Top up").click()
    browser.page.get_by_label("Amount in EUR").fill("twelve")
    browser.page.get_by_role("dialog").get_by_role("button", name="Top up").click()
    browser.sees("An amount such as 12.50")
    browser.page.get_by_label("Amount in EUR").fill("12.50")
    browser.page.get_by_role("dialog").get_by_role("button", name="Top up").click()
    browser.sees("Top up 12.50 EUR?")
    browser.picture("top-up")
    browser.page.get_by_role("dialog").filter(has_text=f"Account {account} of this").get_by_role(
        "button", name="Cancel"
    ).click()
    browser.page.wait_for_timeout(300)
    assert money_of(browser.served) == before, "who cancels moves nothing"
    browser.page.get_by_role("button", name="Top up").first.click()
    browser.page.get_by_label("Amount in EUR").fill("12.50")
    browser.page.get_by_role("dialog").get_by_role("button", name="Top up").click()
    browser.page.get_by_role("dialog").filter(has_text="of this customer").get_by_role("button", name="Top up").click()
    browser.sees("Top up 12.50 EUR: done")
    assert money_of(browser.served) == before + 12_500_000


def test_an_adjustment_wants_a_reason(browser: Browser) -> None:
    browser.log_in("cara")
    browser.open(f"/console/customers/{browser.served.world.customer_id}", "Customer")
    before = money_of(browser.served)
    for reason, said in (("", "Say why"), ("charged twice", "Adjust -1.00 EUR: done")):
        browser.page.get_by_role("button", name="Adjust").first.click()
        browser.page.get_by_label("Amount in EUR").fill("-1")
        browser.page.get_by_label("Reason").fill(reason)
        browser.page.get_by_role("dialog").get_by_role("button", name="Adjust").click()
        browser.page.get_by_role("dialog").filter(has_text="of this customer").get_by_role(
            "button", name="Adjust"
        ).click()
        browser.sees(said)
    assert money_of(browser.served) == before - 1_000_000


def test_an_order_is_placed_behind_a_dry_run(browser: Browser) -> None:
    browser.log_in("cara")
    browser.open("/console/orders/new", "New order")
    browser.page.get_by_label("Customer: number, IMSI or name").fill("Nowak")
    browser.sees("Ann Nowak")
    browser.page.get_by_label("Offering").click()
    browser.page.get_by_role("option", name="Monthly").click()
    browser.sees("What it would do")
    browser.check("new-order")
    browser.page.get_by_role("button", name="Place the order").click()
    browser.page.get_by_role("dialog").get_by_role("button", name="Place the order").click()
    browser.page.get_by_role("heading", name="Order", exact=True).wait_for()


def test_fallout_is_decided_with_a_reason(browser: Browser) -> None:
    browser.log_in("ann")
    browser.open("/console/fallout", "Fallout")
    browser.page.get_by_role("button", name="Do it by hand").click()
    browser.page.get_by_role("dialog").get_by_role("button", name="Do it by hand").click()
    browser.sees("Say why")
    browser.page.get_by_label("Why").fill("the network's people know")
    browser.page.get_by_role("dialog").get_by_role("button", name="Do it by hand").click()
    browser.sees("Note: the network's people know")


def test_a_run_that_failed_is_replayed_behind_a_question(browser: Browser) -> None:
    browser.log_in("ann")
    browser.open("/console/automation/runs?state=stopped", "Automation runs")
    browser.sees("No runs")
    browser.open("/console/automation/runs?state=failed", "Automation runs")
    browser.page.get_by_role("link", name="01").first.click()
    browser.page.get_by_role("heading", name="Automation run", exact=True).wait_for()
    browser.sees("what went wrong")
    browser.check("automation-run")
    browser.page.get_by_role("button", name="Replay").click()
    browser.sees("Replay this run?")
    browser.page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    browser.page.get_by_role("button", name="Replay").click()
    browser.page.get_by_role("dialog").get_by_role("button", name="Replay").click()
    browser.page.locator("main").get_by_text("running").first.wait_for()


def test_keys_find_a_customer(browser: Browser) -> None:
    browser.log_in("cara")
    browser.open("/console/customers", "Customers")
    browser.sees("Whom do you look for?")
    browser.picture("customers-empty")
    browser.page.keyboard.type("now")
    browser.sees("Ann Nowak")
    browser.page.keyboard.press("Enter")
    browser.page.get_by_role("heading", name="Customer", exact=True).wait_for()


def test_forbidden_error_and_phone(browser: Browser) -> None:
    browser.log_in("otto")
    browser.open("/console/fallout", "Fallout")
    browser.sees("Not for you")
    browser.check("forbidden")
    browser.log_in("ann")
    browser.served.counters.is_away = True
    browser.open("/console", "Live operations")
    browser.sees("The engine can't be seen")
    browser.check("error")
    browser.served.counters.is_away = False
    browser.page.set_viewport_size(PHONE)
    browser.open(f"/console/customers/{browser.served.world.customer_id}", "Customer")
    browser.check("phone")
    width = browser.page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"], "a page that is wider than the phone"


def test_a_release_says_what_becomes_of_who_would_be_stranded(browser: Browser) -> None:
    world = browser.served.world
    (old,) = [each for each in world.do(resources, kind=Offering) if each.id == "monthly"]
    world.do(change_resource, resource=msgspec.structs.replace(old, offer="dear"))
    browser.log_in("ann")
    browser.open("/console/catalogue", "Catalogue")
    browser.page.get_by_role("button", name="Publish", exact=True).click()
    browser.sees("would be stranded")
    browser.page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    browser.sees("Say what becomes of them")
    browser.page.get_by_label("Products of monthly become").click()
    browser.page.get_by_role("option", name="with its changes").click()
    browser.picture("publish")
    browser.page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    browser.page.get_by_role("cell", name="2", exact=True).first.wait_for()
    world.relay()
    browser.open("/console/catalogue", "Catalogue")
    browser.sees("monthly to monthly")
    browser.check("migrations")


def money_of(served: Served) -> int:
    account = served.world.engine.read_account(1, served.account_id)
    return sum(bucket.remaining for bucket in account.buckets if bucket.name == "money")  # type: ignore[union-attr]
