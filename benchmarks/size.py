"""The server time of pages beside millions of predictions: Trade-offs with its views and measures, and the other pages.

Generates datasets inside Postgres and makes the comparisons of the first of them, as a worker does when pricing on a
dataset has ended. `--datasets 1` puts all jobs into one dataset, whose comparisons by every measure take long: name
some with `--measures`. `--home FOLDER` keeps what was generated and takes it next time.
"""

import argparse
import itertools
import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.stack import fresh_stack

Times = tuple[float, float]
"""Milliseconds of a page run on the wall, and of this process's processors."""

APP = Path(__file__).resolve().parents[1] / "dashboard" / "app.py"
VIEWS = ("By category", "By price", "Every pair", "Intervals", "Guesses", "Worst rows", "Context", "Certainty", "Speed")


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.size")
    parser.add_argument("--rows", type=int, default=10_000_000, help="predictions in all")
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--datasets", type=int, default=10)
    parser.add_argument("--runs", type=int, default=40, help="page runs that are measured")
    parser.add_argument("--measures", nargs="+", help="those that comparisons are made by; default: all")
    parser.add_argument("--home", type=Path, help="a folder that is kept")
    asked = parser.parse_args()
    with _stack(asked.home):
        _generated(asked.rows // asked.jobs, asked.jobs, asked.datasets)
        measures = asked.measures or list(_deciding())
        dataset_id, seconds = _compared(measures)
        print(
            f"what a worker compares when the last job of dataset {dataset_id} ends, made or found in {seconds:,.1f} s",
            flush=True,
        )
        _pages(dataset_id, asked.runs, measures)


def _deciding() -> list[str]:
    from worker.evaluation.measures import DECIDING

    return list(DECIDING)


@contextmanager
def _stack(home: Path | None) -> Iterator[None]:
    os.environ["PRICEWRIGHT_DEMO"] = "false"
    if home is None:
        with fresh_stack(worker=False):
            yield
        return
    os.environ["PRICEWRIGHT_DATA_DIR"] = str(home)
    from worker.server.up import running_stack

    with running_stack(worker=False):
        yield


def _generated(items: int, jobs: int, datasets: int) -> None:
    """Datasets of so many test rows with jobs in equal parts, unless they are there."""
    from sqlalchemy import text

    from benchmarks import generated
    from db import engine

    started = time.perf_counter()
    with engine.begin() as session:
        is_there = session.execute(text("SELECT 1 FROM datasets LIMIT 1")).first() is not None
    for _ in range(0 if is_there else datasets):
        generated.a_dataset(items, jobs // datasets)
    with engine.engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
        counted = "SELECT (SELECT count(*) FROM predictions), count(*), count(DISTINCT dataset_id) FROM jobs " \
            "WHERE kind = 'price'"  # fmt: skip
        rows, there, tables = connection.execute(text(counted)).one()
    said = "found" if is_there else f"generated in {time.perf_counter() - started:,.0f} s"
    print(f"{rows:,} predictions in {there} jobs on {tables} datasets, {said}", flush=True)


def _compared(measures: list[str]) -> tuple[int, float]:
    """The first dataset, and how many seconds it took to make what its pages show at first."""
    from db import datasets, engine, jobs
    from db.types import JobKind
    from worker.pricing import comparison, kept

    started = time.perf_counter()
    with engine.begin() as session:
        dataset = min(datasets.all(session), key=lambda each: each.id)
        every = jobs.all(session, dataset.id, JobKind.PRICE)
    made = kept.Comparison(comparison.taken(dataset, every))
    for part, by in made.missing():
        if by in measures:
            made.part(part, by)
    return dataset.id, time.perf_counter() - started


def _pages(dataset_id: int, runs: int, measures: list[str]) -> None:
    """Page runs as Streamlit's script runner does them, one after the other in this process."""
    from streamlit.testing.v1 import AppTest

    _forget_peak()
    at = AppTest.from_file(APP, default_timeout=600)
    at.query_params["dataset"] = str(dataset_id)

    def show(page: str) -> None:
        at.switch_page(f"app_pages/{page}.py").run()

    def view(name: str) -> None:
        at.segmented_control[0].set_value(name).run()

    def judge(measure: str) -> None:
        at.selectbox(key="error").select(measure).run()

    def limit(usd: float) -> None:
        at.number_input(key="limit-usd").set_value(usd).run()

    def timed(act: Callable[[Any], object], *values: Any) -> list[Times]:
        return [_timed(at, partial(act, value)) for value in values]

    _tell("Trade-offs, first of the process", timed(show, "tradeoffs"))
    cold = timed(view, *VIEWS)
    _tell("Trade-offs, first slices of a column", cold[1:2])
    _tell("Trade-offs, each view for the first time", cold)
    _tell("Trade-offs, each measure for the first time", timed(judge, *measures))
    warm: list[Times] = []
    views, judges = itertools.cycle(VIEWS), itertools.cycle(measures)
    for place in range(runs):
        warm += timed(judge, next(judges)) if place % 3 == 2 else timed(view, next(views))
    _tell("Trade-offs, any state", warm)
    _tell("Trade-offs, a new limit", timed(limit, 0.05, 0.5, 5.0))
    for page in ("results", "compare", "jobs", "advisor"):
        _tell(f"{page.capitalize()}, first", timed(show, page))
        _tell(f"{page.capitalize()}, again", timed(lambda _: at.run(), *range(10)))
    _tell("A report's figures", [_timed(at, partial(_report, dataset_id)) for _ in range(3)])
    print(f"peak memory of the process with the pages: {_peak_mb():,.0f} MB")


def _report(dataset_id: int) -> None:
    """All figures of the report that the page offers at first; drawing them takes as long whatever was priced."""
    from dashboard.parts.report import facts
    from db import datasets, engine, jobs
    from db.types import JobKind
    from worker.evaluation.choice import Limits
    from worker.evaluation.measures import USUAL
    from worker.pricing import comparison

    with engine.begin() as session:
        dataset = datasets.get(session, dataset_id)
        every = jobs.all(session, dataset_id, JobKind.PRICE)
    facts.gather(comparison.taken(dataset, every), USUAL, Limits())


def _timed(at: Any, act: Callable[[], object]) -> Times:
    """Milliseconds on the wall and of this process's processors."""
    wall, own = time.perf_counter(), time.process_time()
    act()
    assert not at.exception, at.exception[0].value
    return 1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - own)


def _tell(what: str, times: list[Times]) -> None:
    wall, own = (np.quantile([each[side] for each in times], (0.5, 0.95)) for side in (0, 1))
    print(
        f"{what:<44} {len(times):3} runs   p50 {wall[0]:8,.0f} ms   p95 {wall[1]:8,.0f} ms   "
        f"processor p50 {own[0]:7,.0f} ms   p95 {own[1]:7,.0f} ms",
        flush=True,
    )


def _forget_peak() -> None:
    """Let the kernel count the peak anew, where it can."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def _peak_mb() -> float:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
