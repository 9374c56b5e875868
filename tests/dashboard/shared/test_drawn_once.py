"""Charts that pages show again and again are drawn once, and anew as soon as anything in them changes."""

import altair as alt
import polars as pl
import pytest

from dashboard.shared import widgets
from dashboard.shared.chart_style import Chart
from tests.dashboard.conftest import _forget
from worker.evaluation.measures import DECIDING, Measure

FRAME = pl.DataFrame({"value": range(300)})


@pytest.fixture(autouse=True)
def _nothing_drawn_yet() -> None:
    _forget()


def dots(frame: pl.DataFrame, names: dict[int, str], error: Measure) -> Chart:
    return alt.Chart(frame).mark_point().encode(x=alt.X("value:Q", title=f"{error.short} of {names[1]}"))


def test_what_is_the_same_is_drawn_once() -> None:
    first = widgets.once(dots, FRAME, {1: "Ridge"}, DECIDING["mae"])
    assert widgets.once(dots, FRAME.clone(), {1: "Ridge"}, DECIDING["mae"]) is first


@pytest.mark.parametrize(
    ("frame", "names", "measure"),
    [
        (FRAME.with_columns(value=pl.when(pl.col("value") == 150).then(-1).otherwise("value")), {1: "Ridge"}, "mae"),
        (FRAME, {1: "Boosting"}, "mae"),
        (FRAME, {1: "Ridge"}, "rmsle"),
    ],
)
def test_what_differs_anywhere_is_drawn_anew(frame: pl.DataFrame, names: dict[int, str], measure: str) -> None:
    first = widgets.once(dots, FRAME, {1: "Ridge"}, DECIDING["mae"])
    assert widgets.once(dots, frame, names, DECIDING[measure]).spec != first.spec
