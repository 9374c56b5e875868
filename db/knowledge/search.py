"""The known items most similar to a vector: exact where few are compared, by an HNSW index where they are many; many
exact searches at once are one matrix product (db.knowledge.product)."""

import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session

from db import engine
from db.knowledge import product
from db.knowledge.bases import written
from db.types import FOUND_SCHEMA, NO_LIMITS, KnowledgeBase, SearchLimits

# Up to here comparing with every vector is faster than the detour over an index and exact (docs/experiments.md).
EXACT_UP_TO = 20_000

_PREFIX = "ix_knowledge_items_hnsw_"


def vectors(session: Session, base: KnowledgeBase, rows: list[int]) -> pl.DataFrame:
    """row, embedded_hash, embedding (list of floats) of those train rows that are embedded."""
    return engine.copy_out(
        session,
        "SELECT row, embedded_hash, embedding::text FROM knowledge_items "
        "WHERE base_id = %s AND row = ANY(%s) AND embedding IS NOT NULL",
        {"row": pl.Int64, "embedded_hash": pl.String, "embedding": pl.String},
        (base.id, rows),
    ).with_columns(pl.col("embedding").str.strip_chars("[]").str.split(",").cast(pl.List(pl.Float32)))


def _index(base: KnowledgeBase) -> str:
    return f"{_PREFIX}{int(base.id)}"


def ensure_index(session: Session, base: KnowledgeBase, dims: int) -> bool:
    """An HNSW index over the base's vectors once they are too many for exact search; True if there is one.

    One partial index per base: a shared index that is filtered afterwards returns almost nothing when the filter
    keeps 2 % of the rows (measured: 0.9 of 10 neighbours).
    """
    count = session.scalar(
        text("SELECT count(embedding) FROM knowledge_items WHERE base_id = :base"), {"base": base.id}
    )
    if (count or 0) <= EXACT_UP_TO:
        return False
    _drop_orphans(session)
    session.execute(text("SET LOCAL maintenance_work_mem = '256MB'"))  # else the graph is built on disk, slowly
    # Parallel workers would put that memory into /dev/shm, of which a container has 64 MB by default.
    session.execute(text("SET LOCAL max_parallel_maintenance_workers = 0"))
    session.execute(
        text(
            f"CREATE INDEX IF NOT EXISTS {_index(base)} ON knowledge_items "
            f"USING hnsw ((embedding::halfvec({int(dims)})) halfvec_ip_ops) "
            f"WHERE base_id = {int(base.id)} AND embedding IS NOT NULL"
        )
    )
    return True


def _drop_orphans(session: Session) -> None:
    """Indexes of bases that went with their dataset: they are empty, but every insert looks at them."""
    for name in session.scalars(
        text(
            f"""SELECT indexname FROM pg_indexes WHERE tablename = 'knowledge_items' AND schemaname = current_schema()
                AND indexname ~ '^{_PREFIX}[0-9]+$'
                AND substr(indexname, {len(_PREFIX) + 1})::int NOT IN (SELECT id FROM knowledge_bases)"""
        )
    ).all():
        session.execute(text(f'DROP INDEX IF EXISTS "{name}"'))


def nearest(
    session: Session,
    base: KnowledgeBase,
    dims: int,
    queries: pl.DataFrame,
    k: int,
    limits: SearchLimits = NO_LIMITS,
) -> pl.DataFrame:
    """FOUND_SCHEMA: the k nearest known items of each query, best first; rows in the order of the queries.

    `queries` has row, category and embedding (list of floats, unit length). Inner product equals cosine because all
    vectors have unit length. An item is not its own neighbour: neither as the same row of the dataset nor under the
    same id.
    """
    if queries.is_empty() or k < 1:
        return pl.DataFrame(schema=FOUND_SCHEMA)
    asking = queries.select("row", "category", "embedding", place=pl.int_range(pl.len()))
    many = _many(session, base, asking, limits)
    parts = [
        _search(session, base, dims, part, k, limits, by_index=by_index)
        for by_index, part in ((True, asking.filter(many)), (False, asking.filter(~many)))
        if len(part)
    ]
    neighbours = pl.concat(parts).sort("place", "similarity", descending=[False, True], maintain_order=True)
    if limits.min_similarity > 0:
        neighbours = neighbours.filter(pl.col("similarity") >= limits.min_similarity)
    return neighbours.select(
        pl.col("row"), *(pl.col(name).fill_null("") if kind is pl.String else name for name, kind in _REST.items())
    )


_REST = {name: kind for name, kind in FOUND_SCHEMA.items() if name != "row"}


