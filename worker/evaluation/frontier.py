"""The techniques that are worth a look: those for which no other is both cheaper and more accurate."""

import numpy as np
import numpy.typing as npt
import polars as pl


def mask(cost: npt.ArrayLike, error: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """True for points that no other point dominates; lower is better in both, NaN is never on the frontier.

    A point dominates another when it is at least as good in both and better in one. So of two equally dear points only
    the more accurate one stays, and twins stay both. A cost of 0 is a cost like any other.
    """
    costs, errors = np.asarray(cost, dtype=float), np.asarray(error, dtype=float)
    known = ~(np.isnan(costs) | np.isnan(errors))
    as_cheap, as_good = costs[:, None] <= costs, errors[:, None] <= errors
    strictly = (costs[:, None] < costs) | (errors[:, None] < errors)
    dominated = (as_cheap & as_good & strictly & known[:, None]).any(axis=0)
    return np.asarray(known & ~dominated, dtype=np.bool_)


def line(table: pl.DataFrame, error: str = "mae", cost: str = "usd_per_1000", ascending: bool = True) -> pl.DataFrame:
    """The lines of a comparison table on the frontier of any error, cheapest first; for drawing.

    `ascending` False = a higher value is better (within).
    """
    known = table.drop_nulls([cost, error])
    errors = known[error].to_numpy()
    return known.filter(pl.Series(mask(known[cost].to_numpy(), errors if ascending else -errors))).sort(cost, error)
