"""The error against the rows that were learned from, and where two ways would meet. Power laws with doubt.

error(n) = exp(level) * n ** -slope, a line on log axes: in the range where data still helps, errors of learned models
follow it over orders of magnitude (Hestness et al., "Deep Learning Scaling is Predictable, Empirically", 2017). The
slope is held between 0 (more rows do not make it worse) and 1 (no faster than in proportion).
There is no floor that errors never get below (a + b * n ** -c): three or four points can't tell one from a small slope.
Forecasts are the more hopeful the further they go, which is why none goes further than REACH.
That they hold is tested over one doubling only, from half of the rows to all of them: more was not measured.

Doubt has two parts: other rows to measure on (they are resampled, the same ones for all ways), and other trainings
(every point is moved by chance as much as the points were found to lie off their lines).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from worker.evaluation.resampling import Floats, alone, means, weights

DRAWS = 1000
LEVEL = 0.8  # of all intervals here
REACH = 10.0  # times the rows of the largest part that was measured: further than that nothing is said
LEAST_SCATTER = 0.01  # log scale: few points may lie on a line by luck


@dataclass(frozen=True, slots=True)
class Rung:
    """A way that learned from so many rows, measured on m rows: the same m rows for all rungs of all ways."""

    way: str
    rows: int
    errors: Floats  # (m,) absolute errors in $; NaN = no price came
    weights: Floats | None = None  # (m,) how much each row counts, the same for all rungs; None: all alike

    @property
    def error(self) -> float:
        """Its mean error in $."""
        return float(means(self.errors[:, None], None, self.weights)(np.ones((1, len(self.errors))))[0, 0])


@dataclass(frozen=True, slots=True)
class Line:
    """The power law of one way, and as many as there are draws of what it might be as well."""

    way: str
    rows: Floats  # (r,) of its rungs, rising
    errors: Floats  # (r,) mean error of each rung in $
    level: float
    slope: float
    levels: Floats  # (DRAWS,)
    slopes: Floats  # (DRAWS,)

    def at(self, rows: float) -> tuple[float, float, float]:
        """Expected mean error in $ after learning from so many rows, and its 80 % interval."""
        drawn = np.exp(self.levels - self.slopes * np.log(rows))
        low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        middle = float(np.exp(self.level - self.slope * np.log(rows)))
        return middle, min(float(low), middle), max(float(high), middle)


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the smaller rungs said about the largest one, before it was looked at: a doubling of the rows."""

    way: str
    rows: int
    foretold: float  # $
    low: float  # 80 % interval
    high: float
    was: float  # $

    @property
    def off(self) -> float:
        """Share by which it was too high; negative = too low."""
        return self.foretold / self.was - 1

    @property
    def held(self) -> bool:
        return self.low <= self.was <= self.high


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where one way gets better than another. None = further than what was asked for, or never."""

    way: str
    over: str
    is_ahead: bool  # already, with as many rows as were measured
    share: float  # of the drawn lines on which it is
    rows: float | None
    low: float | None  # 80 % interval
    high: float | None


def lines(rungs: Sequence[Rung], seed: int = 0) -> dict[str, Line]:
    """A line per way with at least two rungs, in the order of their names."""
    ways = sorted({rung.way for rung in rungs})
    own = {way: sorted((r for r in rungs if r.way == way), key=lambda rung: rung.rows) for way in ways}
    own = {way: own_rungs for way, own_rungs in own.items() if len(own_rungs) > 1}
    if not own:
        return {}
    table = np.stack([rung.errors for own_rungs in own.values() for rung in own_rungs], axis=1)
    average = means(table, None, rungs[0].weights)
    points = np.log(average(np.ones((1, len(table)))))  # (1, all rungs)
    drawn = np.log(np.concatenate([average(block) for block in weights(alone(len(table)), DRAWS, seed)]))
    logs = {way: np.log([float(rung.rows) for rung in own_rungs]) for way, own_rungs in own.items()}
    ends = np.cumsum([len(own_rungs) for own_rungs in own.values()])
    places = {way: np.arange(end - len(own[way]), end) for way, end in zip(own, ends, strict=True)}
    fitted = {way: _fit(logs[way], points[:, places[way]]) for way in own}
    scatter = _scatter(logs, points, places, fitted)
    moved = drawn + np.random.default_rng([seed, 1]).normal(0, scatter, drawn.shape)
    made = {}
    for way in own:
        levels, slopes = _fit(logs[way], moved[:, places[way]])
        level, slope = (float(each[0]) for each in fitted[way])
        errors = np.exp(points[0, places[way]])
        made[way] = Line(way, np.exp(logs[way]), errors, level, slope, levels, slopes)
    return made


def _fit(logs: Floats, points: Floats) -> tuple[Floats, Floats]:
    """Least squares of points (b, r) at logs (r,): levels and slopes (b,), slopes held between 0 and 1."""
    centred = logs - logs.mean()
    slopes = np.clip(-(points @ centred) / (centred @ centred), 0.0, 1.0)
    return points.mean(axis=1) + slopes * logs.mean(), slopes


def _scatter(
    logs: dict[str, Floats],
    points: Floats,
    places: dict[str, np.ndarray],
    fitted: dict[str, tuple[Floats, Floats]],
) -> float:
    """How far points lie off their lines (log scale, standard deviation), over all ways: each has few points."""
    squares, freedom = 0.0, 0
    for way, (level, slope) in fitted.items():
        rest = points[0, places[way]] - (level[0] - slope[0] * logs[way])
        squares += float(rest @ rest)
        freedom += max(0, len(rest) - 2)
    return max(LEAST_SCATTER, float(np.sqrt(squares / freedom)) if freedom else LEAST_SCATTER)


def forecasts(rungs: Sequence[Rung], seed: int = 0) -> list[Forecast]:
    """For each way with at least three rungs: the largest, told from the others."""
    largest: dict[str, Rung] = {}
    for rung in rungs:
        if rung.way not in largest or rung.rows > largest[rung.way].rows:
            largest[rung.way] = rung
    known = lines([rung for rung in rungs if rung is not largest[rung.way]], seed)
    made = []
    for way, line in known.items():
        rung = largest[way]
        middle, low, high = line.at(rung.rows)
        made.append(Forecast(way, rung.rows, middle, low, high, rung.error))
    return made


def crossing(line: Line, other: Line, rows: int, most: float) -> Crossing:
    """Where `line` gets below `other`: from `rows`, which were measured, up to `most` rows."""
    ahead = (line.levels - line.slopes * np.log(rows)) < (other.levels - other.slopes * np.log(rows))
    share = float(ahead.mean())
    if line.level - line.slope * np.log(rows) < other.level - other.slope * np.log(rows):
        return Crossing(line.way, other.way, True, share, float(rows), None, None)
    place = _meet(line.level, line.slope, other.level, other.slope, rows)
    drawn = np.sort([
        _meet(*each, rows) for each in zip(line.levels, line.slopes, other.levels, other.slopes, strict=True)
    ])  # fmt: skip
    low, high = (float(drawn[min(len(drawn) - 1, int(q * len(drawn)))]) for q in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Crossing(line.way, other.way, False, share, _near(place, most), _near(low, most), _near(high, most))


def gain(line: Line, rows: float, other: Line, other_rows: float) -> tuple[float, float, float]:
    """How much the mean error ($) of `line` after so many rows differs from that of `other` after `other_rows`, with
    its 80 % interval; negative = less error. Both lines are drawn together, so that what moves both cancels out."""
    drawn = np.exp(line.levels - line.slopes * np.log(rows)) - np.exp(other.levels - other.slopes * np.log(other_rows))
    middle = line.at(rows)[0] - other.at(other_rows)[0]
    low, high = (float(end) for end in np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    return middle, min(low, middle), max(high, middle)


def _meet(level: float, slope: float, other_level: float, other_slope: float, rows: int) -> float:
    """Rows from which on the first is better: `rows` if it is now, infinite if it never will be."""
    gap = (level - slope * np.log(rows)) - (other_level - other_slope * np.log(rows))
    if gap < 0:
        return float(rows)
    if slope <= other_slope:
        return float("inf")
    return float(np.exp(min(700.0, np.log(rows) + gap / (slope - other_slope))))


def _near(rows: float, most: float) -> float | None:
    return rows if rows <= most else None
