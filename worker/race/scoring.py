"""Where a race stands after a block, and who leaves it: from predictions to the next result."""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

from db.job_results import Racer, RaceResult, Round
from worker.evaluation import metrics, race
from worker.evaluation.measures import Measure
from worker.evaluation.race import Rule
from worker.evaluation.resampling import Floats, Groups


def after_block(
    result: RaceResult,
    predictions: pl.DataFrame,
    rows: Sequence[int],
    is_last: bool,
    measure: Measure,
    rule: Rule,
    weights: Floats | None = None,
) -> RaceResult:
    """The result with one round more. predictions: as db.predictions.of_jobs; rows: all so far, in the race's order;
    weights: of these rows, None: all count alike."""
    errors, groups = _errors(result.racers, predictions, rows, measure)
    places = {racer.job: place for place, racer in enumerate(result.racers)}
    alive = [places[racer.job] for racer in result.left]
    out = [places[racer.job] for racer in result.racers if racer.rival is not None]
    now = race.standing(errors, groups, alive, out, rule, weights)
    racers = list(result.racers)
    for left in now.exits:
        racers[left.place] = racers[left.place].model_copy(
            update={"rows": len(rows), "why": left.why, "rival": racers[left.rival].job}
        )
    stays = len(alive) - len(now.exits)
    # Fewer than two: nobody to race against, and if that is because of failures, nothing that is clear.
    ended = "" if stays > 1 and not is_last else "rows" if stays > 1 else "clear" if out or now.exits else "alone"
    sign = 1 if measure.lower_is_better else -1
    round_ = Round(
        rows=len(rows),
        usd=0.0,
        whole_usd=0.0,
        leader=racers[now.leader].job,
        figures=tuple(None if np.isnan(figure) else sign * float(figure) for figure in now.figures),
        gaps=tuple(
            None if np.isnan(gap[0]) else (float(gap[0]), float(gap[1]), float(gap[2]))
            for gap in race.gaps(errors, groups, now.leader, rule, weights)
        ),
    )
    return result.model_copy(
        update={
            "racers": tuple(racers),
            "rounds": (*result.rounds, round_),
            "ended": ended,
            "clipped": _clipped(errors, rule),
        }
    )


def money(result: RaceResult, spent: Mapping[int, float | None], fixed: Mapping[int, float], items: int) -> RaceResult:
    """The result whose last round says what its rows took. spent, fixed: job -> dollars so far (None: unknown), and of
    them for what is paid once; items: the rows of the whole. Where one of them is unknown, so is the sum."""
    last = result.rounds[-1]
    usd: float | None = 0.0
    whole: float | None = 0.0
    for racer in result.racers:
        if racer.is_driven and racer.job in spent:
            priced = racer.rows or last.rows
            paid = spent[racer.job]
            if paid is None or usd is None or whole is None:
                usd = whole = None
                break
            usd += paid
            whole += fixed[racer.job] + (paid - fixed[racer.job]) / priced * items
    rounds = (*result.rounds[:-1], last.model_copy(update={"usd": usd, "whole_usd": whole}))
    return result.model_copy(update={"rounds": rounds})


def _errors(
    racers: Sequence[Racer], predictions: pl.DataFrame, rows: Sequence[int], measure: Measure
) -> tuple[Floats, Groups]:
    """Errors (n, k) in the race's order, less is better; NaN where there is no answer or the technique was out."""
    order = pl.DataFrame({"row": list(rows)}, schema={"row": pl.Int64})
    measured = metrics.errors(predictions.filter(pl.col("truth").is_not_null()))
    sign = 1.0 if measure.lower_is_better else -1.0
    columns = []
    for racer in racers:
        own = measured.filter(pl.col("job_id") == racer.job).select("row", error=pl.col(measure.error).cast(pl.Float64))
        line = order.join(own, on="row", how="left", maintain_order="left")["error"].fill_null(float("nan")).to_numpy()
        columns.append(np.where(np.arange(len(rows)) < (len(rows) if racer.rows is None else racer.rows), line, np.nan))
    known = predictions.unique("row").select("row", "group_id")
    labels = order.join(known, on="row", how="left", maintain_order="left")["group_id"].fill_null(-1)
    _, first, numbers = np.unique(labels.to_numpy(), return_index=True, return_inverse=True)
    # By their first row, so that the groups come in the order in which they were priced.
    return sign * np.stack(columns, axis=1), np.argsort(np.argsort(first))[numbers].astype(np.intp)


def _clipped(errors: Floats, rule: Rule) -> int:
    spans = np.abs(errors[:, :, None] - errors[:, None, :])
    return int((spans > rule.bound).sum() // 2)
