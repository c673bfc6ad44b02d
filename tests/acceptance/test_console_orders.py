"""The console in a real browser: orders that fell out and what is decided of them, an order that is cancelled, edits of the
catalogue that are thrown away.
"""

from collections.abc import Iterator

import msgspec
import pytest

from bss.catalog.operations import change_resource
from bss.catalog.queries import resources, working_copy_status
from bss.catalog.records import Offering
from bss.inventory.operations import add_number, add_sim
from bss.network_port import NetworkRefused
from bss.orders.states import OrderState
from bss.work import Work
from tests.acceptance.browser import IN_BROWSER, Browser
from tests.bss.console.served import Served
from tests.bss.orchestration.world import with_check_digit

pytestmark = IN_BROWSER


@pytest.fixture
def held_order(served: Served, request: pytest.FixtureRequest) -> Iterator[str]:
    """Id of an order that a refusing network holds; the network refuses nothing more afterwards."""
    world, place = served.world, len(request.node.name)

    def add_line(work: Work) -> None:
        add_number(work, number=f"486077{place:04d}")
        add_sim(work, iccid=with_check_digit(f"894806{place:012d}"), imsi=f"26007{place:010d}")

    world.do(add_line)
    refused, world.network.refuses = world.network.refuses, NetworkRefused("no_profile", "there is no such profile")
    order_id = world.ordered().order.id
    assert world.view(order_id).order.state == OrderState.HELD
    world.network.refuses = None
    yield order_id
    world.network.refuses = refused


def decide(browser: Browser, order_id: str, word: str) -> None:
    """Press a button of the order's card, and say why."""
    browser.log_in("ann")
    browser.open("/console/fallout", "Fallout")
    card = browser.page.locator(".q-card", has_text=order_id)
    card.get_by_role("button", name=word, exact=True).click()
    browser.sees(f"{word}?")
    with browser.page.expect_navigation():  # the page loads itself again
        browser.answer(word, Why="the network's people say so")


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("Try again", OrderState.COMPLETED),
        ("Skip", OrderState.COMPLETED),
        ("Cancel the order", OrderState.CANCELLED),
    ],
)
def test_what_fell_out_goes_on_as_it_was_decided(
    browser: Browser, held_order: str, word: str, state: OrderState
) -> None:
    decide(browser, held_order, word)
    assert browser.served.world.run(held_order).order.state == state


def test_an_order_is_cancelled_on_its_page_behind_a_question(browser: Browser, held_order: str) -> None:
    browser.log_in("ann")
    browser.open(f"/console/orders/{held_order}", "Order")
    browser.press("Cancel the order")
    browser.sees("What was done is undone, step by step")
    browser.page.wait_for_timeout(2_500)  # the page looks at the order each second meanwhile
    browser.answer("Cancel")
    browser.page.get_by_role("dialog").wait_for(state="hidden")
    assert not browser.served.world.view(held_order).order.is_cancelling, "who thinks better of it cancels nothing"
    browser.press("Cancel the order")
    browser.answer("Cancel the order")
    browser.sees("The order is being cancelled")
    assert browser.served.world.run(held_order).order.state == OrderState.CANCELLED


def test_edits_are_thrown_away_behind_a_question(browser: Browser) -> None:
    world = browser.served.world
    offering = next(each for each in world.do(lambda work: resources(work, kind=Offering)) if each.id == "insurance")
    world.do(change_resource, resource=msgspec.structs.replace(offering, name="Insurance, new"))
    assert world.do(working_copy_status).edit_count > 0
    browser.log_in("ann")
    browser.open("/console/catalogue", "Catalogue")
    browser.press("Discard the edits")
    browser.sees("What was edited is lost")
    browser.answer("Discard")
    browser.page.get_by_role("button", name="Discard the edits").wait_for(state="detached")
    assert world.do(working_copy_status).edit_count == 0
