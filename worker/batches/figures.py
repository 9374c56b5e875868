"""The figures of a priced batch: rows, rows for a person, drift, cost."""

from typing import Any

import polars as pl

from db import pricer_batches
from db.engine import begin
from db.types import Dataset, Pricer
from worker.pricing import lists
from worker.pricing.priced_file import actions as priced_file
from worker.pricing.priced_file import lines


def of_job(job_id: int, pricer: Pricer | None) -> dict[str, Any]:
    """The columns rows, rejects, flagged, unlike and usd ($; None = unknown) of the batch that a finished job priced.

    pricer: whose wish says which rows are for a person; None: it was deleted, and there is no wish. Raises UserError.
    """
    said, dataset = said_of(job_id, pricer)
    flagged = for_a_person(said)
    with begin() as session:
        return {
            "rows": dataset.items,
            "rejects": dataset.rejects,
            "flagged": len(flagged),
            "unlike": len(lists.unlike(session, job_id)),
            "usd": pricer_batches.cost(session, job_id),
        }


def said_of(job_id: int, pricer: Pricer | None) -> tuple[pl.DataFrame, Dataset]:
    """`priced_file.said` by a pricer's wish."""
    wish = (pricer.hit_rate, pricer.within) if pricer else (None, None)
    return priced_file.said(job_id, hit_rate=wish[0], within=wish[1])


def for_a_person(said: pl.DataFrame) -> pl.DataFrame:
    """Those of the lines that hold a product and whose price is not to be used as it is."""
    return said.filter(pl.col("flag") != lines.OK, ~pl.col("reason").str.starts_with(lines.UNREADABLE))
