"""Errors by date: periods that are whole, a trend that is found where there is one, and intervals that hold it."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from worker.evaluation import ageing

COSTS = {"usd": 0.0, "saved_usd": 0.0, "seconds": 0.0, "tokens_in": 0, "tokens_out": 0}


def priced(n: int, per_month: float, *, seed: int = 0, jobs: int = 1, days: int = 300, copies: int = 1) -> pl.DataFrame:
    """A job's predictions whose mean error grows by `per_month` dollars a month, from 20; `copies`: rows of a group."""
    random = np.random.default_rng(seed)
    day = np.sort(random.integers(0, days, n))
    group = random.integers(0, max(1, n // copies), n)
    shared = random.exponential(1, n)[group]
    parts = []
    for job in range(1, jobs + 1):
        scale = 20 + per_month * day / (365.25 / 12)
        off = scale * (shared if copies > 1 else random.exponential(1, n))
        parts.append(
            pl.DataFrame(
                {
                    "job_id": job, "row": np.arange(n), "group_id": group if copies > 1 else np.arange(n),
                    "truth": 1000.0, "price": 1000 + off, "status": "ok",
                    "date": [date(2024, 1, 1) + timedelta(int(each)) for each in day],
                }
            ).with_columns(**{name: pl.lit(value) for name, value in COSTS.items()})
        )  # fmt: skip
    return pl.concat(parts)


def test_periods_are_consecutive_and_hold_every_dated_row_once() -> None:
    frame = priced(400, 0).with_columns(date=pl.when(pl.col("row") % 10 > 0).then("date"))
    found = ageing.by_date(frame)
    assert found is not None
    periods = found.periods
    assert periods["n"].sum() == 360
    assert (periods["n"] >= ageing.FEWEST_ROWS).all()
    assert (periods["first"][1:] > periods["last"][:-1]).all(), "a day is in one period"
    whole = (frame.filter(pl.col("date").is_not_null())["price"] - 1000).mean()
    assert np.average(periods["figure"], weights=periods["n"]) == pytest.approx(whole)
    assert ((periods["low"] <= periods["figure"]) & (periods["figure"] <= periods["high"])).all()


@pytest.mark.parametrize("n", [0, 1, 59])
def test_of_too_few_dated_rows_nothing_is_said(n: int) -> None:
    assert ageing.by_date(priced(60, 0).head(n)) is None
    same_day = priced(300, 0).with_columns(date=pl.lit(date(2024, 1, 1)))
    assert ageing.by_date(same_day) is None


def test_one_crowded_day_leaves_periods_that_are_large_enough() -> None:
    frame = priced(300, 0).with_columns(
        date=pl.when(pl.col("row") < 265).then(pl.lit(date(2024, 1, 1))).otherwise("date")
    )
    found = ageing.by_date(frame)
    assert found is not None
    assert found.periods["n"].min() >= ageing.FEWEST_ROWS  # type: ignore[operator]


def test_a_strong_trend_is_said_and_none_is_where_there_is_none() -> None:
    names = {1: "Ridge"}
    worse, flat = (ageing.by_date(priced(2000, rise)) for rise in (3.0, 0.0))
    assert worse is not None
    assert flat is not None
    assert ageing.sentences(worse, names)[0].startswith("Ridge: each month later makes its mean error worse, by $")
    assert "no change with the date is shown" in ageing.sentences(flat, names)[0]
    hits = ageing.by_date(priced(2000, 3.0).with_columns(price=(pl.col("price") - 1000) * 8 + 1000), by="within")
    assert hits is not None
    assert hits.trends["per_month"][0] > 0, "fewer hits are worse"


@pytest.mark.slow
@pytest.mark.parametrize(("jobs", "copies"), [(1, 1), (1, 3), (3, 1)])
def test_the_intervals_of_trends_hold_the_true_one_about_as_often_as_they_say(jobs: int, copies: int) -> None:
    rounds, held = 200, 0
    for seed in range(rounds):
        found = ageing.by_date(priced(300, 1.0, seed=seed, jobs=jobs, copies=copies), n_boot=400)
        assert found is not None
        held += bool(((found.trends["low"] <= 1.0) & (found.trends["high"] >= 1.0)).all())
    assert 0.90 <= held / rounds <= 0.99
