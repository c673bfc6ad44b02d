"""A tab of a real browser (Debian's Chromium, headless) that has the console open. Nothing is loaded from outside, nothing is
logged as an error, axe finds nothing serious.

Screenshots go to docs/images/console when FAREBOX_SCREENSHOTS names that folder.
"""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.bss.console.served import PASSWORD, Served

CHROMIUM = shutil.which("chromium") or ""
IN_BROWSER = [
    pytest.mark.acceptance,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not CHROMIUM, reason="there is no chromium (apt-get install chromium)"),
]
"""Marks of a module of such tests."""
LACKS = "playwright or axe isn't installed: tests/acceptance/run does"
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
IS_STILL = """document.getAnimations().every(
    each => each.playState !== 'running' || each.effect.getComputedTiming().endTime === Infinity)"""
"""Nothing comes or goes, a notification for example: axe finds the texts of what is half there pale. Spinners never end."""
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
        self.page.wait_for_function(IS_STILL)
        self.page.evaluate(HIDE_BACKDROP)
        axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason=LACKS)
        found = axe.Axe().run(self.page).response["violations"]
        serious = [
            f"{each['id']}: {each['nodes'][0]['html'][:200]} {each['nodes'][0]['failureSummary']}"
            for each in found
            if each["impact"] in SERIOUS
        ]
        assert not serious, f"{name}: " + "\n".join(serious)
