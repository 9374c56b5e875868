"""The step that sets a batch beside its real prices."""

import hashlib
import io

import polars as pl

from db import artifacts, chunks, datasets, jobs, predictions, pricer_batches, pricers, results
from db.engine import Session, begin
from db.settings import settings
from db.types import Artifact, PricerBatch
from worker.batches import actions, truth
from worker.datasets import money
from worker.datasets.answers import Answers, settled
from worker.evaluation import real_prices
from worker.ingest import read
from worker.ingest import real_prices as real_price_files
from worker.work import Commit, Work


def compare_with_truth(work: Work) -> Commit:
    """Match a file of real prices with the rows of a batch, and say what came of what was promised."""
    spec = work.job.spec
    with begin() as session:
        batch = pricer_batches.get(session, spec["batch"])
        dataset = datasets.get(session, work.job.dataset_id)
        said_by = None if batch.job_id is None else jobs.get(session, batch.job_id)
        prices = money.of(dataset) if said_by is None else money.of_job(session, said_by)
        items = datasets.items(session, dataset.id, details=True)
        priced = predictions.of_jobs(session, [batch.job_id] if batch.job_id is not None else [])
        promised = _promised(session, batch)
        before = actions.known_prices(session, batch)
    path = settings().files_dir / spec["changes"]["sha256"]
    inspection = read.inspect(path, spec["changes"]["name"], spec["changes"].get("forced"))
    mapping = real_price_files.understand(inspection, dataset.mapping, spec["columns"])
    said = Answers(spec["changes"]["decimal"], spec["wide_rows"], columns=tuple(mapping))
    asked = settled(inspection.model_dump(mode="json"), mapping, said)
    told = real_price_files.rows_of(
        path,
        read.Inspection.model_validate(asked),
        mapping,
        work.progress,
        prices.currency.code,
        dataset.name,
    )
    by_id = "id" in told.mapping and bool((items["external_id"] != "").any())
    texts = tuple(name for name in real_prices.TEXTS if name in told.mapping)
    matched = real_prices.match(items, told.frame, by_id=by_id, texts=texts or ("title",))
    # Prices may come in several files; the newest price of a row holds.
    every = pl.concat([matched.prices, before]).unique("row", keep="first", maintain_order=True).sort("row")
    kept_as = hashlib.sha256(f"real prices {batch.id} {work.job.id}".encode()).hexdigest()
    came = truth.of(
        matched,
        every,
        priced,
        promised,
        settings().confidence,
        file_name=spec["changes"]["name"],
        unreadable=told.rejects,
        kept_as=kept_as,
        money=prices,
    )

    def commit(session: Session) -> chunks.Tally:
        buffer = io.BytesIO()
        every.write_parquet(buffer)
        artifacts.put(session, kept_as, dataset.id, Artifact({truth.PRICES: buffer.getvalue()}), 0.0)
        pricer_batches.change(session, batch.id, truth=came.model_dump(mode="json"))
        results.put(session, work.job.id, came.model_dump(mode="json"))
        jobs.set_total(session, work.job.id, len(told.frame))
        return chunks.Tally(items=len(told.frame))

    return commit


def _promised(session: Session, batch: PricerBatch) -> pl.DataFrame:
    """What the pricer's technique answered on the rows that its promise was measured on, with their truth."""
    pricer = None if batch.pricer_id is None else pricers.get(session, batch.pricer_id)
    job_ids = [] if pricer is None or pricer.job_id is None else [pricer.job_id]
    return predictions.of_jobs(session, job_ids).filter(pl.col("truth").is_not_null())
