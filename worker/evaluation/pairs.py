"""Which of several jobs differ for sure: every pair on the same items, all pairs held at once."""

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


@dataclass(frozen=True)
class Differences:
    """Figure of the first job of each pair minus that of the second, on the items that both answered."""

    jobs: int
    gaps: Floats  # (p,); NaN: no item in common
    ends: Floats  # (p,) half the width of each interval; NaN: too few rows for one

    def of(self, first: int, second: int) -> tuple[float, float, float]:
        """Difference of two jobs by their places, with the ends of its interval; NaN = unknown."""
        if first == second:
            return 0.0, 0.0, 0.0
        low, high = min(first, second), max(first, second)
        place = low * self.jobs - low * (low + 1) // 2 + high - low - 1
        gap, reach = float(self.gaps[place]), float(self.ends[place])
        gap = gap if first < second else -gap
        return gap, gap - reach, gap + reach


class Sample(NamedTuple):
    """What jobs got wrong on the same items."""

    errors: Floats  # (n, jobs); NaN: no answer
    groups: Groups  # (n,)


def differences(
    samples: Sequence[Sample], measure: Measurer, n_boot: int, seed: int, level: float = LEVEL
) -> list[Differences]:
    """All pairs of jobs of every sample, in intervals that hold all together with probability `level`.

    So in at most 1 - level of all comparisons is any of the pairs, in any of the samples, said to differ though it does
    not: however many jobs there are and whichever of them happens to lie ahead. The samples share no item (slices of
    one table), so they are resampled independently. Measured in docs/experiments.md.
    """
    drawn = [_Drawn(sample, measure, n_boot, [seed, place]) for place, sample in enumerate(samples)]
    shortest = min((len(each.largest) for each in drawn), default=0)
    largest = np.max([each.largest[:shortest] for each in drawn], axis=0, initial=0.0)
    return [each.differences(largest, level) for each in drawn]


class _Drawn:
    """The pairs of one sample, resampled."""

    def __init__(self, sample: Sample, measure: Measurer, n_boot: int, seed: Sequence[int]) -> None:
        n, self._jobs = sample.errors.shape
        columns, left, right, self._groups = _columns(sample)
        self._gaps = np.full(len(left), np.nan)
        self._scale = np.full(len(left), np.nan)
        self.largest = np.zeros(resampling.affordable(n, n_boot))
        if not columns.size:
            return
        figure = measure(columns, sample.groups)
        whole = figure(np.ones((1, n)))[0]
        self._gaps = whole[left] - whole[right]
        judged = self._groups >= resampling.FEWEST_GROUPS
        if judged.any():
            one, other = left[judged], right[judged]
            lines = (figure(block) for block in resampling.weights(sample.groups, len(self.largest), seed))
            moved = np.concatenate([line[:, one] - line[:, other] for line in lines])
            rounding = _PRECISION * np.maximum(np.abs(whole[one]), np.abs(whole[other]))
            self.largest, self._scale[judged] = resampling.deviations(moved, self._gaps[judged], rounding)

    def differences(self, largest: Floats, level: float) -> Differences:
        return Differences(self._jobs, self._gaps, resampling.critical(largest, self._groups, level) * self._scale)


Places = npt.NDArray[np.intp]
_PRECISION = 1e-10  # of a figure; sums differ in the last digits


def _columns(sample: Sample) -> tuple[Floats, Places, Places, Places]:
    """Errors of each job on the items that it and a rival answered, equal columns once (n, c); for each pair (p,) the
    places of its two columns, and in how many groups both answered."""
    answered = ~np.isnan(sample.errors)
    columns: dict[bytes, Floats] = {}
    sizes: dict[bytes, int] = {}
    pairs = []
    for first, second in itertools.combinations(range(answered.shape[1]), 2):
        both = answered[:, first] & answered[:, second]
        key = both.tobytes()
        if key not in sizes:
            sizes[key] = int(np.count_nonzero(np.bincount(sample.groups[both])))
        ends = [np.where(both, sample.errors[:, job], np.nan) for job in (first, second)]
        columns |= {end.tobytes(): end for end in ends}
        pairs.append((ends[0].tobytes(), ends[1].tobytes(), sizes[key]))
    order = {key: place for place, key in enumerate(columns)}
    grid = np.stack(list(columns.values()), axis=1) if columns else np.empty((len(answered), 0))
    places = np.array([(order[one], order[other], size) for one, other, size in pairs], dtype=np.intp).reshape(-1, 3)
    return grid, places[:, 0], places[:, 1], places[:, 2]
