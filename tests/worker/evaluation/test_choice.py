"""The choice within limits: the right job, who can't be told apart from it, and why there is none."""

from collections.abc import Callable, Mapping
from functools import partial

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from tests.worker.evaluation.frames import job, noisy
from worker.evaluation import choice, compare
from worker.evaluation.choice import Choice, Limits, Question

NAMES = {1: "Cheap", 2: "Middle", 3: "Good", 4: "Twin"}
FRAME = pl.concat(
    [
        noisy(1, 300, 0.9, usd=1e-6).with_columns(seconds=pl.lit(0.001)),
        noisy(2, 300, 0.5, usd=1e-5).with_columns(seconds=pl.lit(0.1)),
        noisy(3, 300, 0.2, usd=1e-3).with_columns(seconds=pl.lit(1.0)),
        noisy(4, 300, 0.2, seed=1, usd=2e-3).with_columns(seconds=pl.lit(1.0)),
    ]
)
TABLE = compare.table(FRAME, 300)
ERROR = dict(TABLE.select("job_id", "mae").iter_rows())


def gaps(
    frame: pl.DataFrame, table: pl.DataFrame, by: str = "mae", repeats: Mapping[int, int] = compare.NO_REPEATS
) -> Callable[[Question], pl.DataFrame]:
    return partial(choice.gaps, frame, by=by, level=compare.level_of(table), repeats=repeats, n_boot=300)


def asked(limits: Limits, table: pl.DataFrame = TABLE, frame: pl.DataFrame = FRAME, by: str = "mae") -> list[Choice]:
    return choice.choices(table, gaps(frame, table, by), limits, by=by)


def words(limits: Limits, by: str = "mae") -> list[str]:
    table = compare.table(FRAME, 300, by=by)
    return [choice.sentence(each, table, limits, NAMES, by=by) for each in asked(limits, table, by=by)]


def test_the_cheapest_of_those_that_are_near_enough() -> None:
    (found,) = asked(Limits(error=ERROR[2] * 1.3))
    assert (found.job_id, found.ties, found.perhaps, found.is_sure) == (2, (), (), True)


def test_the_best_of_those_that_are_affordable_and_its_ties() -> None:
    (found,) = asked(Limits(usd_per_1000=5.0))
    assert {found.job_id, *found.ties} == {3, 4}
    (found,) = asked(Limits(usd_per_1000=0.02))
    assert (found.job_id, found.ties) == (2, ())


def test_the_fastest_within_the_time_with_all_limits_kept() -> None:
    assert [each.job_id for each in asked(Limits(ms=150))] == [1]
    both = asked(Limits(error=ERROR[2] * 1.3, ms=150))
    assert [(each.question, each.job_id) for each in both] == [("cheapest", 2), ("fastest", 2)]


def test_a_limit_that_other_items_may_break_is_told() -> None:
    limits = Limits(error=ERROR[2] * 1.001)
    assert not asked(limits)[0].is_sure
    assert "On other items it may miss the limit: its interval reaches to $" in words(limits)[0]


def test_who_breaks_the_limit_by_a_hair_is_named() -> None:
    limits = Limits(error=ERROR[2] * 0.999)
    (found,) = asked(limits)
    assert (found.job_id, found.perhaps) == (3, (2,))
    assert "Middle would be ahead of it, and may keep the limit" in words(limits)[0]


def test_none_is_said_with_who_comes_nearest() -> None:
    (said,) = words(Limits(error=0.5))
    assert said.startswith("Cheapest with mean error at most $0.50: none. The best is ")
    (said,) = words(Limits(usd_per_1000=1e-6))
    assert said.startswith("Best on mean error with at most $0.0000010 per 1,000 items: none. The cheapest is Cheap: ")


def test_who_would_be_the_only_one_by_a_hair_is_named_with_none() -> None:
    limits = Limits(error=min(ERROR[3], ERROR[4]) * 0.999)
    (found,) = asked(limits)
    assert found.job_id is None
    assert min((3, 4), key=ERROR.get) in found.perhaps
    assert "may keep the limit: the interval reaches into it." in words(limits)[0]


def test_where_more_is_better_the_limit_is_the_least() -> None:
    (said,) = words(Limits(error=0.5), by="within")
    assert said.startswith("Cheapest with within 20 % at least 50%: Good, ")


