"""Charts show what they are given, and everybody can tell what is what."""

import numpy as np
import polars as pl
import pytest

from dashboard.parts.data import charts as data_charts
from dashboard.parts.tradeoffs import charts
from dashboard.shared import chart_style
from db.types import Family
from worker import specs
from worker.evaluation import compare, slices
from worker.evaluation.measures import DECIDING, Measure

TECHNIQUES = list(specs.SPECS.values())
LABELS = {number: kind.label for number, kind in enumerate(TECHNIQUES, 1)}


def predictions(n: int = 300, *, free: bool = False) -> pl.DataFrame:
    """One job per technique with growing noise and cost on the same items."""
    random = np.random.default_rng(5)
    truth = np.exp(random.normal(4, 1, n))
    jobs = [
        pl.DataFrame(
            {
                "job_id": [job] * n,
                "row": range(n),
                "group_id": range(n),
                "truth": truth,
                "price": truth * np.exp(random.normal(0, 0.2 * job, n)),
                "status": ["ok"] * n,
                "saved_usd": [0.0] * n,
                "tokens_in": [100] * n,
                "tokens_out": [4] * n,
                "usd": [0.0 if free else 10.0 ** (job - 9)] * n,
                "seconds": [10.0 ** (job - 6)] * n,
                "category": ["Lamps", "Chairs"] * (n // 2),
                "title": [f"Thing {row}" for row in range(n)],
            }
        )
        for job in LABELS
    ]
    return pl.concat(jobs)


def table(frame: pl.DataFrame) -> pl.DataFrame:
    families = {number: str(kind.family) for number, kind in enumerate(TECHNIQUES, 1)}
    return compare.table(frame, n_boot=200).with_columns(
        label=pl.col("job_id").replace_strict(LABELS),
        family=pl.col("job_id").replace_strict(families),
        frontier_odds=pl.when(pl.col("job_id") > 1).then(1 / pl.col("job_id")),
    )


def values(chart: chart_style.Chart) -> list[dict]:
    """Every data line that the chart carries to the browser."""
    return [line for lines in chart.to_dict()["datasets"].values() for line in lines]


@pytest.mark.parametrize("error", DECIDING.values(), ids=DECIDING)
def test_every_technique_is_on_the_trade_off_chart_with_its_label(error: Measure) -> None:
    spec = charts.trade_off(table(predictions()), error).to_dict()
    assert {line["label"] for lines in spec["datasets"].values() for line in lines} == set(LABELS.values())
    better = "lower" if error.lower_is_better else "higher"
    assert f"{better} is better" in str(spec)


def test_the_frontier_is_drawn_from_the_cheapest_to_the_best() -> None:
    spec = charts.trade_off(table(predictions()), DECIDING["mae"]).to_dict()
    line = next(layer for layer in spec["layer"] if layer["mark"]["type"] == "line")
    assert [point["label"] for point in spec["datasets"][line["data"]["name"]]] == ["Category median"]


def test_a_technique_that_costs_nothing_is_still_on_the_log_axis() -> None:
    for line in values(charts.trade_off(table(predictions(free=True)), DECIDING["mae"])):
        assert line["cost"] > 0


@pytest.mark.slow
def test_a_point_is_the_fainter_the_less_likely_it_is_on_the_frontier_and_the_chosen_ones_are_ringed() -> None:
    spec = charts.trade_off(table(predictions()), DECIDING["mae"], chosen=[2]).to_dict()
    points = [layer for layer in spec["layer"] if layer["mark"]["type"] == "point"]
    (ring,) = [layer for layer in points if layer["mark"]["filled"] is False]
    (dots,) = [layer for layer in points if layer["mark"]["filled"] is True]
    assert dots["encoding"]["opacity"]["field"] == "odds"
    assert [line["job_id"] for line in spec["datasets"][ring["data"]["name"]]] == [2]
    assert {line["odds_text"] for line in values(charts.trade_off(table(predictions()), DECIDING["mae"]))} >= {"50%"}


def test_a_chart_of_nothing_is_empty_and_no_error() -> None:
    empty = table(predictions()).clear()
    charts.trade_off(empty, DECIDING["mae"]).to_dict()
    charts.latency(empty).to_dict()
    charts.truth_and_guess(predictions().clear()).to_dict()
    charts.slices(slices.by_category(predictions()).clear(), LABELS, DECIDING["mae"]).to_dict()
    data_charts.price_histogram([], []).to_dict()
    data_charts.split_bar({}).to_dict()


def test_a_job_without_any_readable_answer_is_left_out_of_the_chart() -> None:
    frame = predictions().with_columns(
        status=pl.when(pl.col("job_id") == 5).then(pl.lit("unparsed")).otherwise("status"),
        price=pl.when(pl.col("job_id") != 5).then("price"),
    )
    labels = {line["label"] for line in values(charts.trade_off(table(frame), DECIDING["mae"]))}
    assert labels == set(LABELS.values()) - {LABELS[5]}


def test_few_guesses_are_points_and_many_are_binned_without_losing_one() -> None:
    few = predictions(charts.MOST_POINTS).filter(pl.col("job_id") == 1)
    many = predictions(20_000).filter(pl.col("job_id") == 1)
    assert sum("title" in line for line in values(charts.truth_and_guess(few))) == charts.MOST_POINTS
    squares = [line for line in values(charts.truth_and_guess(many)) if "items" in line]
    assert sum(square["items"] for square in squares) == 20_000
    assert len(squares) < 5_000
    assert all(square["truth"] < square["truth_to"] for square in squares)


def test_each_slice_shows_every_technique_and_how_far_from_the_best() -> None:
    cells = values(charts.slices(slices.by_category(predictions(), n_boot=50), LABELS, DECIDING["mae"]))
    assert len(cells) == 2 * len(LABELS)
    assert {cell["row_name"] for cell in cells} == {"Lamps  (150)", "Chairs  (150)"}
    best = [cell for cell in cells if cell["worse"] == 1.0]
    assert {cell["label"] for cell in best} == {"Category median"}


def test_the_histogram_keeps_every_count() -> None:
    bars = values(data_charts.price_histogram([1.0, 10.0, 100.0], [7, 3]))
    assert [(bar["low"], bar["high"], bar["items"]) for bar in bars] == [(1.0, 10.0, 7), (10.0, 100.0, 3)]


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.2."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("background", ["#ffffff", "#11191a"])
@pytest.mark.parametrize("family", Family)
def test_every_family_is_legible_on_both_backgrounds_and_has_a_shape_of_its_own(
    family: Family, background: str
) -> None:
    assert contrast(chart_style.FAMILY_COLOURS[family], background) >= 3
    assert len(set(chart_style.FAMILY_SHAPES.values())) == len(Family)


@pytest.mark.parametrize("colour", chart_style.HEAT)
def test_white_figures_are_legible_on_every_cell(colour: str) -> None:
    assert contrast(colour, "#ffffff") >= 4.5
