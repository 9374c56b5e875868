"""A stranger, a viewer, an analyst and an admin in a real browser, signed in by an identity provider that signs."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from db import acting, datasets
from db.engine import begin
from db.types import Person, Role
from tests.builders import a_dataset
from tests.dashboard.priced import a_priced_dataset
from tests.databases import Emptied, use_database
from tests.e2e.live import ROOT, free_port
from tests.homes import make_home, remove_home
from tests.identity_provider import CLIENT_ID, CLIENT_SECRET, IdentityProvider, identity_provider

pytestmark = [pytest.mark.stack, pytest.mark.browser]

ANNA, BEN, VERA, ADA = "anna@example.com", "ben@example.com", "vera@example.com", "ada@example.com"
COOKIE_SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def provider() -> Iterator[IdentityProvider]:
    with identity_provider({ANNA: ["makers"], BEN: ["makers"], VERA: ["readers"]}) as provider:
        yield provider


@pytest.fixture(scope="module")
def secret(emptied: Emptied) -> Iterator[int]:
    """A priced dataset of Anna's that nobody else sees."""
    emptied.freshen()
    use_database(emptied.url)
    with acting.acting_as(Person(ANNA, Role.ANALYST)), begin() as session:
        acting_dataset = a_dataset(session, 200, name="Secret prices")
    with begin() as session:
        a_priced_dataset(session, acting_dataset, ("constant", "ridge"))
    yield acting_dataset
    use_database("")


@pytest.fixture(scope="module")
def dashboard(emptied: Emptied, secret: int, provider: IdentityProvider) -> Iterator[str]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    home = make_home("sign-in")
    server = subprocess.Popen(
        [sys.executable, "-m", "worker.server.pages", f"--server.port={port}", "--server.address=127.0.0.1",
         "--server.headless=true"],
        cwd=ROOT,
        env=os.environ
        | {
            "PRICEWRIGHT_DATABASE_URL": emptied.url,
            "PRICEWRIGHT_DATA_DIR": str(home),
            "PRICEWRIGHT_PUBLIC_URL": url,
            "PRICEWRIGHT_OIDC_URL": provider.url,
            "PRICEWRIGHT_OIDC_CLIENT_ID": CLIENT_ID,
            "PRICEWRIGHT_OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "PRICEWRIGHT_OIDC_COOKIE_SECRET": COOKIE_SECRET,
            "PRICEWRIGHT_ADMINS": ADA,
            "PRICEWRIGHT_ANALYSTS": "group:makers",
            "PRICEWRIGHT_DEFAULT_ROLE": "viewer",
        },
        stdout=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    assert server.stdout
    try:
        next(line for line in server.stdout if "URL" in line)
        assert (home / "sign-in.toml").stat().st_mode & 0o777 == 0o600
        yield url
    finally:
        server.terminate()
        server.wait(30)
        server.stdout.close()
        remove_home(home)


@contextmanager
def visitor(
    browser: Browser, dashboard: str, name: str = "", scheme: Literal["light", "dark"] = "light"
) -> Iterator[Page]:
    """Somebody at the pages, signed in by a name unless it is empty."""
    context = browser.new_context(viewport={"width": 1360, "height": 900}, base_url=dashboard, color_scheme=scheme)
    page = context.new_page()
    try:
        if name:
            page.goto("/")
            page.get_by_role("button", name="Sign in").click()
            page.get_by_label("Name").fill(name)
            page.get_by_role("button", name="Sign in").click()
            # An address of e-mail is written so that it is no link: something invisible stands before its @.
            expect(page.get_by_role("button", name=re.compile(f"^{name.partition('@')[0]}.*example"))).to_be_visible()
        yield page
    finally:
        context.close()


def test_who_is_not_signed_in_sees_the_sign_in_and_nothing_else(
    browser: Browser, dashboard: str, secret: int, tmp_path: Path
) -> None:
    with visitor(browser, dashboard) as page:
        for address in ("/", f"/results?dataset={secret}&job=1", "/account"):
            page.goto(address)
            expect(page.get_by_role("button", name="Sign in")).to_be_visible()
            expect(page.get_by_test_id("stApp")).to_have_attribute("data-test-script-state", "notRunning")
            assert "Secret" not in page.inner_text("body")
        page.screenshot(path=tmp_path / "sign-in.png")


def test_what_is_private_is_seen_by_its_owner_and_admins_until_it_is_shared(
    browser: Browser, dashboard: str, secret: int, tmp_path: Path
) -> None:
    with visitor(browser, dashboard, ANNA, "dark") as anna, visitor(browser, dashboard, VERA) as vera:
        anna.goto(f"/results?dataset={secret}")  # what it reads is cached from here on
        expect(anna.get_by_role("heading", name="Results", level=1)).to_be_visible()
        anna.goto("/account")
        expect(anna.get_by_text("You are an analyst")).to_be_visible()
        anna.screenshot(path=tmp_path / "account.png")

        vera.goto(f"/results?dataset={secret}&job=1")
        expect(vera.get_by_text("There is no product table yet.")).to_be_visible()
        assert "Secret" not in vera.inner_text("body")

        anna.goto(f"/?dataset={secret}")
        anna.get_by_role("button", name="Who sees it").click()
        anna.get_by_text("These people or groups").click()
        names = anna.get_by_role("textbox", name="Names, with commas between")
        names.fill("group:readers")
        names.press("Enter")
        anna.screenshot(path=tmp_path / "sharing.png")
        anna.get_by_test_id("stPopoverBody").get_by_role("button", name="Save").click()
        expect(anna.get_by_test_id("stPopoverBody")).to_be_hidden()
        with begin() as session:
            assert datasets.get(session, secret).shared_with == ("group:readers",)

        vera.goto(f"/results?dataset={secret}")
        expect(vera.locator(".st-key-dataset_picker input")).to_have_value(re.compile("Secret prices"))
    with visitor(browser, dashboard, ADA) as ada:
        ada.goto(f"/?dataset={secret}")
        expect(ada.locator(".st-key-dataset_picker input")).to_have_value(re.compile("Secret prices"))


def test_signing_out_ends_it(browser: Browser, dashboard: str) -> None:
    with visitor(browser, dashboard, BEN) as page:
        page.goto("/account")
        page.get_by_role("main").get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
        page.goto("/account")
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
