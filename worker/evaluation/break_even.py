"""What ways to price cost in all against the number of items a month, and from which number on one is cheaper than
another, with the doubt that a sample of items leaves.

The total of a way = once + months * (monthly + items * cost per item). Only the cost per item is a mean over a sample;
it is resampled, with the same resamples for every way, so that what makes an item dear for all of them cancels out.
What is paid once or monthly is taken as it is: the intervals say nothing about another training. A way that priced many
items in one go was timed a few times only: it has no interval, nor a crossing on which its time has any weight.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from worker import amounts
from worker.evaluation import resampling
from worker.evaluation.resampling import LEVEL, Floats, Groups

DRAWS = 2_000
NO_WEIGHT = 0.02
"""Share of a saving up to which a cost without an interval leaves the interval of the saving as it is."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to price, in dollars."""

    key: int
    once: float
    monthly: float
    per_item: Floats  # (n,) of the same n items for all ways
    is_timed_at_once: bool = False  # its costs are shares of the time that a few large batches took


@dataclass(frozen=True, slots=True)
class Crossing:
    """From which number of items a month on `better`, which costs more at first, is cheaper than `other`."""

    better: int
    other: int
    items: float
    low: float | None  # None, None = nobody knows
    high: float | None  # infinite: it may never be
    level: float = LEVEL  # of that interval
    usd: float = 0.0  # what each of both costs in all there
    is_timed_at_once: bool = False  # why there is no interval; else there are too few items

    def sentence(self, names: Mapping[int, str]) -> str:
        """From where on it pays, with the interval; names: key -> name."""
        start = f"{names[self.better]} is cheaper than {names[self.other]} from {rounded(self.items)} items a month on"
        if self.is_timed_at_once:
            return f"{start} (timed in one go, so how sure that is nobody knows)."
        if self.low is None or self.high is None:
            return f"{start} (too few items to say how sure that is)."
        if self.high == float("inf"):
            return f"{start} ({amounts.level(self.level)} interval: {rounded(self.low)} or more, perhaps never)."
        return f"{start} ({amounts.level(self.level)} interval {rounded(self.low)} to {rounded(self.high)})."


def rounded(items: float) -> str:
    """A number of items with two digits that mean something, three from 100 to 199: 41,000; 128; 7."""
    if items < 1:
        return "1"  # the first one
    digits = len(str(round(items)))
    return f"{round(items, min(0, 2 - digits)):,.0f}"


class Totals:
    """Ways over so many months."""

    def __init__(
        self,
        ways: Sequence[Way],
        groups: Groups,
        months: int,
        n_boot: int = DRAWS,
        seed: int = 0,
        *,
        level: float = LEVEL,
    ) -> None:
        """level: of all intervals here."""
        self.ways, self.months, self.level = tuple(ways), months, level
        grid = np.stack([way.per_item for way in ways], axis=1) if ways else np.empty((1, 0))
        self.means = grid.mean(axis=0)
        self._fixed = np.array([way.once + months * way.monthly for way in ways])
        # (b, ways); None: too few items
        self._drawn: Floats | None = None
        if len(ways) and len(np.unique(groups)) >= resampling.FEWEST_GROUPS:
            figure = resampling.means(grid, groups)
            blocks = resampling.weights(groups, resampling.affordable(len(groups), n_boot), seed)
            self._drawn = np.concatenate([figure(block) for block in blocks])

    @property
    def has_no_doubt(self) -> bool:
        """Whether there are too few items for intervals."""
        return bool(self.ways) and self._drawn is None

    def per_item(self) -> list[tuple[float, float | None, float | None]]:
        """Mean cost of an item of each way in dollars, and the ends of its interval; None, None: unknown."""
        drawn = [np.empty(0)] * len(self.ways) if self._drawn is None else self._drawn.T
        found = []
        for way, mean, draws in zip(self.ways, self.means, drawn, strict=True):
            is_known = not way.is_timed_at_once
            ends = resampling.interval(draws, float(mean), self.level) if is_known else (None, None)
            found.append((float(mean), *ends))
        return found

    def at(self, items: Sequence[float]) -> pl.DataFrame:
        """key, items (a month), usd (the total), usd_low, usd_high: a line for each way and each number of items."""
        lines = []
        for way, fixed, (mean, low, high) in zip(self.ways, self._fixed, self.per_item(), strict=True):
            for count in items:
                seen = self.months * count
                ends = [None if end is None else fixed + seen * end for end in (low, high)]
                lines.append((way.key, float(count), fixed + seen * mean, *ends))
        columns = dict.fromkeys(("items", "usd", "usd_low", "usd_high"), pl.Float64)
        return pl.DataFrame(lines, schema={"key": pl.Int64, **columns}, orient="row")

    def crossings(self) -> list[Crossing]:
        """Where one way becomes cheaper than another that costs less at first, by the number of items."""
        found = []
        for one, other in itertools.permutations(range(len(self.ways)), 2):
            extra, saved = self._fixed[one] - self._fixed[other], self.means[other] - self.means[one]
            if extra > 0 and saved > 0:
                items = float(extra / saved / self.months)
                usd = float(self._fixed[one] + self.months * items * self.means[one])
                timed = sum(self.means[way] for way in (one, other) if self.ways[way].is_timed_at_once)
                is_timed_at_once = bool(timed > NO_WEIGHT * saved)
                low, high = (None, None) if is_timed_at_once else self._ends(one, other, items)
                keys = (self.ways[one].key, self.ways[other].key)
                found.append(Crossing(*keys, items, low, high, self.level, usd, is_timed_at_once))
        return sorted(found, key=lambda crossing: crossing.items)

    def _ends(self, one: int, other: int, items: float) -> tuple[float | None, float | None]:
        if self._drawn is None:
            return None, None
        saved = self._drawn[:, other] - self._drawn[:, one]
        # The number of items falls as the saving grows, so its quantiles are those of the saving turned round. They are
        # taken of the saving: a resample that saves nothing is a crossing at infinity.
        least, most = np.quantile(saved, [(1 - self.level) / 2, (1 + self.level) / 2])
        extra = float(self._fixed[one] - self._fixed[other]) / self.months
        high = extra / float(least) if least > 0 else float("inf")
        return min(extra / float(most), items) if most > 0 else items, max(high, items)
