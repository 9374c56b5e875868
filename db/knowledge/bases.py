"""The knowledge base of a dataset: what of it waits to be embedded, and how fresh it is.

Changes of items are in db/knowledge/changes.py, search in db/knowledge/search.py.
"""

from collections.abc import Sequence

import polars as pl
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from db import engine
from db.models import KnowledgeBaseRow
from db.types import Freshness, KnowledgeBase, PriceStats

# What is embedded of an item: title first, because the model reads only the first 256 tokens. `texts_of` in
# worker/knowledge/index.py says the same for items that ask; a test holds both together.
TEXT = r"regexp_replace(concat_ws('. ', {0}.title, {0}.brand, {0}.category, {0}.description), '(\. )+', '. ', 'g')"

STALE = "text_hash IS DISTINCT FROM embedded_hash"
_LAG = "greatest(0, extract(epoch FROM embedded_at - changed_at))"


def text_hash(alias: str) -> str:
    """SQL: hash of the text of an item that should be embedded."""
    return f"encode(sha256(convert_to({TEXT.format(alias)}, 'UTF8')), 'hex')"


def _value(row: KnowledgeBaseRow) -> KnowledgeBase:
    return KnowledgeBase(
        row.id, row.dataset_id, row.signature, row.refreshed_at, row.refresh_seconds, row.created_at, row.owner
    )


def of(session: Session, dataset_id: int) -> KnowledgeBase | None:
    """The knowledge base of a dataset; None when it has none."""
    row = session.scalars(
        select(KnowledgeBaseRow)
        .where(KnowledgeBaseRow.dataset_id == dataset_id)
        .execution_options(populate_existing=True)
    ).first()
    return _value(row) if row else None


def content(session: Session, base_id: int) -> tuple[int, str]:
    """How many items are known, and what they are: texts and prices of all, in whatever order, as one number."""
    row = session.execute(
        text(
            """SELECT count(*) AS items, coalesce(
                   bit_xor(hashtextextended(concat_ws('|', key, text_hash, price), 0)), 0) AS known
               FROM knowledge_items WHERE base_id = :base"""
        ),
        {"base": base_id},
    ).one()
    return row.items, f"{row.known}"


def ensure(session: Session, dataset_id: int, signature: str) -> KnowledgeBase:
    """The knowledge base of a dataset, made if there is none.

    Under another embedding model than before every vector is dropped: vectors of two models can't be compared.
    """
    session.execute(
        text(
            "INSERT INTO knowledge_bases (dataset_id, signature) VALUES (:dataset, :signature) "
            "ON CONFLICT (dataset_id) DO NOTHING"
        ),
        {"dataset": dataset_id, "signature": signature},
    )
    changed = session.scalar(
        text(
            "UPDATE knowledge_bases SET signature = :signature "
            "WHERE dataset_id = :dataset AND signature <> :signature RETURNING id"
        ),
        {"dataset": dataset_id, "signature": signature},
    )
    if changed is not None:
        session.execute(text(f"DROP INDEX IF EXISTS ix_knowledge_items_hnsw_{int(changed)}"))
        session.execute(
            text(
                "UPDATE knowledge_items SET embedding = NULL, embedded_hash = NULL, embedded_at = NULL "
                "WHERE base_id = :base"
            ),
            {"base": changed},
        )
    base = of(session, dataset_id)
    assert base is not None
    return base


def drop(session: Session, base_id: int) -> None:
    """Delete a base with its items and vectors."""
    session.execute(delete(KnowledgeBaseRow).where(KnowledgeBaseRow.id == base_id))


def set_schedule(session: Session, base_id: int, refresh_seconds: int | None) -> None:
    session.execute(
        text("UPDATE knowledge_bases SET refresh_seconds = :seconds WHERE id = :base"),
        {"base": base_id, "seconds": refresh_seconds},
    )


def due(session: Session) -> list[int]:
    """Datasets whose base is to be refreshed now. Their bases stay locked until the transaction ends, so that two
    callers do not both start a job; a base with an unfinished index job is left alone."""
    return list(
        session.scalars(
            text(
                """SELECT b.dataset_id FROM knowledge_bases b
                   WHERE b.refresh_seconds IS NOT NULL
                     AND now() >= make_interval(secs => b.refresh_seconds) + coalesce(
                         (SELECT max(j.created_at) FROM jobs j WHERE j.dataset_id = b.dataset_id AND j.kind = 'index'),
                         b.created_at)
                     AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.dataset_id = b.dataset_id AND j.kind = 'index'
                                     AND j.state IN ('running', 'paused'))
                   ORDER BY b.id FOR UPDATE OF b SKIP LOCKED"""
            )
        )
    )


