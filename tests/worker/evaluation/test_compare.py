"""A comparison uses the same items for all, and its intervals and verdicts are what they claim."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from polars.testing import assert_frame_equal

from tests.worker.evaluation.frames import comparisons, job, noisy
from worker.evaluation import compare, metrics, resampling


def _lines(table: pl.DataFrame) -> dict[int, dict[str, Any]]:
    return {line["job_id"]: line for line in table.iter_rows(named=True)}


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(comparisons())
def test_every_interval_contains_its_point_and_order_of_lines_does_not_matter(predictions: pl.DataFrame) -> None:
    table = compare.table(predictions, n_boot=60)
    assert dict(table.schema) == compare.COLUMNS
    for line in table.iter_rows(named=True):
        for name in ("mae", "median_ape", "rmsle", "within", "diff"):
            if line[name] is None:
                assert line[f"{name}_low"] is None
            elif line[f"{name}_low"] is None:
                assert line["n"] < resampling.FEWEST_GROUPS or line["parse_rate"] < 1
            else:
                assert line[f"{name}_low"] <= line[name] <= line[f"{name}_high"]
    shuffled = predictions.sample(fraction=1, shuffle=True, seed=1)
    # Sums in another order differ in the last digit.
    assert_frame_equal(compare.table(shuffled, n_boot=60), table, rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(comparisons())
def test_figures_equal_those_of_each_job_alone(predictions: pl.DataFrame) -> None:
    for line in compare.table(predictions, n_boot=10).iter_rows(named=True):
        alone = metrics.summary(predictions.filter(pl.col("job_id") == line["job_id"]))
        assert {name: line[name] for name in alone} == pytest.approx(alone, nan_ok=True)


def test_only_items_that_every_job_has_a_line_for_are_used() -> None:
    first = job(1, [10.0, 20.0, 1000.0], [11.0, 21.0, 0.5])
    second = job(2, [10.0, 20.0], [15.0, 25.0])
    lines = _lines(compare.table(pl.concat([first, second]), n_boot=20))
    assert [line["n"] for line in lines.values()] == [2, 2]
    assert lines[1]["mae"] == pytest.approx(1.0)


def test_jobs_without_a_shared_item_get_a_line_that_says_so() -> None:
    second = job(2, [10.0], [15.0]).with_columns(row=pl.lit(77, pl.Int64))
    table = compare.table(pl.concat([job(1, [10.0], [11.0]), second]), n_boot=20)
    assert table["n"].to_list() == [0, 0]
    assert table["mae"].null_count() == 2
    assert table["verdict"].null_count() == 2
    assert not table["on_frontier"].any()


def test_an_empty_frame_gives_an_empty_table_with_all_columns() -> None:
    assert dict(compare.table(job(1, [], []).clear()).schema) == compare.COLUMNS


def test_two_lines_for_one_item_are_refused() -> None:
    with pytest.raises(ValueError, match="two predictions"):
        compare.table(pl.concat([job(1, [10.0], [11.0])] * 2))


def test_a_clearly_worse_job_is_worse_and_an_equal_one_is_a_tie() -> None:
    table = compare.table(pl.concat([noisy(1, 400, 0.3), noisy(2, 400, 0.3), noisy(3, 400, 0.9)]))
    assert table["verdict"].to_list() == ["ahead", "tie", "worse"]
    assert _lines(table)[3]["verdict"] == "worse"
    assert table["diff"][0] == 0


def test_pairing_tells_apart_what_separate_intervals_do_not() -> None:
    """A job that is always a little worse: the single intervals overlap, the paired one does not contain 0."""
    first = noisy(1, 300, 0.5)
    off = first["price"] - first["truth"]
    second = first.with_columns(job_id=pl.lit(2, pl.Int64), price=first["truth"] + off * 1.05)
    lines = _lines(compare.table(pl.concat([first, second])))
    assert lines[2]["mae_low"] < lines[1]["mae_high"]
    assert lines[2]["verdict"] == "worse"


def test_the_difference_is_taken_on_items_that_both_answered() -> None:
    first = job(1, [10.0] * 40, [11.0] * 40)
    second = job(2, [10.0] * 40, [None] * 20 + [13.0] * 20)
    third = job(3, [10.0] * 40, [10.5] * 20 + [31.0] * 20)
    lines = _lines(compare.table(pl.concat([first, second, third]), n_boot=50))
    assert lines[2]["diff"] == pytest.approx(2.0)
    assert lines[2]["n"] == 40
    assert lines[2]["parse_rate"] == 0.5


def test_a_job_that_skips_the_hard_items_is_neither_best_nor_on_the_frontier() -> None:
    truth = [10.0] * 90 + [900.0] * 10
    all_answered = job(1, truth, [12.0] * 90 + [500.0] * 10, usd=1e-3)
    skipper = job(2, truth, [11.5] * 80 + [None] * 20, usd=1e-6)
    lines = _lines(compare.table(pl.concat([all_answered, skipper]), n_boot=100))
    assert lines[2]["mae"] < lines[1]["mae"]
    assert lines[1]["verdict"] == "ahead", "the skipper is not shown to be worse on what it answered"
    assert lines[2]["verdict"] == "partial"
    assert lines[1]["on_frontier"]
    assert not lines[2]["on_frontier"]


def test_the_one_ahead_stands_first_whatever_the_figure_of_one_that_answered_little() -> None:
    truth = [100.0] * 60
    whole = job(1, truth, [100.0 + 10 + place % 7 for place in range(60)])
    half = job(2, truth, [100.0 + 3 + place % 5 if place % 2 else None for place in range(60)])
    table = compare.table(pl.concat([half, whole]), n_boot=200)
    assert table["job_id"].to_list() == [1, 2]
    assert table["verdict"].to_list() == ["ahead", "partial"]
    assert table["diff"][1] < table["diff_high"][1] < 0


def test_a_job_that_answered_nothing_has_no_verdict() -> None:
    first, second = job(1, [10.0] * 20, [11.0] * 20), job(2, [10.0] * 20, [None] * 20)
    lines = _lines(compare.table(pl.concat([first, second]), n_boot=20))
    assert lines[2]["verdict"] is None
    assert lines[2]["mae"] is None
    assert lines[1]["verdict"] == "ahead", "nobody else is there to be better than"


@pytest.mark.parametrize("by", ["mae", "median_ape", "rmsle", "within"])
def test_any_measure_can_decide_and_positive_differences_mean_worse(by: str) -> None:
    table = compare.table(pl.concat([noisy(1, 500, 1.0), noisy(2, 500, 0.2)]), n_boot=300, by=by)
    lines = _lines(table)
    assert table["job_id"].to_list() == [2, 1]
    assert lines[2]["verdict"] == "best"
    assert lines[1]["verdict"] == "worse"
    assert lines[1]["diff"] == pytest.approx(abs(lines[1][by] - lines[2][by]))


def test_the_seed_decides_the_resamples() -> None:
    predictions = noisy(1, 200, 0.5)
    assert compare.table(predictions).equals(compare.table(predictions))
    assert not compare.table(predictions, seed=1).equals(compare.table(predictions))


def test_another_job_in_the_comparison_does_not_move_an_interval() -> None:
    alone = compare.table(noisy(1, 300, 0.5))
    beside = compare.table(pl.concat([noisy(1, 300, 0.5), noisy(2, 300, 0.1)]))
    columns = [f"{name}{end}" for name in ("mae", "median_ape", "rmsle", "within") for end in ("_low", "_high")]
    assert_frame_equal(alone.select(columns), beside.filter(pl.col("job_id") == 1).select(columns))


@pytest.mark.slow
def test_95_percent_intervals_hold_the_true_error_in_about_95_percent_of_samples() -> None:
    """Guesses are off by a half-normal amount of known mean, median and log error; 300 samples of 200 items."""
    random = np.random.default_rng(4)
    rounds, n = 300, 200
    hits = dict.fromkeys(("mae", "median_ape", "diff"), 0)
    for number in range(rounds):
        truth = np.full(n, 1000.0)
        first = job(1, truth.tolist(), (truth + random.normal(0, 100, n)).tolist())
        second = job(2, truth.tolist(), (truth + random.normal(0, 200, n)).tolist())
        lines = _lines(compare.table(pl.concat([first, second]), n_boot=300, seed=number))
        mean, median = np.sqrt(2 / np.pi), 0.6744898
        hits["mae"] += lines[1]["mae_low"] <= 100 * mean <= lines[1]["mae_high"]
        hits["median_ape"] += lines[1]["median_ape_low"] <= 0.1 * median <= lines[1]["median_ape_high"]
        hits["diff"] += lines[2]["diff_low"] <= 100 * mean <= lines[2]["diff_high"]
    # +- 3 standard errors of a share of 0.95 over 300 rounds is 0.04
    assert {name: 0.91 <= count / rounds <= 0.99 for name, count in hits.items()} == dict.fromkeys(hits, True), hits


@pytest.mark.parametrize("n", [1, 2, resampling.FEWEST_GROUPS - 1])
def test_too_few_rows_have_no_interval_and_say_so(n: int) -> None:
    """A single row once had the interval "$3.96 to $3.96"."""
    table = compare.table(pl.concat([noisy(1, n, 0.1), noisy(2, n, 0.9)]))
    assert table["verdict"].to_list() == ["too few rows", "too few rows"]
    assert table["mae"].null_count() == 0
    for name in ("mae", "median_ape", "rmsle", "within", "diff"):
        assert table[f"{name}_low"].null_count() == table[f"{name}_high"].null_count() == 2 - (name == "diff")


def test_copies_of_a_few_products_are_few_rows() -> None:
    group = [place % 4 for place in range(80)]
    truth = [10.0 + number for number in group]
    first = job(1, truth, [value + 1 for value in truth], group=group)
    second = job(2, truth, [value + 5 for value in truth], group=group)
    assert compare.table(pl.concat([first, second]))["verdict"].to_list() == ["too few rows"] * 2


def test_copies_make_an_interval_no_narrower() -> None:
    once = noisy(1, 60, 0.5)
    thrice = pl.concat([once.with_columns(row=pl.col("row") + 1000 * copy) for copy in range(3)])
    plain, copied = (compare.table(frame).row(0, named=True) for frame in (once, thrice))
    assert copied["mae"] == pytest.approx(plain["mae"])
    width = copied["mae_high"] - copied["mae_low"]
    assert width == pytest.approx(plain["mae_high"] - plain["mae_low"], rel=0.15)


@pytest.mark.parametrize(("truth", "gap", "verdict"), [(50.0, 0.009, "tie"), (50.0, 0.02, "worse"), (0.05, 2e-4, "tie"),
                                                      (0.05, 0.009, "worse")])  # fmt: skip
def test_a_difference_below_a_cent_is_a_tie_unless_prices_are_cents(truth: float, gap: float, verdict: str) -> None:
    """Both guesses are off by the same amount on every row, so the difference is as sure as can be."""
    truths = [truth] * 50
    first = job(1, truths, [truth * 1.1] * 50)
    second = job(2, truths, [truth * 1.1 + gap] * 50)
    assert _lines(compare.table(pl.concat([first, second]), n_boot=100))[2]["verdict"] == verdict


def test_a_difference_below_a_thousandth_is_a_tie() -> None:
    truths = [10_000.0] * 50
    first, second = job(1, truths, [15_000.0] * 50), job(2, truths, [15_004.0] * 50)
    assert _lines(compare.table(pl.concat([first, second]), n_boot=100))[2]["verdict"] == "tie"


def test_the_one_ahead_is_best_only_when_all_others_are_worse() -> None:
    far, near = noisy(3, 400, 0.9), noisy(2, 400, 0.3)
    assert compare.table(pl.concat([noisy(1, 400, 0.3), far]))["verdict"][0] == "best"
    assert compare.table(pl.concat([noisy(1, 400, 0.3), near, far]))["verdict"][0] == "ahead"
    assert compare.table(noisy(1, 400, 0.3))["verdict"][0] == "ahead"


def test_runs_of_one_technique_are_one_line_with_the_mean_of_their_figures() -> None:
    runs = [noisy(number, 300, 0.5) for number in (2, 5, 7)]
    table = compare.table(pl.concat([noisy(1, 300, 0.5), *runs]), n_boot=200, repeats={5: 2, 7: 2})
    lines = _lines(table)
    assert set(lines) == {1, 2}
    assert (lines[1]["repeats"], lines[2]["repeats"]) == (1, 3)
    alone = [metrics.summary(run) for run in runs]
    for name in ("mae", "median_ape", "within", "usd_per_1000", "p50_ms"):
        assert lines[2][name] == pytest.approx(np.mean([each[name] for each in alone]))
    assert lines[2]["mae_low"] < lines[2]["mae"] < lines[2]["mae_high"]


def test_a_cost_that_one_run_does_not_know_is_unknown() -> None:
    dark = noisy(2, 50, 0.5).with_columns(usd=pl.lit(None, pl.Float64))
    assert _lines(compare.table(pl.concat([noisy(1, 50, 0.5), dark]), repeats={2: 1}))[1]["usd_per_1000"] is None


def test_a_higher_level_widens_every_interval_and_stands_in_every_line() -> None:
    frame = pl.concat([noisy(1, 200, 0.5), noisy(2, 200, 0.4)])
    usual, sure = (compare.table(frame, n_boot=1000, level=level) for level in (0.95, 0.995))
    assert sure["level"].to_list() == [0.995, 0.995]
    for one, other in zip(usual.iter_rows(named=True), sure.iter_rows(named=True), strict=True):
        assert other["mae_high"] - other["mae_low"] > one["mae_high"] - one["mae_low"]
    assert sure["diff_high"][1] - sure["diff_low"][1] > usual["diff_high"][1] - usual["diff_low"][1]


def test_a_tie_says_how_many_rows_would_tell_and_nothing_else_does() -> None:
    lines = _lines(compare.table(pl.concat([noisy(1, 200, 0.5), noisy(2, 200, 0.57), noisy(3, 200, 1.5)])))
    (tie,) = (line for line in lines.values() if line["verdict"] == "tie")
    assert tie["more_rows"] > 0
    assert all(line["more_rows"] is None for line in lines.values() if line is not tie)


def test_every_pair_agrees_with_the_table_and_turns_with_its_sides() -> None:
    frame = pl.concat([noisy(1, 300, 0.5), noisy(2, 300, 0.52), noisy(3, 300, 1.5)])
    table, grid = (make(frame, n_boot=300) for make in (compare.table, compare.every_pair))
    assert dict(grid.schema) == compare.PAIRS
    assert len(grid) == 6
    first = table["job_id"][0]
    for line in table.tail(2).iter_rows(named=True):
        (cell,) = grid.filter((pl.col("first") == line["job_id"]) & (pl.col("second") == first)).to_dicts()
        assert {name: cell[name] for name in ("diff", "diff_low", "verdict", "more_rows")} == pytest.approx(
            {name: line[name] for name in ("diff", "diff_low", "verdict", "more_rows")}
        )
        (turned,) = grid.filter((pl.col("second") == line["job_id"]) & (pl.col("first") == first)).to_dicts()
        assert turned["diff"] == pytest.approx(-cell["diff"])
        assert turned["diff_low"] == pytest.approx(-cell["diff_high"])
        assert turned["verdict"] == {"worse": "better", "tie": "tie"}[cell["verdict"]]


def test_pairs_without_an_item_in_common_or_with_too_few_say_so() -> None:
    nothing = job(2, [10.0] * 5, [None] * 5)
    grid = compare.every_pair(pl.concat([job(1, [10.0] * 5, [11.0] * 5), nothing]), n_boot=50)
    assert grid["verdict"].to_list() == [None, None]
    few = compare.every_pair(pl.concat([job(1, [10.0] * 5, [11.0] * 5), job(2, [10.0] * 5, [12.0] * 5)]), n_boot=50)
    assert set(few["verdict"]) == {"too few rows"}
