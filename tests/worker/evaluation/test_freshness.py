"""The error is told apart by the age of the neighbours' prices."""

import json

import polars as pl
import pytest

from worker.evaluation import freshness


def a_frame(lines: list[tuple[float, float | None, list[float]]]) -> pl.DataFrame:
    """(truth, price, ages of the neighbours) per prediction."""
    return pl.DataFrame(
        {
            "truth": [truth for truth, _, _ in lines],
            "price": [price for _, price, _ in lines],
            "status": ["ok" if price else "unparsed" for _, price, _ in lines],
            "usd": 0.0,
            "saved_usd": 0.0,
            "seconds": 0.1,
            "tokens_in": 0,
            "tokens_out": 0,
            "evidence": [
                json.dumps({"neighbours": [{"id": "a", "age_days": age} for age in ages]}) for *_, ages in lines
            ],
        },
        schema_overrides={"truth": pl.Float64, "price": pl.Float64},
    )


def test_each_band_has_its_own_error_and_empty_bands_are_left_out() -> None:
    young = [(10, 11, [0.1, 0.2]), (10, 13, [0.5])] * 6
    found = freshness.by_age(a_frame([*young, (100, 150, [400, 10, 500])]))
    assert found["band"].to_list() == ["under a day", "over a year"]
    assert found["mae"].to_list() == [2.0, 50.0]
    assert found["median_ape"].to_list() == pytest.approx([0.2, 0.5])
    assert found["n"].to_list() == [12, 1]
    assert found["mae_low"][0] <= 2 <= found["mae_high"][0]
    assert found["mae_low"][1] is None, "one row has no interval"


def test_a_surer_interval_is_wider() -> None:
    aged = a_frame([(10, 10 + error, [0.1]) for error in range(30)])
    sure, less_sure = (freshness.by_age(aged, level=level).row(0, named=True) for level in (0.99, 0.8))
    assert sure["mae_low"] < less_sure["mae_low"] < less_sure["mae_high"] < sure["mae_high"]
    assert (sure["level"], less_sure["level"]) == (0.99, 0.8)


def test_an_age_on_an_edge_belongs_to_the_older_band() -> None:
    assert freshness.by_age(a_frame([(10, 11, [7.0])]))["band"].to_list() == ["7–30 days"]


def test_what_has_no_price_no_truth_or_no_neighbours_is_left_out() -> None:
    frame = a_frame([(10, None, [1.0]), (10, 12, []), (10, 12, [1.0])])
    frame = frame.with_columns(truth=pl.when(pl.int_range(3) < 2).then("truth"))
    assert freshness.by_age(frame).is_empty()
    assert freshness.by_age(frame).schema == pl.Schema(freshness.COLUMNS)


def test_evidence_of_other_kinds_has_no_age() -> None:
    kinds = pl.Series([None, "[]", '{"category": "Lamps"}', '{"neighbours": [{"id": "a"}]}'])
    assert freshness.neighbour_age(kinds).null_count() == 4