def known_elsewhere(session: Session, base_id: int) -> pl.DataFrame:
    """key, title, description, price of the known items that did not come from the train side: of files and of other
    datasets."""
    return engine.copy_out(
        session,
        "SELECT key, title, description, price FROM knowledge_items "
        "WHERE base_id = %s AND source <> 'train' ORDER BY id",
        {"key": pl.String, "title": pl.String, "description": pl.String, "price": pl.Float64},
        (base_id,),
    ).with_columns(pl.col("key", "title", "description").fill_null(""))


def stale(session: Session, base_id: int) -> list[int]:
    """Ids of items whose vector is missing or of an older text."""
    return list(
        session.scalars(
            text(f"SELECT id FROM knowledge_items WHERE base_id = :base AND {STALE} ORDER BY id"), {"base": base_id}
        )
    )


def to_embed(session: Session, base_id: int, ids: Sequence[int]) -> pl.DataFrame:
    """Frame of the items that are still there and still stale: id, text_hash, text."""
    return engine.copy_out(
        session,
        f"SELECT k.id, k.text_hash, {TEXT.format('k')} FROM knowledge_items k "
        f"WHERE k.base_id = %s AND k.id = ANY(%s) AND {STALE} ORDER BY k.id",
        {"id": pl.Int64, "text_hash": pl.String, "text": pl.String},
        (base_id, list(ids)),
    ).with_columns(pl.col("text").fill_null(""))


def put_vectors(session: Session, base_id: int, signature: str, frame: pl.DataFrame) -> int:
    """Store vectors: columns id, text_hash (of what was embedded), embedding (list of floats); how many were taken.

    Only updates, so that an item which was removed meanwhile stays removed; a text that changed meanwhile stays
    stale, and nothing is written once the base has another embedding model.
    """
    return len(
        session.execute(
            text(
                """UPDATE knowledge_items k SET embedding = v.embedding ::halfvec, embedded_hash = v.hash,
                       embedded_at = now()
                   FROM unnest(CAST(:ids AS bigint[]), CAST(:hashes AS text[]), CAST(:vectors AS text[]))
                        AS v(id, hash, embedding)
                   WHERE k.id = v.id AND k.base_id = :base AND EXISTS (
                       SELECT 1 FROM knowledge_bases b WHERE b.id = :base AND b.signature = :signature)
                   RETURNING k.id"""
            ),
            {
                "ids": frame["id"].to_list(),
                "hashes": frame["text_hash"].to_list(),
                "vectors": written(frame["embedding"]),
                "base": base_id,
                "signature": signature,
            },
        ).all()
    )


def written(vectors: pl.Series) -> list[str]:
    """Lists of floats as pgvector writes them."""
    frame = vectors.to_frame("v").select(pl.format("[{}]", pl.col("v").cast(pl.List(pl.String)).list.join(",")))
    return frame.to_series().to_list()


def mark_refreshed(session: Session, base_id: int) -> bool:
    """Note the time if nothing is left to embed; False otherwise."""
    return (
        session.scalar(
            text(
                f"""UPDATE knowledge_bases b SET refreshed_at = now() WHERE b.id = :base AND NOT EXISTS (
                        SELECT 1 FROM knowledge_items WHERE base_id = :base AND {STALE}) RETURNING b.id"""
            ),
            {"base": base_id},
        )
        is not None
    )


def freshness(session: Session, base_id: int) -> Freshness:
    """How far the base is behind. A change of the price alone is searchable at once: its lag is 0."""
    row = session.execute(
        text(
            f"""SELECT count(*) AS items, count(embedding) AS searchable, count(*) FILTER (WHERE {STALE}) AS stale,
                   min(changed_at) FILTER (WHERE {STALE}) AS oldest,
                   percentile_cont(0.5) WITHIN GROUP (ORDER BY {_LAG}) FILTER (WHERE NOT ({STALE})) AS lag,
                   max({_LAG}) FILTER (WHERE NOT ({STALE})) AS worst,
                   percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM now() - priced_at) / 86400) AS age
               FROM knowledge_items WHERE base_id = :base"""
        ),
        {"base": base_id},
    ).one()
    return Freshness(
        items=row.items,
        searchable=row.searchable,
        stale_share=row.stale / row.items if row.items else 0.0,
        oldest_change=row.oldest,
        lag_seconds=_number(row.lag),
        worst_lag_seconds=_number(row.worst),
        median_age_days=_number(row.age),
    )


