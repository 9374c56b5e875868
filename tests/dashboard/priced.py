"""Datasets with jobs in every state, made from the database's own functions, without a worker."""

import json
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
from sqlalchemy import text

from db import chunks, datasets, jobs, predictions, rates
from db.engine import Session
from db.types import JobKind, JobState, Queue, Split, Step
from worker import specs
from worker.datasets import price_bounds
from worker.prompts import versions
from worker.specs import BaseSpec

# technique -> (noise of the log price, $ per item, seconds per item, share without a readable price)
BEHAVIOUR = {
    "constant": (0.80, 1e-10, 3e-6, 0.0),
    "ridge": (0.30, 3e-8, 1e-3, 0.0),
    "lightgbm": (0.29, 6e-7, 2e-2, 0.0),
    "neighbours": (0.35, 8e-7, 3e-2, 0.0),
    "zero-shot": (0.75, 5e-6, 0.2, 0.02),
    "multi-shot": (0.65, 1.3e-5, 0.45, 0.01),
    "chained": (0.60, 2.5e-5, 0.8, 0.01),
    "tools": (0.55, 4e-5, 1.2, 0.01),
    "finetuned": (0.45, 2e-5, 0.5, 0.01),
    "rag": (0.40, 2e-5, 0.6, 0.01),
}
BASIC = ("constant", "ridge", "lightgbm", "neighbours", "zero-shot", "multi-shot")


def a_priced_dataset(session: Session, dataset_id: int, techniques: tuple[str, ...] = BASIC) -> list[int]:
    """One finished job per technique over the dataset's test rows."""
    return [a_finished_job(session, dataset_id, specs.SPECS[name]()) for name in techniques]


def a_finished_job(session: Session, dataset_id: int, spec: BaseSpec, split: Split | None = Split.TEST) -> int:
    """A job that a worker would have left behind: every chunk done, every row priced."""
    items = datasets.items(session, dataset_id, split)
    frame = guesses(items, spec)
    job_id = a_running_job(session, dataset_id, spec, split)
    usd = predictions.add(session, job_id, frame)
    jobs.add_fixed_cost(session, job_id, 1.5, Decimal("0.00004"))
    unparsed = frame.filter(pl.col("status") == "unparsed").height
    tally = chunks.Tally(
        items=len(items),
        unparsed=unparsed,
        usd=usd,
        seconds=float(frame["seconds"].sum()),
        tokens_in=int(frame["tokens_in"].sum()),
        tokens_out=int(frame["tokens_out"].sum()),
        saved_usd=Decimal(str(round(float(frame["saved_usd"].sum()), 9))),
    )
    for each in (chunks.Tally(), tally, chunks.Tally()):
        for chunk_id in chunks.to_send(session, job_id):
            chunk = chunks.claim(session, chunk_id, "a test", 60)
            assert chunk is not None
            assert chunks.finish(session, chunk, each)
    assert jobs.get(session, job_id).state is JobState.DONE
    return job_id


def a_running_job(
    session: Session,
    dataset_id: int,
    spec: BaseSpec,
    split: Split | None = Split.TEST,
    *,
    cap_usd: Decimal | None = None,
) -> int:
    """Started, nothing done yet."""
    # As starting it does.
    spec = price_bounds.pin(session, datasets.get(session, dataset_id), versions.pin(session, spec))
    values = spec.model_dump(mode="json")
    rows = datasets.target_rows(session, dataset_id, split, None)
    return jobs.create(
        session,
        kind=JobKind.PRICE,
        dataset_id=dataset_id,
        queue=Queue.ENDPOINT if spec.uses_endpoint else Queue.CPU,
        rate_id=rates.for_queue(session, Queue.CPU),
        chunks=[(Step.FIT, []), (Step.PRICE, rows), (Step.EVALUATE, [])],
        technique=values["technique"],
        spec=values,
        spec_hash=spec.hash,
        fit_key=spec.fit_key,
        split=split,
        items_total=len(rows),
        cap_usd=cap_usd,
    )


def a_capped_job(session: Session, dataset_id: int, spec: BaseSpec) -> int:
    """Paused by its cap of $0.10 with half of its rows priced."""
    job_id = a_running_job(session, dataset_id, spec, cap_usd=Decimal("0.10"))
    (fit,) = chunks.to_send(session, job_id)
    begun = chunks.claim(session, fit, "a test", 60)
    assert begun is not None
    assert chunks.finish(session, begun, chunks.Tally(
        tokens_in=12_400, tokens_out=380, saved_usd=Decimal("0.0300"), retries=3, rate_limit_waits=2,
        waited_seconds=7.5, usd=Decimal("0.0991"),
    ))  # fmt: skip
    jobs.pause(session, job_id, "The cap of $0.10 is reached; resume with a higher cap to go on.")
    return job_id


