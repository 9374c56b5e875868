"""Whether more rows would pay: the curves of all ways as a report, and as sentences for a reader."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from worker import amounts
from worker.evaluation import pairs, resampling
from worker.evaluation.data_curve import REACH, Crossing, Forecast, Line, Rung, crossing, forecasts, lines
from worker.evaluation.pairs import Sample
from worker.evaluation.resampling import LEVEL

N_BOOT = 2_000
GRID = 40  # points of a drawn curve
CLEAR = 0.9  # of the drawn lines must agree before one way is called ahead, or behind

Gap = tuple[float, float, float]
"""Mean error of one way less that of another in $, with both ends of its interval; NaN: too few rows for one."""


def report(
    rungs: Sequence[Rung],
    seconds: Mapping[tuple[str, int], float],
    there: int,
    way: str,
    labels: Mapping[str, str],
    level: float = LEVEL,
) -> dict[str, Any]:
    """The curves of all ways as JSON: rows (of the largest part), there, ways (points, curve with its 80 % band),
    forecasts of the largest rungs, crossings of `way` with every other way, and a sentence about each. Nothing reaches
    further than REACH times the largest part, however many rows there are.

    seconds: of learning, by way and rows; there: the rows that one could learn from today, of which the largest part
    may be some; labels: what a reader calls the ways; level: how sure, all ways held at once, the measured errors of
    two ways must differ before one is called ahead.
    """
    fitted = lines(rungs)
    rows = max(rung.rows for rung in rungs)
    most = REACH * rows
    met = [crossing(fitted[way], other, rows, most) for name, other in fitted.items() if name != way and way in fitted]
    known = forecasts(rungs)
    gaps = _gaps(rungs, list(fitted), level)
    return {
        "rows": rows,
        "there": there,
        "ways": {name: _way(line, seconds, most) | {"label": labels[name]} for name, line in fitted.items()},
        "forecasts": [_forecast(each) | {"sentence": forecast_sentence(each, labels)} for each in known],
        "crossings": [
            _crossing(each, gaps) | {"sentence": sentence(each, labels, rows, there, gaps[each.way, each.over], level)}
            for each in met
        ],
    }


def _way(line: Line, seconds: Mapping[tuple[str, int], float], most: float) -> dict[str, Any]:
    grid = np.geomspace(line.rows[0], most, GRID)
    counts = [round(each) for each in line.rows]
    return {
        "points": [
            {"rows": n, "error": float(error), "seconds": seconds.get((line.way, n), 0.0)}
            for n, error in zip(counts, line.errors, strict=True)
        ],
        "slope": line.slope,
        "curve": [dict(zip(("rows", "error", "low", "high"), (float(n), *line.at(n)), strict=True)) for n in grid],
    }


def _forecast(forecast: Forecast) -> dict[str, Any]:
    plain = {name: getattr(forecast, name) for name in ("way", "rows", "low", "high", "was", "off", "held")}
    return plain | {"told": forecast.foretold}


def _gaps(rungs: Sequence[Rung], ways: Sequence[str], level: float) -> dict[tuple[str, str], Gap]:
    """Of every two ways, what they got wrong after learning from their largest parts, on the rows that all are measured
    on: told apart by the rule that tells techniques apart (`pairs.differences`)."""
    largest = {rung.way: rung for rung in sorted(rungs, key=lambda rung: rung.rows)}
    if not ways:
        return {}
    errors = np.stack([largest[way].errors for way in ways], axis=1)
    sample = Sample(errors, resampling.alone(len(errors)), weights=rungs[0].weights)
    (found,) = pairs.differences([sample], resampling.means, N_BOOT, 0, level)
    return {(one, other): found.of(i, j) for i, one in enumerate(ways) for j, other in enumerate(ways)}


def _crossing(met: Crossing, gaps: Mapping[tuple[str, str], Gap]) -> dict[str, Any]:
    plain = {name: getattr(met, name) for name in ("way", "over", "is_ahead", "share", "rows", "low", "high")}
    ends = (None if np.isnan(value) else value for value in gaps[met.way, met.over])
    return plain | dict(zip(("diff", "diff_low", "diff_high"), ends, strict=True))


def sentence(
    met: Crossing, labels: Mapping[str, str], rows: int, there: int, measured: Gap, level: float = LEVEL
) -> str:
    """Such as: Fine-tuning passes RAG near 12,000 rows (80 % interval 8,000 to more than 31,000).

    rows, there, level: as in report(). measured: the error of the way less that of the other, with those rows. One is
    called ahead only where its measured errors surely differ, which other rows to measure on could change, and where
    the curves agree, which other trainings could.
    """
    way, over = labels[met.way], labels[met.over]
    gap, low, high = measured
    is_shown = high < 0 if met.is_ahead else low > 0
    if (met.share if met.is_ahead else 1 - met.share) < CLEAR or not is_shown:
        seen = (
            "there are too few rows to say how sure a difference is"
            if np.isnan(low)
            else f"the measured errors differ by {amounts.price(gap)} ({amounts.level(level)} interval "
            f"{amounts.price(low)} to {amounts.price(high)})"
        )
        close = (
            f"{way} and {over} are too close to call with {rows:,} rows: {seen}, and {way} is better in "
            f"{100 * met.share:.0f} of 100 equally plausible readings of the curves"
        )
        known = not met.is_ahead and met.rows is not None
        return f"{close}. {way} passes {over} {_place(met, rows)}." if known else f"{close}."
    if met.is_ahead:
        return f"{way} is ahead of {over} already, with {rows:,} rows."
    if met.rows is not None:
        return f"{way} passes {over} {_place(met, rows)}."
    start = f"{way} does not pass {over} within {reach(rows, there)}"
    might = "" if met.low is None else f"; it might from {_round(met.low)} rows on (80 % interval)"
    return f"{start}{might}." if rows >= there else f"{start}{might}. Ask with more rows to look further."


def reach(rows: int, there: int) -> str:
    """How far anything is foretold: "10 times your 1,000 rows"; rows, there: as in report()."""
    return f"{REACH:g} times your {rows:,} rows" if rows >= there else f"{REACH:g} times the {rows:,} rows measured"


def _place(met: Crossing, rows: int) -> str:
    """Where a crossing is expected; met.rows is not None."""
    assert met.rows is not None
    high = f"more than {_round(REACH * rows)}" if met.high is None else _round(met.high)
    low = _round(rows if met.low is None else met.low)
    return f"near {_round(met.rows)} rows (80 % interval {low} to {high})"


def forecast_sentence(forecast: Forecast, labels: Mapping[str, str]) -> str:
    verdict = "inside" if forecast.held else "outside"
    foretold, low, high, was = (
        amounts.price(value, 1) for value in (forecast.foretold, forecast.low, forecast.high, forecast.was)
    )
    return (
        f"{labels[forecast.way]}: the smaller parts foretold a mean error of {foretold} with {forecast.rows:,} rows "
        f"(80 % interval {low} to {high}); it was {was}, {verdict} of it and "
        f"{abs(forecast.off):.0%} {'less' if forecast.off >= 0 else 'more'} than foretold."
    )


def _round(rows: float) -> str:
    """Two digits are more than such a forecast knows."""
    return f"{float(f'{rows:.2g}'):,.0f}"
