"""The probability that each of several jobs is on the frontier, with the doubt on its error and on its cost.

Errors and costs are resampled together, over groups of near-duplicates. What the resamples say of near-equals would be
too sure: who lies ahead on these items partly does so by luck. So the errors are drawn towards each other by as much as
their spread is one of luck: jobs are taken for draws around a common mean whose spread is unknown (Efron & Morris 1975;
the prior on the share of luck is uniform: Daniels 1999). Whether "80 %" is right in about 80 of 100 cases is measured
by `python -m benchmarks.frontier`.
"""

import numpy as np
import numpy.typing as npt
import polars as pl

from worker.evaluation import compare, metrics, resampling
from worker.evaluation.compare import MIN_ANSWERED
from worker.evaluation.measures import DECIDING, USUAL, Measure
from worker.evaluation.pairs import Sample
from worker.evaluation.resampling import Floats, Groups
from worker.evaluation.shared import shared_items

DRAWS = 1_000
_SHARES = (np.arange(64) + 0.5) / 64  # of the spread of the errors that is no luck, each as likely beforehand
_BLOCK = 2_000_000  # pairs of jobs compared at once


def odds(predictions: pl.DataFrame, n_boot: int = DRAWS, seed: int = 0, *, by: str = USUAL) -> pl.DataFrame:
    """job_id, frontier_odds (0 to 1) from a long frame as `compare.table` takes it; `by`: a key of DECIDING.

    Null where a job has no place: its cost is unknown, it answered too little (MIN_ANSWERED), or there are too few
    groups of near-duplicates to say anything about other items.
    """
    jobs = predictions["job_id"].unique().sort()
    lines = metrics.errors(shared_items(predictions)).with_columns(again=pl.col("usd") + pl.col("saved_usd"))
    n = len(lines) // max(1, len(jobs))
    if not n:
        return pl.DataFrame({"job_id": jobs, "frontier_odds": pl.Series([None] * len(jobs), dtype=pl.Float64)})
    errors, costs = (side_by_side(lines[name], n) for name in (DECIDING[by].error, "again"))
    groups = resampling.number(lines["group_id"].head(n))
    answered = ~np.isnan(errors)
    shares = answered.mean(axis=0)
    enough = np.array([len(np.unique(groups[column])) >= resampling.FEWEST_GROUPS for column in answered.T])
    trusted = shares >= min(MIN_ANSWERED, shares.max())
    placed = np.flatnonzero(~np.isnan(costs).any(axis=0) & trusted & enough)
    found = np.full(len(jobs), np.nan)
    if len(placed):
        weights = metrics.weights(lines.head(n))
        found[placed] = probabilities(errors[:, placed], costs[:, placed], groups, DECIDING[by], n_boot, seed, weights)
    return pl.DataFrame({"job_id": jobs, "frontier_odds": pl.Series(found, dtype=pl.Float64).fill_nan(None)})


def probabilities(
    errors: Floats,
    costs: Floats,
    groups: Groups,
    measure: Measure,
    n_boot: int = DRAWS,
    seed: int = 0,
    weights: Floats | None = None,
) -> Floats:
    """(jobs,) from the errors and costs of jobs on the same items, both (n, jobs); NaN in errors = no answer. weights:
    (n,) how much each item counts in the error."""
    sample = Sample(errors, groups, weights=weights)
    average, cost = compare.figure(errors, groups, measure.key), resampling.means(costs)
    drawn = [
        (average(sample.weighed(block)), cost(block))
        # A probability needs fewer resamples than an interval: 400 leave it a standard error of 2.5 points at most.
        for block in resampling.weights(groups, resampling.affordable(4 * len(groups), n_boot), seed)
    ]
    resampled, paid = (np.concatenate(each) for each in zip(*drawn, strict=True))
    known = ~np.isnan(resampled).any(axis=1)
    whole = average(sample.whole)[0]
    worse = 1.0 if measure.lower_is_better else -1.0
    is_on = _on_frontier(paid[known], worse * _drawn_together(resampled[known], whole, seed))
    return np.asarray(is_on.mean(axis=0), dtype=float)


def side_by_side(series: pl.Series, n: int) -> Floats:
    """(n, jobs) of a column that is sorted by job and item; NaN for null."""
    values = series.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return values.reshape(-1, n).T


def _drawn_together(resampled: Floats, whole: Floats, seed: int) -> Floats:
    """Draws (b, jobs) of what the figures of jobs might be, from resampled ones and those on the whole sample (jobs,).

    In the directions in which the noise of the figures is independent (its principal axes), each deviation from the
    mean of all jobs keeps the share spread² / (spread² + noise²); the spread is drawn from what the figures say of it.
    """
    jobs = len(whole)
    if jobs < 2:
        return resampled
    mean = resampled.mean(axis=1, keepdims=True)
    centred = resampled - mean
    noise, axes = np.linalg.eigh(np.cov(centred.T))
    noise, axes = np.maximum(noise[1:], 0.0), axes[:, 1:]  # the first direction is that of the mean itself
    usual = float(noise.mean())
    if usual <= 0:
        return resampled
    spreads = usual * _SHARES / (1 - _SHARES)
    middle = (whole - whole.mean()) @ axes
    scales = spreads[:, None] + noise
    evidence = -0.5 * (np.log(scales) + middle**2 / scales).sum(axis=1)
    chance = np.exp(evidence - evidence.max())
    chosen = np.random.default_rng([seed, 1]).choice(len(spreads), len(resampled), p=chance / chance.sum())
    kept = spreads[chosen, None] / scales[chosen]
    moved = kept * middle + np.sqrt(kept) * (centred @ axes - middle)
    return np.asarray(mean + moved @ axes.T)


def _on_frontier(costs: Floats, errors: Floats) -> npt.NDArray[np.bool_]:
    """`frontier.mask` of each of many draws (b, jobs)."""
    step = max(1, _BLOCK // max(1, costs.shape[1]) ** 2)
    return np.concatenate([_mask(costs[at : at + step], errors[at : at + step]) for at in range(0, len(costs), step)])


def _mask(costs: Floats, errors: Floats) -> npt.NDArray[np.bool_]:
    # Single precision: sums of equal columns differ in the last digits.
    costs, errors = costs.astype(np.float32), errors.astype(np.float32)
    cheaper, better = costs[:, :, None] - costs[:, None, :], errors[:, :, None] - errors[:, None, :]
    dominates = (cheaper <= 0) & (better <= 0) & ((cheaper < 0) | (better < 0))
    return np.asarray(~dominates.any(axis=1))
