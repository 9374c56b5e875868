"""The hit rate of prices that are kept, beside the one that was promised: overall, by predicted price, by category.

`python -m benchmarks.promises [FILE] [--technique ridge] [--fits 3] [--rows 10000]`: on generated rows whose noise
differs, on what techniques say of a file's rows (without a file: of the demo catalogue), and how long lists of 100,000
rows take. `--bands 2` lets each of two bands of the predicted price promise by itself.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.coverage import Embedded, answers
from benchmarks.shop import priced_items
from db.types import PredictionStatus
from worker.evaluation import certainty, hand_over, support
from worker.evaluation.measures import hit
from worker.progress import Silent
from worker.specs import parse

TECHNIQUES = ("ridge", "lightgbm", "neighbours")
FITS = 3  # divisions into rows to learn from (six in ten) and others; generated: worlds
DIVISIONS = 50  # of the others into calibration and test rows, for each fit
CALIBRATION = 400  # rows; the product takes up to 1,000 of the validation side
LARGE = 25  # kept test rows that a segment has in the mean to be listed
ALLOWED = 0.02  # that a hit rate may be below its promise
MOST = 0.0  # as a wish: the most that can be promised, in steps of 5 %, as the pages begin at

GENERATED = tuple((0.2, wish) for wish in (0.6, 0.7, 0.8, 0.9, MOST))
REAL = ((0.2, 0.3), (0.2, 0.4), (0.2, MOST), (0.4, 0.5), (0.4, 0.6), (0.4, 0.7), (0.4, MOST))

COUNTS = ("rows", "kept", "hits", "expected", "wished")
"""Of a segment's test rows: all; kept; hits, hits expected and hits promised among the kept ones."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is wished, and on how many calibration rows of how many bands."""

    within: float
    wish: float
    calibration: int
    bands: int


def generated(seed: int, n: int = 20_000) -> pl.DataFrame:
    """Priced rows whose noise differs by category and rises with the price; the technique's own spread tells half of
    the difference."""
    random = np.random.default_rng([20261127, seed])
    noise_of = np.exp(random.uniform(np.log(0.05), np.log(0.9), 12))
    category = random.choice(12, n, p=random.dirichlet(np.full(12, 2.0)))
    log_price = random.normal(4, 1, n)
    noise = noise_of[category] * np.exp(0.2 * (log_price - 4) + random.normal(0, 0.3, n))
    own = np.sqrt(noise * np.exp(random.normal(0, 0.5, n)) * 0.25)
    price = np.exp(log_price)
    return pl.DataFrame(
        {
            "job_id": 0, "row": np.arange(n), "group_id": np.arange(n),
            "truth": price * np.exp(random.normal(0, noise)), "price": price, "low": price * np.exp(-own),
            "high": price * np.exp(own), "status": str(PredictionStatus.OK),
            "category": pl.Series([f"category {place + 1}" for place in category]),
        },
        schema_overrides={"job_id": pl.Int64, "row": pl.Int64, "group_id": pl.Int64},
    )  # fmt: skip


def answered(technique: str, items: pl.DataFrame, whole: Embedded, fit: int) -> pl.DataFrame:
    """What a technique that learned from six rows in ten says of the others, with their truth and support."""
    order = np.random.default_rng([20261127, fit]).permutation(len(items))
    cut = len(items) * 6 // 10
    train, others = items[np.sort(order[:cut])], items[np.sort(order[cut:])]
    priced = answers(parse({"technique": technique}), train, items.clear(), others, whole)
    known = support.Known.of(train).of_rows(others, Silent())
    return priced.with_columns(job_id=pl.lit(0, pl.Int64)).join(known, on="row", how="left", maintain_order="left")


def divisions(rows: pl.DataFrame, case: Case) -> Iterator[pl.DataFrame]:
    """What keeping prices brings on test rows, for each division: slice and COUNTS; no lines where nothing is kept."""
    random = np.random.default_rng(case.calibration)
    for _ in range(DIVISIONS):
        drawn = random.permutation(len(rows))
        calibrating, test = rows[drawn[: case.calibration]], rows[drawn[case.calibration :]]
        edges = np.quantile(calibrating["price"], np.linspace(0, 1, case.bands + 1)[1:-1])
        parts = [
            _divided(_inside(calibrating, edges, place), _inside(test, edges, place), case)
            for place in range(case.bands)
        ]
        yield pl.concat(
            [_counted(pl.concat(parts, how="diagonal_relaxed"), by, case) for by in ("", "band", "category")]
        )


def _inside(rows: pl.DataFrame, edges: np.ndarray, place: int) -> pl.DataFrame:
    return rows.filter(pl.Series(np.digitize(rows["price"].to_numpy(), edges) == place))


def _divided(calibrating: pl.DataFrame, test: pl.DataFrame, case: Case) -> pl.DataFrame:
    """hand_over.divide of test rows, with the wish."""
    known = certainty.learn(calibrating, case.within)
    wish = case.wish
    if known is not None and wish == MOST:
        wish = known.most(5) or 1.0
    if known is None:
        return test.with_columns(chance=pl.lit(None, pl.Float64), reason=pl.lit(hand_over.UNSURE), wish=pl.lit(wish))
    divided = hand_over.divide(known.intervals.around(test), known, known.promise(wish))
    return divided.with_columns(wish=pl.lit(wish))


