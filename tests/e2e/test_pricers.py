"""An analyst decides once: a catalogue with prices, a verdict, “Use this”, her next file back with prices, and what
these were worth when half of the real ones are known."""

import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Page, expect

from tests.builders import a_catalogue
from tests.e2e.conftest import LATER, visit
from tests.e2e.live import Live, live_stack

pytestmark = [pytest.mark.stack, pytest.mark.browser, pytest.mark.timeout(900)]

ROWS, NEW = 300, 40


@pytest.fixture(scope="module")
def stack() -> Iterator[Live]:
    with live_stack(demo="false", sweep_seconds="1") as stack:
        yield stack


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path, Path]:
    """A catalogue with prices; the next file: semicolons, no prices, other column order, two new categories; and real
    prices of its second half."""
    old, new, real = tmp_path / "catalogue.csv", tmp_path / "june.csv", tmp_path / "real.csv"
    a_catalogue(ROWS).select("title", "description", "category", "brand", "price").write_csv(old)
    place = pl.col("row")
    category = pl.when(place < 3).then(pl.lit("Boats")).when(place < 5).then(pl.lit("Kites")).otherwise("category")
    table = a_catalogue(NEW, seed=2).with_columns(category=category)
    text = table.select("brand", "category", "title", "description").write_csv(separator=";", quote_style="always")
    new.write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
    table.select("title", "description", "price").tail(NEW // 2).write_csv(real)
    return old, new, real


def test_decided_once_used_on_the_next_file(page: Page, stack: Live, files: tuple[Path, Path, Path]) -> None:
    old, new, real = files
    page.goto(stack.url)
    page.locator('input[type="file"]').set_input_files(old)
    page.get_by_role("button", name="Load this table").click()
    page.get_by_role("button", name="Choose techniques to price it").click()
    page.get_by_role("button", name=re.compile("^Start ")).click(timeout=LATER)
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    page.get_by_role("button", name="Compare what is done").click(timeout=LATER)

    # the verdict is put to use
    expect(page.get_by_text(re.compile("is (best|ahead) on mean error"))).to_be_visible(timeout=LATER)
    page.get_by_role("button", name="Use this").first.click()
    page.get_by_label("Name", exact=True).fill("monthly")
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Use this").click()
    expect(page.get_by_text("monthly, version 1, is in use.")).to_be_visible()
    expect(page.get_by_role("link", name="Open Pricers")).to_be_visible()
    visit(page, "Pricers", menu="In use")
    expect(page.get_by_text("learned from catalogue")).to_be_visible()

    # the next file goes in and comes back
    page.locator('input[type="file"]').set_input_files(new)
    download = page.get_by_role("button", name="Your file with prices")
    expect(download).to_be_visible(timeout=LATER)
    expect(page.get_by_text(re.compile("5 rows of 40 have a category that the rows learned from"))).to_be_visible()
    with page.expect_download() as caught:
        download.click()
    assert caught.value.suggested_filename == "june-priced.csv"
    hers, priced = new.read_bytes().split(b"\r\n"), Path(caught.value.path()).read_bytes().split(b"\r\n")
    assert len(hers) == len(priced) == NEW + 2
    assert all(now.startswith(line) for line, now in zip(hers, priced, strict=True))
    assert priced[0].endswith(b";price;low;high;flag;reason")
    said = re.compile(rb";\d+\.\d\d;(\d+\.\d\d)?;(\d+\.\d\d)?;(ok;|for a person;.+)$")
    assert [line for line in priced[1:-1] if not said.search(line)] == []

    # and can be looked at again from the address alone
    page.reload()
    expect(page.get_by_role("button", name="Your file with prices")).to_be_visible()
    visit(page, "Trade-offs")
    expect(page.get_by_text("No row of this table has a known price")).to_be_visible()

    # real prices of half of the rows come later
    visit(page, "Batches", menu="In use")
    expect(page.get_by_text("Bring real prices")).to_be_visible()
    page.locator('input[type="file"]').set_input_files(real)
    expect(page.get_by_text("real.csv")).to_be_visible()
    page.get_by_role("button", name="Compare", exact=True).click()
    half = f"{NEW // 2} rows of {NEW} have a real price, matched by text"
    expect(page.get_by_text(half)).to_be_visible(timeout=LATER)
    expect(page.get_by_text(re.compile(r"Mean error \$?[\d.]+, promised \$?[\d.]+ \(measured on "))).to_be_visible()
