"""With four datasets of one name and size in a real browser, every click acts on the one that the page names."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from db import datasets
from db.engine import begin
from tests.builders import a_dataset
from tests.dashboard.priced import a_priced_dataset
from tests.databases import Emptied, use_database
from tests.e2e.conftest import LATER
from tests.e2e.live import bare_dashboard

pytestmark = [pytest.mark.stack, pytest.mark.browser]


@pytest.fixture(scope="module")
def twins(emptied: Emptied) -> Iterator[list[int]]:
    """Each test acts on one of its own, neither the oldest nor the newest; so one dashboard, which takes five seconds
    of a core, serves them all."""
    emptied.freshen()
    use_database(emptied.url)
    with begin() as session:
        ids = [a_dataset(session, 200, unpriced=10, name="ean") for _ in range(4)]
        for dataset_id in ids:
            a_priced_dataset(session, dataset_id, ("constant", "ridge"))
    yield ids
    use_database("")


@pytest.fixture(scope="module")
def dashboard(emptied: Emptied, twins: list[int]) -> Iterator[str]:
    """The address of a dashboard on their database."""
    with bare_dashboard(emptied.url) as address:
        yield address


@pytest.fixture
def visitor(browser: Browser, dashboard: str, tmp_path: Path) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1360, "height": 1000}, base_url=dashboard)
    page = context.new_page()
    page.set_default_timeout(LATER)
    yield page
    page.screenshot(path=tmp_path / "last.png")
    context.close()


def settled(page: Page) -> None:
    """Nothing runs any more."""
    expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")


def is_at(page: Page, dataset_id: int) -> None:
    settled(page)
    picked = page.locator(".st-key-dataset_picker input")
    expect(picked).to_have_value(re.compile(rf"^ean · 210 items · .* · id {dataset_id}$"))
    assert f"dataset={dataset_id}" in page.url


def known() -> list[int]:
    with begin() as session:
        return sorted(dataset.id for dataset in datasets.all(session))


def test_a_click_and_a_search_stay_with_the_dataset_that_the_page_names(visitor: Page, twins: list[int]) -> None:
    middle = twins[1]
    page = visitor
    page.goto(f"/run?dataset={middle}")
    page.get_by_text("Rows without a price, to get one (10)").click()
    is_at(page, middle)

    page.goto(f"/results?dataset={middle}")
    page.get_by_role("textbox", name="Search").fill("Lamp")
    page.get_by_role("textbox", name="Search").press("Enter")
    is_at(page, middle)


def test_an_impatient_hand_deletes_what_the_page_names_and_nothing_else(visitor: Page, twins: list[int]) -> None:
    middle = twins[2]
    page = visitor
    page.goto(f"/?dataset={middle}")
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text(f"Delete dataset {middle}, ean (210 rows, added")).to_be_visible()
    sure = page.get_by_role("button", name="Delete it")
    box = sure.bounding_box()
    assert box
    place = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    sure.dblclick()
    expect(page.get_by_text(f"Delete dataset {middle}, ean")).not_to_be_visible()
    for _ in range(3):
        page.mouse.click(*place)
    settled(page)
    assert known() == [twin for twin in twins if twin != middle]
    assert f"dataset={middle}" not in page.url
