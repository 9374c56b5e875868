"""The known items most similar to many vectors at once, exactly: one matrix product instead of a scan for each.

Measured: 4,000 known items, 64 queries at a time, 14 ms a query in SQL and 0.5 ms here (docs/experiments.md, "Learn
here, price there"). Vectors stay in the process, as half-precision numbers, until anything in the base changes.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session

from db import engine
from db.types import FOUND_SCHEMA, KnowledgeBase

FEWEST, FEWEST_INDEXED = 8, 256
"""Queries from which on this is worth bringing the vectors here; the second where the base has an index."""

MOST = 200_000
"""Vectors that are brought here: 150 MB of a model with 384 numbers. A larger base is asked by its index."""

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

_FOUND: dict[str, pl.DataType | type[pl.DataType]] = {"place": pl.Int64, **FOUND_SCHEMA}
_HEADER = 4  # bytes before the numbers in pgvector's binary form
_SLICE = 512  # queries in one product
_BLOCK = 16_384  # known items in one product
_GROUPS = 1_024  # of a block, whose best ones tell how alike the nearest are at least


@dataclass(frozen=True, slots=True)
class _Known:
    """The embedded items of a base, in the order of their ids."""

    stamp: tuple[object, ...]
    ids: npt.NDArray[np.int64]
    vectors: npt.NDArray[np.float16]  # (n, dims)
    place_of_row: dict[int, int]
    place_of_key: dict[str, int]


_kept: list[_Known] = []  # of the base that was searched last, at most one


def nearest(session: Session, base: KnowledgeBase, dims: int, asking: pl.DataFrame, k: int) -> pl.DataFrame:
    """place, and FOUND_SCHEMA: the k nearest known items of each query (place, row, embedding), in no order. An item is
    not its own neighbour."""
    known = _known(session, base, dims)
    count = min(k, len(known.ids))
    if not count:
        return pl.DataFrame(schema=_FOUND)
    # As the database would see them: half as many bits.
    queries = asking["embedding"].explode().to_numpy().reshape(len(asking), -1).astype(np.float16).astype(np.float32)
    own = _own(session, base, asking["row"], known)
    parts = []
    for start in range(0, len(queries), _SLICE):
        part = queries[start : start + _SLICE]
        lines = own.filter(pl.col("line").is_between(start, start + len(part) - 1))
        own_line, own_known = (lines[name].to_numpy() for name in lines.columns)
        line, best, alike = _nearest(part, known.vectors, count, own_line - start, own_known)
        parts.append(
            pl.DataFrame(
                {
                    "place": asking["place"].to_numpy()[start + line],
                    "row": asking["row"].to_numpy()[start + line],
                    "id": known.ids[best],
                    "similarity": alike.astype(np.float64),
                }
            )
        )
    found = pl.concat(parts).filter(pl.col("similarity").is_finite())
    texts = engine.copy_out(
        session,
        "SELECT id, key, price, title, description, category, brand, "
        "greatest(0, extract(epoch FROM now() - priced_at) / 86400)::float8 FROM knowledge_items WHERE id = ANY(%s)",
        {"id": pl.Int64, "neighbour": pl.String}
        | {name: FOUND_SCHEMA[name] for name in ("price", "title", "description", "category", "brand", "age_days")},
        (found["id"].unique().to_list(),),
    )
    return found.join(texts, on="id").select(list(_FOUND))


def _nearest(
    queries: Floats, vectors: npt.NDArray[np.float16], count: int, own_line: Ints, own_known: Ints
) -> tuple[Ints, Ints, Floats]:
    """query, known item, similarity of the `count` best of each query, by place; of equal ones the first. own_line,
    own_known: pairs of a query and a known item that is the same one."""
    found: list[tuple[Ints, Ints, Floats]] = []
    for start in range(0, len(vectors), _BLOCK):
        block = vectors[start : start + _BLOCK].astype(np.float32)
        alike = queries @ block.T
        inside = (own_known >= start) & (own_known < start + len(block))
        alike[own_line[inside], own_known[inside] - start] = -np.inf
        line, place = _at_least(alike, count)
        found.append((line, place + start, alike[line, place]))
    line, place, similarity = (np.concatenate(each) for each in zip(*found, strict=True))
    order = np.lexsort((place, -similarity, line))
    line, place, similarity = line[order], place[order], similarity[order]
    rank = np.arange(len(line)) - np.searchsorted(line, line)
    kept = rank < count
    return line[kept], place[kept], similarity[kept]


def _at_least(alike: Floats, count: int) -> tuple[Ints, Ints]:
    """Row and column of what is among the `count` largest of each row of (m, n), and of some more."""
    m, n = alike.shape
    groups = min(_GROUPS, n)
    if n <= count:
        return tuple(np.divmod(np.arange(m * n), n))  # type: ignore[return-value]
    if groups <= 2 * count:  # a block that is hardly larger than what is wanted of it
        least = -np.partition(-alike, count - 1, axis=1)[:, count - 1]
    else:
        # So many groups reach it with their best, so the wanted ones do; partitioning all of them would be slower.
        best = alike[:, : n // groups * groups].reshape(m, -1, groups).max(axis=1)
        least = np.partition(best, groups - count, axis=1)[:, groups - count]
    return tuple(np.divmod(np.flatnonzero(alike >= least[:, None]), n))  # type: ignore[return-value]


def _own(session: Session, base: KnowledgeBase, rows: pl.Series, known: _Known) -> pl.DataFrame:
    """line, known: for each asking row the places of what is that item itself, by its row of the dataset or by its
    id."""
    keys = engine.copy_out(
        session,
        "SELECT row, external_id FROM items WHERE dataset_id = %s AND row = ANY(%s)",
        {"row": pl.Int64, "key": pl.String},
        (base.dataset_id, rows.to_list()),
    )
    key_of = {row: key or "" for row, key in keys.iter_rows()}
    found = []
    for line, row in enumerate(rows):
        places = {known.place_of_row.get(row), known.place_of_key.get(key_of[row]) if row in key_of else None}
        found += [(line, place) for place in places if place is not None]
    return pl.DataFrame(found, schema={"line": pl.Int64, "known": pl.Int64}, orient="row")


def is_small(session: Session, base: KnowledgeBase) -> bool:
    """Whether a base has no more items than are brought here."""
    query = text("SELECT 1 FROM knowledge_items WHERE base_id = :base OFFSET :most LIMIT 1")
    return session.scalar(query, {"base": base.id, "most": MOST}) is None


def _known(session: Session, base: KnowledgeBase, dims: int) -> _Known:
    # Every change of a line gives it another place or transaction; a database that was made anew has another number.
    stamp = session.execute(
        text(
            """SELECT (SELECT oid::bigint FROM pg_database WHERE datname = current_database()), count(*),
                      coalesce(bit_xor(hashtextextended(ctid::text || xmin::text, id)), 0)
               FROM knowledge_items WHERE base_id = :base"""
        ),
        {"base": base.id},
    ).one()
    key = (base.id, dims, *stamp)
    if not _kept or _kept[0].stamp != key:
        _kept[:] = [_read(session, base, dims, key)]
    return _kept[0]


def _read(session: Session, base: KnowledgeBase, dims: int, stamp: tuple[object, ...]) -> _Known:
    lines = engine.binary_out(
        session,
        f"SELECT id, row, key, halfvec_send(embedding::halfvec({int(dims)})) FROM knowledge_items "
        "WHERE base_id = %s AND embedding IS NOT NULL ORDER BY id",
        ("int8", "int8", "text", "bytea"),
        (base.id,),
    )
    raw = np.frombuffer(b"".join(line[3] for line in lines), dtype=np.uint8).reshape(len(lines), _HEADER + 2 * dims)
    vectors = np.ascontiguousarray(raw[:, _HEADER:]).view(">f2").astype(np.float16)
    return _Known(
        stamp,
        np.array([line[0] for line in lines], dtype=np.int64),
        vectors,
        {line[1]: place for place, line in enumerate(lines) if line[1] is not None},
        {line[2]: place for place, line in enumerate(lines)},
    )
