"""The probability that each of several jobs is on the frontier, with the doubt on its error and on its cost.

Errors and costs are resampled together, over groups of near-duplicates. What the resamples say of near-equals would be
too sure: who lies ahead on these items partly does so by luck. So the errors are drawn towards each other by as much as
their spread is one of luck: jobs are taken for draws around a common mean whose spread is unknown (Efron & Morris 1975;
the prior on the share of luck is uniform: Daniels 1999). Whether "80 %" is right in about 80 of 100 cases is measured
by `python -m benchmarks.frontier`.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from worker.evaluation import compare, metrics, resampling
from worker.evaluation.compare import MIN_ANSWERED, NO_REPEATS
from worker.evaluation.measures import DECIDING, USUAL, Measure
from worker.evaluation.pairs import Places, Sample
from worker.evaluation.resampling import Floats, Groups
from worker.evaluation.shared import shared_items

DRAWS = 1_000
_SHARES = (np.arange(64) + 0.5) / 64  # of the spread of the errors that is no luck, each as likely beforehand
_BLOCK = 2_000_000  # pairs of jobs compared at once
_RUNS = 2  # tells the draws of runs from those of items, and of spreads


def odds(
    predictions: pl.DataFrame,
    n_boot: int = DRAWS,
    seed: int = 0,
    *,
    by: str = USUAL,
    repeats: Mapping[int, int] = NO_REPEATS,
) -> pl.DataFrame:
    """job_id, frontier_odds (0 to 1) of each technique, from a long frame and `repeats` as `compare.table` takes them;
    `by`: a key of DECIDING.

    Of a technique that ran several times the mean counts, and how far its runs lie apart is part of the doubt. Null
    where it has no place: its cost is unknown, it answered too little (MIN_ANSWERED), or there are too few groups of
    near-duplicates to say anything about other items.
    """
    every = compare.technique_of_jobs(predictions, repeats)
    jobs = every["job_id"].unique().sort()
    lines = metrics.errors(shared_items(predictions)).with_columns(again=pl.col("usd") + pl.col("saved_usd"))
    n = len(lines) // max(1, len(every))
    if not n:
        return pl.DataFrame({"job_id": jobs, "frontier_odds": pl.Series([None] * len(jobs), dtype=pl.Float64)})
    errors, costs = (side_by_side(lines[name], n) for name in (DECIDING[by].error, "again"))
    groups = resampling.number(lines["group_id"].head(n))
    runs = Sample(errors, groups, resampling.number(every["job_id"])).runs
    answered, unknown = ~np.isnan(errors), np.isnan(costs.sum(axis=0))
    shares = np.array([answered[:, each].mean() for each in runs])
    fewest = [min(len(np.unique(groups[answered[:, job]])) for job in each) for each in runs]
    is_trusted = shares >= min(MIN_ANSWERED, shares.max())
    has_place = is_trusted & (np.array(fewest) >= resampling.FEWEST_GROUPS)
    has_place &= ~np.array([unknown[each].any() for each in runs])
    placed = np.flatnonzero(has_place)
    found = np.full(len(jobs), np.nan)
    if len(placed):
        kept = [runs[place] for place in placed]
        weights = metrics.weights(lines.head(n))
        found[placed] = probabilities(errors, costs, groups, DECIDING[by], n_boot, seed, runs=kept, weights=weights)
    return pl.DataFrame({"job_id": jobs, "frontier_odds": pl.Series(found, dtype=pl.Float64).fill_nan(None)})


def probabilities(
    errors: Floats,
    costs: Floats,
    groups: Groups,
    measure: Measure,
    n_boot: int = DRAWS,
    seed: int = 0,
    *,
    runs: Sequence[Places] | None = None,
    weights: Floats | None = None,
) -> Floats:
    """(techniques,) from the errors and costs of jobs on the same items, both (n, jobs); NaN in errors = no answer.
    runs: the places of each technique's jobs; None: every job is one. weights: (n,) how much each item counts in the
    error; None: all alike."""
    runs = [np.array([job]) for job in range(errors.shape[1])] if runs is None else runs
    used = np.concatenate(runs)
    errors, costs = errors[:, used], costs[:, used]
    ends = np.cumsum([len(each) for each in runs])
    runs = [np.arange(end - len(each), end) for each, end in zip(runs, ends, strict=True)]
    groups = resampling.pooled(groups)
    average, cost = compare.figure(errors, groups, weights, key=measure.key), resampling.means(costs, groups)
    drawn = [
        (average(block), cost(block))
        # A probability needs fewer resamples than an interval: 400 leave it a standard error of 2.5 points at most.
        for block in resampling.weights(groups, resampling.affordable(4 * len(groups), n_boot), seed)
    ]
    # The same seed: what a drawn run got wrong goes with what it cost.
    resampled, paid = (
        resampling.average(np.concatenate(each), runs, [seed, _RUNS]) for each in zip(*drawn, strict=True)
    )
    known = ~np.isnan(resampled).any(axis=1)
    whole = resampling.average(average(resampling.whole(groups)), runs)[0]
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
