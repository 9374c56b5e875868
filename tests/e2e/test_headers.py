"""The headers that keep a browser to our own pages are sent with all that the server says, and no page needs more."""

import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, expect

from dashboard.shared.headers import HEADERS
from db.engine import begin
from tests.builders import a_dataset
from tests.dashboard.priced import a_priced_dataset
from tests.databases import Emptied, use_database
from tests.e2e.conftest import LATER, chart
from tests.e2e.live import bare_dashboard

pytestmark = [pytest.mark.stack, pytest.mark.browser]
PAGES = ("data", "tradeoffs", "results")
"""Tables, charts, forms and files; that the rest needs no more either is looked at in the longer walks."""


@pytest.fixture(scope="module")
def dashboard(emptied: Emptied) -> Iterator[str]:
    """The address of a dashboard with a priced dataset, number 1."""
    emptied.freshen()
    use_database(emptied.url)
    with begin() as session:
        a_priced_dataset(session, a_dataset(session, 200), ("constant", "ridge"))
    with bare_dashboard(emptied.url) as address:
        yield address
    use_database("")


@pytest.mark.parametrize(
    "path", ["/", "/tradeoffs", "/_stcore/health", "/static/missing.js", "/media/missing", "/%2e%2e/x"]
)
def test_every_answer_has_them(path: str, dashboard: str) -> None:
    try:
        headers = urllib.request.urlopen(dashboard + path).headers
    except urllib.error.HTTPError as error:
        headers = error.headers
    for name, value in HEADERS.items():
        assert headers.get_all(name) == [value]


def test_no_page_chart_upload_or_download_needs_more(browser: Browser, dashboard: str, tmp_path: Path) -> None:
    context = browser.new_context(viewport={"width": 1360, "height": 1000}, base_url=dashboard)
    page = context.new_page()
    page.set_default_timeout(60_000)
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # Where it was opened at a page's own address, Streamlit first looks for its server below that, in vain.
        if message.type == "error" and "status of 404" not in message.text:
            complaints.append(message.text)

    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    for name in PAGES:
        page.goto(f"/{'' if name == 'data' else name}?dataset=1")
        app = page.get_by_test_id("stApp")
        expect(app).to_have_attribute("data-test-script-state", "notRunning", timeout=LATER)
        expect(page.get_by_role("heading").first).to_be_visible(timeout=LATER)
        if name == "tradeoffs":
            chart(page)
    page.goto("/?dataset=1")
    file = tmp_path / "new.csv"
    file.write_text("title,price\nLamp,3\nChair,4\n")
    page.get_by_role("button", name="Add a table").click()
    with page.expect_request(re.compile("upload_file")) as sent:
        page.locator('input[type="file"]').set_input_files(file)
    answer = sent.value.response()
    assert answer is not None
    assert answer.ok
    # What a stranger's text could still try, had it come through as an image or a script from elsewhere.
    page.evaluate("() => { const image = new Image(); image.src = 'https://elsewhere.example/x.png'; }")
    page.wait_for_timeout(300)
    refused = [text for text in complaints if "elsewhere.example" in text]
    assert len(refused) == 1
    assert [text for text in complaints if text not in refused] == []
    context.close()
