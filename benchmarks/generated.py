"""Generated datasets with finished pricing jobs, made inside Postgres: millions of predictions in minutes."""

from decimal import Decimal

import polars as pl
from sqlalchemy import text

from db import datasets, jobs, predictions, rates, results
from db.engine import Session, begin
from db.types import DatasetState, JobKind, Queue, Split, Step
from worker import specs
from worker.evaluation import metrics
from worker.specs import BaseSpec

CHUNK = 1_000
_ITEMS = """INSERT INTO items (dataset_id, row, line, external_id, title, description, category, brand, price, split,
                               group_id)
    SELECT :dataset, g, g + 2, 'id-' || g, 'Thing ' || g || ' of brand ' || g % 97 || ', size ' || g % 19,
           repeat('A thing that is sold, with words about it. ', 6) || g, 'Category ' || (g * 7 % 1000) / 60,
           'Brand ' || g % 97, round(exp(random_normal(3.6, 0.9))::numeric, 2), 'test',
           CASE WHEN g % 25 = 24 THEN g - 1 ELSE g END  -- 4 % are near-duplicates
    FROM generate_series(0, :items - 1) g"""

_PREDICTIONS = """INSERT INTO predictions (job_id, row, price, low, high, status, tokens_in, tokens_out, tokens_cached,
                                           seconds, usd, saved_usd, evidence)
    SELECT :job, row, price, price * 0.5, price * 2, CASE WHEN price IS NULL THEN 'unparsed' ELSE 'ok' END,
           :tokens, 4, 0, :seconds * exp(random_normal(0, 0.3)), :usd * exp(random_normal(0, 0.2)), 0,
           '{"answer": "42"}'
    FROM (SELECT row, CASE WHEN random() >= :unread
                      THEN round((truth * exp(shared + random_normal(0, :noise)))::numeric, 2) END AS price
          FROM hard) guesses ORDER BY row"""


def a_spec(place: int) -> BaseSpec:
    """The spec of the job with this number: baselines, prompts and retrieval in turn, no two the same."""
    kind, number = place % 5, place // 5
    if kind == 0:
        return specs.RidgeSpec(alpha=0.5 + number / 4)
    if kind == 1:
        return specs.LightGBMSpec(leaves=8 + number)
    if kind == 2:
        return specs.NeighboursSpec(k=1 + number)
    if kind == 3:
        return specs.RagSpec(model=f"shop:model-{number}")
    return specs.ZeroShotSpec(model=f"shop:model-{number // 2}", sample=number % 2)  # two runs of each


def a_dataset(items: int, job_count: int) -> int:
    """A dataset of so many test rows, each priced by so many finished and measured jobs; the dataset's id."""
    with begin() as session:
        dataset_id = datasets.create(session, name="generated", sha256="0" * 64, file_name="generated.csv")
        session.execute(text("SELECT setseed(0.5)"))
        session.execute(text(_ITEMS), {"dataset": dataset_id, "items": items})
        datasets.change(
            session, dataset_id, state=DatasetState.READY, rows_in=items, items=items,
            splits={str(split): items if split is Split.TEST else 0 for split in Split}, inspection={"columns": []},
        )  # fmt: skip
    for place in range(job_count):
        with begin() as session:
            _job(session, dataset_id, items, place)
    return dataset_id


def _job(session: Session, dataset_id: int, items: int, place: int) -> None:
    spec = a_spec(place)
    values = spec.model_dump(mode="json")
    rows = list(range(items))
    pieces = [(Step.PRICE, rows[start : start + CHUNK]) for start in range(0, items, CHUNK)]
    job_id = jobs.create(
        session, kind=JobKind.PRICE, dataset_id=dataset_id, queue=Queue.CPU,
        rate_id=rates.for_queue(session, Queue.CPU), chunks=[(Step.FIT, []), *pieces, (Step.EVALUATE, [])],
        technique=values["technique"], spec=values, spec_hash=spec.hash, split=Split.TEST, items_total=items,
    )  # fmt: skip
    session.execute(
        text("CREATE TEMP TABLE hard ON COMMIT DROP AS SELECT row, price AS truth, "
             "(hashint8(row) / 2147483648.0) * 0.8 AS shared FROM items WHERE dataset_id = :dataset"),
        {"dataset": dataset_id},
    )  # fmt: skip
    told = {
        "job": job_id, "noise": 0.30 + 0.02 * (place % 20), "unread": 0.01 if spec.uses_llm else 0.0,
        "seconds": 0.001 * (1 + place % 50), "usd": 1e-7 * 2 ** (place % 12), "tokens": 190 if spec.uses_llm else 0,
    }  # fmt: skip
    session.execute(text(_PREDICTIONS), told)
    session.execute(
        text("UPDATE chunks SET state = 'done', started_at = now(), finished_at = now(), items_done = "
             "coalesce(cardinality(rows), 0) WHERE job_id = :job"),
        {"job": job_id},
    )  # fmt: skip
    session.execute(text("UPDATE jobs SET state = 'done', finished_at = now() WHERE id = :job"), {"job": job_id})
    jobs.add_fixed_cost(session, job_id, 1.5, Decimal("0.00004"))
    measured = predictions.of_jobs(session, [job_id]).filter(pl.col("truth").is_not_null())
    results.put(session, job_id, metrics.summary(measured))
