"""The share of true prices that 90 % intervals hold, overall and by segment, on a table that is divided anew again and
again. `python -m benchmarks.coverage [FILE] [--technique ridge] [--fits 5]`; without a file the demo catalogue."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.shop import priced_items
from worker.evaluation import calibration, conformal, coverage
from worker.knowledge.index import PgIndex, embedder, texts_of
from worker.knowledge.subset import RowsIndex
from worker.progress import Progress, Silent
from worker.resources import LiveResources
from worker.specs import BaseSpec, parse
from worker.techniques import build

TECHNIQUES = ("constant", "ridge", "lightgbm", "neighbours")
FITS = 5  # divisions into rows to learn from and others
DIVISIONS = 50  # of the others into calibration and test rows, for each fit
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


def tested(spec: BaseSpec, items: pl.DataFrame, whole: Embedded, fit: int) -> Iterator[pl.DataFrame]:
    """Test rows with intervals, for each division: eight rows in ten to learn from, one to calibrate, one to test."""
    random = np.random.default_rng([20261126, fit])
    order = random.permutation(len(items))
    learned, held = order[: len(items) * 8 // 10], order[len(items) * 8 // 10 :]
    free = held[: len(held) // 4] if spec.judges else held[:0]  # half of the validation side, as in the product
    held = held[len(free) :]
    technique = build(spec, Rows(whole))
    technique.load(technique.fit(items[np.sort(learned)], items[np.sort(free)], Silent()))
    others = items[held]
    priced = technique.price(others.with_columns(price=pl.lit(None, pl.Float64)), Silent())
    frame = priced.with_columns(truth=others["price"], category=others["category"], usd=pl.lit(0.0), group_id="row")
    tests = len(items) // 10
    for _ in range(DIVISIONS):
        drawn = random.permutation(len(frame))
        intervals = conformal.learn(frame[drawn[tests:]].select(pl.col("seconds").fill_null(0), *_KEPT))
        assert intervals is not None, "the table is too small"
        yield intervals.around(frame[drawn[:tests]]).with_columns(job_id=pl.lit(0, pl.Int64))


_KEPT = [name for name in calibration.SCHEMA if name != "seconds"]


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
