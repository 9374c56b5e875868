"""A report as one HTML file: no script, nothing fetched, its charts drawn inside it; light, dark and printed."""

import html
import re
from collections.abc import Mapping, Sequence
from xml.etree import ElementTree

from dashboard.parts.report.content import Column, Figure, Section, Table, with_names
from dashboard.parts.report.facts import Facts
from dashboard.parts.report.html_style import STYLE
from dashboard.shared import drawing
from worker import amounts

_SVG = "http://www.w3.org/2000/svg"
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters, those that turn the direction of text among them."""


def to_html(facts: Facts, sections: Sequence[Section]) -> bytes:
    """The whole file in UTF-8. Whatever people or endpoints wrote stands in it letter by letter."""
    title = f"Pricing {facts.dataset.name}: which technique is best for the money"
    links = "".join(f'<a href="#s{place}">{escaped(each.title)}</a>' for place, each in enumerate(sections))
    body = "".join(_section(place, each, facts.names) for place, each in enumerate(sections))
    counts = f"{amounts.count(len(facts.table), 'technique')} · {amounts.count(facts.rows, 'test row')}"
    # The policy holds even if something should slip through: nothing is fetched and nothing runs.
    page = f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{escaped(title)}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<style>{STYLE}</style></head><body>
<header><p class="kind">Pricing report</p><h1>{escaped(facts.dataset.name)}</h1>
<p class="date">{facts.made_at:%-d %B %Y, %H:%M} UTC · {counts}</p></header>
<nav aria-label="Sections">{links}</nav><main>{body}</main>
<footer>Made by Pricewright.</footer></body></html>
"""
    return page.encode()


def escaped(text: str) -> str:
    """Text of anybody, in which nothing has a meaning for a browser."""
    return html.escape(_UNSEEN.sub("", text))


def _section(place: int, section: Section, names: Mapping[int, str]) -> str:
    said = [with_names(each, names, escaped, "<strong>{}</strong>") for each in section.sentences]
    parts = [f"<p>{sentence}</p>" for sentence in said]
    parts += [f'<p class="warning">{escaped(sentence)}</p>' for sentence in section.warnings]
    parts += [_figure(each) for each in section.figures]
    parts += [_table(each) for each in section.tables]
    kind = ' class="verdict"' if place == 0 else ""
    return f'<section id="s{place}"{kind}><h2>{escaped(section.title)}</h2>{"".join(parts)}</section>'


def _figure(figure: Figure) -> str:
    drawn = _embedded(drawing.inline_svg(figure.chart), figure)
    note = f"<span>{escaped(figure.note)}</span>" if figure.note else ""
    return f"<figure>{drawn}<figcaption><b>{escaped(figure.title)}.</b> {note}</figcaption></figure>"


def _embedded(svg: str, figure: Figure) -> str:
    """A drawing inside a page: named for those who can't see it, its ids its own among those of others."""
    ElementTree.register_namespace("", _SVG)
    root = ElementTree.fromstring(svg)  # noqa: S314 - drawn by us, a moment ago
    own = {each.get("id"): f"{figure.name}-{each.get('id')}" for each in root.iter() if each.get("id")}
    for each in root.iter():
        for attribute, value in list(each.attrib.items()):
            if attribute == "id":
                each.set("id", own[value])
            elif match := re.fullmatch(r"url\(#(.+)\)", value):
                each.set(attribute, f"url(#{own.get(match[1], match[1])})")
    title, about = (ElementTree.Element(f"{{{_SVG}}}{tag}", id=f"{figure.name}-{tag}") for tag in ("title", "desc"))
    title.text, about.text = _UNSEEN.sub("", figure.title), _UNSEEN.sub("", figure.about)
    root.insert(0, title)
    root.insert(1, about)
    root.set("role", "img")
    root.set("aria-labelledby", f"{figure.name}-title")
    root.set("aria-describedby", f"{figure.name}-desc")
    return ElementTree.tostring(root, encoding="unicode")


def _table(table: Table) -> str:
    heads = "".join(f'<th scope="col"{_kind(each)}>{escaped(each.label)}</th>' for each in table.columns)
    lines = "".join(
        "<tr>" + "".join(_cell(place, column, line[column.key]) for place, column in enumerate(table.columns)) + "</tr>"
        for line in table.frame.iter_rows(named=True)
    )
    note = f'<p class="note">{escaped(table.note)}</p>' if table.note else ""
    drawn = (
        f'<div class="wide"><table><caption>{escaped(table.name)}</caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )
    if table.is_detail:
        head = f"{escaped(table.name)}: {amounts.count(len(table.frame), 'line')}"
        drawn = f"<details><summary>{head}</summary>{drawn}</details>"
    return drawn + note


def _cell(place: int, column: Column, value: object) -> str:
    tag = 'th scope="row"' if place == 0 else "td"
    return f"<{tag}{_kind(column)}>{escaped(column.written(value))}</{tag[:2]}>"


def _kind(column: Column) -> str:
    return "" if column.unit == "text" else ' class="number"'
