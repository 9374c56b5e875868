"""What is said of each row of an uploaded file: its price under a job, or why it has none."""

from collections.abc import Sequence

import polars as pl

from db.types import Job, JobState, PredictionStatus, Split
from worker.evaluation.hand_over import NO_ANSWER, UNLIKE
from worker.pricing.priced_file.appended import LINES

OK = "ok"
FOR_A_PERSON = "for a person"
NOT_PRICED = "not priced"
FLAGS = (OK, FOR_A_PERSON, NOT_PRICED)
"""What a row's flag says; all but the first have a reason."""

UNREADABLE = "the row can't be read: "
NO_PRICE = "no price could be read from the answer"
_OF_OTHER_SIDES = {
    Split.TRAIN: "its price is known already",
    Split.VALIDATION: "its price is known already",
    Split.TEST: "its price is known; only rows without one were priced",
    Split.UNPRICED: "only rows with a known price were priced",
}


def lines_of(
    job: Job,
    places: pl.DataFrame,
    reasons: pl.DataFrame,
    answers: pl.DataFrame,
    unlike: Sequence[int],
    handed_over: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """LINES of a job's dataset.

    places: row, line, split of its items; reasons: line, reason of its rejects; answers: row, price, low, high, status;
    unlike: rows unlike what was learned from; handed_over: row and reason ("" = kept) of answers at a wished hit rate,
    in place of `unlike`.
    """
    if handed_over is None:
        handed_over = answers.select("row", reason=pl.when(pl.col("row").is_in(list(unlike))).then(pl.lit(UNLIKE)))
    known = answers.join(handed_over, on="row", how="left", maintain_order="left")
    # A technique's answer that is no price is no price here, whatever list it is on.
    is_price = (pl.col("status") == str(PredictionStatus.OK)) & pl.col("price").is_finite().fill_null(False)
    why = (
        pl.when(pl.col("status").is_null())
        .then(_why_not_priced(job))
        .when(pl.col("status") == str(PredictionStatus.UNPARSED))
        .then(pl.lit(NO_PRICE))
        .when(~is_price)
        .then(pl.lit(NO_ANSWER))
        .otherwise(pl.col("reason").fill_null(""))
    )
    flag = (
        pl.when(pl.col("status").is_null())
        .then(pl.lit(NOT_PRICED))
        .when(pl.col("reason") == "")
        .then(pl.lit(OK))
        .otherwise(pl.lit(FOR_A_PERSON))
    )
    money = pl.col("price", "low", "high")
    rows = (
        places.join(known, on="row", how="left", maintain_order="left")
        .with_columns(pl.when(is_price.fill_null(False) & money.is_finite()).then(money).name.keep(), reason=why)
        .with_columns(flag=flag)
    )
    unreadable = reasons.select(
        "line",
        price=pl.lit(None, dtype=pl.Float64),
        low=pl.lit(None, dtype=pl.Float64),
        high=pl.lit(None, dtype=pl.Float64),
        flag=pl.lit(FOR_A_PERSON),
        reason=pl.lit(UNREADABLE) + pl.col("reason"),
    )
    names = list(LINES)
    return pl.concat([rows.select(names), unreadable.select(names)]).unique("line", keep="first").sort("line")


def _why_not_priced(job: Job) -> pl.Expr:
    if job.state is JobState.DONE:
        missing = "it is not in the sample that was priced"
    else:
        missing = f"it was not priced so far; the job is {job.state}"
    of_side = {str(side): missing if side in job.sides else why for side, why in _OF_OTHER_SIDES.items()}
    return pl.col("split").replace_strict(of_side, default=missing, return_dtype=pl.String)