def _counted(divided: pl.DataFrame, by: str, case: Case) -> pl.DataFrame:
    if not (divided["reason"] == "").any():
        return pl.DataFrame(schema={"by": pl.String, "slice": pl.String, **dict.fromkeys(COUNTS, pl.Float64)})
    named, _ = hand_over.sliced(divided, by)
    kept = pl.col("reason") == ""
    values = (
        pl.len(), kept.sum(), hit(case.within).filter(kept).sum(), pl.col("chance").filter(kept).sum(),
        pl.col("wish").filter(kept).sum(),
    )  # fmt: skip
    lines = named.group_by("slice").agg(
        value.cast(pl.Float64).alias(name) for name, value in zip(COUNTS, values, strict=True)
    )
    return lines.select(pl.lit(by).alias("by"), "slice", *COUNTS)


def told(frames: list[pl.DataFrame], case: Case) -> None:
    """Print what became of a wish: all rows, and the segments that fall short of it."""
    every, overall = [], []
    for fit, frame in enumerate(frames):
        for lines in divisions(frame, case):
            overall.append(lines.filter(pl.col("by") == ""))
            every.append(lines.with_columns(fit=pl.lit(fit)))
    made = pl.concat(overall)
    wish = "the most" if case.wish == MOST else f"{case.wish:.0%}"
    begin = f"  within {case.within:.0%}, wished {wish:<8}"
    if case.bands > 1:
        begin += f" in each of {case.bands} bands"
    if made.is_empty():
        print(f"{begin} promised in 0%", flush=True)
        return
    below = int((made["hits"] < made["wished"]).sum()) / len(overall)
    noise = float(np.sqrt(below * (1 - below) / len(overall)))
    figures = _figures(pl.concat(every))
    whole = figures.row(by_predicate=pl.col("by") == "", named=True)
    print(
        f"{begin} promised in {len(made) / len(overall):4.0%}, below {below:5.1%} ± {noise:.1%} | priced "
        f"{whole['kept'] / whole['rows']:4.0%}, promised {whole['wish']:.1%}, expected "
        f"{whole['chance']:.1%}, realised {whole['share']:.1%} ± {whole['error']:.1%}",
        flush=True,
    )
    for by, name in (("band", "bands of price"), ("category", "categories")):
        listed = figures.filter(pl.col("by") == by, pl.col("kept") / len(made) >= LARGE)
        if listed.is_empty():
            continue
        short = listed.filter(pl.col("gap") < -ALLOWED).sort("gap")
        shown = ", ".join(f"{line['slice']} {100 * line['gap']:+.1f} ± {100 * line['error']:.1f}"
                          for line in short.iter_rows(named=True))  # fmt: skip
        points = 100 * listed["gap"].to_numpy()
        print(
            f"      {name}: {len(listed)}, realised - promised {points.mean():+.1f} in the mean, "
            f"{points.min():+.1f} to {points.max():+.1f}; short by more than "
            f"{100 * ALLOWED:.0f}: {len(short)}{f' ({shown})' if shown else ''}",
            flush=True,
        )


def _figures(lines: pl.DataFrame) -> pl.DataFrame:
    """by, slice, kept (rows in all), share (that hit), wish, chance, gap and its standard error over the fits."""
    summed = lines.group_by("by", "slice", "fit").agg(pl.col(COUNTS).sum()).filter(pl.col("kept") > 0)
    of_fit = summed.with_columns(gap=(pl.col("hits") - pl.col("wished")) / pl.col("kept"))
    return (
        of_fit.group_by("by", "slice")
        .agg(pl.col(COUNTS).sum(), error=pl.col("gap").std() / pl.len().sqrt())
        .with_columns(
            share=pl.col("hits") / pl.col("kept"), wish=pl.col("wished") / pl.col("kept"),
            chance=pl.col("expected") / pl.col("kept"), gap=(pl.col("hits") - pl.col("wished")) / pl.col("kept"),
            error=pl.col("error").fill_null(float("nan")),
        )
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.promises", description=__doc__)
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--technique", action="append", choices=TECHNIQUES, help="default: all of them")
    parser.add_argument("--fits", type=int, default=FITS)
    parser.add_argument("--rows", type=int, help="of the file; default: all")
    parser.add_argument("--calibration", type=int, default=CALIBRATION, help="calibration rows")
    parser.add_argument("--bands", type=int, default=1, help="bands of the predicted price that promise by themselves")
    parser.add_argument("--only", choices=("generated", "file", "speed"), help="one part")
    asked = parser.parse_args()
    print(
        f"{asked.fits} fits or worlds, {DIVISIONS} divisions each, {asked.calibration:,} calibration rows; promises of "
        f"{certainty.SURE:.0%}. below: the share of all divisions in which kept test rows hit less often than "
        f"promised; ± is a standard error, of hit rates over the fits; segments with {LARGE} kept rows in the mean"
    )
    if asked.only in (None, "generated"):
        print("generated: 20,000 rows, noise 0.05 to 0.9 by category")
        worlds = [generated(seed) for seed in range(asked.fits)]
        for within, wish in GENERATED:
            told(worlds, Case(within, wish, asked.calibration, asked.bands))
    if asked.only in (None, "file"):
        _of_file(asked)
    if asked.only in (None, "speed"):
        from benchmarks import large_lists

        large_lists.main()


def _of_file(asked: argparse.Namespace) -> None:
    items, whole = priced_items(asked.file), Embedded()
    items = items.head(asked.rows or len(items)).with_columns(row=pl.int_range(pl.len(), dtype=pl.Int64))
    for technique in asked.technique or TECHNIQUES:
        print(f"{asked.file.name if asked.file else 'the demo catalogue'}: {len(items):,} priced rows; {technique}")
        frames = [answered(technique, items, whole, fit) for fit in range(asked.fits)]
        for within, wish in REAL:
            told(frames, Case(within, wish, asked.calibration, asked.bands))


if __name__ == "__main__":
    main()
