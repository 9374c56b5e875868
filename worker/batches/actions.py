"""Every verb about batches, for pages and the command line alike: record, settle, list, what is for a person."""

import polars as pl

from db import datasets, jobs, predictions, pricer_batches, pricers
from db.engine import begin
from db.errors import UserError
from db.types import BatchState, JobState, Pricer, PricerBatch
from worker.batches import figures


def record(pricer: Pricer, job_id: int) -> PricerBatch:
    """Keep a file that somebody brought, and that a job of hers prices with a pricer, as a batch; the job a second
    time is the batch that it was. Its figures come when the job is done (`settle`)."""
    with begin() as session:
        if before := pricer_batches.of_job(session, job_id):
            return before
        dataset = datasets.get(session, jobs.get(session, job_id).dataset_id)
        made = pricer_batches.take(
            session,
            pricer_name=pricer.name,
            pricer_id=pricer.id,
            file_name=dataset.file_name,
            file_sha256=dataset.file_sha256,
            dataset_id=dataset.id,
            job_id=job_id,
            state=BatchState.PRICING,
        )
        assert made is not None  # only watched folders refuse what was taken before
        return made


def settle() -> None:
    """Write down what came of batches that somebody brought and whose job is over; those of a watched folder are
    settled by who watches it."""
    with begin() as session:
        waiting = pricer_batches.unfinished(session, folder="")
    for batch in waiting:
        settle_one(batch)


def settle_one(batch: PricerBatch) -> PricerBatch:
    """`settle` of one batch; the batch as it is then."""
    with begin() as session:
        job = jobs.get(session, batch.job_id) if batch.job_id is not None else None
        pricer = pricers.get(session, batch.pricer_id) if batch.pricer_id is not None else None
    if job is not None and not job.state.is_final:
        return batch
    error = "The job that priced it was deleted." if job is None else job.error
    if job is None or job.state is not JobState.DONE or error:
        values = {"state": BatchState.ASIDE, "error": error or f"Job {job.id} was {job.state}." if job else error}
    else:
        try:
            values = {"state": BatchState.PRICED} | figures.of_job(job.id, pricer)
        except UserError as refused:
            values = {"state": BatchState.ASIDE, "error": str(refused)}
    with begin() as session:
        pricer_batches.finish(session, batch.id, **values)
        return pricer_batches.get(session, batch.id)


def every(pricer_name: str | None = None) -> list[PricerBatch]:
    """Every batch, or those of one pricer, newest first."""
    with begin() as session:
        return pricer_batches.all(session, pricer_name)


def get(batch_id: int) -> PricerBatch:
    """The batch with this number. Raises NotFound."""
    with begin() as session:
        return pricer_batches.get(session, batch_id)


def for_a_person(batch: PricerBatch) -> pl.DataFrame:
    """The rows of a priced batch that a person has to look at, in the order of the file: line, id, title, price, low,
    high ($), reason."""
    if batch.job_id is None or batch.dataset_id is None:
        raise UserError("The rows of this batch were deleted.")
    with begin() as session:
        pricer = pricers.get(session, batch.pricer_id) if batch.pricer_id is not None else None
        priced = predictions.of_job(session, batch.job_id).select("row", id="external_id", title="title")
        places = datasets.places(session, batch.dataset_id).select("row", "line")
    named = places.join(priced, on="row", how="left").drop("row")
    said = figures.for_a_person(figures.said_of(batch.job_id, pricer)[0])
    joined = said.join(named, on="line", how="left", maintain_order="left")
    return joined.select("line", "id", "title", "price", "low", "high", "reason")
