"""A dominated point is never on the frontier, and everything else is."""

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.evaluation import frontier

_level = st.sampled_from([0.0, 0.5, 1.0, 2.0]) | st.floats(0, 100)
_points = st.lists(st.tuples(_level, _level), min_size=1, max_size=12)


def _dominates(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return a[0] <= b[0] and a[1] <= b[1] and a != b


@settings(deadline=None)
@given(_points)
def test_exactly_the_points_that_none_dominates_are_on_the_frontier(points: list[tuple[float, float]]) -> None:
    cost, error = zip(*points, strict=True)
    expected = [not any(_dominates(other, point) for other in points) for point in points]
    assert frontier.mask(cost, error).tolist() == expected


@settings(deadline=None)
@given(_points)
def test_the_cheapest_and_the_most_accurate_level_are_always_represented(points: list[tuple[float, float]]) -> None:
    cost, error = np.array(points).T
    chosen = frontier.mask(cost, error)
    assert cost[chosen].min() == cost.min()
    assert error[chosen].min() == error.min()


def test_twins_stay_both_and_free_ones_compete_on_error() -> None:
    assert frontier.mask([1, 1, 2], [5, 5, 4]).tolist() == [True, True, True]
    assert frontier.mask([0, 0, 1], [9, 7, 8]).tolist() == [False, True, False]


def test_an_unknown_cost_or_error_is_never_on_the_frontier_and_dominates_nothing() -> None:
    nan = float("nan")
    assert frontier.mask([nan, 1, 2], [1, nan, 9]).tolist() == [False, False, True]
    assert frontier.mask([], []).tolist() == []


def test_the_line_runs_from_cheap_to_dear_and_improves_all_the_way() -> None:
    table = pl.DataFrame(
        {
            "job_id": [1, 2, 3, 4],
            "usd_per_1000": [5.0, 0.0, 1.0, None],
            "mae": [10.0, 50.0, 60.0, 1.0],
            "within": [0.3, 0.1, 0.9, 0.9],
        }
    )
    assert frontier.line(table)["job_id"].to_list() == [2, 1]
    assert frontier.line(table, "within", ascending=False)["job_id"].to_list() == [2, 3]
