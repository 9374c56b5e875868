"""Every verb about batches, for pages and the command line alike: record, settle, list, what is for a person."""

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from db import access, artifacts, datasets, jobs, pricer_batches, pricers
from db.engine import Session, begin
from db.errors import NotReady, UserError
from db.types import (
    BatchState,
    Dataset,
    DatasetState,
    JobKind,
    JobState,
    Pricer,
    PricerBatch,
    Queue,
    Split,
    Step,
    Verb,
)
from worker import amounts, app, specs
from worker.batches import figures, truth
from worker.datasets import actions as dataset_actions
from worker.datasets import money
from worker.datasets.answers import NOTHING_SAID, Answers
from worker.datasets.profile import profile_of
from worker.knowledge import actions as knowledge
from worker.pricing import actions as pricing


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
        access.act(session, Verb.PRICE_BATCH, made, pricer=pricer.name)
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


def attach_truth(
    batch_id: int,
    name: str,
    stream: BinaryIO,
    columns: Mapping[str, str] | None = None,
    said: Answers = NOTHING_SAID,
    forced: Mapping[str, Any] | None = None,
) -> int:
    """Set a priced batch beside a file with its real prices; the id of the job that does it. Prices that came before
    stay, unless the file has newer ones.

    columns: field -> column where somebody says it; else it is told by names; forced: fields of the look that are
    set instead of detected. Raises WrongState, UserError.
    """
    with begin() as session:
        batch = pricer_batches.get(session, batch_id)
        access.check(Verb.BRING_REAL_PRICES, batch)
    if batch.state is not BatchState.PRICED or batch.dataset_id is None or batch.job_id is None:
        raise NotReady(f"Batch {batch_id} has no prices that real ones could be set beside: it is {batch.state}.")
    sha256 = dataset_actions.store(stream)
    file = {"sha256": sha256, "name": Path(name).name, "decimal": said.decimal, "forced": dict(forced or {})}
    with begin() as session:
        access.act(session, Verb.BRING_REAL_PRICES, batch, file=file["name"])
        return app.start_job(
            session,
            kind=JobKind.TRUTH,
            dataset_id=batch.dataset_id,
            queue=Queue.INTERACTIVE,
            spec={"batch": batch_id, "changes": file, "columns": dict(columns or {}), "wide_rows": said.wide_rows},
            chunks=[(Step.TRUTH, [])],
        )


@dataclass(frozen=True, slots=True)
class Remedy:
    """Something to do where the promise of a pricer broke."""

    about: str  # a sentence: what it is, and what it would take
    seconds: float
    usd: Decimal | None  # None: unknown

    def sentence(self) -> str:
        """What to do, with what it would take."""
        cost = "unknown" if self.usd is None else amounts.usd(self.usd)
        return f"{self.about} About {amounts.duration(self.seconds)}, cost {cost}."


def remedies(batch: PricerBatch) -> dict[str, Remedy]:
    """What can be done about a batch whose promise broke: "refresh" the knowledge base where its technique reads one,
    "learn" anew with the real prices; nothing where its pricer or its rows are gone."""
    if batch.pricer_id is None or batch.dataset_id is None or batch.truth is None:
        return {}
    with begin() as session:
        pricer = pricers.get(session, batch.pricer_id)
        source = datasets.get(session, pricer.source_id)
        known = len(known_prices(session, batch))
    spec = specs.parse(pricer.spec)
    found = {}
    if spec.searches or spec.reads_neighbours:
        index = knowledge.estimate(source.id)
        found["refresh"] = Remedy(
            f"Bring the knowledge base of {source.name} up to date with newer prices: it is read at every price, and "
            "nothing is learned anew.",
            index.seconds,
            index.usd,
        )
    (learning,) = pricing.estimate(source.id, [spec], Split.TEST)
    found["learn"] = Remedy(
        f"Join the {known:,} real prices to {source.name} and learn anew from both. What is said it takes is what "
        f"learning from {source.name} alone takes; compare the two before you put the new one in use.",
        learning.fixed_seconds,
        learning.fixed_usd,
    )
    return found


def join_truth(batch_id: int) -> int:
    """A dataset that holds the rows that a pricer learned from, and those of a batch with their real prices; its id,
    when it loads. Raises NotReady without real prices."""
    with begin() as session:
        batch = pricer_batches.get(session, batch_id)
        if batch.pricer_id is None or batch.dataset_id is None or not len(known := known_prices(session, batch)):
            raise NotReady(f"Batch {batch_id} has no real prices to learn from: bring them first.")
        source_id = pricers.get(session, batch.pricer_id).source_id
        dataset = datasets.get(session, batch.dataset_id)
        if batch.job_id is not None:
            dataset = money.dataset_of(session, jobs.get(session, batch.job_id))
        real = _with_real_prices(session, dataset, known)
    return dataset_actions.join([source_id, real])


def _with_real_prices(session: Session, dataset: Dataset, known: pl.DataFrame) -> int:
    """A dataset of those rows of a batch whose real price is known; one that was made before is taken."""
    buffer = io.BytesIO()
    known.write_csv(buffer)
    sha256 = hashlib.sha256(f"{dataset.id} real prices ".encode() + buffer.getvalue()).hexdigest()
    if made := datasets.of_file(session, sha256):
        return made[0].id
    name = f"{dataset.name} (real prices)"
    dataset_id = datasets.create(session, name=name, sha256=sha256, file_name=name, is_synthetic=dataset.is_synthetic)
    items = datasets.items(session, dataset.id, details=True).drop("price", "split", "row")
    rows = datasets.items(session, dataset.id)["row"]
    frame = items.with_columns(rows.alias("old")).join(known.rename({"row": "old"}), on="old", how="inner")
    # All to be learned from: what it is joined with has sides of its own, and so has the whole.
    frame = frame.drop("old").with_row_index("row").with_columns(pl.col("row").cast(pl.Int64), split=pl.lit("train"))
    datasets.add_items(session, dataset_id, frame)
    access.act(session, Verb.MAKE_VERSION, datasets.get(session, dataset_id), made_from=dataset.id)
    datasets.change(
        session,
        dataset_id,
        state=DatasetState.READY,
        rows_in=len(frame),
        items=len(frame),
        mapping=dataset.mapping,
        currency=dataset.currency,
        inspection={"columns": []},
        splits={str(side): 0 for side in Split} | {str(Split.TRAIN): len(frame)},
        profile=profile_of(session, dataset_id),
    )
    return dataset_id


def known_prices(session: Session, batch: PricerBatch) -> pl.DataFrame:
    """row and price ($) of the real prices of a batch that came so far."""
    came = truth.parse(batch.truth)
    kept = artifacts.part(session, came.kept_as, truth.PRICES) if came else None
    return pl.read_parquet(io.BytesIO(kept)) if kept else pl.DataFrame(schema={"row": pl.Int64, "price": pl.Float64})
