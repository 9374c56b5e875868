"""An analyst prices with her own prompt on an endpoint beside RAG, hits the cap, raises it and compares."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.builders import a_catalogue
from tests.e2e.conftest import LATER, chart, visit
from tests.e2e.live import Live, live_stack
from tests.fake_openai.server import Handle, endpoint

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.model, pytest.mark.timeout(900)]

ITEMS = 500
USD_PER_MILLION = "20"  # of tokens, in and out: either job then costs more than the cap
CAP = "0.05"
ASKED, WORDS = "What does this product cost?", "How dear is this one?"


@pytest.fixture(scope="module")
def stack() -> Iterator[Live]:
    with live_stack(demo="false", sweep_seconds="1") as stack:
        yield stack


@pytest.fixture(scope="module")
def server() -> Iterator[Handle]:
    with endpoint(latency_ms=40) as server:
        yield server


def choose(page: Page, label: str, option: str) -> None:
    """In the select box of that label."""
    page.get_by_role("combobox", name=label).first.click()
    page.get_by_role("option", name=option, exact=True).click()


def test_from_a_prompt_of_her_own_to_a_comparison(page: Page, stack: Live, server: Handle, tmp_path: Path) -> None:
    file = tmp_path / "our shop.csv"
    a_catalogue(ITEMS).drop("row").write_csv(file)
    stack.cli("load", str(file))

    # an endpoint: added, tested, priced
    page.goto(f"{stack.url}/endpoints")
    page.get_by_text("Another one", exact=True).click()
    expect(page.locator('input[aria-label="Name"][value=""]')).to_be_visible()
    expect(page.get_by_label("Name", exact=True)).to_have_count(1)  # the form before is gone
    page.get_by_label("Name", exact=True).fill("there")
    page.get_by_label("Base URL").fill(server.base_url)
    page.get_by_role("button", name="Add it").click()
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.get_by_text("It answers and lists")).to_be_visible()
    expect(page.get_by_text("costs stay unknown")).to_be_visible()
    for label in ("In ($/M)", "Out ($/M)"):
        page.get_by_label(label).fill(USD_PER_MILLION)
    page.get_by_role("button", name="Set this price from now on").click()
    expect(page.get_by_text("costs what you entered from now on")).to_be_visible()

    # a prompt: edited, previewed with one of her products, saved, its change shown
    visit(page, "Prompts", menu="Improve")
    text = page.get_by_role("textbox", name="Prompt", exact=True)
    expect(text).to_have_value(re.compile(re.escape(ASKED)))  # the box stands before its words do
    text.fill(text.input_value().replace(ASKED, WORDS))
    text.press("Control+Enter")
    expect(page.get_by_test_id("stCode").filter(has_text=WORDS).first).to_be_visible()
    choose(page, "Count tokens and money for", "fast · on there")
    expect(page.get_by_text("per 1,000 items")).to_be_visible()
    page.get_by_label("What is new").fill("shorter")
    page.get_by_role("button", name="Save as a new version").click()
    expect(page.get_by_text("question has version 2 now")).to_be_visible()
    expect(page.get_by_test_id("stCode").filter(has_text=f"+{WORDS}")).to_be_visible()
    page.get_by_role("button", name="Use question@2 on the Run page").click()

    # a run: the prompt cold and beside RAG, on the endpoint, under a cap
    expect(page.get_by_role("heading", name="Run")).to_be_visible()
    for name in ("Category median", "Ridge on words", "Gradient boosting", "Nearest neighbours", "RAG"):
        page.get_by_role("button", name=name, exact=True).click()
    choose(page, "Language model, for every technique", "fast · on there")
    # while the page is drawn anew, the sum before may still stand beside the new one
    expect(page.get_by_text("In all about").filter(has_text="$")).to_have_count(1)
    page.get_by_role("spinbutton", name="Spend at most, per job").fill(CAP)
    page.get_by_role("button", name="Start 2 jobs").click()

    # the cap pauses both; a higher one lets them end
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    reached = page.get_by_text(f"The cap of ${CAP} is reached")
    expect(reached).to_have_count(2, timeout=LATER)
    assert spent(stack) <= 2 * float(CAP)
    for ended in (1, 2):
        # When nothing runs any more the page starts anew once, and what is half typed is lost.
        page.wait_for_timeout(3_000)
        cap = page.get_by_role("spinbutton", name="New cap ($)").first
        cap.fill("5")
        cap.press("Enter")
        expect(page.get_by_role("link", name="Predictions")).to_have_count(ended, timeout=LATER)
    expect(reached).to_have_count(0)
    assert spent(stack) > 2 * float(CAP)
    assert server.log.repeats() == {}

    # compared row by row, down to the prompt as it was sent
    visit(page, "Compare", menu="Decide")
    expect(page.get_by_text("paired difference")).to_be_visible()
    chart(page)
    table = page.get_by_test_id("stDataFrame").first
    table.scroll_into_view_if_needed()
    table.click(position={"x": 20, "y": 55})  # cells are drawn on a canvas: the first line's tick
    expect(page.get_by_role("tab", name="Prompt as sent")).to_have_count(2)
    for tab in page.get_by_role("tab", name="Prompt as sent").all():
        tab.click()
    expect(page.get_by_test_id("stCode").filter(has_text=WORDS)).to_have_count(2)
    expect(page.get_by_role("tab", name="Neighbours (5)")).to_be_visible()


def spent(stack: Live) -> float:
    """Dollars that both jobs paid, or were about to."""
    return sum(float(job["spent_usd"]) for job in stack.jobs() if job["kind"] == "price")
