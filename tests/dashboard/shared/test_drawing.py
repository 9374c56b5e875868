"""Charts as pictures: text stays text, and what pages do meanwhile changes nothing."""

import ast
import json
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import altair as alt
import polars as pl
import pytest

from dashboard.shared import drawing
from dashboard.shared.chart_style import Chart

DASHBOARD = Path(drawing.__file__).parents[1]
HOSTILE = "</text><script>alert(1)</script>"


def a_chart() -> Chart:
    when = datetime(2026, 1, 2, tzinfo=UTC)
    frame = pl.DataFrame({"name": [HOSTILE, "b"], "value": [1.5, float("nan")], "when": [when, when]})
    base = alt.Chart(frame).encode(x=alt.X("name:N"), y=alt.Y("value:Q"))
    return alt.layer(base.mark_bar(), base.mark_text().encode(text="name:N", detail="when:T"))


@pytest.mark.slow
def test_an_svg_holds_its_text_letter_by_letter() -> None:
    root = ElementTree.fromstring(drawing.svg(a_chart()))
    assert HOSTILE in ["".join(each.itertext()) for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert not [each for each in root.iter() if each.tag.endswith("script")]


@pytest.mark.slow
def test_ink_and_paper_are_the_pages_own_when_it_is_drawn_into_one() -> None:
    assert 'fill="currentColor"' in drawing.inline_svg(a_chart())
    assert 'fill="#ffffff"' not in drawing.inline_svg(a_chart())
    assert 'fill="#ffffff"' in drawing.svg(a_chart())


def test_a_png_is_sharp_enough_for_a_slide() -> None:
    data = drawing.png(a_chart())
    assert data.startswith(b"\x89PNG")
    assert struct.unpack(">I", data[16:20])[0] >= drawing.SCALE * drawing.WIDTH


def test_how_pages_hand_frames_over_meanwhile_does_not_matter() -> None:
    def named(data: Any) -> dict[str, str]:
        return {"name": "elsewhere"}

    calm = drawing.svg(a_chart())
    alt.data_transformers.register("page", named)
    with alt.data_transformers.enable("page"):
        assert drawing.svg(a_chart()) == calm


def test_what_a_page_is_sent_of_a_drawn_chart_is_vega_lite_and_names_its_frames() -> None:
    drawn = drawing.drawn(a_chart())
    ((name, frame),) = drawn.spec["datasets"].items()
    plain = {key: value for key, value in drawn.spec.items() if key != "datasets"}
    assert alt.LayerChart.from_dict(plain).to_dict()["layer"]  # checked against the schema
    assert name in json.dumps(plain)
    assert frame["name"].to_list() == [HOSTILE, "b"]


def test_two_frames_that_differ_in_one_line_of_many_are_told_apart() -> None:
    frame = pl.DataFrame({"value": range(1_000)})
    other = frame.with_columns(value=pl.when(pl.col("value") == 500).then(-1).otherwise("value"))
    assert drawing.fingerprint(frame) == drawing.fingerprint(pl.DataFrame({"value": range(1_000)}))
    assert drawing.fingerprint(frame) != drawing.fingerprint(other)


def test_every_chart_of_a_page_can_be_taken_away() -> None:
    calls = [
        (path.relative_to(DASHBOARD).as_posix(), node.attr)
        for path in DASHBOARD.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr.endswith("_chart") and node.attr != "line_chart"
    ]
    assert set(calls) == {("shared/widgets.py", "altair_chart"), ("shared/widgets.py", "vega_lite_chart")}
