"""How wrong techniques are on a small table, from prices that each row got while it was not learned from.

Every row is priced by fits that did not see it, once in each of several repeats with other folds. Rows then say about
as much as a test side of all of them would; what they say less is in the interval.
"""

import itertools
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from worker.evaluation import metrics, resampling
from worker.evaluation.folds import FOLDS
from worker.evaluation.measures import DECIDING, USUAL
from worker.evaluation.resampling import LEVEL, Floats

REPEATS = 5
SMALL = 200
"""Priced rows below which one split says too little: a tenth of them is a test side of fewer than 20."""

FEWEST = 30
"""Priced rows below which nothing is measured by learning from them."""

COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "job_id": pl.Int64,
    "n": pl.Int64,  # rows, the same for every job
    "answered": pl.Float64,  # share of rows with a price in every repeat
    "figure": pl.Float64,  # mean error over rows and repeats
    "low": pl.Float64,
    "high": pl.Float64,
    "between": pl.Float64,  # standard deviation of the figure over repeats: what other folds change
    "diff": pl.Float64,  # how much worse than the job that is ahead
    "diff_low": pl.Float64,  # of all pairs at once
    "diff_high": pl.Float64,
    "verdict": pl.String,  # ahead, worse, tie
}


def table(prices: pl.DataFrame, *, by: str = USUAL, level: float = LEVEL) -> pl.DataFrame:
    """One line per job (COLUMNS), the one ahead first, from a long frame: job_id, repeat, row, group_id, truth, price
    (null: none). `by`: a measure whose average is a mean. Only rows that every job has in every repeat count.

    An interval starts from the standard error of the mean over rows, near-duplicates together, and is widened for what
    rows of one table can't show. The fits of two folds share most of their rows, so that errors hang together: by
    sqrt(1 + 1/(folds - 1)), as Nadeau and Bengio (2003) correct it. And errors of prices have long tails, so that few
    of them leave their own spread unsure: it is known as if from a quarter of the rows (the degrees of freedom of a
    variance are 2n/(kurtosis - 1), and the kurtosis of an exponential variable is 9). Figures are intervals of the
    logarithm, because a mean error can't be negative; differences are plain, all pairs at once (Bonferroni).
    """
    errors, groups, ids, answered = _errors(prices, by)
    if not len(groups):
        return pl.DataFrame(schema=COLUMNS)
    wide = np.sqrt(1 + 1 / (FOLDS - 1))
    means = errors.mean(axis=0)
    figures = means.mean(axis=0)
    order = np.argsort(figures, kind="stable")
    best, pairs = order[0], max(1, len(list(itertools.combinations(ids, 2))))
    lines = []
    for job in order:
        spread = wide * _standard_error(errors[:, :, job], groups)
        reach = _t(level, groups) * spread / figures[job] if figures[job] > 0 else 0.0
        line = [ids[job], len(groups), answered[job], figures[job], figures[job] * np.exp(-reach)]
        line += [figures[job] * np.exp(reach), means[:, job].std(ddof=1) if len(means) > 1 else None]
        if job == best:
            lines.append([*line, 0.0, None, None, "ahead"])
            continue
        apart = errors[:, :, job] - errors[:, :, best]
        gap = float(apart.mean())
        away = _t(1 - (1 - level) / pairs, groups) * wide * _standard_error(apart, groups)
        lines.append([*line, gap, gap - away, gap + away, "worse" if gap - away > 0 else "tie"])
    return pl.DataFrame(lines, schema=COLUMNS, orient="row")


def _errors(prices: pl.DataFrame, by: str) -> tuple[Floats, resampling.Groups, list[int], list[float]]:
    """(repeats, rows, jobs) errors of the rows that all answered, (rows,) groups, job ids, answered shares."""
    measured = metrics.errors(prices.with_columns(status=pl.lit("ok")))
    error = DECIDING[by].error
    ids = measured["job_id"].unique().sort().to_list()
    repeats = measured["repeat"].n_unique() if len(measured) else 0
    known = measured.with_columns(pl.col(error).cast(pl.Float64)).filter(pl.col(error).is_not_null())
    whole = known.filter(pl.len().over("row") == repeats * len(ids)).sort("repeat", "row", "job_id")
    rows = whole["row"].n_unique()
    answered = [
        known.filter(pl.col("job_id") == job).group_by("row").len().filter(pl.col("len") == repeats).height
        / max(1, measured["row"].n_unique())
        for job in ids
    ]
    cube = whole[error].to_numpy().reshape(repeats, rows, len(ids)) if rows else np.empty((0, 0, len(ids)))
    first = whole.filter(pl.col("repeat") == whole["repeat"].min(), pl.col("job_id") == ids[0]) if rows else whole
    return cube, resampling.number(first["group_id"]), ids, answered


def _standard_error(errors: Floats, groups: resampling.Groups) -> float:
    """Of the mean of errors (repeats, rows): over rows, groups drawn together, and over repeats."""
    of_row = errors.mean(axis=0)
    off = np.bincount(groups, of_row - of_row.mean())
    count = len(off)
    over_rows = count / max(1, count - 1) * float((off**2).sum()) / len(of_row) ** 2
    over_repeats = float(errors.mean(axis=1).var(ddof=1)) / len(errors) if len(errors) > 1 else 0.0
    return float(np.sqrt(over_rows + over_repeats))


def _t(level: float, groups: npt.NDArray[np.intp]) -> float:
    from scipy import special  # a quarter of a second for every process that never compares anything

    freedom = max(2.0, resampling.independent(groups) / 4)
    return float(special.stdtrit(freedom, (1 + level) / 2))


def sentence(lines: pl.DataFrame, names: Mapping[int, str], by: str = USUAL, level: float = LEVEL) -> str:
    """What a table says, no stronger than its intervals."""
    if lines.is_empty():
        return "No row was priced by all of them, so nothing can be said."
    measure = DECIDING[by]
    ahead = lines.row(0, named=True)
    ends = f"{measure.written(ahead['low'])} to {measure.written(ahead['high'])}, {level:.0%}"
    said = (
        f"{names[ahead['job_id']]} has a {measure.named()} of {measure.written(ahead['figure'])} ({ends}) on products "
    )
    said += f"like these {ahead['n']:,}, each priced by fits that had not seen it."
    for verdict, words in (("worse", "is shown to be worse"), ("tie", "is not shown to be worse")):
        named = [names[job] for job in lines.filter(pl.col("verdict") == verdict)["job_id"]]
        said += "".join(f" {name} {words}." for name in named)
    return said


def too_few(priced: int) -> str:
    """What can be had where too few rows have a price to learn and to measure; "" where there are enough."""
    if priced >= FEWEST:
        return ""
    has = "1 row has" if priced == 1 else f"{priced} rows have"
    return (
        f"Only {has} a price: with fewer than {FEWEST} nothing can be learned here and no error measured that says "
        "anything. What can be had: prices of a language model that needs no examples (zero-shot), or of a technique "
        "that learned from another dataset."
    )