def test_an_unknown_cost_and_few_answers_are_not_chosen() -> None:
    blind = noisy(1, 100, 0.1).with_columns(usd=pl.lit(None, pl.Float64))
    frame = pl.concat([blind, noisy(2, 100, 0.5), noisy(3, 100, 0.1, usd=1e-9, unread=0.5)])
    table = compare.table(frame, 300)
    cheapest, best = asked(Limits(error=1e6, usd_per_1000=1e6), table, frame)
    assert (cheapest.job_id, best.job_id) == (2, 2)


def test_costs_that_hang_on_few_items_are_a_tie() -> None:
    truth = [50.0] * 60
    plain = job(1, truth, [60.0] * 60, usd=4e-5)
    lumpy = job(2, truth, [60.0] * 60).with_columns(
        usd=pl.when(pl.col("row") % 20 == 0).then(pl.lit(1e-3)).otherwise(pl.lit(1e-6))
    )
    frame = pl.concat([plain, lumpy])
    (found,) = asked(Limits(error=20.0), compare.table(frame, 300), frame)
    assert (found.job_id, found.ties) == (1, (2,))


def test_too_few_rows_are_all_ties() -> None:
    frame = pl.concat([job(1, [50.0] * 5, [60.0] * 5), job(2, [50.0] * 5, [70.0] * 5, usd=1.0)])
    (found,) = asked(Limits(usd_per_1000=1e9), compare.table(frame, 300), frame)
    assert (found.job_id, found.ties) == (1, (2,))


def test_a_technique_that_ran_twice_is_judged_by_both_runs_and_how_far_they_lie_apart() -> None:
    # The first run alone is surely better than the rival, the second surely worse: together they are tied with it.
    frame = pl.concat([noisy(1, 300, 0.2, usd=1e-3), noisy(2, 300, 0.45, usd=1e-3), noisy(3, 300, 0.8, usd=1e-3)])
    table = compare.table(frame, 300, repeats={3: 1})
    limits = Limits(usd_per_1000=5.0)
    (found,) = choice.choices(table, gaps(frame, table, repeats={3: 1}), limits, by="mae")
    assert {found.job_id, *found.ties} == {1, 2}
    once = frame.filter(pl.col("job_id") != 3)
    (alone,) = asked(limits, compare.table(once, 300), once)
    assert (alone.job_id, alone.ties) == (1, ())


@pytest.mark.parametrize("limits", [Limits(), Limits(error=1.0), Limits(usd_per_1000=1.0), Limits(ms=1.0)])
def test_nothing_compared_is_no_choice(limits: Limits) -> None:
    found = choice.choices(TABLE.clear(), gaps(FRAME.clear(), TABLE.clear()), limits, by="mae")
    assert all(each.job_id is None for each in found)
    assert len(found) == len(limits.questions())
    for each in found:
        assert choice.sentence(each, TABLE.clear(), limits, NAMES, by="mae").endswith("Nothing was measured.")


def test_ties_are_judged_at_the_level_of_the_table() -> None:
    ties = [
        asked(Limits(usd_per_1000=5.0), compare.table(FRAME, 300, level=level))[0].ties for level in (0.0001, 0.99999)
    ]
    assert len(ties[0]) < len(ties[1])


def test_what_tells_ties_holds_every_pair_at_once_and_knows_no_unknown_cost() -> None:
    blind = noisy(5, 300, 0.3).with_columns(usd=pl.when(pl.col("row") == 7).then(None).otherwise(1e-5))
    frame = pl.concat([FRAME, blind])
    by_cost = choice.gaps(frame, "cheapest", by="mae", level=0.95, n_boot=300)
    assert sorted(by_cost["first"].unique()) == [1, 2, 3, 4]
    (cheap,) = by_cost.filter((pl.col("first") == 1) & (pl.col("second") == 3)).iter_rows(named=True)
    assert (cheap["diff_low"], cheap["diff_high"]) == pytest.approx((1e-6 - 1e-3, 1e-6 - 1e-3))  # all items alike
    same = compare.every_pair(frame, 300).select(list(choice.GAPS))
    assert_frame_equal(choice.gaps(frame, "best", by="mae", level=0.95, n_boot=300), same)


def test_gaps_of_nothing_shared_are_none() -> None:
    apart = pl.concat([noisy(1, 20, 0.2), noisy(2, 20, 0.2).with_columns(row=pl.col("row") + 100)])
    for question in ("cheapest", "best", "fastest"):
        assert choice.gaps(apart, question, by="mae", level=0.95).drop_nulls().is_empty()
