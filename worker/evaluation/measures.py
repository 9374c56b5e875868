"""The table of error measures: what each looks at, how it is averaged, which way is better, how it is called and
written.

A measure is one entry here. Figures, intervals, verdicts, columns of tables, axes of charts and selectors follow.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import polars as pl

from worker import amounts

Average = Literal["mean", "median", "root of mean"]
Unit = Literal["dollars", "share", "log"]

WITHIN = 0.2
"""The measure "within" counts guesses that are at most this share of the true price away from it."""

_OFF = (pl.col("price") - pl.col("truth")).abs()
_LOG_OFF = pl.col("price").clip(0).log1p() - pl.col("truth").clip(0).log1p()

_AVERAGES: dict[Average, Callable[[pl.Expr], pl.Expr]] = {
    "mean": pl.Expr.mean,
    "median": pl.Expr.median,
    "root of mean": lambda error: error.mean().sqrt(),
}
_WRITTEN: dict[Unit, Callable[[float], str]] = {
    "dollars": amounts.usd,
    "share": "{:.0%}".format,
    "log": "{:.3f}".format,
}


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
    label: str  # on axes and selectors
    short: str  # in a table's head, and in sentences
    terminal: str  # in the head of a table in a terminal
    about: str

    @property
    def aggregate(self) -> pl.Expr:
        """The figure over a column of errors, named by the measure's key."""
        return _AVERAGES[self.average](pl.col(self.error)).alias(self.key)

    def written(self, value: float | None) -> str:
        """A figure with its unit: "$95.20", "25%", "0.412"."""
        return amounts.NOTHING if value is None else _WRITTEN[self.unit](value)

    def cell(self, value: float | None) -> str:
        """A figure below a head that names the unit: "95.2", "25%", "0.412"."""
        return amounts.plain(value, 1) if value is not None and self.unit == "dollars" else self.written(value)


MEASURES: dict[str, Measure] = {
    measure.key: measure
    for measure in (
        Measure(
            key="mae",
            error="absolute",
            of_item=_OFF,
            average="mean",
            unit="dollars",
            label="Mean error ($)",
            short="Mean error",
            terminal="MAE $",
            about="How many dollars a guess is off, on average (MAE).",
        ),
        Measure(
            key="median_ape",
            error="relative",
            of_item=pl.when(pl.col("truth") > 0).then(_OFF / pl.col("truth")),
            average="median",
            unit="share",
            label="Median error (% of the price)",
            short="Median error",
            terminal="median error",
            about="Half of the guesses are closer than this share of the true price; dear items don't dominate.",
        ),
        Measure(
            key="rmsle",
            error="squared_log",
            of_item=_LOG_OFF.pow(2),
            average="root of mean",
            unit="log",
            label="Log error (RMSLE)",
            short="RMSLE",
            terminal="RMSLE",
            about="Root mean squared error of log prices: twice and half the price weigh the same.",
        ),
        Measure(
            key="rmse",
            error="squared",
            of_item=_OFF.pow(2),
            average="root of mean",
            unit="dollars",
            decides=False,
            label="Root mean squared error ($)",
            short="RMSE",
            terminal="RMSE $",
            about="As the mean error, but a guess that is twice as far off weighs four times.",
        ),
        Measure(
            key="within",
            error="hit",
            # The tiny slack keeps $8.00 for $10.00 inside, which floating point would put on either side.
            of_item=((WITHIN + 1e-9) * pl.col("truth") >= _OFF).cast(pl.Float64),
            average="mean",
            unit="share",
            lower_is_better=False,
            label="Within 20 % of the price",
            short="Within 20 %",
            terminal="within 20 %",
            about="Share of guesses that are good enough.",
        ),
    )
}
"""Key -> measure, in the order in which readers see them."""

DECIDING: dict[str, Measure] = {key: measure for key, measure in MEASURES.items() if measure.decides}
"""Those that a comparison can be judged by."""

USUAL = "mae"
"""The measure that judges where nobody chose another one."""