def _number(value: object) -> float | None:
    return None if value is None else float(value)  # type: ignore[arg-type]


def size_bytes(session: Session, base_id: int) -> int:
    """What the base's items and vectors take on disk, its HNSW index included; an estimate from the rows' sizes."""
    return int(
        session.scalar(
            text(
                """SELECT coalesce(sum(pg_column_size(k.*)), 0) + coalesce(pg_relation_size(to_regclass(:index)), 0)
                   FROM knowledge_items k WHERE base_id = :base"""
            ),
            {"base": base_id, "index": f"ix_knowledge_items_hnsw_{base_id}"},
        )
        or 0
    )


def coverage(session: Session, base: KnowledgeBase) -> tuple[int, int]:
    """Two counts: train items with a price that can be found, and all train items with a price."""
    searchable, items = session.execute(
        text(
            """SELECT count(k.id), count(*) FROM items i
               LEFT JOIN knowledge_items k ON k.base_id = :base AND k.row = i.row AND k.embedding IS NOT NULL
               WHERE i.dataset_id = :dataset AND i.split = 'train' AND i.price > 0"""
        ),
        {"base": base.id, "dataset": base.dataset_id},
    ).one()
    return int(searchable), int(items)


def sources(session: Session, base_id: int) -> dict[str, int]:
    """Items by where they came from: train, file, reference."""
    rows = session.execute(
        text("SELECT source, count(*) FROM knowledge_items WHERE base_id = :base GROUP BY 1 ORDER BY 2 DESC"),
        {"base": base_id},
    )
    return {source: int(number) for source, number in rows}


def price_stats(session: Session, base_id: int, category: str) -> PriceStats:
    """What known items of a category cost; where none bears exactly that name, case and outer spaces are ignored."""
    for same in ("category = :category", "lower(trim(category)) = lower(trim(:category))"):
        row = session.execute(
            text(
                f"""SELECT count(*) AS n, percentile_cont(array[0.25, 0.5, 0.75]) WITHIN GROUP (ORDER BY price) AS q
                    FROM knowledge_items WHERE base_id = :base AND {same}"""
            ),
            {"base": base_id, "category": category},
        ).one()
        if row.n:
            return PriceStats(int(row.n), p25=row.q[0], median=row.q[1], p75=row.q[2])
    return PriceStats(0)


def waiting(session: Session, dataset_id: int) -> int:
    """How many items the next index job would embed, as far as the database can tell."""
    return int(
        session.scalar(
            text(
                f"""SELECT (SELECT count(*) FROM knowledge_items k JOIN knowledge_bases b ON b.id = k.base_id
                            WHERE b.dataset_id = :dataset AND {STALE})
                         + (SELECT count(*) FROM items i LEFT JOIN knowledge_bases b ON b.dataset_id = i.dataset_id
                            WHERE i.dataset_id = :dataset AND i.split = 'train' AND i.price > 0
                              AND NOT EXISTS (SELECT 1 FROM knowledge_items k WHERE k.base_id = b.id AND k.row = i.row)
                              AND NOT EXISTS (SELECT 1 FROM knowledge_removed r WHERE r.base_id = b.id
                                              AND r.key IN (i.external_id, 'row:' || i.row)))"""
            ),
            {"dataset": dataset_id},
        )
        or 0
    )


def measured_seconds(session: Session) -> float | None:
    """Seconds per embedded item, over the latest index jobs of this installation; None before the first."""
    measured = session.scalar(
        text(
            """SELECT sum(seconds) / nullif(sum(items_done), 0) FROM (
                   SELECT seconds, items_done FROM chunks
                   WHERE step = 'index' AND state = 'done' AND items_done > 0 ORDER BY id DESC LIMIT 50) c"""
        )
    )
    return _number(measured)


def forget_searches(session: Session) -> None:
    """Drop searches that are over an hour old: they are jobs, so that a worker answers them, but nobody's history."""
    session.execute(text("DELETE FROM jobs WHERE kind = 'search' AND created_at < now() - interval '1 hour'"))


def forget_idle_refreshes(session: Session, dataset_id: int) -> None:
    """Drop scheduled index jobs that found nothing to do: one every quarter of an hour would bury all others."""
    session.execute(
        text(
            """DELETE FROM jobs WHERE kind = 'index' AND dataset_id = :dataset AND state = 'done' AND items_total = 0
               AND spec @> '{"scheduled": true}'"""
        ),
        {"dataset": dataset_id},
    )
