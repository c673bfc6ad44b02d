"""A console and a browser, for the modules of tests that look at its pages."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.browser import CHROMIUM, DESK, LACKS, QUIET, Browser
from tests.bss.console.served import Served, served_console


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One: NiceGUI serves once a process."""
    with served_console(Path(tmp_path_factory.mktemp("console"))) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    playwright_api = pytest.importorskip("playwright.sync_api", reason=LACKS)
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
