"""A comparison's own error rates, by simulation on its predictions: false losers among equals, and losers found."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from worker.evaluation import compare, pairs, resampling
from worker.evaluation.measures import DECIDING, Measure
from worker.evaluation.pairs import Sample
from worker.evaluation.resampling import Floats

PLANTED = (0.05, 0.1, 0.2)
"""How much worse, as a share of its own errors, one technique is made in the simulations of power."""

N_BOOT = 400


@dataclass(frozen=True, slots=True)
class Share:
    """How often something happened in simulated comparisons."""

    count: int
    rounds: int

    @property
    def value(self) -> float:
        return self.count / self.rounds

    @property
    def error(self) -> float:
        """Its standard error; that of one case more where there is none or nothing else."""
        share = min(max(self.value, 1 / (self.rounds + 1)), self.rounds / (self.rounds + 1))
        return float(np.sqrt(share * (1 - share) / self.rounds))


def sample(predictions: pl.DataFrame, by: str, most: int, seed: int) -> Sample:
    """The errors of jobs by a measure of DECIDING, on the items that a comparison would use.

    predictions: as `compare.table`. Above `most` items whole groups are drawn until there are as many.
    """
    whole = compare.sample(predictions, by)
    order = np.random.default_rng(seed).permutation(int(whole.groups.max(initial=-1)) + 1)
    sizes = np.bincount(whole.groups)[order].cumsum() if len(order) else np.empty(0)
    kept = np.isin(whole.groups, order[: int(np.searchsorted(sizes, most, "right"))])
    weights = None if whole.weights is None else whole.weights[kept]
    return Sample(whole.errors[kept], resampling.number(whole.groups[kept]), weights=weights)


def false_losers(sample: Sample, by: str, level: float, rounds: int, seed: int) -> Iterator[bool]:
    """For each round whether any technique is called worse, though all were made equal.

    In every group of near-duplicates the techniques' errors change hands at random, so that each technique is a mixture
    of all: equal on average, as noisy and as much alike on hard items as these are (a permutation test's null).
    """
    random = np.random.default_rng([seed, 0])
    for number in range(rounds):
        yield bool(_losers(_relabelled(sample, random), by, level, [seed, number]))


def found_losers(sample: Sample, worse: float, by: str, level: float, rounds: int, seed: int) -> Iterator[bool]:
    """For each round whether the one technique that was made `worse` (a share of its errors) is called worse, where all
    others are equal."""
    random = np.random.default_rng([seed, 1, round(1000 * worse)])
    techniques = sample.errors.shape[1]
    for number in range(rounds):
        mixed = _relabelled(sample, random)
        chosen = int(random.integers(techniques))
        mixed.errors[:, chosen] = _worsened(mixed.errors[:, chosen], DECIDING[by], worse, random)
        yield chosen in _losers(mixed, by, level, [seed, number])


def _relabelled(sample: Sample, random: np.random.Generator) -> Sample:
    groups = int(sample.groups.max(initial=-1)) + 1
    order = random.random((groups, sample.errors.shape[1])).argsort(axis=1)
    return Sample(np.take_along_axis(sample.errors, order[sample.groups], axis=1), sample.groups, None, sample.weights)


def _worsened(errors: Floats, measure: Measure, share: float, random: np.random.Generator) -> Floats:
    if not measure.lower_is_better:  # hits: some of them become misses
        return np.where(np.isnan(errors), np.nan, errors * (random.random(len(errors)) >= share))
    return errors * (1 + share) ** (2 if measure.average == "root of mean" else 1)


def _losers(sample: Sample, by: str, level: float, seed: Sequence[int]) -> set[int]:
    """The techniques that are called worse than the one ahead."""
    figure = partial(compare.figure, key=by)
    (found,) = pairs.differences([sample], figure, N_BOOT, int(np.random.default_rng(seed).integers(2**31)), level)
    points = figure(sample.errors, sample.groups, sample.weights)(resampling.whole(sample.groups))[0]
    is_low = DECIDING[by].lower_is_better
    first = int(np.nanargmin(points) if is_low else np.nanargmax(points))
    ends = {job: found.of(job, first)[1:] for job in range(len(points)) if job != first}
    return {job for job, (low, high) in ends.items() if (low > 0 if is_low else high < 0)}
