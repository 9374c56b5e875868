"""Whether a technique errs on another table as it did where it learned: two independent samples of errors."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from worker.evaluation import metrics, resampling
from worker.evaluation.compare import figure
from worker.evaluation.measures import DECIDING
from worker.evaluation.resampling import LEVEL, Floats


@dataclass(frozen=True, slots=True)
class Kept:
    """A measure here and where it was promised; figures in the measure's unit, None where nothing was answered."""

    measure: str  # key of DECIDING
    promised: float | None
    here: float | None
    rows: int  # with a known price
    promised_rows: int
    worse_by: float | None  # below 0: better
    low: float | None = None  # of worse_by; None with too few independent rows on either side
    high: float | None = None

    @property
    def is_broken(self) -> bool:
        """Whether it errs surely more than was promised."""
        return self.low is not None and self.low > 0

    def sentence(self) -> str:
        """The difference with its interval, no stronger than that: "worse than promised by $6.00 ($2.00 to $10.00)"."""
        measure = DECIDING[self.measure]
        if self.worse_by is None:
            return "nothing was answered that can be compared with what was promised"
        written = measure.written
        if self.low is None or self.high is None:
            return "too few rows to say whether it is as promised"
        if self.low > 0:
            return f"worse than promised by {written(self.worse_by)} ({written(self.low)} to {written(self.high)})"
        if self.high < 0:
            ends = f"{written(-self.high)} to {written(-self.low)}"
            return f"better than promised by {written(-self.worse_by)} ({ends})"
        return (
            f"no difference to what was promised can be told: it lies between {written(-self.low)} better and "
            f"{written(self.high)} worse"
        )


def kept(
    promised: pl.DataFrame, here: pl.DataFrame, by: str, level: float = LEVEL, *, n_boot: int = 2000, seed: int = 0
) -> Kept:
    """Compare the errors of one technique on two tables that share no item.

    Frames have truth, price ($), status and group_id (of near-duplicates, which are drawn together; numbers of the two
    frames have nothing to do with each other). The tables are drawn apart from each other, because no row of the one
    belongs to a row of the other.
    """
    sign = 1 if DECIDING[by].lower_is_better else -1
    figures, drawn, enough = [], [], True
    for place, frame in enumerate((promised, here)):
        errors, groups = _errors(frame, by)
        enough &= resampling.independent(groups[~np.isnan(errors[:, 0])]) >= resampling.FEWEST_GROUPS
        figures.append(_point(errors, groups, by))
        drawn.append(_drawn(errors, groups, by, n_boot, [seed, place]) if enough else np.empty(0))
    before, now = figures
    both = None if before is None or now is None else sign * (now - before)
    low, high = None, None
    if enough and both is not None:
        fewest = min(map(len, drawn))
        low, high = resampling.interval(sign * (drawn[1][:fewest] - drawn[0][:fewest]), both, level)
    return Kept(by, before, now, len(here), len(promised), both, low, high)


def _errors(frame: pl.DataFrame, by: str) -> tuple[Floats, resampling.Groups]:
    """(n, 1) errors, NaN where nothing was answered, and the group of each."""
    measured = metrics.errors(frame)[DECIDING[by].error].cast(pl.Float64).fill_null(float("nan"))
    return measured.to_numpy()[:, None], resampling.number(frame["group_id"])


def _point(errors: Floats, groups: resampling.Groups, by: str) -> float | None:
    if np.isnan(errors).all():
        return None
    return float(figure(errors, groups, key=by)(resampling.whole(groups))[0, 0])


def _drawn(errors: Floats, groups: resampling.Groups, by: str, n_boot: int, seed: list[int]) -> Floats:
    pools = resampling.pooled(groups)
    figures = figure(errors, pools, key=by)
    blocks = resampling.weights(pools, resampling.affordable(len(errors), n_boot), seed)
    return np.concatenate([figures(block)[:, 0] for block in blocks])
