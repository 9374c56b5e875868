"""Vectors of items and the search for the nearest ones among the train side."""

import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session

from db import engine
from db.models import VectorRow

# Up to here comparing with every vector is faster than the detour over an index and exact (docs/experiments.md).
EXACT_UP_TO = 20_000

_NEAREST = {
    "row": pl.Int64,
    "neighbour": pl.Int64,
    "similarity": pl.Float64,
    "price": pl.Float64,
    "title": pl.String,
}


def hashes(session: Session, dataset_id: int, signature: str) -> pl.DataFrame:
    """row, text_hash of what is already embedded."""
    return engine.copy_out(
        session,
        "SELECT row, text_hash FROM vectors WHERE dataset_id = %s AND signature = %s",
        {"row": pl.Int64, "text_hash": pl.String},
        (dataset_id, signature),
    )


def vectors(session: Session, dataset_id: int, signature: str, rows: list[int]) -> pl.DataFrame:
    """row, text_hash, embedding (list of floats) of those rows that are embedded."""
    return engine.copy_out(
        session,
        "SELECT row, text_hash, embedding::text FROM vectors "
        "WHERE dataset_id = %s AND signature = %s AND row = ANY(%s)",
        {"row": pl.Int64, "text_hash": pl.String, "embedding": pl.String},
        (dataset_id, signature, rows),
    ).with_columns(pl.col("embedding").str.strip_chars("[]").str.split(",").cast(pl.List(pl.Float32)))


def put(session: Session, dataset_id: int, signature: str, frame: pl.DataFrame) -> None:
    """Store vectors; columns row, text_hash, embedding (list of floats). Rows that exist are replaced."""
    session.execute(
        text("DELETE FROM vectors WHERE dataset_id = :dataset AND signature = :signature AND row = ANY(:rows)"),
        {"dataset": dataset_id, "signature": signature, "rows": frame["row"].to_list()},
    )
    engine.copy_in(
        session,
        VectorRow.__tablename__,
        frame.select(
            "row",
            "text_hash",
            embedding=pl.format("[{}]", pl.col("embedding").cast(pl.List(pl.String)).list.join(",")),
            dataset_id=pl.lit(dataset_id),
            signature=pl.lit(signature),
        ),
    )


def ensure_index(session: Session, dataset_id: int, signature: str, dims: int) -> bool:
    """An HNSW index over this dataset's vectors once they are too many for exact search; True if there is one.

    One partial index per dataset: a shared index that is filtered afterwards returns almost nothing when the filter
    keeps 2 % of the rows (measured: 0.9 of 10 neighbours).
    """
    count = session.scalar(
        text("SELECT count(*) FROM vectors WHERE dataset_id = :d AND signature = :s"),
        {"d": dataset_id, "s": signature},
    )
    if (count or 0) <= EXACT_UP_TO:
        return False
    quoted = signature.replace("'", "''")
    session.execute(
        text(
            f"CREATE INDEX IF NOT EXISTS ix_vectors_hnsw_{int(dataset_id)} ON vectors "
            f"USING hnsw ((embedding::halfvec({int(dims)})) halfvec_ip_ops) "
            f"WHERE dataset_id = {int(dataset_id)} AND signature = '{quoted}'"
        )
    )
    return True


def nearest(
    session: Session, dataset_id: int, signature: str, dims: int, queries: pl.DataFrame, k: int
) -> pl.DataFrame:
    """The k nearest train items of each query, best first: row, neighbour, similarity (cosine), price, title.

    `queries` has row and embedding (list of floats, unit length). Only the train side is searched, and an item is not
    its own neighbour. Inner product equals cosine because all vectors have unit length.
    """
    cast = f"halfvec({int(dims)})"
    session.execute(text("SET LOCAL hnsw.ef_search = 200"))
    session.execute(text("SET LOCAL hnsw.iterative_scan = relaxed_order"))
    # One row per query through a lateral join: the planner uses the index where there is one.
    return engine.copy_out(
        session,
        "SELECT q.row, n.row AS neighbour, n.similarity, i.price, i.title "
        f"FROM unnest(%s::bigint[], %s::text[]) AS q(row, embedding) CROSS JOIN LATERAL ("
        f"  SELECT v.row, -(v.embedding::{cast} <#> q.embedding::{cast}) AS similarity FROM vectors v "
        "  WHERE v.dataset_id = %s AND v.signature = %s AND v.row <> q.row "
        f"  ORDER BY v.embedding::{cast} <#> q.embedding::{cast} LIMIT %s) n "
        "JOIN items i ON i.dataset_id = %s AND i.row = n.row AND i.split = 'train' "
        "ORDER BY q.row, n.similarity DESC",
        _NEAREST,
        (
            queries["row"].to_list(),
            queries.select(pl.format("[{}]", pl.col("embedding").cast(pl.List(pl.String)).list.join(",")))
            .to_series()
            .to_list(),
            dataset_id,
            signature,
            k,
            dataset_id,
        ),
    ).with_columns(pl.col("title").fill_null(""))
