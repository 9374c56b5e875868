"""The table of error measures: what each looks at, how it is averaged, which way is better, how it is called and
written.

A measure is one entry here. Figures, intervals, verdicts, columns of tables, axes of charts and selectors follow.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from worker import amounts
from worker.evaluation import resampling

Average = Literal["mean", "median", "root of mean", "1 - mean"]
Unit = Literal["price", "share", "log", "number"]

WITHIN = 0.2
"""The measure "within" counts guesses that are at most this share of the true price away from it."""

_OFF = (pl.col("price") - pl.col("truth")).abs()
_RELATIVE = pl.when(pl.col("truth") > 0).then(_OFF / pl.col("truth"))
_LOG_OFF = pl.col("price").clip(0).log1p() - pl.col("truth").clip(0).log1p()

_AVERAGES: dict[Average, Callable[[pl.Expr], pl.Expr]] = {
    "mean": pl.Expr.mean,
    "median": pl.Expr.median,
    "root of mean": lambda error: error.mean().sqrt(),
    "1 - mean": lambda error: 1 - error.mean(),
}
_WRITTEN: dict[Unit, Callable[[float], str]] = {
    "price": amounts.price,
    "share": "{:.0%}".format,
    "log": "{:.3f}".format,
    "number": "{:.3f}".format,
}


def _variance(column: str) -> pl.Expr:
    """The variance of a column, each row as much as it weighs."""
    value, weight = pl.col(column), pl.col("weight")
    mean = (value * weight).sum() / weight.sum()
    return ((value - mean).pow(2) * weight).sum() / weight.sum()


def _weighted_median(columns: Sequence[pl.Series]) -> float | None:
    """Of values and their weights; null values are left out."""
    values, weights = pl.DataFrame(list(columns)).drop_nulls().get_columns()
    if not len(values):
        return None
    line = values.cast(pl.Float64).to_numpy()[:, None]
    median = resampling.medians(line, resampling.alone(len(line)), weights.cast(pl.Float64).to_numpy())
    return float(median(np.ones((1, len(line))))[0, 0])


def hit(share: float) -> pl.Expr:
    """Whether a guess is at most this share of the true price away from it, as 1.0 or 0.0."""
    # The tiny slack keeps $8.00 for $10.00 inside, which floating point would put on either side.
    return ((share + 1e-9) * pl.col("truth") >= _OFF).cast(pl.Float64)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A way to say how wrong a technique is."""

    key: str  # column of comparisons and of a job's results
    error: str  # column with the error of one answered item
    of_item: pl.Expr  # that error, from truth and price ($); null where it has none
    average: Average  # from the errors of the items to the figure
    unit: Unit
    lower_is_better: bool = True
    decides: bool = True  # a comparison can be judged by it; else it is only a figure, without an interval
    is_usual: bool = False  # a column of tables unless a reader chooses others
    title: str  # on axes and selectors; behind that of a price stands the currency
    short: str  # in a table's head, and in sentences
    head: str  # of a table in a terminal; likewise
    about: str

    @property
    def label(self) -> str:
        """What axes and selectors call it: "Mean error (€)"."""
        return self.title + (amounts.unit() if self.unit == "price" else "")

    @property
    def terminal(self) -> str:
        """The head of a table in a terminal: "MAE €"."""
        return f"{self.head} {amounts.money().currency.unit}".rstrip() if self.unit == "price" else self.head

    @property
    def aggregate(self) -> pl.Expr:
        """The figure over a column of errors, named by the measure's key."""
        return _AVERAGES[self.average](pl.col(self.error)).alias(self.key)

    @property
    def weighted(self) -> pl.Expr:
        """The same as a weighted figure, by the column weight."""
        error, weight = pl.col(self.error), pl.col("weight")
        if self.average == "median":
            return pl.map_groups([error, weight], _weighted_median, return_dtype=pl.Float64, returns_scalar=True).alias(
                self.key
            )
        known = weight.filter(error.is_not_null())
        mean = (error * weight).sum() / pl.when(known.sum() > 0).then(known.sum())
        return {"mean": mean, "root of mean": mean.sqrt(), "1 - mean": 1 - mean}[self.average].alias(self.key)

    def named(self, column: str = "") -> str:
        """What sentences call it: "mean error", or "mean error weighted by COLUMN" with a column of weights."""
        return self.short.lower() + (f" weighted by {column}" if column else "")

    def written(self, value: float | None) -> str:
        """A figure with its unit: "$95.20", "25%", "0.412"."""
        return amounts.NOTHING if value is None else _WRITTEN[self.unit](value)

    def cell(self, value: float | None) -> str:
        """A figure below a head that names the unit: "95.2", "25%", "0.412"."""
        return amounts.plain(value, 1) if value is not None and self.unit == "price" else self.written(value)


