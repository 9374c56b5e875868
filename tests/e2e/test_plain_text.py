"""A text of strangers stays a text, whatever it says: as a real browser shows it, in every kind of element."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from tests.e2e.live import ROOT, free_port

pytestmark = [pytest.mark.stack, pytest.mark.browser]

HOSTILE = [
    "![x](http://10.0.0.1/a.png)",
    "[click](http://evil.example/)",
    "<img src=x onerror=alert(1)> <a href='http://evil.example'>x</a>",
    "see http://evil.example/a?b=c or https://evil.example, www.evil.example, me@evil.example, xmpp:a@b.example",
    "<http://evil.example> <me@evil.example>",
    "$x^2$ and $$\\frac{1}{2}$$ cost $5 to $6, \\$7 and \\\\$8$",
    ":red[danger] :red-background[b] :small[s] :badge[b] ::leaf[x] :::box",
    ":material/delete: :streamlit: :smile: :+1: 12:30:45 a:b",
    "*a* **b** _c_ __d__ ~~e~~ ~f~ `g` ``h`` ***i***",
    "# head",
    "1. one",
    "23) two",
    "- list",
    "+ list",
    "> quote",
    "| a | b |",
    "head\n===\n\n---\n    code\n```\nfence\n```\n| a | b |\n|---|---|\n| 1 | 2 |",
    "a -> b <- c <-> d -- e >= f <= g ~= h",
    "&lt;b&gt; &amp; &#60;i&#62; &copy;",
    "[ref]: http://evil.example\n\n[ref]",
    "[^1]: note\n\n[^1]",
    "back\\slash \\* \\",
    "{.class} {{ x }} {#id}",
    "safe\u202edrawkcab",
]

APP = """
import json, sys
import streamlit as st
from dashboard.shared import markdown
texts = json.load(open({path!r}))
if st.query_params.get("kind") == "elements":
    for place, text in enumerate(texts):
        said = markdown.plain(text)
        with st.container(key=f"all-{{place}}"):
            st.markdown(said); st.caption(said); st.error(said); st.warning(said); st.info(said); st.success(said)
            st.title(said, anchor=False); st.subheader(said, anchor=False); st.progress(0.5, text=said)
            st.metric(said, said, help=said); st.button(said); st.tabs([said])
            st.expander(said); st.popover(said); st.status(said); st.toggle(said); st.radio(said, [said])
            st.segmented_control(said, [said]); st.pills(said, [said]); st.selectbox(said, [text])
else:
    for place, text in enumerate(texts):
        with st.container(key=f"text-{{place}}"):
            st.markdown(markdown.plain(text))
            st.markdown(markdown.md(f"**{{markdown.plain(text)}}** costs $5 to $6"))
with st.container(key="end"):
    st.text(json.dumps(len(texts)) + st.query_params.get("turn", ""))
"""


class Shown:
    """Texts on a page of Streamlit."""

    def __init__(self, page: Page, url: str, file: Path) -> None:
        self.page, self.url, self.file, self.turn = page, url, file, 0

    def open(self, texts: list[str], kind: str = "texts") -> None:
        self.file.write_text(json.dumps(texts))
        self.turn += 1
        self.page.goto(f"{self.url}/?kind={kind}&turn=-{self.turn}")
        self.page.locator(".st-key-end").get_by_text(f"{len(texts)}-{self.turn}").wait_for()

    def said(self, count: int) -> list[list[Any]]:
        """Of each text: what is read of it, what is read of it within a sentence, and the kinds of elements in it."""
        return self.page.evaluate(
            """count => [...Array(count).keys()].map(place => {
                const blocks = document.querySelectorAll(`.st-key-text-${place} [data-testid="stMarkdownContainer"]`);
                const tags = [...document.querySelectorAll(`.st-key-text-${place} [data-testid="stMarkdownContainer"] *`)];
                return [blocks[0]?.innerText ?? "", blocks[1]?.innerText ?? "", tags.map(tag => tag.tagName)];
            })""",  # noqa: E501
            count,
        )


@pytest.fixture(scope="module")
def shown(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    folder = tmp_path_factory.mktemp("plain")
    app, file, port = folder / "app.py", folder / "texts.json", free_port()
    app.write_text(APP.format(path=str(file)))
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", str(app), f"--server.port={port}", "--server.address=127.0.0.1"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout
        next(line for line in server.stdout if "URL" in line)
        page = browser.new_page()
        page.route("**/*", lambda route: route.continue_() if "127.0.0.1" in route.request.url else route.abort())
        yield Shown(page, f"http://127.0.0.1:{port}", file)
        page.close()
    finally:
        server.terminate()
        server.wait(30)
        if server.stdout:
            server.stdout.close()


def visible(text: str) -> str:
    """What a reader sees of a text: white space is one space, marks that nobody sees are none."""
    return " ".join("".join(letter for letter in text if letter not in "\u2060\u202e").split())


def is_plain(texts: list[str], said: list[list[Any]]) -> None:
    for text, (alone, within, tags) in zip(texts, said, strict=True):
        assert visible(alone) == visible(text), text
        assert visible(within) == f"{visible(text)} costs $5 to $6", text
        assert set(tags) <= {"P", "STRONG"}, (text, tags)
        assert tags.count("STRONG") == 1, text  # the one around it, which is ours


def test_what_strangers_write_is_read_as_it_stands(shown: Shown) -> None:
    shown.open(HOSTILE)
    is_plain(HOSTILE, shown.said(len(HOSTILE)))


PIECES = st.one_of(
    st.sampled_from([*"\\`*_{}[]()<>#+-.!|~$:=&@^\"'/ \n\t", "http://", "www.", ":red[", ":material/", "a@b.cd", "1."]),
    st.sampled_from(
        ["word", "x", "9", "é", "價", "->", "--", "</b>", "](", "![", "&lt;", ":smile:", "streamlit", "$5"]
    ),
)
TEXTS = st.lists(PIECES, min_size=1, max_size=12).map("".join).filter(lambda text: visible(text) != "")


@settings(max_examples=4, suppress_health_check=list(HealthCheck))
@given(st.lists(TEXTS, min_size=80, max_size=120))
def test_any_text_is_read_as_it_stands(shown: Shown, texts: list[str]) -> None:
    shown.open(texts)
    is_plain(texts, shown.said(len(texts)))


# Not st.badge, which escapes once more and so undoes it; badges only bear words of ours.
def test_no_kind_of_element_makes_more_of_it(shown: Shown) -> None:
    shown.open(HOSTILE[:8], "elements")
    for place, text in enumerate(HOSTILE[:8]):
        elements = shown.page.locator(f".st-key-all-{place}")
        assert elements.get_by_test_id("stMarkdownContainer").count() > 10, text
        assert elements.locator("img").count() == 0, text
        assert elements.locator("a").count() == 0, text
        assert elements.locator(".katex").count() == 0, text
        assert elements.locator("[style*=color]").count() == 0, text