def _many(session: Session, base: KnowledgeBase, asking: pl.DataFrame, limits: SearchLimits) -> pl.Series:
    """Whether each query has so many candidates that the index is worth its error.

    A filter that leaves few candidates makes exact search both cheap and complete; an index that is filtered
    afterwards would miss most of them.
    """
    is_there = session.scalar(text("SELECT to_regclass(:name)"), {"name": _index(base)}) is not None
    if not is_there or not (limits.same_category or limits.newer_than_days):  # only a large base has one
        return pl.repeat(is_there, len(asking), eager=True)
    counts = engine.copy_out(
        session,
        "SELECT CASE WHEN %s THEN category ELSE '' END, count(embedding) FROM knowledge_items "
        "WHERE base_id = %s AND (NOT %s OR category = ANY(%s)) "
        "AND (%s = 0 OR priced_at > now() - make_interval(days => %s)) GROUP BY 1",
        {"category": pl.String, "n": pl.Int64},
        (
            limits.same_category,
            base.id,
            limits.same_category,
            asking["category"].unique().to_list() if limits.same_category else [],
            limits.newer_than_days,
            limits.newer_than_days,
        ),
    ).with_columns(pl.col("category").fill_null(""))
    wanted = asking.select(category=pl.col("category") if limits.same_category else pl.lit(""))
    joined = wanted.join(counts, on="category", how="left", maintain_order="left")
    return joined["n"].fill_null(0) > EXACT_UP_TO


def _search(
    session: Session,
    base: KnowledgeBase,
    dims: int,
    asking: pl.DataFrame,
    k: int,
    limits: SearchLimits,
    *,
    by_index: bool,
) -> pl.DataFrame:
    is_worth = len(asking) >= (product.FEWEST_INDEXED if by_index else product.FEWEST)
    is_plain = not (limits.same_category or limits.newer_than_days or limits.apart)
    if is_worth and is_plain and (not by_index or product.is_small(session, base)):
        return product.nearest(session, base, dims, asking, k)
    cast = f"halfvec({int(dims)})"
    # "+ 0" keeps the planner from an index that is not to be used.
    distance = f"k.embedding::{cast} <#> q.vector" if by_index else f"(k.embedding::{cast} <#> q.vector) + 0"
    session.execute(text("SET LOCAL hnsw.ef_search = 200"))
    session.execute(text("SET LOCAL hnsw.iterative_scan = relaxed_order"))
    filters = " AND k.category = q.category" if limits.same_category else ""
    if limits.newer_than_days > 0:
        filters += f" AND k.priced_at > now() - make_interval(days => {int(limits.newer_than_days)})"
    rows = asking["row"].to_list()
    kin = column = join = ""
    if (
        limits.apart
    ):  # the rows of each group that is asked about, found in one pass; knowledge from elsewhere has no row
        kin = (
            "kin AS (SELECT group_id, array_agg(row) AS rows FROM items WHERE dataset_id = %s AND group_id IN "
            "  (SELECT group_id FROM items WHERE dataset_id = %s AND row = ANY(%s)) GROUP BY group_id), "
        )
        column, join = ", kin.rows AS kin", "LEFT JOIN kin ON kin.group_id = i.group_id"
        filters += " AND (k.row = ANY(q.kin)) IS NOT TRUE"
    # One row per query through a lateral join; texts are fetched only for what is found.
    return engine.copy_out(
        session,
        # Materialized: else the text of a vector would be read anew for every item it is compared with.
        f"WITH {kin}q AS MATERIALIZED ("
        f"  SELECT u.place, u.row, u.category, u.vector::{cast} AS vector, i.external_id{column} "
        "  FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[]) AS u(place, row, category, vector) "
        f"  LEFT JOIN items i ON i.dataset_id = %s AND i.row = u.row {join}) "
        "SELECT q.place, q.row, f.key, -n.distance, f.price, f.title, f.description, f.category, f.brand, "
        "  greatest(0, extract(epoch FROM now() - f.priced_at) / 86400)::float8 "
        "FROM q CROSS JOIN LATERAL ("
        f"  SELECT k.id, {distance} AS distance FROM knowledge_items k "
        f"  WHERE k.base_id = {int(base.id)} AND k.embedding IS NOT NULL AND k.row IS DISTINCT FROM q.row "
        f"    AND k.key IS DISTINCT FROM q.external_id{filters} ORDER BY {distance} LIMIT %s) n "
        "JOIN knowledge_items f ON f.id = n.id",
        {"place": pl.Int64} | FOUND_SCHEMA,
        (
            *((base.dataset_id, base.dataset_id, rows) if limits.apart else ()),
            asking["place"].to_list(),
            rows,
            asking["category"].to_list(),
            written(asking["embedding"]),
            base.dataset_id,
            k,
        ),
    )