MEASURES: dict[str, Measure] = {
    measure.key: measure
    for measure in (
        Measure(
            key="mae",
            is_usual=True,
            error="absolute",
            of_item=_OFF,
            average="mean",
            unit="price",
            title="Mean error",
            short="Mean error",
            head="MAE",
            about="How much a guess is off, on average (MAE).",
        ),
        Measure(
            key="median_ape",
            is_usual=True,
            error="relative",
            of_item=_RELATIVE,
            average="median",
            unit="share",
            title="Median error (% of the price)",
            short="Median error",
            head="median error",
            about="Half of the guesses are closer than this share of the true price; dear items don't dominate.",
        ),
        Measure(
            key="mape",
            error="relative",
            of_item=_RELATIVE,
            average="mean",
            unit="share",
            title="Mean error (% of the price)",
            short="Mean % error",
            head="MAPE",
            about="How far guesses are off in percent of the price, on average (MAPE); cheap items weigh most.",
        ),
        Measure(
            key="smape",
            error="symmetric",
            # Both can be 0 only together, and then the guess is exact.
            of_item=pl.when(_OFF == 0).then(0.0).otherwise(2 * _OFF / (pl.col("price").abs() + pl.col("truth").abs())),
            average="mean",
            unit="share",
            title="Symmetric error (SMAPE)",
            short="SMAPE",
            head="SMAPE",
            about="Mean error as a share of the middle of guess and price, 0 to 200 %: twice and half weigh the same.",
        ),
        Measure(
            key="rmsle",
            is_usual=True,
            error="squared_log",
            of_item=_LOG_OFF.pow(2),
            average="root of mean",
            unit="log",
            title="Log error (RMSLE)",
            short="RMSLE",
            head="RMSLE",
            about="Root mean squared error of log prices: twice and half the price weigh the same.",
        ),
        Measure(
            key="rmse",
            error="squared",
            of_item=_OFF.pow(2),
            average="root of mean",
            unit="price",
            title="Root mean squared error",
            short="RMSE",
            head="RMSE",
            about="As the mean error, but a guess that is twice as far off weighs four times.",
        ),
        Measure(
            key="within",
            is_usual=True,
            error="hit",
            of_item=hit(WITHIN),
            average="mean",
            unit="share",
            lower_is_better=False,
            title="Within 20 % of the price",
            short="Within 20 %",
            head="within 20 %",
            about="Share of guesses that are good enough.",
        ),
        Measure(
            key="within_10",
            error="hit_10",
            of_item=hit(0.1),
            average="mean",
            unit="share",
            lower_is_better=False,
            title="Within 10 % of the price",
            short="Within 10 %",
            head="within 10 %",
            about="Share of guesses that are at most 10 % away from the true price.",
        ),
        Measure(
            key="within_40",
            error="hit_40",
            of_item=hit(0.4),
            average="mean",
            unit="share",
            lower_is_better=False,
            title="Within 40 % of the price",
            short="Within 40 %",
            head="within 40 %",
            about="Share of guesses that are at most 40 % away from the true price.",
        ),
        Measure(
            key="bias",
            error="signed",
            of_item=pl.col("price") - pl.col("truth"),
            average="mean",
            unit="price",
            decides=False,
            title="Bias",
            short="Bias",
            head="bias",
            about="Mean of guess minus price: above 0 it guesses too dear, below too cheap; nearer to 0 is better.",
        ),
        Measure(
            key="r2",
            error="unexplained",
            # The variance is that of the items measured together; alike prices leave nothing to explain.
            of_item=pl.when(_variance("truth") > 0).then(_OFF.pow(2) / _variance("truth")),
            average="1 - mean",
            unit="number",
            lower_is_better=False,
            decides=False,
            title="Explained variance (R²)",
            short="R²",
            head="R²",
            about="Share of the variance of prices that guesses explain: 1 = all, 0 = no better than the mean price.",
        ),
    )
}
"""Key -> measure, in the order in which readers see them."""

DECIDING: dict[str, Measure] = {key: measure for key, measure in MEASURES.items() if measure.decides}
"""Those that a comparison can be judged by."""

SHOWN = tuple(key for key, measure in DECIDING.items() if measure.is_usual)
"""Keys of the columns of tables, unless a reader chooses others."""

USUAL = "mae"
"""The measure that judges where nobody chose another one."""
