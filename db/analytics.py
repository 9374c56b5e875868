"""Questions to the whole of a job's predictions, answered by DuckDB from a Parquet snapshot instead of by Postgres.

A finished job never changes, so its snapshot is made once. A million predictions then cost a page one file of some ten
megabytes and a query of milliseconds, not a frame in memory per visitor and a COPY per click.
"""

import os
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from db import predictions
from db.engine import Session
from db.errors import UserError
from db.settings import settings

KEPT_SECONDS = 3600  # a page may still be reading the version before this one

_SEARCHED = "concat_ws(' ', title, description, category, brand, external_id)"

TEXTS = ("external_id", "title", "description")
CHOICES = ("category", "brand", "status", "split")
NUMBERS = {
    **{name: name for name in ("row", "price", "truth", "error", "low", "high")},
    "off": "abs(error)",
    "off_share": "abs(error) / nullif(truth, 0)",
    **{name: name for name in ("usd", "saved_usd", "seconds", "tokens_in", "tokens_out", "tokens_cached")},
}
"""What can be narrowed down to a range -> its SQL; `off` is $ between price and true price, `off_share` their share of
the true price."""

COLUMNS = (*TEXTS, *CHOICES, *NUMBERS)
"""Everything that predictions are filtered and sorted by."""

_HELD = "(truth BETWEEN low AND high)"  # null, so neither true nor false, where one of the three is unknown
_MOST_VALUES = 1_000


@dataclass(frozen=True, slots=True)
class Filters:
    """Which of a job's predictions are asked for: those that fit all of it."""

    words: str = ""  # every word occurs in title, description, category, brand or id
    contains: tuple[tuple[str, str], ...] = ()  # one of TEXTS or CHOICES, and a text that it contains
    among: tuple[tuple[str, tuple[str, ...]], ...] = ()  # one of CHOICES, and what it may be
    between: tuple[tuple[str, float | None, float | None], ...] = ()  # one of NUMBERS, from and to, both included
    inside: bool | None = None  # whether the interval holds the true price; a row that lacks one of them is neither
    flagged: bool = False  # only rows whose product text looks like instructions to the model


EVERYTHING = Filters()


@dataclass(frozen=True, slots=True)
class Order:
    """What predictions are sorted by; those without a value come last, and rows decide among equals."""

    column: str = "row"  # one of COLUMNS
    descending: bool = False


def snapshot(session: Session, job_id: int, version: str) -> Path:
    """The Parquet file with every prediction of a job beside its item; `error` is price - truth where both are known.

    Written at the first call for this version of the job.
    """
    folder = settings().home / "snapshots"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"job-{job_id}-{version}.parquet"
    if not path.is_file():
        for old in folder.glob(f"job-{job_id}-*.parquet"):
            if time.time() - old.stat().st_mtime > KEPT_SECONDS:
                old.unlink(missing_ok=True)
        handle, part = tempfile.mkstemp(dir=folder, suffix=".part")
        os.close(handle)
        write(session, job_id, Path(part))
        Path(part).replace(path)  # a reader sees all of it or nothing
    return path


def write(session: Session, job_id: int, path: Path) -> None:
    """Write `snapshot`'s frame of a job, as it is now, into a file."""
    frame = predictions.of_job(session, job_id)
    frame.with_columns(error=pl.col("price") - pl.col("truth")).write_parquet(path)


def forget(job_id: int) -> None:
    """Remove the snapshots of a job."""
    for path in (settings().home / "snapshots").glob(f"job-{job_id}-*.parquet"):
        path.unlink(missing_ok=True)


def count(path: Path, filters: Filters = EVERYTHING) -> int:
    """How many predictions of a snapshot fit."""
    where, values = _where(filters)
    return int(_ask(f"SELECT count(*) AS n FROM read_parquet(?) WHERE {where}", [str(path), *values])["n"][0])


def page(
    path: Path, filters: Filters = EVERYTHING, order: Order = Order(), *, limit: int, offset: int = 0
) -> pl.DataFrame:
    """The predictions of a snapshot that fit, sorted: `limit` of them after the first `offset`."""
    where, values = _where(filters)
    # Sorted as numbers alone, because texts and evidence of a million rows are most of the file; few are then fetched.
    chosen = _ask(
        f"SELECT row FROM read_parquet(?) WHERE {where} ORDER BY {_sorted(order)} LIMIT ? OFFSET ?",
        [str(path), *values, limit, offset],
    )
    query = "SELECT * FROM read_parquet(?) WHERE row IN (SELECT unnest(CAST(? AS bigint[])))"
    rows = _ask(query, [str(path), chosen["row"].to_list()])
    return chosen.join(rows, on="row", how="left", maintain_order="left").select(rows.columns)


def fitting(path: Path, filters: Filters = EVERYTHING, order: Order = Order()) -> pl.DataFrame:
    """Every prediction of a snapshot that fits, sorted."""
    where, values = _where(filters)
    return _ask(f"SELECT * FROM read_parquet(?) WHERE {where} ORDER BY {_sorted(order)}", [str(path), *values])


def values(path: Path, column: str) -> list[str]:
    """What stands in one of CHOICES, the most frequent first; at most a thousand of them."""
    query = f"SELECT {_known(column, CHOICES)} AS value FROM read_parquet(?) GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT"
    return _ask(f"{query} {_MOST_VALUES}", [str(path)])["value"].to_list()


def _ask(query: str, values: Sequence[object]) -> pl.DataFrame:
    with _database().cursor() as connection:
        frame: pl.DataFrame = connection.sql(query, params=list(values)).pl()
    return frame


@cache
def _database() -> Any:
    """The empty database whose cursors read files: to make one takes 20 ms, longer than most questions."""
    import duckdb  # most processes that import this module search nothing

    # What it reads of a file belongs to the page that asked: it must not fill the memory of a process that lives on.
    return duckdb.connect(config={"enable_external_file_cache": False})


def _where(filters: Filters) -> tuple[str, list[Any]]:
    """A condition and its values, in the order of its question marks."""
    conditions, values = ["true"], list[Any]()

    def add(condition: str, *its: object) -> None:
        conditions.append(condition)
        values.extend(its)

    for word in filters.words.casefold().split():
        add(f"contains(lower({_SEARCHED}), ?)", word)
    for column, text in filters.contains:
        add(f"contains(lower({_known(column, (*TEXTS, *CHOICES))}), ?)", text.casefold())
    for column, allowed in filters.among:
        add(f"list_contains(?, {_known(column, CHOICES)})", list(allowed))
    for column, low, high in filters.between:
        number = NUMBERS[_known(column, NUMBERS)]
        if low is not None:
            add(f"{number} >= ?", low)
        if high is not None:
            add(f"{number} <= ?", high)
    if filters.inside is not None:
        add(_HELD if filters.inside else f"NOT {_HELD}")
    if filters.flagged:
        add("json_extract_string(evidence, '$.flag') IS NOT NULL")
    return " AND ".join(conditions), values


def _sorted(order: Order) -> str:
    column = _known(order.column, COLUMNS)
    return f"{NUMBERS.get(column, column)} {'DESC' if order.descending else 'ASC'} NULLS LAST, row"


def _known(column: str, among: Collection[str]) -> str:
    """The column, which stands in a query as it is. Raises UserError for one that is not among them."""
    if column not in among:
        raise UserError(f"There is no column {column!r} here; choose one of {', '.join(among)}.")
    return column
