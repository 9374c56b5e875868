"""The items that jobs may be compared on: those that every job has a line for."""

import polars as pl


def shared_items(predictions: pl.DataFrame) -> pl.DataFrame:
    """The lines of a long frame (job_id, row, truth, ...) whose item has a known price and a line of every job.

    Sorted by job and row, so that what follows does not depend on the order of the lines. Raises ValueError when a
    job has two lines for one item: a comparison would count it twice.
    """
    if predictions.select(pl.struct("job_id", "row").is_duplicated().any()).item():
        raise ValueError("A job has two predictions for the same item.")
    jobs = predictions["job_id"].n_unique()
    return (
        predictions.filter(pl.col("truth").is_not_null())
        .filter(pl.len().over("row") == jobs)
        .sort("job_id", "row", maintain_order=True)
    )
