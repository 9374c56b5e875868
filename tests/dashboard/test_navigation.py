"""The bar: every page stands in it once, the daily ones in sight, the others in menus that one glance takes in."""

from collections import Counter
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.dashboard.conftest import APP

MOST = 7  # entries that one glance takes in


@pytest.fixture
def menus(database: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """Menu -> the files of its pages, as the bar shows them."""
    shown: dict[str, list[str]] = {}
    navigation = st.navigation

    def seen(pages: dict[str, list[st.Page]], position: str) -> st.Page:  # type: ignore[valid-type]
        shown.update({menu: [Path(str(page._page)).stem for page in its] for menu, its in pages.items()})  # type: ignore[attr-defined]
        return navigation(pages, position=position)  # type: ignore[arg-type]

    monkeypatch.setattr(st, "navigation", seen)
    AppTest.from_file(APP, default_timeout=60).run()
    return shown


def test_every_page_stands_in_the_bar_once(menus: dict[str, list[str]]) -> None:
    there = {path.stem for path in (APP.parent / "app_pages").glob("*.py")}
    assert Counter(name for names in menus.values() for name in names) == Counter(there)


def test_one_glance_takes_in_the_bar(menus: dict[str, list[str]]) -> None:
    assert menus[""] == ["data", "run", "jobs", "tradeoffs", "results"]
    named = [menu for menu in menus if menu]
    assert len(named) <= 4
    assert all(0 < len(menus[menu]) <= MOST for menu in named)
