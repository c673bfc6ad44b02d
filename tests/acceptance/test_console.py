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
from bss.console.frame import PLACES
from tests.bss.console.served import EMPTY_TENANT, PASSWORD, Served, served_console

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
HIDE_BACKDROP = "document.querySelectorAll('.q-dialog__backdrop').forEach(each => each.style.visibility = 'hidden')"
"""axe takes what lies behind a dialog for something before it, and finds its texts pale."""
SEEN_S = 8
"""So long the live page is looked at, so that its charts have lines."""
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

    def log_in(self, login: str, tenant: str = "default") -> None:
        self.page.goto(f"{self.served.url}/console/login")
        self.page.get_by_label("User").fill(login)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_label("Tenant").fill(tenant)
        self.page.get_by_role("button", name="Log in").click()
        self.page.get_by_role("heading", name="Live operations").wait_for()

    def open_customer(self, customer_id: str = "") -> None:
        self.open(f"/console/customers/{customer_id or self.served.world.customer_id}", "Customer")

    def press(self, button: str) -> None:
        self.page.get_by_role("button", name=button, exact=True).first.click()

    def answer(self, button: str, **typed: str) -> None:
        """Fill the dialog that is open, by the beginnings of its labels, and press a button of it."""
        dialog = self.page.get_by_role("dialog").last
        dialog.wait_for()
        for label, text in typed.items():
            dialog.get_by_label(label.replace("_", " ")).first.fill(text)
        dialog.get_by_role("button", name=button, exact=True).click()

    def open(self, path: str, heading: str) -> None:
        self.page.goto(f"{self.served.url}{path}")
        self.page.get_by_role("heading", name=heading, exact=True).first.wait_for()

    def sees(self, text: str) -> None:
        self.page.get_by_text(text).first.wait_for(timeout=10_000)

    def picture(self, name: str) -> None:
        """The whole page on a desk, what is seen at once on a phone."""
        folder = os.environ.get("FAREBOX_SCREENSHOTS")
        if not folder:
            return
        size = self.page.viewport_size
        height = self.page.evaluate("document.documentElement.scrollHeight")
        if size["width"] > PHONE["width"]:
            self.page.set_viewport_size({"width": size["width"], "height": max(height, 600)})
        self.page.wait_for_timeout(400)
        self.page.screenshot(path=Path(folder) / f"{name}.png")
        self.page.set_viewport_size(size)

    def check(self, name: str) -> None:
        """A picture, and what axe finds once nothing moves any more."""
        self.picture(name)
        self.page.wait_for_timeout(400)
        self.page.evaluate(HIDE_BACKDROP)
        found = axe.Axe().run(self.page).response["violations"]
        serious = [
            f"{each['id']}: {each['nodes'][0]['html'][:200]} {each['nodes'][0]['failureSummary']}"
            for each in found
            if each["impact"] in SERIOUS
        ]
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
    browser.page.wait_for_timeout(SEEN_S * 1000)
    browser.check("live")
    customer = browser.served.world.customer_id
    for path, heading, seen, name in (
        ("/console/customers?q=486", "Customers", "Ann Nowak", "customers"),
        (f"/console/customers/{customer}", "Customer", "Open sessions", "customer"),
        (f"/console/customers/{customer}/changes", "Changes", "record consent", "changes"),
        ("/console/tickets", "Tickets", "No data abroad", "tickets"),
        (f"/console/tickets/{browser.served.ticket_id}", "Ticket", "Roaming partner", "ticket"),
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
    browser.open_customer()
    before = money_of(browser.served)
    browser.press("Top up")
    browser.answer("Go on", Amount="twelve")
    browser.sees("An amount such as 12.50")
    browser.answer("Go on", Amount="12.50")
    browser.sees("Top up 12.50 EUR?")
    browser.check("top-up")
    browser.answer("Cancel")
    browser.page.wait_for_timeout(300)
    assert money_of(browser.served) == before, "who cancels moves nothing"
    browser.press("Top up")
    browser.answer("Go on", Amount="12.50")
    browser.sees("Top up 12.50 EUR?")
    browser.answer("Top up")
    browser.sees("Top up 12.50 EUR: done")
    assert money_of(browser.served) == before + 12_500_000


def test_an_adjustment_wants_a_reason(browser: Browser) -> None:
    browser.log_in("cara")
    browser.open_customer()
    before = money_of(browser.served)
    browser.press("Adjust")
    browser.answer("Go on", Amount="-1")
    browser.sees("Say why")
    browser.answer("Go on", Reason="charged twice")
    browser.sees("Adjust -1.00 EUR?")
    browser.answer("Adjust")
    browser.sees("Adjust -1.00 EUR: done")
    assert money_of(browser.served) == before - 1_000_000


def test_a_credit_limit_is_raised_and_lowered(browser: Browser) -> None:
    browser.log_in("cara")
    browser.open_customer()
    before = money_of(browser.served)
    for limit, micros in (("80", 80_000_000), ("20", 20_000_000)):
        browser.press("Credit limit")
        browser.answer("Go on", Amount=limit, Reason="pays on time")
        browser.sees(f"Set credit limit to {limit}.00 EUR?")
        browser.check("credit-limit")
        browser.answer("Set it")
        browser.sees(f"Set credit limit to {limit}.00 EUR: done")
        browser.sees(f"up to {limit}.00 EUR may be owed")
        account = browser.served.world.engine.read_account(1, browser.served.account_id)
        assert account.credit_limit_micros == micros  # type: ignore[union-attr]
    assert money_of(browser.served) == before


def test_an_engine_that_is_away_gets_the_money_later(browser: Browser) -> None:
    browser.log_in("cara")
    browser.open_customer()
    browser.served.world.engine.is_away = True
    try:
        browser.press("Top up")
        browser.answer("Go on", Amount="3")
        browser.sees("Top up 3.00 EUR?")
        browser.answer("Top up")
        browser.sees("it is sent again until it does")
        browser.sees("The engine says nothing of this account")
        browser.check("customer-error")
    finally:
        browser.served.world.engine.is_away = False


def test_a_ticket_goes_through_its_states(browser: Browser) -> None:
    browser.log_in("cara")
    browser.open_customer()
    browser.press("Open a ticket")
    browser.answer("Open")
    browser.sees("Say it in a few words")
    browser.answer("Open", What_is_wrong="Charged twice", More_about_it="On the first of the month")
    browser.page.get_by_role("link", name="Charged twice").click()
    browser.sees("On the first of the month")
    browser.press("Take it over")
    browser.page.get_by_text("cara", exact=True).nth(1).wait_for()
    browser.press("Change when it is due")
    browser.answer("Change it", Due="tomorrow")
    browser.sees("An instant such as")
    browser.answer("Change it", Due="2030-01-02T03:04:05Z")
    browser.sees("2030-01-02 03:04:05 UTC")
    browser.press("Write a note")
    browser.answer("Write it", Note="Refunded")
    browser.sees("Refunded")
    for verb, status in (("Work on it", "inProgress"), ("Resolve", "resolved"), ("Close", "closed")):
        browser.press(verb)
        browser.answer(verb, Why=f"{status} by cara")
        browser.page.get_by_role("cell", name=f"{status} by cara").wait_for()
    assert browser.page.get_by_role("button", name="Resolve").count() == 0, "closed is its end"


def test_a_consent_is_withdrawn_and_what_was_said_stays(browser: Browser) -> None:
    browser.log_in("cara")
    browser.open_customer()
    browser.page.get_by_label("Grant location").click()
    browser.answer("Write it down", Which_text="2026-03")
    browser.page.get_by_label("Withdraw location").click()
    browser.answer("Write it down", Which_text="2026-04")
    browser.page.get_by_label("Grant location").wait_for()
    browser.page.get_by_text("location", exact=True).click()
    browser.sees("withdrawn by phone, text 2026-04")
    browser.sees("granted by phone, text 2026-03")


def test_a_contact_is_written_down_and_an_address_added(browser: Browser) -> None:
    browser.log_in("cara")
    browser.open_customer()
    browser.press("Write down a contact")
    browser.answer("Write it down", What_it_was_about="Wants another plan", What_was_said="More data")
    browser.sees("Wants another plan")
    browser.press("Add a contact")
    browser.answer("Add", Address="nobody")
    browser.sees("email_address:")
    browser.press("Add a contact")
    browser.answer("Add", Address="nowak@example.com")
    browser.sees("nowak@example.com")


def test_who_leaves_is_closed_and_erased_by_name(browser: Browser) -> None:
    """A customer with a product stays; an agent may not erase."""
    browser.log_in("cara")
    browser.open_customer()
    browser.press("Close")
    browser.answer("Close", Why="moves away")
    browser.sees("Terminate them first")
    assert browser.page.get_by_role("button", name="Erase the person").count() == 0
    browser.log_in("ann")
    browser.open_customer(browser.served.leaving_id)
    browser.press("Close")
    browser.answer("Close", Why="moves away")
    browser.page.get_by_text("closed", exact=True).wait_for()
    browser.press("Erase the person")
    browser.answer("Erase for ever", Type="Eva")
    browser.sees("It is another name")
    browser.check("erase")
    browser.answer("Erase for ever", Type="Eva Kowalska")
    browser.page.get_by_text("(erased)").first.wait_for()
    assert browser.page.get_by_text("Kowalska").count() == 0
    browser.page.get_by_role("link", name="Who changed what").click()
    browser.sees("erase party")
    assert browser.page.get_by_text("Kowalska").count() == 0


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


def test_a_key_leads_to_the_search_on_each_page(browser: Browser) -> None:
    browser.log_in("ann")
    for place in PLACES:
        browser.open(place.path, place.title)
        box = "Number, IMSI or name" if place.title == "Customers" else "Find a customer"
        browser.page.locator("h1, [aria-level='1']").first.click()
        browser.page.keyboard.press("/")
        focused = browser.page.locator(f"input[aria-label='{box}']:focus")
        focused.wait_for(timeout=10_000)
        assert focused.input_value() == ""
    browser.open("/console/orders", "Orders")
    browser.page.keyboard.press("/")
    browser.page.locator("input[aria-label='Find a customer']:focus").wait_for()
    browser.page.keyboard.type("Nowak")
    browser.page.keyboard.press("Enter")
    browser.sees("Ann Nowak")


def test_keys_find_a_customer(browser: Browser) -> None:
    browser.log_in("cara")
    browser.open("/console/customers", "Customers")
    browser.sees("Whom do you look for?")
    browser.picture("customers-empty")
    browser.page.keyboard.type("now")
    browser.sees("Ann Nowak")
    browser.page.keyboard.press("Enter")
    browser.page.get_by_role("heading", name="Customer", exact=True).wait_for()


def test_each_page_says_what_lacks(browser: Browser) -> None:
    """Forbidden, without rows, without an engine, without a database."""
    browser.log_in("otto")
    browser.open("/console/fallout", "Fallout")
    browser.sees("Not for you")
    browser.check("forbidden")
    browser.log_in("ann", EMPTY_TENANT)
    for path, title, said, name in (
        ("/console/orders", "Orders", "No orders", "orders-empty"),
        ("/console/tickets", "Tickets", "No ticket is open", "tickets-empty"),
        ("/console/catalogue", "Catalogue", "No catalogue yet", "catalogue-empty"),
    ):
        browser.open(path, title)
        browser.sees(said)
        browser.check(name)
    browser.log_in("ann")
    browser.served.counters.is_away = True
    browser.open("/console", "Live operations")
    browser.sees("The engine can't be seen")
    browser.check("error")
    browser.served.counters.is_away = False
    browser.served.pages.is_away = True
    browser.open("/console/orders", "Orders")
    browser.sees("The database can't be used")
    browser.check("database-away")
    browser.served.pages.is_away = False


def test_each_page_fits_on_a_phone_and_a_desk(browser: Browser) -> None:
    browser.log_in("ann")
    customer = browser.served.world.customer_id
    for size, suffix in ((DESK, ""), (PHONE, "phone")):
        browser.page.set_viewport_size(size)
        for path, title in (
            *((place.path, place.title) for place in PLACES),
            (f"/console/customers/{customer}", "Customer"),
            (f"/console/customers/{customer}/changes", "Changes"),
            (f"/console/tickets/{browser.served.ticket_id}", "Ticket"),
            ("/console/orders/new", "New order"),
        ):
            browser.open(path, title)
            width = browser.page.evaluate("document.documentElement.scrollWidth")
            assert width <= size["width"], f"{path} is {width} wide on {size}"
            if suffix and title in ("Customer", "Tickets", "Live operations"):
                browser.check(f"{suffix}-{title.split()[0].lower()}")


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
