"""The step that looks for leaks: copies of test rows among what is known, titles in prompts, told prices."""

import time

import polars as pl

from db import chunks, datasets, jobs, rates, results
from db.engine import Session, begin
from db.errors import NotReady
from db.job_results import LeakageResult, LeakKind, LeakPair
from db.types import FOUND_SCHEMA, NO_LIMITS, SearchLimits, Split
from worker.evaluation import leakage, planted_leaks, told_prices
from worker.evaluation.leakage import IN_PROMPT, KINDS, NEAR, REWORDED, TOLD, Threshold
from worker.knowledge.index import PgIndex
from worker.leakage import known as leakage_known
from worker.progress import Progress
from worker.work import Commit, Work

SEED = 0
MEANT = 2_000
"""Test rows that are compared by meaning, a sample of them when there are more: each is embedded anew."""

_NEIGHBOURS = 5  # looked at for each row, by meaning
_SLICE = 100  # rows that are embedded between two reports of progress
_SHOWN = 100  # pairs kept of each kind
_LETTERS = 400  # of a description


def search(work: Work) -> Commit:
    """Find the suspects; the job's result is a LeakageResult."""
    job, started = work.job, time.perf_counter()
    with begin() as session:
        test = datasets.items(session, job.dataset_id, Split.TEST)
        known = leakage_known.items(session, job.dataset_id)
        learned = leakage_known.learned_elsewhere(session, job.dataset_id, known)
        prompts = leakage_known.prompts(session, job.dataset_id)
    work.progress.advance(0)
    everything = pl.concat([known, learned.items], how="diagonal")  # by meaning only the knowledge base can be searched
    originals = leakage.sample(known, SEED)
    near, near_limit = leakage.near(test, everything, planted_leaks.nearly(originals, SEED), SEED)
    work.progress.advance(0)
    meant = test if len(test) <= MEANT else test.sample(MEANT, seed=SEED).sort("row")
    index, why_not = PgIndex(job.dataset_id), ""
    reworded, reworded_limit = near.clear(), _NO_LIMIT
    try:
        reworded_limit = _calibrated(index, known, originals, work.progress)
        reworded = leakage.reworded(_alike(index, meant, known, NO_LIMITS, work.progress), reworded_limit)
    except NotReady as error:
        meant, why_not = meant.clear(), str(error)
    suspects = leakage.merged(
        [leakage.same(test, everything), near, reworded, leakage.in_prompts(test, prompts), leakage.telling(test)]
    )
    told = told_prices.by_accident(test, SEED)
    limits = {NEAR: near_limit, REWORDED: reworded_limit}
    compared = dict.fromkeys(KINDS, len(test)) | {REWORDED: len(meant), IN_PROMPT: len(test) if prompts else 0}
    kinds = [_kind(kind, suspects, compared[kind], limits.get(kind), told if kind == TOLD else None) for kind in KINDS]
    result = LeakageResult(
        test_rows=len(test),
        known_items=len(everything),
        kinds=tuple(kinds),
        pairs=tuple(_pairs(suspects, test, everything)),
        train_told=len(told_prices.told(known.filter(pl.col("row").is_not_null()))),
        not_compared=why_not,
        notes=learned.notes,
    )
    seconds = time.perf_counter() - started

    def commit(session: Session) -> chunks.Tally:
        results.put(session, job.id, result.as_json())
        jobs.add_fixed_cost(session, job.id, seconds, rates.of_work(job, seconds))
        return chunks.Tally(items=len(test))

    return commit


_NO_LIMIT = Threshold(float("inf"), 0, 0.0, 0.0)


def _calibrated(index: PgIndex, known: pl.DataFrame, originals: pl.DataFrame, progress: Progress) -> Threshold:
    """How alike reworded copies are to their originals, and train rows to those of other groups. Raises NotReady."""
    # Rows of no dataset: a copy that had its original's number would not be found by a search for others.
    copies = planted_leaks.reworded(originals, SEED).with_columns(row=-1 - pl.int_range(pl.len(), dtype=pl.Int64))
    found = _alike(index, copies, known, NO_LIMITS, progress)
    matched = copies.select("row", "key").join(found, on="row")
    asking = leakage.sample(known.filter(pl.col("row").is_not_null()), SEED + 1)
    others = _alike(index, asking, known, SearchLimits(apart=True), progress)
    right = matched.select("score", is_right=pl.col("key") == pl.col("known"))
    return leakage.threshold(REWORDED, right, others["score"])


def _alike(
    index: PgIndex, asking: pl.DataFrame, known: pl.DataFrame, limits: SearchLimits, progress: Progress
) -> pl.DataFrame:
    """worker.evaluation.leakage.likeness of what the knowledge base finds by meaning."""
    frames = []
    for part in asking.with_columns(pl.col("category", "brand").fill_null("")).iter_slices(_SLICE):
        frames.append(index.nearest(part, _NEIGHBOURS, limits))
        progress.advance(0)
    return leakage.likeness(pl.concat([pl.DataFrame(schema=FOUND_SCHEMA), *frames]), asking, known)


def _kind(
    kind: str, suspects: pl.DataFrame, compared: int, limit: Threshold | None, by_accident: float | None
) -> LeakKind:
    rows = tuple(suspects.filter(pl.col("kind") == kind)["row"].to_list())
    if limit is None or not limit.planted:
        return LeakKind(kind=kind, rows=rows, compared=compared, by_accident=by_accident)
    return LeakKind(
        kind=kind,
        rows=rows,
        compared=compared,
        by_accident=limit.by_accident * compared,
        threshold=limit.value,
        planted=limit.planted,
        found=limit.found,
    )


def _pairs(suspects: pl.DataFrame, test: pl.DataFrame, known: pl.DataFrame) -> list[LeakPair]:
    """The most telling pairs of each kind."""
    shown = suspects.group_by("kind", maintain_order=True).head(_SHOWN)
    texts = [pl.col("description").str.slice(0, _LETTERS), pl.col("title").str.slice(0, _LETTERS)]
    originals = known.select(
        pl.col("key").alias("known"), "where", *(text.name.prefix("known_") for text in texts), known_price="price"
    ).unique("known", keep="first")
    lines = shown.join(test.select("row", "price", *texts), on="row", how="left", maintain_order="left")
    lines = lines.join(originals, on="known", how="left", maintain_order="left")
    pairs = lines.with_columns(
        pl.col("known", "known_title", "known_description").fill_null(""),
        where=pl.when(pl.col("evidence") != "").then("evidence").otherwise(pl.col("where").fill_null("")),
    ).drop("evidence")
    return [LeakPair(**line) for line in pairs.iter_rows(named=True)]
