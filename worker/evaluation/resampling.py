"""How far a figure would move with other items: bootstrap weights, means and medians under them, and intervals.

Near-duplicates are drawn together: three copies of a product say no more than one. `groups` (n,) holds the group of
each of n items, numbered from 0 (`alone` where every item stands for itself).
"""

from collections.abc import Callable, Iterator, Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Groups = npt.NDArray[np.intp]
Figure = Callable[[Floats], Floats]

_BLOCK = 4_000_000  # weights held at once: 32 MB
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


def independent(groups: Groups, weights: Floats | None = None) -> int:
    """How many groups there are; with weights, how many of equal weight would say as much (Kish 1965, section 11.7):
    where a few rows weigh most, the others hardly count."""
    count = int(np.count_nonzero(np.bincount(groups)))
    if weights is None or not len(weights):
        return count
    return int(count * weights.sum() ** 2 / (len(weights) * (weights**2).sum()))


def affordable(n: int, n_boot: int) -> int:
    """How many resamples of n items are drawn: 2,000 up to 50,000 items, then fewer, never below 400.

    With that many items the interval is narrow, and 400 resamples place its ends to about a tenth of its half width.
    """
    return min(n_boot, max(_FEWEST, _DRAWS // max(1, n)))


def weights(groups: Groups, n_boot: int, seed: int | Sequence[int]) -> Iterator[Floats]:
    """Blocks (b, n): how often each of n items occurs in a resample of as many groups as there are, drawn with
    replacement (the cluster bootstrap; Davison & Hinkley 1997, ch. 3.8)."""
    random = np.random.default_rng(seed)
    count = int(groups.max(initial=-1)) + 1
    step = max(1, _BLOCK // len(groups))
    for start in range(0, n_boot, step):
        block = np.empty((min(step, n_boot - start), len(groups)))
        for line in block:
            line[:] = np.bincount(random.integers(0, count, count, dtype=np.uint32), minlength=count)[groups]
        yield block


def means(values: Floats) -> Figure:
    """Weighted means of the columns of values (n, c): weights (b, n) -> (b, c).

    NaN in values = no answer, left out; NaN in a mean = a resample without an answer.
    """
    missing = np.isnan(values)
    filled = np.where(missing, 0.0, values)
    answered = (~missing).astype(float)
    complete = not missing.any()

    def figure(block: Floats) -> Floats:
        sums: Floats = block @ filled
        if complete:
            totals: Floats = block.sum(axis=1, keepdims=True)
            return sums / totals
        counts = block @ answered
        return np.where(counts > 0, sums / np.maximum(counts, 1.0), np.nan)

    return figure


def medians(values: Floats, groups: Groups) -> Figure:
    """Weighted medians of the columns of values (n, c): weights (b, n) -> (b, c). NaN as in `means`.

    Only a band around the middle of the sorted values is looked at: the weight below a position differs from half of
    the whole by at most sqrt(sum of squared group sizes)/2 in standard deviation, so the median is never (6 sigma)
    further than 3 such roots from the middle. Everything below the band is one matrix product. This makes 2,000
    resamples of 100,000 items affordable. Where weights of another kind put a median outside of the band, all values
    are looked at.
    """
    marks = np.zeros((len(values), 2 * values.shape[1]))  # per column: below the band | answered
    bands: list[tuple[npt.NDArray[np.intp], Floats]] = []
    orders: list[npt.NDArray[np.intp]] = []
    for column, line in enumerate(values.T):
        places = np.flatnonzero(~np.isnan(line))
        order = places[np.argsort(line[places], kind="stable")]
        sizes = np.bincount(groups[places])
        middle, reach = len(order) // 2, int(3 * np.sqrt((sizes**2).sum())) + 2
        first = max(0, middle - reach)
        inside = order[first : middle + reach]
        marks[order[:first], 2 * column] = 1.0
        marks[order, 2 * column + 1] = 1.0
        bands.append((inside, line[inside]))
        orders.append(order)

    def median(block: Floats, column: int, below: Floats, total: Floats) -> Floats:
        inside, band = bands[column]
        within = block[:, inside]
        half = total / 2 - below
        if np.any((half < 0) | (half >= within.sum(axis=1))) and len(inside) < len(orders[column]):
            inside = orders[column]
            return _middle(block[:, inside], values[inside, column], np.zeros(len(block)), total)
        return _middle(within, band, below, total)

    def figure(block: Floats) -> Floats:
        weighed = block @ marks
        columns = [median(block, at, weighed[:, 2 * at], weighed[:, 2 * at + 1]) for at in range(len(bands))]
        return np.stack(columns, axis=1)

    return figure


def _middle(block: Floats, band: Floats, below: Floats, total: Floats) -> Floats:
    """(b,) medians from the weights (b, w) of a band of sorted values; the mean of the two middle ones when even."""
    if not len(band):
        return np.full(len(block), np.nan)
    # counted from the band's first value
    half = (total / 2 - below)[:, None]
    cumulative = np.cumsum(block, axis=1)
    lower = np.minimum((cumulative < half).sum(axis=1), len(band) - 1)
    upper = np.minimum((cumulative <= half).sum(axis=1), len(band) - 1)
    return np.where(total > 0, (band[lower] + band[upper]) / 2, np.nan)


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
