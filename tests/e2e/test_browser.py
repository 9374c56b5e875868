"""An analyst's way through the pages in a real browser: upload, map, run, watch, compare, download."""

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Page, expect

from tests.builders import a_catalogue
from tests.e2e.conftest import LATER, chart, visit
from tests.e2e.live import Live, live_stack
from worker import specs

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.model, pytest.mark.timeout(1800)]

ITEMS, BROKEN = 300, 2
PICTURE = os.environ.get("PICTURE")
"""Where `make picture` wants the README's picture; it then waits for the whole demo instead of a few rows of it."""


@pytest.fixture(scope="module")
def stack() -> Iterator[Live]:
    """With the demo catalogue, priced as `pricewright up` does it for everybody."""
    with live_stack(
        **({} if PICTURE else {"demo_rows": "12", "demo_train_rows": "24", "calibration_rows": "20"})
    ) as stack:
        stack.wait_for("the demo catalogue", stack.jobs)
        yield stack


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """An export as shops make them: a line of words first, semicolons, decimal commas, two rows that can't be used."""
    frame = a_catalogue(ITEMS)
    lines = ["Auszug für Händler;;;;", "Artikel;Beschreibung;Warengruppe;Marke;Preis"]
    for row in frame.iter_rows(named=True):
        price = "cheap" if row["row"] < BROKEN else f"{row['price']:.2f}".replace(".", ",")
        lines.append(";".join([row["title"], row["description"], row["category"], row["brand"], price]))
    path = tmp_path / "our shop.csv"
    path.write_text("\n".join(lines), encoding="cp1252")
    return path


def test_the_demo_is_priced_and_compared(page: Page, stack: Live, tmp_path: Path) -> None:
    stack.wait_for("the priced demo", lambda: done(stack) == len(specs.defaults()) + 1, seconds=1500)
    page.set_viewport_size({"width": 1360, "height": 1180})
    page.goto(f"{stack.url}/tradeoffs?dataset=1")
    expect(page.get_by_text(re.compile("is (best|ahead) on mean error"))).to_be_visible(timeout=LATER)
    expect(page.get_by_text("This catalogue is synthetic")).to_be_visible()
    chart(page)
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0)
    page.wait_for_timeout(1000)  # charts fade in
    page.screenshot(path=PICTURE or tmp_path / "tradeoffs.png")


def done(stack: Live) -> int:
    jobs = stack.jobs()
    return sum(job["state"] == "done" and job["kind"] == "price" for job in jobs)


def test_from_a_file_to_a_download(page: Page, stack: Live, shop: Path) -> None:
    # upload
    page.goto(stack.url)
    page.get_by_role("button", name="Add a table").click()
    page.locator('input[type="file"]').set_input_files(shop)

    # map: proposed from German headers, taken as it is
    expect(page.get_by_text("Which column means what?")).to_be_visible()
    expect(page.get_by_text("CSV · CP1252 · semicolon between cells · header on line 2")).to_be_visible()
    expect(page.get_by_label("Price", exact=True)).to_have_value("Preis")
    page.get_by_label("Name of the dataset").fill("Our shop")
    page.get_by_role("button", name="Load this table").click()

    # what is in it
    expect(page.get_by_test_id("stMetric").filter(has_text="Rows in the file")).to_contain_text(f"{ITEMS}")
    expect(page.get_by_test_id("stMetric").filter(has_text="Items")).to_contain_text(f"{ITEMS - BROKEN}")
    expect(page.get_by_test_id("stMetric").filter(has_text="Rejects")).to_contain_text(f"{BROKEN}")
    chart(page)
    page.get_by_role("button", name="Choose techniques to price it").click()

    # run: see what it takes, then start
    expect(page.get_by_role("heading", name="Run")).to_be_visible()
    for name in ("Gradient boosting", "Nearest neighbours", "Prompt, no examples"):
        page.get_by_role("button", name=name, exact=True).click()
    page.get_by_role("button", name="Start 2 jobs").click()

    # watch: it moves by itself
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    expect(page.get_by_role("link", name="Predictions")).to_have_count(2, timeout=LATER)  # only done jobs have it
    page.get_by_role("button", name="Compare what is done").click()

    # trade-offs
    expect(page.get_by_text(re.compile("is (best|ahead) on mean error"))).to_be_visible()
    chart(page)
    page.get_by_text("Guesses", exact=True).click()
    expect(page.get_by_text("The line is a perfect guess")).to_be_visible()

    # results and download: all of it, not what the table shows
    visit(page, "Results")
    expect(page.get_by_text("Download all")).to_be_visible()
    frames = {}
    for title, read in (("CSV", pl.read_csv), ("Parquet", pl.read_parquet), ("Excel", pl.read_excel)):
        with page.expect_download() as caught:
            page.get_by_role("button", name=title).click()
        frames[title] = read(io.BytesIO(Path(caught.value.path()).read_bytes()))
    said = page.get_by_text("Download all").inner_text()
    for title, frame in frames.items():
        assert f"Download all {len(frame):,} predictions" in said, title
        assert frame["price"].null_count() == 0
        assert frame.columns == frames["CSV"].columns


def test_a_deep_link_on_a_fresh_server_opens_the_whole_page(page: Page, stack: Live) -> None:
    """Run outside of app.py a page would lack the navigation, and later the sign-in."""
    killed = stack.find("streamlit")
    assert killed
    for process in killed:
        process.kill()
    stack.wait_for(
        "the dashboard again", lambda: stack.find("streamlit") and answers(page, f"{stack.url}/jobs?dataset=1")
    )
    page.goto(f"{stack.url}/jobs?dataset=1")
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    expect(page.get_by_role("link", name="Trade-offs")).to_be_visible()
    chosen = page.get_by_test_id("stSelectbox").filter(has_text="Dataset").locator("input")
    expect(chosen).to_have_value(re.compile("demo"))


def answers(page: Page, url: str) -> bool:
    try:
        page.goto(url)
    except Exception:  # connection refused, in words of the browser's own
        return False
    return True
