"""The console in a real browser: runs of rules, and what a release moves."""

import msgspec

from bss.catalog.operations import change_resource
from bss.catalog.queries import resources
from bss.catalog.records import Offering
from tests.acceptance.browser import IN_BROWSER, Browser

pytestmark = IN_BROWSER


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
    browser.page.get_by_role("dialog").wait_for(state="hidden")
    browser.page.get_by_role("button", name="Replay").click()
    browser.page.get_by_role("dialog").get_by_role("button", name="Replay").click()
    browser.page.locator("main").get_by_text("running").first.wait_for()


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
    with browser.page.expect_navigation():  # the page loads itself again
        browser.page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    browser.page.get_by_role("cell", name="2", exact=True).first.wait_for()
    world.relay()
    browser.open("/console/catalogue", "Catalogue")
    browser.sees("monthly to monthly")
    browser.check("migrations")
