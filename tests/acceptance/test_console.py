"""The console in a real browser: each page, each money action, what is shown where there is nothing, an error or no
permission.
"""

from bss.console.frame import PLACES
from tests.acceptance.browser import DESK, IN_BROWSER, PHONE, Browser
from tests.bss.console.served import EMPTY_TENANT, Served

pytestmark = IN_BROWSER
SEEN_S = 8
"""So long the live page is looked at, so that its charts have lines."""


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


def test_why_sessions_were_granted_and_refused(browser: Browser) -> None:
    browser.log_in("cara")
    browser.open_customer()
    browser.page.get_by_text("pgw1.example.net;1;7;ann").click()
    browser.sees("INITIAL 0: granted")
    browser.page.get_by_text("Ended and refused").click()
    browser.sees("What helps: Top up money")
    browser.check("why")


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


def money_of(served: Served) -> int:
    account = served.world.engine.read_account(1, served.account_id)
    return sum(bucket.remaining for bucket in account.buckets if bucket.name == "money")  # type: ignore[union-attr]
