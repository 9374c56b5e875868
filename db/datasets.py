"""What is known about uploaded tables: datasets, their items, rejects and splits."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl
from sqlalchemy import delete, select, text, update
from sqlalchemy.orm import Session

from db import engine
from db.errors import NotFound
from db.models import DatasetRow, ItemRow, RejectRow
from db.types import ITEM_SCHEMA, Changes, Dataset, DatasetState, MadeBy, Split

UNIT_PRICE = "price / coalesce(quantity, 1)"
"""What techniques learn of an item, in SQL: its price, of one unit where it has a quantity."""

_ITEM_COLUMNS = "row, title, description, category, brand, price"


def _value(row: DatasetRow) -> Dataset:
    return Dataset(
        id=row.id,
        name=row.name,
        state=DatasetState(row.state),
        file_sha256=row.file_sha256,
        file_name=row.file_name,
        is_synthetic=row.is_synthetic,
        rows_in=row.rows_in,
        items=row.items,
        rejects=row.rejects,
        inspection=row.inspection,
        mapping=row.mapping,
        profile=row.profile,
        splits=row.splits,
        error=row.error,
        created_at=row.created_at,
        made_from=row.made_from,
        currency=row.currency,
        joined_from=tuple(row.joined_from),
        made_by=MadeBy(row.made_by) if row.made_by else None,
        changes=Changes(**row.changes) if row.changes else None,
        description=row.description,
        archived_at=row.archived_at,
        owner=row.owner,
        shared_with=tuple(row.shared_with),
    )


def create(
    session: Session,
    *,
    name: str,
    sha256: str,
    file_name: str,
    is_synthetic: bool = False,
    version_of: int | None = None,
) -> int:
    row = DatasetRow(
        name=name,
        state=DatasetState.UPLOADED,
        file_sha256=sha256,
        file_name=file_name,
        is_synthetic=is_synthetic,
        made_from=version_of,
        made_by=None if version_of is None else MadeBy.FILE,
        inspection={},
        mapping={},
        profile={},
        splits={},
    )
    session.add(row)
    session.flush()
    return row.id


def all(session: Session) -> list[Dataset]:  # noqa: A001 - reads as datasets.all(session)
    """Every dataset, newest first."""
    return [_value(row) for row in session.scalars(select(DatasetRow).order_by(DatasetRow.id.desc()))]


def get(session: Session, dataset_id: int) -> Dataset:
    row = session.get(DatasetRow, dataset_id)
    if row is None:
        raise NotFound(f"There is no dataset {dataset_id}; the Data page lists those there are.")
    return _value(row)


def find(session: Session, name_or_id: str) -> Dataset:
    """The dataset with this number, or the newest with this name."""
    if name_or_id.isdecimal():
        return get(session, int(name_or_id))
    row = session.scalars(
        select(DatasetRow).where(DatasetRow.name == name_or_id).order_by(DatasetRow.id.desc()).limit(1)
    ).first()
    if row is None:
        raise NotFound(f"There is no dataset named {name_or_id!r}.")
    return _value(row)


def of_file(session: Session, sha256: str) -> list[Dataset]:
    """The datasets made of these bytes, newest first."""
    rows = select(DatasetRow).where(DatasetRow.file_sha256 == sha256).order_by(DatasetRow.id.desc())
    return [_value(row) for row in session.scalars(rows)]


def change(session: Session, dataset_id: int, **values: Any) -> None:
    session.execute(update(DatasetRow).where(DatasetRow.id == dataset_id).values(**values))


def drop(session: Session, dataset_id: int) -> None:
    """Delete the dataset and everything that hangs on it: items, rejects, jobs, predictions, vectors."""
    session.execute(delete(DatasetRow).where(DatasetRow.id == dataset_id))


def users(session: Session, dataset_id: int) -> list[str]:
    """What of other datasets rests on this one, in words: jobs that learned from it, tables that hold its items."""
    query = """SELECT 'job ' || j.id || ' on ' || d.name FROM jobs j JOIN datasets d ON d.id = j.dataset_id
               WHERE j.source_id = :dataset AND j.dataset_id <> :dataset
               UNION ALL SELECT name || ' (dataset ' || id || ')' FROM datasets WHERE :dataset = ANY(joined_from)"""
    return list(session.scalars(text(query), {"dataset": dataset_id}))


def file_is_used(session: Session, sha256: str) -> bool:
    """Whether a dataset was made of the stored file with this hash, or a knowledge base was changed by it."""
    query = """SELECT EXISTS (SELECT 1 FROM datasets WHERE file_sha256 = :sha256)
                   OR EXISTS (SELECT 1 FROM jobs WHERE spec -> 'changes' ->> 'sha256' = :sha256)"""
    return bool(session.scalar(text(query), {"sha256": sha256}))


def add_items(session: Session, dataset_id: int, frame: pl.DataFrame) -> int:
    """Append items; columns row, line, external_id, title, description, category, brand, price, split, group_id, and
    those of weight and date that there are. Raises NotFound without the dataset."""
    return add_all_items(session, dataset_id, frame.iter_slices(50_000))


def add_all_items(session: Session, dataset_id: int, frames: Iterable[pl.DataFrame]) -> int:
    """As `add_items`, of many frames, one at a time."""
    # Once for all rows, instead of a foreign key. The lock keeps the dataset until they are committed.
    if session.scalar(text("SELECT id FROM datasets WHERE id = :id FOR KEY SHARE"), {"id": dataset_id}) is None:
        raise NotFound(f"There is no dataset {dataset_id}; the Data page lists those there are.")
    owned = (frame.with_columns(dataset_id=pl.lit(dataset_id)) for frame in frames)
    return engine.copy_all(session, ItemRow.__tablename__, owned)


def add_rejects(session: Session, dataset_id: int, frame: pl.DataFrame) -> int:
    """Append rejects; columns line, raw, reason, and count where one stands for several lines."""
    return engine.copy_in(session, RejectRow.__tablename__, frame.with_columns(dataset_id=pl.lit(dataset_id)))


def rejects(session: Session, dataset_id: int, limit: int | None = None) -> pl.DataFrame:
    """Frame of the rejects in the order of the file: line, raw, reason, count. Equal lines that follow each other are
    one, of which `line` is the first."""
    return engine.copy_out(
        session,
        "SELECT line, raw, reason, count FROM rejects WHERE dataset_id = %s ORDER BY line, id LIMIT %s",
        {"line": pl.Int64, "raw": pl.String, "reason": pl.String, "count": pl.Int64},
        (dataset_id, limit),
    ).with_columns(pl.col("raw", "reason").fill_null(""))


def rejected_lines(session: Session, dataset_id: int) -> pl.DataFrame:
    """Frame of the rejects in the order of the file, each line by itself: line, raw, reason."""
    runs = rejects(session, dataset_id)
    if (runs["count"] == 1).all():
        return runs.drop("count")
    lines = pl.int_ranges(pl.col("line"), pl.col("line") + pl.col("count"))
    return runs.select(lines.alias("line"), "raw", "reason").explode("line")


def reasons(session: Session, dataset_id: int) -> pl.DataFrame:
    """Frame of why lines were rejected, in the order of the file, each line by itself: line, reason."""
    return rejected_lines(session, dataset_id).select("line", "reason")


def places(session: Session, dataset_id: int) -> pl.DataFrame:
    """Frame of where the items stand, in row order: row, line (of the file) and split."""
    return engine.copy_out(
        session,
        "SELECT row, line, split FROM items WHERE dataset_id = %s ORDER BY row",
        {"row": pl.Int64, "line": pl.Int64, "split": pl.String},
        (dataset_id,),
    )


def known_items(session: Session, dataset_id: int) -> pl.DataFrame:
    """ITEM_SCHEMA with group_id and date of every item with a price, whatever its side, in row order."""
    return engine.copy_out(
        session,
        f"SELECT {_ITEM_COLUMNS}, group_id, date FROM items WHERE dataset_id = %s AND price > 0 ORDER BY row",
        ITEM_SCHEMA | {"group_id": pl.Int64, "date": pl.Date},
        (dataset_id,),
    ).with_columns(pl.col(pl.String).fill_null(""))


def dates(session: Session, dataset_id: int) -> pl.DataFrame:
    """Frame of row and date, of the items that have one."""
    return engine.copy_out(
        session,
        "SELECT row, date FROM items WHERE dataset_id = %s AND date IS NOT NULL ORDER BY row",
        {"row": pl.Int64, "date": pl.Date},
        (dataset_id,),
    )


def items(
    session: Session, dataset_id: int, split: Split | None = None, limit: int | None = None, *, details: bool = False,
    per_unit: bool = False,
) -> pl.DataFrame:  # fmt: skip
    """ITEM_SCHEMA in row order; with `details` also external_id, split, line and group_id. `per_unit`: with the prices
    that techniques learn, of one unit where rows have a quantity."""
    extra = ", external_id, split, line, group_id" if details else ""
    schema = ITEM_SCHEMA | (
        {"external_id": pl.String, "split": pl.String, "line": pl.Int64, "group_id": pl.Int64} if details else {}
    )
    return engine.copy_out(
        session,
        f"SELECT {_ITEM_COLUMNS.replace('price', f'{UNIT_PRICE} AS price') if per_unit else _ITEM_COLUMNS}{extra} "
        "FROM items WHERE dataset_id = %s AND (%s::text IS NULL OR split = %s) "
        "ORDER BY row LIMIT %s",
        schema,
        (dataset_id, split, split, limit),
    ).with_columns(pl.col(pl.String).fill_null(""))


def whole_items(session: Session, dataset_id: int) -> pl.DataFrame:
    """Every item in row order with what a file says of it: line, external_id, title, description, category, brand,
    price, original_price, original_currency, weight, date, quantity."""
    return engine.copy_out(
        session,
        "SELECT line, external_id, title, description, category, brand, price, original_price, original_currency, "
        "weight, date, quantity FROM items "
        "WHERE dataset_id = %s ORDER BY row",
        {"line": pl.Int64, "external_id": pl.String}
        | dict.fromkeys(TEXTS, pl.String)
        | {
            "price": pl.Float64,
            "original_price": pl.Float64,
            "original_currency": pl.String,
            "weight": pl.Float64,
            "date": pl.Date,
            "quantity": pl.Float64,
        },
        (dataset_id,),
    ).with_columns(pl.col(pl.String).fill_null(""))


def joined(session: Session, dataset_ids: Sequence[int]) -> Dataset | None:
    """The dataset that holds the items of exactly these, in this order, if there is one that did not fail."""
    row = session.scalars(
        select(DatasetRow)
        .where(DatasetRow.joined_from == list(dataset_ids), DatasetRow.state != DatasetState.FAILED)
        .order_by(DatasetRow.id.desc())
        .limit(1)
    ).first()
    return _value(row) if row else None


def sampled(session: Session, dataset_id: int, most: int, split: Split | None = None) -> pl.DataFrame:
    """ITEM_SCHEMA of at most so many rows of a dataset or a side of it, the same ones each time."""
    return engine.copy_out(
        session,
        f"SELECT {_ITEM_COLUMNS} FROM items WHERE dataset_id = %s AND (%s::text IS NULL OR split = %s) "
        "ORDER BY hashint8extended(row, 20261123) LIMIT %s",
        ITEM_SCHEMA,
        (dataset_id, split, split, most),
    ).with_columns(pl.col(pl.String).fill_null(""))


TEXTS = ("title", "description", "category", "brand")


def items_to_price(
    session: Session, dataset_id: int, job_id: int, rows: list[int], columns: Sequence[str] = TEXTS
) -> pl.DataFrame:
    """ITEM_SCHEMA without prices: those of the rows that the job has no prediction for yet, in the order of `rows`.

    Texts that are not among `columns` come empty: fetching what nobody reads is half of a cheap technique's time.
    """
    texts = ", ".join(f"i.{name}" if name in columns else f"'' AS {name}" for name in TEXTS)
    return engine.copy_out(
        session,
        f"SELECT i.row, {texts}, NULL::float8 AS price "
        "FROM unnest(%s::bigint[]) WITH ORDINALITY AS wanted(row, place) "
        "JOIN items i ON i.dataset_id = %s AND i.row = wanted.row "
        "LEFT JOIN predictions p ON p.job_id = %s AND p.row = wanted.row "
        "WHERE p.row IS NULL ORDER BY wanted.place",
        ITEM_SCHEMA,
        (rows, dataset_id, job_id),
    ).with_columns(pl.col(pl.String).fill_null(""))


def groups(session: Session, dataset_id: int, rows: Sequence[int]) -> pl.DataFrame:
    """Frame of row and group_id, of near-duplicates; of these rows."""
    return engine.copy_out(
        session,
        "SELECT row, group_id FROM items WHERE dataset_id = %s AND row = ANY(%s) ORDER BY row",
        {"row": pl.Int64, "group_id": pl.Int64},
        (dataset_id, list(rows)),
    )


def target_rows(
    session: Session, dataset_id: int, split: Split | None, limit: int | None, *, elsewhere: bool = False
) -> list[int]:
    """The rows a job prices: one side of the split, or test and unpriced (None); a sample of them when limited.

    Train and validation rows are not priced by what has seen them; by what learned `elsewhere`, None means every row.

    The sample is drawn by a hash of the row, so that a larger sample contains every smaller one and all techniques
    price the same items. Without a limit the order is that of the file.
    """
    sides = [split] if split else list(Split) if elsewhere else [Split.TEST, Split.UNPRICED]
    order = "row" if limit is None else "hashint8extended(row, 20261123)"
    return list(
        session.scalars(
            text(
                "SELECT row FROM items WHERE dataset_id = :dataset AND split = ANY(:splits) "
                f"ORDER BY {order} LIMIT :limit"
            ),
            {"dataset": dataset_id, "splits": sides, "limit": limit},
        )
    )


def groups_of(session: Session, dataset_id: int, rows: Sequence[int]) -> list[int]:
    """The group of near-duplicates that each of the rows belongs to, in their order."""
    known = dict(groups(session, dataset_id, rows).iter_rows())
    return [known[row] for row in rows]


def weights_of(session: Session, dataset_id: int, rows: Sequence[int]) -> list[float]:
    """How much each of the rows counts in measures, in their order; 1 where it has no weight."""
    query = """SELECT coalesce(i.weight, 1) FROM unnest(CAST(:rows AS bigint[])) WITH ORDINALITY AS wanted(row, place)
               JOIN items i ON i.dataset_id = :dataset AND i.row = wanted.row ORDER BY wanted.place"""
    return list(session.scalars(text(query), {"rows": list(rows), "dataset": dataset_id}))


def is_per_unit(session: Session, dataset: Dataset) -> bool:
    """Whether its rows have quantities, so that techniques learn the price of one unit from it."""
    if not (dataset.joined_from or dataset.mapping.get("quantity")):
        return False
    query = "SELECT EXISTS (SELECT 1 FROM items WHERE dataset_id = :dataset AND quantity IS NOT NULL)"
    return bool(session.scalar(text(query), {"dataset": dataset.id}))


def quantities(session: Session, dataset_id: int, rows: Sequence[int]) -> pl.DataFrame:
    """Frame of row and quantity of these rows; 1 where a row has none."""
    return engine.copy_out(
        session,
        "SELECT row, coalesce(quantity, 1) FROM items WHERE dataset_id = %s AND row = ANY(%s)",
        {"row": pl.Int64, "quantity": pl.Float64},
        (dataset_id, list(rows)),
    )


def price_quantile(session: Session, dataset_id: int, split: Split, share: float) -> float | None:
    """The price ($) that this share of a side's prices does not pass; None where no row of it has one."""
    query = text(
        "SELECT percentile_cont(:share) WITHIN GROUP (ORDER BY price) FROM items "
        "WHERE dataset_id = :dataset AND split = :split AND price > 0"
    )
    value: float | None = session.scalar(query, {"dataset": dataset_id, "split": split, "share": share})
    return value


