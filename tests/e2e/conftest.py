"""A real browser for walks through the pages, and what every walk asks of it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e.live import Live

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
SOON, LATER = 30_000, 300_000  # milliseconds; later = behind other jobs
expect.set_options(timeout=SOON)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        pytest.fail("Chromium is missing: the browser tests need it (Debian: apt-get install chromium).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, stack: Live, tmp_path: Path) -> Iterator[Page]:
    """A fresh visitor. Afterwards: nothing was asked of another machine, and nothing failed in the browser."""
    context = browser.new_context(viewport={"width": 1360, "height": 1000}, accept_downloads=True)
    page = context.new_page()
    page.set_default_timeout(SOON)
    elsewhere: list[str] = []
    errors: list[str] = []
    local = (stack.url, stack.url.replace("http", "ws"), "data:", "blob:")
    page.on("request", lambda request: None if request.url.startswith(local) else elsewhere.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if "Content Security" in said.text else None)
    yield page
    page.screenshot(path=tmp_path / "last.png", full_page=True)
    context.close()
    assert elsewhere == []
    assert errors == []


_DRAWN = """() => {
    const first = document.querySelector('[data-testid="stVegaLiteChart"] :is(canvas, svg.marks)');
    const box = first?.getBoundingClientRect();
    return Boolean(box) && box.width > 300 && box.height > 100;
}"""


def chart(page: Page) -> None:
    """A chart is drawn, not only its frame. Asked until it is: a live chart is put in anew while one looks."""
    page.wait_for_function(_DRAWN)


def visit(page: Page, name: str, menu: str = "") -> None:
    """Go to a page of the bar, or of one of its menus, as a person does who clicks again where nothing moves: a click
    that meets the one run with which a page that is over starts anew may be lost."""
    heading = page.get_by_role("heading", name=name, level=1, exact=True)
    for _ in range(3):
        if menu:
            page.get_by_role("button", name=menu, exact=True).click()
        page.get_by_role("menuitem" if menu else "link", name=name, exact=True).click()
        try:
            expect(heading).to_be_visible(timeout=10_000)
        except AssertionError:
            continue
        return
    expect(heading).to_be_visible()
