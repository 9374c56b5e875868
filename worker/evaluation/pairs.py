"""Which of several techniques differ for sure: every pair on the same items, all pairs held at once."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from worker.evaluation import resampling
from worker.evaluation.resampling import LEVEL, Figure, Floats, Groups

Measurer = Callable[[Floats, Groups, Floats | None], Figure]
"""From errors (n, c), the groups of the items (n,) and how much each counts (n,; None: all alike) to their figure under
weights of groups: a mean, a median."""

Places = npt.NDArray[np.intp]
POWER = 0.8
"""How often a planned number of rows shall tell two techniques apart that differ as much as was seen."""


@dataclass(frozen=True)
class Differences:
    """Figure of the first technique of each pair minus that of the second, on the items that both answered."""

    techniques: int
    gaps: Floats  # (p,); NaN: no item in common
    errors: Floats  # (p,) standard errors; NaN: too few rows for one
    factors: Floats  # (p,) how many standard errors an interval reaches to either side
    doubt: Callable[[int], float] = lambda _: 0.0  # relative standard error of the variance behind a pair's error

    def of(self, first: int, second: int) -> tuple[float, float, float]:
        """Difference of two techniques by their places, with the ends of its interval; NaN = unknown."""
        if first == second:
            return 0.0, 0.0, 0.0
        place = self._place(first, second)
        gap, reach = float(self.gaps[place]), float(self.errors[place] * self.factors[place])
        gap = gap if first < second else -gap
        return gap, gap - reach, gap + reach

    def times_rows(self, first: int, second: int, power: float = POWER) -> float:
        """How many times the rows would tell the two apart in a share `power` of all cases, if they truly differ as
        much as they seem to. NaN = unknown; infinite where they do not differ at all.

        A standard error falls with the root of the rows, so a difference d is found with that power when
        d = (factor + z(power)) x standard error (Miller 2024, "Adding Error Bars to Evals", section 5). Where few items
        make most of the noise, a sample mostly shows too little of it; so the variance is taken one standard error
        higher, which made plans from 200 to 1,000 skewed errors keep their promise (docs/experiments.md).
        """
        place = self._place(first, second)
        gap = abs(float(self.gaps[place]))
        noise = float(self.errors[place]) * np.exp(self.doubt(place) / 2)
        needed = noise * (float(self.factors[place]) + resampling.normal_quantile(power))
        return float((needed / gap) ** 2) if gap else (np.inf if needed == needed else np.nan)

    def _place(self, first: int, second: int) -> int:
        low, high = min(first, second), max(first, second)
        return low * self.techniques - low * (low + 1) // 2 + high - low - 1


class Sample(NamedTuple):
    """What jobs got wrong on the same items."""

    errors: Floats  # (n, jobs); NaN: no answer
    groups: Groups  # (n,)
    repeats: Places | None = None  # (jobs,) the technique that each job is a run of, from 0; None: one run of each
    weights: Floats | None = None  # (n,) how much each item counts; None: all alike

    @property
    def runs(self) -> list[Places]:
        """For each technique the places of its jobs."""
        if self.repeats is None:
            return [np.array([job]) for job in range(self.errors.shape[1])]
        return [np.flatnonzero(self.repeats == technique) for technique in range(int(self.repeats.max(initial=-1)) + 1)]


def differences(
    samples: Sequence[Sample],
    measure: Measurer,
    n_boot: int,
    seed: int,
    level: float = LEVEL,
    *,
    has_tails: bool = True,
) -> list[Differences]:
    """All pairs of techniques of every sample, told apart so that all hold together with probability `level`.

    So in at most 1 - level of all comparisons is any of the pairs, in any of the samples, said to differ though it does
    not: however many techniques there are and whichever of them happens to lie ahead. The samples share no item (slices
    of one table), so they are resampled independently.

    Step-down max-t (Romano & Wolf 2005, "Exact and Approximate Stepdown Methods for Multiple Hypothesis Testing",
    algorithm 4.1): pairs that surely differ no longer widen the intervals of the rest, and the rest is judged again. An
    interval is as wide as the step that its pair was decided in asks for. Measured in docs/experiments.md.

    A technique that ran several times (`Sample.repeats`) stands with the mean of its runs; resamples draw runs, too, so
    that the spread between them is part of the interval. has_tails: the figure is a mean, which few large errors can
    move, and no median. With weights (`Sample.weights`) figures are weighted, in the whole sample and in each resample
    (a ratio estimator), and intervals are as wide as the groups that such weights leave (`resampling.independent`).
    """
    drawn = [_Drawn(sample, measure, n_boot, [seed, place]) for place, sample in enumerate(samples)]
    draws = min((len(each.lines) for each in drawn if each.is_judged.any()), default=0)
    factors = [np.full(len(each.gaps), np.nan) for each in drawn]
    undecided = [each.is_judged.copy() for each in drawn]
    while any(each.any() for each in undecided):
        largest = np.max([each.largest(pairs, draws) for each, pairs in zip(drawn, undecided, strict=True)], axis=0)
        is_settled = True
        for each, pairs, reach in zip(drawn, undecided, factors, strict=True):
            reach[pairs] = resampling.critical(largest, each.groups[pairs], level)
            differ = pairs & (np.abs(each.gaps) > reach * each.errors)
            is_settled = is_settled and not differ.any()
            np.logical_and(pairs, ~differ, out=pairs)
        if is_settled:
            break
    return [
        Differences(each.techniques, each.gaps, each.errors, reach, *([each.doubt] if has_tails else []))
        for each, reach in zip(drawn, factors, strict=True)
    ]


class _Drawn:
    """The pairs of one sample, resampled."""

    def __init__(self, sample: Sample, measure: Measurer, n_boot: int, seed: Sequence[int]) -> None:
        runs = sample.runs
        self.techniques = len(runs)
        self._sample = sample
        self._columns, self._means, self._left, self._right, self.groups = _columns(sample, runs)
        self.gaps = np.full(len(self._left), np.nan)
        self.errors = np.full(len(self._left), np.nan)
        self.is_judged = self.groups >= resampling.FEWEST_GROUPS
        self.lines = np.empty((0, len(self._means)))  # (b, c) the figure of each column in each resample
        if not self._columns:
            return
        count = resampling.affordable(len(sample.errors), n_boot) if self.is_judged.any() else 0
        figures, drawn = self._figures(measure, count, seed)
        whole = resampling.average(figures, self._means)[0]
        self.gaps = whole[self._left] - whole[self._right]
        if not count:
            return
        self.lines = resampling.average(drawn, self._means, [*seed, _RUNS])
        rounding = _PRECISION * np.maximum(np.abs(whole[self._left]), np.abs(whole[self._right]))
        for part in self._parts(self.is_judged):
            scale = np.sqrt((self._moved(part) ** 2).mean(axis=0))
            self.errors[part] = np.where(scale > rounding[part], scale, 0.0)

    def _figures(self, measure: Measurer, count: int, seed: Sequence[int]) -> tuple[Floats, Floats]:
        """The figure of each column on the whole sample (1, c), and in `count` resamples (count, c).

        As many columns at once as memory has room for: where each of 200 jobs left other items unanswered, there are
        40,000.
        """
        groups = resampling.pooled(self._sample.groups)
        blocks = list(resampling.weights(groups, count, seed))
        step = max(1, _ROOM // max(1, len(groups)))
        whole, drawn = np.empty((1, len(self._columns))), np.empty((count, len(self._columns)))
        for start in range(0, len(self._columns), step):
            part = slice(start, start + step)
            columns = np.stack([self._column(*each) for each in self._columns[part]], axis=1)
            figure = measure(columns, groups, self._sample.weights)
            whole[:, part] = figure(resampling.whole(groups))
            if count:
                drawn[:, part] = np.concatenate([figure(block) for block in blocks])
        return whole, drawn

    def _column(self, job: int, answered: bytes) -> Floats:
        """The errors of a job on some of the items that it answered (n,)."""
        errors = self._sample.errors[:, job]
        return np.where(_unpacked(answered, len(errors)), errors, np.nan)

    def largest(self, pairs: npt.NDArray[np.bool_], draws: int) -> Floats:
        """The largest deviation of any of the pairs in each resample, in standard errors (b,)."""
        found = np.zeros(draws)
        for part in self._parts(pairs):
            scale = np.where(self.errors[part] > 0, self.errors[part], np.inf)
            np.maximum(found, np.abs(self._moved(part)[:draws] / scale).max(axis=1), out=found)
        return found

    def doubt(self, place: int) -> float:
        """Relative standard error of the variance of a pair's differences: sqrt((kurtosis - 1) / groups)."""
        one, other = (
            np.mean([self._column(*self._columns[column]) for column in self._means[side[place]]], axis=0)
            for side in (self._left, self._right)
        )
        both, items = ~np.isnan(one - other), self._sample.groups
        weights = 1.0 if self._sample.weights is None else self._sample.weights[both]
        off = np.bincount(items[both], ((one - other)[both] - self.gaps[place]) * weights)
        off = off[np.bincount(items[both]) > 0]
        square = (off**2).mean() if len(off) else 0.0
        return float(np.sqrt(max(0.0, (off**4).mean() / square**2 - 1) / len(off))) if square else 0.0

    def _moved(self, part: Places) -> Floats:
        """How far resampled differences lie from those of the whole sample (b, pairs)."""
        moved: Floats = self.lines[:, self._left[part]] - self.lines[:, self._right[part]] - self.gaps[part]
        return np.nan_to_num(moved)

    def _parts(self, pairs: npt.NDArray[np.bool_]) -> list[Places]:
        """The places of pairs, in parts that memory has room for: 200 jobs have 20,000 pairs."""
        places = np.flatnonzero(pairs)
        step = max(1, _ROOM // max(1, len(self.lines)))
        return [places[start : start + step] for start in range(0, len(places), step)]


_PRECISION = 1e-10  # of a figure; sums differ in the last digits
_ROOM = 4_000_000  # numbers held at once: 32 MB
_RUNS = 1  # tells the draws of runs from those of items


def _columns(
    sample: Sample, runs: Sequence[Places]
) -> tuple[list[tuple[int, bytes]], list[Places], Places, Places, Places]:
    """Each job with the items that it and a rival technique answered (`_packed`), equal ones once (c); for each
    technique and rival the columns of its runs; for each pair (p,) the places of its two sides in that list, and in how
    many groups both answered."""
    answered = [_packed(~np.isnan(sample.errors[:, jobs]).any(axis=1)) for jobs in runs]
    # Twins share a column, so that nothing tells them apart, not even the last digit of a sum.
    first: dict[bytes, int] = {}
    own = [first.setdefault(column.tobytes(), job) for job, column in enumerate(sample.errors.T)]
    columns: dict[tuple[int, bytes], int] = {}
    means: dict[tuple[int, ...], int] = {}
    sizes: dict[bytes, int] = {}
    pairs = []
    for one, other in itertools.combinations(range(len(runs)), 2):
        both = (answered[one] & answered[other]).tobytes()
        if both not in sizes:
            shared = _unpacked(both, len(sample.groups))
            weights = None if sample.weights is None else sample.weights[shared]
            sizes[both] = resampling.independent(sample.groups[shared], weights)
        sides = []
        for technique in (one, other):
            places = tuple(columns.setdefault((own[job], both), len(columns)) for job in runs[technique])
            sides.append(means.setdefault(places, len(means)))
        pairs.append((*sides, sizes[both]))
    table = np.array(pairs, dtype=np.intp).reshape(-1, 3)
    return list(columns), [np.array(places) for places in means], table[:, 0], table[:, 1], table[:, 2]


def _packed(items: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """A bit for each item: of 200 jobs there are thousands of such sets."""
    return np.packbits(np.asarray(items, dtype=np.bool_))


def _unpacked(items: bytes, n: int) -> npt.NDArray[np.bool_]:
    return np.unpackbits(np.frombuffer(items, dtype=np.uint8), count=n).astype(np.bool_)
