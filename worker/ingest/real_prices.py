"""The rows of a file with real prices: ids or texts of products that were priced, and what they really cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from db.errors import MappingError
from worker.ingest import column_synonyms, conversion, prices, read
from worker.ingest.types import BATCH_ITEMS, PROPOSED, Inspection
from worker.progress import Progress

_OURS = frozenset(("low", "high", "flag", "reason"))
"""Columns beside which a price is not a real one but ours: they are appended to a priced file."""
_SURE = 0.5


@dataclass(frozen=True, slots=True)
class Told:
    """What a file says."""

    frame: pl.DataFrame  # BATCH_ITEMS
    rejects: int  # lines that can't be read
    mapping: dict[str, str]  # field -> column that was read


def understand(inspection: Inspection, known: Mapping[str, str], said: Mapping[str, str]) -> dict[str, str]:
    """Field -> column: as a person `said`, else as in the priced file (`known`), else by the names of the columns.

    Raises MappingError where it can't be told which column holds the real prices, or what they belong to.
    """
    columns = inspection.columns
    for field, column in said.items():
        if column and column not in columns:
            raise MappingError(f"There is no column {column!r} for {field}; the file has {', '.join(columns[:20])}.")
    ours = _ours(columns)
    chosen = {field: column for field, column in said.items() if column}
    for field in PROPOSED:
        if field in chosen or field == "price":
            continue
        own = next((column for column in columns if column.casefold() == known.get(field, "").casefold()), None)
        named = [column for column in columns if column_synonyms.score(column, field) > _SURE]
        found = own or max(named, key=lambda name: column_synonyms.score(name, field), default=None)
        if found is not None and found not in chosen.values():
            chosen[field] = found
    if "price" not in chosen:
        chosen["price"] = _price(inspection, ours, set(chosen.values()))
    if "id" not in chosen and "title" not in chosen:
        raise MappingError(
            "It can't be told which column holds the products' ids; name it as in the priced file, or say it "
            f"(in a terminal: --map id=COLUMN; the file has {', '.join(columns[:20])})."
        )
    return chosen


def _ours(columns: Sequence[str]) -> set[str]:
    """Columns that were appended to a priced file, if this is one."""
    by_name = {column.casefold(): column for column in columns}
    for prefix in ("", "pricewright_"):
        if all(f"{prefix}{name}" in by_name for name in _OURS):
            return {by_name[f"{prefix}{name}"] for name in (*_OURS, "price") if f"{prefix}{name}" in by_name}
    return set()


def _price(inspection: Inspection, ours: set[str], taken: set[str]) -> str:
    """The column of real prices, where exactly one can be it. Raises MappingError."""
    names = [
        column
        for column in inspection.columns
        if column not in ours | taken and column_synonyms.score(column, "price") > 0
    ]
    if not names:  # whatever it is called, where only one column holds what can be prices
        names = [
            column
            for place, column in enumerate(inspection.columns)
            if column not in ours | taken and _holds_prices(inspection, place)
        ]
    if len(names) == 1:
        return names[0]
    which = f"{', '.join(names)} may be" if names else f"none of {', '.join(inspection.columns[:20])} holds them alone"
    raise MappingError(
        f"It can't be told which column holds the real prices ({which}); say it (in a terminal: --map price=COLUMN)."
    )


def _holds_prices(inspection: Inspection, place: int) -> bool:
    cells = [row[place] for row in inspection.preview if place < len(row)]
    return bool(cells) and prices.share_of_prices(cells) >= 0.5


def rows_of(
    path: Path,
    inspection: Inspection,
    mapping: Mapping[str, str],
    progress: Progress,
    currency: str = "",
    whose: str = "the dataset",
) -> Told:
    """Every row; one with a price in another `currency` than that of `whose` rows is a reject. A file of ids and
    prices alone needs no titles. Raises UnreadableFile, MappingError, and what `progress` raises to stop the work."""
    whole = {"title": mapping["id"]} | dict(mapping) if "title" not in mapping else dict(mapping)
    conversion.check(inspection.currencies.get(mapping["price"], {}), currency, whose)
    every = list(read.batches(path, inspection, whole, progress, currency))
    frame = pl.concat([pl.DataFrame(schema=BATCH_ITEMS), *(batch.items for batch in every)])
    return Told(frame, sum(batch.rejected for batch in every), dict(mapping))
