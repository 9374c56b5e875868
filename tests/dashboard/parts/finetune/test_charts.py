"""Curves of trainings keep their figures, stay small, and draw what is there."""

import polars as pl
import pytest

from dashboard.parts.finetune import charts, reads
from db import trainings
from db.engine import begin
from db.types import TrainingPoint
from tests.builders import a_dataset, a_job

NONE = pl.DataFrame(schema={"step": pl.Int64, **dict.fromkeys(trainings.FIGURES, pl.Float64)})


@pytest.fixture
def job_id(database: str) -> int:
    with begin() as session:
        return a_job(session, a_dataset(session))


def told(job_id: int, points: list[TrainingPoint]) -> reads.Curve:
    with begin() as session:
        trainings.note(session, job_id, points)
    return reads.curve(job_id)


def measured(step: int, mae: float | None, *, best: bool = False) -> TrainingPoint:
    values = {"mae": mae, "median_relative_error": 0.2, "parse_rate": 0.9, "loss": 1.0, "is_best": best}
    return TrainingPoint(step, "eval", values)


def test_a_long_curve_is_thinned_to_means_and_ends_where_it_ends(job_id: int) -> None:
    n = 7 * reads.MOST_POINTS + 3
    curve = told(job_id, [TrainingPoint(step, "step", {"loss": step % 7, "steps": n}) for step in range(1, n + 1)])
    assert len(curve.steps) == reads.MOST_POINTS
    assert curve.steps["step"].is_sorted()
    assert (curve.step, curve.total, curve.steps["step"][-1]) == (n, n, n)
    assert curve.steps["loss"].mean() == pytest.approx(3.0, abs=0.05)
    assert curve.steps["grad_norm"].null_count() == len(curve.steps)


def test_a_short_curve_is_drawn_as_it_is(job_id: int) -> None:
    curve = told(job_id, [TrainingPoint(step, "step", {"loss": 1 / step}) for step in (1, 2, 5)])
    assert curve.steps["step"].to_list() == [1, 2, 5]
    assert curve.steps["loss"].to_list() == [1.0, 0.5, 0.2]


def test_measurements_are_thinned_too_but_never_the_best(job_id: int) -> None:
    n = 3 * reads.MOST_POINTS
    curve = told(job_id, [measured(step, 100.0 - step, best=step == 101) for step in range(1, n + 1)])
    assert len(curve.measured) <= reads.MOST_POINTS + 2
    assert curve.best is not None
    assert (curve.best["step"], curve.measured["step"][-1]) == (101, n)
    assert len(curve.log) == reads.LOG_LINES
    assert curve.log[-1].endswith(f"step {n:,}: mean error -$800.00, median error 20%, "
                                  "90% of answers with a price, loss 1")  # fmt: skip


def test_nothing_is_known_before_the_first_step(job_id: int) -> None:
    curve = reads.curve(job_id)
    assert (curve.step, curve.total, curve.best, curve.log) == (0, 0, None, [])


def test_charts_draw_every_point_there_is_over_all_steps_to_come() -> None:
    steps = NONE.vstack(
        pl.DataFrame([[1, 2.0, 0.5, 1e-3, 900.0], [2, 1.5, 0.4, 9e-4, 950.0]], NONE.schema, orient="row")
    )
    rows = [(1, 1.9, None, None, 0.0, False), (2, 1.6, 9.5, 0.3, 1.0, True)]
    table = pl.DataFrame(rows, reads._MEASURED, orient="row")
    for chart in (
        charts.loss(steps, table, 40),
        charts.error(table, 40),
        charts.shares(table, 40),
        charts.figure(steps, "learning_rate", 40),
    ):
        drawn = chart.to_dict()
        layers = drawn.get("layer", [drawn])
        assert {tuple(each["encoding"]["x"]["scale"]["domain"]) for each in layers} == {(0, 40)}
    drawn = charts.error(table, 40).to_dict()
    assert [data for data in drawn["datasets"].values() if len(data) != 1] == []  # what is not known is not drawn


@pytest.mark.parametrize("name", ["loss", "error", "shares"])
def test_charts_of_nothing_are_charts(name: str) -> None:
    table = pl.DataFrame(schema=reads._MEASURED)
    chart = charts.loss(NONE, table, 0) if name == "loss" else getattr(charts, name)(table, 0)
    assert chart.to_dict()["layer"]
