"""How far would a figure move with other items? Bootstrap weights, and means and medians under them."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Figure = Callable[[Floats], Floats]

_BLOCK = 4_000_000  # weights held at once: 32 MB
_DRAWS = 100_000_000  # at most this many random draws, a few seconds; beyond it there are fewer resamples
_FEWEST = 400


def affordable(n: int, n_boot: int) -> int:
    """How many resamples of n items are drawn: 2,000 up to 50,000 items, then fewer, never below 400.

    With that many items the interval is narrow, and 400 resamples place its ends to about a tenth of its half width.
    """
    return min(n_boot, max(_FEWEST, _DRAWS // max(1, n)))


def weights(n: int, n_boot: int, seed: int) -> Iterator[Floats]:
    """Blocks (b, n): how often each of n items occurs in a resample of n items drawn with replacement."""
    random = np.random.default_rng(seed)
    step = max(1, _BLOCK // n)
    for start in range(0, n_boot, step):
        block = np.empty((min(step, n_boot - start), n))
        for line in block:
            line[:] = np.bincount(random.integers(0, n, n, dtype=np.uint32), minlength=n)
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
            return sums / len(values)
        counts = block @ answered
        return np.where(counts > 0, sums / np.maximum(counts, 1.0), np.nan)

    return figure


def medians(values: Floats) -> Figure:
    """Weighted medians of the columns of values (n, c): weights (b, n) -> (b, c). NaN as in `means`.

    Only a band around the middle of the sorted values is looked at: the weight below a position differs from its
    expectation by about sqrt(m)/2, so the median is never (6 sigma) outside of m/2 +- 3 sqrt(m). Everything below the
    band is one matrix product. This makes 2,000 resamples of 100,000 items affordable.
    """
    marks = np.zeros((len(values), 2 * values.shape[1]))  # per column: below the band | answered
    bands: list[tuple[npt.NDArray[np.intp], Floats]] = []
    for column, line in enumerate(values.T):
        places = np.flatnonzero(~np.isnan(line))
        order = places[np.argsort(line[places], kind="stable")]
        middle, reach = len(order) // 2, int(3 * np.sqrt(len(order))) + 2
        first = max(0, middle - reach)
        inside = order[first : middle + reach]
        marks[order[:first], 2 * column] = 1.0
        marks[order, 2 * column + 1] = 1.0
        bands.append((inside, line[inside]))

    def figure(block: Floats) -> Floats:
        weighed = block @ marks
        return np.stack(
            [
                _middle(block[:, inside], band, weighed[:, 2 * column], weighed[:, 2 * column + 1])
                for column, (inside, band) in enumerate(bands)
            ],
            axis=1,
        )

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


def interval(samples: Floats, point: float | None, level: float = 0.95) -> tuple[float | None, float | None]:
    """Percentile interval of resampled figures; None, None when there is no figure.

    Stretched to the point where rounding or a very small sample would leave it outside.
    """
    known = samples[~np.isnan(samples)]
    if point is None or not len(known):
        return None, None
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return min(float(low), point), max(float(high), point)