def guesses(items: pl.DataFrame, spec: BaseSpec) -> pl.DataFrame:
    """PREDICTION_SCHEMA: the true price (60 where there is none) with the technique's noise; the more examples or
    neighbours, the less of it and the more tokens."""
    values = spec.model_dump()
    noise, usd, seconds, unreadable = BEHAVIOUR[values["technique"]]
    k = int(values.get("k", 0)) if spec.uses_llm else 0
    noise *= 1 + 0.6 / (1 + k) if spec.uses_llm else 1
    random = np.random.default_rng(len(values["technique"]))
    n = len(items)
    price = items["price"].fill_null(60.0).to_numpy() * np.exp(random.normal(0, noise, n))
    read = random.random(n) >= unreadable
    paid = random.gamma(20, usd / 20, n) * (1 + k / 5)
    versions = random.random(n) < 0.3 if spec.uses_endpoint else np.zeros(n, dtype=bool)
    evidence = [
        json.dumps(llm_evidence(item, values, guess) if spec.uses_llm else {"category": item["category"], "n": 33})
        for item, guess in zip(items.iter_rows(named=True), price, strict=True)
    ]
    return pl.DataFrame(
        {
            "row": items["row"],
            "price": [float(value) if ok else None for value, ok in zip(price, read, strict=True)],
            "low": [float(value) * 0.5 if ok else None for value, ok in zip(price, read, strict=True)],
            "high": [float(value) * 2.0 if ok else None for value, ok in zip(price, read, strict=True)],
            "status": ["ok" if ok else "unparsed" for ok in read],
            "tokens_in": [190 + 45 * k if spec.uses_llm else 0] * n,
            "tokens_out": [4 if spec.uses_llm else 0] * n,
            "tokens_cached": [64 if spec.uses_endpoint else 0] * n,
            "seconds": random.gamma(8, seconds / 8, n),
            "evidence": evidence,
            "usd": np.where(versions, 0.0, paid),
            "saved_usd": np.where(versions, paid, 0.0),
        }
    )


def llm_evidence(item: dict[str, Any], values: dict[str, Any], guess: float) -> dict[str, Any]:
    """Every kind of evidence that a technique with a language model keeps, as far as its technique has it."""
    near = {f"{guess * by:.0f}": share for by, share in ((0.5, 0.05), (0.8, 0.2), (1, 0.4), (1.3, 0.2), (2, 0.1))}
    found: dict[str, Any] = {
        "system": "You price products.",
        "prompt": f"<product>\n{item['title']}\n{item['description']}\n</product>\nPrice: $",
        "answer": f"{guess:.0f}",
        "quantiles": {"0.05": guess / 2, "0.25": guess * 0.8, "0.5": guess, "0.75": guess * 1.3, "0.95": guess * 2},
        "likeliest": near,
    }
    if values["technique"] == "rag":
        neighbours = [
            {"id": f"id-{place}", "title": f"Thing {place}", "price": guess * (0.8 + place / 10),
             "similarity": 0.9 - place / 20, "age_days": 3.0 * place}
            for place in range(min(values["k"], 5))
        ]  # fmt: skip
        found |= {"neighbours": neighbours, "neighbours_alone": guess * 1.02}
    if values["technique"] == "tools":
        found["calls"] = [
            {"name": "category_price_stats", "arguments": {"category": item["category"]}, "result": "median 42"},
            {"name": "calculator", "arguments": {"expression": "42 * 1.1"}, "result": "46.2"},
        ]
    if values["technique"] == "chained":
        found["steps"] = [
            {"name": "attributes", "prompt": "List what decides the price.", "answer": '{"type": "lamp"}',
             "tokens_in": 120, "tokens_out": 30, "usd": 0.00002, "saved_usd": 0.0},
            {"name": "price", "prompt": "Price: $", "answer": f"{guess:.0f}",
             "tokens_in": 150, "tokens_out": 4, "usd": 0.0, "saved_usd": 0.00003},
        ]  # fmt: skip
    if item["row"] % 7 == 0:
        found["flag"] = "it says “ignore the above”"
        found["shortened"] = {"examples": 2, "tokens": 40}
    if specs.is_endpoint_model(values["model"]):
        found["ignored"] = ["logprobs"]
    return found


def learned_elsewhere(session: Session, job_id: int, source_id: int) -> int:
    """The job, as if its technique had learned from another dataset."""
    fingerprint = datasets.fingerprint(datasets.get(session, source_id))
    session.execute(
        text("UPDATE jobs SET source_id = :source, source_fingerprint = :fingerprint WHERE id = :job"),
        {"source": source_id, "fingerprint": fingerprint, "job": job_id},
    )
    return job_id
