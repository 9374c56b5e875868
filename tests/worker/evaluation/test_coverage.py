"""Coverage counts what it says, by what is known when a price is made, and calls nothing broken without reason."""

import numpy as np
import polars as pl
import pytest

from worker.evaluation import coverage


def frame(
    inside: list[bool], *, price: float = 30.0, category: str = "Lamps", copies: int = 1, job: int = 1
) -> pl.DataFrame:
    """Predictions whose intervals are $20 to $45 and hold the true price or do not."""
    n = len(inside)
    return pl.DataFrame(
        {
            "job_id": [1] * n, "group_id": [place // copies for place in range(n)],
            "truth": [price if held else price * 10 for held in inside], "price": [price] * n,
            "low": [price / 1.5] * n, "high": [price * 1.5] * n, "status": ["ok"] * n, "category": [category] * n,
        }
    )  # fmt: skip


def test_it_is_the_share_of_true_prices_inside() -> None:
    [line] = coverage.overall(frame([True] * 90 + [False] * 10)).to_dicts()
    assert (line["n"], line["covered"], line["verdict"]) == (100, 0.9, coverage.HOLDS)
    assert line["width"] == pytest.approx(1.5 - 1 / 1.5)
    assert 0.8 < line["covered_low"] < 0.9 < line["covered_high"] < 0.96


def test_a_surer_interval_is_wider_and_judges_more_mildly() -> None:
    lines = frame([True] * 83 + [False] * 17)
    [mild], [strict] = (coverage.overall(lines, level=level).to_dicts() for level in (0.99, 0.8))
    assert mild["covered_low"] < strict["covered_low"] < strict["covered_high"] < mild["covered_high"]
    assert (mild["verdict"], strict["verdict"]) == (coverage.HOLDS, coverage.NARROW)
    assert (mild["level"], strict["level"]) == (0.99, 0.8)
    for way in (coverage.by_band, coverage.by_category):
        assert way(lines, level=0.8)["covered_low"].to_list() == [strict["covered_low"]]


@pytest.mark.parametrize(
    ("held", "missed", "copies", "verdict"),
    [
        (70, 30, 1, coverage.NARROW),
        (100, 0, 1, coverage.WIDE),
        (85, 15, 1, coverage.HOLDS),
        (10, 9, 1, coverage.FEW),
        (80, 20, 1, coverage.NARROW),
        (80, 20, 5, coverage.HOLDS),  # twenty different products are no hundred
    ],
)
def test_what_chance_explains_is_not_called_broken(held: int, missed: int, copies: int, verdict: str) -> None:
    inside = [True] * held + [False] * missed
    assert coverage.overall(frame(inside, copies=copies))["verdict"].to_list() == [verdict]


def test_segments_are_cut_by_the_predicted_price_and_by_category() -> None:
    cheap = frame([True] * 30, price=5.0, category="Toys")
    dear = frame([False] * 20, price=300.0).with_columns(group_id=pl.col("group_id") + 100)
    bands = coverage.by_band(pl.concat([dear, cheap]))
    assert bands["slice"].to_list() == ["$0–10", "$250–500"]
    assert bands["covered"].to_list() == [1.0, 0.0]
    categories = coverage.by_category(pl.concat([dear, cheap]), top=1)
    assert categories["slice"].to_list() == ["Toys", "(other)"]


def test_rows_without_interval_answer_or_truth_are_no_evidence() -> None:
    rows = frame([True] * 40)
    nothing = pl.lit(None, pl.Float64)
    for gone in (rows.with_columns(low=nothing, high=nothing), rows.with_columns(truth=nothing),
                 rows.with_columns(status=pl.lit("unparsed"))):  # fmt: skip
        assert coverage.overall(gone).is_empty()
        assert dict(coverage.by_category(gone).schema) == coverage.COLUMNS


@pytest.mark.slow
def test_a_true_promise_is_called_broken_in_about_one_case_of_twenty() -> None:
    random = np.random.default_rng(1)
    wrong = [
        coverage.overall(frame((random.random(200) < 0.9).tolist()))["verdict"][0] != coverage.HOLDS for _ in range(400)
    ]
    assert 0.02 < np.mean(wrong) < 0.09