def price_range(session: Session, dataset_id: int, split: Split) -> tuple[float, float, float, bool] | None:
    """The lowest, the highest and the middle price ($, of one unit) of a side, and whether all are whole numbers; None
    where no row of it has one."""
    query = (
        "SELECT min(said), max(said), percentile_disc(0.5) WITHIN GROUP (ORDER BY said), bool_and(said = floor(said)) "
        f"FROM (SELECT {UNIT_PRICE} AS said FROM items WHERE dataset_id = :dataset AND split = :split AND price > 0)"
    )
    low, high, middle, are_whole = session.execute(text(query), {"dataset": dataset_id, "split": split}).one()
    return None if low is None else (low, high, middle, are_whole)


def count_outside(
    session: Session,
    dataset_id: int,
    lowest: float,
    above: float,
    split: Split | None = None,
    categories: Sequence[str] = (),
) -> tuple[int, int]:
    """How many rows have a price, and how many of those cost less than `lowest` $ or not less than `above` $.

    split, categories: only of these; None and () = of all.
    """
    query = (
        f"SELECT count(*), count(*) FILTER (WHERE {UNIT_PRICE} < :lowest OR {UNIT_PRICE} >= :above) FROM items "
        "WHERE dataset_id = :dataset AND price > 0 AND (CAST(:split AS text) IS NULL OR split = :split) "
        "AND (cardinality(CAST(:categories AS text[])) = 0 OR category = ANY(:categories))"
    )
    values = {"dataset": dataset_id, "lowest": lowest, "above": above, "split": split, "categories": list(categories)}
    priced, outside = session.execute(text(query), values).one()
    return priced, outside


def fingerprint(dataset: Dataset) -> str:
    """Identity of a loaded table: its bytes, its columns and its sides."""
    return hashlib.sha256(_seen(dataset).encode()).hexdigest()


def fit_hash(dataset: Dataset, fit_key: str) -> str:
    """Identity of what a technique learns: its key and the train side it saw (a ready dataset never changes)."""
    return hashlib.sha256((fit_key + _seen(dataset)).encode()).hexdigest()


def _seen(dataset: Dataset) -> str:
    return json.dumps([dataset.id, dataset.file_sha256, dataset.mapping, dataset.splits], sort_keys=True)
