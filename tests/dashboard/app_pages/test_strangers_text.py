"""No page makes Markdown, HTML, an icon or an image of what a stranger wrote: names, notes, categories, errors."""

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from streamlit.testing.v1 import AppTest

from db import endpoints
from db.engine import begin
from db.types import Endpoint
from tests.dashboard.conftest import Open

pytestmark = pytest.mark.slow
MARKS = "![p](https://evil.example/p.png) [l](https://evil.example) <img src=//evil.example/i> :material/bolt: **loud**"
ALIVE = re.compile(r"(?<!\\)!?\[[pl]\]?\(https|(?<!\\)<img|:material/bolt:|(?<!\\)\*(?<!\\\*)\*loud")
PAGES = ("data", "run", "jobs", "tradeoffs", "results", "compare", "knowledge", "prompts", "endpoints", "pricers")
# What Streamlit reads as Markdown in an element: its text, and label, help and title beside it.
_READ = ("markdown", "caption", "info", "warning", "error", "success", "title", "header", "subheader", "button",
         "checkbox", "radio", "toggle", "selectbox", "text_input", "number_input", "expander", "metric")  # fmt: skip
_FIELDS = ("body", "label", "help", "delta")


def read_as_markdown(at: AppTest) -> Iterator[str]:
    for kind in _READ:
        found: Any = at.get(kind)
        for element in found:
            proto = getattr(element, "proto", None)
            if kind in ("markdown", "caption", "info", "warning", "error", "success", "title", "header", "subheader"):
                yield str(element.value)
            for field in _FIELDS:
                value = getattr(proto, field, "")
                if isinstance(value, str):
                    yield value
            if kind == "radio":
                yield from map(str, element.options)


def test_what_a_stranger_wrote_stands_as_it_is(open_page: Open, priced: int, database: str) -> None:
    with begin() as session:
        endpoints.add(session, Endpoint("e", "https://host.example/v1", description=MARKS))
    with psycopg.connect(database, autocommit=True) as connection:
        for change in (
            "UPDATE datasets SET name = %s, description = %s",
            "UPDATE jobs SET name = %s, error = %s, description = 'x'",
            "UPDATE chunks SET error = %s || %s",
        ):
            try:
                connection.execute(change, (MARKS, MARKS))
            except psycopg.errors.UndefinedColumn:
                continue
        connection.execute("UPDATE items SET category = %s, title = %s || title", (MARKS, MARKS))
    seen = 0
    for page in PAGES:
        at = open_page(page, dataset=str(priced))
        assert not at.exception, page
        texts = list(read_as_markdown(at))
        seen += sum("evil" in text for text in texts)
        for text in texts:
            assert not ALIVE.search(text), f"{page}: {text}"
    assert seen  # the pages did say it
