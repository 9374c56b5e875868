"""What techniques answered: one prediction per (job, item)."""

from collections.abc import Sequence
from decimal import Decimal

import polars as pl
from sqlalchemy.orm import Session

from db import engine
from db.models import PredictionRow

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


def of_jobs(session: Session, job_ids: Sequence[int]) -> pl.DataFrame:
    """Long frame of several jobs for comparison: job_id, row, group_id (of near-duplicates), truth, price,
    status, usd, saved_usd, seconds, tokens_in, tokens_out, category, title."""
    return engine.copy_out(
        session,
        "SELECT p.job_id, p.row, i.group_id, i.price, p.price, p.status, p.usd, p.saved_usd, p.seconds, p.tokens_in, "
        "p.tokens_out, i.category, i.title "
        "FROM predictions p JOIN jobs j ON j.id = p.job_id "
        "JOIN items i ON i.dataset_id = j.dataset_id AND i.row = p.row "
        "WHERE p.job_id = ANY(%s) ORDER BY p.job_id, p.row",
        _LONG,
        (list(job_ids),),
    ).with_columns(pl.col("category", "title").fill_null(""))


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
