"""Whether errors elsewhere are as promised: known differences, intervals that hold, groups that are drawn together."""

import numpy as np
import polars as pl
import pytest

from worker.evaluation import promise


def frame(errors: np.ndarray, groups: np.ndarray | None = None) -> pl.DataFrame:
    """Rows whose true price is $100, priced so far above it."""
    n = len(errors)
    return pl.DataFrame(
        {
            "truth": np.full(n, 100.0),
            "price": 100.0 + errors,
            "status": ["ok"] * n,
            "group_id": np.arange(n) if groups is None else groups,
        }
    )


def test_a_known_difference_is_told_with_its_interval() -> None:
    random = np.random.default_rng(1)
    kept = promise.kept(frame(random.uniform(4, 8, 400)), frame(random.uniform(10, 14, 300)), "mae")
    assert kept.worse_by == pytest.approx(6, abs=0.3)
    assert kept.low is not None
    assert kept.high is not None
    assert 5.5 < kept.low < 6 < kept.high < 6.5
    assert kept.sentence().startswith("worse than promised by $6.")
    turned = promise.kept(frame(random.uniform(10, 14, 300)), frame(random.uniform(4, 8, 400)), "mae")
    assert turned.sentence().startswith("better than promised by $")
    hits = promise.kept(frame(np.full(50, 5.0)), frame(np.full(50, 50.0)), "within")
    assert hits.worse_by == 1.0  # fewer hits are worse
    assert hits.sentence() == "worse than promised by 100% (100% to 100%)"


def test_few_rows_and_no_answers_say_so() -> None:
    many = frame(np.full(50, 5.0))
    assert promise.kept(many, frame(np.full(5, 50.0)), "mae").sentence() == (
        "too few rows to say whether it is as promised"
    )
    silent = many.with_columns(price=pl.lit(None, pl.Float64), status=pl.lit("unparsed"))
    assert promise.kept(many, silent, "mae").worse_by is None
    assert "nothing was answered" in promise.kept(many, silent, "mae").sentence()
    copies = frame(np.linspace(0, 9, 60), np.arange(60) // 12)  # five independent products
    assert promise.kept(many, copies, "mae").low is None


@pytest.mark.slow
def test_the_interval_holds_the_true_difference_as_often_as_it_says() -> None:
    random = np.random.default_rng(7)
    held = []
    for _ in range(200):
        own, groups = random.exponential(5, 80), np.arange(120) // 2
        here = np.repeat(random.exponential(8, 60), 2)  # each product twice
        kept = promise.kept(frame(own), frame(here, groups), "mae", n_boot=400)
        assert kept.low is not None
        assert kept.high is not None
        held.append(kept.low <= 3 <= kept.high)
    assert 0.89 <= np.mean(held) <= 0.99
