"""The share of true prices that 90 % intervals hold, overall and by segment, on a table that is divided anew again and
again. `python -m benchmarks.coverage [FILE] [--technique ridge] [--fits 5]`; without a file the demo catalogue."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.shop import priced_items
from db.types import PREDICTION_SCHEMA
from worker.evaluation import calibration, conformal, coverage
from worker.knowledge.index import PgIndex, embedder, texts_of
from worker.knowledge.subset import RowsIndex
from worker.progress import Progress, Silent
from worker.resources import LiveResources
from worker.specs import BaseSpec, members_of, parse
from worker.techniques import build

TECHNIQUES = ("constant", "ridge", "lightgbm", "neighbours", "ensemble", "cascade")
FITS = 5  # divisions into rows to learn from and others
DIVISIONS = 50  # of the others into calibration and test rows, for each fit; combinations learn anew for each
LARGE = 25  # test rows that a segment has in the mean to be listed


class Embedded(PgIndex):
    """Vectors of items, made when first asked for and kept in memory: no database is needed."""

    def __init__(self) -> None:
        super().__init__(0)
        self._kept: dict[int, npt.NDArray[np.float32]] = {}

    def build(self, train: pl.DataFrame, progress: Progress) -> None:
        del train, progress

    def vectors(self, items: pl.DataFrame, progress: Progress) -> npt.NDArray[np.float32]:
        new = items.filter(~pl.col("row").is_in(list(self._kept)))
        if len(new):
            self._kept |= dict(zip(new["row"], embedder().embed(texts_of(new), progress), strict=True))
        return np.stack([self._kept[row] for row in items["row"]])


class Rows(LiveResources):
    def __init__(self, whole: Embedded) -> None:
        super().__init__(0)
        self._index = RowsIndex(whole)

    def index(self) -> RowsIndex:
        return self._index


class Answered:
    """A member of a combination with its answers about all held rows, calibrated on some of them."""

    def __init__(self, answers: pl.DataFrame, calibrating: pl.DataFrame) -> None:
        self._answers = answers
        mine = calibrating.select("row").join(answers, on="row", maintain_order="left")
        self._intervals = conformal.learn(mine.select(list(calibration.SCHEMA)))
        assert self._intervals is not None, "the table is too small"
        self.calibration = self._intervals.around(mine)

    def price(self, items: pl.DataFrame, progress: Progress) -> pl.DataFrame:
        del progress
        assert self._intervals is not None
        known = items.select("row").join(self._answers, on="row", maintain_order="left")
        return self._intervals.around(known).select(list(PREDICTION_SCHEMA))


class Members(LiveResources):
    def __init__(self, members: dict[str, Answered]) -> None:
        super().__init__(0)
        self._members = members

    def fit_member(self, spec: BaseSpec, *_: object) -> Answered:  # type: ignore[override]
        return self._members[spec.hash]

    def member(self, spec: BaseSpec) -> Answered:  # type: ignore[override]
        return self._members[spec.hash]


def tested(spec: BaseSpec, items: pl.DataFrame, whole: Embedded, fit: int) -> Iterator[pl.DataFrame]:
    """Test rows with intervals, for each division: eight rows in ten to learn from, one to calibrate, one to test."""
    random = np.random.default_rng([20261126, fit])
    order = random.permutation(len(items))
    learned, held = order[: len(items) * 8 // 10], order[len(items) * 8 // 10 :]
    parts = members_of(spec) or (spec,)
    # Half of the validation side, as in the product.
    free = held[: len(held) // 4] if any(part.judges for part in parts) else held[:0]
    others = items[held[len(free) :]]
    sides = items[np.sort(learned)], items[np.sort(free)], others
    answers = [answers(part, *sides, whole) for part in parts]
    tests = len(items) // 10
    for _ in range(DIVISIONS):
        drawn = random.permutation(len(others))
        test, calibrating = others[drawn[:tests]], others[drawn[tests:]]
        frame = (
            _combined(spec, answers, calibrating, test) if members_of(spec) else _alone(answers[0], calibrating, test)
        )
        yield frame.with_columns(job_id=pl.lit(0, pl.Int64))


def answers(
    spec: BaseSpec, train: pl.DataFrame, free: pl.DataFrame, others: pl.DataFrame, whole: Embedded
) -> pl.DataFrame:
    """PREDICTION_SCHEMA of the other rows, with truth, category and group_id."""
    technique = build(spec, Rows(whole))
    technique.load(technique.fit(train, free, Silent()))
    priced = technique.price(others.with_columns(price=pl.lit(None, pl.Float64)), Silent())
    taken = pl.lit(spec.seconds.per_item, pl.Float64)
    return priced.with_columns(
        truth=others["price"], category=others["category"], group_id="row", seconds=taken, usd=taken * 0.1 / 3600
    )


def _alone(answers: pl.DataFrame, calibrating: pl.DataFrame, test: pl.DataFrame) -> pl.DataFrame:
    known, asked = (side.select("row").join(answers, on="row", maintain_order="left") for side in (calibrating, test))
    intervals = conformal.learn(known.select(list(calibration.SCHEMA)))
    assert intervals is not None, "the table is too small"
    return intervals.around(asked)


def _combined(
    spec: BaseSpec, answers: list[pl.DataFrame], calibrating: pl.DataFrame, test: pl.DataFrame
) -> pl.DataFrame:
    members = {part.hash: Answered(known, calibrating) for part, known in zip(members_of(spec), answers, strict=True)}
    technique = build(spec, Members(members))
    artifact = technique.fit(calibrating.clear(), calibrating, Silent())
    intervals = conformal.learn(calibration.read(artifact.parts[calibration.PART]))
    assert intervals is not None, "the table is too small"
    priced = technique.price(test.with_columns(price=pl.lit(None, pl.Float64)), Silent())
    return intervals.around(priced).with_columns(truth=test["price"], category=test["category"], group_id="row")


def figures(tests: list[pl.DataFrame]) -> dict[str, tuple[float, float, float]]:
    """Segment -> share of true prices inside, median width, test rows in the mean: all of one fit's divisions."""
    every = pl.concat([frame.with_columns(job_id=pl.lit(place, pl.Int64)) for place, frame in enumerate(tests)])
    lines = pl.concat([way(every) for way in (coverage.overall, coverage.by_band, coverage.by_category)])
    summed = lines.group_by("slice").agg(
        share=(pl.col("covered") * pl.col("n")).sum() / pl.col("n").sum(),
        width=(pl.col("width") * pl.col("n")).sum() / pl.col("n").sum(),
        n=pl.col("n").sum() / len(tests),
    )
    return {line["slice"]: (line["share"], line["width"], line["n"]) for line in summed.iter_rows(named=True)}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("file", type=Path, nargs="?")
    arguments.add_argument("--technique", action="append", choices=TECHNIQUES, help="default: all of them")
    arguments.add_argument("--fits", type=int, default=FITS)
    given = arguments.parse_args()
    items, whole = priced_items(given.file), Embedded()
    items = items.with_columns(row=pl.int_range(pl.len(), dtype=pl.Int64))
    name = given.file.name if given.file else "the demo catalogue"
    print(f"{name}: {len(items):,} priced rows; {given.fits} fits, each with {DIVISIONS} divisions of the other rows")
    print(f"{conformal.COVERAGE:.0%} are promised; ± is the standard error over the fits")
    for each in given.technique or TECHNIQUES:
        spec = parse({"technique": each})
        fits = [figures(list(tested(spec, items, whole, fit))) for fit in range(given.fits)]
        for segment in sorted(fits[0], key=lambda key: -fits[0][key][2]):
            known = np.array([fit[segment] for fit in fits if segment in fit])
            share, width, rows = known.mean(axis=0)
            if segment and rows < LARGE:
                continue
            error = known[:, 0].std(ddof=1) / len(known) ** 0.5 if len(known) > 1 else float("nan")
            print(
                f"{each:<11} {segment or 'all rows':<32} {rows:6.0f} rows   {share:6.1%} ± {error:.1%}   "
                f"width {width:.0%}",
                flush=True,
            )


if __name__ == "__main__":
    main()
