"""The table of export formats: how tables leave the house, safe to open in a spreadsheet."""

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from db.errors import UserError
from worker import amounts

# A cell that begins with one of these is run as a formula by Excel, LibreOffice or Google Sheets (OWASP, "CSV
# injection"). Product texts come from strangers, so such cells get a leading apostrophe.
_FORMULA = r"^[=+\-@\t\r\n＝＋－＠]"  # the full-width forms count in Asian versions


def neutralised(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with every text cell that a spreadsheet would run as a formula made plain text."""
    text = pl.col(pl.String)
    return frame.with_columns(pl.when(text.str.contains(_FORMULA)).then(pl.lit("'") + text).otherwise(text).name.keep())


def with_currency(frame: pl.DataFrame, code: str) -> pl.DataFrame:
    """The frame with the code of its prices' currency behind the first column of prices; "" where nobody said it."""
    place = frame.columns.index("price") + 1
    return frame.insert_column(place, pl.lit(code).alias("currency")) if frame.width else frame


def to_csv(frame: pl.DataFrame) -> bytes:
    """UTF-8 with a byte order mark: without it Excel reads accents wrongly."""
    buffer = io.BytesIO()
    neutralised(frame).write_csv(buffer, include_bom=True)
    return buffer.getvalue()


def to_parquet(frame: pl.DataFrame) -> bytes:
    """The frame as Parquet, its texts as they are: no spreadsheet runs Parquet, and programs want the exact text."""
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def to_xlsx(frame: pl.DataFrame) -> bytes:
    """Raises UserError above the rows a sheet can hold."""
    if len(frame) > 1_048_575:
        raise UserError("An Excel sheet holds 1,048,575 rows; export CSV or Parquet instead.")
    buffer = io.BytesIO()
    # Strings stay strings: no formulas, no links made from product texts.
    options = {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}
    import xlsxwriter

    with xlsxwriter.Workbook(buffer, options) as book:
        neutralised(frame).write_excel(book, "predictions", autofit=False, freeze_panes=(1, 0))
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class Format:
    """A way to write a table into a file."""

    label: str  # on the button that downloads it
    mime: str
    bytes_of: Callable[[pl.DataFrame], bytes]


FORMATS: dict[str, Format] = {
    ".csv": Format("CSV", "text/csv", to_csv),
    ".xlsx": Format("Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", to_xlsx),
    ".parquet": Format("Parquet", "application/vnd.apache.parquet", to_parquet),
}
"""Ending of a file's name -> how it is written, in the order in which pages offer them."""

ENDINGS = amounts.listed(sorted(FORMATS), "or")
"""As the command line names them: ".csv, .parquet or .xlsx"."""

SHEETS = (".csv", ".xlsx")
"""Endings of what people open in a spreadsheet: enough for a table that a page shows."""


def check(path: Path) -> None:
    """Raises UserError for a file that `write` can't make; to be asked before hours of work that end in it."""
    if path.suffix.lower() not in FORMATS:
        raise UserError(f"{path.name}: choose a name that ends in {', '.join(sorted(FORMATS))}.")
    if not path.parent.is_dir():
        raise UserError(f"There is no folder {path.parent}; make it, or choose another place for {path.name}.")
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        raise UserError(f"{path} can't be written; choose another place.")


def write(frame: pl.DataFrame, path: Path) -> None:
    """Write by the file's ending. Raises UserError for a file that can't be."""
    check(path)
    path.write_bytes(FORMATS[path.suffix.lower()].bytes_of(frame))
