"""How far a figure would move with other items: bootstrap weights, means and medians under them, and intervals.

Near-duplicates are drawn together: three copies of a product say no more than one. `groups` (n,) holds the group of
each of n items, numbered from 0 (`alone` where every item stands for itself). A resample is how often each group was
drawn; figures are made from what groups sum to, so that a resample costs what the groups are and not the items.
"""

from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Groups = npt.NDArray[np.intp]
Figure = Callable[[Floats], Floats]
"""From how often each group was drawn (b, g) to a figure of each column of values (b, c)."""

_BLOCK = 4_000_000  # weights held at once: 32 MB
_AT_ONCE = 30_000  # random draws made at once: what a core keeps at hand
_DRAWS = 100_000_000  # at most this many random draws, a few seconds; beyond it there are fewer resamples
_FEWEST = 400

LEVEL = 0.95
FEWEST_GROUPS = 10
"""With fewer independent items no interval is made: resampling so few says nothing about others."""


def alone(n: int) -> Groups:
    """Every one of n items in a group of its own."""
    return np.arange(n)


def number(labels: npt.ArrayLike) -> Groups:
    """Groups numbered from 0, from any labels (n,)."""
    return np.unique(np.asarray(labels), return_inverse=True)[1].astype(np.intp)


def independent(groups: Groups, item_weights: Floats | None = None) -> int:
    """How many groups there are; with weights, how many of equal weight would say as much (Kish 1965, section 11.7):
    where a few rows weigh most, the others hardly count."""
    count = int(np.count_nonzero(np.bincount(groups)))
    if item_weights is None or not len(item_weights):
        return count
    return int(count * item_weights.sum() ** 2 / (len(item_weights) * (item_weights**2).sum()))


POOLED = 4_000
"""More groups than these are pooled at random before they are drawn."""


def pooled(groups: Groups, seed: int = 0) -> Groups:
    """Groups (n,) of which there are at most POOLED: beyond that they are joined at random, equally many in each.

    The random groups method (Wolter 2007, ch. 2): joined groups are as independent as single ones, so the spread that
    they show is right on average; from 4,000 of them a standard error is known to about 1 %. Without more than POOLED
    nothing is joined.
    """
    count = int(groups.max(initial=-1)) + 1
    if count <= POOLED:
        return groups
    return (np.random.default_rng(seed).permutation(count) % POOLED)[groups].astype(np.intp)


