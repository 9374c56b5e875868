"""Cross-fitting and rolling origins: nothing is priced by what has seen it, and intervals hold what they say."""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import a_catalogue
from worker.evaluation import cross_fit
from worker.evaluation.folds import FOLDS, fold_numbers
from worker.refits import parts


def known(n: int, groups: list[int]) -> pl.DataFrame:
    days = [date(2024, 1, 1) + timedelta(i) for i in range(n)]
    frame = a_catalogue(n) if n else a_catalogue(1).head(0)
    return frame.with_columns(
        group_id=pl.Series(groups, dtype=pl.Int64),
        date=pl.Series(days, dtype=pl.Date),
        row=pl.int_range(n, dtype=pl.Int64),
    )


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=30, max_size=120), st.integers(0, 4))
def test_every_row_is_priced_once_by_a_fit_that_saw_none_of_its_group(groups: list[int], repeat: int) -> None:
    made = parts.folds(known(len(groups), groups).drop("date"), repeat)
    assert sorted(row for part in made for row in part.priced["row"]) == list(range(len(groups)))
    for part in made:
        seen = pl.concat([part.train, part.validation])
        assert len(seen) + len(part.priced) == len(groups)
        assert part.torn == 0
        assert not set(seen["group_id"]) & set(part.priced["group_id"])
        assert not set(part.train["group_id"]) & set(part.validation["group_id"])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 50), min_size=20, max_size=200), st.integers(1, 6))
def test_an_origin_learns_only_from_what_is_dated_before(days: list[int], count: int) -> None:
    frame = known(len(days), list(range(len(days)))).with_columns(
        date=pl.Series([date(2024, 1, 1) + timedelta(day) for day in days])
    )
    cuts = parts.origins(frame["date"], count)
    assert len(cuts) <= count
    priced: list[int] = []
    for first, end in cuts:
        part = parts.from_origin(frame, first, end)
        learned = pl.concat([part.train, part.validation])["row"].to_list()
        assert all(frame["date"][row] < first for row in learned)
        assert all(
            first <= frame["date"][row] and (end is None or frame["date"][row] < end) for row in part.priced["row"]
        )
        priced += part.priced["row"].to_list()
    assert len(priced) == len(set(priced))


def out_of_fold(n: int, seed: int, jobs: int = 1) -> tuple[pl.DataFrame, list[float]]:
    """Prices of a small table by cross-fitted ridge regressions on the log, each on some features, and the true mean
    error of the whole table's fit, on 5,000 other rows."""
    random = np.random.default_rng(seed)

    def rows(count: int) -> tuple[np.ndarray, np.ndarray]:
        x = random.normal(size=(count, 6))
        return x, np.exp(3.5 + x[:, :3] @ np.array([0.5, 0.3, 0.2]) + random.normal(0, 0.6, count))

    def fit(x: np.ndarray, y: np.ndarray, used: int) -> Callable[[np.ndarray], np.ndarray]:
        centre, log = x[:, :used].mean(0), np.log(y)
        a = x[:, :used] - centre
        w = np.linalg.solve(a.T @ a + 3 * np.eye(used), a.T @ (log - log.mean()))
        return lambda z: np.exp(log.mean() + (z[:, :used] - centre) @ w)

    (x, y), (far, truth) = rows(n), rows(5000)
    frames, errors = [], []
    for job in range(jobs):
        used = 6 - job
        for repeat in range(cross_fit.REPEATS):
            fold = fold_numbers(np.arange(n), seed=repeat)
            price = np.empty(n)
            for each in range(FOLDS):
                price[fold == each] = fit(x[fold != each], y[fold != each], used)(x[fold == each])
            frames.append(
                pl.DataFrame({"row": np.arange(n), "group_id": np.arange(n), "truth": y, "price": price}).with_columns(
                    job_id=pl.lit(job + 1, pl.Int64), repeat=pl.lit(repeat, pl.Int64)
                )
            )
        errors.append(float(np.abs(fit(x, y, used)(far) - truth).mean()))
    return pl.concat(frames), errors


@pytest.mark.slow
@pytest.mark.parametrize("n", [40, 150])
def test_intervals_hold_the_error_on_other_rows_about_as_often_as_they_say(n: int) -> None:
    rounds, held = 150, 0
    for seed in range(rounds):
        prices, [true] = out_of_fold(n, seed)
        [line] = cross_fit.table(prices).iter_rows(named=True)
        held += line["low"] <= true <= line["high"]
    assert 0.90 <= held / rounds <= 0.99


@pytest.mark.slow
def test_a_technique_that_is_as_good_is_seldom_called_worse() -> None:
    """The second of the two leaves out a feature that says nothing: their true errors hardly differ."""
    called = [cross_fit.table(out_of_fold(60, seed, jobs=2)[0])["verdict"].to_list()[1] for seed in range(100)]
    assert called.count("worse") <= 5


def test_a_table_says_how_many_rows_and_how_sure_and_leaves_out_what_not_all_answered() -> None:
    prices, _ = out_of_fold(60, 1, jobs=2)
    lost = prices.with_columns(
        price=pl.when((pl.col("row") > 2) | (pl.col("job_id") == 1) | (pl.col("repeat") > 0)).then("price")
    )
    lines = cross_fit.table(lost)
    assert lines["n"].to_list() == [57, 57]
    by_job = {line["job_id"]: line for line in lines.iter_rows(named=True)}
    assert (by_job[1]["answered"], by_job[2]["answered"]) == (1.0, 0.95)
    assert (lines["low"] < lines["figure"]).all()
    assert (lines["high"] > lines["figure"]).all()
    assert lines["verdict"][0] == "ahead"
    wider = cross_fit.table(lost, level=0.99)
    assert ((wider["high"] - wider["low"]) > (lines["high"] - lines["low"])).all()
    assert cross_fit.table(prices.head(0)).is_empty()
