"""Would more rows pay? The curves of all ways as a report, and as sentences for a reader."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from worker.evaluation.data_curve import REACH, Crossing, Forecast, Line, Rung, crossing, forecasts, lines

GRID = 40  # points of a drawn curve


def report(
    rungs: Sequence[Rung], seconds: Mapping[tuple[str, int], float], rows: int, way: str, labels: Mapping[str, str]
) -> dict[str, Any]:
    """As JSON: ways (points, curve with its 80 % band), forecasts of the largest rungs, crossings of `way` with every
    other way, and a sentence about each.

    seconds: of learning, by way and rows; rows: those there are to learn from; labels: what a reader calls the ways.
    """
    fitted = lines(rungs)
    met = [crossing(fitted[way], other, rows) for name, other in fitted.items() if name != way and way in fitted]
    told = forecasts(rungs)
    return {
        "rows": rows,
        "ways": {name: _way(line, seconds, rows) | {"label": labels[name]} for name, line in fitted.items()},
        "forecasts": [_forecast(each) | {"sentence": forecast_sentence(each, labels)} for each in told],
        "crossings": [_crossing(each) | {"sentence": sentence(each, labels, rows)} for each in met],
    }


def _way(line: Line, seconds: Mapping[tuple[str, int], float], rows: int) -> dict[str, Any]:
    grid = np.geomspace(line.rows[0], max(line.rows[-1], REACH * rows), GRID)
    counts = [round(each) for each in line.rows]
    return {
        "points": [
            {"rows": n, "error": float(error), "seconds": seconds.get((line.way, n), 0.0)}
            for n, error in zip(counts, line.found, strict=True)
        ],
        "slope": line.slope,
        "curve": [dict(zip(("rows", "error", "low", "high"), (float(n), *line.at(n)), strict=True)) for n in grid],
    }


def _forecast(told: Forecast) -> dict[str, Any]:
    plain = {name: getattr(told, name) for name in ("way", "rows", "told", "low", "high", "was")}
    return plain | {"off": told.off, "held": told.held}


def _crossing(met: Crossing) -> dict[str, Any]:
    return {name: getattr(met, name) for name in ("way", "over", "is_ahead", "rows", "low", "high")}


def sentence(met: Crossing, labels: Mapping[str, str], rows: int) -> str:
    """Such as: Fine-tuning passes RAG near 12,000 rows (80 % interval 8,000 to more than 31,000)."""
    way, over = labels[met.way], labels[met.over]
    if met.is_ahead:
        return f"{way} is ahead of {over} already, with the {rows:,} rows that there are."
    if met.rows is None:
        start = f"{way} does not pass {over} within {REACH:g} times your data"
        return f"{start}." if met.low is None else f"{start}; it might from {_round(met.low)} rows on (80 % interval)."
    most = f"more than {_round(REACH * rows)}" if met.high is None else _round(met.high)
    least = _round(rows if met.low is None else met.low)
    return f"{way} passes {over} near {_round(met.rows)} rows (80 % interval {least} to {most})."


def forecast_sentence(told: Forecast, labels: Mapping[str, str]) -> str:
    verdict = "inside" if told.held else "outside"
    return (
        f"{labels[told.way]}: the smaller parts foretold a mean error of ${told.told:.1f} with {told.rows:,} rows "
        f"(80 % interval ${told.low:.1f} to ${told.high:.1f}); it was ${told.was:.1f}, {verdict} of it and "
        f"{abs(told.off):.0%} {'less' if told.off >= 0 else 'more'} than foretold."
    )


def _round(rows: float) -> str:
    """Two digits are more than such a forecast knows."""
    return f"{float(f'{rows:.2g}'):,.0f}"