def affordable(n: int, n_boot: int) -> int:
    """How many resamples of n items are drawn: 2,000 up to 50,000 items, then fewer, never below 400.

    With that many items the interval is narrow, and 400 resamples place its ends to about a tenth of its half width.
    """
    return min(n_boot, max(_FEWEST, _DRAWS // max(1, n)))


def weights(groups: Groups, n_boot: int, seed: int | Sequence[int]) -> Iterator[Floats]:
    """Blocks (b, g): how often each of g groups occurs in a resample of as many, drawn with replacement (the cluster
    bootstrap; Davison & Hinkley 1997, ch. 3.8)."""
    random = np.random.default_rng(seed)
    count = int(groups.max(initial=-1)) + 1
    step = max(1, _BLOCK // max(1, count))
    for start in range(0, n_boot, step):
        block = np.empty((min(step, n_boot - start), count))
        # Several lines at once: with few groups a call for each would cost more than what it draws.
        several = max(1, _AT_ONCE // max(1, count))
        for first in range(0, len(block), several):
            lines = block[first : first + several]
            drawn = random.integers(0, count, lines.shape, dtype=np.uint32) + np.arange(len(lines))[:, None] * count
            lines[:] = np.bincount(drawn.ravel(), minlength=lines.size).reshape(lines.shape)
        yield block


def whole(groups: Groups) -> Floats:
    """(1, g) the sample itself: every group once."""
    return np.ones((1, int(groups.max(initial=-1)) + 1))


def means(values: Floats, groups: Groups | None = None, item_weights: Floats | None = None) -> Figure:
    """Means of the columns of values (n, c) under weights of groups; without `groups` every item stands for itself.
    item_weights: (n,) above 0, how much each item counts in every resample (a ratio estimator); None: all alike.

    NaN in values = no answer, left out; NaN in a mean = a resample without an answer.
    """
    missing = np.isnan(values)
    own = alone(len(values)) if groups is None else groups
    filled = np.where(missing, 0.0, values) if missing.any() else values
    if item_weights is not None:
        sums = _summed(filled * item_weights[:, None], own)
        counts = _summed(np.where(missing, 0.0, item_weights[:, None]), own)
    else:
        sums = _summed(filled, own)
        counts = _summed(~missing, own) if missing.any() else np.bincount(own).astype(float)[:, None]

    def figure(block: Floats) -> Floats:
        answers = block @ counts
        return np.where(answers > 0, block @ sums / np.where(answers > 0, answers, 1.0), np.nan)

    return figure


def _summed(values: npt.NDArray[Any], groups: Groups) -> Floats:
    """(g, c) the sums of values (n, c) over groups."""
    count = int(groups.max(initial=-1)) + 1
    if count == len(values):  # every item stands for itself, perhaps in another order
        summed = np.empty(values.shape)
        summed[groups] = values
        return summed
    columns = [np.bincount(groups, column, minlength=count) for column in values.T]
    return np.stack(columns, axis=1) if columns else np.empty((count, 0))


def medians(values: Floats, groups: Groups, item_weights: Floats | None = None) -> Figure:
    """Medians of the columns of values (n, c) under weights of groups. NaN and item_weights as in `means`.

    Only a band around the middle of the sorted values is looked at: the weight below a position differs from half of
    the whole by at most sqrt(sum of squared group sizes)/2 in standard deviation, so the median is never (6 sigma)
    further than 3 such roots from the middle. Everything below the band is one matrix product. This makes 2,000
    resamples of 100,000 items affordable. With weights of items the middle may lie anywhere: the band is the whole.
    """
    count = int(groups.max(initial=-1)) + 1
    worth = np.ones(len(values)) if item_weights is None else item_weights
    marks = np.zeros((count, 2 * values.shape[1]))  # per column, items of each group: below the band | answered
    bands: list[tuple[Groups, Floats, Floats]] = []
    for column, line in enumerate(values.T):
        places = np.flatnonzero(~np.isnan(line))
        order = places[np.argsort(line[places], kind="stable")]
        sizes = np.bincount(groups[places])
        middle = len(order) // 2
        reach = int(3 * np.sqrt((sizes**2).sum())) + 2 if item_weights is None else len(order)
        first = max(0, middle - reach)
        inside = order[first : middle + reach]
        marks[:, 2 * column] = np.bincount(groups[order[:first]], worth[order[:first]], minlength=count)
        marks[:, 2 * column + 1] = np.bincount(groups[order], worth[order], minlength=count)
        bands.append((groups[inside], line[inside], worth[inside]))

    def figure(block: Floats) -> Floats:
        weighed = block @ marks
        return np.stack(
            [
                _middle(block, *band, weighed[:, 2 * column], weighed[:, 2 * column + 1])
                for column, band in enumerate(bands)
            ],
            axis=1,
        )

    return figure


def _middle(block: Floats, groups: Groups, band: Floats, worth: Floats, below: Floats, total: Floats) -> Floats:
    """(b,) medians under weights (b, g), from a band of sorted values (w,) with the group and the own weight of each;
    the mean of the two middle ones when even. below, total: (b,) the weight below the band, and of all values."""
    if not len(band):
        return np.full(len(block), np.nan)
    # Where the middle lies is looked up twice: among stretches of sqrt(w) values, then inside one of them.
    width = int(np.ceil(np.sqrt(len(band))))
    stretch = np.arange(len(band)) // width
    count, stretches = block.shape[1], int(stretch[-1]) + 1
    marks = np.bincount(groups * stretches + stretch, worth, minlength=count * stretches).reshape(count, stretches)
    ends = np.cumsum(block @ marks, axis=1)
    # counted from the band's first value
    half = (total / 2 - below)[:, None]
    lines = np.arange(len(block))

    def place(is_before: Callable[[Floats, Floats], npt.NDArray[np.bool_]]) -> npt.NDArray[np.intp]:
        """How many values of the band lie before the middle."""
        chosen = np.minimum(is_before(ends, half).sum(axis=1), stretches - 1)
        start = np.where(chosen > 0, ends[lines, chosen - 1], 0.0)
        inside = chosen[:, None] * width + np.arange(width)
        last = len(band) - 1
        known = np.minimum(inside, last)
        drawn = np.where(inside <= last, block[lines[:, None], groups[known]] * worth[known], 0.0)
        reached = start[:, None] + np.cumsum(drawn, axis=1)
        return np.asarray(np.minimum(chosen * width + is_before(reached, half).sum(axis=1), last), dtype=np.intp)

    return np.where(total > 0, (band[place(np.less)] + band[place(np.less_equal)]) / 2, np.nan)


def interval(samples: Floats, point: float | None, level: float = LEVEL) -> tuple[float | None, float | None]:
    """Percentile interval of resampled figures; None, None when there is no figure.

    Stretched to the point where rounding or a very small sample would leave it outside.
    """
    known = samples[~np.isnan(samples)]
    if point is None or not len(known):
        return None, None
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return min(float(low), point), max(float(high), point)


def average(figures: Floats, groups: Sequence[npt.NDArray[np.intp]], seed: Sequence[int] | None = None) -> Floats:
    """Means over groups of columns, those of the runs of one technique: figures (b, c) -> (b, len(groups)).

    With a seed each line draws its runs with replacement, the inner part of a nested bootstrap (Davison & Hinkley 1997,
    ch. 3.8), stretched by sqrt(r / (r - 1)) so that r runs spread as their sample variance says.
    """
    if all(len(group) == 1 for group in groups):
        return figures[:, [int(group[0]) for group in groups]]
    random = None if seed is None else np.random.default_rng(seed)
    means = np.empty((len(figures), len(groups)))
    for place, group in enumerate(groups):
        runs = len(group)
        shares = np.full((len(figures), runs), 1 / runs)
        if random is not None and runs > 1:
            drawn = random.multinomial(runs, shares[0], size=len(figures)) / runs
            shares += (drawn - shares) * np.sqrt(runs / (runs - 1))
        means[:, place] = (figures[:, group] * shares).sum(axis=1)
    return means


def normal_quantile(share: float) -> float:
    """Below which a standard normal variable lies with probability `share`."""
    return NormalDist().inv_cdf(share)


def deviations(samples: Floats, points: Floats, rounding: Floats) -> tuple[Floats, Floats]:
    """The largest standardised deviation in each resample (b,), and the standard error of each figure (p,).

    samples: (b, p) resampled figures, NaN where a resample has none; points: (p,); rounding: (p,) below which a
    standard error is one of the arithmetic. Figures that no resample moves have a standard error of 0 and deviate by
    nothing.
    """
    moved = np.nan_to_num(samples - points)
    scale = np.sqrt((moved**2).mean(axis=0))
    scale = np.where(scale > rounding, scale, 0.0)
    standardised = np.abs(moved) / np.where(scale > 0, scale, np.inf)
    return standardised.max(axis=1, initial=0.0), scale


def critical(largest: Floats, groups: npt.NDArray[np.intp], level: float = LEVEL) -> Floats:
    """How many standard errors on either side hold all of a family of figures at once with probability `level` (p,).

    largest: (b,) the largest deviation of any of them in each resample, in standard errors; groups: (p,) independent
    items behind each figure. The max-t method (Westfall & Young 1993, ch. 2): its quantile takes into account how the
    figures hang together, so twins cost nothing. Widened from the normal to Student's distribution, because a standard
    error is itself estimated from those items.
    """
    from scipy import special  # a quarter of a second for every process that never compares anything

    beyond = special.ndtr(-np.quantile(largest, level))
    return np.asarray(-special.stdtrit(np.maximum(groups - 1, 1), beyond), dtype=float)
