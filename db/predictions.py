"""What techniques answered: one prediction per (job, item)."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session

from db import engine
from db.models import PredictionRow
from db.types import PREDICTION_SCHEMA

_FRAME = {
    "row": pl.Int64,
    "external_id": pl.String,
    "title": pl.String,
    "description": pl.String,
    "category": pl.String,
    "brand": pl.String,
    "truth": pl.Float64,
    "split": pl.String,
    "price": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "status": pl.String,
    "usd": pl.Float64,
    "seconds": pl.Float64,
    "tokens_in": pl.Int64,
    "tokens_out": pl.Int64,
    "tokens_cached": pl.Int64,
    "saved_usd": pl.Float64,
    "evidence": pl.String,
}
_LONG = {
    "job_id": pl.Int64,
    "row": pl.Int64,
    "group_id": pl.Int64,
    "truth": pl.Float64,
    "price": pl.Float64,
    "low": pl.Float64,
    "high": pl.Float64,
    "status": pl.String,
    "usd": pl.Float64,
    "saved_usd": pl.Float64,
    "seconds": pl.Float64,
    "tokens_in": pl.Int64,
    "tokens_out": pl.Int64,
    "category": pl.String,
    "title": pl.String,
}
_COSTS = {
    "job_id": pl.Int64,
    "row": pl.Int64,
    "group_id": pl.Int64,
    "usd": pl.Float64,
    "saved_usd": pl.Float64,
    "seconds": pl.Float64,
    "tokens_in": pl.Int64,
    "tokens_cached": pl.Int64,
    "tokens_out": pl.Int64,
}
_MEMBERS_COSTS = {
    "row": pl.Int64,
    "member": pl.Int64,
    "usd": pl.Float64,
    "seconds": pl.Float64,
    "tokens_in": pl.Int64,
    "tokens_cached": pl.Int64,
    "tokens_out": pl.Int64,
}
_TEXTS = ("external_id", "title", "description", "category", "brand")


def add(session: Session, job_id: int, frame: pl.DataFrame) -> Decimal:
    """Store predictions (PREDICTION_SCHEMA plus usd); returns their cost in dollars.

    A second prediction for the same item violates the primary key: one of the two runs then rolls back whole.
    """
    engine.copy_in(session, PredictionRow.__tablename__, frame.with_columns(job_id=pl.lit(job_id)))
    return Decimal(repr(float(frame["usd"].sum())))


def of_job(session: Session, job_id: int) -> pl.DataFrame:
    """Every prediction of a job beside its item, in row order; `truth` is the file's price where it has one."""
    return engine.copy_out(
        session,
        "SELECT p.row, i.external_id, i.title, i.description, i.category, i.brand, i.price, i.split, p.price, p.low, "
        "p.high, p.status, p.usd, p.seconds, p.tokens_in, p.tokens_out, p.tokens_cached, "
        "p.saved_usd, p.evidence "
        "FROM predictions p JOIN jobs j ON j.id = p.job_id "
        "JOIN items i ON i.dataset_id = j.dataset_id AND i.row = p.row WHERE p.job_id = %s ORDER BY p.row",
        _FRAME,
        (job_id,),
    ).with_columns(pl.col(_TEXTS).fill_null(""))


def answers(session: Session, job_id: int) -> pl.DataFrame:
    """Every prediction of a job without its item, in row order: row, price, low, high, status."""
    return engine.copy_out(
        session,
        "SELECT row, price, low, high, status FROM predictions WHERE job_id = %s ORDER BY row",
        {name: PREDICTION_SCHEMA[name] for name in ("row", "price", "low", "high", "status")},
        (job_id,),
    )


def of_jobs(session: Session, job_ids: Sequence[int], *, weighted: bool = False) -> pl.DataFrame:
    """Long frame of several jobs for comparison: job_id, row, group_id (of near-duplicates), truth, price, low, high,
    status, usd, saved_usd, seconds, tokens_in, tokens_out, category, title; and weight, where comparisons of it shall
    be `weighted` (a row without one weighs 1); by job and row."""
    # Joined here and not there: an item is sent once and not once a job, and a plan of the server's that looked each of
    # a million lines up by itself took twenty times as long.
    schema = _LONG | ({"weight": pl.Float64} if weighted else {})
    parts = [_with_items(session, dataset, ids, schema) for dataset, ids in _by_dataset(session, job_ids).items()]
    whole = pl.concat([pl.DataFrame(schema=schema), *parts])
    return whole if len(parts) < 2 else whole.sort("job_id", "row")


def _by_dataset(session: Session, job_ids: Sequence[int]) -> dict[int, list[int]]:
    """Dataset -> those of the jobs that price its rows."""
    found: dict[int, list[int]] = {}
    query = text("SELECT dataset_id, id FROM jobs WHERE id = ANY(:jobs) ORDER BY id")
    for dataset_id, job_id in session.execute(query, {"jobs": list(job_ids)}):
        found.setdefault(dataset_id, []).append(job_id)
    return found


