"""Pages of the console, by the time that the server takes and by what somebody at a browser waits for."""

import shutil
import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from bench.business_load import BusinessTarget, spread_of, timed
from bench.business_seed import customer_id, number_of
from bench.generator_process import BenchError

BROWSER: Final = "chromium"
BROWSER_TIMES: Final = 7
BROWSER_REMEDY: Final = (
    f"it takes the program {BROWSER} (Debian's package of that name) and playwright (farebox's extra [acceptance])"
)
_QUIET: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
_WIDTH, _HEIGHT = 1280, 800
_SEEN_MS_MAX: Final = 20_000.0


class Place(NamedTuple):
    """A page, and what is read on it once it is there."""

    path: str
    shows: str


def places(customers: int, live: Mapping[str, str]) -> dict[str, Place]:
    """What is opened, by name.

    live   ids of customers whose accounts the engine has, by what they are called
    """
    middle = customers // 2
    return {
        "search by number": Place(f"/console/customers?q={number_of(middle)}", number_of(middle)),
        "search by three digits": Place("/console/customers?q=491", number_of(1)),
        "search by name": Place("/console/customers?q=ba", "The first 20"),
        "customer": Place(f"/console/customers/{customer_id(middle)}", "The engine says nothing of this account"),
        **{name: Place(f"/console/customers/{named}", "Open sessions") for name, named in live.items()},
        "orders": Place("/console/orders", "completed"),
        "inventory": Place("/console/inventory?kind=msisdn", "assigned"),
        "catalogue": Place("/console/catalogue", "Prepaid Start"),
        "live operations": Place("/console", "requests a second"),
    }


def run_pages(target: BusinessTarget, opened: Mapping[str, Place]) -> dict[str, Any]:
    """Server time of pages, from the request to the last octet of the answer."""
    return {name: timed(target, target.page(place.path), (200,)) for name, place in opened.items()}


def has_browser() -> bool:
    """Can pages be opened in a browser here?"""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return False
    return shutil.which(BROWSER) is not None


def run_in_browser(target: BusinessTarget, opened: Mapping[str, Place]) -> dict[str, Any]:
    """Milliseconds from the address to the text that the page is about, in a headless Chromium. BenchError.

    Each page is opened once before, so that what all pages share lies in the browser's cache: a user's second page.
    """
    from playwright.sync_api import Error, sync_playwright

    url = f"http://{target.host}:{target.port}"
    name, _, value = target.cookie.partition("=")
    found = {}
    try:
        with sync_playwright() as started:
            browser = started.chromium.launch(executable_path=shutil.which(BROWSER), args=list(_QUIET))
            context = browser.new_context(viewport={"width": _WIDTH, "height": _HEIGHT})
            context.add_cookies([{"name": name, "value": value, "url": url}])
            tab = context.new_page()
            for title, place in opened.items():
                took_ms = [_opened_ms(tab, url, place) for _ in range(BROWSER_TIMES + 1)]
                found[title] = {"first_ms": round(took_ms[0], 1), "ms": spread_of(took_ms[1:])}
            browser.close()
    except Error as error:
        raise BenchError(f"the browser: {error}") from error
    return found


def _opened_ms(tab: Any, url: str, place: Place) -> float:
    began = time.perf_counter()
    tab.goto(f"{url}{place.path}", wait_until="commit")
    tab.get_by_text(place.shows).first.wait_for(state="visible", timeout=_SEEN_MS_MAX)
    return (time.perf_counter() - began) * 1000
