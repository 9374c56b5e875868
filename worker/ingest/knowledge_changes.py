"""The changes that a file brings to items known by their ids: new ones, other ones, removed ones."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from db.errors import MappingError, UnreadableFile
from worker.ingest import (
    clean_text,
    column_synonyms,
    conversion,
    decimal_signs,
    price_column,
    price_words,
    prices,
    read,
    repeated_lines,
)
from worker.ingest.conversion import Conversion
from worker.ingest.types import TEXT_FIELDS, Cells
from worker.progress import Progress

_SURE = 0.5  # a header that is exactly a word of the lists, or nearly: a column is never guessed by its content here
_REMOVE = ("delete", "deleted", "remove", "removed", "discontinued")
_DATES = ("priced at", "price date", "date", "valid from", "as of", "updated at", "updated", "last updated", "datum")
_YES = ["1", "true", "yes", "y", "x", "delete", "deleted", "remove", "removed", "ja", "oui", "si"]
_FORMATS = ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%Y/%m/%d", "%Y%m%d")
_ITEM = (*TEXT_FIELDS, "price")
_WORDS = ("title", "description", "category", "brand")


@dataclass(frozen=True, slots=True)
class Changes:
    """A batch of lines, in the order of the file."""

    frame: pl.DataFrame  # line, key, title ... brand, price, priced_at, remove, reason; null = the file does not say
    rejects: int  # lines that are no rows of the table


def understand(columns: Sequence[str], known: Mapping[str, str]) -> dict[str, str]:
    """The mapping field -> column; fields are those of an item, and `remove` and `priced_at`.

    A column that bears the name it had in the dataset's own file (`known`) means the same here. A file of one column
    is a list of ids. Raises MappingError without a column of ids.
    """
    mapping = {field: column for field, column in known.items() if column in columns and field in _ITEM}
    for field, names in (("remove", _REMOVE), ("priced_at", _DATES)):
        fits = [
            column for column in columns if column_synonyms.plain(column) in names and column not in mapping.values()
        ]
        if fits:
            mapping[field] = min(fits, key=lambda column: names.index(column_synonyms.plain(column)))
    scores = sorted(
        (
            (-column_synonyms.score(column, field), place, field, column)
            for place, column in enumerate(columns)
            for field in _ITEM
        ),
    )
    for minus, _, field, column in scores:
        if -minus > _SURE and field not in mapping and column not in mapping.values():
            mapping[field] = column
    if len(columns) == 1:
        mapping = {"id": columns[0]}
    if "id" not in mapping:
        raise MappingError(
            "There is no column with the items' ids; name it id, or as it was named in the dataset's own file "
            f"(this one has {', '.join(columns[:20])})."
        )
    return mapping


def batches(
    path: Path,
    name: str,
    known: Mapping[str, str],
    progress: Progress,
    *,
    removes: bool = False,
    said: prices.Decimal | None = None,
    usual: prices.Decimal | None = None,
    currency: str = "",
    whose: str = "the dataset",
) -> Iterator[Changes]:
    """Every row of the file as a change. `removes`: whatever else it holds, its ids are to be removed.

    `said` is the decimal sign that a person gave the prices; else the file tells it, or else it is the `usual` one, of
    the dataset's own file. `currency`: the code of the prices of `whose` items these are; "" = nobody said.
    Raises MappingError, UnreadableFile, and what `progress` raises to stop the work.
    """
    inspection = read.inspect(path, name)
    if inspection.wide_rows:
        raise UnreadableFile(f"{inspection.wide_rows}; put the file right and apply it again.")
    forced = {field: getattr(inspection, field) for field in read.FORCEABLE} | {"preamble": len(inspection.preamble)}
    table = read.open_table(path, inspection.kind, inspection.compression, forced)
    mapping = understand(inspection.columns, known)
    if not removes and "price" in mapping:
        conversion.check(inspection.currencies.get(mapping["price"], {}), currency, whose)
    places = {field: inspection.columns.index(column) for field, column in mapping.items()}
    found = prices.decimal_of(read.texts_of(table.layout.rows, places["price"])) if "price" in places else None
    decimal = said or found or usual
    watch = decimal_signs.Watch(f"c{places['price']}" if "price" in places else "", decimal)
    for read_once in table.cells(sorted(places.values())):
        cells = repeated_lines.spread(read_once)
        watch.check(cells, mapping.get("price", ""))
        frame = _changes(cells, places, decimal, Conversion(currency, currency), removes=removes)
        header = frame["key"] == mapping["id"] if inspection.header_line else None
        if header is not None and header.any():
            frame = frame.filter(~header)
        progress.advance(0)
        yield Changes(frame, sum(reject.count for reject in cells.rejects))


def _changes(
    cells: Cells, places: Mapping[str, int], decimal: prices.Decimal | None, conversion: Conversion, *, removes: bool
) -> pl.DataFrame:
    n = len(cells.frame)

    def column(field: str) -> pl.Series:
        if field not in places:
            return pl.Series([""], dtype=pl.String).new_from_index(0, n)
        return clean_text.tidy(cells.frame[f"c{places[field]}"].fill_null(""))

    read_prices = column("price")
    price, why = price_column.parse(read_prices, decimal, cells.numbers.get(f"c{places.get('price')}"))
    # An item in the index has a price: "0" and "POA" change nothing of it, and that must not go unsaid.
    says_none = price.is_null() & why.is_null() & ~read_prices.str.to_lowercase().is_in(list(price_words.MISSING))
    why = why.set(says_none, "its price says that there is none")
    foreign = conversion.apply(price, column("price")).why
    dates = column("priced_at")
    when = _dates(dates)
    leaving = column("remove").str.to_lowercase().is_in(_YES) | removes
    frame = pl.DataFrame(
        [
            pl.Series("line", cells.lines, dtype=pl.Int64),
            column("id").alias("key"),
            *(column(field).alias(field) for field in _WORDS),
            price.alias("price"),
            when.alias("priced_at"),
            leaving.alias("remove"),
            pl.select(pl.coalesce(pl.lit(why), pl.lit(foreign))).to_series().alias("reason"),
            (when.is_null() & (dates != "")).alias("undated"),
            pl.Series("spoiled", [cells.spoiled.get(place) for place in range(n)], dtype=pl.String),
        ]
    )
    words = [pl.when(pl.col(field) != "").then(pl.col(field)).alias(field) for field in _WORDS]
    reason = pl.coalesce(
        "spoiled",
        pl.when(~pl.col("remove")).then("reason"),
        pl.when(~pl.col("remove") & pl.col("undated")).then(pl.lit("its date can't be read")),
    )
    return frame.with_columns(*words, reason=reason).drop("undated", "spoiled")


def _dates(cells: pl.Series) -> pl.Series:
    """The dates as ISO 8601 with an offset, or null. A date without a time is its beginning, a time without an offset
    is UTC."""
    text = cells.to_frame("d").select(pl.col("d").str.strip_chars().str.replace(" ", "T", literal=True))["d"]
    shapes = [text.str.to_datetime(shape, time_zone="UTC", strict=False) for shape in _FORMATS]
    plain = text.str.replace(r"Z$", "+00:00").str.replace(r"\.\d+", "")
    zoned = [
        plain.str.to_datetime(shape, strict=False, time_zone="UTC")
        for shape in ("%Y-%m-%dT%H:%M:%S%:z", "%Y-%m-%dT%H:%M%:z")
    ]
    local = [
        plain.str.to_datetime(shape, strict=False, time_zone="UTC") for shape in ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M")
    ]
    return pl.select(pl.coalesce(*shapes, *zoned, *local)).to_series().dt.strftime("%Y-%m-%dT%H:%M:%S+00:00")