_OF_ITEM = {
    "group_id": "group_id",
    "truth": "price",
    "category": "category",
    "title": "title",
    "weight": "coalesce(weight, 1)",
}
"""Column of a long frame -> where an item has it."""


def _with_items(
    session: Session, dataset_id: int, job_ids: list[int], schema: Mapping[str, pl.DataType | type[pl.DataType]]
) -> pl.DataFrame:
    """The columns of a schema of jobs on one dataset."""
    answers = engine.copy_out(
        session,
        "SELECT job_id, row, price, low, high, status, usd, saved_usd, seconds, tokens_in, tokens_out "
        "FROM predictions WHERE job_id = ANY(%s) ORDER BY job_id, row",
        {name: kind for name, kind in schema.items() if name not in _OF_ITEM},
        (job_ids,),
    )
    of_item = {name: _OF_ITEM[name] for name in schema if name in _OF_ITEM}
    items = engine.copy_out(
        session,
        f"SELECT row, {', '.join(of_item.values())} FROM items WHERE dataset_id = %s AND row = ANY(%s)",
        {"row": pl.Int64} | {name: schema[name] for name in of_item},
        (dataset_id, answers["row"].unique().to_list()),
    ).with_columns(pl.col("category", "title").fill_null(""))
    return answers.join(items, on="row", how="inner", maintain_order="left").select(list(schema))


def costs(session: Session, job_ids: Sequence[int]) -> pl.DataFrame:
    """Long frame of what several jobs paid for each item, whether its price is known or not: job_id, row, group_id, usd
    (null: unknown), saved_usd, seconds, tokens_in, tokens_cached, tokens_out."""
    return engine.copy_out(
        session,
        "SELECT p.job_id, p.row, i.group_id, p.usd, p.saved_usd, p.seconds, p.tokens_in, p.tokens_cached, p.tokens_out "
        "FROM predictions p JOIN jobs j ON j.id = p.job_id "
        "JOIN items i ON i.dataset_id = j.dataset_id AND i.row = p.row "
        "WHERE p.job_id = ANY(%s) ORDER BY p.job_id, p.row",
        _COSTS,
        (list(job_ids),),
    )


def members_costs(session: Session, job_id: int) -> pl.DataFrame:
    """What each member of a combination took for each item that it was asked about, now or before: row, member (its
    place in the spec), usd (null: unknown), seconds, tokens_in, tokens_cached, tokens_out. Of jobs of versions that did
    not keep it there is nothing."""
    return engine.copy_out(
        session,
        "SELECT p.row, t.* FROM predictions p, jsonb_to_recordset(p.evidence -> 'took') AS t (member bigint, "
        "usd float8, seconds float8, tokens_in bigint, tokens_cached bigint, tokens_out bigint) "
        "WHERE p.job_id = %s ORDER BY t.member, p.row",
        _MEMBERS_COSTS,
        (job_id,),
    )


def stored(
    session: Session, dataset_id: int, fit_key: str, rows: Sequence[int], source_id: int | None = None
) -> pl.DataFrame:
    """PREDICTION_SCHEMA of those of the rows that a pricing job with this very spec, form and source (as Job.source_id)
    has answered, the newest of each; what no answer came to is left out."""
    columns = ", ".join(f"p.{name}" for name in PREDICTION_SCHEMA)
    return engine.copy_out(
        session,
        f"SELECT DISTINCT ON (p.row) {columns} FROM jobs j JOIN predictions p ON p.job_id = j.id "
        "WHERE j.dataset_id = %s AND j.fit_key = %s AND j.source_id IS NOT DISTINCT FROM %s AND j.kind = 'price' "
        "AND p.row = ANY(%s) AND p.status <> 'failed' ORDER BY p.row, p.job_id DESC",
        PREDICTION_SCHEMA,
        (dataset_id, fit_key, source_id, list(rows)),
    )


def unanswered(
    session: Session, dataset_id: int, fit_key: str, rows: Sequence[int], source_id: int | None = None
) -> list[int]:
    """Those of the rows that `stored` has nothing of, in their order."""
    query = """SELECT wanted.row FROM unnest(CAST(:rows AS bigint[])) WITH ORDINALITY AS wanted(row, place)
               WHERE NOT EXISTS (
                   SELECT 1 FROM jobs j JOIN predictions p ON p.job_id = j.id
                   WHERE j.dataset_id = :dataset AND j.fit_key = :key AND j.kind = 'price'
                     AND j.source_id IS NOT DISTINCT FROM :source AND p.row = wanted.row AND p.status <> 'failed')
               ORDER BY wanted.place"""
    values = {"rows": list(rows), "dataset": dataset_id, "key": fit_key, "source": source_id}
    return list(session.scalars(text(query), values))
