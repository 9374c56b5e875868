"""Which of several techniques differ for sure: every pair on the same items, all pairs held at once."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from worker.evaluation import resampling
from worker.evaluation.resampling import LEVEL, Figure, Floats, Groups

Measurer = Callable[[Floats, Groups], Figure]
"""From errors (n, c) and the groups of the items (n,) to their figure under weights: a mean, a median."""

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
    def whole(self) -> Floats:
        """(1, n) what the items weigh in a figure of all of them."""
        return np.ones((1, len(self.errors))) if self.weights is None else self.weights[None, :]

    def weighed(self, block: Floats) -> Floats:
        """(b, n) what the items weigh in resamples in which they occur so often."""
        return block if self.weights is None else block * self.weights

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
        n = len(sample.errors)
        runs = sample.runs
        self.techniques = len(runs)
        columns, means, self._left, self._right, self.groups = _columns(sample, runs)
        self._columns, self._means, self._items = columns, means, sample.groups
        self._weights = sample.weights
        self.gaps = np.full(len(self._left), np.nan)
        self.errors = np.full(len(self._left), np.nan)
        self.is_judged = self.groups >= resampling.FEWEST_GROUPS
        self.lines = np.empty((0, len(means)))  # (b, c) the figure of each column in each resample
        if not columns.size:
            return
        figure = measure(columns, sample.groups)
        whole = resampling.average(figure(sample.whole), means)[0]
        self.gaps = whole[self._left] - whole[self._right]
        if not self.is_judged.any():
            return
        count = resampling.affordable(n, n_boot)
        drawn = np.concatenate(
            [figure(sample.weighed(block)) for block in resampling.weights(sample.groups, count, seed)]
        )
        self.lines = resampling.average(drawn, means, [*seed, _RUNS])
        rounding = _PRECISION * np.maximum(np.abs(whole[self._left]), np.abs(whole[self._right]))
        for part in self._parts(self.is_judged):
            scale = np.sqrt((self._moved(part) ** 2).mean(axis=0))
            self.errors[part] = np.where(scale > rounding[part], scale, 0.0)

    def largest(self, pairs: npt.NDArray[np.bool_], draws: int) -> Floats:
        """The largest deviation of any of the pairs in each resample, in standard errors (b,)."""
        found = np.zeros(draws)
        for part in self._parts(pairs):
            scale = np.where(self.errors[part] > 0, self.errors[part], np.inf)
            np.maximum(found, np.abs(self._moved(part)[:draws] / scale).max(axis=1), out=found)
        return found

    def doubt(self, place: int) -> float:
        """Relative standard error of the variance of a pair's differences: sqrt((kurtosis - 1) / groups)."""
        one, other = (self._columns[:, self._means[side[place]]].mean(axis=1) for side in (self._left, self._right))
        both = ~np.isnan(one - other)
        weights = 1.0 if self._weights is None else self._weights[both]
        off = np.bincount(self._items[both], ((one - other)[both] - self.gaps[place]) * weights)
        off = off[np.bincount(self._items[both]) > 0]
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


def _columns(sample: Sample, runs: Sequence[Places]) -> tuple[Floats, list[Places], Places, Places, Places]:
    """Errors of each job on the items that it and a rival technique answered, equal columns once (n, c); for each
    technique and rival the columns of its runs; for each pair (p,) the places of its two sides in that list, and in how
    many groups both answered."""
    answered = ~np.isnan(sample.errors)
    columns: dict[bytes, int] = {}
    kept: list[Floats] = []
    means: dict[tuple[int, ...], int] = {}
    sizes: dict[bytes, int] = {}
    pairs = []
    for ends in itertools.combinations(runs, 2):
        both = answered[:, np.concatenate(ends)].all(axis=1)
        key = both.tobytes()
        if key not in sizes:
            weights = None if sample.weights is None else sample.weights[both]
            sizes[key] = resampling.independent(sample.groups[both], weights)
        sides = []
        for end in ends:
            places = []
            for job in end:
                column = np.where(both, sample.errors[:, job], np.nan)
                place = columns.setdefault(column.tobytes(), len(kept))
                if place == len(kept):
                    kept.append(column)
                places.append(place)
            sides.append(means.setdefault(tuple(places), len(means)))
        pairs.append((*sides, sizes[key]))
    grid = np.stack(kept, axis=1) if kept else np.empty((len(answered), 0))
    table = np.array(pairs, dtype=np.intp).reshape(-1, 3)
    return grid, [np.array(places) for places in means], table[:, 0], table[:, 1], table[:, 2]
