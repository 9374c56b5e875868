"""Charts of one answer, of two runs and of a context curve show what they are given."""

import polars as pl
import pytest

from dashboard.parts.compare import charts as compare_charts
from dashboard.parts.results import charts as results_charts
from dashboard.parts.tradeoffs import charts, context_charts
from tests.dashboard.parts.tradeoffs.test_charts import values
from worker.evaluation import context_curve

QUANTILES = {"0.05": 10.0, "0.25": 20.0, "0.5": 30.0, "0.75": 40.0, "0.95": 90.0}


def test_a_distribution_shows_prices_doubt_and_both_marks() -> None:
    chart = results_charts.distribution(QUANTILES, {"30": 0.4, "25": 0.2}, 30.0, 45.0)
    assert chart is not None
    lines = values(chart)
    assert {line["price"] for line in lines if "share" in line and line["share"] > 0} == {30.0, 25.0}
    assert {(line["price"], line["end"]) for line in lines if "end" in line} == {(10.0, 90.0), (20.0, 40.0)}
    assert {line["name"]: line["price"] for line in lines if "name" in line} == {"Price read": 30.0, "True price": 45.0}


@pytest.mark.parametrize(("price", "truth"), [(None, 45.0), (30.0, None), (None, None), (0.0, 0.0)])
def test_a_distribution_is_drawn_without_a_price_or_a_truth(price: float | None, truth: float | None) -> None:
    chart = results_charts.distribution(QUANTILES, {}, price, truth)
    assert chart is not None
    assert {line["price"] for line in values(chart) if "name" in line} == {each for each in (price, truth) if each}


def test_without_a_distribution_nothing_is_drawn() -> None:
    assert results_charts.distribution({}, {}, 30.0, 45.0) is None


def test_each_row_of_two_runs_is_a_mark_that_says_who_is_nearer() -> None:
    frame = pl.DataFrame(
        {
            "title": ["a", "b", "c", "d"],
            "truth": [10.0] * 4,
            "error_a": [1.0, 5.0, 2.0, None],
            "error_b": [3.0, 0.0, 2.0, 1.0],
        }
    )
    marks = {line["title"]: line["nearer"] for line in values(compare_charts.two_errors(frame)) if "title" in line}
    assert marks == {"a": "A", "b": "B", "c": "Both alike"}


def test_many_rows_are_thinned_out_evenly() -> None:
    n = charts.MOST_POINTS * 3 + 1
    frame = pl.DataFrame({"title": ["x"] * n, "truth": [1.0] * n, "error_a": range(n), "error_b": [1.0] * n})
    drawn = [line["error_a"] for line in values(compare_charts.two_errors(frame)) if "title" in line]
    assert len(drawn) <= charts.MOST_POINTS
    assert max(drawn) > n * 0.99


@pytest.fixture
def curve() -> pl.DataFrame:
    lines = [
        {"k": k, "job_id": k + 1, "prompt_tokens": 100.0 + 40 * k, "mae": 30.0 - k, "mae_low": 25.0 - k,
         "mae_high": 35.0 - k, "usd_per_1000": None if k == 3 else 0.1 * k, "is_enough": k == 3, "level": 0.95}
        for k in (0, 1, 3, 5)
    ]  # fmt: skip
    schema = {name: kind for name, kind in context_curve.COLUMNS.items() if name in lines[0]}
    return pl.DataFrame(lines, schema=schema)


def test_a_context_curve_marks_where_more_no_longer_pays(curve: pl.DataFrame) -> None:
    spec = context_charts.context_error(curve, "neighbours").to_dict()
    by_length = sorted(sorted(line["k"] for line in lines) for lines in spec["datasets"].values())
    assert by_length == [[0, 1, 3, 5], [3]]


def test_a_cost_that_is_unknown_is_not_drawn_as_nothing(curve: pl.DataFrame) -> None:
    assert [line["k"] for line in values(context_charts.context_cost(curve, "neighbours"))] == [0, 1, 5]


def test_both_halves_of_a_context_curve_have_the_same_axis(curve: pl.DataFrame) -> None:
    cost = context_charts.context_cost(curve, "examples").to_dict()["encoding"]["x"]["scale"]
    error = context_charts.context_error(curve, "examples").to_dict()["layer"][0]["encoding"]["x"]["scale"]
    assert cost == error
